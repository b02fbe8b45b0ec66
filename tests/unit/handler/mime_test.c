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
    struct mime_table t;

    ck_assert_int_eq(mime_init(&t, &arena, STR("utf-8")), 0);
    ck_assert_uint_eq(t.n, 0); /* the others are shared */
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

static const struct {
    const char *type;
    bool text;
} texts[] = {
    { "text/plain", true },
    { "TEXT/Plain", true },
    { "text/html", true },
    { "text/markdown", true },
    { "text/x-python", true },
    { "text/javascript", true },
    { "application/javascript", true },
    { "application/ECMAScript", true },
    { "application/x-javascript", true },
    { "text/plain;charset=iso-8859-1", false },
    { "text/plain;format=flowed", false },
    { "text/xml", false },
    { "text/XML", false },
    { "text/xml-external-parsed-entity", false },
    { "text/x+xml", false },
    { "application/xml", false },
    { "application/xhtml+xml", false },
    { "application/rss+xml", false },
    { "application/json", false },
    { "application/ld+json", false },
    { "application/javascripts", false },
    { "application/pdf", false },
    { "image/svg+xml", false },
    { "image/javascript", false },
    { "texts/plain", false },
};

START_TEST(text)
{
    static const char *const charsets[] = { "utf-8", "Shift_JIS", "" };
    struct str line = arena_printf(&arena, "%s x", texts[_i].type);

    for (size_t i = 0; i < array_len(charsets); i++) {
        struct mime_table t;
        struct str want = arena_printf(&arena, "%s; charset=%s", texts[_i].type, charsets[i]);
        ck_assert_int_eq(mime_init(&t, &arena, str_of(charsets[i])), 0);
        ck_assert_int_eq(mime_add_line(&t, &arena, line), 0);
        expect(mime_find(&t, STR("x")), texts[_i].text && charsets[i][0] ? want.p : texts[_i].type);
    }
}
END_TEST

/* What the shared tables say of text has the charset of the route, and may be said anew. */
START_TEST(charset)
{
    struct mime_table t;

    ck_assert_int_eq(mime_init(&t, &arena, STR("iso-8859-15")), 0);
    expect(mime_type(&t, STR("a.html")), "text/html; charset=iso-8859-15");
    expect(mime_type(&t, STR("a.CSS")), "text/css; charset=iso-8859-15");
    expect(mime_type(&t, STR("a.json")), "application/json");
    expect(mime_type(&t, STR("a.svg")), "image/svg+xml");
    expect(mime_type(&t, STR("a.png")), "image/png");
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("text/x-own css")), 0);
    ck_assert_int_eq(mime_add_line(&t, &arena, STR("text/html;charset=utf-8 html")), 0);
    expect(mime_type(&t, STR("a.css")), "text/x-own; charset=iso-8859-15");
    expect(mime_type(&t, STR("a.html")), "text/html;charset=utf-8");

    ck_assert_int_eq(mime_init(&t, &arena, STR_EMPTY), 0);
    expect(mime_type(&t, STR("a.html")), "text/html");
    expect(mime_type(&t, STR("a.js")), "text/javascript");
    expect(mime_type(&t, STR("a.png")), "image/png");
    expect(mime_type(NULL, STR("a.html")), "text/html; charset=utf-8");

    ck_assert_int_eq(mime_init(&t, &arena, STR("UTF-8")), 0);
    ck_assert_uint_eq(t.n, 0);
    ck_assert_int_eq(mime_init(&t, &arena, STR("utf 8")), -EINVAL);
    ck_assert_int_eq(mime_init(&t, &arena, STR("utf-8;x")), -EINVAL);
}
END_TEST

/* Whatever this machine's table says: without a charset the type is the same. */
START_TEST(charset_alone)
{
    static const char *const names[] = {
        "a.html", "a.css", "a.js",  "a.mjs", "a.txt",  "a.log", "a.csv",  "a.md",   "a.ics",
        "a.vtt",  "a.xml", "a.ts",  "a.xsl", "a.json", "a.svg", "a.wasm", "a.c",    "a.h",
        "a.py",   "a.sh",  "a.tex", "a.asc", "a.diff", "a.sql", "a.yaml", "a.conf", "a.rtf",
    };
    struct mime_table t;

    ck_assert_int_eq(mime_init(&t, &arena, STR_EMPTY), 0);
    for (size_t i = 0; i < array_len(names); i++) {
        struct str type = mime_type(NULL, str_of(names[i]));
        type = str_head(type, str_chr(type, ';'));
        expect(mime_type(&t, str_of(names[i])), arena_str(&arena, type).p);
    }
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
    ck_assert_int_eq(mime_init(&t, &small, STR("utf-8")), 0);
    ck_assert_int_eq(mime_init(&t, &small, STR_EMPTY), -ENOMEM);
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
    tcase_add_loop_test(tc, text, 0, array_len(texts));
    tcase_add_test(tc, charset);
    tcase_add_test(tc, charset_alone);
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
