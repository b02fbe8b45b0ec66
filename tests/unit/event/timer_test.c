/* timer_test.c - timers by hand-made time. */
#include "event/timer.h"

#include <check.h>
#include <stdlib.h>

struct probe {
    struct timer timer;
    struct timers *ts;
    unsigned fired, order;
    struct probe *clears, *sets; /* what its fire() does to others */
    bool resets, frees;
};

static unsigned order;
static int64_t test_now;

static void fire(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);

    ck_assert(!timer_is_set(t));
    p->fired++;
    p->order = ++order;
    if (p->clears != NULL)
        timer_clear(p->ts, &p->clears->timer);
    if (p->sets != NULL)
        ck_assert_int_eq(timer_set(p->ts, &p->sets->timer, test_now, 5), 0);
    if (p->resets) /* a length in the past of `now`, the worst case */
        ck_assert_int_eq(timer_set(p->ts, t, 0, 1), 0);
    if (p->frees)
        free(p);
}

static void probe_init(struct probe *p, struct timers *ts)
{
    *p = (struct probe){ .ts = ts };
    timer_init(&p->timer, fire);
}

static void expire(struct timers *ts, int64_t now)
{
    test_now = now;
    timers_expire(ts, now);
}

START_TEST(fires_when_due)
{
    struct timers ts;
    struct probe a, b, c;

    timers_init(&ts);
    probe_init(&a, &ts);
    probe_init(&b, &ts);
    probe_init(&c, &ts);
    ck_assert_int_eq(timers_wait(&ts, 0), -1);
    ck_assert_int_eq(timer_set(&ts, &a.timer, 100, 10), 0);
    ck_assert_int_eq(timer_set(&ts, &b.timer, 105, 10), 0);
    ck_assert_int_eq(timer_set(&ts, &c.timer, 100, 3), 0);
    ck_assert_uint_eq(ts.n_set, 3);
    ck_assert_uint_eq(ts.n_queues, 2);
    ck_assert_int_eq(timers_wait(&ts, 100), 3);
    ck_assert_int_eq(timers_wait(&ts, 103), 0);
    ck_assert_int_eq(timers_wait(&ts, 500), 0);

    expire(&ts, 102);
    ck_assert_uint_eq(order, 0);
    expire(&ts, 103);
    ck_assert_uint_eq(c.fired, 1);
    ck_assert_int_eq(timers_wait(&ts, 103), 7);
    expire(&ts, 114);
    ck_assert_uint_eq(a.fired, 1);
    ck_assert_uint_eq(b.fired, 0);
    expire(&ts, 115);
    ck_assert_uint_eq(b.fired, 1);
    ck_assert_uint_eq(ts.n_set, 0);
    ck_assert_int_eq(timers_wait(&ts, 115), -1);
    timers_done(&ts);
}
END_TEST

START_TEST(restarts_and_clears)
{
    struct timers ts;
    struct probe a, b;

    timers_init(&ts);
    probe_init(&a, &ts);
    probe_init(&b, &ts);
    timer_clear(&ts, &a.timer);
    ck_assert_int_eq(timer_set(&ts, &a.timer, 0, 10), 0);
    ck_assert_int_eq(timer_set(&ts, &b.timer, 1, 10), 0);
    ck_assert_int_eq(timer_set(&ts, &a.timer, 2, 10), 0); /* moves behind b */
    ck_assert_int_eq(timer_set(&ts, &a.timer, 3, 10), 0); /* is the last already */
    ck_assert_uint_eq(ts.n_set, 2);
    ck_assert_int_eq(timers_wait(&ts, 3), 8);
    expire(&ts, 12);
    ck_assert_uint_eq(a.fired, 0);
    ck_assert_uint_eq(b.fired, 1);

    ck_assert_int_eq(timer_set(&ts, &a.timer, 12, 7), 0); /* to another length */
    ck_assert_int_eq(timers_wait(&ts, 12), 7);
    ck_assert_int_eq(timer_set(&ts, &a.timer, 12, 0), 0); /* never */
    ck_assert(!timer_is_set(&a.timer));
    ck_assert_int_eq(timer_set(&ts, &a.timer, 12, 7), 0);
    ck_assert_int_eq(timer_set(&ts, &a.timer, 12, -5), 0);
    ck_assert(!timer_is_set(&a.timer));
    ck_assert_int_eq(timer_set(&ts, &a.timer, 12, 7), 0);
    timer_clear(&ts, &a.timer);
    timer_clear(&ts, &a.timer);
    ck_assert_uint_eq(ts.n_set, 0);
    expire(&ts, 1000);
    ck_assert_uint_eq(a.fired, 0);
    timers_done(&ts);
}
END_TEST

START_TEST(a_very_long_one)
{
    struct timers ts;
    struct probe a;

    timers_init(&ts);
    probe_init(&a, &ts);
    ck_assert_int_eq(timer_set(&ts, &a.timer, INT64_MAX - 5, 10), 0);
    ck_assert_int_eq(timers_wait(&ts, INT64_MAX - 5), 5);
    timer_clear(&ts, &a.timer);
    timers_done(&ts);
}
END_TEST

START_TEST(fire_may_do_anything)
{
    struct timers ts;
    struct probe a, b, c, *d = malloc(sizeof *d);

    timers_init(&ts);
    probe_init(&a, &ts);
    probe_init(&b, &ts);
    probe_init(&c, &ts);
    probe_init(d, &ts);
    a.resets = true;
    a.clears = &b; /* due in the same call */
    c.sets = &b;
    d->frees = true;
    ck_assert_int_eq(timer_set(&ts, &a.timer, 0, 1), 0);
    ck_assert_int_eq(timer_set(&ts, &b.timer, 0, 1), 0);
    ck_assert_int_eq(timer_set(&ts, &c.timer, 0, 1), 0);
    ck_assert_int_eq(timer_set(&ts, &d->timer, 0, 1), 0);
    expire(&ts, 10);
    ck_assert_uint_eq(a.fired, 1); /* once, though it was due again at once */
    ck_assert_uint_eq(b.fired, 0);
    ck_assert_uint_eq(c.fired, 1);
    ck_assert(timer_is_set(&a.timer));
    ck_assert(timer_is_set(&b.timer));
    ck_assert_uint_eq(ts.n_set, 2);
    a.resets = false;
    a.clears = NULL;
    expire(&ts, 15);
    ck_assert_uint_eq(a.fired, 2);
    ck_assert_uint_eq(b.fired, 1);
    ck_assert_uint_eq(ts.n_set, 0);
    timers_done(&ts);
}
END_TEST

START_TEST(due_one_is_set_anew)
{
    struct timers ts;
    struct probe a, b;

    timers_init(&ts);
    probe_init(&a, &ts);
    probe_init(&b, &ts);
    a.sets = &b;
    ck_assert_int_eq(timer_set(&ts, &a.timer, 0, 1), 0);
    ck_assert_int_eq(timer_set(&ts, &b.timer, 0, 1), 0);
    expire(&ts, 1);
    ck_assert_uint_eq(b.fired, 0);
    ck_assert_uint_eq(ts.n_set, 1);
    ck_assert_int_eq(timers_wait(&ts, 1), 5);
    timer_clear(&ts, &b.timer);
    timers_done(&ts);
}
END_TEST

START_TEST(queues_stay_few)
{
    struct timers ts;
    struct probe a;
    struct probe *many = calloc(1000, sizeof *many);

    timers_init(&ts);
    probe_init(&a, &ts);
    for (int64_t length = 1; length <= 10000; length++)
        ck_assert_int_eq(timer_set(&ts, &a.timer, 0, length), 0);
    ck_assert_uint_le(ts.n_queues, 17);
    timer_clear(&ts, &a.timer);

    /* In use at the same time they are many; afterwards few again. */
    for (unsigned i = 0; i < 1000; i++) {
        probe_init(&many[i], &ts);
        ck_assert_int_eq(timer_set(&ts, &many[i].timer, 0, 20000 + i), 0);
    }
    ck_assert_uint_ge(ts.n_queues, 1000);
    for (unsigned i = 0; i < 500; i++)
        timer_clear(&ts, &many[i].timer);
    expire(&ts, 100000);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(many[i].fired, i >= 500);
    ck_assert_uint_le(ts.n_queues, 16);
    ck_assert_uint_eq(ts.n_set, 0);
    timers_done(&ts);
    free(many);
}
END_TEST

/* Against a plain array: the same timers fire at the same instants. */
START_TEST(as_a_model)
{
    enum { N = 200 };
    static const int64_t lengths[] = { 3, 10, 10, 10, 40, 1000, 0 };
    struct timers ts;
    struct probe p[N];
    int64_t expires[N];
    unsigned fired[N] = { 0 };
    unsigned seed = 42;
    bool same = true; /* each ck_assert() is a message to the parent */

    timers_init(&ts);
    for (unsigned i = 0; i < N; i++) {
        probe_init(&p[i], &ts);
        expires[i] = -1;
    }
    for (int64_t now = 1; now < 20000; now++) {
        unsigned i = (unsigned)rand_r(&seed) % N;
        int64_t soonest = INT64_MAX;

        if (rand_r(&seed) % 4 == 0) {
            timer_clear(&ts, &p[i].timer);
            expires[i] = -1;
        } else {
            int64_t length = lengths[(unsigned)rand_r(&seed) % array_len(lengths)];

            ck_assert_int_eq(timer_set(&ts, &p[i].timer, now, length), 0);
            expires[i] = length > 0 ? now + length : -1;
        }
        if (rand_r(&seed) % 3 != 0)
            continue;
        expire(&ts, now);
        for (i = 0; i < N; i++) {
            if (expires[i] >= 0 && expires[i] <= now) {
                fired[i]++;
                expires[i] = -1;
            }
            same = same && p[i].fired == fired[i] && timer_is_set(&p[i].timer) == (expires[i] >= 0);
            if (expires[i] >= 0)
                soonest = min_of(soonest, expires[i]);
        }
        ck_assert(same);
        ck_assert_int_eq(timers_wait(&ts, now), soonest == INT64_MAX ? -1 : soonest - now);
    }
    for (unsigned i = 0; i < N; i++)
        timer_clear(&ts, &p[i].timer);
    timers_done(&ts);
    timers_done(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event/timer");
    TCase *tc = tcase_create("timer");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, fires_when_due);
    tcase_add_test(tc, restarts_and_clears);
    tcase_add_test(tc, a_very_long_one);
    tcase_add_test(tc, fire_may_do_anything);
    tcase_add_test(tc, due_one_is_set_anew);
    tcase_add_test(tc, queues_stay_few);
    tcase_add_test(tc, as_a_model);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
