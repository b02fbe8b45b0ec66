/*
 * tree_test.c - random sets of patterns through mux.h, against a matcher that looks at every
 * pattern in turn and compares two by the sets of paths they match.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mux/mux.h"

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
        for (size_t i = 0, at = 0; i < best->parsed.n_names; i++)
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
    ck_assert_int_eq(mux_seal(m), 0);
    ck_assert_int_eq(mux_seal(reversed), 0);
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

int main(void)
{
    Suite *s = suite_create("mux/tree");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, random_sets);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
