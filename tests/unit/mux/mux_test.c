/* mux_test.c - the decisions one by one, conflicts, captures, limits. tree_test.c has the rest. */
#include "mux/mux.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "go_facts.h"
#include "support/share.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, MIB(256));
}

static void teardown(void)
{
    arena_done(&arena);
}

static const struct pattern *parse(const char *text)
{
    struct pattern *p = arena_alloc(&arena, sizeof *p);
    const char *why = NULL;
    size_t at = 0;

    ck_assert_ptr_nonnull(p);
    if (pattern_parse(str_of(text), &arena, p, &why, &at) != 0)
        ck_abort_msg("%s: at %zu: %s", text, at, why);
    return p;
}

/* The route is the pattern's text. */
static int add(struct mux *m, const char *text, void **other)
{
    return mux_add(m, parse(text), (void *)(uintptr_t)text, other);
}

static struct mux *sealed(struct mux *m)
{
    ck_assert_int_eq(mux_seal(m), 0);
    return m;
}

static struct mux *mux_of(const char *const *texts)
{
    struct mux *m = mux_new(&arena);
    void *other = NULL;

    for (; *texts != NULL; texts++)
        if (add(m, *texts, &other) != 0)
            ck_abort_msg("%s: conflicts with %s", *texts, (char *)other);
    return sealed(m);
}

/* "GET host/path" */
static struct mux_match match(const struct mux *m, const char *request)
{
    struct str rest = str_of(request), method = str_cut(&rest, ' ');
    size_t slash = str_chr(rest, '/');
    struct mux_match r;

    mux_match(m, method_of(method), method, str_head(rest, slash), str_from(rest, slash), &r);
    return r;
}

static void *routed(const struct mux *m, const char *request)
{
    struct mux_match r = match(m, request);

    return mux_route(&r);
}

/* "+/": add_slash; "405 ..."; "404"; else the pattern and " name=value ...". */
static const char *decide(const struct mux *m, const char *request)
{
    struct mux_match r = match(m, request);
    struct str rest = str_of(request);

    ck_assert_int_le((r.route != NULL) + r.add_slash + r.other_method, 1);
    if (r.add_slash)
        return "+/";
    if (r.other_method) {
        str_cut(&rest, ' ');
        size_t slash = str_chr(rest, '/');
        return arena_printf(&arena, "405 %s",
                            mux_allow(m, str_head(rest, slash), str_from(rest, slash), &arena).p)
            .p;
    }
    if (r.route == NULL)
        return "404";
    const struct pattern *p = parse(mux_route(&r));
    struct str s = pattern_text(p), name;
    for (size_t n = 0, at = 0; pattern_next_name(p, &at, &name); n++)
        s = arena_printf(&arena, "%.*s %.*s=%.*s", str_fmt(s), str_fmt(name),
                         str_fmt(r.captures[n]));
    return s.p;
}

struct decision {
    const char *request, *expected;
};

static void decides(const char *const *routes, const struct decision *cases)
{
    struct mux *m = mux_of(routes);

    for (; cases->request != NULL; cases++) {
        const char *got = decide(m, cases->request);
        ck_assert_msg(strcmp(got, cases->expected) == 0, "%s: %s, not %s", cases->request, got,
                      cases->expected);
    }
}

#define ROUTES (const char *const[])
#define CASES (const struct decision[])

START_TEST(no_routes)
{
    decides(ROUTES{ NULL }, CASES{ { "GET a/", "404" }, { "GET a/b", "404" }, { NULL, NULL } });
}
END_TEST

START_TEST(longest_path_wins)
{
    decides(ROUTES{ "/", "/a", "/a/", "/a/b/", "/a/b/{$}", "/a/b/c", "/a/{id}", NULL },
            CASES{ { "GET /", "/" },
                   { "GET /x", "/" },
                   { "GET /a", "/a" },
                   { "GET /a/", "/a/" },
                   { "GET /a/x", "/a/{id} id=x" },
                   { "GET /a/b", "/a/{id} id=b" },
                   { "GET /a/b/", "/a/b/{$}" },
                   { "GET /a/b/c", "/a/b/c" },
                   { "GET /a/b/c/", "/a/b/" },
                   { "GET /a/b/d/e", "/a/b/" },
                   { "GET /a/x/y", "/a/" },
                   { "GET /ab", "/" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(captures)
{
    decides(
        ROUTES{ "/u/{id}", "/u/{id}/f/{rest...}", "/t/{all...}", "/a%2fb/{x}", "/r/{a}/", NULL },
        CASES{ { "GET /u/7", "/u/{id} id=7" },
               { "GET /u/7/f/", "/u/{id}/f/{rest...} id=7 rest=" },
               { "GET /u/7/f/a/b", "/u/{id}/f/{rest...} id=7 rest=a/b" },
               { "GET /u/7/f/a/b/", "/u/{id}/f/{rest...} id=7 rest=a/b/" },
               { "GET /t/", "/t/{all...} all=" },
               { "GET /t/x", "/t/{all...} all=x" },
               { "GET /a%2Fb/c%2Fd%25", "/a%2fb/{x} x=c%2Fd%25" },
               { "GET /a/b/c", "404" },
               { "GET /r/x/", "/r/{a}/ a=x" },
               { "GET /r/x/y/z", "/r/{a}/ a=x" },
               { "GET /u/", "404" },
               { NULL, NULL } });
}
END_TEST

START_TEST(falls_back_to_wildcards)
{
    decides(ROUTES{ "/a/b/c/1", "/a/b/{z}/2", "/a/{y}/c/3", "/{x}/b/c/4", "/a/{y}/{z}/5",
                    "/{x}/{y}/{z}/6", "/{all...}", NULL },
            CASES{ { "GET /a/b/c/1", "/a/b/c/1" },
                   { "GET /a/b/c/2", "/a/b/{z}/2 z=c" },
                   { "GET /a/b/c/3", "/a/{y}/c/3 y=b" },
                   { "GET /a/b/c/4", "/{x}/b/c/4 x=a" },
                   { "GET /a/b/c/5", "/a/{y}/{z}/5 y=b z=c" },
                   { "GET /a/b/c/6", "/{x}/{y}/{z}/6 x=a y=b z=c" },
                   { "GET /a/b/c/7", "/{all...} all=a/b/c/7" },
                   { "GET /", "/{all...} all=" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(path_before_method)
{
    decides(ROUTES{ "GET /", "POST /a/", "/b", "GET /b/", "PURGE /a/{x}", "LINK /a/{x}", "LINK /a/",
                    NULL },
            CASES{ { "GET /a/x", "GET /" },
                   { "POST /a/x", "POST /a/" },
                   { "PURGE /a/x", "PURGE /a/{x} x=x" },
                   { "LINK /a/x", "LINK /a/{x} x=x" },
                   { "LINK /a/x/y", "LINK /a/" },
                   { "PUT /a/x", "405 GET, HEAD, POST, LINK, PURGE" },
                   { "purge /a/x", "405 GET, HEAD, POST, LINK, PURGE" },
                   { "PUT /", "405 GET, HEAD" },
                   { "DELETE /b", "/b" },
                   { "DELETE /b/", "405 GET, HEAD" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(head)
{
    decides(ROUTES{ "GET /g", "HEAD /h", "GET /b", "HEAD /b", "/b", "HEAD /", "GET /c/{x}", "/any",
                    NULL },
            CASES{ { "HEAD /g", "GET /g" },
                   { "GET /h", "405 HEAD" },
                   { "HEAD /h", "HEAD /h" },
                   { "HEAD /b", "HEAD /b" },
                   { "GET /b", "GET /b" },
                   { "POST /b", "/b" },
                   { "HEAD /c/x", "GET /c/{x} x=x" },
                   { "HEAD /d", "HEAD /" },
                   { "HEAD /any", "/any" },
                   { "GET /any", "/any" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(adds_a_slash)
{
    decides(ROUTES{ "/", "/x/", "/y/{r...}", "/z/{$}", "GET /m/", "/w/{id}/", "/v/", "/e", "/e/",
                    NULL },
            CASES{ { "GET /x", "+/" },
                   { "GET /y", "+/" },
                   { "GET /z", "+/" },
                   { "GET /z/a", "/" },
                   { "GET /m", "+/" },
                   { "HEAD /m", "+/" },
                   { "POST /m", "/" },
                   { "GET /w/1", "+/" },
                   { "GET /w", "/" },
                   { "GET /v/deep/", "/v/" },
                   { "GET /e", "/e" },
                   { "GET /e/", "/e/" },
                   { "GET /q", "/" },
                   { "GET /x/a", "/x/" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(slash_and_exact_matches)
{
    /* The wildcard matches /a exactly, though "/a/" is the more specific place. */
    decides(ROUTES{ "/{id}", "/a/", NULL },
            CASES{ { "GET /a", "/{id} id=a" }, { "GET /a/", "/a/" }, { NULL, NULL } });
    /* A tail of the more specific host matches both, and none exactly. */
    decides(ROUTES{ "h/", "/a/", NULL },
            CASES{ { "GET h/a", "h/" }, { "GET i/a", "+/" }, { NULL, NULL } });
    decides(ROUTES{ "h/a/", "/a", "/", NULL },
            CASES{ { "GET h/a", "/a" }, { "GET i/a", "/a" }, { NULL, NULL } });
    decides(ROUTES{ "h/a/", "/", NULL },
            CASES{ { "GET h/a", "+/" }, { "GET i/a", "/" }, { NULL, NULL } });
    /* Allow knows of path + "/". */
    decides(ROUTES{ "GET /a/", "PUT /b/{$}", "POST /b", NULL },
            CASES{ { "POST /a", "405 GET, HEAD" },
                   { "GET /b", "405 POST, PUT" },
                   { "GET /b/", "405 PUT" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(hosts)
{
    decides(ROUTES{ "a.example.org/x", "*.example.org/x", "*.example.org/y", "*.a.example.org/y",
                    "/x", "/y", "/z", "POST a.example.org/z", "GET *.org/only", NULL },
            CASES{ { "GET a.example.org/x", "a.example.org/x" },
                   { "GET b.example.org/x", "*.example.org/x" },
                   { "GET b.a.example.org/x", "*.example.org/x" },
                   { "GET b.a.example.org/y", "*.a.example.org/y" },
                   { "GET c.b.a.example.org/y", "*.a.example.org/y" },
                   { "GET a.example.org/y", "*.example.org/y" },
                   { "GET example.org/x", "/x" },
                   { "GET xexample.org/x", "/x" },
                   { "GET .example.org/x", "/x" },
                   { "GET a.example.org/z", "/z" },
                   { "POST a.example.org/z", "POST a.example.org/z" },
                   { "GET b.example.org/z", "/z" },
                   { "GET org/only", "404" },
                   { "GET a.example.org/only", "GET *.org/only" },
                   { "PUT a.example.org/only", "405 GET, HEAD" },
                   { "GET /x", "/x" },
                   { "GET ./x", "/x" },
                   { "GET example.org./x", "/x" },
                   { "GET a..org/only", "GET *.org/only" },
                   { "GET [::1]/x", "/x" },
                   { NULL, NULL } });
    decides(ROUTES{ "[::1]/", "[::ffff:1.2.3.4]/", "1.2.3.4/", NULL },
            CASES{ { "GET [::1]/", "[::1]/" },
                   { "GET [::ffff:1.2.3.4]/", "[::ffff:1.2.3.4]/" },
                   { "GET 1.2.3.4/", "1.2.3.4/" },
                   { "GET 2.3.4/", "404" },
                   { NULL, NULL } });
}
END_TEST

START_TEST(forms_without_a_path)
{
    struct mux *m = mux_of(ROUTES{ "/", "OPTIONS /a", NULL });
    struct mux_match r;

    mux_match(m, METHOD_OPTIONS, STR("OPTIONS"), STR("h"), STR_EMPTY, &r);
    ck_assert(r.route == NULL && !r.add_slash && !r.other_method);
    mux_match(m, METHOD_OPTIONS, STR("OPTIONS"), STR("h"), STR("*"), &r);
    ck_assert(r.route == NULL && !r.add_slash && !r.other_method);
    ck_assert_str_eq(mux_allow(m, STR("h"), STR_EMPTY, &arena).p, "");
}
END_TEST

START_TEST(too_many_captures)
{
    struct mux *m = mux_new(&arena);
    char text[200] = "";
    void *other;

    for (int i = 0; i < MUX_CAPTURES_MAX; i++)
        snprintf(text + strlen(text), 16, "/{x%d}", i);
    ck_assert_int_eq(add(m, text, &other), 0);
    ck_assert_int_eq(add(m, arena_printf(&arena, "%s/{r...}", text).p, &other), -E2BIG);
    const char *below = arena_printf(&arena, "%s/", text).p;
    ck_assert_int_eq(add(m, below, &other), 0);
    sealed(m);
    struct mux_match r = match(m, "GET /0/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15");
    ck_assert(str_eq(r.captures[15], STR("15")));
    r = match(m, "GET /0/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16");
    ck_assert_ptr_eq(mux_route(&r), below);
    ck_assert(str_eq(r.captures[15], STR("15")));
}
END_TEST

/* Each pair of Go's: refused in either order, with the other one's route. */
START_TEST(go_says_of_pairs)
{
    const struct go_pair *g = &go_pairs[_i];
    int expected = g->verdict == CONFLICTS ? -EEXIST : 0;

    for (int turn = 0; turn < 2; turn++) {
        struct mux *m = mux_new(&arena);
        const char *first = turn ? g->b : g->a, *second = turn ? g->a : g->b;
        void *other = NULL;

        ck_assert_int_eq(add(m, first, &other), 0);
        ck_assert_int_eq(add(m, second, &other), expected);
        ck_assert_ptr_eq(other, expected ? first : NULL);
    }
}
END_TEST

START_TEST(go_says_of_common_paths)
{
    for (size_t i = 0; i < array_len(go_common); i++) {
        const struct go_path *g = &go_common[i];
        const char *request = arena_printf(&arena, "GET %s", g->path).p;
        ck_assert_ptr_eq(routed(mux_of(ROUTES{ g->a, NULL }), request), g->a);
        ck_assert_ptr_eq(routed(mux_of(ROUTES{ g->b, NULL }), request), g->b);
    }
    for (size_t i = 0; i < array_len(go_difference); i++) {
        const struct go_path *g = &go_difference[i];
        const char *request = arena_printf(&arena, "GET %s", g->path).p;
        ck_assert_ptr_eq(routed(mux_of(ROUTES{ g->a, NULL }), request), g->a);
        ck_assert_ptr_null(routed(mux_of(ROUTES{ g->b, NULL }), request));
    }
}
END_TEST

/* A conflict leaves the mux as it was. */
START_TEST(refused_routes_do_not_match)
{
    struct mux *m = mux_new(&arena);
    void *other = NULL;

    ck_assert_int_eq(add(m, "/{a}/x", &other), 0);
    ck_assert_int_eq(add(m, "/y/{b}", &other), -EEXIST);
    ck_assert_int_eq(add(m, "POST /y/{b}", &other), -EEXIST);
    ck_assert_int_eq(add(m, "/y/z", &other), 0);
    ck_assert_int_eq(add(m, "/y/z", &other), -EEXIST);
    ck_assert_int_eq(add(m, "new.example.org/{a}/x", &other), 0);
    ck_assert_int_eq(add(m, "new.example.org/y/{b}", &other), -EEXIST);
    sealed(m);
    ck_assert_str_eq(decide(m, "GET /y/q"), "404");
    ck_assert_str_eq(decide(m, "GET /y/x"), "/{a}/x a=y");
    ck_assert_str_eq(decide(m, "GET /y/z"), "/y/z");
}
END_TEST

START_TEST(no_memory)
{
    const char *const texts[] = { "/", "GET a.b.c/x/{y}/z", "*.b.c/x", "POST /x/y/z/{$}",
                                  "/p/q/r" };

    for (size_t max = 0; max < 6000; max += 256) {
        struct arena small;
        void *other;

        arena_init(&small, max);
        struct mux *m = mux_new(&small);
        bool failed = m == NULL;
        for (size_t i = 0; m != NULL && i < array_len(texts); i++) {
            int r = mux_add(m, parse(texts[i]), (void *)1, &other);
            ck_assert_int_eq(r, 0);
        }
        int r = m ? mux_seal(m) : -ENOMEM;
        ck_assert(r == 0 || r == -ENOMEM);
        failed |= r != 0;
        if (r == 0)
            ck_assert_ptr_nonnull(routed(m, "GET a.b.c/x/y/z"));
        ck_assert_int_eq(failed, arena_failed(&small));
        arena_done(&small);
    }
    struct arena none;
    arena_init(&none, 0);
    struct mux *m = mux_of(ROUTES{ "GET /", NULL });
    ck_assert_ptr_null(mux_allow(m, STR_EMPTY, STR("/"), &none).p);
    arena_done(&none);
}
END_TEST

/* ---- many routes ---- */

START_TEST(many_routes)
{
    enum { N = 20000 };
    struct mux *m = mux_new(&arena);
    char text[64];
    void *other;

    for (size_t i = 0; i < N; i++) {
        snprintf(text, sizeof text,
                 i % 4 == 0   ? "/s%zu/x"
                 : i % 4 == 1 ? "/s%zu/"
                 : i % 4 == 2 ? "GET /api/s%zu/{id}"
                              : "h%zu.example.org/",
                 i);
        ck_assert_int_eq(mux_add(m, parse(text), (void *)(i + 1), &other), 0);
    }
    ck_assert_int_eq(mux_add(m, parse("/"), (void *)1, &other), 0);
    ck_assert_int_eq(mux_add(m, parse("/{a}/{b}"), (void *)1, &other), -EEXIST);
    ck_assert_int_eq(mux_add(m, parse("/api/{b}/x"), (void *)1, &other), -EEXIST);
    sealed(m);
    for (size_t i = 0; i < N; i++) {
        snprintf(text, sizeof text,
                 i % 4 == 0   ? "GET x/s%zu/x"
                 : i % 4 == 1 ? "GET x/s%zu/x/y"
                 : i % 4 == 2 ? "GET x/api/s%zu/7"
                              : "GET h%zu.example.org/z",
                 i);
        ck_assert_ptr_eq(routed(m, text), (void *)(i + 1));
    }
}
END_TEST

/* Wildcards beside many literals that lead to wildcards themselves, in both orders: to look at each
 * of the pairs would take longer than the test may. */
START_TEST(wildcards_beside_many_literals)
{
    const size_t N = share_of(60000);
    static const char *const forms[][2] = {
        { "/s%zu/{id}/x%zu", "/{a}/list/y%zu/%zu" },
        { "/{a}/list/y%zu/%zu", "/s%zu/{id}/x%zu" },
        { "/{x}/s%zu/z%zu", "/l%zu/{b}/w%zu" },
        { "/l%zu/{b}/w%zu/", "/{x}/s%zu/z%zu/" },
    };
    const char *const *form = forms[_i];
    struct mux *m = mux_new(&arena);
    char text[64];
    void *other;

    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < N; i++) {
            snprintf(text, sizeof text, form[k], i, i);
            ck_assert_int_eq(mux_add(m, parse(text), (void *)(i + 1), &other), 0);
        }
    /* What was merged is told of what comes later. */
    ck_assert_int_eq(mux_add(m, parse("/late/{b}/q"), (void *)-1, &other), 0);
    ck_assert_int_eq(mux_add(m, parse("/{x}/s/q"), (void *)1, &other), -EEXIST);
    ck_assert_ptr_eq(other, (void *)-1);
    sealed(m);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < N; i += 100) {
            snprintf(text, sizeof text, form[k], i, i);
            for (char *c = text; *c; c++)
                *c = *c == '{' || *c == '}' ? '-' : *c;
            ck_assert_ptr_eq(routed(m, arena_printf(&arena, "GET %s", text).p), (void *)(i + 1));
        }
}
END_TEST

/* The methods there are numbers for, and one too many; `each` of them for one resource, which takes
 * time with the square of it. */
START_TEST(many_methods)
{
    const size_t each = share_of(MUX_METHODS_MAX);
    struct mux *m = mux_new(&arena);
    char text[64];
    void *other;

    for (size_t i = 0; i <= MUX_METHODS_MAX; i++) {
        snprintf(text, sizeof text, "M%zu /x%zu", i, i / each);
        ck_assert_int_eq(mux_add(m, parse(text), (void *)(i + 1), &other),
                         i < MUX_METHODS_MAX ? 0 : -ENOSPC);
        snprintf(text, sizeof text, "M%zu /x%zu/", i, i / each);
        ck_assert_int_eq(mux_add(m, parse(text), (void *)(i + 1), &other),
                         i < MUX_METHODS_MAX ? 0 : -ENOSPC);
    }
    ck_assert_int_eq(mux_add(m, parse("M7 /{x}"), (void *)1, &other), 0);
    ck_assert_int_eq(mux_add(m, parse("M7 /x0"), (void *)1, &other), -EEXIST);
    sealed(m);
    for (size_t i = 0; i < MUX_METHODS_MAX; i += 5) {
        snprintf(text, sizeof text, "M%zu h/x%zu", i, i / each);
        ck_assert_ptr_eq(routed(m, text), (void *)(i + 1));
        snprintf(text, sizeof text, "M%zu h/x%zu/y", i, i / each);
        ck_assert_ptr_eq(routed(m, text), (void *)(i + 1));
    }
    ck_assert_ptr_null(routed(m, "M h/x0"));
    ck_assert(match(m, "M h/x0").other_method);
    struct str allow = mux_allow(m, STR("h"), STR("/x0"), &arena);
    ck_assert(str_starts(allow, STR("M0, M1, M10, M100, ")));
    ck_assert(str_ends(allow, each > 999 ? STR(", M998, M999") : STR(", M98, M99")));
}
END_TEST

/* Tables of all small sizes and of a large one, in which some names have the first bits of their
 * hashes in common: each name is found, others are not. */
static void check_table(size_t n, const char *pattern, const char *request)
{
    struct mux *m = mux_new(&arena);
    char text[64];
    void *other;

    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, pattern, i);
        ck_assert_int_eq(mux_add(m, parse(text), (void *)(i + 1), &other), 0);
    }
    sealed(m);
    for (size_t i = 0; i < 2 * n + 50; i++) {
        snprintf(text, sizeof text, request, i);
        if (routed(m, text) != (void *)(i < n ? i + 1 : 0))
            ck_abort_msg("%s of %zu", text, n);
    }
}

START_TEST(tables)
{
    for (size_t n = 0; n < 150; n++) {
        check_table(n, "/k%zu", "GET h/k%zu");
        check_table(n, "/{x}/k%zu/y", "GET h/a/k%zu/y");
        check_table(n, "h%zu.org/", "GET h%zu.org/");
        check_table(n, "*.a-long-name-of-a-host-%zu.org/", "GET x.a-long-name-of-a-host-%zu.org/");
        arena_reset(&arena);
    }
    /* In both are names with the same key. */
    check_table(share() > 1 ? 50000 : 150000, "/k%zu", "GET h/k%zu");
}
END_TEST

/* A host and a run behind it, together as long as a pattern may be. */
START_TEST(longest_name)
{
    static const char begin[] = "GET h.example.org/a/";
    const size_t n = PATTERN_TEXT_MAX;
    char *text = arena_alloc(&arena, n + 3), *route = arena_alloc(&arena, n + 3);
    struct mux *m = mux_new(&arena);
    void *other;

    ck_assert(text != NULL && route != NULL);
    memset(text, 'x', n);
    memcpy(text, begin, strlen(begin));
    text[n] = '\0';
    strcpy(route, text);
    ck_assert_int_eq(add(m, route, &other), 0);
    sealed(m);
    ck_assert_ptr_eq(routed(m, text), route);
    strcpy(text + n, "x");
    ck_assert_ptr_null(routed(m, text));
    strcpy(text + n, "/x");
    ck_assert_ptr_null(routed(m, text));
    text[n] = '\0';
    for (size_t at = strlen(begin); at < n; at += 4093) {
        text[at] = 'y';
        ck_assert_ptr_null(routed(m, text));
        text[at] = 'x';
    }
    text[n - 1] = '\0';
    ck_assert_ptr_null(routed(m, text));
}
END_TEST

/* What resources have in common is kept once, whatever order it was added in: a route takes little
 * more than a pointer. Each is told from the same one of another resource. */
START_TEST(equal_parts_are_kept_once)
{
    enum { N = 4000 };
    static const char *const shape[][2] = {
        { "GET /api/resource-%zu", "GET h/api/resource-%zu" },
        { "POST /api/resource-%zu", "POST h/api/resource-%zu" },
        { "GET /api/resource-%zu/{id}", "GET h/api/resource-%zu/7" },
        { "/api/resource-%zu/{id}", "PUT h/api/resource-%zu/7" },
        { "GET /api/resource-%zu/{id}/files/{path...}", "GET h/api/resource-%zu/7/files/a/b" },
        { "GET /api/resource-%zu/search", "GET h/api/resource-%zu/search" },
        { "LINK /api/resource-%zu/list/of/all", "LINK h/api/resource-%zu/list/of/all" },
        { "PURGE /api/resource-%zu/list/of/all", "PURGE h/api/resource-%zu/list/of/all" },
    };
    const size_t n = array_len(shape);
    struct arena own;
    char text[128];
    void *other;

    arena_init(&own, MIB(16));
    struct mux *m = mux_new(&own);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < n; k++) {
            size_t action = i % 2 ? k : n - 1 - k;
            snprintf(text, sizeof text, shape[action][0], i);
            ck_assert_int_eq(mux_add(m, parse(text), (void *)(1 + i * n + action), &other), 0);
        }
    sealed(m);
    ck_assert_uint_lt(own.used, N * n * 20);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < n; k++) {
            snprintf(text, sizeof text, shape[k][1], i);
            ck_assert_ptr_eq(routed(m, text), (void *)(1 + i * n + k));
        }
    arena_done(&own);
}
END_TEST

/* The deepest pattern there is, and a path that is deeper. */
START_TEST(deep)
{
    char pattern[2 * PATTERN_SEGMENTS_MAX + 8] = "", *path = arena_alloc(&arena, 20001);
    void *other;

    ck_assert_ptr_nonnull(path);
    for (int i = 0; i < PATTERN_SEGMENTS_MAX - 2; i++)
        memcpy(pattern + 2 * i, "/a", 3);
    struct mux *m = mux_new(&arena);
    ck_assert_int_eq(add(m, arena_printf(&arena, "%s/{x}/b", pattern).p, &other), 0);
    ck_assert_int_eq(add(m, arena_printf(&arena, "%s/c/{x}", pattern).p, &other), -EEXIST);
    ck_assert_int_eq(add(m, "/a/", &other), 0);
    ck_assert_int_eq(add(m, "/{x...}", &other), 0);
    sealed(m);
    for (int i = 0; i < 10000; i++)
        memcpy(path + 2 * i, "/a", 3);
    ck_assert_str_eq(routed(m, arena_printf(&arena, "GET %s", path).p), "/a/");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mux/mux");
    TCase *tc = tcase_create("all"), *quick = tcase_create("quick");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, no_routes);
    tcase_add_test(tc, longest_path_wins);
    tcase_add_test(tc, captures);
    tcase_add_test(tc, falls_back_to_wildcards);
    tcase_add_test(tc, path_before_method);
    tcase_add_test(tc, head);
    tcase_add_test(tc, adds_a_slash);
    tcase_add_test(tc, slash_and_exact_matches);
    tcase_add_test(tc, hosts);
    tcase_add_test(tc, forms_without_a_path);
    tcase_add_test(tc, too_many_captures);
    tcase_add_loop_test(tc, go_says_of_pairs, 0, (int)array_len(go_pairs));
    tcase_add_test(tc, go_says_of_common_paths);
    tcase_add_test(tc, refused_routes_do_not_match);
    tcase_add_test(tc, no_memory);
    tcase_add_test(tc, many_routes);
    tcase_add_test(tc, many_methods);
    tcase_add_test(tc, tables);
    tcase_add_test(tc, longest_name);
    tcase_add_test(tc, equal_parts_are_kept_once);
    tcase_add_test(tc, deep);
    suite_add_tcase(s, tc);
    tcase_add_checked_fixture(quick, setup, teardown);
    tcase_set_timeout(quick, 8);
    tcase_add_loop_test(quick, wildcards_beside_many_literals, 0, 4);
    suite_add_tcase(s, quick);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
