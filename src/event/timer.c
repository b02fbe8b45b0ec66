/*
 * timer.c - see timer.h. One queue per length; within a queue timers stand in the order they were
 * set, which is the order they expire. The loop's thread only.
 *
 * Invariants: a set timer is on the queue t->queue, or, with t->queue NULL, on the list of those
 * that timers_expire() is about to fire. Empty queues are kept for the next timer of their length
 * while there are at most QUEUES_KEPT queues; the least recently used of them is given to a new
 * length first. So at most QUEUES_KEPT queues, or those in use, exist.
 */
#include "event/timer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"

#define QUEUES_KEPT 16

struct timer_queue {
    struct list node; /* timers.queues */
    int64_t length;
    struct list timers;
};

void timers_init(struct timers *ts)
{
    list_init(&ts->queues);
    ts->n_queues = ts->n_set = 0;
}

static void queue_free(struct timers *ts, struct timer_queue *q)
{
    list_remove(&q->node);
    ts->n_queues--;
    free(q);
}

void timers_done(struct timers *ts)
{
    if (ts == NULL)
        return;
    check(ts->n_set == 0);
    list_each_safe (q, &ts->queues, struct timer_queue, node)
        queue_free(ts, q);
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    list_init(&t->node);
    t->queue = NULL;
    t->expires = 0;
    t->fire = fire;
}

/* A queue for a new length, on no list: the coldest empty one if enough are kept. */
static struct timer_queue *queue_new(struct timers *ts)
{
    struct timer_queue *q;

    if (ts->n_queues >= QUEUES_KEPT) {
        for (struct list *at = ts->queues.prev; at != &ts->queues; at = at->prev) {
            q = container_of(at, struct timer_queue, node);
            if (list_empty(&q->timers)) {
                list_remove(&q->node);
                return q;
            }
        }
    }
    q = malloc(sizeof *q);
    if (q == NULL)
        return NULL;
    list_init(&q->timers);
    ts->n_queues++;
    return q;
}

/* The queue of that length, moved to the front; NULL without memory. */
static struct timer_queue *queue_of(struct timers *ts, int64_t length)
{
    struct timer_queue *q;

    list_each (it, &ts->queues, struct timer_queue, node) {
        if (it->length != length)
            continue;
        if (ts->queues.next != &it->node) {
            list_remove(&it->node);
            list_push_front(&ts->queues, &it->node);
        }
        return it;
    }
    q = queue_new(ts);
    if (q == NULL)
        return NULL;
    q->length = length;
    list_push_front(&ts->queues, &q->node);
    return q;
}

static void unlink_timer(struct timers *ts, struct timer *t)
{
    struct timer_queue *q = t->queue;

    list_remove(&t->node);
    t->queue = NULL;
    ts->n_set--;
    if (q != NULL && list_empty(&q->timers) && ts->n_queues > QUEUES_KEPT)
        queue_free(ts, q);
}

int timer_set(struct timers *ts, struct timer *t, int64_t now, int64_t length)
{
    struct timer_queue *q = t->queue;

    if (length <= 0) {
        timer_clear(ts, t);
        return 0;
    }
    if (__builtin_add_overflow(now, length, &t->expires))
        t->expires = INT64_MAX;

    /* The timer restarted on each read or write: its queue is at hand. */
    if (q != NULL && q->length == length) {
        if (q->timers.prev != &t->node) {
            list_remove(&t->node);
            list_push_back(&q->timers, &t->node);
        }
        return 0;
    }
    timer_clear(ts, t);
    q = queue_of(ts, length);
    if (q == NULL)
        return -ENOMEM;
    list_push_back(&q->timers, &t->node);
    t->queue = q;
    ts->n_set++;
    return 0;
}

void timer_clear(struct timers *ts, struct timer *t)
{
    if (timer_is_set(t))
        unlink_timer(ts, t);
}

static void take_due(struct timers *ts, struct timer_queue *q, int64_t now, struct list *due)
{
    while (!list_empty(&q->timers)) {
        struct timer *t = list_first(&q->timers, struct timer, node);

        if (t->expires > now)
            return;
        list_remove(&t->node);
        list_push_back(due, &t->node);
        t->queue = NULL;
    }
    if (ts->n_queues > QUEUES_KEPT)
        queue_free(ts, q);
}

/* All that are due are taken off their queues before the first fires: what fire() sets waits, and
 * what it clears is taken off the list of due ones. */
void timers_expire(struct timers *ts, int64_t now)
{
    struct list due;
    struct list *node;

    if (ts->n_set == 0)
        return;
    list_init(&due);
    list_each_safe (q, &ts->queues, struct timer_queue, node) {
        if (!list_empty(&q->timers))
            take_due(ts, q, now, &due);
    }
    while ((node = list_pop_front(&due)) != NULL) {
        struct timer *t = container_of(node, struct timer, node);

        ts->n_set--;
        t->fire(t);
    }
}

int64_t timers_wait(const struct timers *ts, int64_t now)
{
    int64_t soonest = INT64_MAX;

    if (ts->n_set == 0)
        return -1;
    list_each (q, &ts->queues, struct timer_queue, node) {
        if (!list_empty(&q->timers))
            soonest = min_of(soonest, list_first(&q->timers, struct timer, node)->expires);
    }
    return soonest > now ? soonest - now : 0;
}
