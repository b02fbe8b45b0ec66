/*
 * timer.h - time-outs of a loop. All timers of one length stand in one list, in the order they
 * were set, so setting, clearing and expiring are O(1) whatever their number; a set of lists,
 * one per length in use, is looked up by length (few: they come from the config). Times are
 * loop_now(), resolution one turn. Owned by one loop, its thread only.
 */
#ifndef MUXD_EVENT_TIMER_H
#define MUXD_EVENT_TIMER_H

#include "base/list.h"

struct timer_queue;

struct timer {
    struct list node; /* on the queue of its length while set */
    struct timer_queue *queue;
    int64_t expires;
    void (*fire)(struct timer *t); /* on the loop; the timer is already cleared */
};

struct timers {
    struct list queues; /* most recently used first */
    unsigned n_queues, n_set;
};

void timers_init(struct timers *ts);
/* No timer may be set any more. */
void timers_done(struct timers *ts);

void timer_init(struct timer *t, void (*fire)(struct timer *t));
static inline bool timer_is_set(const struct timer *t)
{
    return list_linked(&t->node);
}
/* (Re)starts it to fire `length` ns after `now`. A length <= 0 never fires: clears it. 0, or
 * -ENOMEM: the first timer of a new length had no memory for its list; the timer is not set. */
int timer_set(struct timers *ts, struct timer *t, int64_t now, int64_t length);
void timer_clear(struct timers *ts, struct timer *t); /* harmless if not set */

/* Fires what is due at `now`; a timer set again by its own fire waits for the next call. */
void timers_expire(struct timers *ts, int64_t now);
/* ns from `now` until the next is due: 0 if overdue, -1 if none is set. */
int64_t timers_wait(const struct timers *ts, int64_t now);

#endif
