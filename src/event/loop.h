/*
 * loop.h - one edge-triggered epoll loop: descriptors, a ready list, timers, a mailbox.
 *
 * A watch is embedded in what it watches (connection, listener). Its descriptor is registered
 * once and never modified; epoll carries slot and generation, never a pointer, so an event
 * of a closed descriptor (one that a forked child kept open, say) finds no watch.
 *
 * A turn: wait; read the clock once; deliver letters; call `ready` of each watch that has
 * events or stood on the ready list; fire timers; run the `later` tasks. What a turn closes
 * is freed by a `later` task, so no pointer taken in the turn dangles. A turn takes a bounded
 * number of events from the kernel, and time-outs may be late by what the turn before took.
 *
 * All of it belongs to the thread in loop_run(), which loop_check_thread() verifies; only
 * loop_post() and loop_stop() may be called from any thread.
 */
#ifndef MUXD_EVENT_LOOP_H
#define MUXD_EVENT_LOOP_H

#include <pthread.h>
#include <sys/epoll.h>

#include "event/mailbox.h"
#include "event/timer.h"

struct loop;

struct watch {
    void (*ready)(struct watch *w, uint32_t events); /* EPOLL* bits since the last call; 0 if it
                                                        only stood on the ready list */
    struct list ready_node;                          /* loop.ready while due */
    uint32_t events;                                 /* seen, not yet handed out */
    uint32_t slot;                                   /* in loop.slots; 0: not registered */
    int fd;
};

struct loop_slot {
    struct watch *watch; /* NULL: free */
    uint32_t generation; /* of the registration; counts up */
    uint32_t next_free;
};

/* A task for the end of the turn. From later_init(), or all zero but `run`. */
struct later {
    struct list node;
    void (*run)(struct later *l); /* may free what it is embedded in */
};

struct loop {
    uint32_t magic;
    int epoll;
    int64_t now;  /* clock_mono() at the begin of this turn */
    int64_t wall; /* ns since 1970 UTC, likewise, to the kernel's tick */
    uint64_t turns;
    struct timers timers;
    struct mailbox mailbox;
    struct watch mail_watch;
    struct list ready; /* watches due in the next turn without waiting */
    struct list laters;
    struct loop_slot *slots;
    uint32_t n_slots, free_slot;
    pthread_t thread;
    bool running;
    _Atomic bool stop;
    _Atomic int64_t heartbeat; /* `now` of the last turn, for the watchdog; any thread reads. An
                                  idle loop sleeps: post a letter, then expect it to move. */
};

int loop_init(struct loop *l) MUST_USE; /* 0 or -errno */
/* Delivers the letters and runs the tasks that are left. Nothing may be registered any more but
 * what loop_init() did, and no timer set. */
void loop_done(struct loop *l);
/* Turns until loop_stop(), which may come first. Before and after, any one thread may use the loop.
 */
void loop_run(struct loop *l);
/* One turn; waits at most `max_wait` ns (-1: as long as nothing happens). For tests and loop_run().
 */
void loop_turn(struct loop *l, int64_t max_wait);
void loop_stop(struct loop *l);

static inline int64_t loop_now(const struct loop *l)
{
    return l->now;
}
void loop_check_thread(const struct loop *l);

void watch_init(struct watch *w, void (*ready)(struct watch *w, uint32_t events));
static inline bool watch_is_on(const struct watch *w)
{
    return w->slot != 0;
}
/* Registers fd with `events` (EPOLLET is added). 0 or -errno. The watch must not move. */
int loop_watch(struct loop *l, struct watch *w, int fd, uint32_t events) MUST_USE;
/* Unregisters (EPOLL_CTL_DEL; the caller closes fd afterwards, w->fd still tells it) and takes it
 * off the ready list. No call of `ready` follows. Harmless if not on. */
void loop_unwatch(struct loop *l, struct watch *w);
/*
 * Calls w->ready in the next turn, which then does not wait; in this turn if letters are still
 * being delivered, or if w is due in it anyway. Once, however often asked. The watch need not be
 * registered; then loop_unwatch() must still be called before it goes, unless `ready` was.
 */
void loop_ready(struct loop *l, struct watch *w);
/* At the end of this turn; at the end of the next, which does not wait, when called between turns
 * or by such a task. Once, however often asked. */
void loop_later(struct loop *l, struct later *task);
static inline void later_init(struct later *task, void (*run)(struct later *l))
{
    list_init(&task->node);
    task->run = run;
}

static inline int loop_timer(struct loop *l, struct timer *t, int64_t length)
{
    return timer_set(&l->timers, t, l->now, length);
}
static inline void loop_timer_clear(struct loop *l, struct timer *t)
{
    timer_clear(&l->timers, t);
}
static inline void loop_post(struct loop *l, struct letter *letter)
{
    mailbox_post(&l->mailbox, letter);
}

#endif
