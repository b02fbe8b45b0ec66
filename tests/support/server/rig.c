/* rig.c - see rig.h. */
#include "tests/support/server/rig.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/conn.h"
#include "tests/support/server/daemon.h"

struct rig rig;

void rig_start(const char *text)
{
    char nothing[200];

    log_init(LOG_LEVEL_ERROR);
    snprintf(nothing, sizeof nothing,
             "loops = 1; listeners: { rig: { address = \"unix:@muxd-rig-%d\"; } }\n"
             "routes: { a: { match = \"/\"; respond: { } } }\n",
             (int)getpid());
    ck_assert_int_eq(server_new(test_config(nothing), &rig.server), 0);
    ck_assert_int_eq(bounds_init(&rig.bounds), 0);
    ck_assert_int_eq(engine_init(&rig.engine, rig.server, &rig.bounds, 0), 0);
    change_init(&rig.change, server_loop(rig.server), &rig.engine, 1);
    ck_assert_ptr_nonnull(rig_change(text));
}

void rig_start_usual(void)
{
    rig_start(
        "loops = 1;\n"
        "listeners: { s: { address = \"unix:%s/socket\"; } }\n"
        "timeouts: { header = \"1h\"; body = \"2h\"; write = \"3h\"; handler = \"4h\"; idle = "
        "\"5h\"; }\n"
        "limits: { write_rate = \"10\"; body_rate = \"1\"; }\n"
        "routes: {\n"
        "  a:    { match = \"/a\"; respond: { body = \"alpha\"; } }\n"
        "  read: { match = \"/read\"; try_read: {} }\n"
        "  big:  { match = \"/big\"; try_source: { size = \"16M\"; bounded = true; } }\n"
        "  off:  { match = \"/off\"; try_offload: {} }\n"
        "}\n");
}

struct config *rig_change(const char *text)
{
    unsigned errors;

    if (change_prepare(&rig.change, test_config_after(text, rig.change.config), NULL, &errors) < 0)
        return NULL;
    change_commit(&rig.change, false);
    return rig.change.config;
}

void rig_turns(int n)
{
    while (n-- > 0) {
        loop_turn(&rig.engine.loop, 0);
        loop_turn(server_loop(rig.server), 0);
    }
}

/* The pools end first: a worker may be about to wake the loop for a letter that has arrived. */
void rig_stop(void)
{
    engine_cut(&rig.engine);
    loop_turn(&rig.engine.loop, 0);
    ck_assert_uint_eq(rig.engine.loop.timers.n_set, 0);
    ck_assert(registry_end_pools(&rig.change.registry, clock_mono() + NSEC_PER_SEC));
    engine_done(&rig.engine);
    ck_assert(change_end_logs(&rig.change, clock_mono() + NSEC_PER_SEC));
    change_end(&rig.change);
    ck_assert(server_free(rig.server)); /* which delivers what was left */
    change_done(&rig.change);
    bounds_done(&rig.bounds);
}

struct acceptor *rig_acceptor(void)
{
    ck_assert(!list_empty(&rig.engine.acceptors));
    return list_first(&rig.engine.acceptors, struct acceptor, node);
}

struct conn *rig_conn(int *ret_peer)
{
    struct sockaddr none = { .sa_family = AF_UNIX };
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_eq(bounds_enter(&rig.bounds, &rig.engine.config->limits, &none), ADMIT);
    int r = conn_open(rig_acceptor(), fds[0], &none, sizeof none, false);
    struct conn *c = list_last(&rig.engine.idle, struct conn, node);
    ck_assert_int_eq(r, 0);
    ck_assert_ptr_nonnull(c);
    *ret_peer = fds[1];
    return c;
}

const char *rig_received(int peer, bool *ret_end)
{
    static char text[KIB(64)];
    size_t n = 0;
    ssize_t r = 1;

    while (n < sizeof text - 1 && (r = recv(peer, text + n, sizeof text - 1 - n, 0)) > 0)
        n += (size_t)r;
    text[n] = '\0';
    *ret_end = r == 0;
    return text;
}
