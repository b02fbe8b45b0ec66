/*
 * mux.c - see mux.h: hosts, the decision, captures, Allow.
 *
 * Each host of the patterns has its own tree of paths: first as nodes (tree.h), of which a seal
 * makes the packed form (pack.h, packed.h). Hosts are found as the segments of paths are;
 * "example.org" has a tree for itself and one for "*.example.org". A request looks up its host,
 * then what stands behind each of its dots: that is the order from the exact host over the longest
 * suffix to the patterns without a host. Built by one thread, sealed, then immutable: any thread.
 */
#include "mux/mux.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/check.h"
#include "mux/pack.h"

#define MUX_MAGIC 0x6d75785fu
#define BUILDING_MAX MIB(4096)
#define HUGE_PAGE MIB(2)
#define LINE ((uintptr_t)64)

/* Until the mux is sealed. */
struct building {
    struct arena arena;
    struct tree tree;
    struct tree_node any_host;
    struct tree_node exact, below; /* their literal children are hosts, each the root of a tree */
    struct tree_node tokens;       /* methods by token, numbered in `at` */
    size_t n_tokens, n_routes;
};

struct mux {
    uint32_t magic;
    struct arena *arena;
    struct building *building; /* NULL: sealed */
    const uint64_t *words;     /* the trees */
    void **routes;             /* what mux_add() was given, by number */
    struct packed_tree any_host;
    struct packed_tree exact, below; /* hosts: of this name; of "*." and this name */
    size_t below_max;                /* the longest name in `below`, its dot included */
    struct str *tokens;              /* of methods from METHOD_OTHER on, sorted */
    size_t n_tokens;
};

static void end_building(void *arg)
{
    struct mux *m = arg;

    if (m->building != NULL)
        arena_done(&m->building->arena);
    free(m->building);
    m->building = NULL;
}

struct mux *mux_new(struct arena *arena)
{
    struct mux *m = arena_zalloc(arena, sizeof *m);

    if (m == NULL)
        return NULL;
    m->magic = MUX_MAGIC;
    m->arena = arena;
    m->building = calloc(1, sizeof *m->building);
    if (m->building == NULL || arena_on_reset(arena, end_building, m) < 0) {
        free(m->building);
        return NULL;
    }
    arena_init(&m->building->arena, BUILDING_MAX);
    m->building->tree.arena = &m->building->arena;
    return m;
}

/* ---- building ---- */

/* The tree for the host of p, made if it is not there; NULL without memory. */
static struct tree_node *tree_for(struct building *b, const struct pattern *p)
{
    if (p->host_n == 0)
        return &b->any_host;
    return tree_make(&b->tree, p->host_is_wildcard ? &b->below : &b->exact, pattern_host(p));
}

/* The number of p's method in the tree, or -errno. */
static int method_number(struct building *b, const struct pattern *p)
{
    if (!p->has_method)
        return CODE_ANY_METHOD;
    if (p->method != METHOD_OTHER)
        return p->method;
    struct tree_node *token = tree_get(&b->tree, &b->tokens, pattern_method(p));
    if (token != NULL)
        return (int)token->at;
    if (b->n_tokens == MUX_METHODS_MAX)
        return -ENOSPC;
    token = tree_make(&b->tree, &b->tokens, pattern_method(p));
    if (token == NULL)
        return -ENOMEM;
    token->at = METHOD_OTHER + (uint32_t)b->n_tokens++;
    return (int)token->at;
}

int mux_add(struct mux *m, const struct pattern *pattern, void *route, void **ret_other)
{
    struct building *b = m->building;
    struct split s;

    check_magic(m, MUX_MAGIC);
    check(b != NULL && route != NULL);
    if (pattern->n_names > MUX_CAPTURES_MAX)
        return -E2BIG;
    int method = method_number(b, pattern);
    if (method < 0)
        return method;
    struct tree_node *root = tree_for(b, pattern);
    if (root == NULL)
        return -ENOMEM;
    split_pattern(&s, pattern, (unsigned)method);
    const struct tree_route *other = tree_conflict(&b->tree, root, &s);
    if (other != NULL) {
        *ret_other = other->user;
        return -EEXIST;
    }
    b->n_routes++;
    return tree_add(&b->tree, root, &s, route);
}

/* ---- sealing ---- */

static int by_text(const void *a, const void *b)
{
    return str_cmp((*(const struct tree_node *const *)a)->text,
                   (*(const struct tree_node *const *)b)->text);
}

/* Sorts the tokens, so that their numbers are in the order of `Allow`; the old ones' new ones. */
static int seal_tokens(struct mux *m, uint16_t **ret_numbers)
{
    struct building *b = m->building;
    size_t n = 0;
    const struct tree_node **v = arena_array(&b->arena, b->n_tokens, sizeof *v);
    uint16_t *numbers = arena_array(&b->arena, b->n_tokens, sizeof *numbers);

    m->n_tokens = b->n_tokens;
    m->tokens = b->n_tokens > 0 ? arena_array(m->arena, b->n_tokens, sizeof *m->tokens) : NULL;
    if (v == NULL || numbers == NULL || (b->n_tokens > 0 && m->tokens == NULL))
        return -ENOMEM;
    for (const struct tree_node *c = b->tokens.literals; c != NULL; c = c->next)
        v[n++] = c;
    qsort(v, n, sizeof *v, by_text);
    for (size_t i = 0; i < n; i++) {
        m->tokens[i] = v[i]->text;
        numbers[v[i]->at - METHOD_OTHER] = (uint16_t)(METHOD_OTHER + i);
    }
    *ret_numbers = numbers;
    return 0;
}

/* A copy in the arena, of whole lines of memory. What is large is read all over: with small pages
 * most reads would need a table of pages first that is in no cache. */
static void *keep(struct mux *m, const void *from, size_t size)
{
    char *p = arena_alloc(m->arena, size + LINE - 1);

    if (p == NULL)
        return NULL;
    uintptr_t begin = ((uintptr_t)p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)p + size) & ~(HUGE_PAGE - 1);
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    return memcpy((void *)(((uintptr_t)p + LINE - 1) & ~(LINE - 1)), from, size);
}

static int pack_trees(struct mux *m, struct packing *p)
{
    struct building *b = m->building;

    p->routes = arena_array(&b->arena, b->n_routes, sizeof *p->routes);
    if (p->routes == NULL)
        return -ENOMEM;
    int r = packing_add(p, &b->any_host, false, &m->any_host);
    if (r == 0)
        r = packing_add(p, &b->exact, true, &m->exact);
    if (r == 0)
        r = packing_add(p, &b->below, true, &m->below);
    if (r < 0)
        return r;
    m->words = keep(m, p->words, (p->n + PACKED_BEHIND) * sizeof *p->words);
    m->routes = keep(m, p->routes, p->n_routes * sizeof *p->routes);
    return m->words != NULL && m->routes != NULL ? 0 : -ENOMEM;
}

static int seal_trees(struct mux *m, const uint16_t *numbers)
{
    struct packing p = { .numbers = numbers };
    int r = pack_trees(m, &p);

    packing_done(&p);
    for (const struct tree_node *h = m->building->below.literals; h != NULL; h = h->next)
        m->below_max = max_of(m->below_max, h->text.n + 1);
    return r;
}

int mux_seal(struct mux *m)
{
    uint16_t *numbers;

    check_magic(m, MUX_MAGIC);
    check(m->building != NULL);
    int r = seal_tokens(m, &numbers);
    if (r == 0)
        r = seal_trees(m, numbers);
    if (r == 0)
        end_building(m);
    return r;
}

/* ---- matching ---- */

/* Between trees: from the exact host over ever shorter ones to none. "*." stands for one byte at
 * least. No more of the name is looked at than patterns have. */
static bool next_tree(struct mux_candidates *c)
{
    while (c->host_at < c->host.n)
        if (c->host.p[c->host_at++] == '.' &&
            walk_from_host(&c->walk, c->mux->below, str_from(c->host, c->host_at)))
            return true;
    if (!c->any_host)
        return false;
    c->any_host = false;
    walk_from(&c->walk, c->mux->any_host);
    return true;
}

/* The next routes whose host and path match. */
static bool next_place(struct mux_candidates *c)
{
    for (;;) {
        if (walk_next(&c->walk))
            return true;
        if (!next_tree(c))
            return false;
    }
}

void mux_candidates(const struct mux *m, struct str host, struct str path,
                    struct mux_candidates *ret)
{
    check_magic(m, MUX_MAGIC);
    check(m->building == NULL);
    ret->mux = m;
    ret->host = host;
    ret->host_at = host.n > m->below_max ? host.n - m->below_max : 0;
    ret->host_at = max_of(ret->host_at, (size_t)1);
    ret->route = SIZE_MAX;
    ret->any_host = path.n > 0 && path.p[0] == '/';
    walk_init(&ret->walk, m->words, ret->any_host ? path : STR("/"));
    if (!ret->any_host)
        ret->host_at = host.n;
    else if (m->exact.node == 0 || !walk_from_host(&ret->walk, m->exact, host))
        next_tree(ret);
}

void *mux_candidates_next(struct mux_candidates *c, bool *ret_slash)
{
    uint16_t code;

    for (;;) {
        uint32_t route =
            c->route != SIZE_MAX ? walk_route(&c->walk, &c->route, &code) : WALK_NO_ROUTE;
        if (route != WALK_NO_ROUTE) {
            *ret_slash = c->walk.hit == HIT_SLASH;
            return c->mux->routes[route];
        }
        if (!next_place(c))
            return NULL;
        c->route = 0;
    }
}

/* The number that routes have for the method; of a token that none has, METHOD_OTHER behind all. */
static unsigned number_of(const struct mux *m, enum method method, struct str token)
{
    size_t low = 0, high = m->n_tokens;

    if (method != METHOD_OTHER)
        return method;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(m->tokens[middle], token);
        if (order == 0)
            return METHOD_OTHER + (unsigned)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return METHOD_OTHER + (unsigned)m->n_tokens;
}

static void capture(const struct walk *w, struct str path, struct str *captures)
{
    for (size_t i = 0; i < w->n_captures; i++)
        captures[i] =
            str_make(path.p + w->captures[i].begin, w->captures[i].end - w->captures[i].begin);
    /* A tail without a name may come behind as many others as there can be. */
    if (w->end == END_REST && w->n_captures < MUX_CAPTURES_MAX)
        captures[w->n_captures] = str_from(path, w->tail);
}

/*
 * One visit answers both of Go's questions, what matches path and what matches path + "/": places
 * come in the same order for both, HIT_SLASH is for the latter alone, HIT_EXACT for the former
 * alone, and HIT_TAIL for both.
 */
void mux_match(const struct mux *m, enum method method, struct str method_token, struct str host,
               struct str path, struct mux_match *ret)
{
    struct mux_candidates c;
    bool with_slash = false, any = false;
    unsigned number = number_of(m, method, method_token);
    uint32_t route = WALK_NO_ROUTE;

    ret->route = NULL;
    ret->add_slash = ret->other_method = false;
    mux_candidates(m, host, path, &c);
    while (route == WALK_NO_ROUTE && next_place(&c)) {
        uint32_t found = walk_route_for(&c.walk, number);
        any = true;
        if (c.walk.hit != HIT_SLASH)
            route = found;
        else if (found != WALK_NO_ROUTE)
            with_slash = true;
    }
    if (with_slash && (route == WALK_NO_ROUTE || c.walk.hit == HIT_TAIL)) {
        ret->add_slash = true;
    } else if (route != WALK_NO_ROUTE) {
        ret->route = &m->routes[route];
        __builtin_prefetch(ret->route);
        capture(&c.walk, path, ret->captures);
    } else {
        ret->other_method = any;
    }
}

/* ---- Allow ---- */

static struct str join(const struct str *tokens, size_t n, struct arena *arena)
{
    size_t size = 0, to = 0;

    for (size_t i = 0; i < n; i++)
        size += tokens[i].n + 2;
    char *out = arena_alloc(arena, size + 1);
    if (out == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            memcpy(out + to, ", ", 2);
            to += 2;
        }
        memcpy(out + to, tokens[i].p, tokens[i].n);
        to += tokens[i].n;
    }
    out[to] = '\0';
    return str_make(out, to);
}

struct str mux_allow(const struct mux *m, struct str host, struct str path, struct arena *arena)
{
    struct mux_candidates c;
    size_t n = METHOD_OTHER + m->n_tokens, n_known = 0;
    bool *known = arena_array(arena, n, sizeof *known);
    struct str *tokens = arena_array(arena, n, sizeof *tokens);
    uint16_t code;

    if (known == NULL || tokens == NULL)
        return STR_EMPTY;
    mux_candidates(m, host, path, &c);
    while (next_place(&c))
        for (size_t at = 0; walk_route(&c.walk, &at, &code) != WALK_NO_ROUTE;)
            if (CODE_METHOD(code) != CODE_ANY_METHOD)
                known[CODE_METHOD(code)] = true;
    known[METHOD_HEAD] |= known[METHOD_GET];
    for (size_t i = 0; i < n; i++)
        if (known[i])
            tokens[n_known++] =
                i < METHOD_OTHER ? method_name((enum method)i) : m->tokens[i - METHOD_OTHER];
    return join(tokens, n_known, arena);
}
