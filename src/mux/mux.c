/*
 * mux.c - see mux.h: hosts, the decision, captures, Allow.
 *
 * Each host of the patterns has its own tree of paths: first as nodes (tree.h), of which a seal
 * makes the packed form (packed.h). Hosts are in a hash table; "example.org" has a tree for itself
 * and one for "*.example.org". A request looks up its host and what stands behind each of its dots;
 * the entry of the longest one leads to the next shorter one of which there is a wildcard: that
 * is the order from the exact host over the longest suffix to the patterns without a host. Built by
 * one thread, sealed, then immutable: any thread.
 */
#include "mux/mux.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/check.h"
#include "mux/hash.h"
#include "mux/tree.h"

#define MUX_MAGIC 0x6d75785fu
#define BUILDING_MAX MIB(4096)
#define HUGE_PAGE MIB(2)

struct mux_host {
    struct str name;             /* p NULL: a free slot */
    uint32_t exact, below;       /* trees: of this host; of "*." and this host. 0: no pattern */
    const struct mux_host *next; /* of the shorter ones with `below` the longest */
};

/* Until the mux is sealed. */
struct building {
    struct arena arena;
    struct tree tree;
    struct tree_node any_host;
    struct tree_node exact, below; /* their literal children are hosts, of which the wildcard child
                                 is the root of a tree */
    struct tree_node tokens;       /* methods by token, numbered in `at` */
    size_t n_tokens;
};

struct mux {
    uint32_t magic;
    struct arena *arena;
    struct building *building; /* NULL: sealed */
    const uint64_t *words;     /* the trees */
    uint32_t any_host;
    struct mux_host *hosts;    /* linear probing; NULL: all patterns are without one */
    size_t n_slots, below_max; /* the longest name with `below` */
    struct str *tokens;        /* of methods from METHOD_OTHER on, sorted */
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
    struct tree_node *host =
        tree_make(&b->tree, p->host_is_wildcard ? &b->below : &b->exact, pattern_host(p));
    if (host != NULL && host->wildcard == NULL)
        host->wildcard = arena_zalloc(&b->arena, sizeof *host->wildcard);
    return host ? host->wildcard : NULL;
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

/* Memory for the trees, zeroed, as a walk reads past the end of a node's tags, and of the last
 * node. What is large is read all over: with small pages most reads would need a table of pages
 * first that is in no cache. */
static uint64_t *alloc_words(struct mux *m, uint64_t n)
{
    size_t size = (size_t)n * sizeof(uint64_t);
    char *p = arena_alloc(m->arena, size + 63);

    if (p == NULL)
        return NULL;
    uintptr_t begin = ((uintptr_t)p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)p + size) & ~(HUGE_PAGE - 1);
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    return memset((void *)(((uintptr_t)p + 63) & ~(uintptr_t)63), 0, size);
}

static int place_hosts(const struct tree_node *hosts, uint64_t *words)
{
    int r = 0;

    for (const struct tree_node *h = hosts->literals; r == 0 && h != NULL; h = h->next)
        r = packed_place(h->wildcard, words);
    return r;
}

static void write_hosts(uint64_t *words, const struct tree_node *hosts, const uint16_t *numbers)
{
    for (const struct tree_node *h = hosts->literals; h != NULL; h = h->next)
        packed_write(words, h->wildcard, numbers);
}

static int seal_trees(struct mux *m, const uint16_t *numbers)
{
    struct building *b = m->building;
    uint64_t n = PACKED_BEFORE;
    int r = packed_place(&b->any_host, &n);

    if (r == 0)
        r = place_hosts(&b->exact, &n);
    if (r == 0)
        r = place_hosts(&b->below, &n);
    if (r < 0)
        return r;
    uint64_t *words = alloc_words(m, n + PACKED_BEHIND);
    if (words == NULL)
        return -ENOMEM;
    packed_write(words, &b->any_host, numbers);
    write_hosts(words, &b->exact, numbers);
    write_hosts(words, &b->below, numbers);
    m->words = words;
    m->any_host = b->any_host.at;
    return 0;
}

/* Its slot, or the free one where it would go. */
static struct mux_host *host_slot(const struct mux *m, struct str name)
{
    size_t at = hash_str(name) & (m->n_slots - 1);

    while (m->hosts[at].name.p != NULL && !str_eq(m->hosts[at].name, name))
        at = (at + 1) & (m->n_slots - 1);
    return &m->hosts[at];
}

/* The entry of what stands behind one of the dots of `name`, the longest there is with `below`, or
 * NULL. No more of it is looked at than patterns have. */
static const struct mux_host *host_above(const struct mux *m, struct str name)
{
    size_t from = name.n > m->below_max ? name.n - m->below_max : 0;

    /* "*." stands for one byte at least. */
    for (size_t i = max_of(from, (size_t)2); i < name.n; i++)
        if (name.p[i - 1] == '.') {
            const struct mux_host *h = host_slot(m, str_from(name, i));
            if (h->below != 0)
                return h;
        }
    return NULL;
}

static int seal_hosts(struct mux *m)
{
    const struct tree_node *exact = m->building->exact.literals,
                           *below = m->building->below.literals;
    size_t n = m->building->exact.n_literals + m->building->below.n_literals;

    if (n == 0)
        return 0;
    for (m->n_slots = 4; m->n_slots < 2 * n;)
        m->n_slots *= 2;
    m->hosts = arena_array(m->arena, m->n_slots, sizeof *m->hosts);
    if (m->hosts == NULL)
        return -ENOMEM;
    for (; exact != NULL; exact = exact->next) {
        struct mux_host *h = host_slot(m, exact->text);
        h->name = exact->text;
        h->exact = exact->wildcard->at;
    }
    for (; below != NULL; below = below->next) {
        struct mux_host *h = host_slot(m, below->text);
        h->name = below->text;
        h->below = below->wildcard->at;
        m->below_max = max_of(m->below_max, h->name.n);
    }
    for (size_t i = 0; i < m->n_slots; i++)
        if (m->hosts[i].name.p != NULL)
            m->hosts[i].next = host_above(m, m->hosts[i].name);
    return 0;
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
        r = seal_hosts(m);
    if (r == 0)
        end_building(m);
    return r;
}

/* ---- matching ---- */

/* Between trees: from the exact host over ever shorter ones to none. */
static bool next_tree(struct mux_candidates *c)
{
    if (c->host != NULL) {
        walk_from(&c->walk, c->host->below);
        c->host = c->host->next;
        return true;
    }
    if (!c->any_host)
        return false;
    c->any_host = false;
    walk_from(&c->walk, c->root_any);
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
    uint32_t exact = 0;

    check_magic(m, MUX_MAGIC);
    check(m->building == NULL);
    ret->host = NULL;
    ret->route = SIZE_MAX;
    ret->any_host = path.n > 0 && path.p[0] == '/';
    ret->root_any = m->any_host;
    walk_init(&ret->walk, m->words, ret->any_host ? path : STR("/"));
    if (!ret->any_host)
        return;
    if (m->hosts != NULL && host.n > 0) {
        exact = host_slot(m, host)->exact;
        ret->host = host_above(m, host);
    }
    if (exact != 0)
        walk_from(&ret->walk, exact);
    else
        next_tree(ret);
}

void *mux_candidates_next(struct mux_candidates *c, bool *ret_slash)
{
    uint16_t code;

    for (;;) {
        void *route = c->route != SIZE_MAX ? walk_route(&c->walk, &c->route, &code) : NULL;
        if (route != NULL) {
            *ret_slash = c->walk.hit == HIT_SLASH;
            return route;
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

    ret->route = NULL;
    ret->add_slash = ret->other_method = false;
    mux_candidates(m, host, path, &c);
    while (ret->route == NULL && next_place(&c)) {
        void *route = walk_route_for(&c.walk, number);
        any = true;
        if (c.walk.hit != HIT_SLASH)
            ret->route = route;
        else if (route != NULL)
            with_slash = true;
    }
    if (with_slash && (ret->route == NULL || c.walk.hit == HIT_TAIL)) {
        ret->add_slash = true;
        ret->route = NULL;
    } else if (ret->route != NULL) {
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
        for (size_t at = 0; walk_route(&c.walk, &at, &code) != NULL;)
            if (CODE_METHOD(code) != CODE_ANY_METHOD)
                known[CODE_METHOD(code)] = true;
    known[METHOD_HEAD] |= known[METHOD_GET];
    for (size_t i = 0; i < n; i++)
        if (known[i])
            tokens[n_known++] =
                i < METHOD_OTHER ? method_name((enum method)i) : m->tokens[i - METHOD_OTHER];
    return join(tokens, n_known, arena);
}
