/* pages_test.c - the error pages of sites: which are read, in which order they stand, what is
 * refused, and which changes make a site another one. */
#include "unit/config/kinds.h"
#include "unit/config/tree.h"

#define ROUTES "routes: { all: { match = \"/\"; mute: { } } }"
#define SITE(name, errors)                                                                         \
    name ": { hosts = \"" name "\"; " errors " routes: { r: { match = \"/\"; mute: { } } } }\n"

static void setup(void)
{
    tree_begin();
    tree_write("404.html", STR("<p>none"));
    tree_write("404.json", STR("{}"));
    tree_write("sorry.html", STR("<p>sorry"));
    tree_write("with blank.txt", STR(""));
    tree_mkdir("dir.html");
    ck_assert_int_eq(mkfifo(tree_path("fifo.html"), 0600), 0);
}

static void expect_page(const struct error_page *p, unsigned first, unsigned last, const char *type,
                        const char *body)
{
    ck_assert_uint_eq(p->first, first);
    ck_assert_uint_eq(p->last, last);
    ck_assert_str_eq(p->type.p, type);
    ck_assert(str_eq(p->media, str_head(str_of(type), str_chr(str_of(type), ';'))));
    ck_assert(str_eq(p->body, str_of(body)));
}

static const struct error_pages *pages_of(const char *host)
{
    return config_site(&tree_config->listeners[0], str_of(host))->pages;
}

START_TEST(test_order)
{
    tree_ok("errors = [ \"400-599 sorry.html\", \"500-509 404.html\", \"404 404.json\",\n"
            "\"405\t with blank.txt\", \"404 404.html\" ];\n" ROUTES);
    const struct error_pages *p = pages_of("x");
    ck_assert_uint_eq(p->n, 5);
    expect_page(&p->v[0], 404, 404, "application/json", "{}");
    expect_page(&p->v[1], 405, 405, "text/plain; charset=utf-8", "");
    expect_page(&p->v[2], 404, 404, "text/html; charset=utf-8", "<p>none");
    expect_page(&p->v[3], 500, 509, "text/html; charset=utf-8", "<p>none");
    expect_page(&p->v[4], 400, 599, "text/html; charset=utf-8", "<p>sorry");
}
END_TEST

/* Those of the top level are of all sites that say nothing of their own. */
START_TEST(test_whose)
{
    tree_mkdir("s");
    tree_write("s/own.html", STR("<p>own"));
    tree_write("s/a.conf", STR("sites: { " SITE("inc", "errors = \"400 own.html\";") "}"));
    tree_ok("include = \"s/a.conf\"; errors = \"404 404.html\";\n" ROUTES "sites: { " SITE(
        "heir", "") SITE("own", "errors = \"404 sorry.html\";") SITE("none", "errors = [ ];") "}");
    ck_assert_uint_eq(pages_of("x")->n, 1);
    expect_page(&pages_of("x")->v[0], 404, 404, "text/html; charset=utf-8", "<p>none");
    expect_page(&pages_of("heir")->v[0], 404, 404, "text/html; charset=utf-8", "<p>none");
    expect_page(&pages_of("own")->v[0], 404, 404, "text/html; charset=utf-8", "<p>sorry");
    ck_assert_uint_eq(pages_of("own")->n, 1);
    ck_assert_ptr_null(pages_of("none"));
    ck_assert_ptr_eq(pages_of("heir"), pages_of("x"));
    expect_page(&pages_of("inc")->v[0], 400, 400, "text/html; charset=utf-8", "<p>own");
}
END_TEST

static const struct {
    const char *page, *message;
} bad[] = {
    { "404", "is not spelled" },
    { "404 ", "is not spelled" },
    { "404.html", "is not spelled" },
    { "404.html 404", "is not spelled" },
    { " 404 404.html", "is not spelled" },
    { "40 404.html", "is not spelled" },
    { "4040 404.html", "is not spelled" },
    { "404404.html", "is not spelled" },
    { "+44 404.html", "is not spelled" },
    { "404- 404.html", "is not spelled" },
    { "404-40 404.html", "is not spelled" },
    { "-404 404.html", "is not spelled" },
    { "200 404.html", "200 is no error's status" },
    { "399-404 404.html", "399 is no error's status" },
    { "500-600 404.html", "600 is no error's status" },
    { "501-500 404.html", "no status is in 501-500" },
    { "404 none.html", "/none.html: No such file or directory" },
    { "404 dir.html", "/dir.html: it is a directory" },
    { "404 fifo.html", "/fifo.html: it is not a regular file" },
    { "404 big.html", "/big.html: it is over 256 KiB" },
    { "404 404", "does not tell a type" },
    { "404 .html", "does not tell a type" },
    { "404 a.bin", "does not tell a type" },
};

START_TEST(test_bad)
{
    char text[256], big[KIB(256) + 1] = "";

    tree_write("big.html", str_make(big, sizeof big));
    snprintf(text, sizeof text, "errors = \"%s\";\n" ROUTES, bad[_i].page);
    tree_bad(text, bad[_i].message);
    ck_assert_uint_eq(tree_report.errors, 1);
    ck_assert_msg(strncmp(tree_messages(), "1:10 ", 5) == 0, "%s", tree_messages());
}
END_TEST

START_TEST(test_largest)
{
    char big[KIB(256)] = "";

    tree_write("big.html", str_make(big, sizeof big));
    tree_ok("errors = \"404 big.html\";\n" ROUTES);
    ck_assert_uint_eq(pages_of("x")->v[0].body.n, sizeof big);
}
END_TEST

/* As many as there may be, as large as they may be. */
START_TEST(test_most)
{
    struct str list = arena_printf(&tree_arena, "%s", "");
    char big[KIB(256)] = "";

    tree_write("big.html", str_make(big, sizeof big));
    tree_write("big.json", str_make(big, sizeof big));
    for (unsigned i = 0; i < 256; i++)
        list = arena_printf(&tree_arena, "%.*s%s \"%u big.%s\"", str_fmt(list), i > 0 ? "," : "",
                            400 + i % 200, i < 200 ? "html" : "json");
    tree_ok(arena_printf(&tree_arena, "errors = [%.*s ];\n" ROUTES, str_fmt(list)).p);
    ck_assert_uint_eq(pages_of("x")->n, 256);
}
END_TEST

START_TEST(test_twice)
{
    tree_bad("errors = [ \"404 404.html\",\n\"404 sorry.html\" ];\n" ROUTES,
             "2:1 there is another page of the type text/html for the same status, at ");
    tree_bad("errors = [ \"400-499 404.html\",\n\"499-598 sorry.html\" ];\n" ROUTES,
             "2:1 there is");
    tree_ok("errors = [ \"404 404.html\", \"404 404.json\", \"400-499 sorry.html\",\n"
            "\"500-599 sorry.html\", \"405 404.html\" ];\n" ROUTES);
}
END_TEST

START_TEST(test_too_many)
{
    struct str list = arena_printf(&tree_arena, "%s", "");

    for (unsigned i = 0; i < 257; i++)
        list = arena_printf(&tree_arena, "%.*s%s\n\"%u-%u sorry.html\"", str_fmt(list),
                            i > 0 ? "," : "", 400 + i / 2, 450 + i);
    tree_bad(arena_printf(&tree_arena, "errors = [%.*s ];\n" ROUTES, str_fmt(list)).p,
             "258:1 more than 256 pages for errors");
}
END_TEST

/* ---- what is kept */

#define TWO                                                                                        \
    "errors = \"404 404.html\"; sites: { " SITE("heir", "")                                        \
        SITE("own", "errors = \"500 sorry.html\";") "}"

static void expect_kept(size_t n)
{
    struct config *before = tree_config;

    tree_config = NULL;
    report_init(&tree_report, &tree_arena);
    ck_assert_int_eq(config_load(tree_path("muxd.conf"), &(struct load_options){ .before = before },
                                 &tree_report, &tree_config),
                     0);
    ck_assert_uint_eq(tree_config->n_kept, n);
    config_unref(before);
}

START_TEST(test_kept)
{
    tree_ok(TWO);
    expect_kept(2);
    tree_write("404.html", STR("<p>nonE"));
    expect_kept(1); /* which one: */
    ck_assert(str_eq(pages_of("heir")->v[0].body, STR("<p>nonE")));
    tree_write("sorry.html", STR("<p>sorry!"));
    expect_kept(1);
    ck_assert(str_eq(pages_of("own")->v[0].body, STR("<p>sorry!")));
    expect_kept(2);
    tree_write("muxd.conf", STR("errors = \"405 404.html\"; sites: { " SITE("heir", "")
                                    SITE("own", "errors = \"500 sorry.html\";") "}"));
    expect_kept(1);
    tree_write("muxd.conf",
               STR("sites: { " SITE("heir", "") SITE("own", "errors = \"500 sorry.html\";") "}"));
    expect_kept(1);
    ck_assert_ptr_null(pages_of("heir"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pages");
    TCase *t = tcase_create("pages");

    tcase_add_checked_fixture(t, setup, tree_end);
    tcase_add_test(t, test_order);
    tcase_add_test(t, test_whose);
    tcase_add_loop_test(t, test_bad, 0, array_len(bad));
    tcase_add_test(t, test_largest);
    tcase_add_test(t, test_most);
    tcase_add_test(t, test_twice);
    tcase_add_test(t, test_too_many);
    tcase_add_test(t, test_kept);
    suite_add_tcase(s, t);
    return tree_main(s);
}
