/*
 * pattern_fuzz.c - lines as patterns. Each is parsed; what is accepted has the promised form,
 * relates to the others as a relation must, and goes into a mux, which refuses it exactly when it
 * conflicts with a route there, and then serves a request made from the pattern itself. A line
 * "> METHOD HOST PATH" is a request (HOST "-" is none): what the mux decides is what a reference
 * says that tries every pattern.
 */
#include <errno.h>
#include <stdlib.h>

#include "http/path.h"
#include "http/target.h"
#include "mux/mux.h"
#include "tests/support/server/require.h"

#define PATTERNS_MAX 24
#define REQUESTS_MAX 16

struct set {
    const struct pattern *v[PATTERNS_MAX];
    size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(const struct pattern *p)
{
    size_t names = 0;

    require(p->n_segments > 0 && p->n_segments <= PATTERN_SEGMENTS_MAX);
    require(p->has_method == (pattern_method(p).n > 0));
    require(!p->host_is_wildcard || p->host_n > 0);
    struct segment segment, *s = &segment;
    size_t i = 0;
    for (size_t from = 0; pattern_next(p, &from, s); i++) {
        names += s->kind == SEGMENT_WILDCARD || (s->kind == SEGMENT_REST && s->text.n > 0);
        require(i + 1 == p->n_segments || s->kind == SEGMENT_LITERAL ||
                s->kind == SEGMENT_WILDCARD);
        if (s->kind != SEGMENT_LITERAL)
            continue;
        require(s->text.n > 0 && str_chr(s->text, '/') == s->text.n);
        require(str_chr(s->text, '\0') == s->text.n);
        require(!str_eq(s->text, STR(".")) && !str_eq(s->text, STR("..")));
        for (size_t k = 0; k < s->text.n; k++)
            require(s->text.p[k] != '%' || str_starts(str_from(s->text, k), STR("%25")) ||
                    str_starts(str_from(s->text, k), STR("%2F")));
    }
    require(i == p->n_segments);
    require(names == p->n_names);
    struct str name;
    for (size_t from = 0; pattern_next_name(p, &from, &name); names--)
        require(name.n > 0);
    require(names == 0);
}

static enum relation inverse(enum relation r)
{
    return r == RELATION_MORE_GENERAL    ? RELATION_MORE_SPECIFIC
           : r == RELATION_MORE_SPECIFIC ? RELATION_MORE_GENERAL
                                         : r;
}

static void check_pair(const struct pattern *a, const struct pattern *b)
{
    require(pattern_compare_paths(a, b) == inverse(pattern_compare_paths(b, a)));
    require(pattern_compare_methods(a, b) == inverse(pattern_compare_methods(b, a)));
    require(pattern_compare_hosts(a, b) == inverse(pattern_compare_hosts(b, a)));
    require(pattern_conflict(a, b) == pattern_conflict(b, a));
    int order = pattern_order(a, b);
    require((order < 0) == (pattern_order(b, a) > 0));
    require(order != 0 || pattern_conflict(a, b));
}

/* A path p matches. */
static struct str witness(const struct pattern *p, struct arena *arena)
{
    struct str path = STR_EMPTY;

    struct segment s;

    for (size_t at = 0; pattern_next(p, &at, &s);) {
        static const struct str wild = STR("w"), none = { "", 0 };
        struct str text = s.kind == SEGMENT_LITERAL    ? s.text
                          : s.kind == SEGMENT_WILDCARD ? wild
                                                       : none;
        path = arena_printf(arena, "%.*s/%.*s", str_fmt(path), str_fmt(text));
    }
    return path;
}

/* The mux has p (or what conflicts with it): a request for p gets it, or a more specific one. */
static void check_match(const struct mux *m, const struct pattern *p, struct arena *arena)
{
    struct str token = p->has_method ? pattern_method(p) : STR("GET");
    struct str path = witness(p, arena), host = pattern_host(p);
    struct mux_match r;

    require(str_starts(path, pattern_prefix(p)));
    if (p->host_is_wildcard)
        host = arena_printf(arena, "w.%.*s", str_fmt(host));
    mux_match(m, method_of(token), token, host, path, &r);
    require(r.route != NULL && !r.add_slash && !r.other_method);
    const struct pattern *found = mux_route(&r);
    enum relation hosts = pattern_compare_hosts(found, p);
    enum relation paths = pattern_compare_paths(found, p);
    require(hosts == RELATION_EQUAL || hosts == RELATION_MORE_SPECIFIC);
    if (hosts == RELATION_EQUAL)
        require(paths == RELATION_EQUAL || paths == RELATION_MORE_SPECIFIC);
    for (size_t i = 0; i < found->n_names; i++)
        require(r.captures[i].p >= path.p && r.captures[i].p + r.captures[i].n <= path.p + path.n);
    mux_match(m, METHOD_OTHER, STR("w"), host, path, &r);
    if (r.other_method)
        require(mux_allow(m, host, path, arena).n > 0);
}

/* Adds `p` to the patterns of `set`, which m has. */
static void add(struct mux *m, struct set *set, const struct pattern *p)
{
    bool conflict = false;
    void *other = NULL;

    for (size_t i = 0; i < set->n; i++) {
        check_pair(set->v[i], p);
        conflict |= pattern_conflict(set->v[i], p);
    }
    int r = mux_add(m, p, (void *)(uintptr_t)p, &other);
    if (r == -E2BIG) {
        require(p->n_names > MUX_CAPTURES_MAX);
        return;
    }
    require(r == (conflict ? -EEXIST : 0));
    if (conflict)
        require(pattern_conflict(other, p));
    else
        set->v[set->n++] = p;
}

/* ---- the reference */

struct asked {
    struct str method, host, path;
};

struct fit {
    bool path, exact; /* exact: no tail took something */
    struct str captures[MUX_CAPTURES_MAX];
};

static struct fit fit_path(const struct pattern *p, struct str path)
{
    struct fit f = { .path = false };
    struct str rest = path;
    size_t names = 0;

    struct segment next, *s = &next;

    for (size_t at = 0; pattern_next(p, &at, s);) {
        if (rest.n == 0) /* the slash before a segment */
            return f;
        rest = str_from(rest, 1);
        if (s->kind == SEGMENT_END || s->kind == SEGMENT_REST) {
            if (s->text.n > 0 && s->kind == SEGMENT_REST)
                f.captures[names] = rest;
            f.exact = rest.n == 0;
            f.path = f.exact || s->kind == SEGMENT_REST;
            return f;
        }
        struct str segment = str_head(rest, str_chr(rest, '/'));
        if (segment.n == 0 || (s->kind == SEGMENT_LITERAL && !str_eq(segment, s->text)))
            return f;
        if (s->kind == SEGMENT_WILDCARD)
            f.captures[names++] = segment;
        rest = str_from(rest, segment.n);
    }
    f.path = f.exact = rest.n == 0;
    return f;
}

static bool fits_host(const struct pattern *p, struct str host)
{
    struct str own = pattern_host(p);

    if (own.n == 0)
        return true;
    if (!p->host_is_wildcard)
        return str_eq(own, host);
    return host.n > own.n + 1 && str_ends(host, own) && host.p[host.n - own.n - 1] == '.';
}

static bool fits_method(const struct pattern *p, struct str method)
{
    return !p->has_method || str_eq(pattern_method(p), method) ||
           (p->method == METHOD_GET && str_eq(method, STR("HEAD")));
}

/* The first that differ decide: hosts, paths, methods. */
static bool is_better(const struct pattern *a, const struct pattern *b)
{
    enum relation r = pattern_compare_hosts(a, b);

    if (r == RELATION_EQUAL)
        r = pattern_compare_paths(a, b);
    if (r == RELATION_EQUAL)
        r = pattern_compare_methods(a, b);
    require(r == RELATION_MORE_GENERAL || r == RELATION_MORE_SPECIFIC);
    return r == RELATION_MORE_SPECIFIC;
}

/* The best pattern, or NULL; *ret_other: one fits but for the method. */
static const struct pattern *best_of(const struct set *set, const struct asked *a, struct fit *ret,
                                     bool *ret_other)
{
    const struct pattern *best = NULL;

    for (size_t i = 0; i < set->n; i++) {
        const struct pattern *p = set->v[i];
        struct fit f = fit_path(p, a->path);
        if (!f.path || !fits_host(p, a->host))
            continue;
        if (!fits_method(p, a->method)) {
            *ret_other = true;
        } else if (best == NULL || is_better(p, best)) {
            best = p;
            *ret = f;
        }
    }
    return best;
}

/* All that match path, or path + "/", each once, no one before one that it loses to. */
static void check_candidates(const struct mux *m, const struct set *set, const struct asked *a,
                             struct arena *arena)
{
    struct str with_slash =
        str_ends(a->path, STR("/")) ? a->path : arena_printf(arena, "%.*s/", str_fmt(a->path));
    const struct pattern *p, *last = NULL;
    struct mux_candidates c;
    size_t n = 0, slashed = 0;
    bool slash;

    for (size_t i = 0; i < set->n; i++)
        if (fits_host(set->v[i], a->host)) {
            bool fits = fit_path(set->v[i], a->path).path;
            slashed += !fits && fit_path(set->v[i], with_slash).path;
            n += fits;
        }
    mux_candidates(m, a->host, a->path, &c);
    for (; (p = mux_candidates_next(&c, &slash)) != NULL; last = p) {
        require(fits_host(p, a->host) && fit_path(p, slash ? with_slash : a->path).path);
        require(last == NULL || pattern_order(last, p) < 0);
        *(slash ? &slashed : &n) -= 1;
    }
    require(n == 0 && slashed == 0);
}

static void check_request(const struct mux *m, const struct set *set, const struct asked *a,
                          struct arena *arena)
{
    struct mux_match r;
    struct asked with_slash = *a;
    struct fit fit = { .path = false }, slash_fit = { .path = false };
    bool other = false, add_slash = false;
    const struct pattern *best = best_of(set, a, &fit, &other);

    if (!str_ends(a->path, STR("/"))) {
        with_slash.path = arena_printf(arena, "%.*s/", str_fmt(a->path));
        best_of(set, &with_slash, &slash_fit, &other);
        add_slash = !fit.exact && slash_fit.exact;
    }
    mux_match(m, method_of(a->method), a->method, a->host, a->path, &r);
    require(r.add_slash == add_slash);
    if (add_slash)
        best = NULL;
    require(mux_route(&r) == best && r.other_method == (!add_slash && best == NULL && other));
    if (best == NULL)
        return;
    for (size_t i = 0; i < best->n_names; i++)
        require(str_eq(r.captures[i], fit.captures[i]));
}

/* In the form that a request has. */
static bool parse_request(struct str line, struct arena *arena, struct asked *ret)
{
    bool cleaned;

    if (!str_starts(line, STR("> ")))
        return false;
    line = str_from(line, 2);
    ret->method = str_cut(&line, ' ');
    struct str host = line.p != NULL ? str_cut(&line, ' ') : STR_EMPTY, port;
    if (str_eq(host, STR("-")))
        host = STR_EMPTY;
    if (target_authority(host, arena, &ret->host, &port) != NULL)
        return false;
    char *out = arena_alloc(arena, line.n + 1);
    require(out != NULL);
    return http_is_token(ret->method) && path_clean(line, out, &ret->path, &cleaned) == 0;
}

static void parse(struct mux *m, struct set *set, struct str line, struct arena *arena)
{
    struct pattern *p = arena_alloc(arena, sizeof *p);
    const char *why = NULL;
    size_t at = SIZE_MAX;

    require(p != NULL);
    int r = pattern_parse(line, arena, p, &why, &at);
    if (r < 0) {
        require(r == -EINVAL && why != NULL && at <= line.n);
        return;
    }
    require(str_eq(pattern_text(p), line));
    check_form(p);
    check_pair(p, p);
    require(pattern_conflict(p, p));
    add(m, set, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct set set = { .n = 0 };
    struct asked asked[REQUESTS_MAX];
    struct str rest = str_make((const char *)data, size);
    size_t n_asked = 0;

    arena_init(&arena, MIB(64));
    struct mux *m = mux_new(&arena);
    require(m != NULL);
    while (rest.p != NULL && set.n < PATTERNS_MAX && n_asked < REQUESTS_MAX) {
        struct str line = str_cut(&rest, '\n');
        if (parse_request(line, &arena, &asked[n_asked]))
            n_asked++;
        else
            parse(m, &set, line, &arena);
    }
    require(mux_seal(m) == 0);
    for (size_t i = 0; i < set.n; i++)
        check_match(m, set.v[i], &arena);
    for (size_t i = 0; i < n_asked; i++)
        check_request(m, &set, &asked[i], &arena);
    for (size_t i = 0; i < n_asked; i++)
        check_candidates(m, &set, &asked[i], &arena);
    arena_done(&arena);
    return 0;
}
