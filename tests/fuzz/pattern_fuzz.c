/*
 * pattern_fuzz.c - lines as patterns. Each is parsed; what is accepted has the promised form,
 * relates to the others as a relation must, and goes into a mux, which refuses it exactly when it
 * conflicts with a route there, and then serves a request made from the pattern itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "mux/mux.h"

#define PATTERNS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static void check_form(const struct pattern *p)
{
    size_t names = 0;

    require(p->n_segments > 0 && p->n_segments <= PATTERN_SEGMENTS_MAX);
    require(p->has_method == (p->method_token.n > 0));
    require(!p->host_is_wildcard || p->host.n > 0);
    for (size_t i = 0; i < p->n_segments; i++) {
        const struct segment *s = &p->segments[i];
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
    require(names == p->n_names);
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
}

/* A path p matches. */
static struct str witness(const struct pattern *p, struct arena *arena)
{
    struct str path = STR_EMPTY;

    for (size_t i = 0; i < p->n_segments; i++) {
        static const struct str wild = STR("w"), none = { "", 0 };
        struct str text = p->segments[i].kind == SEGMENT_LITERAL    ? p->segments[i].text
                          : p->segments[i].kind == SEGMENT_WILDCARD ? wild
                                                                    : none;
        path = arena_printf(arena, "%.*s/%.*s", str_fmt(path), str_fmt(text));
    }
    return path;
}

/* The mux has p (or what conflicts with it): a request for p gets it, or a more specific one. */
static void check_match(const struct mux *m, const struct pattern *p, struct arena *arena)
{
    struct str token = p->has_method ? p->method_token : STR("GET");
    struct str path = witness(p, arena), prefix = pattern_prefix(p, arena);
    struct str host =
        p->host_is_wildcard ? arena_printf(arena, "w.%.*s", str_fmt(p->host)) : p->host;
    struct mux_match r;

    require(str_starts(path, prefix));
    mux_match(m, method_of(token), token, host, path, &r);
    require(r.pattern != NULL && !r.add_slash && !r.other_method);
    enum relation hosts = pattern_compare_hosts(r.pattern, p);
    enum relation paths = pattern_compare_paths(r.pattern, p);
    require(hosts == RELATION_EQUAL || hosts == RELATION_MORE_SPECIFIC);
    if (hosts == RELATION_EQUAL)
        require(paths == RELATION_EQUAL || paths == RELATION_MORE_SPECIFIC);
    for (size_t i = 0; i < r.pattern->n_names; i++)
        require(r.captures[i].p >= path.p && r.captures[i].p + r.captures[i].n <= path.p + path.n);
    mux_match(m, METHOD_OTHER, STR("w"), host, path, &r);
    if (r.other_method)
        require(mux_allow(m, host, path, arena).n > 0);
}

/* Adds `p` to the n patterns of `set` that m has. */
static size_t add(struct mux *m, const struct pattern **set, size_t n, const struct pattern *p)
{
    bool conflict = false;
    void *other = NULL;

    for (size_t i = 0; i < n; i++) {
        check_pair(set[i], p);
        conflict |= pattern_conflict(set[i], p);
    }
    int r = mux_add(m, p, (void *)(uintptr_t)p, &other);
    if (r == -E2BIG) {
        require(p->n_names > MUX_CAPTURES_MAX);
        return n;
    }
    require(r == (conflict ? -EEXIST : 0));
    if (conflict) {
        require(pattern_conflict(other, p));
        return n;
    }
    set[n] = p;
    return n + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    const struct pattern *set[PATTERNS_MAX];
    struct str rest = str_make((const char *)data, size);
    size_t n = 0;

    arena_init(&arena, MIB(64));
    struct mux *m = mux_new(&arena);
    require(m != NULL);
    while (rest.p != NULL && n < PATTERNS_MAX) {
        struct str line = str_cut(&rest, '\n');
        struct pattern *p = arena_alloc(&arena, sizeof *p);
        const char *why = NULL;
        size_t at = SIZE_MAX;
        require(p != NULL);
        int r = pattern_parse(line, &arena, p, &why, &at);
        if (r < 0) {
            require(r == -EINVAL && why != NULL && at <= line.n);
            continue;
        }
        require(str_eq(p->text, line));
        check_form(p);
        check_pair(p, p);
        require(pattern_conflict(p, p));
        n = add(m, set, n, p);
    }
    for (size_t i = 0; i < n; i++)
        check_match(m, set[i], &arena);
    arena_done(&arena);
    return 0;
}
