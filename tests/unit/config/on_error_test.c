/* on_error_test.c - on_error = "keep": what stays of a broken file, what makes it refuse all. */
#include "unit/config/kinds.h"
#include "unit/config/tree.h"

#define MAIN "on_error = \"keep\"; include = \"d/*.conf\";\n"
#define ROUTE(pattern) "routes: { r: { match = \"" pattern "\"; mute: { } } }"
#define SITE(name, host, more) name ": { hosts = \"" host "\"; " more " }\n"
#define SITES(name, host, more) "sites: { " SITE(name, host, more) "}\n"

static struct config *before;

static void setup(void)
{
    tree_begin();
    tree_mkdir("d");
    tree_write("muxd.conf", STR(MAIN));
    tree_write("d/a.conf", STR(SITES("a", "a", ROUTE("/"))));
    tree_write("d/b.conf", STR(SITES("b", "b", ROUTE("/"))));
    before = NULL;
    ck_assert_int_eq(tree_load("muxd.conf"), 0);
}

static void teardown(void)
{
    config_unref(before);
    tree_end();
}

static int reload(void)
{
    config_unref(before);
    before = tree_config;
    tree_config = NULL;
    report_init(&tree_report, &tree_arena);
    return config_load(tree_path("muxd.conf"), &(struct load_options){ .before = before },
                       &tree_report, &tree_config);
}

/* NULL: none; "": any. */
static void expect_errors(const char *part)
{
    if (part == NULL)
        ck_assert_msg(tree_report.errors == 0, "%s", tree_messages());
    else if (*part == '\0')
        ck_assert_uint_gt(tree_report.errors, 0);
    else
        ck_assert_msg(strstr(tree_messages(), part) != NULL, "expected: %s\ngot: %s", part,
                      tree_messages());
}

/* The sites by name, those that are the same as before with a "=", and how many are set aside. */
static void keeps(const char *part, const char *sites, size_t aside)
{
    struct str all = arena_printf(&tree_arena, "%s", "");
    size_t kept = 0, routes = 0;

    ck_assert_msg(reload() == 0, "%s%.*s", tree_messages(), str_fmt(tree_report.refused));
    for (size_t i = 0; i < tree_config->n_sites; i++) {
        struct site *s = tree_config->sites[i];
        bool same = false;
        for (size_t k = 0; k < before->n_sites; k++)
            same = same || before->sites[k] == s;
        all = arena_printf(&tree_arena, "%.*s%s%.*s%s", str_fmt(all), i ? " " : "",
                           str_fmt(s->name), same ? "=" : "");
        kept += same;
        routes += s->n_routes;
        for (size_t k = 0; k < s->hosts.n; k++)
            if (s->listen.n == 0)
                ck_assert_ptr_eq(config_site(&tree_config->listeners[0], s->hosts.v[k]), s);
    }
    ck_assert_str_eq(all.p, sites);
    ck_assert_uint_eq(tree_config->n_kept, kept);
    ck_assert_uint_eq(tree_config->n_routes, routes);
    ck_assert_uint_eq(tree_config->set_aside.n, aside);
    ck_assert_uint_eq(tree_report.refused.n, 0);
    expect_errors(part);
}

static void refuses(const char *part, const char *why)
{
    ck_assert_int_eq(reload(), -EINVAL);
    expect_errors(part);
    ck_assert_msg(strstr(arena_str(&tree_arena, tree_report.refused).p, why) != NULL,
                  "expected: %s\ngot: %.*s", why, str_fmt(tree_report.refused));
    tree_config = before; /* what is served */
    before = NULL;
}

/* Each kind of error, twice in a row, and what comes when it is mended. */
START_TEST(a_broken_file_keeps_its_sites)
{
    static const char *const broken[][2] = {
        { "sites: { b: { hosts = \"b\"; ", "" },
        { "sites: { b: { hosts = \"b\"; routes: { r: { match = \"/\"; mte: { } } } } }", "mte" },
        { "sites: { b: { hosts = \"b\"; routes: { r: { match = \"x\"; mute: { } } } } }",
          "bad pattern" },
        { "sites: { b: { hosts = \"b\"; listen = \"no\"; " ROUTE("/") " } }", "no listener" },
        { "sites: { b: { hosts = \"b c\"; " ROUTE("/") " } }", "bad host" },
        { "sites: { c: { hosts = \"b\"; } }", "\"routes\" is missing" },
        { "log_level = \"info\"; sites: { }", "belongs in the main file" },
        { "sites: 5", "group" },
        { "\x01", "" },
        { SITES("b", "a", ROUTE("/")), "taken" },
        { SITES("a", "b", ROUTE("/")), "another site" },
        { SITES("b", "b", ROUTE("/")) "sites: { }", "" },
    };

    for (size_t i = 0; i < array_len(broken); i++) {
        tree_write("d/b.conf", str_of(broken[i][0]));
        keeps(broken[i][1], "b= a=", 1);
        ck_assert(str_ends(tree_config->set_aside.v[0], STR("/d/b.conf")));
        tree_write("d/a.conf", STR(SITES("a", "a", ROUTE("/changed"))));
        keeps(broken[i][1], "b= a", 1);
        tree_write("d/a.conf", STR(SITES("a", "a", ROUTE("/"))));
        tree_write("d/b.conf", STR(SITES("b", "b", ROUTE("/"))));
        keeps(NULL, "a b=", 0);
    }
    tree_write("d/b.conf", STR(SITES("b", "b", ROUTE("/changed"))));
    keeps(NULL, "a= b", 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_read)
{
    ck_assert_int_eq(remove(tree_path("d/b.conf")), 0);
    ck_assert_int_eq(mkfifo(tree_path("d/b.conf"), 0600), 0);
    keeps("cannot include", "b= a=", 1);
    keeps("cannot include", "b= a=", 1);
    tree_write("muxd.conf",
               STR("on_error = \"keep\"; include = [ \"d/*.conf\", \"d/b.conf\" ];\n"));
    keeps("cannot include", "b= a=", 1);
    tree_write("muxd.conf", STR(MAIN));
    ck_assert_int_eq(remove(tree_path("d/b.conf")), 0);
    ck_assert_int_eq(symlink("nowhere", tree_path("d/b.conf")), 0);
    keeps("cannot include", "b= a=", 1);
    ck_assert_int_eq(remove(tree_path("d/b.conf")), 0);
    keeps(NULL, "a=", 0);
}
END_TEST

/* A new file that is broken has nothing to keep; one that goes takes its sites along. */
START_TEST(files_come_and_go)
{
    tree_write("d/c.conf", STR("sites: { " SITE("c", "c", "") SITE("d", "d", ROUTE("/")) "}"));
    keeps("missing", "a= b=", 1);
    ck_assert_int_eq(remove(tree_path("d/a.conf")), 0);
    keeps("missing", "b=", 1);
    tree_write("d/c.conf",
               STR("sites: { " SITE("c", "c", ROUTE("/")) SITE("d", "d", ROUTE("/")) "}"));
    keeps(NULL, "b= c d", 0);
    tree_write("d/c.conf", STR("sites: { " SITE("d", "d", ROUTE("/x")) "e }"));
    keeps("", "c= d= b=", 1);
    tree_write("d/c.conf", STR("sites: { " SITE("d", "d", ROUTE("/x")) " }"));
    keeps(NULL, "b= d", 0);
}
END_TEST

/* Nothing else depends on a file that is set aside. */
START_TEST(files_of_more_than_sites)
{
    static const char *const more[] = { "listeners: { l: { address = \"127.0.0.1:1\"; } }\n",
                                        "pools: { p: { } }\n", ROUTE("/"),
                                        "include = \"../more.conf\";\n" };

    tree_write("more.conf", STR(SITES("more", "more", ROUTE("/"))));
    for (size_t i = 0; i < array_len(more); i++) {
        struct str text = arena_printf(&tree_arena, "%s" SITES("b", "b", ROUTE("/")), more[i]);
        tree_write("d/b.conf", arena_printf(&tree_arena, "%.*sx = 1;", str_fmt(text)));
        refuses("unknown key \"x\"", "d/b.conf, which has errors, has more than sites");
        tree_write("d/b.conf", text);
        keeps(NULL, i == 2 ? "default a= b=" : i == 3 ? "a= b= more" : "a= b=", 0);
        tree_write("d/b.conf", STR(SITES("b", "b", ROUTE("/")) "x = 1;"));
        refuses("unknown key \"x\"", "d/b.conf, which has errors, had more than sites");
        tree_write("d/b.conf", STR("{"));
        refuses("", "d/b.conf, which has errors, had more than sites");
        tree_write("d/b.conf", STR(SITES("b", "b", ROUTE("/"))));
        keeps(NULL, "a= b=", 0);
    }
}
END_TEST

START_TEST(main_file)
{
    tree_write("d/b.conf", STR("{"));
    tree_write("muxd.conf", STR(MAIN "x = 1;"));
    refuses("unknown key \"x\"", "the main file has errors");
    tree_write("muxd.conf", STR(MAIN "include = 5;"));
    refuses("", "the main file has errors");
    tree_write("muxd.conf", STR("on_error = \"keep\"; include = [ \"d/*.conf\", \"no.conf\" ];"));
    refuses("No such file", "the main file has errors");
    tree_write("muxd.conf", STR(MAIN "sites: { x: { hosts = \"x\"; } }"));
    refuses("missing", "the main file has errors");
    tree_write("muxd.conf", STR(MAIN "deny = \"x\"; headers: { set = \"x\"; }"));
    refuses("", "the main file has errors");
    tree_write("muxd.conf", STR(MAIN "listeners: { }"));
    refuses("there is no listener", "an error belongs to no single file");
    tree_write("muxd.conf", STR(MAIN "errors = \"404 no.html\";"));
    refuses("cannot read", "the main file has errors");
    /* As the newcomer, it is to blame. */
    tree_write("muxd.conf", STR(MAIN SITES("x", "b", ROUTE("/"))));
    refuses("the host \"b\" is taken", "the main file has errors");
    const struct report_item *item = list_first(&tree_report.items, struct report_item, node);
    while (item->note == NULL)
        item = container_of(item->node.next, struct report_item, node);
    ck_assert(str_ends(str_of(item->note->place.file), STR("/d/b.conf")));
    ck_assert(str_starts(item->note->text, STR("this file has errors")));
    tree_write("muxd.conf", STR("include = \"d/*.conf\";"));
    refuses("", "");
    ck_assert_uint_eq(tree_report.refused.n, 0);
    tree_write("muxd.conf", STR("include = \"d/*.conf\"; on_error = \"refuse\";"));
    refuses("", "");
    tree_write("muxd.conf", STR("on_error = \"kep\";"));
    refuses("did you mean \"keep\"", "");
    tree_write("muxd.conf", STR(MAIN));
    keeps("", "b= a=", 1);
}
END_TEST

START_TEST(a_start_keeps_nothing)
{
    tree_write("d/b.conf", STR("{"));
    ck_assert_int_eq(tree_load("muxd.conf"), -EINVAL);
    ck_assert(str_ends(tree_report.refused, STR("a start needs all files to be good")));
}
END_TEST

/* What is served stays: whoever claims it, too, is in error, in whichever order the files are. */
START_TEST(what_is_kept_is_taken)
{
    tree_write("d/b.conf", STR("{"));
    tree_write("d/0.conf", STR(SITES("x", "b", ROUTE("/"))));
    keeps("the host \"b\" is taken", "b= a=", 2);
    tree_write("d/0.conf", STR(SITES("b", "x", ROUTE("/"))));
    keeps("there is another site \"b\"", "b= a=", 2);
    ck_assert_int_eq(rename(tree_path("d/0.conf"), tree_path("d/x.conf")), 0);
    keeps("there is another site \"b\"", "b= a=", 2);
    /* The blame goes on: what x.conf keeps is claimed by y.conf, and so on. */
    tree_write("d/x.conf", STR(SITES("x", "x", ROUTE("/"))));
    tree_write("d/y.conf", STR(SITES("y", "y", ROUTE("/"))));
    tree_write("d/z.conf", STR(SITES("z", "z", ROUTE("/"))));
    keeps("", "b= a= x y z", 1);
    tree_write("d/x.conf", STR(SITES("x", "b", ROUTE("/"))));
    tree_write("d/y.conf", STR(SITES("y", "x", ROUTE("/"))));
    tree_write("d/z.conf", STR(SITES("z", "z", ROUTE("/changed"))));
    keeps("the host \"x\" is taken", "y= x= b= a= z", 3);
    tree_write("d/b.conf", STR(SITES("b", "n", ROUTE("/"))));
    keeps(NULL, "a= b x y z=", 0);
}
END_TEST

/* A second look at all hosts finds what the first found. */
START_TEST(all_other_hosts)
{
    tree_write("d/a.conf", STR(SITES("a", "*", ROUTE("/"))));
    keeps(NULL, "a b=", 0);
    tree_write("d/b.conf", STR("{"));
    tree_write("d/0.conf", STR(SITES("x", "b", ROUTE("/"))));
    keeps("the host \"b\" is taken", "b= a=", 2);
    ck_assert(strstr(tree_messages(), "twice") == NULL);
    tree_write("d/0.conf", STR(SITES("x", "*", ROUTE("/"))));
    tree_write("d/a.conf", STR("{"));
    keeps("for all other hosts", "b= a=", 3);
}
END_TEST

/* Of two that clash, and neither is kept, the one that comes later. */
START_TEST(of_two_the_later_one)
{
    tree_write("d/a.conf", STR(SITES("a", "n", ROUTE("/"))));
    tree_write("d/b.conf", STR(SITES("b", "n", ROUTE("/"))));
    keeps("the host \"n\" is taken", "b= a", 1);
}
END_TEST

START_TEST(too_long_a_chain)
{
    char name[32], text[256];

    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "d/s%02u.conf", i);
        snprintf(text, sizeof text, SITES("s%u", "h%u", ROUTE("/")), i, i);
        tree_write(name, str_of(text));
    }
    ck_assert_int_eq(tree_load("muxd.conf"), 0);
    for (unsigned i = 1; i < 20; i++) {
        snprintf(name, sizeof name, "d/s%02u.conf", i);
        snprintf(text, sizeof text, SITES("s%u", "h%u", ROUTE("/")), i, i - 1);
        tree_write(name, str_of(text));
    }
    tree_write("d/s00.conf", STR("{"));
    refuses("", "too many files claim what others keep");
}
END_TEST

#define LISTENERS(a, b)                                                                            \
    "listeners: { " a ": { address = \"127.0.0.1:1\"; } " b ": { address = \"127.0.0.1:2\"; } }\n"

START_TEST(what_a_kept_site_needs)
{
    tree_write("muxd.conf", STR(MAIN LISTENERS("l", "m") "pools: { p: { } }"));
    tree_write("d/b.conf",
               STR(SITES("b", "b",
                         "listen = \"m\"; routes: { r: { match = \"/\"; mute: { } pool = "
                         "\"p\"; } }")));
    keeps(NULL, "a= b", 0);
    tree_write("d/b.conf", STR("{"));
    keeps("", "b= a=", 1);
    tree_write("muxd.conf", STR(MAIN LISTENERS("l", "n") "pools: { p: { } }"));
    refuses("", "the site b cannot stay as it was in ");
    ck_assert(str_ends(tree_report.refused, STR("its listener m is gone")));
    tree_write("muxd.conf", STR(MAIN LISTENERS("l", "m")));
    refuses("", "the site b cannot stay as it was in ");
    ck_assert(str_ends(tree_report.refused, STR("its pool p is gone")));
    tree_write("muxd.conf", STR(MAIN LISTENERS("m", "l") "pools: { p: { threads = 2; } }"));
    keeps("", "b= a=", 1);
    ck_assert_ptr_null(config_site(&tree_config->listeners[1], STR("b")));
    ck_assert_ptr_nonnull(config_site(&tree_config->listeners[0], STR("b")));
}
END_TEST

/* A file without a tree mutes nothing: what it defines are the sites it had. */
START_TEST(others_are_heard)
{
    tree_write("d/0.conf", STR("{"));
    tree_write("d/1.conf", STR("\x01"));
    tree_write("d/b.conf", STR(SITES("b", "b", "listen = \"no\"; " ROUTE("/"))));
    keeps("there is no listener \"no\"", "b= a=", 3);
    tree_write("d/b.conf", STR(SITES("b", "b",
                                     "routes: { r: { match = \"/\"; mute: { } pool = "
                                     "\"no\"; } }")));
    keeps("there is no pool \"no\"", "b= a=", 3);
}
END_TEST

/* An error takes no site away: not even if its site has moved to the broken file. */
START_TEST(sites_that_move)
{
    ck_assert_int_eq(remove(tree_path("d/a.conf")), 0);
    tree_write("d/c.conf", STR(SITES("a", "a", ROUTE("/")) "x = 1;"));
    refuses("unknown key \"x\"", "d/a.conf is now in ");
    tree_write("d/a.conf", STR("#"));
    refuses("unknown key \"x\"", "d/a.conf is now in ");
    tree_write("d/c.conf", STR("x = 1;"));
    keeps("unknown key \"x\"", "b=", 1);
    tree_write("d/a.conf", STR(SITES("a", "a", ROUTE("/"))));
    keeps("unknown key \"x\"", "a b=", 1);
    /* From a broken file to a good one: that comes once the broken one is mended. */
    tree_write("d/a.conf", STR("{"));
    tree_write("d/c.conf", STR(SITES("a", "a", ROUTE("/"))));
    keeps("there is another site \"a\"", "a= b=", 2);
    tree_write("d/a.conf", STR("#"));
    keeps(NULL, "b= a", 0);
}
END_TEST

/* A site without routes is told apart by its file, too. */
START_TEST(a_site_without_routes_moves)
{
    tree_write("d/a.conf", STR(SITES("a", "a", "routes: { }")));
    keeps(NULL, "a b=", 0);
    tree_write("d/a.conf", STR("#"));
    tree_write("d/c.conf", STR(SITES("a", "a", "routes: { }")));
    keeps(NULL, "b= a", 0);
    tree_write("d/c.conf", STR("{"));
    keeps("", "a= b=", 1);
}
END_TEST

/* More errors than the report holds are counted in their files all the same. */
START_TEST(errors_beyond_the_report)
{
    struct str text = STR("# many\n");

    for (unsigned i = 0; i < 1500; i++)
        text = arena_printf(&tree_arena, "%.*sx%u = 1;\n", str_fmt(text), i);
    tree_write("d/a.conf", text);
    tree_write("d/b.conf", STR("y = 1;"));
    keeps("", "a= b=", 2);
    ck_assert(tree_report.dropped);
    ck_assert_uint_eq(tree_report.errors, 1501);
    /* Or there is no memory for any. */
    struct arena none;
    arena_init(&none, 0);
    config_unref(before);
    before = tree_config;
    tree_config = NULL;
    report_init(&tree_report, &none);
    ck_assert_int_eq(config_load(tree_path("muxd.conf"), &(struct load_options){ .before = before },
                                 &tree_report, &tree_config),
                     0);
    ck_assert_uint_eq(tree_config->n_kept, 2);
    ck_assert(list_empty(&tree_report.items));
    arena_done(&none);
}
END_TEST

/* The file of the error page that all sites show is the main file's, the site's its own. */
START_TEST(the_world_outside)
{
    tree_write("404.html", STR("<p>"));
    tree_write("d/b.conf", STR(SITES("b", "b", "errors = \"404 ../404.html\"; " ROUTE("/"))));
    keeps(NULL, "a= b", 0);
    ck_assert_int_eq(remove(tree_path("404.html")), 0);
    keeps("cannot read", "b= a=", 1);
    ck_assert_uint_eq(tree_config->sites[0]->pages->n, 1);
}
END_TEST

/* What a site took over from the top level stays as well. */
START_TEST(the_top_level_changes)
{
    tree_write("muxd.conf", STR(MAIN "stamp: { ink = \"red\"; }"));
    keeps(NULL, "a b", 0);
    tree_write("d/b.conf", STR("{"));
    tree_write("muxd.conf", STR(MAIN "stamp: { ink = \"blue\"; }"));
    keeps("", "b= a", 1);
    tree_write("d/b.conf", STR(SITES("b", "b", ROUTE("/"))));
    keeps(NULL, "a= b", 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("on_error");
    TCase *t = tcase_create("on_error");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_broken_file_keeps_its_sites);
    tcase_add_test(t, a_file_that_cannot_be_read);
    tcase_add_test(t, files_come_and_go);
    tcase_add_test(t, files_of_more_than_sites);
    tcase_add_test(t, main_file);
    tcase_add_test(t, a_start_keeps_nothing);
    tcase_add_test(t, what_is_kept_is_taken);
    tcase_add_test(t, all_other_hosts);
    tcase_add_test(t, of_two_the_later_one);
    tcase_add_test(t, too_long_a_chain);
    tcase_add_test(t, what_a_kept_site_needs);
    tcase_add_test(t, others_are_heard);
    tcase_add_test(t, sites_that_move);
    tcase_add_test(t, a_site_without_routes_moves);
    tcase_add_test(t, errors_beyond_the_report);
    tcase_add_test(t, the_world_outside);
    tcase_add_test(t, the_top_level_changes);
    suite_add_tcase(s, t);
    return tree_main(s);
}
