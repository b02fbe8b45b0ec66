/*
 * loop.c - see loop.h. The thread in loop_run() only, but for loop_stop() and loop_post().
 *
 * Invariants: slots[0] is never used. A slot's generation grows when its watch goes, so an event
 * that carries an older one finds nothing. Events are turned into watches before the first callback
 * of a turn; from then on only the ready list leads to a watch, and loop_unwatch() takes it off.
 */
#include "event/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define LOOP_MAGIC 0x6c6f6f70u
#define EVENTS_A_TURN 256
#define SLOTS_FIRST 64

static void read_clocks(struct loop *l)
{
    l->now = clock_mono();
    l->wall = clock_read(CLOCK_REALTIME_COARSE);
    atomic_store_explicit(&l->heartbeat, l->now, memory_order_relaxed);
}

/* The turn itself delivers; the eventfd only has to end the wait. */
static void mail_ready(struct watch *w UNUSED, uint32_t events UNUSED)
{
}

int loop_init(struct loop *l)
{
    int r;

    *l = (struct loop){ .magic = LOOP_MAGIC, .thread = pthread_self() };
    timers_init(&l->timers);
    list_init(&l->ready);
    list_init(&l->laters);
    watch_init(&l->mail_watch, mail_ready);
    read_clocks(l);

    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0) {
        r = -errno;
        goto no_epoll;
    }
    r = mailbox_init(&l->mailbox);
    if (r < 0)
        goto no_mailbox;
    r = loop_watch(l, &l->mail_watch, l->mailbox.eventfd, EPOLLIN);
    if (r < 0)
        goto no_watch;
    return 0;

no_watch:
    mailbox_done(&l->mailbox);
no_mailbox:
    close(l->epoll);
no_epoll:
    free(l->slots);
    l->magic = 0;
    return r;
}

static void run_laters(struct loop *l)
{
    struct list tasks;
    struct list *node;

    list_init(&tasks);
    list_splice_back(&tasks, &l->laters);
    while ((node = list_pop_front(&tasks)) != NULL) {
        struct later *task = container_of(node, struct later, node);

        task->run(task);
    }
}

void loop_done(struct loop *l)
{
    if (l == NULL)
        return;
    check_magic(l, LOOP_MAGIC);
    loop_check_thread(l);
    do
        run_laters(l);
    while (mailbox_deliver(&l->mailbox) > 0 || !list_empty(&l->laters));

    loop_unwatch(l, &l->mail_watch);
    check(list_empty(&l->ready));
    for (uint32_t i = 0; i < l->n_slots; i++)
        check(l->slots[i].watch == NULL);
    timers_done(&l->timers);
    mailbox_done(&l->mailbox);
    close(l->epoll);
    free(l->slots);
    l->magic = 0;
}

void loop_check_thread(const struct loop *l)
{
    check(!l->running || pthread_equal(l->thread, pthread_self()));
}

void watch_init(struct watch *w, void (*ready)(struct watch *w, uint32_t events))
{
    *w = (struct watch){ .ready = ready, .fd = -1 };
    list_init(&w->ready_node);
}

static int grow_slots(struct loop *l)
{
    uint32_t n = l->n_slots == 0 ? SLOTS_FIRST : l->n_slots * 2;
    struct loop_slot *slots = reallocarray(l->slots, n, sizeof *slots);

    if (slots == NULL)
        return -ENOMEM;
    for (uint32_t i = n; i-- > l->n_slots;) {
        slots[i] = (struct loop_slot){ .next_free = l->free_slot };
        if (i > 0)
            l->free_slot = i;
    }
    l->slots = slots;
    l->n_slots = n;
    return 0;
}

int loop_watch(struct loop *l, struct watch *w, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events | EPOLLET };
    struct loop_slot *slot;
    uint32_t i;

    loop_check_thread(l);
    check(!watch_is_on(w));
    if (l->free_slot == 0 && grow_slots(l) < 0)
        return -ENOMEM;
    i = l->free_slot;
    slot = &l->slots[i];
    event.data.u64 = (uint64_t)i << 32 | slot->generation;
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    l->free_slot = slot->next_free;
    slot->watch = w;
    w->slot = i;
    w->fd = fd;
    return 0;
}

void loop_unwatch(struct loop *l, struct watch *w)
{
    struct loop_slot *slot;

    loop_check_thread(l);
    list_remove(&w->ready_node);
    w->events = 0;
    if (!watch_is_on(w))
        return;
    slot = &l->slots[w->slot];
    check(slot->watch == w);
    check(epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL) == 0);
    slot->watch = NULL;
    slot->generation++;
    slot->next_free = l->free_slot;
    l->free_slot = w->slot;
    w->slot = 0;
}

void loop_ready(struct loop *l, struct watch *w)
{
    loop_check_thread(l);
    if (!list_linked(&w->ready_node))
        list_push_back(&l->ready, &w->ready_node);
}

void loop_later(struct loop *l, struct later *task)
{
    loop_check_thread(l);
    if (task->node.next == NULL || !list_linked(&task->node))
        list_push_back(&l->laters, &task->node);
}

/* In ms for epoll_wait(2), rounded up: a wait that ended early would spin until the timer is due.
 */
static int turn_timeout(struct loop *l, int64_t max_wait)
{
    int64_t wait, timers;

    if (max_wait == 0 || !list_empty(&l->ready) || !list_empty(&l->laters))
        return 0;
    timers = timers_wait(&l->timers, l->now);
    wait = max_wait < 0 || (timers >= 0 && timers < max_wait) ? timers : max_wait;
    if (wait == 0 || !mailbox_leave(&l->mailbox))
        return 0;
    if (wait < 0)
        return -1;
    wait = wait / NSEC_PER_MSEC + (wait % NSEC_PER_MSEC != 0);
    return (int)min_of(wait, INT_MAX);
}

static void note_event(struct loop *l, const struct epoll_event *event)
{
    uint32_t i = (uint32_t)(event->data.u64 >> 32);
    struct loop_slot *slot;

    check(i > 0 && i < l->n_slots);
    slot = &l->slots[i];
    if (slot->watch == NULL || slot->generation != (uint32_t)event->data.u64)
        return;
    slot->watch->events |= event->events;
    loop_ready(l, slot->watch);
}

/* What is put on the ready list meanwhile waits for the next turn, so nobody starves. */
static void call_ready(struct loop *l)
{
    struct list due;
    struct list *node;

    list_init(&due);
    list_splice_back(&due, &l->ready);
    while ((node = list_pop_front(&due)) != NULL) {
        struct watch *w = container_of(node, struct watch, ready_node);
        uint32_t events = w->events;

        w->events = 0;
        w->ready(w, events);
    }
}

void loop_turn(struct loop *l, int64_t max_wait)
{
    struct epoll_event events[EVENTS_A_TURN];
    int n;

    check_magic(l, LOOP_MAGIC);
    loop_check_thread(l);
    n = epoll_wait(l->epoll, events, EVENTS_A_TURN, turn_timeout(l, max_wait));
    check(n >= 0 || errno == EINTR);
    mailbox_attend(&l->mailbox);
    read_clocks(l);
    l->turns++;

    for (int i = 0; i < n; i++)
        note_event(l, &events[i]);
    mailbox_deliver(&l->mailbox);
    call_ready(l);
    timers_expire(&l->timers, l->now);
    run_laters(l);
}

void loop_run(struct loop *l)
{
    check_magic(l, LOOP_MAGIC);
    check(!l->running);
    l->thread = pthread_self();
    l->running = true;
    read_clocks(l); /* time may have passed since loop_init() */
    while (!atomic_load_explicit(&l->stop, memory_order_acquire))
        loop_turn(l, -1);
    atomic_store_explicit(&l->stop, false, memory_order_relaxed);
    l->running = false;
}

void loop_stop(struct loop *l)
{
    atomic_store_explicit(&l->stop, true, memory_order_release);
    mailbox_wake(&l->mailbox);
}
