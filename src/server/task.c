/*
 * task.c - what a body has done in a pool while it is sent (exchange_task), and the pulling that
 * waits for it. Beside the exchange's own job and letters: the exchange is not lent, only what the
 * work touches. The exchange's loop, but for run and done of the job.
 *
 *   NONE --> WAITS --> LENT --> NONE, and the body is pulled again
 *     \________________^
 *
 * When the exchange ends first, a task that waits or is queued is taken back; one that runs is
 * waited for (exchange_release), and with it all that it may touch.
 */
#include <errno.h>

#include "base/check.h"
#include "config/config.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/filebody.h"
#include "server/registry.h"

#define ASK_AGAIN (20 * NSEC_PER_MSEC) /* a pool that was full */

/* ---- the worker's side */

static void task_run(struct job *job)
{
    struct exchange *x = container_of(job, struct exchange, task_job);

    x->task_work(x->task_arg);
}

static void task_done(struct job *job)
{
    struct exchange *x = container_of(job, struct exchange, task_job);

    loop_post(&x->engine->loop, &x->task_letter);
}

/* ---- the loop's side */

static void task_back(struct letter *l)
{
    struct exchange *x = container_of(l, struct exchange, task_letter);

    check(x->task == TASK_LENT);
    x->task = TASK_NONE;
    if (x->ended) {
        exchange_release(x);
        return;
    }
    timer_clear(&x->engine->loop.timers, &x->timer);
    x->stalled = x->task_job.died;
    x->conn->proto->ready(x);
}

static int submit(struct exchange *x)
{
    if (pool_submit(x->task_pool, &x->task_job) == 0) {
        x->task = TASK_LENT;
        stats_count(&x->engine->stats, tasks);
        return 0;
    }
    x->task = TASK_WAITS;
    return loop_timer(&x->engine->loop, &x->task_timer, ASK_AGAIN);
}

static void ask_again(struct timer *t)
{
    struct exchange *x = container_of(t, struct exchange, task_timer);

    if (x->task_work != NULL) {
        (void)submit(x); /* the timer's list is there: no memory is needed */
        return;
    }
    x->task = TASK_NONE;
    x->conn->proto->ready(x);
}

int exchange_nap(struct exchange *x)
{
    check(x->task == TASK_NONE);
    int r = loop_timer(&x->engine->loop, &x->task_timer, ASK_AGAIN);
    if (r < 0)
        return r;
    x->task = TASK_WAITS;
    x->task_work = NULL;
    return 0;
}

int exchange_task(struct exchange *x, void (*work)(void *arg), void *arg)
{
    const struct route *route = x->route;

    check(!exchange_on_worker(x));
    if (x->lent || x->task != TASK_NONE)
        return -EBUSY;
    x->task_work = work;
    x->task_arg = arg;
    x->task_pool = route != NULL ? route->workers->pool : x->engine->config->workers->pool;
    x->task_job.name = route != NULL ? route->name.p : "-";
    x->task_job.share = route != NULL && route->share > 0 ? &route->state->share : NULL;
    x->task_job.died = false;
    int r = submit(x);
    if (r < 0)
        x->task = TASK_NONE;
    return r;
}

bool exchange_has_task(const struct exchange *x)
{
    return x->task != TASK_NONE;
}

bool exchange_task_withdraw(struct exchange *x)
{
    if (x->task == TASK_WAITS)
        timer_clear(&x->engine->loop.timers, &x->task_timer);
    else if (x->task == TASK_LENT && !pool_cancel(x->task_pool, &x->task_job))
        return false;
    x->task = TASK_NONE;
    return true;
}

void exchange_task_init(struct exchange *x)
{
    x->task_job = (struct job){ .run = task_run, .done = task_done };
    x->task_letter.deliver = task_back;
    timer_init(&x->task_timer, ask_again);
}

/* ---- pulling */

ssize_t exchange_pull(struct exchange *x, void *buf, size_t n)
{
    struct body *b = x->reply_body;
    struct source *s = b->source;

    if (x->stalled)
        return -ETIMEDOUT;
    if (x->task != TASK_NONE)
        return -EAGAIN;
    ssize_t r = b->kind == BODY_KIND_SOURCE ? s->pull(s, x, buf, n) : filebody_read(x, b, buf, n);
    if (r != -EAGAIN)
        timer_clear(&x->engine->loop.timers, &x->timer);
    else if (!timer_is_set(&x->timer)) /* without memory for it, it is not bounded */
        (void)loop_timer(&x->engine->loop, &x->timer, x->timeouts.handler);
    return r;
}
