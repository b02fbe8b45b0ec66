/* pool_test.c - the pool with real threads; whoever waits, waits for an event. */
#include "event/pool.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FOR_EVER INT64_MAX

/* A number under a mutex, that can be waited for. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned n;
};

#define GATE_INIT                                                                                  \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }

static void gate_add(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->n++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

static void gate_wait(struct gate *g, unsigned n)
{
    pthread_mutex_lock(&g->mutex);
    while (g->n < n)
        pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static unsigned gate_read(struct gate *g)
{
    unsigned n;

    pthread_mutex_lock(&g->mutex);
    n = g->n;
    pthread_mutex_unlock(&g->mutex);
    return n;
}

static struct gate begun = GATE_INIT, finished = GATE_INIT, may_end = GATE_INIT;

struct work {
    struct job job;
    pthread_t ran_on;
    unsigned order; /* in which it ran */
    unsigned waits_for;
};

static _Atomic unsigned sequence;

static void run_quick(struct job *job)
{
    struct work *w = container_of(job, struct work, job);

    w->order = ++sequence;
    w->ran_on = pthread_self();
    gate_add(&begun);
}

/* Until the test lets it. */
static void run_held(struct job *job)
{
    struct work *w = container_of(job, struct work, job);

    run_quick(job);
    gate_wait(&may_end, w->waits_for);
}

static void run_dying(struct job *job)
{
    run_held(job);
    pthread_exit(NULL);
}

static void done(struct job *job)
{
    struct work *w = container_of(job, struct work, job);

    ck_assert(pthread_equal(w->ran_on, pthread_self()));
    gate_add(&finished);
}

static struct work work(void (*run)(struct job *job))
{
    return (struct work){ .job = { .run = run, .done = done, .name = "work" }, .waits_for = 1 };
}

static struct pool *pool(unsigned threads, unsigned queue)
{
    const struct pool_conf conf = { .threads = threads, .queue = queue, .idle = FOR_EVER };
    struct pool *p = pool_new("test", &conf);

    ck_assert_ptr_nonnull(p);
    return p;
}

static struct pool_stats stats(struct pool *p)
{
    struct pool_stats s;

    pool_stats(p, FOR_EVER, &s);
    ck_assert_uint_eq(s.threads, s.idle + s.running);
    return s;
}

/* Only for what the pool does by itself, and so tells nobody. */
static void until_threads(struct pool *p, unsigned n)
{
    while (stats(p).threads != n)
        sched_yield();
}

START_TEST(one_after_the_other_takes_one_thread)
{
    struct pool *p = pool(4, 0);
    struct work w = work(run_quick);
    pthread_t first;

    ck_assert_uint_eq(stats(p).threads, 0); /* on demand */
    for (unsigned i = 1; i <= 200; i++) {
        ck_assert_int_eq(pool_submit(p, &w.job), 0);
        gate_wait(&finished, i);
        if (i == 1)
            first = w.ran_on;
        ck_assert(pthread_equal(first, w.ran_on)); /* idle before done() is called */
        ck_assert(!w.job.died);
        ck_assert(!pool_cancel(p, &w.job));
    }
    ck_assert_uint_eq(stats(p).threads, 1);
    ck_assert_uint_eq(stats(p).submitted, 200);
    ck_assert_uint_eq(stats(p).finished, 200);
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert(pool_free(NULL, 0));
}
END_TEST

START_TEST(grows_queues_refuses)
{
    struct pool *p = pool(2, 2);
    struct work w[5];

    for (unsigned i = 0; i < 5; i++)
        w[i] = work(run_held);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pool_submit(p, &w[i].job), 0);
    ck_assert_int_eq(pool_submit(p, &w[4].job), -EAGAIN);
    gate_wait(&begun, 2);
    ck_assert_uint_eq(stats(p).running, 2);
    ck_assert_uint_eq(stats(p).queued, 2);
    ck_assert_uint_eq(stats(p).refused, 1);
    ck_assert_int_gt(stats(p).longest_wait, 0);
    gate_add(&may_end);
    gate_wait(&finished, 4);
    ck_assert_uint_eq(stats(p).queued, 0);
    ck_assert_int_eq(stats(p).longest_wait, 0);
    ck_assert_int_eq(pool_submit(p, &w[4].job), 0);
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert_uint_eq(gate_read(&finished), 5);
}
END_TEST

START_TEST(queue_is_first_in_first_out)
{
    struct pool *p = pool(1, 10);
    struct work held = work(run_held), w[10];

    ck_assert_int_eq(pool_submit(p, &held.job), 0);
    for (unsigned i = 0; i < 10; i++) {
        w[i] = work(run_quick);
        ck_assert_int_eq(pool_submit(p, &w[i].job), 0);
    }
    gate_add(&may_end);
    ck_assert(pool_free(p, FOR_EVER)); /* runs what is queued */
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(w[i].order, held.order + 1 + i);
    ck_assert_uint_eq(gate_read(&finished), 11);
}
END_TEST

START_TEST(the_last_idle_works_first)
{
    struct pool *p = pool(3, 0);
    struct work w[3], next = work(run_quick);

    for (unsigned i = 0; i < 3; i++) {
        w[i] = work(run_held);
        w[i].waits_for = i + 1;
        ck_assert_int_eq(pool_submit(p, &w[i].job), 0);
    }
    gate_wait(&begun, 3);
    for (unsigned i = 0; i < 3; i++) {
        gate_add(&may_end);
        gate_wait(&finished, i + 1);
    }
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(pool_submit(p, &next.job), 0);
        gate_wait(&finished, 4 + i);
        ck_assert(pthread_equal(next.ran_on, w[2].ran_on));
    }
    ck_assert(pool_free(p, FOR_EVER));
}
END_TEST

START_TEST(cancel)
{
    struct pool *p = pool(1, 3);
    struct pool_share share = { .max = 3 };
    struct work held = work(run_held), a = work(run_quick), b = work(run_quick);

    held.job.share = a.job.share = b.job.share = &share;
    ck_assert_int_eq(pool_submit(p, &held.job), 0);
    gate_wait(&begun, 1);
    ck_assert_int_eq(pool_submit(p, &a.job), 0);
    ck_assert_int_eq(pool_submit(p, &b.job), 0);
    ck_assert(!pool_cancel(p, &held.job)); /* runs */
    ck_assert_uint_eq(share.used, 3);
    ck_assert(pool_cancel(p, &a.job));
    ck_assert(!pool_cancel(p, &a.job));
    ck_assert_uint_eq(share.used, 2);
    ck_assert_uint_eq(stats(p).queued, 1);
    ck_assert_uint_eq(stats(p).cancelled, 1);
    gate_add(&may_end);
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert_uint_eq(a.order, 0);
    ck_assert_uint_ne(b.order, 0);
    ck_assert_uint_eq(gate_read(&finished), 2);
    ck_assert_uint_eq(share.used, 0);
}
END_TEST

static void done_share_is_free(struct job *job)
{
    ck_assert_uint_eq(job->share->used, 0);
    done(job);
}

START_TEST(a_share_is_bounded)
{
    struct pool *p = pool(4, 4);
    struct pool_share one = { .max = 1 }, any = { .max = 0 };
    struct work a = work(run_held), b = work(run_held), c = work(run_held);

    a.job.share = b.job.share = &one;
    a.job.done = done_share_is_free;
    c.job.share = &any;
    ck_assert_int_eq(pool_submit(p, &a.job), 0);
    ck_assert_int_eq(pool_submit(p, &b.job), -EBUSY);
    ck_assert_int_eq(pool_submit(p, &c.job), 0);
    gate_add(&may_end);
    gate_wait(&finished, 2);
    ck_assert_int_eq(pool_submit(p, &b.job), 0); /* the share was free before done() */
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert_uint_eq(one.used + any.used, 0);
}
END_TEST

START_TEST(idle_workers_end)
{
    struct pool_conf conf = { .threads = 3, .queue = 0, .idle = FOR_EVER };
    struct pool *p = pool_new("test", &conf);
    struct work w[3];

    for (unsigned i = 0; i < 3; i++) {
        w[i] = work(run_held);
        ck_assert_int_eq(pool_submit(p, &w[i].job), 0);
    }
    gate_add(&may_end);
    gate_wait(&finished, 3);
    ck_assert_uint_eq(stats(p).threads, 3);
    conf.idle = NSEC_PER_MSEC; /* reaches those that sleep already */
    pool_resize(p, &conf);
    until_threads(p, 0);
    ck_assert_int_eq(pool_submit(p, &w[0].job), 0);
    gate_wait(&finished, 4);
    conf.idle = 0;
    pool_resize(p, &conf);
    ck_assert_int_eq(pool_submit(p, &w[0].job), 0);
    gate_wait(&finished, 5);
    until_threads(p, 0);
    ck_assert(pool_free(p, FOR_EVER));
}
END_TEST

START_TEST(the_coldest_ends_first)
{
    struct pool_conf conf = { .threads = 3, .queue = 0, .idle = FOR_EVER };
    struct pool *p = pool_new("test", &conf);
    struct work w[3], next = work(run_quick);

    for (unsigned i = 0; i < 3; i++) {
        w[i] = work(run_held);
        w[i].waits_for = i + 1;
        ck_assert_int_eq(pool_submit(p, &w[i].job), 0);
    }
    gate_wait(&begun, 3);
    for (unsigned i = 0; i < 3; i++) {
        gate_add(&may_end);
        gate_wait(&finished, i + 1);
    }
    conf.threads = 1;
    pool_resize(p, &conf);
    ck_assert_uint_eq(stats(p).threads, 1);
    ck_assert_int_eq(pool_submit(p, &next.job), 0);
    gate_wait(&finished, 4);
    ck_assert(pthread_equal(next.ran_on, w[2].ran_on));
    ck_assert(pool_free(p, FOR_EVER));
}
END_TEST

START_TEST(resize_while_busy)
{
    struct pool_conf conf = { .threads = 1, .queue = 10, .idle = FOR_EVER };
    struct pool *p = pool_new("test", &conf);
    struct work w[6];

    for (unsigned i = 0; i < 6; i++) {
        w[i] = work(run_held);
        ck_assert_int_eq(pool_submit(p, &w[i].job), 0);
    }
    gate_wait(&begun, 1);
    conf.threads = 4;
    pool_resize(p, &conf);
    gate_wait(&begun, 4); /* the queue got workers */
    conf.threads = 2;
    conf.queue = 1;
    pool_resize(p, &conf);
    ck_assert_uint_eq(stats(p).threads, 4); /* until their jobs end */
    ck_assert_uint_eq(stats(p).queued, 2);  /* what is in stays */
    gate_add(&may_end);
    gate_wait(&finished, 6);
    until_threads(p, 2);
    ck_assert(pool_free(p, FOR_EVER));
}
END_TEST

static void done_died(struct job *job)
{
    ck_assert(job->died);
    done(job);
}

START_TEST(the_dead_are_replaced)
{
    struct pool *p = pool(1, 5);
    struct pool_share share = { .max = 1 };
    struct work dying = work(run_dying), w = work(run_quick);

    dying.job.share = &share;
    dying.job.done = done_died;
    ck_assert_int_eq(pool_submit(p, &dying.job), 0);
    ck_assert_int_eq(pool_submit(p, &w.job), 0); /* waits for the replacement */
    gate_add(&may_end);
    gate_wait(&finished, 2);
    ck_assert(!w.job.died);
    ck_assert_uint_eq(stats(p).died, 1);
    ck_assert_uint_eq(stats(p).finished, 1);
    ck_assert_uint_eq(stats(p).threads, 1);
    ck_assert_int_eq(pool_submit(p, &dying.job), 0);
    gate_wait(&finished, 3);
    ck_assert_int_eq(pool_submit(p, &w.job), 0); /* with an empty queue, too */
    gate_wait(&finished, 4);
    ck_assert_int_eq(pool_submit(p, &dying.job), 0);
    ck_assert(pool_free(p, FOR_EVER)); /* waits for the end of the dying one */
    ck_assert_uint_eq(gate_read(&finished), 5);
    ck_assert_uint_eq(share.used, 0);
}
END_TEST

START_TEST(stuck_ones_are_named)
{
    struct pool *p = pool(2, 0);
    struct work old = work(run_held), young = work(run_held);
    struct pool_stats s;
    char name[100];

    memset(name, 'x', sizeof name);
    memcpy(name, "old", 3);
    name[99] = '\0';
    old.job.name = name;
    young.job.name = "young";
    pool_stats(p, 0, &s);
    ck_assert_uint_eq(s.stuck, 0);
    ck_assert_str_eq(s.stuck_name, "");
    ck_assert_int_eq(pool_submit(p, &old.job), 0);
    gate_wait(&begun, 1);
    ck_assert_int_eq(pool_submit(p, &young.job), 0);
    gate_wait(&begun, 2);
    pool_stats(p, 0, &s);
    ck_assert_uint_eq(s.stuck, 2);
    ck_assert_int_eq(strncmp(s.stuck_name, "oldxxx", 6), 0);
    ck_assert_uint_eq(strlen(s.stuck_name), sizeof s.stuck_name - 1);
    ck_assert_int_gt(s.longest_run, 0);
    pool_stats(p, 3600 * NSEC_PER_SEC, &s);
    ck_assert_uint_eq(s.stuck, 0);
    ck_assert_str_eq(s.stuck_name, "");
    gate_add(&may_end);
    ck_assert(pool_free(p, FOR_EVER));
}
END_TEST

START_TEST(free_has_a_deadline)
{
    struct pool *p = pool(1, 5);
    struct work held = work(run_held), queued = work(run_quick), late = work(run_quick);

    ck_assert_int_eq(pool_submit(p, &held.job), 0);
    ck_assert_int_eq(pool_submit(p, &queued.job), 0);
    gate_wait(&begun, 1);
    ck_assert(!pool_free(p, 0));
    ck_assert(!pool_free(p, clock_mono() + NSEC_PER_MSEC));
    ck_assert_int_eq(pool_submit(p, &late.job), -ESHUTDOWN);
    ck_assert(pool_cancel(p, &queued.job));
    gate_add(&may_end);
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert_uint_eq(gate_read(&finished), 1);
}
END_TEST

static void run_looks(struct job *job)
{
    sigset_t blocked;
    char name[16];
    pthread_attr_t attr;
    size_t stack;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert(sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGHUP) &&
              sigismember(&blocked, SIGUSR1) && sigismember(&blocked, SIGPIPE));
    ck_assert(!sigismember(&blocked, SIGSEGV) && !sigismember(&blocked, SIGBUS));
    pthread_getname_np(pthread_self(), name, sizeof name);
    ck_assert_str_eq(name, "a-name-too-long");
    ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attr), 0);
    ck_assert_int_eq(pthread_attr_getstacksize(&attr, &stack), 0);
    ck_assert_uint_le(stack, MIB(2)); /* a sanitizer adds its own */
    pthread_attr_destroy(&attr);
    run_quick(job);
}

START_TEST(threads_are_set_up)
{
    const struct pool_conf conf = { .threads = 1, .idle = 0, .stack = KIB(256) };
    struct pool *p = pool_new("a-name-too-long-for-a-thread", &conf);
    struct work w = work(run_looks);
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(pool_submit(p, &w.job), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert_uint_eq(gate_read(&finished), 1);
}
END_TEST

START_TEST(no_thread_can_be_made)
{
    /* No address space has room for such a stack. */
    struct pool_conf conf = { .threads = 2, .queue = 1, .idle = FOR_EVER, .stack = SIZE_MAX / 4 };
    struct pool *p = pool_new("test", &conf);
    struct work held = work(run_held), a = work(run_quick), b = work(run_quick);

    ck_assert_int_eq(pool_submit(p, &held.job), -ENOMEM);
    ck_assert_uint_eq(stats(p).queued, 0);
    conf.stack = 0;
    pool_resize(p, &conf);
    ck_assert_int_eq(pool_submit(p, &held.job), 0);
    conf.stack = SIZE_MAX / 4;
    pool_resize(p, &conf);
    ck_assert_int_eq(pool_submit(p, &a.job), 0); /* waits for the one there is */
    ck_assert_int_eq(pool_submit(p, &b.job), -EAGAIN);
    gate_add(&may_end);
    ck_assert(pool_free(p, FOR_EVER));
    ck_assert_uint_ne(a.order, 0);
    ck_assert_uint_eq(b.order, 0);
}
END_TEST

/* Submitters, cancellers, a resizer, dying jobs: nothing is lost, nothing is done twice. */

enum { SUBMITTERS = 3, ROUNDS = 1500, EACH = 8 };

struct burst {
    struct job job;
    _Atomic unsigned runs;
    _Atomic bool back;
    struct gate *gate;
};

static struct pool *shared;
static struct pool_share shared_share = { .max = 20 };

static void burst_run(struct job *job)
{
    struct burst *b = container_of(job, struct burst, job);

    if (b->runs++ % 64 == 63)
        pthread_exit(NULL);
}

static void burst_done(struct job *job)
{
    struct burst *b = container_of(job, struct burst, job);
    struct gate *g = b->gate;

    b->back = true;
    gate_add(g);
}

static void *submitter(void *arg)
{
    struct gate g = GATE_INIT;
    struct burst b[EACH];
    unsigned *ret_done = arg, want = 0;

    memset(b, 0, sizeof b);
    for (unsigned i = 0; i < EACH; i++) {
        b[i].job = (struct job){ .run = burst_run, .done = burst_done, .share = &shared_share };
        b[i].gate = &g;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool lent[EACH];

        for (unsigned i = 0; i < EACH; i++) {
            b[i].back = false;
            lent[i] = pool_submit(shared, &b[i].job) == 0;
        }
        for (unsigned i = round % 2; i < EACH; i += 2)
            if (lent[i] && pool_cancel(shared, &b[i].job))
                lent[i] = false;
        for (unsigned i = 0; i < EACH; i++)
            want += lent[i];
        gate_wait(&g, want);
        for (unsigned i = 0; i < EACH; i++)
            ck_assert(b[i].back == lent[i]);
    }
    *ret_done = want;
    return NULL;
}

START_TEST(stress)
{
    struct pool_conf conf = { .threads = 4, .queue = 8, .idle = NSEC_PER_MSEC };
    pthread_t threads[SUBMITTERS];
    unsigned n_done[SUBMITTERS], total = 0;
    struct pool_stats s;

    shared = pool_new("stress", &conf);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, submitter, &n_done[i]), 0);
    for (unsigned i = 0; i < 300; i++) {
        conf.threads = 1 + i % 5;
        conf.queue = i % 9;
        pool_resize(shared, &conf);
        s = stats(shared);
        ck_assert_uint_le(s.threads, 5);
        sched_yield();
    }
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        pthread_join(threads[i], NULL);
        total += n_done[i];
    }
    s = stats(shared);
    ck_assert_uint_eq(s.submitted - s.cancelled, total);
    ck_assert_uint_eq(s.finished + s.died, total);
    ck_assert_uint_eq(s.submitted + s.refused, (uint64_t)SUBMITTERS * ROUNDS * EACH);
    ck_assert_uint_eq(s.queued, 0);
    ck_assert(pool_free(shared, FOR_EVER));
    ck_assert_uint_eq(shared_share.used, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event/pool");
    TCase *tc = tcase_create("pool");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_after_the_other_takes_one_thread);
    tcase_add_test(tc, grows_queues_refuses);
    tcase_add_test(tc, queue_is_first_in_first_out);
    tcase_add_test(tc, the_last_idle_works_first);
    tcase_add_test(tc, cancel);
    tcase_add_test(tc, a_share_is_bounded);
    tcase_add_test(tc, idle_workers_end);
    tcase_add_test(tc, the_coldest_ends_first);
    tcase_add_test(tc, resize_while_busy);
    tcase_add_test(tc, the_dead_are_replaced);
    tcase_add_test(tc, stuck_ones_are_named);
    tcase_add_test(tc, free_has_a_deadline);
    tcase_add_test(tc, threads_are_set_up);
    tcase_add_test(tc, no_thread_can_be_made);
    tcase_add_test(tc, stress);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
