/*
 * load_test.c - config_load() whole: what a good config becomes, includes, names across files,
 * what is freed when, and that 20,000 routes load fast.
 */
#include <fcntl.h>
#include <sched.h>

#include "base/clock.h"
#include "unit/config/kinds.h"
#include "unit/config/tree.h"

#define HOME "routes: { home: { match = \"/\"; mute: { } } }\n"

static const struct site *site_of(const char *host, size_t listener)
{
    return config_site(&tree_config->listeners[listener], str_of(host));
}
static void site_is(const char *host, size_t listener, const char *name)
{
    const struct site *s = site_of(host, listener);

    if (name == NULL)
        ck_assert_msg(s == NULL, "%s", host);
    else
        ck_assert_msg(s != NULL && str_eq(s->name, str_of(name)), "%s", host);
}
static const struct route *route_of(const struct site *s, const char *name)
{
    for (size_t i = 0; i < s->n_routes; i++)
        if (str_eq(s->routes[i].name, str_of(name)))
            return &s->routes[i];
    ck_abort_msg("no route %s", name);
    return NULL;
}

/* A text in place of a file, of which nothing is looked at. */
START_TEST(text_for_file)
{
    static const char home[] = "log_level = \"error\";\n" HOME;
    struct load_options options = { .text = str_of(home) };
    struct config *c;
    struct arena arena;
    struct report report;

    arena_init(&arena, MIB(1));
    report_init(&report, &arena);
    ck_assert_int_eq(config_load("a text", &options, &report, &c), 0);
    ck_assert(c->is_text);
    ck_assert_int_eq(c->log_level, LOG_LEVEL_ERROR);
    ck_assert_uint_eq(report.warnings, 0);
    config_unref(c);
    options.text = STR("log_levle = \"error\";\n");
    ck_assert_int_eq(config_load("a text", &options, &report, &c), -EINVAL);
    struct report_item *item = list_first(&report.items, struct report_item, node);
    struct str message = report_text(item, false, &arena);
    ck_assert_msg(str_starts(message, STR("a text:1:1: error: unknown key")), "%.*s",
                  str_fmt(message));
    arena_done(&arena);
}
END_TEST

START_TEST(defaults)
{
    tree_ok(HOME);
    const struct config *c = tree_config;
    cpu_set_t cores;
    ck_assert_int_eq(sched_getaffinity(0, sizeof cores, &cores), 0);
    ck_assert_int_eq(c->loops, CPU_COUNT(&cores));
    ck_assert_int_eq(c->timeouts.header, 10 * NSEC_PER_SEC);
    ck_assert_int_eq(c->timeouts.body, 30 * NSEC_PER_SEC);
    ck_assert_int_eq(c->timeouts.idle, 60 * NSEC_PER_SEC);
    ck_assert_int_eq(c->timeouts.write, 30 * NSEC_PER_SEC);
    ck_assert_int_eq(c->timeouts.handler, 60 * NSEC_PER_SEC);
    ck_assert_int_eq(c->timeouts.drain, 5 * NSEC_PER_SEC);
    ck_assert_uint_eq(c->head_limits.request_line, KIB(8));
    ck_assert_uint_eq(c->head_limits.header, KIB(32));
    ck_assert_uint_eq(c->head_limits.fields, 100);
    ck_assert_int_eq(c->limits.body, INT64_C(16) << 30);
    ck_assert_uint_eq(c->n_pools, 1);
    ck_assert(str_eq(c->pools[0].name, STR("default")));
    ck_assert_int_eq(c->pools[0].threads, 16);
    ck_assert_int_eq(c->pools[0].queue, 1024);
    ck_assert_int_eq(c->pools[0].queue_time, 5 * NSEC_PER_SEC);
    ck_assert_int_eq(c->pools[0].idle, 30 * NSEC_PER_SEC);
    ck_assert_uint_eq(c->n_listeners, 1);
    ck_assert(str_eq(c->listeners[0].name, STR("http")));
    ck_assert(str_eq(c->listeners[0].address_text, STR("*:8080")));
    ck_assert_int_eq(c->listeners[0].address.kind, SOCK_KIND_ANY);
    ck_assert_uint_eq(c->n_sites, 1);
    site_is("any.example", 0, "default");
    site_is("", 0, "default");
    const struct route *home = route_of(c->sites[0], "home");
    ck_assert_ptr_eq(home->kind, handler_find(STR("mute")));
    ck_assert(!home->run_in_pool);
    ck_assert(str_eq(home->pool, STR("default")));
    ck_assert_uint_eq(home->filters.n, 0);
    ck_assert_uint_eq(tree_report.warnings, 0);
}
END_TEST

START_TEST(routes_and_sites)
{
    tree_ok(
        "loops = 3;\n"
        "listeners: { a: { address = \"127.0.0.1:81\"; } b: { address = \"unix:/x/y\"; } }\n"
        "pools: { slow: { threads = 2; } default: { threads = 5; } }\n"
        "limits: { request_line = \"1K\"; fields = 3; }\n"
        "routes: { all: { match = \"GET /s/\"; greet: { to = \"x\"; file = \"f\"; }\n"
        "  stamp: { ink = \"red\"; } fold: { } run = \"pool\"; pool = \"slow\"; share = 7; "
        " } }\n"
        "sites: {\n"
        "  shop: { hosts = [ \"Shop.example.com\", \"*.shop.example.com\" ]; listen = \"a\";\n"
        "    routes: { one: { match = \"/{id}/x\"; mute: { } }\n"
        "              two: { match = \"api.shop.example.com/\"; mute: { } } } }\n"
        "  blog: { hosts = \"blog.example.com\"; routes = (\n"
        "    { name = \"all\"; match = \"/\"; greet: { to = \"y\"; file = \"/f\"; } } ); } }\n");
    const struct config *c = tree_config;
    ck_assert_int_eq(c->loops, 3);
    ck_assert_uint_eq(c->n_pools, 2);
    ck_assert(str_eq(c->pools[0].name, STR("default")));
    ck_assert_int_eq(c->pools[0].threads, 5);
    ck_assert(str_eq(c->pools[1].name, STR("slow")));
    ck_assert_uint_eq(c->pools[1].place.line, 3);
    ck_assert_int_eq(c->listeners[1].address.kind, SOCK_KIND_UNIX);
    ck_assert_uint_eq(c->head_limits.request_line, 1024);
    ck_assert_uint_eq(c->head_limits.fields, 3);

    site_is("shop.example.com", 0, "shop");
    site_is("x.shop.example.com", 0, "shop");
    site_is("shop.example.com", 1, "default");
    site_is("blog.example.com", 0, "blog");
    site_is("blog.example.com", 1, "blog");
    site_is("other", 0, "default");

    ck_assert_uint_eq(c->n_routes, 4);
    for (size_t i = 0; i < c->n_sites; i++)
        for (size_t j = 0; j < c->sites[i]->n_routes; j++) {
            const struct route *r = &c->sites[i]->routes[j];
            ck_assert_ptr_eq(r->site, c->sites[i]);
        }
    const struct route *all = route_of(site_of("", 0), "all");
    ck_assert(all->run_in_pool);
    ck_assert(str_eq(all->pool, c->pools[1].name));
    ck_assert_int_eq(all->share, 7);
    ck_assert(str_eq(pattern_prefix(&all->pattern), STR("/s/")));
    ck_assert_str_eq(all->place.file, tree_path("muxd.conf"));
    ck_assert_uint_eq(all->place.line, 5);
    ck_assert_uint_eq(all->place.col, 11);
    ck_assert_uint_eq(all->filters.n, 2); /* in their order, not the file's */
    ck_assert_str_eq(all->filters.v[0].kind->name, "fold");
    ck_assert(str_eq(((const struct stamp *)all->filters.v[0].conf)->ink, STR("blue")));
    ck_assert(str_eq(((const struct stamp *)all->filters.v[1].conf)->ink, STR("red")));
    const struct greet *g = all->conf;
    ck_assert(str_eq(g->prefix, STR("/s/")));
    ck_assert_str_eq(g->path.p, tree_path("f")); /* relative to the file */
    g = route_of(site_of("blog.example.com", 0), "all")->conf;
    ck_assert_str_eq(g->path.p, "/f");

    struct mux_match m;
    mux_match(site_of("shop.example.com", 0)->mux, METHOD_GET, STR("GET"), STR("shop.example.com"),
              STR("/5/x"), &m);
    ck_assert_ptr_eq(mux_route(&m), route_of(site_of("shop.example.com", 0), "one"));
    ck_assert_int_eq(greet_alive, 2);
}
END_TEST

static void access_is(const char *text, const char *path, enum access_format format)
{
    tree_ok(arena_printf(&tree_arena, "%s" HOME, text).p);
    ck_assert(str_eq(tree_config->access.path, str_of(path)));
    ck_assert_int_eq(tree_config->access.format, format);
}

START_TEST(access_log)
{
    access_is("", "", ACCESS_COMBINED);
    access_is("access_log = \"off\";", "", ACCESS_COMBINED);
    access_is("access_log = \"stdout\";", "stdout", ACCESS_COMBINED);
    access_is("access_log = \"/x/y.log\";", "/x/y.log", ACCESS_COMBINED);
    access_is("access_log = \"y.log\";", tree_path("y.log"), ACCESS_COMBINED);
    ck_assert_int_ne(access(tree_path("y.log"), F_OK), 0); /* it is not opened */
    access_is("access_log: { path = \"a/y\"; }", tree_path("a/y"), ACCESS_COMBINED);
    access_is("access_log: { path = \"stdout\"; format = \"json\"; }", "stdout", ACCESS_JSON);
    access_is("access_log: { path = \"off\"; format = \"json\"; }", "", ACCESS_JSON);
    access_is("access_log = \"./off\";", tree_path("./off"), ACCESS_COMBINED);
    ck_assert_uint_eq(tree_report.warnings, 0);
    access_is("access_log = \"of\";", tree_path("of"), ACCESS_COMBINED);
    ck_assert_ptr_nonnull(strstr(tree_messages(), "1:14 this names a file beside this one; did "
                                                  "you mean \"off\"?"));
    tree_bad("access_log = true;" HOME, "1:14 expected \"off\", \"stdout\", a path, or a group");
    tree_bad("access_log = [ \"x\" ];" HOME, "got an array [ ]");
    tree_bad("access_log = \"\";" HOME, "1:14 this names no file");
    tree_bad("access_log = \"/x/\";" HOME, "1:14 this names a directory");
    tree_bad("access_log: { path = \"\"; }" HOME, "1:22 this names no file");
    tree_bad("access_log: { format = \"json\"; }" HOME, "1:1 \"path\" is missing here");
    tree_bad("access_log: { path = 1; }" HOME, "1:22 expected a string in quotes, got 1");
    ck_assert_uint_eq(tree_report.errors, 1);
    tree_bad("access_log: { path = \"x\"; format = \"xml\"; }" HOME,
             "1:36 expected \"combined\" or \"json\", got \"xml\"");
}
END_TEST

START_TEST(life)
{
    tree_ok("routes: { a: { match = \"/\"; greet: { to = \"x\"; } } }");
    struct config *c = tree_config;
    ck_assert_int_eq(greet_alive, 1);
    ck_assert_ptr_eq(config_ref(c), c);
    config_unref(c);
    ck_assert_int_eq(greet_alive, 1);
    config_unref(c);
    ck_assert_int_eq(greet_alive, 0);
    tree_config = NULL;
    config_unref(NULL);
    /* one route fails, what the other has is given back */
    tree_bad("routes: { a: { match = \"/\"; greet: { to = \"x\"; } }\n"
             "b: { match = \"/b\"; greet: { to = \"nobody\"; } } }",
             "2:34 nobody cannot be greeted");
    ck_assert_int_eq(greet_alive, 0);
}
END_TEST

START_TEST(files)
{
    ck_assert_int_eq(tree_load("none.conf"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tree_messages(), "0:0 cannot read: No such file or directory"));
    ck_assert_int_eq(tree_load("."), -EINVAL);
    ck_assert_int_eq(mkfifo(tree_path("fifo"), 0600), 0);
    ck_assert_int_eq(tree_load("fifo"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tree_messages(), "it is not a regular file"));
    tree_write("open.conf", STR(HOME));
    ck_assert_int_eq(chmod(tree_path("open.conf"), 0666), 0);
    ck_assert_int_eq(tree_load("open.conf"), 0);
    ck_assert_uint_eq(tree_report.warnings, 1);
    ck_assert_ptr_nonnull(strstr(tree_messages(), "everyone on this system may write this file"));
    tree_ok("loops = 1;");
    ck_assert_ptr_nonnull(strstr(tree_messages(), "there are no routes"));
    tree_bad("# cut off by an editor that was not through\n", "nothing is set in this file");
    tree_ok("\xEF\xBB\xBF" HOME);
    tree_ok("loops = 2;\r\n" HOME "# end");
}
END_TEST

/* Who may write the directory may replace the file, unless it is sticky. */
START_TEST(open_directory)
{
    static const struct {
        mode_t mode;
        const char *message; /* or NULL */
    } cases[] = {
        { 0777, "may write the directory of this file (mode 0777)" },
        { 01777, NULL },
        { 0775, NULL },
    };
    tree_mkdir("d");
    tree_write("d/a.conf", STR(HOME "include = \"b.conf\";"));
    tree_write("d/b.conf", STR(""));
    for (size_t i = 0; i < array_len(cases); i++) {
        ck_assert_int_eq(chmod(tree_path("d"), cases[i].mode), 0);
        ck_assert_int_eq(tree_load("d/a.conf"), 0);
        ck_assert_uint_eq(tree_report.warnings, cases[i].message != NULL);
        if (cases[i].message != NULL)
            ck_assert_ptr_nonnull(strstr(tree_messages(), cases[i].message));
    }
}
END_TEST

START_TEST(unreadable)
{
    if (geteuid() != 0)
        return; /* one's own file can be made unreadable, but a user's place may hide the rest */
    tree_mkdir("d");
    tree_write("d/closed.conf", STR(HOME));
    tree_write("d/a.conf", STR("include = \"closed.conf\";"));
    ck_assert_int_eq(chmod(tree_path("d/closed.conf"), 0600), 0);
    ck_assert_int_eq(chmod(tree_path("d/a.conf"), 0644), 0);
    ck_assert_int_eq(chmod(tree_path("."), 0755), 0);
    ck_assert_int_eq(chmod(tree_path("d"), 0755), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    int alone = tree_load("d/closed.conf");
    const char *alone_says = tree_messages();
    int included = tree_load("d/a.conf");
    const char *included_says = tree_messages();
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(alone, -EINVAL);
    ck_assert_ptr_nonnull(strstr(alone_says, "cannot read: Permission denied"));
    ck_assert_int_eq(included, -EINVAL);
    ck_assert_ptr_nonnull(strstr(included_says, "1:11 cannot include "));
    ck_assert_ptr_nonnull(strstr(included_says, "Permission denied"));
}
END_TEST

/* A line of 3 MB: the excerpt is what is around the mistake. */
START_TEST(long_line)
{
    size_t n = MIB(3);
    char *text = malloc(n + 100);

    ck_assert_ptr_nonnull(text);
    memset(text, ' ', n);
    strcpy(text + n, "loops = \"two\";");
    ck_assert_int_eq(tree_text(text), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tree_messages(), "1:3145737 expected a whole number"));
    const struct report_item *item = list_first(&tree_report.items, struct report_item, node);
    ck_assert_ptr_nonnull(strstr(item->source.p, "loops = \"two\";"));
    ck_assert_uint_lt(report_text(item, true, &tree_arena).n, 1000);
    free(text);
}
END_TEST

START_TEST(includes)
{
    tree_mkdir("s.d");
    tree_mkdir("s.d/[x]");
    tree_write("s.d/a.conf", STR("sites: { a: { hosts = \"a\"; routes: { r: { match = \"/\"; "
                                 "greet: { to = \"a\"; file = \"f\"; } } } } }\n"
                                 "pools: { p: { threads = 1; } }"));
    tree_write("s.d/b.conf",
               STR("include = \"[x]/c.conf\";\nlisteners: { other: { address = \"*:1\"; } }\n"
                   "routes: { r: { match = \"/b\"; pool = \"p\"; mute: { } } }"));
    tree_write("s.d/[x]/c.conf", STR("include = \"d*.conf\";"));
    tree_write("s.d/[x]/d1.conf", STR("routes: { d: { match = \"/d\"; mute: { } } }"));
    tree_write("s.d/ignored.txt", STR("{{{"));
    /* "[x]" is a pattern in b.conf, which matches "x" only; the directory is written otherwise */
    tree_ok("include = [ \"s.d/*.conf\", \"none.d/*.conf\" ];\n" HOME);
    ck_assert_uint_eq(tree_config->n_routes, 3);
    tree_write(
        "s.d/b.conf",
        STR("include = \"\\\\[x\\\\]/c.conf\";\nlisteners: { other: { address = \"*:1\"; } }\n"
            "routes: { r: { match = \"/b\"; pool = \"p\"; mute: { } } }"));
    tree_ok("include = [ \"s.d/*.conf\", \"none.d/*.conf\" ];\n" HOME);
    const struct config *c = tree_config;
    ck_assert_uint_eq(c->n_sites, 2);
    ck_assert_uint_eq(c->n_listeners, 1);
    ck_assert_uint_eq(c->n_routes, 4);
    const struct site *s = site_of("", 0);
    ck_assert(str_eq(s->name, STR("default")));
    ck_assert_str_eq(route_of(s, "r")->place.file, tree_path("s.d/b.conf"));
    ck_assert_str_eq(route_of(s, "home")->place.file, tree_path("muxd.conf"));
    ck_assert(str_eq(route_of(s, "r")->pool, c->pools[1].name));
    const struct greet *g = route_of(site_of("a", 0), "r")->conf;
    ck_assert_str_eq(g->path.p, tree_path("s.d/f")); /* relative to its own file */

    /* the same names in two files */
    tree_write("s.d/b.conf", STR("pools: { p: { threads = 1; } }\n"
                                 "sites: { a: { hosts = \"b\"; routes: { } } }\n" HOME));
    ck_assert_int_eq(tree_load("muxd.conf"), -EINVAL);
    const char *m = tree_messages();
    ck_assert_uint_eq(tree_report.errors, 3);
    ck_assert_ptr_nonnull(strstr(m, "1:10 there is another pool \"p\", at "));
    ck_assert_ptr_nonnull(strstr(m, "s.d/a.conf:2:10\n"));
    ck_assert_ptr_nonnull(strstr(m, "2:10 there is another site \"a\", at "));
    ck_assert_ptr_nonnull(strstr(m, "3:11 there is another route \"home\", at "));
}
END_TEST

START_TEST(include_errors)
{
    tree_mkdir("dir");
    tree_bad("include = \"dir\";", "dir: it is a directory");
    tree_bad("include = \"none.conf\";", "1:11 cannot include none.conf: No such file");
    tree_bad("include = \"\";", "1:11 the name of the file is empty");
    tree_bad("include = [ 1 ];", "1:13 expected a string in quotes, got 1");
    tree_bad("include = 1;", "1:11 expected strings such as");
    tree_bad("include = \"muxd.conf\";", "1:11 include goes in a circle: ");
    ck_assert_int_eq(mkfifo(tree_path("fifo"), 0600), 0);
    tree_bad("include = \"fifo\";", "it is not a regular file");
    tree_write("a.conf", STR("loops = 2;\nlimits: { };\naccess_log = \"off\";\nxyz = 1;"));
    tree_bad("include = \"a.conf\";", "1:1 \"loops\" belongs in the main file");
    ck_assert_uint_eq(tree_report.errors, 4);
    tree_write("a.conf", STR(HOME));
    tree_bad("include = [ \"a.conf\",\n\"*a.conf\" ];", "2:1 ");
    ck_assert_ptr_nonnull(strstr(tree_messages(), "a.conf is included already, at "));
    ck_assert_ptr_nonnull(strstr(tree_messages(), "muxd.conf:1:13\n"));
    /* an absolute pattern */
    tree_ok(arena_printf(&tree_arena, "include = \"%s/a.*\";", tree_dir).p);
    ck_assert_uint_eq(tree_config->n_routes, 1);
    /* a chain of nine */
    for (int i = 0; i < 9; i++) {
        char name[16], text[64];
        snprintf(name, sizeof name, "c%d", i);
        snprintf(text, sizeof text, "include = \"c%d\";", i + 1);
        tree_write(name, str_of(text));
    }
    tree_write("c9", STR(HOME));
    ck_assert_int_eq(tree_load("c0"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tree_messages(), "nested deeper than 8 levels"));
    ck_assert_int_eq(tree_load("c1"), 0);
}
END_TEST

START_TEST(a_broken_file_hides_nothing)
{
    tree_write("a.conf", STR("pools: { slow: { threads = } }"));
    tree_write("b.conf", STR("routes: { x: { match = \"/\"; mte: { } } }"));
    tree_bad("include = [ \"a.conf\", \"b.conf\" ];\n"
             "routes: { y: { match = \"/y\"; pool = \"slow\"; mute: { } run = \"no\"; } }",
             "1:18 \"threads\" has no value");
    /* no guesses about what the broken file would have defined */
    ck_assert_ptr_null(strstr(tree_messages(), "no pool"));
    ck_assert_ptr_nonnull(strstr(tree_messages(), "unknown key \"mte\" (did you mean \"mute\"?)"));
    ck_assert_ptr_nonnull(strstr(tree_messages(), "expected \"loop\" or \"pool\""));
    ck_assert_uint_eq(tree_report.errors, 3);
}
END_TEST

START_TEST(names)
{
    static const char *const bad[] = { "A", "a_b", "aB", "*", "a*" };
    for (size_t i = 0; i < array_len(bad); i++)
        tree_bad(arena_printf(&tree_arena, "pools: { %s: { } }", bad[i]).p, "cannot name a pool");
    tree_bad("routes = ( { name = \"1a\"; match = \"/\"; mute: { } } );", "cannot name a route");
    tree_bad("routes = ( { name = \"\"; match = \"/\"; mute: { } } );", "cannot name a route");
    tree_bad("routes = ( { name = 1; match = \"/\"; mute: { } } );", "needs its name");
    tree_bad("routes = ( 1 );", "1:12 expected a route: a group { }, got 1");
    tree_bad("routes: { a: { name = \"b\"; match = \"/\"; mute: { } } }",
             "1:16 unknown key \"name\"");
    char text[200] = "pools: { a";
    memset(text + 10, 'b', 63);
    strcpy(text + 73, ": { } }" HOME);
    tree_ok(text);
    memset(text + 10, 'b', 64);
    strcpy(text + 74, ": { } }");
    tree_bad(text, "at most 64 characters");
    /* the site of the top-level routes has a name too */
    tree_bad(HOME "sites: { default: { hosts = \"a\"; routes: { } } }",
             "2:10 there is another site \"default\", at ");
    tree_ok("sites: { default: { hosts = \"a\"; " HOME " } }");
    site_is("b", 0, NULL);
    site_is("", 0, NULL);
    site_is("a", 0, "default");
}
END_TEST

START_TEST(other_mistakes)
{
    tree_bad("listeners: { }" HOME, "there is no listener");
    tree_bad("listeners: { a: { } }" HOME, "1:14 \"address\" is missing here");
    tree_bad("sites: { a: { hosts = [ ]; " HOME " } }", "1:23 a site needs at least one host");
    tree_bad("sites: { a: { hosts = \"a\"; } }", "1:10 \"routes\" is missing here");
    tree_bad("sites: { a: { " HOME " } }", "1:10 \"hosts\" is missing here");
    tree_bad("sites: { a: { hosts = \"a\"; listen = [ ]; " HOME " } }",
             "1:37 no listener is named");
    tree_bad("loops = 1025;" HOME, "expected a number from 0 to 1024, got 1025");
    tree_bad("sites: { a: { hosts = ( \"x\", 1, \"B:1\" ); " HOME " } }", "1:33 bad host \"b:1\"");
    tree_bad("routes: { a: { match = 5; mute: { } } }", "1:24 expected a string in quotes, got 5");
    tree_bad("routes: { a: { match = \"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/"
             "{o}/{p}/{q}\"; mute: { } } }",
             "more than 16 wildcards");
}
END_TEST

static void big(char *text, size_t n, const char *open, const char *each, const char *close)
{
    size_t at = (size_t)sprintf(text, "%s", open);

    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, each, i, i);
    text[at - 2] = ' '; /* the last comma */
    sprintf(text + at, "%s", close);
}

START_TEST(many_routes_are_fast)
{
    char *text = malloc(MIB(4));
    ck_assert(text != NULL);
    big(text, 20000, "routes = (\n", "{ name = \"r%zu\"; match = \"/r%zu\"; mute: { } },\n", ");");
    int64_t begin = clock_mono();
    tree_ok(text);
    int64_t took = clock_mono() - begin;
    ck_assert_uint_eq(tree_config->n_routes, 20000);
#ifndef MUXD_SLOW_CHECKS
    ck_assert_msg(took < 2 * NSEC_PER_SEC, "%lld ms", (long long)(took / NSEC_PER_MSEC));
#endif
    if (getenv("MUXD_TIMES") != NULL)
        fprintf(stderr, "20000 routes: %lld ms\n", (long long)(took / NSEC_PER_MSEC));
    /* all in one line as well */
    for (char *p = text; (p = strchr(p, '\n')) != NULL;)
        *p = ' ';
    begin = clock_mono();
    tree_ok(text);
    took = clock_mono() - begin;
    if (getenv("MUXD_TIMES") != NULL)
        fprintf(stderr, "in one line: %lld ms\n", (long long)(took / NSEC_PER_MSEC));
    free(text);
}
END_TEST

START_TEST(many_errors_are_bounded)
{
    char *text = malloc(MIB(4));
    ck_assert(text != NULL);
    big(text, 20000, "routes = (", "{ name = \"r%zu\"; match = \"/r%zu\"; mue: { } }, ", ");");
    ck_assert_int_eq(tree_text(text), -EINVAL);
    ck_assert_uint_eq(tree_report.errors, 20000);
    report_sort(&tree_report);
    free(text);
}
END_TEST

/* The config as it was, kept for a moment; and what becomes of another text after it. */
static struct config *before;

static void after(const char *text)
{
    config_unref(before);
    before = tree_config;
    tree_config = NULL;
    tree_write("muxd.conf", str_of(text));
    report_init(&tree_report, &tree_arena);
    ck_assert_msg(config_load(tree_path("muxd.conf"), &(struct load_options){ .before = before },
                              &tree_report, &tree_config) == 0,
                  "%s", tree_messages());
}

static void before_end(void)
{
    config_unref(before);
    before = NULL;
}

#define TWO(a, b)                                                                                  \
    "sites: { a: { hosts = \"a\"; routes: { r: { " a                                               \
    " } } } b: { hosts = \"b\"; routes: { r: { " b " } } } }\n"
#define GREET(to) "match = \"/\"; greet: { to = \"" to "\"; file = \"f\"; }"

START_TEST(sites_are_kept_unless_changed)
{
    static const char *const others[] = {
        "match = \"/\"; greet: { to = \"y\"; file = \"f\"; }",
        "match = \"/y\"; greet: { to = \"x\"; file = \"f\"; }",
        "match = \"/\"; mute: { }",
        "match = \"/\"; greet: { to = \"x\"; file = \"f\"; } share = 2;",
        "match = \"/\"; greet: { to = \"x\"; file = \"f\"; } run = \"pool\";",
        "match = \"/\"; greet: { to = \"x\"; file = \"f\"; } pool = \"p\";",
        "match = \"/\"; greet: { to = \"x\"; file = \"f\"; } stamp: { ink = \"red\"; }",
    };
    char text[1024];

    for (size_t i = 0; i < array_len(others); i++) {
        tree_ok(TWO(GREET("x"), GREET("x")) "pools: { p: { } }\n");
        snprintf(text, sizeof text, "pools: { p: { } }\n" TWO("%s", GREET("x")), others[i]);
        after(text);
        ck_assert_uint_eq(tree_config->n_kept, 1);
        ck_assert_ptr_ne(tree_config->sites[0], before->sites[0]);
        ck_assert_ptr_eq(tree_config->sites[1], before->sites[1]);
        ck_assert_ptr_eq(site_of("b", 0), before->sites[1]);
        ck_assert_ptr_eq(site_of("a", 0), tree_config->sites[0]);
    }
    before_end();
}
END_TEST

/* Blanks, comments, other sites and other listeners leave a site what it is. */
START_TEST(words_do_not_matter)
{
    tree_ok(TWO(GREET("x"), GREET("x")));
    after("# a comment\nlisteners: { l: { address = \"127.0.0.1:1\"; } m: { address = "
          "\"127.0.0.1:2\"; } }\nroutes: { n: { match = \"/\"; mute: { } } }\n" TWO(
              "greet: { file = \"f\"; to = \"x\"; } match = \"/\";", GREET("x")));
    ck_assert_uint_eq(tree_config->n_sites, 3);
    ck_assert_uint_eq(tree_config->n_kept, 2);
    ck_assert_ptr_eq(site_of("a", 1), before->sites[0]);
    config_unref(before);
    before = NULL;
    /* The old snapshot is gone, its sites are not. */
    ck_assert(str_eq(route_of(site_of("a", 0), "r")->name, STR("r")));
    site_is("other", 0, "default");
}
END_TEST

START_TEST(hosts_and_listeners_make_a_site)
{
    static const char *const heads[] = {
        "hosts = \"other\";",
        "hosts = [ \"a\", \"other\" ];",
        "hosts = \"a\"; listen = \"l\";",
    };
    char text[1024];

    for (size_t i = 0; i < array_len(heads); i++) {
        tree_ok("listeners: { l: { address = \"127.0.0.1:1\"; } }\n" TWO(GREET("x"), GREET("x")));
        snprintf(
            text, sizeof text,
            "listeners: { l: { address = \"127.0.0.1:1\"; } }\n"
            "sites: { a: { %s routes: { r: { " GREET(
                "x") " } } }\n"
                     "  b: { hosts = \"b\"; routes: { r: { " GREET("x") " } s: { match = \"/s\"; "
                                                                        "mute: { } } } } }\n",
            heads[i]);
        after(text);
        ck_assert_uint_eq(tree_config->n_kept, 0);
    }
    before_end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("load");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, tree_begin, tree_end);
    tcase_add_test(t, text_for_file);
    tcase_add_test(t, defaults);
    tcase_add_test(t, routes_and_sites);
    tcase_add_test(t, access_log);
    tcase_add_test(t, life);
    tcase_add_test(t, files);
    tcase_add_test(t, open_directory);
    tcase_add_test(t, unreadable);
    tcase_add_test(t, long_line);
    tcase_add_test(t, includes);
    tcase_add_test(t, include_errors);
    tcase_add_test(t, a_broken_file_hides_nothing);
    tcase_add_test(t, names);
    tcase_add_test(t, other_mistakes);
    tcase_add_test(t, many_routes_are_fast);
    tcase_add_test(t, many_errors_are_bounded);
    tcase_add_test(t, sites_are_kept_unless_changed);
    tcase_add_test(t, words_do_not_matter);
    tcase_add_test(t, hosts_and_listeners_make_a_site);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return tree_main(s);
}
