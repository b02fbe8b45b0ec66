/*
 * conn_test.c - the end of a connection: close, abort, linger, time-outs. The engine's turns are
 * run by the test; the peer is the other end of a socket pair.
 */
#include "server/conn.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/engine.h"
#include "tests/support/server/daemon.h"
#include "tests/support/server/rig.h"
#include "tests/support/server/stage.h"

#define HOUR (3600 * NSEC_PER_SEC)
#define REQUEST "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

static void turns(int n)
{
    while (n-- > 0)
        loop_turn(&rig.engine.loop, 0);
}

static bool is_closed(int peer)
{
    struct pollfd p = { .fd = peer };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* So much later what is due is due. */
static void pass_time(int64_t length)
{
    timers_expire(&rig.engine.loop.timers, rig.engine.loop.now + length);
    turns(2);
}

START_TEST(idle_holds_nothing)
{
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    turns(2);
    ck_assert_ptr_null(c->proto_data);
    client_send(peer, REQUEST);
    turns(1);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
    ck_assert(!end);
    ck_assert_ptr_null(c->proto_data);
    ck_assert_int_eq(c->wait, CONN_WAIT_IDLE);
    client_send(peer, "GET");
    turns(1);
    ck_assert_ptr_nonnull(c->proto_data);
    ck_assert_int_eq(c->wait, CONN_WAIT_HEADER);
    close(peer);
    turns(2);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_uint_eq(rig.engine.n_h1s, 1);
    ck_assert_uint_eq(rig.engine.n_bufs, 2);
}
END_TEST

/* ---- close */

static struct conn *victim;

/* Closes another connection while that one is due in the same turn. */
static void close_victim(struct watch *w, uint32_t events)
{
    (void)w;
    (void)events;
    conn_close(victim);
    ck_assert_int_eq(victim->state, CONN_CLOSED); /* its memory is there till the turn is over */
    ck_assert(!watch_is_on(&victim->watch));
    conn_close(victim);
    conn_abort(victim);
    conn_linger(victim);
    ck_assert_int_eq(victim->state, CONN_CLOSED);
    ck_assert_uint_eq(rig.engine.n_conns, 1);
}

START_TEST(close_in_the_middle_of_a_turn)
{
    struct watch closer;
    int peer;

    watch_init(&closer, close_victim);
    for (int order = 0; order < 2; order++) {
        victim = rig_conn(&peer);
        turns(1);
        client_send(peer, REQUEST);
        if (order == 0)
            loop_ready(&rig.engine.loop, &closer); /* before the victim runs */
        conn_again(victim);
        loop_ready(&rig.engine.loop, &closer);
        turns(1);
        ck_assert_uint_eq(rig.engine.n_conns, 0);
        ck_assert(is_closed(peer));
        close(peer);
    }
    ck_assert_uint_eq(stats_read(&rig.engine.stats, closed), 2);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, requests), 1);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, aborted), 0);
}
END_TEST

START_TEST(close_while_lent)
{
    int peer;
    struct conn *c = rig_conn(&peer);

    stage_shut();
    client_send(peer, "GET /off HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(1);
    stage_await_waiting(1);
    conn_close(c);
    turns(3);
    ck_assert_uint_eq(rig.engine.n_conns, 1);
    ck_assert_int_eq(c->state, CONN_CLOSED);
    ck_assert(is_closed(peer));
    stage_open();
    while (rig.engine.n_conns > 0)
        loop_turn(&rig.engine.loop, -1);
    ck_assert_uint_eq(stage_alive(), 0);
    ck_assert_uint_eq(stage_thens(), 0);
    close(peer);
}
END_TEST

/* Over TCP, where an abort is a reset. */
START_TEST(abort_is_a_reset)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;
    char byte;

    for (int abort = 0; abort < 2; abort++) {
        int at = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(at, (struct sockaddr *)&in, sizeof in), 0);
        ck_assert_int_eq(listen(at, 1), 0);
        ck_assert_int_eq(getsockname(at, (struct sockaddr *)&in, &len), 0);
        int peer = client_open_tcp(ntohs(in.sin_port));
        int fd = accept4(at, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        ck_assert_int_eq(
            bounds_enter(&rig.bounds, &rig.engine.config->limits, (struct sockaddr *)&in), ADMIT);
        ck_assert_int_eq(conn_open(rig_acceptor(), fd, (struct sockaddr *)&in, len, false), 0);
        struct conn *c = list_last(&rig.engine.idle, struct conn, node);
        turns(1);
        if (abort)
            conn_abort(c);
        else
            conn_close(c);
        ssize_t n = recv(peer, &byte, 1, 0);
        ck_assert_int_eq(n, abort ? -1 : 0);
        ck_assert(!abort || errno == ECONNRESET);
        ck_assert_uint_eq(stats_read(&rig.engine.stats, aborted), (uint64_t)abort);
        turns(1);
        close(peer);
        close(at);
        in.sin_port = 0;
    }
    ck_assert_uint_eq(rig.engine.n_conns, 0);
}
END_TEST

/* ---- linger */

static struct conn *lingering(int *ret_peer)
{
    struct conn *c = rig_conn(ret_peer);
    bool end;

    client_send(*ret_peer, "GET /a HTTP/1.1\r\nHost : x\r\n\r\n");
    turns(1);
    assert_starts(rig_received(*ret_peer, &end), "HTTP/1.1 400 ");
    ck_assert(end);
    ck_assert_int_eq(c->state, CONN_LINGER);
    ck_assert_ptr_null(c->proto_data);
    return c;
}

static void send_zeros(int peer, size_t n)
{
    static const char zeros[KIB(16)];

    while (n > 0) {
        ssize_t r = send(peer, zeros, min_of(n, sizeof zeros), MSG_NOSIGNAL);
        ck_assert_int_gt(r, 0);
        n -= (size_t)r;
        turns(1);
    }
}

START_TEST(linger_until_the_peer_ends)
{
    int peer;
    struct conn *c = lingering(&peer);

    send_zeros(peer, KIB(100));
    ck_assert_int_eq(c->state, CONN_LINGER);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    turns(2);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    close(peer);
}
END_TEST

START_TEST(linger_ends_with_time)
{
    int peer;

    (void)lingering(&peer);
    send_zeros(peer, 10);
    pass_time(NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 1);
    pass_time(3 * NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert(is_closed(peer));
    close(peer);
}
END_TEST

/* However much is sent, or how fast: only time ends it, lest a fast sender lose the response. */
START_TEST(linger_reads_on)
{
    int peer;
    struct conn *c = lingering(&peer);

    send_zeros(peer, MIB(2));
    ck_assert_int_eq(c->state, CONN_LINGER);
    pass_time(3 * NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    close(peer);
}
END_TEST

START_TEST(linger_meets_a_reset)
{
    int peer;

    (void)lingering(&peer);
    client_reset(peer);
    turns(2);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
}
END_TEST

/* A peer that announced the end and has sent all needs nobody to listen. */
START_TEST(no_linger_after_a_proper_end)
{
    bool end;
    int peer;

    (void)rig_conn(&peer);
    client_send(peer, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    turns(2);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
    ck_assert(end);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    close(peer);
}
END_TEST

/* ---- time-outs */

START_TEST(idle_time_out)
{
    bool end;
    int peer;

    /* A new connection owes its first byte within the time of a head. */
    (void)rig_conn(&peer);
    turns(1);
    pass_time(HOUR - NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 1);
    pass_time(HOUR + NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_str_eq(rig_received(peer, &end), "");
    ck_assert(end);
    close(peer);

    (void)rig_conn(&peer);
    client_send(peer, REQUEST);
    turns(2);
    pass_time(5 * HOUR - NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 1);
    pass_time(5 * HOUR + NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    close(peer);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, timeouts), 0);
}
END_TEST

START_TEST(header_time_out_counts_from_its_begin)
{
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    client_send(peer, "GET /a HTT");
    turns(1);
    int64_t due = c->timer.expires;
    client_send(peer, "P/1.1\r\n");
    turns(1);
    ck_assert_int_eq(c->timer.expires, due);
    pass_time(HOUR + NSEC_PER_SEC);
    const char *response = rig_received(peer, &end);
    assert_starts(response, "HTTP/1.1 408 ");
    ck_assert_ptr_nonnull(strstr(response, "Connection: close\r\n"));
    ck_assert(end);
    ck_assert_int_eq(c->state, CONN_LINGER);
    close(peer);
    turns(2);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
}
END_TEST

START_TEST(body_time_out)
{
    bool end;
    int peer;

    (void)rig_conn(&peer);
    client_send(peer, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
    turns(2);
    pass_time(2 * HOUR + NSEC_PER_SEC);
    const char *response = rig_received(peer, &end);
    assert_starts(response, "HTTP/1.1 408 ");
    ck_assert_ptr_nonnull(strstr(response, "Connection: close\r\n"));
    ck_assert(end);
    close(peer);
    turns(2);
}
END_TEST

/* Unread body is waited for, to keep the connection; not for ever. */
START_TEST(discard_time_out)
{
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    client_send(peer, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
    turns(2);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
    ck_assert(!end);
    ck_assert_int_eq(c->wait, CONN_WAIT_BODY);
    pass_time(2 * HOUR + NSEC_PER_SEC);
    (void)rig_received(peer, &end);
    ck_assert(end);
    ck_assert_int_eq(c->state, CONN_LINGER);
    close(peer);
    turns(2);
}
END_TEST

START_TEST(write_time_out)
{
    static char some[KIB(256)];
    int peer;
    struct conn *c = rig_conn(&peer);

    client_send(peer, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(3);
    ck_assert_int_eq(c->wait, CONN_WAIT_WRITE);
    int64_t due = c->timer.expires;
    while (recv(peer, some, sizeof some, 0) > 0)
        ; /* progress: the time begins anew */
    turns(3);
    ck_assert_int_eq(c->wait, CONN_WAIT_WRITE);
    ck_assert_int_gt(c->timer.expires, due);
    pass_time(3 * HOUR + NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, aborted), 1);
    ck_assert_uint_eq(stage_alive(), 0);
    close(peer);
}
END_TEST

/* Takes all that is there; how much. */
static size_t take_all(int peer)
{
    static char some[KIB(256)];
    size_t all = 0;

    for (ssize_t n; (n = recv(peer, some, sizeof some, 0)) > 0;)
        all += (size_t)n;
    return all;
}

/* As if the wait had begun so much earlier. */
static void wait_longer(struct conn *c, int64_t length)
{
    ck_assert_int_eq(c->wait, CONN_WAIT_WRITE);
    c->since -= length;
}

START_TEST(write_rate)
{
    int peer;
    struct conn *c = rig_conn(&peer);

    client_send(peer, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(3);
    wait_longer(c, 3 * HOUR);
    ck_assert_uint_gt(take_all(peer), 3 * 3600 * 10); /* limits.write_rate */
    turns(3);
    ck_assert_int_lt(c->waited, HOUR); /* judged, and good */
    ck_assert_int_eq(c->taken_0, c->taken);
    for (int i = 0; i < 2; i++) { /* not yet as long as the time-out */
        wait_longer(c, HOUR);
        take_all(peer);
        turns(3);
    }
    ck_assert_int_ge(c->waited, 2 * HOUR);
    wait_longer(c, 4000 * HOUR); /* far too long for what came in it */
    take_all(peer);
    turns(3);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, aborted), 1);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, timeouts), 1);
    close(peer);
}
END_TEST

/* The kernel does not tell of little room: only a look at the end of the time-out shows it. */
START_TEST(write_time_out_sees_what_was_taken)
{
    static char some[KIB(64)];
    int peer;
    struct conn *c = rig_conn(&peer);

    client_send(peer, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(3);
    int64_t taken = c->taken;
    ck_assert_int_gt(recv(peer, some, sizeof some, 0), 0);
    timers_expire(&rig.engine.loop.timers, rig.engine.loop.now + 3 * HOUR + NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 1);
    ck_assert_int_gt(c->taken, taken);
    ck_assert(timer_is_set(&c->timer));
    pass_time(3 * HOUR + NSEC_PER_SEC);
    turns(2);
    take_all(peer);
    pass_time(3 * HOUR + NSEC_PER_SEC);
    pass_time(3 * HOUR + NSEC_PER_SEC);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    close(peer);
}
END_TEST

START_TEST(idle_ones_make_room_the_longest_idle_first)
{
    int peers[3];
    struct conn *conns[3];

    for (int i = 0; i < 3; i++)
        conns[i] = rig_conn(&peers[i]);
    turns(1);
    ck_assert(!engine_make_room(&rig.engine)); /* they have only come */
    client_send(peers[0], REQUEST);            /* now this one is the last */
    turns(2);
    for (int i = 0; i < 3; i++)
        conns[i]->since -= 2 * NSEC_PER_SEC;
    ck_assert(engine_make_room(&rig.engine));
    ck_assert(is_closed(peers[1]));
    ck_assert(!is_closed(peers[2]) && !is_closed(peers[0]));
    client_send(peers[2], "G"); /* has arrived, and is not yet seen */
    ck_assert(!engine_make_room(&rig.engine));
    turns(2);
    ck_assert(engine_make_room(&rig.engine));
    ck_assert(is_closed(peers[0]));
    ck_assert(!engine_make_room(&rig.engine)); /* the last is not idle */
    client_send(peers[2], "ET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(2);
    conns[2]->since -= 2 * NSEC_PER_SEC;
    close(peers[2]); /* it left, which is not yet seen either */
    ck_assert(engine_make_room(&rig.engine));
    turns(1);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, evicted), 3);
    close(peers[0]);
    close(peers[1]);
}
END_TEST

/* Who has had the last answer makes room before who may still ask. */
START_TEST(lingering_ones_make_room_first)
{
    int idle, done;
    bool end;
    struct conn *waits = rig_conn(&idle), *lingers = rig_conn(&done);

    client_send(done, "GET /a HTTP/9.9\r\n");
    turns(2);
    assert_starts(rig_received(done, &end), "HTTP/1.1 505 ");
    ck_assert_int_eq(lingers->state, CONN_LINGER);
    waits->since -= 2 * NSEC_PER_SEC;
    lingers->since -= 2 * NSEC_PER_SEC;
    ck_assert(engine_make_room(&rig.engine));
    ck_assert_int_eq(lingers->state, CONN_CLOSED);
    ck_assert_int_eq(waits->state, CONN_OPEN);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, evicted), 0);
    ck_assert(engine_make_room(&rig.engine));
    ck_assert_int_eq(waits->state, CONN_CLOSED);
    ck_assert(!engine_make_room(&rig.engine));
    turns(1);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    close(idle);
    close(done);
}
END_TEST

START_TEST(peer_as_text)
{
    char text[SOCK_TEXT_MAX];
    int peer;
    struct conn *c = rig_conn(&peer);

    conn_peer_text(c, text);
    ck_assert_str_eq(text, "unix:");
    c->peer.in = (struct sockaddr_in){ .sin_family = AF_INET,
                                       .sin_port = htons(4711),
                                       .sin_addr.s_addr = htonl(0xc0000201) };
    conn_peer_text(c, text);
    ck_assert_str_eq(text, "192.0.2.1:4711");
    conn_close(c);
    turns(1);
    close(peer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server/conn");
    TCase *tc = tcase_create("conn");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, rig_start_usual, rig_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, idle_holds_nothing);
    tcase_add_test(tc, close_in_the_middle_of_a_turn);
    tcase_add_test(tc, close_while_lent);
    tcase_add_test(tc, abort_is_a_reset);
    tcase_add_test(tc, linger_until_the_peer_ends);
    tcase_add_test(tc, linger_ends_with_time);
    tcase_add_test(tc, linger_reads_on);
    tcase_add_test(tc, linger_meets_a_reset);
    tcase_add_test(tc, no_linger_after_a_proper_end);
    tcase_add_test(tc, idle_time_out);
    tcase_add_test(tc, header_time_out_counts_from_its_begin);
    tcase_add_test(tc, body_time_out);
    tcase_add_test(tc, discard_time_out);
    tcase_add_test(tc, write_time_out);
    tcase_add_test(tc, write_rate);
    tcase_add_test(tc, write_time_out_sees_what_was_taken);
    tcase_add_test(tc, idle_ones_make_room_the_longest_idle_first);
    tcase_add_test(tc, lingering_ones_make_room_first);
    tcase_add_test(tc, peer_as_text);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
