/* mime_test.c - extensions and content types. One thread. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "handler/mime.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, MIB(1));
}

static void teardown(void)
{
    arena_done(&arena);
}

static void expect(struct str got, const char *want)
{
    ck_assert_msg(str_eq(got, str_of(want)), "got \"%.*s\", want \"%s\"", str_fmt(got), want);
}

START_TEST(extensions)
{
    expect(mime_extension(STR("a.css")), "css");
    expect(mime_extension(STR("d.d/a.tar.gz")), "gz");
    expect(mime_extension(STR("d.d/readme")), "");
    expect(mime_extension(STR("a.")), "");
    expect(mime_extension(STR(".css")), "");
    expect(mime_extension(STR("a/.css")), "");
    expect(mime_extension(STR("a.css/")), "");
    expect(mime_extension(STR("")), "");
}
END_TEST

START_TEST(types)
{
    mime_load();
    expect(mime_type(NULL, STR("a.html")), "text/html; charset=utf-8");
    expect(mime_type(NULL, STR("A.HTML")), "text/html; charset=utf-8");
    expect(mime_type(NULL, STR("a.css")), "text/css; charset=utf-8");
    expect(mime_type(NULL, STR("a.js")), "text/javascript; charset=utf-8");
    expect(mime_type(NULL, STR("a.json")), "application/json");
    expect(mime_type(NULL, STR("a.wasm")), "application/wasm");
    expect(mime_type(NULL, STR("a.png")), "image/png");
    expect(mime_type(NULL, STR("a.woff2")), "font/woff2");
    expect(mime_type(NULL, STR("a.no-such-type")), "application/octet-stream");
    expect(mime_type(NULL, STR("README")), "application/octet-stream");
}
END_TEST

START_TEST(own_types)
{
    struct mime_table t = { 0 };

    mime_load();
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("text/x-own PNG .own # png css")), 0);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("text/html;charset=iso-8859-1\thtm")), 0);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("application/javascript js")), 0);
    expect(mime_type(&t, STR("a.png")), "text/x-own; charset=utf-8");
    expect(mime_type(&t, STR("a.own")), "text/x-own; charset=utf-8");
    expect(mime_type(&t, STR("a.htm")), "text/html;charset=iso-8859-1");
    expect(mime_type(&t, STR("a.js")), "application/javascript; charset=utf-8");
    expect(mime_type(&t, STR("a.css")), "text/css; charset=utf-8");
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("image/x-later own")), 0);
    expect(mime_type(&t, STR("a.own")), "image/x-later");
}
END_TEST

START_TEST(lines)
{
    struct mime_table t = { 0 };

    ck_assert_int_eq(mime_add_line(&t, &arena, STR("")), 0);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("  # comment")), 0);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("image/none")), 0);
    ck_assert_uint_eq(t.n, 0);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("image x")), -EINVAL);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("image/a/b x")), -EINVAL);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("im\x01ge/a x")), -EINVAL);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("/a x")), -EINVAL);
    expect(mime_find(&t, STR("x")), "");
}
END_TEST

/* Through several growths every entry is found again. */
START_TEST(many)
{
    struct mime_table t = { 0 };

    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(mime_add_line(&t, &arena, arena_printf(&arena, "a/t%d e%d", i, i)), 0);
    ck_assert_uint_eq(t.n, 1000);
    for (int i = 0; i < 1000; i++)
        expect(mime_find(&t, arena_printf(&arena, "E%d", i)), arena_printf(&arena, "a/t%d", i).p);
    expect(mime_find(&t, STR("e1000")), "");
}
END_TEST

START_TEST(without_memory)
{
    struct mime_table t = { 0 };
    struct arena small;

    arena_init(&small, 0);
    ck_assert_int_eq(mime_add_line(&t, &small, STR("a/b c")), -ENOMEM);
    expect(mime_find(&t, STR("c")), "");
    arena_done(&small);
}
END_TEST

START_TEST(assets)
{
    mime_load();
    ck_assert(mime_is_asset(STR("a/app.js")));
    ck_assert(mime_is_asset(STR("a/APP.JS")));
    ck_assert(mime_is_asset(STR("x.png")));
    ck_assert(!mime_is_asset(STR("users/john.doe")));
    ck_assert(!mime_is_asset(STR("users/a@example.com")));
    ck_assert(!mime_is_asset(STR("page.html")));
    ck_assert(!mime_is_asset(STR("page")));
    ck_assert(!mime_is_asset(STR("")));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/mime");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, extensions);
    tcase_add_test(tc, types);
    tcase_add_test(tc, own_types);
    tcase_add_test(tc, lines);
    tcase_add_test(tc, many);
    tcase_add_test(tc, without_memory);
    tcase_add_test(tc, assets);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
