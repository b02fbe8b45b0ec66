/* target_test.c - authorities; the request-target as a whole is tested by head_test.c. */
#include "http/target.h"

#include <check.h>
#include <stdlib.h>

struct row {
    const char *text, *host, *port; /* port NULL: refused, host is the reason */
};

static const struct row rows[] = {
    { "", "", "" },
    { "a", "a", "" },
    { "A.Example", "a.example", "" },
    { "a:1", "a", "1" },
    { "a:", "a", "" },
    { ":1", "", "1" },
    { "a:00080", "a", "00080" },
    { "[::]", "[::]", "" },
    { "[FE80::A]:65535", "[fe80::a]", "65535" },
    { "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]",
      "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]", "" },
    { "a b", "host_malformed", NULL },
    { "a:b", "port_malformed", NULL },
    { "a:65536", "port_malformed", NULL },
    { "[", "host_malformed", NULL },
    { "[]", "host_malformed", NULL },
    { "[::]a", "host_malformed", NULL },
    { "[::1%eth0]", "host_malformed", NULL },
};

START_TEST(test_authority)
{
    const struct row *c = &rows[_i];
    size_t n = strlen(c->text);
    char *text = malloc(n + 1); /* no byte behind it: a sanitizer watches */
    struct arena arena;
    struct str host, port;

    memcpy(text + 1, c->text, n);
    arena_init(&arena, MIB(1));
    const char *why = target_authority(str_make(text + 1, n), &arena, &host, &port);
    if (c->port == NULL) {
        ck_assert_str_eq(why, c->host);
    } else {
        ck_assert_ptr_null(why);
        ck_assert(str_eq(host, str_of(c->host)) && str_eq(port, str_of(c->port)));
    }
    arena_done(&arena);
    free(text);
}
END_TEST

START_TEST(test_nul)
{
    struct arena arena;
    struct str host, port;

    arena_init(&arena, MIB(1));
    ck_assert_str_eq(target_authority(STR("[::1\0]"), &arena, &host, &port), "host_malformed");
    ck_assert_str_eq(target_authority(STR("a\0"), &arena, &host, &port), "host_malformed");
    arena_done(&arena);
}
END_TEST

START_TEST(test_memory)
{
    struct arena arena;
    struct str host, port, text = STR("lower.example:80");

    arena_init(&arena, 0);
    ck_assert_ptr_null(target_authority(text, &arena, &host, &port));
    ck_assert_ptr_eq(host.p, text.p);
    ck_assert(!arena_failed(&arena));
    ck_assert_ptr_eq(target_authority(STR("Upper"), &arena, &host, &port), target_no_memory);
    arena_done(&arena);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("target");
    TCase *t = tcase_create("target");

    tcase_add_loop_test(t, test_authority, 0, array_len(rows));
    tcase_add_test(t, test_nul);
    tcase_add_test(t, test_memory);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
