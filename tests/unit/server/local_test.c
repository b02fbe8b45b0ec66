/* local_test.c - what a loop keeps for a kind of handler: made once, ticked while that is asked
 * for, freed with the loop. The engine's turns are run by the test. */
#include "server/local.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "handler/handler.h"
#include "server/engine.h"
#include "tests/support/server/daemon.h"
#include "tests/support/server/rig.h"

static unsigned n_made, n_freed, n_ticks, wanted_ticks;
static bool no_memory;
static void *seen;

static void *kept_new(void)
{
    if (no_memory)
        return NULL;
    n_made++;
    return malloc(1);
}

static bool kept_tick(void *local, int64_t now)
{
    ck_assert_ptr_eq(local, seen);
    ck_assert_int_eq(now, loop_now(&rig.engine.loop));
    return ++n_ticks < wanted_ticks;
}

static void kept_free(void *local)
{
    n_freed++;
    free(local);
}

static enum step kept_handle(struct exchange *x)
{
    seen = exchange_local(x);
    ck_assert_uint_eq(exchange_local_max(x).bytes, 5000);
    exchange_count(x, file_cache_hits);
    exchange_response(x)->status = 204;
    return STEP_DONE;
}
HANDLER_KIND(try_kept, .handle = kept_handle, .local_new = kept_new, .local_tick = kept_tick,
             .local_free = kept_free, .about = "Asks for what the loop keeps.");

static void begin(void)
{
    rig_start(
        "loops = 1; listeners: { s: { address = \"unix:%s/socket\"; } }\n"
        "limits: { file_cache = \"10000\"; }\n"
        "routes: { a: { match = \"/a\"; try_kept: { } } b: { match = \"/b\"; try_kept: { } } }\n");
    rig.bounds.n_loops = 2;
}

static void get(const char *path)
{
    char request[100];
    bool end;
    int peer;

    (void)rig_conn(&peer);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             path);
    client_send(peer, request);
    rig_turns(2);
    assert_starts(rig_received(peer, &end), "HTTP/1.1 204 ");
    close(peer);
    rig_turns(2);
}

static bool due(void)
{
    if (!timer_is_set(&rig.engine.local_timer))
        return false;
    rig.engine.local_timer.expires = 0;
    rig_turns(1);
    return true;
}

START_TEST(made_once_and_freed)
{
    get("/a");
    void *first = seen;
    ck_assert_ptr_nonnull(first);
    get("/b");
    ck_assert_ptr_eq(seen, first);
    ck_assert_uint_eq(n_made, 1);
    ck_assert_uint_eq(stats_read(&rig.engine.stats, file_cache_hits), 2);
    rig_stop();
    ck_assert_uint_eq(n_freed, 1);
}
END_TEST

START_TEST(ticks_while_asked_for)
{
    ck_assert(!timer_is_set(&rig.engine.local_timer));
    get("/a");
    wanted_ticks = 3;
    while (due())
        ;
    ck_assert_uint_eq(n_ticks, 3);
    get("/a");
    ck_assert(timer_is_set(&rig.engine.local_timer));
    rig_stop(); /* and no timer is left */
}
END_TEST

START_TEST(without_memory)
{
    no_memory = true;
    get("/a");
    ck_assert_ptr_null(seen);
    ck_assert(!timer_is_set(&rig.engine.local_timer));
    no_memory = false;
    get("/a");
    ck_assert_ptr_nonnull(seen);
    rig_stop();
    ck_assert_uint_eq(n_freed, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("server/local");
    TCase *t = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(t, begin, NULL);
    tcase_add_test(t, made_once_and_freed);
    tcase_add_test(t, ticks_while_asked_for);
    tcase_add_test(t, without_memory);
    suite_add_tcase(s, t);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
