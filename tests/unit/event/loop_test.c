/* loop_test.c - turns of a loop on socket pairs and eventfds. */
#include "event/loop.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

static struct loop loop;
static unsigned sequence;

struct probe {
    struct watch watch;
    unsigned calls, order; /* order: of the last call */
    uint32_t events;       /* of the last call */
    void (*then)(struct probe *p);
    struct probe *other;
    int fd;
};

static void probe_ready(struct watch *w, uint32_t events)
{
    struct probe *p = container_of(w, struct probe, watch);

    p->calls++;
    p->order = ++sequence;
    p->events = events;
    if (p->then != NULL)
        p->then(p);
}

static void probe_init(struct probe *p)
{
    *p = (struct probe){ .fd = -1 };
    watch_init(&p->watch, probe_ready);
}

static void signal_fd(int fd)
{
    const uint64_t one = 1;

    ck_assert_int_eq(write(fd, &one, sizeof one), sizeof one);
}

static void probe_on(struct probe *p)
{
    probe_init(p);
    p->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ck_assert_int_ge(p->fd, 0);
    ck_assert_int_eq(loop_watch(&loop, &p->watch, p->fd, EPOLLIN), 0);
}

static void probe_off(struct probe *p)
{
    loop_unwatch(&loop, &p->watch);
    close(p->fd);
}

static void setup(void)
{
    ck_assert_int_eq(loop_init(&loop), 0);
}

static void teardown(void)
{
    loop_done(&loop);
}

START_TEST(events_are_handed_out_once)
{
    struct probe p;
    int fds[2];
    char byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    probe_init(&p);
    ck_assert(!watch_is_on(&p.watch));
    ck_assert_int_eq(loop_watch(&loop, &p.watch, fds[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP), 0);
    ck_assert(watch_is_on(&p.watch));
    ck_assert_int_eq(p.watch.fd, fds[0]);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(p.calls, 1);
    ck_assert_uint_eq(p.events, EPOLLOUT);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(p.calls, 1); /* edge-triggered */

    ck_assert_int_eq(write(fds[1], "a", 1), 1);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(p.calls, 2);
    ck_assert_uint_eq(p.events & EPOLLIN, EPOLLIN);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    close(fds[1]);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(p.calls, 3);
    ck_assert_uint_eq(p.events & (EPOLLIN | EPOLLRDHUP), EPOLLIN | EPOLLRDHUP);
    loop_unwatch(&loop, &p.watch);
    loop_unwatch(&loop, &p.watch);
    ck_assert(!watch_is_on(&p.watch));
    ck_assert_int_eq(close(p.watch.fd), 0);
}
END_TEST

START_TEST(errors_of_epoll_are_told)
{
    struct probe p;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), pair[2];

    probe_init(&p);
    ck_assert_int_eq(loop_watch(&loop, &p.watch, -1, EPOLLIN), -EBADF);
    ck_assert_int_eq(loop_watch(&loop, &p.watch, fd, EPOLLIN), -EPERM);
    ck_assert(!watch_is_on(&p.watch));
    close(fd);
    /* The slot was not lost, and works. */
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    ck_assert_int_eq(loop_watch(&loop, &p.watch, pair[1], EPOLLOUT), 0);
    ck_assert_uint_eq(p.watch.slot, 2); /* 1: the mailbox */
    loop_turn(&loop, -1);
    ck_assert_uint_eq(p.calls, 1);
    loop_unwatch(&loop, &p.watch);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

static void again(struct probe *p)
{
    if (p->calls < 5)
        loop_ready(&loop, &p->watch);
}

START_TEST(ready_list_runs_next_turn)
{
    struct probe a, b;

    probe_on(&a);
    probe_init(&b); /* never registered */
    a.then = again;
    loop_ready(&loop, &a.watch);
    loop_ready(&loop, &a.watch);
    for (unsigned i = 1; i <= 5; i++) {
        loop_turn(&loop, -1); /* would hang if it waited */
        ck_assert_uint_eq(a.calls, i);
        ck_assert_uint_eq(a.events, 0);
    }
    loop_turn(&loop, 0);
    ck_assert_uint_eq(a.calls, 5);

    loop_ready(&loop, &b.watch);
    signal_fd(a.fd);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(b.calls, 1);
    ck_assert_uint_eq(a.calls, 6); /* with it, since the turn asks the kernel all the same */
    ck_assert_uint_lt(b.order, a.order);

    loop_ready(&loop, &b.watch);
    loop_unwatch(&loop, &b.watch);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(b.calls, 1);

    /* Events and the ready list together make one call. */
    loop_ready(&loop, &a.watch);
    signal_fd(a.fd);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(a.calls, 7);
    ck_assert_uint_eq(a.events, EPOLLIN);
    probe_off(&a);
}
END_TEST

static void forever(struct probe *p)
{
    loop_ready(&loop, &p->watch);
}

START_TEST(nobody_starves)
{
    struct probe busy, other;

    probe_on(&busy);
    probe_on(&other);
    busy.then = forever;
    loop_ready(&loop, &busy.watch);
    for (unsigned i = 1; i <= 100; i++) {
        signal_fd(other.fd);
        loop_turn(&loop, -1);
        ck_assert_uint_eq(busy.calls, i);
        ck_assert_uint_eq(other.calls, i);
    }
    probe_off(&busy);
    probe_off(&other);
}
END_TEST

static void drop_other(struct probe *p)
{
    if (watch_is_on(&p->other->watch))
        probe_off(p->other);
}

START_TEST(unwatched_in_the_same_turn)
{
    struct probe a, b;

    probe_on(&a);
    probe_on(&b);
    a.other = &b;
    b.other = &a;
    a.then = b.then = drop_other;
    signal_fd(a.fd);
    signal_fd(b.fd);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(a.calls + b.calls, 1); /* the first took the other away */
    loop_turn(&loop, 0);
    ck_assert_uint_eq(a.calls + b.calls, 1);
    probe_off(a.calls > 0 ? &a : &b);
}
END_TEST

static void replace_other(struct probe *p)
{
    struct probe *o = p->other;

    /* The slot and the descriptor number are used anew while events of the old one are at hand. */
    probe_off(o);
    probe_on(o);
}

START_TEST(slot_reused_in_the_same_turn)
{
    struct probe a, b;
    uint32_t slot;

    probe_on(&a);
    probe_on(&b);
    a.other = &b;
    a.then = replace_other;
    slot = b.watch.slot;
    loop_ready(&loop, &a.watch); /* goes first */
    signal_fd(b.fd);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(a.calls, 1);
    ck_assert_uint_eq(b.watch.slot, slot);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(b.calls, 0);
    signal_fd(b.fd);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(b.calls, 1);
    probe_off(&a);
    probe_off(&b);
}
END_TEST

/* As if a forked child kept the description of a closed descriptor in the epoll set. */
START_TEST(stale_events_find_nobody)
{
    struct probe a;
    struct epoll_event stale = { .events = EPOLLIN };
    int fd = eventfd(1, EFD_CLOEXEC);

    probe_on(&a);
    stale.data.u64 = (uint64_t)a.watch.slot << 32 | loop.slots[a.watch.slot].generation;
    ck_assert_int_eq(epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &stale), 0);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(a.calls, 1); /* it is its own still */
    probe_off(&a);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(a.calls, 1);
    probe_on(&a);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(a.calls, 0);
    probe_off(&a);
    close(fd);
}
END_TEST

START_TEST(a_turn_is_bounded)
{
    enum { N = 600 };
    struct probe *p = calloc(N, sizeof *p);
    unsigned calls = 0, before = 0;

    for (unsigned i = 0; i < N; i++)
        probe_on(&p[i]);
    for (unsigned i = 0; i < N; i++)
        signal_fd(p[i].fd);
    for (unsigned turn = 0; turn < 3; turn++) {
        loop_turn(&loop, -1);
        calls = 0;
        for (unsigned i = 0; i < N; i++)
            calls += p[i].calls;
        ck_assert_uint_gt(calls, before);
        ck_assert_uint_le(calls - before, 256);
        before = calls;
    }
    ck_assert_uint_eq(calls, N);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_uint_eq(p[i].calls, 1);
        probe_off(&p[i]);
    }
    free(p);
}
END_TEST

struct task {
    struct later later;
    unsigned runs, order;
    struct task *queues;
};

static void task_run(struct later *l)
{
    struct task *t = container_of(l, struct task, later);

    t->runs++;
    t->order = ++sequence;
    if (t->queues != NULL)
        loop_later(&loop, &t->queues->later);
}

static struct task task_a, task_b;

static void queue_tasks(struct probe *p UNUSED)
{
    loop_later(&loop, &task_a.later);
    loop_later(&loop, &task_a.later);
    loop_later(&loop, &task_b.later);
}

START_TEST(laters_end_the_turn)
{
    struct probe a, b;

    later_init(&task_a.later, task_run);
    task_b = (struct task){ .later.run = task_run }; /* zero is as good */
    probe_on(&a);
    probe_on(&b);
    a.then = queue_tasks;
    loop_ready(&loop, &a.watch);
    loop_ready(&loop, &b.watch);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(task_a.runs, 1);
    ck_assert_uint_eq(task_b.runs, 1);
    ck_assert_uint_gt(task_a.order, b.order);
    ck_assert_uint_gt(task_b.order, task_a.order);

    /* From between turns, and from a task: the next turn, which does not wait. */
    task_a.queues = &task_a;
    loop_later(&loop, &task_a.later);
    ck_assert_uint_eq(task_a.runs, 1);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(task_a.runs, 2);
    task_a.queues = NULL;
    loop_turn(&loop, -1);
    ck_assert_uint_eq(task_a.runs, 3);
    probe_off(&a);
    probe_off(&b);
}
END_TEST

struct alarm_probe {
    struct timer timer;
    unsigned fired;
    int64_t at;
};

static void alarm_fire(struct timer *t)
{
    struct alarm_probe *p = container_of(t, struct alarm_probe, timer);

    p->fired++;
    p->at = loop_now(&loop);
}

START_TEST(timers_fire_without_spinning)
{
    struct alarm_probe p = { .fired = 0 };
    int64_t begin;

    timer_init(&p.timer, alarm_fire);
    loop_turn(&loop, 0);
    begin = loop_now(&loop);
    ck_assert_int_eq(loop_timer(&loop, &p.timer, 2500000), 0); /* no whole number of ms */
    for (uint64_t before = loop.turns; p.fired == 0;) {
        loop_turn(&loop, -1);
        ck_assert_uint_le(loop.turns - before, 2);
    }
    ck_assert_int_ge(p.at - begin, 2500000);

    /* max_wait bounds the wait for a timer, and a timer that of max_wait. */
    p.fired = 0;
    ck_assert_int_eq(loop_timer(&loop, &p.timer, 3600 * NSEC_PER_SEC), 0);
    loop_turn(&loop, NSEC_PER_MSEC);
    ck_assert_uint_eq(p.fired, 0);
    ck_assert_int_eq(loop_timer(&loop, &p.timer, 1), 0);
    loop_turn(&loop, 3600 * NSEC_PER_SEC);
    ck_assert_uint_eq(p.fired, 1);
    ck_assert_int_eq(loop_timer(&loop, &p.timer, 3600 * NSEC_PER_SEC), 0);
    loop_timer_clear(&loop, &p.timer);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(p.fired, 1);
}
END_TEST

START_TEST(clocks_move_once_a_turn)
{
    int64_t now, wall;

    loop_turn(&loop, 0);
    now = loop_now(&loop);
    wall = loop.wall;
    ck_assert_int_le(now, clock_mono());
    ck_assert_int_lt(llabs(wall - clock_wall()), NSEC_PER_SEC);
    ck_assert_int_eq(atomic_load(&loop.heartbeat), now);
    ck_assert_int_eq(loop_now(&loop), now);
    loop_turn(&loop, NSEC_PER_MSEC);
    ck_assert_int_ge(loop_now(&loop), now + NSEC_PER_MSEC);
    ck_assert_int_eq(atomic_load(&loop.heartbeat), loop_now(&loop));
}
END_TEST

static void on_signal(int n UNUSED)
{
}

START_TEST(a_signal_is_a_turn)
{
    struct sigaction sa = { .sa_handler = on_signal };
    struct itimerval soon = { .it_value.tv_usec = 5000 };
    uint64_t turns = loop.turns;

    ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(loop.turns, turns + 1);
}
END_TEST

struct note {
    struct letter letter;
    struct watch *watch; /* made ready */
    unsigned delivered, order;
};

static void deliver(struct letter *l)
{
    struct note *note = container_of(l, struct note, letter);

    note->delivered++;
    note->order = ++sequence;
    if (note->watch != NULL)
        loop_ready(&loop, note->watch);
}

START_TEST(letters_come_first)
{
    struct note note = { .letter.deliver = deliver };
    struct probe a;

    probe_on(&a);
    note.watch = &a.watch;
    signal_fd(a.fd);
    loop_post(&loop, &note.letter);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(note.delivered, 1);
    ck_assert_uint_eq(a.calls, 1);
    ck_assert_uint_lt(note.order, a.order);
    loop_turn(&loop, 0);
    ck_assert_uint_eq(a.calls, 1);

    loop_post(&loop, &note.letter);
    loop_turn(&loop, -1);
    ck_assert_uint_eq(note.delivered, 2);
    ck_assert_uint_eq(a.calls, 2); /* in the same turn */
    ck_assert_uint_eq(a.events, 0);
    probe_off(&a);
}
END_TEST

static void *run(void *arg UNUSED)
{
    loop_run(&loop);
    return NULL;
}

enum { LETTERS = 20000 };
static _Atomic unsigned n_arrived;

static void arrive(struct letter *l UNUSED)
{
    if (atomic_fetch_add(&n_arrived, 1) + 1 == 2 * LETTERS)
        loop_stop(&loop);
}

static void *post_many(void *arg)
{
    struct letter *letters = arg;

    for (unsigned i = 0; i < LETTERS; i++)
        loop_post(&loop, &letters[i]);
    return NULL;
}

/* Ends only if no letter is lost, though the loop sleeps whenever it can. */
START_TEST(letters_of_other_threads)
{
    struct letter *letters = calloc(2 * LETTERS, sizeof *letters);
    pthread_t runner, senders[2];

    for (unsigned i = 0; i < 2 * LETTERS; i++)
        letters[i].deliver = arrive;
    ck_assert_int_eq(pthread_create(&runner, NULL, run, NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&senders[i], NULL, post_many, letters + i * LETTERS), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(senders[i], NULL);
    pthread_join(runner, NULL);
    ck_assert_uint_eq(n_arrived, 2 * LETTERS);
    free(letters);
}
END_TEST

START_TEST(stop)
{
    pthread_t runner;

    loop_stop(&loop); /* may come first */
    loop_run(&loop);
    ck_assert_int_eq(pthread_create(&runner, NULL, run, NULL), 0); /* and it runs again */
    loop_stop(&loop);
    pthread_join(runner, NULL);
    ck_assert(!loop.running);
}
END_TEST

START_TEST(done_delivers_the_rest)
{
    struct loop other;
    struct note note = { .letter.deliver = deliver };
    struct task task = { .later.run = task_run };

    ck_assert_int_eq(loop_init(&other), 0);
    loop_post(&other, &note.letter);
    loop_later(&other, &task.later);
    loop_done(&other);
    ck_assert_uint_eq(note.delivered, 1);
    ck_assert_uint_eq(task.runs, 1);
    loop_done(NULL);
}
END_TEST

/* Each step of loop_init() runs out of descriptors once. */
START_TEST(no_descriptors)
{
    struct loop other;
    struct rlimit limit;
    int first = dup(0);

    close(first);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (unsigned spare = 0; spare < 2; spare++) {
        struct rlimit tight = { .rlim_cur = (rlim_t)first + spare, .rlim_max = limit.rlim_max };

        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
        ck_assert_int_eq(loop_init(&other), -EMFILE);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    ck_assert_int_eq(dup(0), first); /* nothing leaked */
    close(first);
}
END_TEST

START_TEST(watching_twice_panics)
{
    struct probe a;

    probe_on(&a);
    (void)!loop_watch(&loop, &a.watch, a.fd, EPOLLIN);
}
END_TEST

static void *touch(void *arg)
{
    struct watch *w = arg;

    loop_ready(&loop, w);
    return NULL;
}

static void use_from_elsewhere(struct probe *p)
{
    pthread_t thread;

    pthread_create(&thread, NULL, touch, &p->watch);
    pthread_join(thread, NULL);
}

START_TEST(another_thread_panics)
{
    struct probe a;

    probe_on(&a);
    a.then = use_from_elsewhere;
    loop_ready(&loop, &a.watch);
    loop_run(&loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event/loop");
    TCase *tc = tcase_create("loop");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, events_are_handed_out_once);
    tcase_add_test(tc, errors_of_epoll_are_told);
    tcase_add_test(tc, ready_list_runs_next_turn);
    tcase_add_test(tc, nobody_starves);
    tcase_add_test(tc, unwatched_in_the_same_turn);
    tcase_add_test(tc, slot_reused_in_the_same_turn);
    tcase_add_test(tc, stale_events_find_nobody);
    tcase_add_test(tc, a_turn_is_bounded);
    tcase_add_test(tc, laters_end_the_turn);
    tcase_add_test(tc, timers_fire_without_spinning);
    tcase_add_test(tc, clocks_move_once_a_turn);
    tcase_add_test(tc, a_signal_is_a_turn);
    tcase_add_test(tc, letters_come_first);
    tcase_add_test(tc, letters_of_other_threads);
    tcase_add_test(tc, stop);
    tcase_add_test(tc, done_delivers_the_rest);
    tcase_add_test(tc, no_descriptors);
    tcase_add_test_raise_signal(tc, watching_twice_panics, SIGABRT);
    tcase_add_test_raise_signal(tc, another_thread_panics, SIGABRT);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
