/*
 * h1_test.c - HTTP/1 on an engine whose turns are run by the test: how much one connection gets in
 * a turn, rates of bodies, and who has a buffer when. The peer is the other end of a socket pair.
 */
#include "server/h1.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/engine.h"
#include "tests/support/server/daemon.h"
#include "tests/support/server/rig.h"
#include "tests/support/server/stage.h"

#define HOUR (3600 * NSEC_PER_SEC)
#define REQUEST "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

/* Who sends many requests at once leaves time to others between them. */
START_TEST(requests_of_a_turn)
{
    const uint64_t n = H1_TURN_STEPS;
    char requests[H1_TURN_STEPS * (sizeof REQUEST - 1)];
    bool end;
    int peer;

    (void)rig_conn(&peer);
    for (uint64_t i = 0; i < n; i++)
        memcpy(requests + i * (sizeof REQUEST - 1), REQUEST, sizeof REQUEST - 1);
    ck_assert_int_eq(send(peer, requests, sizeof requests, MSG_NOSIGNAL), sizeof requests);
    rig_turns(1);
    ck_assert_uint_gt(stats_read(&rig.engine.stats, requests), 0);
    ck_assert_uint_lt(stats_read(&rig.engine.stats, requests), n);
    rig_turns(4);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, requests), n);
    (void)rig_received(peer, &end);
    close(peer);
    rig_turns(2);
}
END_TEST

/* A turn is as long for tiny chunks as for a body without framing. */
START_TEST(framing_counts_in_a_turn)
{
    char chunks[600];
    int peer;
    struct conn *c = rig_conn(&peer);

    for (size_t i = 0; i < sizeof chunks; i++)
        chunks[i] = "1\r\nx\r\n"[i % 6];
    client_send(peer, "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    ck_assert_int_eq(send(peer, chunks, sizeof chunks, MSG_NOSIGNAL), sizeof chunks);
    rig_turns(1);
    const struct h1 *h = c->proto_data;
    ck_assert_uint_eq(h->turn_read, sizeof chunks);
    close(peer);
    rig_turns(2);
}
END_TEST

START_TEST(body_rate_of_each_body)
{
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    for (int i = 0; i < 3; i++) {
        client_send(peer, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
        rig_turns(2);
        struct h1 *h = c->proto_data;
        ck_assert_int_ne(h->body_since, 0);
        h->body_since -= HOUR; /* half the time-out */
        client_send(peer, "b");
        rig_turns(2);
        assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
        ck_assert(!end);
    }
    close(peer);
    rig_turns(2);
}
END_TEST

/* A good begin is no credit for later. */
START_TEST(body_rate)
{
    static char much[2 * 3600 + 1]; /* enough for two hours */
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    memset(much, 'd', sizeof much - 1);
    client_send(peer, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nabc");
    for (int i = 0; i < 4; i++) {
        rig_turns(2);
        ck_assert_str_eq(rig_received(peer, &end), "");
        struct h1 *h = c->proto_data;
        ck_assert_int_ne(h->body_since, 0);
        h->body_since -= HOUR; /* the time-out is two of these, and the rate 1 */
        client_send(peer, i == 0 ? much : "d");
    }
    rig_turns(2);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 408 ");
    close(peer);
    rig_turns(2);
}
END_TEST

/* What slow heads take. */
START_TEST(a_slow_head_is_parked)
{
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    client_send(peer, "GET /a HTTP/1.1\r\nHo");
    rig_turns(2);
    const struct h1 *h = c->proto_data;
    ck_assert_uint_le(h->in.cap, KIB(1));
    ck_assert_ptr_null(h->out.base);
    client_send(peer, "st: x\r\n\r\n" REQUEST "GET /a");
    rig_turns(2);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
    ck_assert_uint_le(h->in.cap, KIB(1));
    client_send(peer, " HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_turns(2);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
    ck_assert_ptr_null(c->proto_data);
    close(peer);
    rig_turns(2);
}
END_TEST

START_TEST(at_the_bound_of_memory)
{
    struct budget *memory = &rig.bounds.memory;
    size_t most = atomic_load(&memory->max);
    int busy, late;
    bool end;

    struct conn *c = rig_conn(&busy);
    (void)rig_conn(&late);
    client_send(busy, "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "1\r\na\r\n");
    rig_turns(2);
    atomic_store(&memory->max, 0);
    client_send(late, REQUEST);
    rig_turns(2);
    assert_starts(rig_received(late, &end), "HTTP/1.1 503 ");
    ck_assert(end);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, refused_buffers), 1);
    client_send(busy, "1\r\na\r\n0\r\n\r\n"); /* which has begun, and goes on */
    rig_turns(2);
    assert_starts(rig_received(busy, &end), "HTTP/1.1 200 ");
    ck_assert_int_eq(c->state, CONN_OPEN);
    atomic_store(&memory->max, most);
    client_send(busy, REQUEST);
    rig_turns(2);
    assert_starts(rig_received(busy, &end), "HTTP/1.1 200 ");
    close(busy);
    close(late);
    rig_turns(2);
}
END_TEST

/* Who looks at an idle connection, as a drain does, finds no request to refuse. */
START_TEST(nothing_came_and_nothing_is_refused)
{
    struct budget *memory = &rig.bounds.memory;
    size_t most = atomic_load(&memory->max);
    bool end;
    int peer;
    struct conn *c = rig_conn(&peer);

    for (int cached = 0; cached < 2; cached++) { /* whether there is memory but for buffers */
        atomic_store(&memory->max, 0);
        rig_turns(2);
        c->readable = true;
        conn_again(c);
        rig_turns(2);
        ck_assert_str_eq(rig_received(peer, &end), "");
        ck_assert(!end);
        ck_assert_int_eq(c->wait, CONN_WAIT_IDLE);
        atomic_store(&memory->max, most);
        client_send(peer, REQUEST);
        rig_turns(2);
        assert_starts(rig_received(peer, &end), "HTTP/1.1 200 ");
        while (rig.engine.n_bufs > 0) {
            budget_give(memory, ENGINE_BUF_SIZE);
            free(rig.engine.bufs[--rig.engine.n_bufs]);
        }
    }
    ck_assert_uint_eq(rig.engine.n_h1s, 1);
    atomic_store(&memory->max, 0);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0); /* nor is an end a request */
    rig_turns(2);
    ck_assert_str_eq(rig_received(peer, &end), "");
    ck_assert(end);
    ck_assert_uint_eq(rig.engine.n_conns, 0);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, refused_buffers), 0);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, malformed), 0);
    close(peer);
}
END_TEST

/* What one loop keeps for later is no memory for the others. */
START_TEST(caches_do_not_use_up_the_memory)
{
    struct budget *memory = &rig.bounds.memory;
    struct buf bufs[ENGINE_CACHE_MAX];
    struct h1 *h1s[ENGINE_CACHE_MAX];

    atomic_store(&memory->max, 2 * ENGINE_CACHE_MAX * ENGINE_BUF_SIZE);
    for (size_t i = 0; i < ENGINE_CACHE_MAX; i++) {
        ck_assert_int_eq(engine_buf_take(&rig.engine, &bufs[i], 0), 0);
        ck_assert_ptr_nonnull(h1s[i] = engine_h1_take(&rig.engine));
    }
    atomic_store(&memory->max, ENGINE_CACHE_MAX * ENGINE_BUF_SIZE);
    for (size_t i = 0; i < ENGINE_CACHE_MAX; i++) {
        engine_h1_give(&rig.engine, h1s[i]);
        engine_buf_give(&rig.engine, &bufs[i]);
    }
    ck_assert(!budget_is_full(memory, ENGINE_CACHE_MAX * ENGINE_BUF_SIZE / 2));
    ck_assert_uint_gt(rig.engine.n_bufs, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("server/h1");
    TCase *tc = tcase_create("h1");
    SRunner *r = srunner_create(s);

    tcase_add_checked_fixture(tc, rig_start_usual, rig_stop);
    tcase_add_test(tc, requests_of_a_turn);
    tcase_add_test(tc, framing_counts_in_a_turn);
    tcase_add_test(tc, body_rate_of_each_body);
    tcase_add_test(tc, body_rate);
    tcase_add_test(tc, a_slow_head_is_parked);
    tcase_add_test(tc, at_the_bound_of_memory);
    tcase_add_test(tc, nothing_came_and_nothing_is_refused);
    tcase_add_test(tc, caches_do_not_use_up_the_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
