/*
 * engine_test.c - accepting, its back-off, and the begin of a drain. The engine's turns are run by
 * the test; the server around it serves nothing.
 */
#include "server/engine.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/conn.h"
#include "server/server.h"
#include "tests/support/server/daemon.h"
#include "tests/support/server/rig.h"

#define ROUTES "routes: { a: { match = \"/a\"; respond: { body = \"alpha\"; } } }\n"

static unsigned port;

static void set_up(void)
{
    char text[256];

    port = free_port();
    snprintf(text, sizeof text,
             "loops = 1; listeners: { t: { address = \"127.0.0.1:%u\"; } }\n" ROUTES, port);
    rig_start(text);
}

/* No descriptor is left from now on; returns the limit there was. */
static struct rlimit use_up_descriptors(void)
{
    struct rlimit before, none;
    int next = fcntl(0, F_DUPFD, 0);

    ck_assert_int_ge(next, 0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static uint64_t pauses(void)
{
    return stats_read(&rig.engine.stats, accept_pauses);
}

START_TEST(back_off)
{
    int first = client_open_tcp(port), second;
    int64_t expected = 5 * NSEC_PER_MSEC;
    struct acceptor *a = list_first(&rig.engine.acceptors, struct acceptor, node);

    second = client_open_tcp(port);
    struct rlimit before = use_up_descriptors();
    for (unsigned i = 1; i <= 10; i++) {
        uint64_t turns = rig.engine.loop.turns;
        while (pauses() < i)
            loop_turn(&rig.engine.loop, -1);
        /* The timer's turn, that of the ready list, and wake-ups for what the timer rounds. */
        ck_assert_uint_le(rig.engine.loop.turns - turns, 4);
        ck_assert_int_eq(a->backoff, expected);
        ck_assert(timer_is_set(&a->pause));
        ck_assert_int_eq(a->pause.expires - rig.engine.loop.now, expected);
        expected = min_of(expected * 2, NSEC_PER_SEC);
    }
    ck_assert_int_eq(a->backoff, NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (rig.engine.n_conns < 2) /* by itself: nobody connects */
        loop_turn(&rig.engine.loop, -1);
    ck_assert_uint_eq(pauses(), 10);
    ck_assert_int_eq(a->backoff, 0);
    ck_assert(!timer_is_set(&a->pause));
    close(first);
    close(second);
}
END_TEST

START_TEST(an_edge_does_not_end_a_pause)
{
    int fds[3];

    fds[0] = client_open_tcp(port);
    fds[1] = dup(0); /* for the next client */
    struct rlimit before = use_up_descriptors();
    loop_turn(&rig.engine.loop, -1);
    ck_assert_uint_eq(pauses(), 1);
    close(fds[1]);
    fds[1] = client_open_tcp(port);
    loop_turn(&rig.engine.loop, 0);
    ck_assert_uint_eq(pauses(), 1);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (rig.engine.n_conns < 2)
        loop_turn(&rig.engine.loop, -1);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(accepts_all_of_one_edge)
{
    int fds[100];

    for (size_t i = 0; i < array_len(fds); i++)
        fds[i] = client_open_tcp(port);
    uint64_t turns = rig.engine.loop.turns;
    while (rig.engine.n_conns < array_len(fds))
        loop_turn(&rig.engine.loop, -1);
    ck_assert_uint_le(rig.engine.loop.turns - turns, 4);
    for (size_t i = 0; i < array_len(fds); i++)
        close(fds[i]);
}
END_TEST

START_TEST(drain_takes_the_backlog)
{
    int fds[200];

    for (size_t i = 0; i < array_len(fds); i++) {
        fds[i] = client_open_tcp(port);
        client_get(fds[i], "/a");
    }
    loop_post(&rig.engine.loop, &rig.engine.drain_letter);
    while (stats_read(&rig.engine.stats, closed) < array_len(fds))
        loop_turn(&rig.engine.loop, NSEC_PER_SEC);
    for (size_t i = 0; i < array_len(fds); i++) {
        const char *response = client_response(fds[i]);
        ck_assert_int_eq(strncmp(response, "HTTP/1.1 200 ", 13), 0);
        ck_assert_ptr_nonnull(strstr(response, "Connection: close\r\n"));
        close(fds[i]);
    }
    ck_assert(rig.engine.reported);
}
END_TEST

START_TEST(drain_without_descriptors)
{
    int fd = client_open_tcp(port);
    struct rlimit before = use_up_descriptors();

    loop_post(&rig.engine.loop, &rig.engine.drain_letter);
    loop_turn(&rig.engine.loop, -1);
    ck_assert(rig.engine.reported);
    ck_assert(list_empty(&rig.engine.acceptors));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    loop_turn(&rig.engine.loop, 50 * NSEC_PER_MSEC); /* ten times the pause */
    loop_turn(&rig.engine.loop, 0);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, accepted), 0);
    close(fd);
}
END_TEST

START_TEST(no_descriptors)
{
    struct server *other;
    struct rlimit none;

    getrlimit(RLIMIT_NOFILE, &none);
    int next = fcntl(0, F_DUPFD, 0);
    close(next);
    struct config *c = test_config("listeners: { s: { address = \"unix:%s/other\"; } }\n" ROUTES);
    /* For as many as it wants, one after the other, until it has enough. */
    int r = -EMFILE;
    for (rlim_t n = (rlim_t)next; r == -EMFILE; n++) {
        none.rlim_cur = none.rlim_max = n;
        pid_t child = fork();
        if (child == 0) {
            setrlimit(RLIMIT_NOFILE, &none);
            r = server_new(c, &other);
            if (r == 0 && !server_free(other))
                r = -EBUSY;
            _exit(r == 0 ? 0 : r == -EMFILE ? 1 : 2);
        }
        int status = -1;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) < 2, "limit %u: status 0x%x",
                      (unsigned)n, (unsigned)status);
        r = WEXITSTATUS(status) == 0 ? 0 : -EMFILE;
    }
    config_unref(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server/engine");
    TCase *tc = tcase_create("engine");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, rig_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, back_off);
    tcase_add_test(tc, an_edge_does_not_end_a_pause);
    tcase_add_test(tc, accepts_all_of_one_edge);
    tcase_add_test(tc, drain_takes_the_backlog);
    tcase_add_test(tc, drain_without_descriptors);
    tcase_add_test(tc, no_descriptors);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
