/*
 * mux.c - see mux.h: hosts, the decision, captures, Allow.
 *
 * Each host of the patterns has its own tree of paths (tree.h). Hosts are a tree of labels, read
 * from the right: "a.example.org" and "*.example.org" hang at org, example[, a]. A request goes
 * down as far as its labels lead, then up again: that is the order from the exact host over the
 * longest suffix to the patterns without a host. Built by one thread, then immutable: any thread.
 */
#include "mux/mux.h"

#include <errno.h>

#include "base/check.h"
#include "mux/tree.h"

#define MUX_MAGIC 0x6d75785fu

struct host {
    struct host *parent;
    struct dict labels;         /* of struct host: one label more in front */
    struct node *exact, *below; /* this host; "*." and this host. NULL: no pattern */
};

struct mux {
    uint32_t magic;
    struct arena *arena;
    struct host root; /* `below`: the patterns without a host */
};

struct mux *mux_new(struct arena *arena)
{
    struct mux *m = arena_zalloc(arena, sizeof *m);
    struct node *any_host = arena_zalloc(arena, sizeof *any_host);

    if (m == NULL || any_host == NULL)
        return NULL;
    m->magic = MUX_MAGIC;
    m->arena = arena;
    m->root.below = any_host;
    return m;
}

/* Takes the last label off *host; the first one leaves {NULL, 0}. */
static struct str last_label(struct str *host)
{
    size_t dot = str_rchr(*host, '.');
    struct str label = dot < host->n ? str_from(*host, dot + 1) : *host;

    *host = dot < host->n ? str_head(*host, dot) : STR_EMPTY;
    return label;
}

/* ---- building ---- */

/* The tree for the host of p, made if it is not there; NULL without memory. */
static struct node *tree_for(struct mux *m, const struct pattern *p)
{
    struct host *h = &m->root;

    for (struct str rest = p->host; rest.p != NULL;) {
        struct str label = last_label(&rest);
        struct host *child = dict_get(&h->labels, label);
        if (child == NULL) {
            child = arena_zalloc(m->arena, sizeof *child);
            if (child == NULL || dict_add(&h->labels, label, child, m->arena) < 0)
                return NULL;
            child->parent = h;
        }
        h = child;
    }
    struct node **tree = p->host.n == 0 || p->host_is_wildcard ? &h->below : &h->exact;
    if (*tree == NULL)
        *tree = arena_zalloc(m->arena, sizeof **tree);
    return *tree;
}

int mux_add(struct mux *m, const struct pattern *pattern, void *route, void **ret_other)
{
    check_magic(m, MUX_MAGIC);
    if (pattern->n_names > MUX_CAPTURES_MAX)
        return -E2BIG;
    struct node *tree = tree_for(m, pattern);
    if (tree == NULL)
        return -ENOMEM;
    const struct route *other = tree_conflict(tree, pattern);
    if (other != NULL) {
        *ret_other = other->user;
        return -EEXIST;
    }
    return tree_add(tree, pattern, route, m->arena);
}

/* ---- matching ---- */

/* All routes whose host and path match, the most specific first, as lists of methods. */
struct visit {
    const struct host *host; /* whose `below` is next; NULL: no more */
    struct walk walk;
    struct str path;
};

static struct visit visit_begin(const struct mux *m, struct str host, struct str path)
{
    struct visit v = { .host = &m->root, .path = path };
    const struct node *tree = NULL;

    check_magic(m, MUX_MAGIC);
    if (path.n == 0 || path.p[0] != '/')
        return (struct visit){ .host = NULL };
    if (host.n == 0)
        host = STR_EMPTY;
    while (host.p != NULL) {
        const struct host *child = dict_get(&v.host->labels, last_label(&host));
        if (child == NULL)
            break;
        v.host = child;
        if (host.p == NULL) {
            tree = child->exact;
            v.host = child->parent; /* "*." stands for one label at least */
        }
    }
    v.walk = walk_begin(tree, path);
    return v;
}

static const struct route *visit_next(struct visit *v, enum hit *ret_hit)
{
    for (;;) {
        const struct route *list = walk_next(&v->walk, ret_hit);
        if (list != NULL || v->host == NULL)
            return list;
        v->walk = walk_begin(v->host->below, v->path);
        v->host = v->host->parent;
    }
}

/* What the named segments of p matched; `path` is known to match. */
static void capture(const struct pattern *p, struct str path, struct str *captures)
{
    size_t at = 1, n = 0;

    for (size_t i = 0; n < p->n_names; i++) {
        struct str segment = str_from(path, at);
        if (p->segments[i].kind == SEGMENT_REST) {
            captures[n] = segment;
            return;
        }
        segment = str_head(segment, str_chr(segment, '/'));
        if (p->segments[i].kind == SEGMENT_WILDCARD)
            captures[n++] = segment;
        at += segment.n + 1;
    }
}

/*
 * One visit answers both of Go's questions, what matches path and what matches path + "/": lists
 * come in the same order for both, HIT_SLASH is for the latter alone, HIT_EXACT for the former
 * alone, and HIT_TAIL for both.
 */
void mux_match(const struct mux *m, enum method method, struct str method_token, struct str host,
               struct str path, struct mux_match *ret)
{
    struct visit v = visit_begin(m, host, path);
    const struct route *list, *found = NULL;
    bool with_slash = false, any = false;
    enum hit hit = HIT_EXACT;

    *ret = (struct mux_match){ .route = NULL };
    while (found == NULL && (list = visit_next(&v, &hit)) != NULL) {
        const struct route *r = route_for(list, method, method_token);
        any = true;
        if (hit != HIT_SLASH)
            found = r;
        else if (r != NULL)
            with_slash = true;
    }
    if (with_slash && (found == NULL || hit == HIT_TAIL)) {
        ret->add_slash = true;
    } else if (found != NULL) {
        ret->route = found->user;
        ret->pattern = found->pattern;
        capture(found->pattern, path, ret->captures);
    } else {
        ret->other_method = any;
    }
}

/* ---- Allow ---- */

/* Puts a token no enum method stands for in its place among the n sorted ones, once. */
static size_t insert_token(struct str *tokens, size_t n, struct str token)
{
    size_t at = n;

    while (at > 0 && str_cmp(tokens[at - 1], token) > 0)
        at--;
    if (at > 0 && str_eq(tokens[at - 1], token))
        return n;
    memmove(&tokens[at + 1], &tokens[at], (n - at) * sizeof *tokens);
    tokens[at] = token;
    return n + 1;
}

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
    struct visit v = visit_begin(m, host, path);
    bool known[METHOD_COUNT] = { false };
    size_t n_others = 0, n = 0;
    const struct route *list;
    enum hit hit;

    while ((list = visit_next(&v, &hit)) != NULL)
        for (const struct route *r = list; r != NULL; r = r->next)
            n_others += r->pattern->has_method && r->pattern->method == METHOD_OTHER;
    struct str *tokens = arena_array(arena, METHOD_COUNT + n_others, sizeof *tokens);
    if (tokens == NULL)
        return STR_EMPTY;
    struct str *others = tokens + METHOD_COUNT;
    n_others = 0;
    v = visit_begin(m, host, path);
    while ((list = visit_next(&v, &hit)) != NULL)
        for (const struct route *r = list; r != NULL; r = r->next) {
            if (!r->pattern->has_method)
                continue;
            if (r->pattern->method == METHOD_OTHER)
                n_others = insert_token(others, n_others, r->pattern->method_token);
            else
                known[r->pattern->method] = true;
        }
    known[METHOD_HEAD] |= known[METHOD_GET];
    for (enum method i = 0; i < METHOD_COUNT; i++)
        if (known[i])
            tokens[n++] = method_name(i);
    memmove(tokens + n, others, n_others * sizeof *tokens);
    return join(tokens, n + n_others, arena);
}
