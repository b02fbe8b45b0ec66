/* exchange_test.c - exchanges that are lent, late, or left by their clients, in a whole server. */
#include "server/exchange.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/server/daemon.h"
#include "tests/support/server/stage.h"

/* One loop, so that what one connection was told follows what another did before; one worker, so
 * that the second job is queued. */
#define CONFIG(timeouts, pool)                                                                     \
    "loops = 1;\n"                                                                                 \
    "listeners: { s: { address = \"unix:%s/socket\"; } }\n"                                        \
    "timeouts: { " timeouts " }\n"                                                                 \
    "pools: { default: { threads = 1; " pool " } }\n"                                              \
    "routes: {\n"                                                                                  \
    "  a:     { match = \"/a\"; respond: { body = \"alpha\"; } }\n"                                \
    "  off:   { match = \"/off\"; try_offload: {} }\n"                                             \
    "  share: { match = \"/share\"; share = 1; try_offload: {} }\n"                                \
    "  work:  { match = \"/work\"; run = \"pool\"; try_worker: { size = \"0\"; } }\n"              \
    "  pour:  { match = \"/pour\"; run = \"pool\"; try_worker: { size = \"16M\"; } }\n"            \
    "  count: { match = \"/count\"; run = \"pool\"; try_read: {} }\n"                              \
    "  later: { match = \"/later\"; try_later: {} }\n"                                             \
    "  echo:  { match = \"/echo\"; try_echo: {} }\n"                                               \
    "  src:   { match = \"/source\"; try_source: { size = \"16M\"; } }\n"                          \
    "  die:   { match = \"/die\"; try_die: { size = \"0\"; } }\n"                                  \
    "  cut:   { match = \"/cut\"; try_die: { size = \"1000\"; } }\n"                               \
    "}\n"

#define assert_starts(text, with)                                                                  \
    do {                                                                                           \
        const char *t_ = (text);                                                                   \
        ck_assert_msg(strncmp(t_, with, strlen(with)) == 0, "got: %.200s", t_);                    \
    } while (0)

/* What happened on the loop before is over: two turns at least have passed. */
static void two_turns(void)
{
    int fd = client_open();

    assert_starts(client_ask(fd, "/a"), "HTTP/1.1 200 ");
    assert_starts(client_ask(fd, "/a"), "HTTP/1.1 200 ");
    close(fd);
}

/* A request whose job stands at the gate. */
static int at_the_gate(const char *target)
{
    int fd = client_open();

    stage_shut();
    client_get(fd, target);
    stage_await_waiting(1);
    return fd;
}

START_TEST(left_while_queued)
{
    daemon_start(CONFIG("", ""));
    int first = at_the_gate("/off"), second = client_open();
    client_get(second, "/off");
    stage_await_alive(2);
    client_reset(second);
    stage_await_alive(1); /* while the first still keeps the worker */
    ck_assert_uint_eq(stage_waiting(), 1);
    stage_open();
    assert_starts(client_response(first), "HTTP/1.1 200 ");
    ck_assert_uint_eq(stage_thens(), 1);
    ck_assert_uint_eq(stage_cancelled(), 0);
    close(first);
    daemon_stop();
}
END_TEST

START_TEST(left_while_running)
{
    daemon_start(CONFIG("", ""));
    client_reset(at_the_gate("/off"));
    two_turns();
    ck_assert_uint_eq(stage_alive(), 1);
    stage_open();
    stage_await_cancelled(1);
    stage_await_alive(0);
    ck_assert_uint_eq(stage_thens(), 0);
    daemon_stop();
}
END_TEST

START_TEST(left_while_streaming)
{
    char some[1000];

    daemon_start(CONFIG("", ""));
    int fd = client_open();
    client_get(fd, "/pour");
    ck_assert_int_gt(recv(fd, some, sizeof some, 0), 0);
    client_reset(fd);
    stage_await_cancelled(1);
    stage_await_alive(0);
    daemon_stop();
}
END_TEST

START_TEST(left_while_it_reads)
{
    daemon_start(CONFIG("", ""));
    int fd = client_open();
    client_send(fd, "POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
    assert_starts(client_response(fd), "HTTP/1.1 200 "); /* the head: it has begun to read */
    client_reset(fd);
    stage_await_alive(0);
    daemon_stop();
}
END_TEST

START_TEST(left_while_later)
{
    daemon_start(CONFIG("", ""));
    int fd = client_open();
    client_get(fd, "/later");
    stage_await_later(1);
    client_reset(fd);
    two_turns();
    ck_assert_uint_eq(stage_alive(), 1);
    ck_assert_uint_eq(stage_resume(), 1);
    stage_await_alive(0);
    ck_assert_uint_eq(stage_thens(), 0);
    daemon_stop();
}
END_TEST

START_TEST(later_goes_on)
{
    daemon_start(CONFIG("", ""));
    int fd = client_open();
    for (int i = 0; i < 3; i++) {
        client_get(fd, "/later?x");
        stage_await_later(1);
        ck_assert_uint_eq(stage_resume(), 1);
        const char *response = client_response(fd);
        assert_starts(response, "HTTP/1.1 200 ");
        ck_assert_ptr_nonnull(strstr(response, "X-Query: x\r\n"));
        ck_assert_ptr_nonnull(strstr(response, "\r\n\r\nlater\n"));
    }
    close(fd);
    daemon_stop();
}
END_TEST

/* 504, and the connection ends, but the exchange lives until it is back. */
static void check_504(int fd)
{
    int error;

    const char *response = client_response(fd);
    assert_starts(response, "HTTP/1.1 504 ");
    ck_assert_ptr_nonnull(strstr(response, "Connection: close\r\n"));
    ck_assert_uint_eq(client_drain(fd, &error), 0);
    ck_assert_int_eq(error, 0);
    ck_assert_uint_eq(stage_alive(), 1);
}

START_TEST(time_out_of_a_job)
{
    daemon_start(CONFIG("handler = \"50ms\";", ""));
    int fd = at_the_gate("/off");
    check_504(fd);
    close(fd);
    two_turns();
    ck_assert_uint_eq(stage_alive(), 1);
    stage_open();
    stage_await_cancelled(1);
    stage_await_alive(0);
    ck_assert_uint_eq(stage_thens(), 0);
    daemon_stop();
}
END_TEST

/* The same, but the job is back before the connection is closed. */
START_TEST(time_out_of_a_job_that_comes_back)
{
    daemon_start(CONFIG("handler = \"50ms\";", ""));
    int fd = at_the_gate("/off");
    check_504(fd);
    stage_open();
    stage_await_alive(0);
    close(fd);
    ck_assert_uint_eq(stage_thens(), 0);
    daemon_stop();
}
END_TEST

START_TEST(time_out_of_later)
{
    daemon_start(CONFIG("handler = \"50ms\";", ""));
    int fd = client_open();
    client_get(fd, "/later");
    check_504(fd);
    ck_assert(stage_later_is_cancelled());
    ck_assert_uint_eq(stage_resume(), 1);
    stage_await_alive(0);
    ck_assert_uint_eq(stage_thens(), 0);
    close(fd);
    /* The next exchange of the same memory has not been given up. */
    fd = client_open();
    client_get(fd, "/later");
    stage_await_later(1);
    ck_assert(!stage_later_is_cancelled());
    stage_resume();
    assert_starts(client_response(fd), "HTTP/1.1 200 ");
    close(fd);
    daemon_stop();
}
END_TEST

START_TEST(queue_time)
{
    daemon_start(CONFIG("", "queue_time = \"50ms\";"));
    int first = at_the_gate("/off"), second = client_open();
    const char *response = client_ask(second, "/off");
    assert_starts(response, "HTTP/1.1 503 ");
    ck_assert_ptr_nonnull(strstr(response, "Retry-After: "));
    ck_assert_uint_eq(stage_waiting(), 1);
    assert_starts(client_ask(second, "/a"), "HTTP/1.1 200 ");
    stage_open();
    assert_starts(client_response(first), "HTTP/1.1 200 ");
    ck_assert_uint_eq(stage_thens(), 1);
    close(first);
    close(second);
    daemon_stop();
}
END_TEST

START_TEST(queue_is_full)
{
    daemon_start(CONFIG("", "queue = 0;"));
    int first = at_the_gate("/off"), second = client_open();
    assert_starts(client_ask(second, "/off"), "HTTP/1.1 503 ");
    assert_starts(client_ask(second, "/a"), "HTTP/1.1 200 ");
    stage_open();
    assert_starts(client_response(first), "HTTP/1.1 200 ");
    close(first);
    close(second);
    daemon_stop();
}
END_TEST

START_TEST(share_is_used_up)
{
    daemon_start(CONFIG("", ""));
    int first = at_the_gate("/share"), second = client_open(), third = client_open();
    assert_starts(client_ask(second, "/share"), "HTTP/1.1 503 ");
    client_get(third, "/off"); /* of another route */
    stage_await_alive(2);
    stage_open();
    assert_starts(client_response(first), "HTTP/1.1 200 ");
    assert_starts(client_response(third), "HTTP/1.1 200 ");
    assert_starts(client_ask(second, "/share"), "HTTP/1.1 200 ");
    close(first);
    close(second);
    close(third);
    daemon_stop();
}
END_TEST

START_TEST(worker_dies)
{
    daemon_start(CONFIG("", ""));
    int fd = client_open();
    assert_starts(client_ask(fd, "/die"), "HTTP/1.1 500 ");
    assert_starts(client_ask(fd, "/off"), "HTTP/1.1 200 ");
    assert_starts(client_ask(fd, "/die"), "HTTP/1.1 500 ");
    assert_starts(client_ask(fd, "/a"), "HTTP/1.1 200 ");
    close(fd);
    daemon_stop();
}
END_TEST

START_TEST(worker_dies_in_its_response)
{
    char all[4096], *at = all;
    ssize_t n;

    daemon_start(CONFIG("", ""));
    int fd = client_open();
    client_get(fd, "/cut");
    while ((n = recv(fd, at, sizeof all - 1 - (size_t)(at - all), 0)) > 0)
        at += n;
    *at = '\0';
    ck_assert_ptr_null(strstr(all, "\r\n0\r\n")); /* no last chunk */
    close(fd);
    stage_await_alive(0);
    daemon_stop();
}
END_TEST

START_TEST(streams_whole)
{
    int error;

    daemon_start(CONFIG("", ""));
    int fd = client_open();
    client_get(fd, "/pour");
    client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ck_assert_uint_gt(client_drain(fd, &error), MIB(16));
    ck_assert_int_eq(error, 0);
    close(fd);
    daemon_stop();
}
END_TEST

/* Many rings full; the loop goes on whenever the worker has read. */
START_TEST(a_large_body_reaches_the_worker)
{
    static const char zeros[KIB(64)];

    daemon_start(CONFIG("", ""));
    int fd = client_open();
    for (int i = 0; i < 3; i++) {
        client_send(fd, "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 4194304\r\n\r\n");
        for (size_t left = MIB(4); left > 0; left -= sizeof zeros)
            ck_assert_int_eq(send(fd, zeros, sizeof zeros, MSG_NOSIGNAL), sizeof zeros);
        const char *response = client_response(fd);
        assert_starts(response, "HTTP/1.1 200 ");
        ck_assert_ptr_nonnull(strstr(response, "\r\n\r\nread 4194304\n"));
    }
    close(fd);
    daemon_stop();
}
END_TEST

START_TEST(drain_waits_for_a_job)
{
    int error;

    daemon_start(CONFIG("drain = \"30s\";", ""));
    int fd = at_the_gate("/off"), idle = client_open();
    assert_starts(client_ask(idle, "/a"), "HTTP/1.1 200 ");
    daemon_term();
    ck_assert_uint_eq(client_drain(idle, &error), 0); /* the idle one ends at once */
    ck_assert_int_eq(error, 0);
    stage_open();
    const char *response = client_response(fd);
    assert_starts(response, "HTTP/1.1 200 ");
    ck_assert_ptr_nonnull(strstr(response, "Connection: close\r\n"));
    close(fd);
    close(idle);
    ck_assert_int_eq(daemon_join(), 0);
}
END_TEST

START_TEST(drain_is_cut)
{
    int error;

    daemon_start(CONFIG("drain = \"50ms\";", ""));
    int fd = at_the_gate("/off");
    daemon_term();
    ck_assert_uint_eq(client_drain(fd, &error), 0);
    stage_open();
    close(fd);
    ck_assert_int_eq(daemon_join(), 0);
    ck_assert_uint_eq(stage_alive(), 0);
}
END_TEST

/* The loops have ended when the job comes back. */
START_TEST(drain_is_cut_and_the_job_is_late)
{
    daemon_start(CONFIG("drain = \"0\";", ""));
    int fd = at_the_gate("/off");
    daemon_term();
    daemon_await_end();
    stage_open();
    close(fd);
    ck_assert_int_eq(daemon_join(), 0);
    ck_assert_uint_eq(stage_alive(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server/exchange");
    TCase *tc = tcase_create("exchange");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, left_while_queued);
    tcase_add_test(tc, left_while_running);
    tcase_add_test(tc, left_while_streaming);
    tcase_add_test(tc, left_while_it_reads);
    tcase_add_test(tc, left_while_later);
    tcase_add_test(tc, later_goes_on);
    tcase_add_test(tc, time_out_of_a_job);
    tcase_add_test(tc, time_out_of_a_job_that_comes_back);
    tcase_add_test(tc, time_out_of_later);
    tcase_add_test(tc, queue_time);
    tcase_add_test(tc, queue_is_full);
    tcase_add_test(tc, share_is_used_up);
    tcase_add_test(tc, worker_dies);
    tcase_add_test(tc, worker_dies_in_its_response);
    tcase_add_test(tc, streams_whole);
    tcase_add_test(tc, a_large_body_reaches_the_worker);
    tcase_add_test(tc, drain_waits_for_a_job);
    tcase_add_test(tc, drain_is_cut);
    tcase_add_test(tc, drain_is_cut_and_the_job_is_late);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
