/*
 * lend.c - an exchange goes to a worker and comes back.
 *
 *   loop                                   worker
 *   exchange_lend(): submit, state LENT
 *   feeds `in` as body arrives       -->   exchange_read()
 *   head_letter: state STREAMING     <--   first exchange_write(): makes `out`, posts
 *   pulls from `out`                 <--   exchange_write()
 *   back_letter: ours again          <--   job_done(), the worker's last touch
 *
 * The letters of one worker arrive in order, so head_letter is never later than back_letter. When
 * the loop gives up first it sets `cancelled` and aborts the streams it knows of: `out` is
 * known once head_letter arrived, which aborts it then if it was not. The functions of the worker's
 * side say so; all others run on the loop.
 */
#include <errno.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/registry.h"

#define STREAM_SIZE KIB(64)
#define FEED_PIECE KIB(4)   /* of body decoded at a time, on the stack */
#define FED_IS_LIFE KIB(16) /* a worker's body in one handler time-out: more is a sign of life */
#define WRITE_PIECE KIB(16) /* each piece of a long exchange_write() has a deadline of its own */

struct pool *exchange_pool(const struct exchange *x)
{
    return x->route->workers->pool;
}

/* ---- the worker's side */

static void job_run(struct job *job)
{
    struct exchange *x = container_of(job, struct exchange, job);

    if (!exchange_cancelled(x))
        x->work(x);
}

static void job_done(struct job *job)
{
    struct exchange *x = container_of(job, struct exchange, job);

    if (x->out != NULL && job->died)
        stream_worker_abort(x->out);
    else if (x->out != NULL)
        stream_worker_close(x->out);
    loop_post(&x->engine->loop, &x->back_letter);
}

bool exchange_cancelled(const struct exchange *x)
{
    return atomic_load(&x->cancelled);
}

static void told_out(void *arg);

int exchange_write(struct exchange *x, const void *bytes, size_t n)
{
    const char *p = bytes;

    check(exchange_on_worker(x));
    if (exchange_cancelled(x))
        return -ECANCELED;
    if (x->out == NULL) {
        x->out = stream_new(STREAM_TO_LOOP, STREAM_SIZE, &x->engine->bounds->memory,
                            &x->engine->loop.mailbox, told_out, x);
        if (x->out == NULL) {
            exchange_fail(x, 503, engine_no_memory(x->engine));
            return -ENOMEM;
        }
        if (x->response.status == 0)
            x->response.status = 200;
        loop_post(&x->engine->loop, &x->head_letter);
    }
    while (n > 0) {
        size_t piece = min_of(n, WRITE_PIECE);
        int r = stream_worker_write(x->out, p, piece, clock_mono() + x->timeouts.write);
        if (r < 0) { /* whatever the handler makes of it, the body is not whole */
            stream_worker_abort(x->out);
            return r;
        }
        p += piece;
        n -= piece;
    }
    return 0;
}

void exchange_abort(struct exchange *x)
{
    check(exchange_on_worker(x));
    if (x->out != NULL)
        stream_worker_abort(x->out);
    else
        exchange_fail(x, 500, "handler_aborted");
}

/* ---- the loop's side */

static void told_out(void *arg)
{
    struct exchange *x = arg;

    if (!exchange_has_reply(x) || x->state == EXCHANGE_ABANDONED)
        return;
    timer_clear(&x->engine->loop.timers, &x->timer); /* a sign of life */
    x->conn->proto->ready(x);
}

static void told_in(void *arg)
{
    struct exchange *x = arg;

    if (x->state == EXCHANGE_LENT || x->state == EXCHANGE_STREAMING)
        x->conn->proto->ready(x); /* which reads on, by exchange_input() */
}

bool exchange_feed(struct exchange *x)
{
    char piece[FEED_PIECE];
    bool moved = false;

    if (x->in == NULL || !atomic_load(&x->in_wanted))
        return false;
    while (!x->in_fed) {
        size_t room = stream_loop_room(x->in);
        if (room == 0)
            break; /* told_in() goes on */
        ssize_t r = x->conn->proto->read(x, piece, min_of(room, sizeof piece));
        if (r == -EAGAIN)
            break;
        moved = true;
        if (r > 0) {
            ssize_t w = stream_loop_write(x->in, piece, (size_t)r);
            check(w == r || w == -ECANCELED);
            x->fed += (size_t)r;
            continue;
        }
        x->in_fed = true;
        if (r == 0) {
            stream_loop_close(x->in);
        } else {
            atomic_store(&x->in_error, (int)r);
            stream_loop_abort(x->in);
        }
    }
    /* Taking in a body is a sign of life, and the handler's time begins anew; but not for a
     * trickle, by which few clients could hold all workers, and not where the route says when to
     * be done. */
    if (x->fed >= FED_IS_LIFE && !x->timed && !x->queue_timed && timer_is_set(&x->timer)) {
        x->fed = 0;
        (void)loop_timer(&x->engine->loop, &x->timer, x->timeouts.handler);
    }
    return moved;
}

static ssize_t out_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    ssize_t r = stream_loop_read(x->out, buf, n);

    (void)s;
    x->out_whole = r == 0;
    return r;
}

/* The worker has begun the response. From here on `response` stays as it is, but its arena goes on
 * being the worker's; so the loop sends a copy of the head that grows in memory of its own. */
static void head_deliver(struct letter *l)
{
    struct exchange *x = container_of(l, struct exchange, head_letter);

    if (x->state == EXCHANGE_ABANDONED) {
        stream_loop_abort(x->out);
        return;
    }
    exchange_move(x, EXCHANGE_STREAMING);
    timer_clear(&x->engine->loop.timers, &x->timer);
    response_init(&x->late, &x->late_arena);
    x->late.status = x->response.status;
    for (size_t i = 0; i < x->response.n_fields; i++)
        response_add_checked(&x->late, x->response.fields[i].name, x->response.fields[i].value);
    x->out_source = (struct source){ .pull = out_pull };
    x->late_body = (struct body){ .kind = BODY_KIND_SOURCE,
                                  .length = BODY_LENGTH_UNKNOWN,
                                  .source = &x->out_source };
    exchange_reply(x, &x->late, &x->late_body);
}

static void back_deliver(struct letter *l)
{
    struct exchange *x = container_of(l, struct exchange, back_letter);

    x->lent = false;
    switch (x->state) {
    case EXCHANGE_ABANDONED:
        exchange_release(x);
        break;
    case EXCHANGE_LENT:
        timer_clear(&x->engine->loop.timers, &x->timer);
        exchange_move(x, EXCHANGE_STEPPING);
        exchange_go_on(x, x->job.died ? exchange_fail(x, 500, "worker_died") : x->then(x));
        break;
    case EXCHANGE_STREAMING:
        exchange_move(x, EXCHANGE_REPLYING);
        x->conn->proto->ready(x);
        break;
    default:
        check_never("a job came back to an exchange that lent none");
    }
}

static const char *refusal(int error)
{
    switch (-error) {
    case EAGAIN:
        return "pool_full";
    case EBUSY:
        return "pool_share";
    default:
        return "pool_unavailable";
    }
}

enum step exchange_lend(struct exchange *x)
{
    (void)exchange_peer(x); /* cached now: filters may ask for it on the loop meanwhile */
    if (x->request.has_body && x->in == NULL) {
        x->in = stream_new(STREAM_TO_WORKER, STREAM_SIZE, &x->engine->bounds->memory,
                           &x->engine->loop.mailbox, told_in, x);
        if (x->in == NULL)
            return exchange_fail(x, 503, engine_no_memory(x->engine));
        atomic_store(&x->in_wanted, false);
        x->fed = 0;
    }
    x->job.name = x->route->name.p;
    x->job.share = x->route->share > 0 ? &x->route->state->share : NULL;
    x->job.died = false;
    x->lent = true;
    int r = pool_submit(exchange_pool(x), &x->job);
    if (r < 0) {
        x->lent = false;
        stats_count(&x->engine->stats, pool_refused);
        return exchange_fail(x, 503, refusal(r));
    }
    exchange_move(x, EXCHANGE_LENT);
    stats_count(&x->engine->stats, offloaded);
    x->queue_time = atomic_load_explicit(&x->route->workers->queue_time, memory_order_relaxed);
    x->queue_timed = x->queue_time < x->timeouts.handler;
    (void)loop_timer(&x->engine->loop, &x->timer,
                     x->queue_timed ? x->queue_time : x->timeouts.handler);
    return STEP_OFFLOAD;
}

bool exchange_abandon(struct exchange *x)
{
    timer_clear(&x->engine->loop.timers, &x->timer);
    if (x->state == EXCHANGE_LENT && pool_cancel(exchange_pool(x), &x->job)) {
        x->lent = false;
        return true;
    }
    if (!x->out_whole)
        stats_count(&x->engine->stats, abandoned);
    atomic_store(&x->cancelled, true);
    if (x->in != NULL)
        stream_loop_abort(x->in);
    if (x->state == EXCHANGE_STREAMING)
        stream_loop_abort(x->out);
    exchange_move(x, EXCHANGE_ABANDONED);
    return false;
}

void exchange_streams_free(struct exchange *x)
{
    stream_free(x->in);
    stream_free(x->out);
    x->in = x->out = NULL;
}

void exchange_lend_init(struct exchange *x)
{
    x->job = (struct job){ .run = job_run, .done = job_done };
    x->back_letter.deliver = back_deliver;
    x->head_letter.deliver = head_deliver;
    atomic_init(&x->cancelled, false);
    atomic_init(&x->in_wanted, false);
    atomic_init(&x->in_error, 0);
    atomic_init(&x->resume_posted, false);
}
