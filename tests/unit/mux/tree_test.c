/*
 * tree_test.c - random sets of patterns through mux.h, against a matcher that looks at every
 * pattern in turn. Small sets compare two patterns by which of all paths there are they match;
 * large ones, which the tables, tags and runs of literals are for, by pattern_compare_paths(),
 * which the small ones have tried.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mux/mux.h"
#include "support/share.h"

/* As ck_assert(), which writes to a file each time, and here that takes most of the time. */
#define expect_msg(cond, ...)                                                                      \
    do {                                                                                           \
        if (!(cond))                                                                               \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)
#define expect(cond) expect_msg(cond, "not so: %s", #cond)

static struct arena arena;

static void setup(void)
{
    static _Alignas(16) char first[MIB(1)]; /* saves most sets from malloc */

    arena_init_in(&arena, first, sizeof first, MIB(256));
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

    expect(NULL != p);
    if (pattern_parse(str_of(text), &arena, p, &why, &at) != 0)
        ck_abort_msg("%s: at %zu: %s", text, at, why);
    return p;
}

#define UNIVERSE_DEPTH 4
#define PATHS_MAX 256
#define PATH_MAX_SIZE 640
#define SET_MAX 12
#define N_SETS 20000u
#define N_REQUESTS 60
#define LARGE_MAX 3000
#define N_LARGE_REQUESTS 500

static char paths[PATHS_MAX][32];
static size_t n_paths;

/* Every path of up to 4 segments out of three (no pattern has the last one), with and without
 * slash. */
static void fill_universe(const char *base, int depth)
{
    static const char *const segments[] = { "a", "b%2Fb", "c" };

    snprintf(paths[n_paths++], sizeof paths[0], "%s/", base);
    if (depth == UNIVERSE_DEPTH)
        return;
    for (size_t i = 0; i < array_len(segments); i++) {
        snprintf(paths[n_paths], sizeof paths[0], "%s/%s", base, segments[i]);
        fill_universe(paths[n_paths++], depth + 1);
    }
}

static const char *const hosts_of_patterns[] = { "", "", "h", "*.h", "*.g.h", "g.h" };
static const char *const hosts_of_requests[] = { "", "h", "g.h", "f.g.h", "x.h", "x" };
static const char *const methods_of_patterns[] = { "", "", "GET", "HEAD", "POST", "LINK", "PURGE" };
static const char *const methods_of_requests[] = { "GET", "HEAD", "POST", "PUT", "LINK", "PURGE" };

struct ref {
    const char *method, *host;
    const char *path; /* in normal form */
    const char *text;
    bool large;
    bool matches[PATHS_MAX]; /* the universe; not if large */
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
    if (a->large) {
        enum relation r = pattern_compare_paths(&a->parsed, &b->parsed);
        *covers = r == RELATION_EQUAL || r == RELATION_MORE_GENERAL;
        *common = r != RELATION_DISJOINT;
        return;
    }
    *covers = true;
    *common = false;
    for (size_t i = 0; i < n_paths; i++) {
        *covers &= a->matches[i] || !b->matches[i];
        *common |= a->matches[i] && b->matches[i];
    }
}

/* Whether a method is served by both. */
static bool ref_methods_meet(const struct ref *a, const struct ref *b)
{
    bool meet = false;

    for (size_t i = 0; i < array_len(methods_of_requests); i++)
        meet |= ref_method(a->method, methods_of_requests[i]) &&
                ref_method(b->method, methods_of_requests[i]);
    return meet;
}

static bool ref_conflict(const struct ref *a, const struct ref *b)
{
    bool a_covers, b_covers, common;

    if (strcmp(a->host, b->host) != 0)
        return false;
    ref_compare(a, b, &a_covers, &common);
    ref_compare(b, a, &b_covers, &common);
    if (!ref_methods_meet(a, b) || !common)
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
    expect(beaten + (hits > 0) == hits);
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
    char with_slash[PATH_MAX_SIZE], *begin = out;

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

/* The path as somebody may have written it. */
static const char *spell(const char *path)
{
    char *out = arena_alloc(&arena, 3 * strlen(path) + 1), *to = out;

    expect(NULL != out);
    for (bool wildcard = false; *path; path++) {
        wildcard = *path == '{' || (wildcard && *path != '/');
        if (strncmp(path, "%2F", 3) == 0) {
            to += sprintf(to, any_of(2) ? "%%2f" : "%%2F");
            path += 2;
        } else if (!wildcard && *path != '/' && any_of(8) == 0) {
            to += sprintf(to, any_of(2) ? "%%%02x" : "%%%02X", (unsigned char)*path);
        } else {
            *to++ = *path;
        }
    }
    *to = '\0';
    return out;
}

static void finish_pattern(struct ref *r, const char *path)
{
    r->path = arena_printf(&arena, "%s", path).p;
    r->text =
        arena_printf(&arena, "%s%s%s%s", r->method, r->method[0] ? " " : "", r->host, spell(path))
            .p;
    r->parsed = *parse(r->text);
}

static void random_pattern(struct ref *r, size_t n_hosts)
{
    static const char *const segments[] = { "a", "b%2Fb", "a", "{x}" };
    size_t depth = any_of(4), n = 0;
    char path[64];

    r->large = false;
    r->method = methods_of_patterns[any_of(array_len(methods_of_patterns))];
    r->host = hosts_of_patterns[any_of(n_hosts)];
    for (size_t i = 0; i < depth; i++) {
        const char *s = segments[any_of(array_len(segments))];
        n += (size_t)(s[0] == '{' ? sprintf(path + n, "/{x%zu}", i) : sprintf(path + n, "/%s", s));
    }
    size_t tail = any_of(5);
    if (depth == 0 || tail < 3)
        sprintf(path + n, "%s", tail == 0 ? "/{$}" : tail == 1 ? "/{r...}" : "/");
    finish_pattern(r, path);
    for (size_t i = 0; i < n_paths; i++)
        r->matches[i] = ref_path(r->path, paths[i]);
}

/* All that match path, or path + "/", each once, the one that wins first. */
static void check_candidates(const struct mux *m, const struct ref *set, size_t n, const char *host,
                             const char *path)
{
    char with_slash[PATH_MAX_SIZE];
    const struct ref *r, *last = NULL;
    struct mux_candidates c;
    size_t matching = 0;
    bool slash;

    snprintf(with_slash, sizeof with_slash, "%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/");
    for (size_t i = 0; i < n; i++)
        matching += ref_host(set[i].host, host) &&
                    (ref_path(set[i].path, path) || ref_path(set[i].path, with_slash));
    mux_candidates(m, str_of(host), str_of(path), &c);
    for (; (r = mux_candidates_next(&c, &slash)) != NULL; last = r, matching--) {
        expect(ref_host(r->host, host));
        expect(ref_path(r->path, path) == !slash);
        expect(ref_path(r->path, with_slash) || !slash);
        expect(last == NULL || pattern_order(&last->parsed, &r->parsed) < 0);
        if (last != NULL && ref_path(last->path, path) && ref_path(r->path, path) &&
            ref_methods_meet(last, r))
            expect(!ref_wins(r, last));
    }
    expect(matching == 0);
}

static void check_request(const struct mux *m, const struct ref *set, size_t n, const char *method,
                          const char *host, const char *path)
{
    const struct ref *best = ref_match(set, n, method, host, path), *other = NULL;
    char with_slash[PATH_MAX_SIZE], expected[2 * PATH_MAX_SIZE], got[2 * PATH_MAX_SIZE] = "";
    struct mux_match r;

    if ((best == NULL || !ref_exact(best, path)) && path[strlen(path) - 1] != '/') {
        snprintf(with_slash, sizeof with_slash, "%s/", path);
        other = ref_match(set, n, method, host, with_slash);
        if (other != NULL && !ref_exact(other, with_slash))
            other = NULL;
    }
    mux_match(m, method_of(str_of(method)), str_of(method), str_of(host), str_of(path), &r);
    const struct ref *got_route = mux_route(&r);
    const char *name = got_route ? got_route->text : "nothing";
    expect_msg(r.add_slash == (other != NULL), "%s %s%s: add_slash %d", method, host, path,
               r.add_slash);
    if (other != NULL) {
        expect(r.route == NULL && !r.other_method);
        return;
    }
    expect_msg(got_route == best, "%s %s%s: %s, not %s", method, host, path, name,
               best ? best->text : "nothing");
    if (best != NULL) {
        ref_captures(best->path, path, expected);
        for (size_t i = 0, at = 0; i < best->parsed.n_names; i++)
            at += (size_t)sprintf(got + at, "%.*s;", str_fmt(r.captures[i]));
        expect(strcmp(got, expected) == 0);
    }
    ref_allow(set, n, host, path, expected);
    expect(strcmp(mux_allow(m, str_of(host), str_of(path), &arena).p, expected) == 0);
    expect(r.other_method == (best == NULL && expected[0] != 0));
    check_candidates(m, set, n, host, path);
}

/* Adds set[n], unless it conflicts: as the pairs say. True: it is in. */
static bool add(struct mux *m, struct ref *set, size_t n)
{
    bool conflict = false;
    void *other;

    for (size_t i = 0; i < n; i++) {
        bool one = set[n].large ? pattern_conflict(&set[i].parsed, &set[n].parsed)
                                : ref_conflict(&set[i], &set[n]);
        expect_msg(set[n].large || pattern_conflict(&set[i].parsed, &set[n].parsed) == one,
                   "%s and %s: %d", set[i].text, set[n].text, one);
        conflict |= one;
    }
    int r = mux_add(m, &set[n].parsed, &set[n], &other);
    expect_msg(r == (conflict ? -EEXIST : 0), "%s: %d", set[n].text, r);
    if (conflict)
        expect(set[n].large ? pattern_conflict(&((struct ref *)other)->parsed, &set[n].parsed)
                            : ref_conflict(other, &set[n]));
    return !conflict;
}

/* The same routes, in another order. */
static struct mux *reversed_mux(struct ref *set, size_t n)
{
    struct mux *m = mux_new(&arena);
    void *other;

    for (size_t i = n; i > 0; i--)
        expect(mux_add(m, &set[i - 1].parsed, &set[i - 1], &other) == 0);
    expect(mux_seal(m) == 0);
    return m;
}

/* How two are listed is the contrary the other way around, 0 only for those that conflict. */
static void check_order(const struct ref *a, const struct ref *b)
{
    int order = pattern_order(&a->parsed, &b->parsed);

    expect((order < 0) == (pattern_order(&b->parsed, &a->parsed) > 0));
    expect(order != 0 || a == b);
}

/* One set, in whatever order; every decision as the reference's. */
static void check_set(size_t n_hosts)
{
    static struct ref set[SET_MAX];
    struct mux *m = mux_new(&arena);
    size_t n = 0;

    for (size_t wanted = 1 + any_of(2 * SET_MAX); wanted > 0 && n < SET_MAX; wanted--) {
        random_pattern(&set[n], n_hosts);
        n += add(m, set, n);
    }
    struct mux *reversed = reversed_mux(set, n);
    expect(mux_seal(m) == 0);
    check_order(&set[any_of(n)], &set[any_of(n)]);
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
    for (unsigned i = share_of(N_SETS); i > 0; i--) {
        check_set(i % 2 ? 1 : array_len(hosts_of_patterns));
        arena_reset(&arena);
    }
}
END_TEST

/* ---- large sets */

/* What a large set is like: of 100 segments so many are wildcards, and there are so many words for
 * the others, up to so many segments. */
static const struct shape {
    unsigned routes;
    size_t depth, words, wildcards, hosts;
} shapes[] = {
    { 3000, 2, 3000, 5, 1 },  /* large tables */
    { 1500, 3, 40, 20, 40 },  /* tables and many hosts */
    { 1000, 5, 12, 25, 1 },   /* tags */
    { 1000, 4, 16, 10, 6 },   /* as many as tags are for, and one more */
    { 1000, 4, 17, 10, 6 },   /* likewise */
    { 600, 30, 2, 10, 1 },    /* deep */
    { 1000, 14, 300, 15, 3 }, /* long runs without a branch */
    { 1500, 6, 3, 35, 2 },    /* many ways to match a path */
};

/* Those with a common number share their first bytes, some are long, some have a slash. */
static size_t put_segment(char *to, size_t word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz-_.~";
    size_t n = (size_t)sprintf(to, word % 3 ? "w%zu" : "internal-%zu", word % 64);

    for (size_t i = word % 23; i > 0; i--)
        to[n++] = letters[(word * 7 + i) % (sizeof letters - 1)];
    return n + (size_t)sprintf(to + n, word % 11 ? "%zu" : "%%2F%zu", word);
}

static const char *large_host(const struct shape *shape, bool request)
{
    size_t host = any_of(shape->hosts);

    if (host == 0)
        return "";
    return arena_printf(&arena, any_of(3) == 0 ? "%sh%zu.example.org" : "%sx.h%zu.example.org",
                        any_of(2) == 0 ? (request ? "y." : "*.") : "", host / 3)
        .p;
}

static void large_pattern(struct ref *r, const struct shape *shape)
{
    size_t depth = 1 + any_of(shape->depth), n = 0, names = 0, tail = any_of(8);
    char path[PATH_MAX_SIZE * 2];

    r->large = true;
    r->method = methods_of_patterns[any_of(array_len(methods_of_patterns))];
    r->host = large_host(shape, false);
    for (size_t i = 0; i < depth && n < PATH_MAX_SIZE - 64; i++) {
        path[n++] = '/';
        if (any_of(100) < shape->wildcards && names + 1 < MUX_CAPTURES_MAX)
            n += (size_t)sprintf(path + n, "{x%zu}", names++);
        else
            n += put_segment(path + n, any_of(shape->words));
    }
    sprintf(path + n, "%s", tail == 0 ? "/{$}" : tail == 1 ? "/{r...}" : tail == 2 ? "/" : "");
    finish_pattern(r, path);
}

/* A request for a route, or nearly. */
static void large_path(const struct ref *r, const struct shape *shape, char *out)
{
    const char *from = r->path;
    size_t n = 0;

    while (*from != '\0' && n < PATH_MAX_SIZE - 128) {
        from++; /* the slash */
        size_t k = strcspn(from, "/");
        out[n++] = '/';
        if (from[0] != '{' && k > 0 && any_of(20) > 0) {
            memcpy(out + n, from, k);
            n += k;
        } else if (strncmp(from, "{r...}", 6) == 0) {
            n += any_of(2) ? put_segment(out + n, any_of(9)) : 0;
        } else if (strncmp(from, "{$}", 3) != 0 && k > 0) {
            n += put_segment(out + n, any_of(2 * shape->words));
        }
        from += k;
    }
    out[n] = '\0';
    if (any_of(10) == 0 && out[n - 1] != '/') {
        sprintf(out + n, "/");
    } else if (any_of(10) == 0 && n > 1) {
        out[n - 1] = '\0';
    }
}

START_TEST(large_sets)
{
    static struct ref set[LARGE_MAX];
    const struct shape *shape = &shapes[_i];
    struct mux *m = mux_new(&arena);
    char path[PATH_MAX_SIZE];
    size_t n = 0;

    seed = 77 + (uint64_t)_i;
    for (unsigned i = share_of(shape->routes); i > 0; i--) {
        large_pattern(&set[n], shape);
        n += add(m, set, n);
    }
    struct mux *reversed = reversed_mux(set, n);
    expect(mux_seal(m) == 0);
    for (size_t i = 0; i < n; i++)
        check_order(&set[i], &set[any_of(n)]);
    for (int i = 0; i < N_LARGE_REQUESTS; i++) {
        const struct ref *r = &set[any_of(n)];
        large_path(r, shape, path);
        check_request(
            i % 2 ? m : reversed, set, n,
            r->method[0] && any_of(4) ? r->method : methods_of_requests[any_of(6)],
            r->host[0] && r->host[0] != '*' && any_of(4) ? r->host : large_host(shape, true), path);
    }
}
END_TEST

/* ---- sets that repeat themselves: what is equal below different names and hosts is kept once */

#define KINDS 12
#define COPIES 120

struct kind {
    const char *method, *tail;
    char path[64];
};

static const char *const tails[] = { "", "", "/", "/{$}", "/{r...}" };

static void random_kind(struct kind *k)
{
    static const char *const segments[] = { "/a", "/b%2Fb", "/list", "/{x}" };
    size_t names = 0, n = 0;

    k->method = methods_of_patterns[any_of(array_len(methods_of_patterns))];
    k->tail = tails[any_of(array_len(tails))];
    k->path[0] = '\0';
    for (size_t depth = any_of(4); depth > 0; depth--) {
        const char *s = segments[any_of(array_len(segments))];
        n += (size_t)(s[1] == '{' ? sprintf(k->path + n, "/{x%zu}", names++)
                                  : sprintf(k->path + n, "%s", s));
    }
}

/* Seldom one that differs in its method, its end or a text. */
static void copy_pattern(struct ref *r, const struct kind *k, size_t copy)
{
    size_t change = any_of(150);

    r->large = true;
    r->method =
        change == 0 ? methods_of_patterns[any_of(array_len(methods_of_patterns))] : k->method;
    r->host = copy % 3 == 0   ? arena_printf(&arena, "h%zu.example.org", copy).p
              : copy % 9 == 1 ? arena_printf(&arena, "*.h%zu.example.org", copy).p
                              : "";
    finish_pattern(r, arena_printf(&arena, "%s/c%zu%s%s%s", copy % 2 ? "/api" : "",
                                   copy % 3 ? copy : 0, k->path, change == 1 ? "/odd" : "",
                                   change == 2 ? tails[any_of(array_len(tails))] : k->tail)
                          .p);
}

START_TEST(repeated_sets)
{
    static const struct shape shape = { .words = 20 };
    static struct ref set[KINDS * COPIES];
    struct kind kinds[KINDS];
    struct mux *m = mux_new(&arena);
    char path[PATH_MAX_SIZE];
    size_t n = 0;

    seed = 4711 + (uint64_t)_i;
    for (size_t i = 0; i < KINDS; i++)
        random_kind(&kinds[i]);
    for (size_t i = 0; i < KINDS * share_of(COPIES); i++) {
        copy_pattern(&set[n], &kinds[i % KINDS], i / KINDS);
        n += add(m, set, n);
    }
    struct mux *reversed = reversed_mux(set, n);
    expect(mux_seal(m) == 0);
    for (int i = 0; i < N_LARGE_REQUESTS; i++) {
        const struct ref *r = &set[any_of(n)];
        large_path(r, &shape, path);
        const char *host = r->host[0] == '*' ? arena_printf(&arena, "x%s", r->host + 1).p : r->host;
        check_request(i % 2 ? m : reversed, set, n,
                      r->method[0] && any_of(4) ? r->method : methods_of_requests[any_of(6)],
                      any_of(8) ? host : "h3.example.org", path);
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
    tcase_add_loop_test(tc, large_sets, 0, (int)array_len(shapes));
    tcase_add_loop_test(tc, repeated_sets, 0, 6);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
