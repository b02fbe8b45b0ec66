/* bounds_test.c - who may come in: of all, and of one client. */
#include "server/bounds.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct bounds bounds;

static void set_up(void)
{
    ck_assert_int_eq(bounds_init(&bounds), 0);
}

/* Requires that nobody is left. */
static void tear_down(void)
{
    bounds_done(&bounds);
}

static const struct sockaddr *address(const char *text)
{
    static struct sockaddr_in in;
    static struct sockaddr_in6 in6;
    static struct sockaddr un = { .sa_family = AF_UNIX };

    in = (struct sockaddr_in){ .sin_family = AF_INET };
    in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return (struct sockaddr *)&in;
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        return (struct sockaddr *)&in6;
    return &un;
}

static enum admission enter(int64_t connections, int64_t per_client, const char *who)
{
    struct limits limits = { .connections = connections, .connections_per_client = per_client };

    return bounds_enter(&bounds, &limits, address(who));
}

static void leave(const char *who, bool counted)
{
    bounds_leave(&bounds, address(who), counted);
}

START_TEST(connections)
{
    ck_assert_int_eq(enter(2, 0, "192.0.2.1"), ADMIT);
    ck_assert_int_eq(enter(2, 0, "unix"), ADMIT);
    ck_assert_int_eq(enter(2, 0, "192.0.2.1"), ADMIT_TOO_MANY);
    ck_assert_int_eq(enter(3, 0, "192.0.2.1"), ADMIT); /* a new config */
    ck_assert_int_eq(enter(2, 0, "192.0.2.1"), ADMIT_TOO_MANY);
    leave("unix", false);
    leave("192.0.2.1", false);
    ck_assert_int_eq(enter(2, 0, "192.0.2.2"), ADMIT);
    leave("192.0.2.1", false);
    leave("192.0.2.2", false);
}
END_TEST

START_TEST(the_default_is_of_the_descriptors)
{
    ck_assert_int_gt(bounds.default_connections, 1);
    bounds.default_connections = 1;
    ck_assert_int_eq(enter(0, 0, "192.0.2.1"), ADMIT);
    ck_assert_int_eq(enter(0, 0, "192.0.2.1"), ADMIT_TOO_MANY);
    leave("192.0.2.1", false);
}
END_TEST

START_TEST(of_one_client)
{
    ck_assert_int_eq(enter(9, 2, "192.0.2.1"), ADMIT_COUNTED);
    ck_assert_int_eq(enter(9, 2, "192.0.2.1"), ADMIT_COUNTED);
    ck_assert_int_eq(enter(9, 2, "192.0.2.1"), ADMIT_CLIENT_FULL);
    ck_assert_int_eq(enter(9, 2, "::ffff:192.0.2.1"), ADMIT_CLIENT_FULL);
    ck_assert_int_eq(enter(9, 2, "192.0.2.2"), ADMIT_COUNTED);
    ck_assert_int_eq(enter(9, 2, "unix"), ADMIT); /* which have no address */
    ck_assert_int_eq(enter(9, 2, "unix"), ADMIT);
    ck_assert_int_eq(enter(9, 2, "unix"), ADMIT);
    leave("192.0.2.1", true);
    ck_assert_int_eq(enter(9, 2, "192.0.2.1"), ADMIT_COUNTED);
    ck_assert_int_eq(atomic_load(&bounds.connections), 6); /* whoever was refused is not counted */
    for (int i = 0; i < 3; i++)
        leave("unix", false);
    leave("192.0.2.1", true);
    leave("192.0.2.1", true);
    leave("192.0.2.2", true);
}
END_TEST

START_TEST(a_network_is_one_client)
{
    ck_assert_int_eq(enter(9, 1, "2001:db8:1:2::1"), ADMIT_COUNTED);
    ck_assert_int_eq(enter(9, 1, "2001:db8:1:2:ffff::9"), ADMIT_CLIENT_FULL);
    ck_assert_int_eq(enter(9, 1, "2001:db8:1:3::1"), ADMIT_COUNTED);
    ck_assert_int_eq(enter(9, 1, "::1"), ADMIT_COUNTED);
    leave("::1", true);
    leave("2001:db8:1:2:3:4:5:6", true);
    leave("2001:db8:1:3::1", true);
}
END_TEST

/* Those who came before there was a bound are not of it, and leave uncounted. */
START_TEST(a_bound_that_comes_later)
{
    ck_assert_int_eq(enter(9, 0, "192.0.2.1"), ADMIT);
    ck_assert_int_eq(enter(9, 1, "192.0.2.1"), ADMIT_COUNTED);
    leave("192.0.2.1", false);
    ck_assert_int_eq(enter(9, 1, "192.0.2.1"), ADMIT_CLIENT_FULL);
    leave("192.0.2.1", true);
}
END_TEST

#define THREADS 4
#define TIMES 20000
#define MOST 3

static _Atomic int inside[2];

static void *come_and_go(void *arg)
{
    struct limits limits = { .connections = 2 * MOST, .connections_per_client = MOST };
    unsigned seed = (unsigned)(uintptr_t)arg;
    uintptr_t in = 0;

    for (int i = 0; i < TIMES; i++) {
        unsigned who = (seed = seed * 1103515245 + 12345) >> 16 & 1;
        struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(who) };
        enum admission a = bounds_enter(&bounds, &limits, (struct sockaddr *)&peer);
        if (a != ADMIT_COUNTED)
            continue;
        in++;
        if (atomic_fetch_add(&inside[who], 1) >= MOST)
            return NULL;
        atomic_fetch_sub(&inside[who], 1);
        bounds_leave(&bounds, (struct sockaddr *)&peer, true);
    }
    return (void *)in;
}

START_TEST(from_many_threads)
{
    pthread_t threads[THREADS];
    void *in;

    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &in);
        ck_assert_uint_gt((uintptr_t)in, 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("server/bounds");
    TCase *tc = tcase_create("bounds");
    SRunner *r = srunner_create(s);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, connections);
    tcase_add_test(tc, the_default_is_of_the_descriptors);
    tcase_add_test(tc, of_one_client);
    tcase_add_test(tc, a_network_is_one_client);
    tcase_add_test(tc, a_bound_that_comes_later);
    tcase_add_test(tc, from_many_threads);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
