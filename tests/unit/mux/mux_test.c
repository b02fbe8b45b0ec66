/*
 * mux_test.c - the decisions one by one, then random sets of patterns against a matcher that looks
 * at every pattern in turn and compares them by the set of paths they match.
 */
#include "mux/mux.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "go_facts.h"

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

static struct mux *mux_of(const char *const *texts)
{
    struct mux *m = mux_new(&arena);
    void *other = NULL;

    for (; *texts != NULL; texts++)
        if (add(m, *texts, &other) != 0)
            ck_abort_msg("%s: conflicts with %s", *texts, (char *)other);
    return m;
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

/* "+/": add_slash; "405 ..."; "404"; else the pattern and " name=value ...". */
static const char *decide(const struct mux *m, const char *request)
{
    struct mux_match r = match(m, request);
    struct str rest = str_of(request);

    ck_assert_int_le((r.route != NULL) + r.add_slash + r.other_method, 1);
    ck_assert_int_eq(r.route != NULL, r.pattern != NULL);
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
    ck_assert(str_eq(r.pattern->text, str_of(r.route)));
    struct str s = r.pattern->text;
    for (size_t i = 0, n = 0; i < r.pattern->n_segments; i++) {
        const struct segment *seg = &r.pattern->segments[i];
        if (seg->kind == SEGMENT_WILDCARD || (seg->kind == SEGMENT_REST && seg->text.n > 0)) {
            s = arena_printf(&arena, "%.*s %.*s=%.*s", str_fmt(s), str_fmt(seg->text),
                             str_fmt(r.captures[n]));
            n++;
        }
    }
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
    struct mux_match r = match(m, "GET /0/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15");
    ck_assert(str_eq(r.captures[15], STR("15")));
    ck_assert_int_eq(add(m, arena_printf(&arena, "%s/{r...}", text).p, &other), -E2BIG);
    ck_assert_int_eq(add(m, arena_printf(&arena, "%s/", text).p, &other), 0);
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
        ck_assert_ptr_eq(match(mux_of(ROUTES{ g->a, NULL }), request).route, g->a);
        ck_assert_ptr_eq(match(mux_of(ROUTES{ g->b, NULL }), request).route, g->b);
    }
    for (size_t i = 0; i < array_len(go_difference); i++) {
        const struct go_path *g = &go_difference[i];
        const char *request = arena_printf(&arena, "GET %s", g->path).p;
        ck_assert_ptr_eq(match(mux_of(ROUTES{ g->a, NULL }), request).route, g->a);
        ck_assert_ptr_null(match(mux_of(ROUTES{ g->b, NULL }), request).route);
    }
}
END_TEST

/* A conflict leaves the mux as it was. */
START_TEST(refused_routes_do_not_match)
{
    struct mux *m = mux_of(ROUTES{ "/{a}/x", NULL });
    void *other = NULL;

    ck_assert_int_eq(add(m, "/y/{b}", &other), -EEXIST);
    ck_assert_str_eq(decide(m, "GET /y/z"), "404");
    ck_assert_str_eq(decide(m, "GET /y/x"), "/{a}/x a=y");
    ck_assert_int_eq(add(m, "POST /y/{b}", &other), -EEXIST);
    ck_assert_int_eq(add(m, "/y/z", &other), 0);
    ck_assert_str_eq(decide(m, "GET /y/z"), "/y/z");
}
END_TEST

START_TEST(no_memory)
{
    const char *const texts[] = { "/", "GET a.b.c/x/{y}/z", "*.b.c/x", "POST /x/y/z/{$}",
                                  "/p/q/r" };

    for (size_t max = 0; max < 6000; max += 1024) {
        struct arena small;
        void *other;

        arena_init(&small, max);
        struct mux *m = mux_new(&small);
        bool failed = m == NULL;
        for (size_t i = 0; m != NULL && i < array_len(texts); i++) {
            int r = mux_add(m, parse(texts[i]), (void *)1, &other);
            ck_assert(r == 0 || r == -ENOMEM);
            failed |= r != 0;
            ck_assert_int_eq(match(m, "GET /").route != NULL, i > 0 || r == 0);
        }
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

/* ---- random sets ---- */

#define UNIVERSE_DEPTH 4
#define PATHS_MAX 256
#define SET_MAX 12
#define N_SETS 3000
#define N_REQUESTS 150

static char paths[PATHS_MAX][2 * UNIVERSE_DEPTH + 2];
static size_t n_paths;

/* Every path of up to 4 segments out of a, b, c ("c" is in no pattern), with and without slash. */
static void fill_universe(const char *base, int depth)
{
    snprintf(paths[n_paths++], sizeof paths[0], "%s/", base);
    if (depth == UNIVERSE_DEPTH)
        return;
    for (char c = 'a'; c <= 'c'; c++) {
        snprintf(paths[n_paths], sizeof paths[0], "%s/%c", base, c);
        fill_universe(paths[n_paths++], depth + 1);
    }
}

static const char *const hosts_of_patterns[] = { "", "", "h", "*.h", "*.g.h", "g.h" };
static const char *const hosts_of_requests[] = { "", "h", "g.h", "f.g.h", "x.h", "x" };
static const char *const methods_of_patterns[] = { "", "", "GET", "HEAD", "POST", "LINK", "PURGE" };
static const char *const methods_of_requests[] = { "GET", "HEAD", "POST", "PUT", "LINK", "PURGE" };

struct ref {
    const char *method, *host;
    char path[64];
    const char *text;
    bool matches[PATHS_MAX]; /* the universe */
    struct pattern parsed;
};

static uint64_t seed;

static size_t any_of(size_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

/* The tail, the name and the end are the only special things here. */
static bool ref_path(const char *pattern, const char *path)
{
    if (pattern[0] != '/' || path[0] != '/')
        return pattern[0] == path[0];
    pattern++;
    path++;
    if (strcmp(pattern, "") == 0 || strcmp(pattern, "{r...}") == 0)
        return true;
    if (strcmp(pattern, "{$}") == 0)
        return *path == '\0';
    size_t n = strcspn(pattern, "/"), k = strcspn(path, "/");
    if (pattern[0] == '{' ? k == 0 : n != k || strncmp(pattern, path, n) != 0)
        return false;
    return ref_path(pattern + n, path + k);
}

static bool ref_host(const char *pattern, const char *host)
{
    size_t n = strlen(host), k = strlen(pattern);

    if (pattern[0] == '*')
        return n > k - 1 && strcmp(host + n - (k - 1), pattern + 1) == 0;
    return pattern[0] == '\0' || strcmp(pattern, host) == 0;
}

static bool ref_method(const char *pattern, const char *method)
{
    return pattern[0] == '\0' || strcmp(pattern, method) == 0 ||
           (strcmp(pattern, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static int host_rank(const char *host) /* among those that match one request */
{
    return host[0] == '\0' ? 0 : host[0] == '*' ? (int)strlen(host) : 1000;
}

static int method_rank(const char *method)
{
    return method[0] == '\0' ? 0 : strcmp(method, "GET") == 0 ? 1 : 2;
}

/* Whether a matches every path of b, and whether they have one in common. */
static void ref_compare(const struct ref *a, const struct ref *b, bool *covers, bool *common)
{
    *covers = true;
    *common = false;
    for (size_t i = 0; i < n_paths; i++) {
        *covers &= a->matches[i] || !b->matches[i];
        *common |= a->matches[i] && b->matches[i];
    }
}

static bool ref_conflict(const struct ref *a, const struct ref *b)
{
    bool a_covers, b_covers, common, method = false;

    if (strcmp(a->host, b->host) != 0)
        return false;
    for (size_t i = 0; i < array_len(methods_of_requests); i++)
        method |= ref_method(a->method, methods_of_requests[i]) &&
                  ref_method(b->method, methods_of_requests[i]);
    ref_compare(a, b, &a_covers, &common);
    ref_compare(b, a, &b_covers, &common);
    if (!method || !common)
        return false;
    return a_covers && b_covers ? strcmp(a->method, b->method) == 0 : !a_covers && !b_covers;
}

/* Whether a wins over b; both match the request. */
static bool ref_wins(const struct ref *a, const struct ref *b)
{
    bool a_covers, b_covers, common;

    if (strcmp(a->host, b->host) != 0)
        return host_rank(a->host) > host_rank(b->host);
    ref_compare(a, b, &a_covers, &common);
    ref_compare(b, a, &b_covers, &common);
    return a_covers && b_covers ? method_rank(a->method) > method_rank(b->method) : b_covers;
}

/* The one that wins over all others that match, or NULL. */
static const struct ref *ref_match(const struct ref *set, size_t n, const char *method,
                                   const char *host, const char *path)
{
    const struct ref *best = NULL;
    size_t hits = 0, beaten = 0;

    for (size_t i = 0; i < n; i++)
        if (ref_method(set[i].method, method) && ref_host(set[i].host, host) &&
            ref_path(set[i].path, path)) {
            hits++;
            if (best == NULL || ref_wins(&set[i], best))
                best = &set[i];
        }
    for (size_t i = 0; i < n; i++)
        if (&set[i] != best && ref_method(set[i].method, method) && ref_host(set[i].host, host) &&
            ref_path(set[i].path, path))
            beaten += ref_wins(best, &set[i]);
    ck_assert_uint_eq(beaten + (hits > 0), hits);
    return best;
}

/* Whether no tail of the pattern took anything. */
static bool ref_exact(const struct ref *r, const char *path)
{
    size_t n = strlen(r->path), slashes = 0, path_slashes = 0;

    if (r->path[n - 1] != '/' && strstr(r->path, "...") == NULL)
        return true;
    for (const char *c = r->path; *c; c++)
        slashes += *c == '/';
    for (const char *c = path; *c; c++)
        path_slashes += *c == '/';
    return slashes == path_slashes && path[strlen(path) - 1] == '/';
}

/* What the names of the pattern stand for, each with ';' behind. */
static void ref_captures(const char *pattern, const char *path, char *out)
{
    *out = '\0';
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t n = strcspn(pattern, "/"), k = strcspn(path, "/");
        if (strcmp(pattern, "{r...}") == 0) {
            sprintf(out, "%s;", path);
            return;
        }
        if (*pattern == '{' && strcmp(pattern, "{$}") != 0)
            out += sprintf(out, "%.*s;", (int)k, path);
        pattern += n;
        path += k;
    }
}

static void ref_allow(const struct ref *set, size_t n, const char *host, const char *path,
                      char *out)
{
    static const char *const sorted[] = { "GET", "HEAD", "POST", "LINK", "PURGE" };
    char with_slash[32], *begin = out;

    *out = '\0';
    snprintf(with_slash, sizeof with_slash, "%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/");
    for (size_t i = 0; i < array_len(sorted); i++) {
        bool allowed = false;
        for (size_t k = 0; k < n; k++)
            allowed |= set[k].method[0] != '\0' && ref_method(set[k].method, sorted[i]) &&
                       ref_host(set[k].host, host) &&
                       (ref_path(set[k].path, path) || ref_path(set[k].path, with_slash));
        if (allowed)
            out += sprintf(out, "%s%s", out == begin ? "" : ", ", sorted[i]);
    }
}

static void random_pattern(struct ref *r, size_t n_hosts)
{
    static const char *const segments[] = { "a", "b", "a", "{x}" };
    size_t depth = any_of(4), n = 0;

    r->method = methods_of_patterns[any_of(array_len(methods_of_patterns))];
    r->host = hosts_of_patterns[any_of(n_hosts)];
    for (size_t i = 0; i < depth; i++) {
        const char *s = segments[any_of(array_len(segments))];
        n += (size_t)(s[0] == '{' ? sprintf(r->path + n, "/{x%zu}", i)
                                  : sprintf(r->path + n, "/%s", s));
    }
    size_t tail = any_of(5);
    if (depth == 0 || tail < 3)
        sprintf(r->path + n, "%s", tail == 0 ? "/{$}" : tail == 1 ? "/{r...}" : "/");
    r->text =
        arena_printf(&arena, "%s%s%s%s", r->method, r->method[0] ? " " : "", r->host, r->path).p;
    for (size_t i = 0; i < n_paths; i++)
        r->matches[i] = ref_path(r->path, paths[i]);
    r->parsed = *parse(r->text);
}

static void check_request(const struct mux *m, const struct ref *set, size_t n, const char *method,
                          const char *host, const char *path)
{
    const struct ref *best = ref_match(set, n, method, host, path), *other = NULL;
    char with_slash[32], expected[128], got[128] = "";
    struct mux_match r;

    if ((best == NULL || !ref_exact(best, path)) && path[strlen(path) - 1] != '/') {
        snprintf(with_slash, sizeof with_slash, "%s/", path);
        other = ref_match(set, n, method, host, with_slash);
        if (other != NULL && !ref_exact(other, with_slash))
            other = NULL;
    }
    mux_match(m, method_of(str_of(method)), str_of(method), str_of(host), str_of(path), &r);
    const char *name = r.route ? ((const struct ref *)r.route)->text : "nothing";
    ck_assert_msg(r.add_slash == (other != NULL), "%s %s%s: add_slash %d", method, host, path,
                  r.add_slash);
    if (other != NULL) {
        ck_assert(r.route == NULL && !r.other_method);
        return;
    }
    ck_assert_msg(r.route == best, "%s %s%s: %s, not %s", method, host, path, name,
                  best ? best->text : "nothing");
    if (best != NULL) {
        ref_captures(best->path, path, expected);
        for (size_t i = 0, at = 0; i < r.pattern->n_names; i++)
            at += (size_t)sprintf(got + at, "%.*s;", str_fmt(r.captures[i]));
        ck_assert_str_eq(got, expected);
    }
    ref_allow(set, n, host, path, expected);
    ck_assert_str_eq(mux_allow(m, str_of(host), str_of(path), &arena).p, expected);
    ck_assert_int_eq(r.other_method, best == NULL && expected[0] != '\0');
}

/* One set: conflicts as the pairs say, and in whatever order; every decision as the reference's. */
static void check_set(size_t n_hosts)
{
    static struct ref set[SET_MAX];
    struct mux *m = mux_new(&arena), *reversed = mux_new(&arena);
    void *other;
    size_t n = 0;

    for (size_t wanted = 1 + any_of(2 * SET_MAX); wanted > 0 && n < SET_MAX; wanted--) {
        bool conflict = false;
        random_pattern(&set[n], n_hosts);
        for (size_t i = 0; i < n; i++) {
            bool one = ref_conflict(&set[i], &set[n]);
            ck_assert_msg(pattern_conflict(&set[i].parsed, &set[n].parsed) == one, "%s and %s: %d",
                          set[i].text, set[n].text, one);
            conflict |= one;
        }
        int r = mux_add(m, &set[n].parsed, &set[n], &other);
        ck_assert_msg(r == (conflict ? -EEXIST : 0), "%s: %d", set[n].text, r);
        if (conflict)
            ck_assert(ref_conflict(other, &set[n]));
        else
            n++;
    }
    for (size_t i = n; i > 0; i--)
        ck_assert_int_eq(mux_add(reversed, &set[i - 1].parsed, &set[i - 1], &other), 0);
    for (int i = 0; i < N_REQUESTS; i++)
        check_request(i % 2 ? m : reversed, set, n,
                      methods_of_requests[any_of(array_len(methods_of_requests))],
                      hosts_of_requests[any_of(array_len(hosts_of_requests))],
                      paths[any_of(n_paths)]);
}

START_TEST(random_sets)
{
    fill_universe("", 0);
    seed = 20240215;
    for (int i = 0; i < N_SETS; i++) {
        check_set(i % 2 ? 1 : array_len(hosts_of_patterns));
        arena_reset(&arena);
    }
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
    for (size_t i = 0; i < N; i++) {
        snprintf(text, sizeof text,
                 i % 4 == 0   ? "GET x/s%zu/x"
                 : i % 4 == 1 ? "GET x/s%zu/x/y"
                 : i % 4 == 2 ? "GET x/api/s%zu/7"
                              : "GET h%zu.example.org/z",
                 i);
        ck_assert_ptr_eq(match(m, text).route, (void *)(i + 1));
    }
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
    for (int i = 0; i < 10000; i++)
        memcpy(path + 2 * i, "/a", 3);
    ck_assert_str_eq(match(m, arena_printf(&arena, "GET %s", path).p).route, "/a/");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mux/mux");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
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
    tcase_add_test(tc, random_sets);
    tcase_add_test(tc, many_routes);
    tcase_add_test(tc, deep);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
