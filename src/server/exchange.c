/*
 * exchange.c - the life of an exchange: its states, steps, time-outs, its response and the reading
 * of its body. Which route answers is in exchange_route.c, the plain part of handler/handler.h in
 * exchange_api.c, the loan to a worker in lend.c. The exchange's loop, but the functions of
 * handler.h run on whoever holds the exchange (its loop, or the worker it is lent to), and
 * exchange_resume() on any thread.
 */
#include "server/exchange.h"

#include <errno.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/accesslog.h"
#include "server/engine.h"
#include "server/errorpage.h"
#include "server/filebody.h"
#include "server/registry.h"

#define EXCHANGE_MAGIC 0x65786368u /* "exch" */

/* ---- state */

#define TO(state) (1u << EXCHANGE_##state)

static const unsigned legal_moves[] = {
    [EXCHANGE_IDLE] = TO(STEPPING),
    [EXCHANGE_STEPPING] = TO(LATER) | TO(BODY) | TO(LENT) | TO(REPLYING),
    [EXCHANGE_LATER] = TO(STEPPING) | TO(ABANDONED) | TO(DONE), /* DONE: it was withdrawn */
    [EXCHANGE_BODY] = TO(STEPPING) | TO(DONE),
    /* STEPPING: back, or taken out of the queue; DONE: taken out and nobody waits */
    [EXCHANGE_LENT] = TO(STEPPING) | TO(STREAMING) | TO(ABANDONED) | TO(DONE),
    [EXCHANGE_STREAMING] = TO(REPLYING) | TO(ABANDONED),
    /* ABANDONED: a resume letter is still on its way */
    [EXCHANGE_REPLYING] = TO(DONE) | TO(ABANDONED),
    /* REPLYING: it came back while the late reply is still being sent */
    [EXCHANGE_ABANDONED] = TO(DONE) | TO(REPLYING),
    [EXCHANGE_DONE] = TO(IDLE),
};

static const char *const state_names[] = {
    [EXCHANGE_IDLE] = "idle",         [EXCHANGE_STEPPING] = "stepping",
    [EXCHANGE_LATER] = "later",       [EXCHANGE_BODY] = "awaiting body",
    [EXCHANGE_LENT] = "lent",         [EXCHANGE_STREAMING] = "streaming",
    [EXCHANGE_REPLYING] = "replying", [EXCHANGE_ABANDONED] = "abandoned",
    [EXCHANGE_DONE] = "done",
};

const char *exchange_state_name(enum exchange_state s)
{
    return s < array_len(state_names) ? state_names[s] : "?";
}

/* The only place where x->state is written. */
void exchange_move(struct exchange *x, enum exchange_state to)
{
    check(legal_moves[x->state] & 1u << to);
    x->state = to;
}

static void set_timer(struct exchange *x, int64_t length)
{
    /* Without memory for a timer the exchange goes on unbounded rather than not at all. */
    (void)loop_timer(&x->engine->loop, &x->timer, length);
}

/* ---- the response */

void exchange_body_drop(struct exchange *x, struct body *b)
{
    if (b->kind == BODY_KIND_PARTS)
        filebody_done(x, b);
    else if (b->kind == BODY_KIND_SOURCE && b->source->done != NULL)
        b->source->done(b->source, x);
    b->kind = BODY_KIND_NONE;
}

bool exchange_on_worker(const struct exchange *x)
{
    return x->lent && engine_self() == NULL;
}

enum step exchange_fail(struct exchange *x, unsigned status, const char *reason)
{
    if (exchange_on_worker(x) && x->out != NULL) {
        /* The head is gone, and `response` with it: all that is left is to cut the body. */
        stream_worker_abort(x->out);
        return STEP_DONE;
    }
    exchange_body_drop(x, &x->body);
    errorpage_make(x, status, reason, &x->arena, &x->response, &x->body);
    return STEP_DONE;
}

void exchange_note(struct exchange *x, unsigned status, const char *reason)
{
    engine_note(x->engine, status, reason, x->site ? x->site->name : STR_EMPTY,
                x->route ? x->route->name : STR_EMPTY, x->id);
}

/* A response that lacks fields for want of memory is not sent: they may be what protects it. This
 * one needs no memory but the first block of the late arena. */
static void reply_no_memory(struct exchange *x)
{
    const char *reason = engine_no_memory(x->engine);

    if (x->state == EXCHANGE_STREAMING)
        (void)exchange_abandon(x);
    else
        exchange_body_drop(x, &x->body);
    exchange_body_drop(x, &x->late_body);
    arena_reset(&x->late_arena);
    exchange_note(x, 503, reason);
    errorpage_make(x, 503, reason, &x->late_arena, &x->late, &x->late_body);
    x->reply = &x->late;
    x->reply_body = &x->late_body;
}

/* Of the route; of the site where no route answers. */
static const struct filters *filters_of(const struct exchange *x)
{
    if (x->route != NULL)
        return &x->route->filters;
    return x->site != NULL ? &x->site->filters : NULL;
}

/* Hands a response to the protocol, through the filters. */
void exchange_reply(struct exchange *x, struct response *res, struct body *body)
{
    x->reply = res;
    x->reply_body = body;
    const struct filters *filters = filters_of(x);
    for (size_t i = 0; filters != NULL && i < filters->n; i++) {
        const struct filter_use *f = &filters->v[i];
        if (f->kind->respond != NULL)
            f->kind->respond(x, f->conf);
    }
    if (arena_failed(res->arena) && res->status < 500)
        reply_no_memory(x);
    x->conn->proto->ready(x);
}

static void reply_ours(struct exchange *x)
{
    timer_clear(&x->engine->loop.timers, &x->timer);
    if (x->response.status < 200 || x->response.status > 999)
        exchange_fail(x, 500, x->response.status == 0 ? "no_response" : "bad_status");
    if (x->response.reason != NULL &&
        (x->response.status >= 500 || x->response.status == 408)) /* our bounds' doing */
        exchange_note(x, x->response.status, x->response.reason);
    exchange_move(x, EXCHANGE_REPLYING);
    exchange_reply(x, &x->response, &x->body);
}

void exchange_late_reply(struct exchange *x, unsigned status, const char *reason)
{
    exchange_note(x, status, reason);
    errorpage_make(x, status, reason, &x->late_arena, &x->late, &x->late_body);
    exchange_reply(x, &x->late, &x->late_body);
}

/* ---- steps */

/* The worker's side of run = "pool": the whole handler is the work. */
static void work_handle(struct exchange *x)
{
    enum step s = x->route->kind->handle(x);

    if (s != STEP_DONE)
        exchange_fail(x, 500, "bad_step");
}

static enum step then_done(struct exchange *x)
{
    (void)x;
    return STEP_DONE;
}

/* Its options, and no state: what the step before left is its own. */
static void begin_step(struct exchange *x, const void *conf)
{
    x->conf = conf;
    x->step_state = NULL;
}

/* One of unknown length is over it when it has grown: the protocol's reader sees to that. */
enum step exchange_bound_body(struct exchange *x, uint64_t max)
{
    const struct request *req = &x->request;

    x->body_max = max;
    if (req->body_length == BODY_LENGTH_UNKNOWN || req->body_length <= max)
        return STEP_NEXT;
    stats_count(&x->engine->stats, malformed);
    return exchange_fail(x, 413, "body_too_large");
}

static enum step next_step(struct exchange *x)
{
    const struct route *route = x->route;

    if (x->next_filter < route->filters.n) {
        const struct filter_use *f = &route->filters.v[x->next_filter++];
        if (f->kind->request == NULL)
            return STEP_NEXT;
        begin_step(x, f->conf);
        return f->kind->request(x);
    }
    if (x->in_handler)
        return exchange_fail(x, 500, "bad_step");
    x->in_handler = true;
    begin_step(x, route->conf);
    if (exchange_bound_body(x, x->body_max) == STEP_DONE)
        return STEP_DONE;
    if (route->run_in_pool)
        return exchange_offload(x, work_handle, then_done);
    return route->kind->handle(x);
}

void exchange_go_on(struct exchange *x, enum step s)
{
    while (s == STEP_NEXT)
        s = next_step(x);
    if (s == STEP_DONE)
        reply_ours(x);
    else
        check(x->state != EXCHANGE_STEPPING); /* LATER and OFFLOAD are made by their functions */
}

/* `then`, after a wait. */
static void resume(struct exchange *x)
{
    if (x->state == EXCHANGE_LATER) /* the time for a body goes on while the step looks */
        timer_clear(&x->engine->loop.timers, &x->timer);
    exchange_move(x, EXCHANGE_STEPPING);
    exchange_go_on(x, x->then(x));
}

/* LATER, and nobody waits for it any more; whoever is to resume it can see that. */
static void abandon_later(struct exchange *x)
{
    exchange_move(x, EXCHANGE_ABANDONED);
    x->resume_owed = true;
    atomic_store(&x->cancelled, true);
}

enum step exchange_wait(struct exchange *x, struct wait wait)
{
    if (exchange_on_worker(x))
        return exchange_fail(x, 500, "later_in_pool");
    x->then = wait.then;
    x->too_late = wait.late;
    x->withdraw = wait.withdraw;
    exchange_move(x, EXCHANGE_LATER);
    set_timer(x, wait.time);
    return STEP_LATER;
}

enum step exchange_later(struct exchange *x, step_fn *then)
{
    return exchange_wait(x, (struct wait){ .then = then, .time = x->timeouts.handler });
}

enum step exchange_await_body(struct exchange *x, step_fn *then)
{
    if (exchange_on_worker(x))
        return exchange_fail(x, 500, "later_in_pool");
    check(x->body_wanted);
    x->then = then;
    exchange_move(x, EXCHANGE_BODY);
    return STEP_LATER;
}

enum step exchange_offload(struct exchange *x, void (*work)(struct exchange *x), step_fn *then)
{
    if (exchange_on_worker(x)) { /* where it may block already */
        work(x);
        return then(x);
    }
    x->work = work;
    x->then = then;
    return exchange_lend(x);
}

void exchange_resume(struct exchange *x)
{
    struct engine *e = x->engine;

    /* Once the letter is in the box the exchange may be gone, and the last connection with it; the
     * engine stays until nobody is in here (server_free). */
    atomic_fetch_add(&e->posting, 1);
    if (!atomic_exchange(&x->resume_posted, true))
        loop_post(&e->loop, &x->resume_letter);
    atomic_fetch_sub(&e->posting, 1);
}

static void resume_deliver(struct letter *l)
{
    struct exchange *x = container_of(l, struct exchange, resume_letter);

    check_magic(x, EXCHANGE_MAGIC);
    atomic_store(&x->resume_posted, false);
    switch (x->state) {
    case EXCHANGE_LATER:
        resume(x);
        break;
    case EXCHANGE_REPLYING: /* the source has more: its time begins anew */
        timer_clear(&x->engine->loop.timers, &x->timer);
        x->conn->proto->ready(x);
        break;
    case EXCHANGE_LENT: /* the worker wants the body */
    case EXCHANGE_STREAMING:
        x->conn->proto->ready(x);
        break;
    case EXCHANGE_ABANDONED:
        if (!x->resume_owed && !x->ended) { /* lent, and the source of the late reply has more */
            timer_clear(&x->engine->loop.timers, &x->timer);
            x->conn->proto->ready(x);
            break;
        }
        x->resume_owed = false;
        if (!x->lent)
            exchange_release(x);
        break;
    default:
        break;
    }
}

/* ---- begin */

void exchange_begin(struct exchange *x)
{
    exchange_move(x, EXCHANGE_STEPPING);
    exchange_go_on(x, exchange_route(x));
}

void exchange_refuse(struct exchange *x, unsigned status, const char *reason)
{
    if (x->state == EXCHANGE_IDLE)
        exchange_move(x, EXCHANGE_STEPPING);
    exchange_fail(x, status, reason);
    reply_ours(x);
}

/* ---- time-outs */

static void count_timeout(struct exchange *x)
{
    if (x->route != NULL)
        stats_count(route_counts(x->route->state, x->engine->index), timeouts);
}

static void timed_out(struct timer *t)
{
    struct exchange *x = container_of(t, struct exchange, timer);

    check_magic(x, EXCHANGE_MAGIC);
    stats_count(&x->engine->stats, timeouts);
    switch (x->state) {
    case EXCHANGE_BODY:
        x->body_timed_out = true;
        resume(x);
        break;
    case EXCHANGE_LATER:
        if (x->withdraw != NULL) {
            if (!x->withdraw(x))
                break; /* resume_letter is on its way */
            exchange_move(x, EXCHANGE_STEPPING);
            exchange_go_on(x, x->too_late(x));
            break;
        }
        count_timeout(x);
        abandon_later(x);
        exchange_late_reply(x, 504, "handler_timeout");
        break;
    case EXCHANGE_LENT:
        if (x->queue_timed) {
            if (pool_cancel(exchange_pool(x), &x->job)) {
                x->lent = false;
                stats_count(&x->engine->stats, pool_refused);
                exchange_move(x, EXCHANGE_STEPPING);
                exchange_go_on(x, exchange_fail(x, 503, "queue_time"));
                break;
            }
            /* It runs: from now on the time of the handler counts, from the submit on. */
            x->queue_timed = false;
            set_timer(x, x->timeouts.handler - x->queue_time); /* > 0, or it were not set */
            break;
        }
        count_timeout(x);
        if (exchange_abandon(x)) {
            exchange_move(x, EXCHANGE_STEPPING);
            exchange_go_on(x, exchange_fail(x, 504, "handler_timeout"));
        } else {
            exchange_late_reply(x, 504, "handler_timeout");
        }
        break;
    case EXCHANGE_STREAMING:
    case EXCHANGE_REPLYING:
    case EXCHANGE_ABANDONED: /* and the late reply is being sent */
        if (x->body_wanted) {
            x->body_timed_out = true;
        } else {
            count_timeout(x);
            x->stalled = true;
        }
        x->conn->proto->ready(x);
        break;
    default:
        break;
    }
}

/* ---- bodies */

bool exchange_input(struct exchange *x)
{
    switch (x->state) {
    case EXCHANGE_BODY:
        resume(x);
        return true;
    case EXCHANGE_LENT:
    case EXCHANGE_STREAMING:
        return exchange_feed(x);
    default:
        return false;
    }
}

void exchange_want_body(struct exchange *x)
{
    if (!exchange_on_worker(x))
        x->conn->proto->want_body(x);
    else if (x->in != NULL && !atomic_exchange(&x->in_wanted, true))
        exchange_resume(x); /* the loop begins to feed */
}

static ssize_t read_on_worker(struct exchange *x, void *buf, size_t n)
{
    if (x->in == NULL)
        return 0;
    exchange_want_body(x);
    ssize_t r = stream_worker_read(x->in, buf, n, clock_mono() + x->timeouts.body);
    if (r == -ECANCELED && !exchange_cancelled(x))
        r = atomic_load(&x->in_error);
    return r;
}

/* What a worker was fed and did not read comes before what is still to be received. */
static ssize_t read_left_over(struct exchange *x, void *buf, size_t n)
{
    if (x->in == NULL)
        return -EAGAIN;
    ssize_t r = stream_worker_read(x->in, buf, n, 0);
    if (r > 0 || (r == 0 && x->in_fed))
        return r;
    if (x->in_fed)
        return atomic_load(&x->in_error);
    stream_free(x->in); /* the job is back: nobody feeds it any more */
    x->in = NULL;
    return -EAGAIN;
}

ssize_t exchange_read(struct exchange *x, void *buf, size_t n)
{
    if (n == 0)
        return 0;
    if (exchange_on_worker(x))
        return read_on_worker(x, buf, n);
    if (x->body_timed_out)
        return -ETIMEDOUT;
    ssize_t r = read_left_over(x, buf, n);
    if (r == -EAGAIN)
        r = x->conn->proto->read(x, buf, n);
    if (r == -EAGAIN) {
        x->body_wanted = true;
        if (!timer_is_set(&x->timer))
            set_timer(x, x->timeouts.body);
    } else if (x->body_wanted) {
        x->body_wanted = false;
        timer_clear(&x->engine->loop.timers, &x->timer);
    }
    return r;
}

enum step exchange_read_failed(struct exchange *x, int error)
{
    switch (-error) {
    case ETIMEDOUT:
        return exchange_fail(x, 408, "body_timeout");
    case ETIME:
        return exchange_fail(x, 408, "body_rate");
    case EMSGSIZE:
        return exchange_fail(x, 413, "body_too_large");
    default:
        return exchange_fail(x, 400, x->body_fault);
    }
}

/* ---- begin and end */

void exchange_init(struct exchange *x)
{
    x->magic = EXCHANGE_MAGIC;
    x->state = EXCHANGE_IDLE;
    timer_init(&x->timer, timed_out);
    x->resume_letter.deliver = resume_deliver;
    exchange_lend_init(x);
    exchange_task_init(x);
}

void exchange_prepare(struct exchange *x, struct conn *c)
{
    check(x->state == EXCHANGE_IDLE);
    x->conn = c;
    x->engine = c->engine;
    x->timeouts = c->engine->config->timeouts;
    x->site = NULL;
    x->route = NULL;
    x->next_filter = 0;
    x->lent = x->in_handler = x->out_whole = false;
    x->body_max = (uint64_t)c->engine->config->limits.body;
    x->timed = x->unlogged = false;
    x->note = STR_EMPTY;
    atomic_store_explicit(&x->cancelled, false, memory_order_relaxed);
    x->queue_timed = x->body_wanted = x->body_timed_out = x->in_fed = x->stalled = false;
    x->ended = x->resume_owed = false;
    x->peer[0] = '\0';
    x->wall = c->engine->loop.wall;
    x->began = loop_now(&c->engine->loop);
    x->id = ++c->engine->last_id;
    x->version_minor = 1;
    x->raw = STR_EMPTY;
    x->body_fault = "bad_body";
    x->status = 0;
    x->sent = 0;
    x->body.kind = x->late_body.kind = x->taken.kind = BODY_KIND_NONE;
    x->reply = NULL;
    x->reply_body = NULL;
    x->in = x->out = NULL;
    arena_init_in(&x->arena, x->first, sizeof x->first, c->engine->config->exchange_memory);
    arena_init_in(&x->late_arena, x->late_first, sizeof x->late_first, EXCHANGE_LATE_MAX);
    arena_charge(&x->arena, &c->engine->bounds->memory);
    arena_charge(&x->late_arena, &c->engine->bounds->memory);
    response_init(&x->response, &x->arena);
}

/* Everything is ours again and nobody is interested: back to IDLE. */
static void finish(struct exchange *x)
{
    exchange_move(x, EXCHANGE_DONE);
    timer_clear(&x->engine->loop.timers, &x->timer);
    exchange_body_drop(x, &x->body);
    exchange_body_drop(x, &x->late_body);
    exchange_body_drop(x, &x->taken); /* of who did not call its done() */
    exchange_streams_free(x);
    arena_reset(&x->arena);
    arena_reset(&x->late_arena);
    if (x->site != NULL) /* after what may look at it */
        site_unuse(x->site, x->engine->index);
    x->site = NULL;
    x->route = NULL;
    x->reply = NULL;
    exchange_move(x, EXCHANGE_IDLE);
}

/* It has ended: finishes it unless something of it is still out, whose return asks again. */
static bool let_go(struct exchange *x)
{
    if (x->lent || x->resume_owed || x->task == TASK_LENT)
        return false;
    /* After the source's done() nobody posts a resume any more, but one may be on its way. */
    if (x->reply_body != NULL)
        exchange_body_drop(x, x->reply_body);
    if (atomic_load(&x->resume_posted))
        return false;
    finish(x);
    return true;
}

void exchange_release(struct exchange *x)
{
    if (!x->ended)
        exchange_move(x, EXCHANGE_REPLYING);
    else if (let_go(x))
        x->conn->proto->released(x);
}

/* It counts where it belongs. */
static void count(const struct exchange *x, const char *cut)
{
    struct stats *stats = &x->engine->stats;

    if (cut == NULL)
        stats_count(stats, answered);
    else if (x->status != 0)
        stats_count(stats, cut);
    else
        stats_count(stats, unanswered);
    if (x->route == NULL)
        return;
    struct route_counts *counts = route_counts(x->route->state, x->engine->index);
    stats_count(counts, requests);
    if (x->status >= 500 || (cut != NULL && x->status != 0))
        stats_count(counts, failed);
}

bool exchange_end(struct exchange *x, const char *cut)
{
    if (x->state == EXCHANGE_IDLE)
        return true;
    timer_clear(&x->engine->loop.timers, &x->timer);
    (void)exchange_task_withdraw(x);
    if (!x->ended) {
        count(x, cut);
        if (x->engine->accesslog != NULL && !x->unlogged)
            accesslog_add(x->engine->accesslog, x, cut);
    }
    x->ended = true;
    switch (x->state) {
    case EXCHANGE_LATER:
        if (x->withdraw != NULL && x->withdraw(x)) {
            finish(x);
            return true;
        }
        abandon_later(x);
        return false;
    case EXCHANGE_LENT:
    case EXCHANGE_STREAMING:
        if (!exchange_abandon(x))
            return false;
        finish(x);
        return true;
    case EXCHANGE_REPLYING:
        if (let_go(x))
            return true;
        exchange_move(x, EXCHANGE_ABANDONED);
        return false;
    case EXCHANGE_BODY:
        finish(x);
        return true;
    case EXCHANGE_ABANDONED:
        return false;
    default:
        check_never("an exchange ends between its steps");
        return false;
    }
}
