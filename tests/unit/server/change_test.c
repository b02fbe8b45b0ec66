/*
 * change_test.c - from one config to the next: what goes when, what outlives it, and what a refused
 * one leaves behind. One engine, whose turns the test runs.
 */
#include "server/change.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/conn.h"
#include "server/exchange.h"
#include "tests/support/server/daemon.h"
#include "tests/support/server/rig.h"
#include "tests/support/server/stage.h"

#define HEAD "loops = 1; timeouts: { write = \"1h\"; handler = \"1h\"; }\n"
#define LISTEN "listeners: { s: { address = \"unix:%s/socket\"; } }\n"
/* Two sites; their versions differ in what the %d of the text says. */
#define SITES                                                                                      \
    "sites: {\n"                                                                                   \
    "  a: { hosts = [ \"a\" ]; routes: {\n"                                                        \
    "    big:  { match = \"/big\"; try_source: { size = \"16M\"; bounded = true; } }\n"            \
    "    off:  { match = \"/off\"; try_offload: {} pool = \"p\"; share = %d; }\n"                  \
    "    text: { match = \"/\"; respond: { body = \"a%d\"; } } } }\n"                              \
    "  b: { hosts = [ \"b\" ]; routes: {\n"                                                        \
    "    text: { match = \"/\"; respond: { body = \"b%d\"; } } } }\n"                              \
    "}\n"                                                                                          \
    "pools: { p: { threads = 1; } }\n"

static char text_of[2048];

/* Version x of site a, version y of site b. */
static const char *version(int x, int y)
{
    snprintf(text_of, sizeof text_of,
             HEAD "listeners: { s: { address = \"unix:%s/socket\"; } }\n" SITES, test_dir(), x + 1,
             x, y);
    return text_of;
}

static void set_up(void)
{
    rig_start(version(1, 1));
}

/* *gone becomes true with the arena. */
static void mark_gone(void *arg)
{
    *(bool *)arg = true;
}

static void watch(struct arena *arena, bool *gone)
{
    *gone = false;
    ck_assert_int_eq(arena_on_reset(arena, mark_gone, gone), 0);
}

static struct site *site_named(const char *name)
{
    const struct config *c = rig.change.config;

    for (size_t i = 0; i < c->n_sites; i++)
        if (str_eq(c->sites[i]->name, str_of(name)))
            return c->sites[i];
    ck_abort_msg("no site %s", name);
    return NULL;
}

static struct route *route_named(const char *site, const char *name)
{
    struct site *s = site_named(site);

    for (size_t i = 0; i < s->n_routes; i++)
        if (str_eq(s->routes[i].name, str_of(name)))
            return &s->routes[i];
    ck_abort_msg("no route %s", name);
    return NULL;
}

static void ask(int peer, const char *target, const char *host)
{
    char text[200];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host);
    client_send(peer, text);
    rig_turns(2);
}

/* The answer ends in `body`. */
static void answered(int peer, const char *body)
{
    bool end;
    const char *got = rig_received(peer, &end);
    size_t n = strlen(got), m = strlen(body);

    ck_assert_msg(!end && n > m && strcmp(got + n - m, body) == 0, "got: %s", got);
}

START_TEST(unchanged_sites_are_kept)
{
    struct site *a = site_named("a"), *b = site_named("b");

    rig_change(version(1, 2));
    rig_turns(1);
    ck_assert_uint_eq(rig.change.config->n_kept, 1);
    ck_assert_ptr_eq(site_named("a"), a);
    ck_assert_ptr_ne(site_named("b"), b);
    ck_assert_uint_eq(rig.change.registry.n_sites, 2);
    ck_assert_ptr_null(rig.change.from);
}
END_TEST

START_TEST(next_request_sees_the_new)
{
    int peer;

    rig_conn(&peer);
    ask(peer, "/", "a");
    answered(peer, "a1");
    rig_change(version(2, 1));
    ask(peer, "/", "a");
    answered(peer, "a2");
    close(peer);
    rig_turns(2);
}
END_TEST

/* A running stream keeps its site; the snapshot and the other sites go. */
START_TEST(a_stream_holds_its_site_only)
{
    bool config_gone, a_gone, b_gone, end;
    int peer, other;

    rig_conn(&peer);
    ask(peer, "/big", "a");
    watch(&rig.change.config->arena, &config_gone);
    watch(&site_named("a")->arena, &a_gone);
    watch(&site_named("b")->arena, &b_gone);
    rig_change(version(2, 2));
    rig_turns(2);
    ck_assert(config_gone);
    ck_assert(b_gone);
    ck_assert(!a_gone);
    ck_assert_uint_eq(rig.change.registry.n_sites, 3);

    /* A thousand changes later it is still the same. */
    for (int i = 3; i < 1003; i++) {
        rig_change(version(i, i));
        rig_turns(1);
    }
    rig_turns(2);
    ck_assert(!a_gone);
    ck_assert_uint_eq(rig.change.registry.n_sites, 3);
    rig_conn(&other);
    ask(other, "/", "a");
    answered(other, "a1002");

    size_t got = 0;
    for (const char *text; got < MIB(16); got += strlen(text)) {
        text = rig_received(peer, &end);
        ck_assert_msg(!end, "%zu", got);
        rig_turns(1);
    }
    rig_turns(2);
    ck_assert(a_gone);
    ck_assert_uint_eq(rig.change.registry.n_sites, 2);
    close(peer);
    close(other);
    rig_turns(2);
}
END_TEST

/* What is in a pool holds site, pool and share, which may all be gone from the config. */
START_TEST(a_job_holds_its_site_and_pool)
{
    bool a_gone;
    int peer;

    stage_shut();
    rig_conn(&peer);
    ask(peer, "/off", "a");
    stage_await_waiting(1);
    watch(&site_named("a")->arena, &a_gone);
    rig_change(HEAD LISTEN "routes: { n: { match = \"/\"; respond: { body = \"new\"; } } }\n");
    rig_turns(3);
    ck_assert(!a_gone);
    unsigned pools = 0;
    list_each (w, &rig.change.registry.pools, struct workers, node)
        pools++;
    ck_assert_uint_eq(pools, 2);

    stage_open();
    while (!a_gone)
        rig_turns(1);
    bool end;
    ck_assert(strncmp(rig_received(peer, &end), "HTTP/1.1 200 ", 13) == 0);
    /* Its worker may be at its last instructions still. */
    while (list_first(&rig.change.registry.pools, struct workers, node) !=
           list_last(&rig.change.registry.pools, struct workers, node))
        registry_tidy(&rig.change.registry);
    ask(peer, "/x", "a");
    answered(peer, "new");
    close(peer);
    rig_turns(2);
}
END_TEST

START_TEST(names_keep_counters_and_shares)
{
    int peer;
    struct route_state *state = route_named("a", "text")->state;

    rig_conn(&peer);
    ask(peer, "/", "a");
    answered(peer, "a1");
    rig_change(version(2, 1));
    ask(peer, "/", "a");
    answered(peer, "a2");
    ck_assert_ptr_eq(route_named("a", "text")->state, state);
    struct route_sums sums = route_counts_sum(&rig.change.registry, state);
    ck_assert_uint_eq(sums.requests, 2);
    ck_assert_uint_eq(sums.failed, 0);
    ck_assert_uint_eq(sums.timeouts, 0);
    ck_assert_uint_eq(route_named("a", "off")->state->share.max, 3);
    rig_change(version(5, 1));
    ck_assert_uint_eq(route_named("a", "off")->state->share.max, 6);

    /* Gone and come back, they begin anew. */
    rig_change(HEAD LISTEN "routes: { n: { match = \"/\"; respond: { } } }\n");
    rig_turns(2);
    rig_change(version(1, 1));
    sums = route_counts_sum(&rig.change.registry, route_named("a", "text")->state);
    ck_assert_uint_eq(sums.requests, 0);
    close(peer);
    rig_turns(2);
}
END_TEST

/* The second address is taken: the first is given up, and all is as it was. */
START_TEST(refused_whole)
{
    char text[1024];
    unsigned port = free_port(), taken = free_port();
    struct sock_addr address;
    const char *why;
    unsigned n;
    int fd, peer;
    bool gone;

    snprintf(text, sizeof text, "127.0.0.1:%u", taken);
    ck_assert_int_eq(sock_parse(str_of(text), &address, &why), 0);
    ck_assert_int_eq(sock_listen(&address, 1, false, 1, &fd, &n), 0);
    watch(&rig.change.config->arena, &gone);
    snprintf(text, sizeof text,
             HEAD "listeners: { t: { address = \"127.0.0.1:%u\"; } u: { address = "
                  "\"127.0.0.1:%u\"; } }\n"
                  "pools: { q: { } }\n"
                  "routes: { n: { match = \"/\"; respond: { } pool = \"q\"; } }\n",
             port, taken);
    ck_assert_ptr_null(rig_change(text));
    rig_turns(2);
    ck_assert(!gone);
    ck_assert_uint_eq(rig.change.registry.n_sites, 2);
    list_each (w, &rig.change.registry.pools, struct workers, node)
        ck_assert_str_ne(w->name, "q");
    rig_conn(&peer);
    ask(peer, "/", "b");
    answered(peer, "b1");
    close(peer);
    close(fd);
    /* The port is free again. */
    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    ck_assert_int_eq(sock_parse(str_of(text), &address, &why), 0);
    ck_assert_int_eq(sock_listen(&address, 1, false, 1, &fd, &n), 0);
    close(fd);
    rig_turns(2);
}
END_TEST

static int change_log(const char *path)
{
    char text[1024];
    struct accesslog *log;
    unsigned errors;

    snprintf(text, sizeof text, "access_log = \"%s\";\n" HEAD LISTEN SITES, path, test_dir(), 1, 1,
             1);
    struct config *config = test_config_after(text, rig.change.config);
    ck_assert_int_eq(accesslog_new(&config->access, 1, &log), 0);
    int r = change_prepare(&rig.change, config, log, &errors);
    ck_assert_uint_eq(errors, r < 0);
    if (r == 0)
        change_commit(&rig.change, false);
    return r;
}

/* Of logs that nobody reads so many are left to their writers, and no more; and none gets a second
 * one. */
START_TEST(logs_that_hang_are_bounded)
{
    enum { N = 6 };
    char path[N][40];
    int r = 0, n = 0, pipes[N][2], peer;

    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
        snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", pipes[i][1]);
        while (write(pipes[i][1], text_of, sizeof text_of) > 0)
            ;
        while (write(pipes[i][1], "", 1) > 0)
            ;
    }
    rig_conn(&peer);
    while (r == 0 && n < N) {
        if (n == 2)
            ck_assert_int_eq(change_log(path[0]), -EALREADY);
        r = change_log(path[n++]);
        rig_turns(2);
        ask(peer, "/", "b");
        answered(peer, "b1");
    }
    ck_assert_int_eq(r, -EBUSY);
    ck_assert_int_eq(n, 6);     /* four, the one that serves, the refused */
    for (int i = 0; i < N; i++) /* nobody will */
        close(pipes[i][0]);
    close(peer);
    rig_turns(3);
    for (int i = 0; i < N; i++)
        close(pipes[i][1]);
}
END_TEST

/* Its connection is served by the config that had the listener, and is then closed. */
START_TEST(a_listener_goes_with_its_last_connection)
{
    bool gone, end;
    int peer;

    rig_conn(&peer);
    client_send(peer, "GET / HTTP/1.1\r\nHost: b\r\n");
    rig_turns(1);
    watch(&rig.change.config->arena, &gone);
    rig_change(HEAD "listeners: { t: { address = \"unix:@muxd-change-test\"; } }\n"
                    "routes: { n: { match = \"/\"; respond: { body = \"new\"; } } }\n");
    rig_turns(2);
    ck_assert(!gone);
    client_send(peer, "\r\n");
    rig_turns(2);
    const char *got = rig_received(peer, &end);
    ck_assert_msg(strstr(got, "\r\nConnection: close\r\n") != NULL &&
                      strcmp(got + strlen(got) - 2, "b1") == 0,
                  "got: %s", got);
    ck_assert(end);
    close(peer);
    rig_turns(3);
    ck_assert(gone);
    ck_assert(list_first(&rig.change.listeners, struct listener, node) ==
              list_last(&rig.change.listeners, struct listener, node));
}
END_TEST

/* Under another name it is the same, and so are its connections. */
START_TEST(an_address_is_what_a_listener_is)
{
    struct listener *l = list_first(&rig.change.listeners, struct listener, node);
    int fd = l->fds[0], peer;

    rig_conn(&peer);
    rig_change(HEAD "listeners: { other: { address = \"unix:%s/socket\"; } }\n"
                    "routes: { n: { match = \"/\"; respond: { body = \"new\"; } } }\n");
    rig_turns(2);
    ck_assert_ptr_eq(list_first(&rig.change.listeners, struct listener, node), l);
    ck_assert_int_eq(l->fds[0], fd);
    ck_assert(str_eq(l->conf->name, STR("other")));
    ask(peer, "/", "a");
    answered(peer, "new");
    close(peer);
    rig_turns(2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server/change");
    TCase *tc = tcase_create("change");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, rig_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, unchanged_sites_are_kept);
    tcase_add_test(tc, next_request_sees_the_new);
    tcase_add_test(tc, a_stream_holds_its_site_only);
    tcase_add_test(tc, a_job_holds_its_site_and_pool);
    tcase_add_test(tc, names_keep_counters_and_shares);
    tcase_add_test(tc, refused_whole);
    tcase_add_test(tc, logs_that_hang_are_bounded);
    tcase_add_test(tc, a_listener_goes_with_its_last_connection);
    tcase_add_test(tc, an_address_is_what_a_listener_is);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
