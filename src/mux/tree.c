/*
 * tree.c - see tree.h: building, conflicts.
 *
 * A conflict is searched by going down the tree along the new pattern, into all children that
 * could match the same paths, and leaving out every subtree where none can be found: because its
 * methods are others, or because paths overlap only if each of the two is wider somewhere, and
 * either side has nothing wide left. So a pattern without wildcards is never searched for, and a
 * subtree is looked at only for wildcards on the way to it.
 *
 * A wildcard beside many literals would look at each of them, for each such pattern anew. So once
 * as many were looked at as there are routes below, these are merged into one tree of what stands
 * behind any of the literals, and that is searched from then on; it costs at most what the looks
 * have cost before it. What remains is a pattern whose wildcards and literals stand beside
 * wildcards and literals of others segment for segment: it looks at each such way, as a request
 * does; and a conflict that is found may have been the last of many children.
 */
#include "mux/tree.h"

#include <errno.h>

#include "mux/hash.h"

#define SLOTS_MIN 64
#define LOOKS_FREE 64 /* children looked at before merging is thought of */

/* Bits of node.methods: one for each of enum method, one for any method, the others are shared by
 * the tokens that it does not know. */
#define ANY_METHOD_BIT (UINT64_C(1) << 63)

static uint64_t method_bit(uint16_t code)
{
    unsigned method = CODE_METHOD(code);

    if (method == CODE_ANY_METHOD)
        return ANY_METHOD_BIT;
    if (method >= METHOD_OTHER)
        method = METHOD_OTHER + (method - METHOD_OTHER) % (63 - METHOD_OTHER);
    return UINT64_C(1) << method;
}

/* The bits of all routes whose methods may not be disjoint from it. */
static uint64_t method_bits_meeting(uint16_t code)
{
    unsigned method = CODE_METHOD(code);

    if (method == CODE_ANY_METHOD)
        return UINT64_MAX;
    if (method == METHOD_GET || method == METHOD_HEAD)
        return UINT64_C(1) << METHOD_GET | UINT64_C(1) << METHOD_HEAD | ANY_METHOD_BIT;
    return method_bit(code) | ANY_METHOD_BIT;
}

static bool methods_meet(uint16_t a, uint16_t b)
{
    unsigned m = CODE_METHOD(a), n = CODE_METHOD(b);

    return m == n || m == CODE_ANY_METHOD || n == CODE_ANY_METHOD ||
           (m == METHOD_GET && n == METHOD_HEAD) || (m == METHOD_HEAD && n == METHOD_GET);
}

static bool is_wide(const struct segment *s)
{
    return s->kind == SEGMENT_WILDCARD || s->kind == SEGMENT_REST;
}

void split_pattern(struct split *s, const struct pattern *p, unsigned method_code)
{
    enum end_kind end;

    s->pattern = p;
    s->n = s->wide_end = 0;
    for (size_t at = 0; pattern_next(p, &at, &s->v[s->n]);)
        if (is_wide(&s->v[s->n++]))
            s->wide_end = s->n;
    end = s->v[s->n - 1].kind == SEGMENT_END    ? END_SLASH
          : s->v[s->n - 1].kind == SEGMENT_REST ? END_REST
                                                : END_EXACT;
    s->code = CODE_MAKE(end, method_code);
}

/* How many of its segments lead to the node where it hangs. */
static size_t depth_of(const struct split *s)
{
    return s->n - (CODE_END(s->code) != END_EXACT);
}

/* ---- nodes */

/* The slot of the child, or the free one where it would go. */
static struct tree_node **probe(const struct tree *t, const struct tree_node *parent,
                                struct str text, uint32_t hash)
{
    size_t at = hash_end(hash_mix(hash, (uintptr_t)parent)) & (t->cap - 1);

    while (t->slots[at] != NULL && (t->slots[at]->hash != hash || t->slots[at]->parent != parent ||
                                    !str_eq(t->slots[at]->text, text)))
        at = (at + 1) & (t->cap - 1);
    return &t->slots[at];
}

static int grow(struct tree *t)
{
    struct tree larger = *t;

    larger.cap = max_of(t->cap * 2, (size_t)SLOTS_MIN);
    larger.slots = arena_array(t->arena, larger.cap, sizeof *t->slots);
    if (larger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->cap; i++) {
        struct tree_node *n = t->slots[i];
        if (n != NULL)
            *probe(&larger, n->parent, n->text, n->hash) = n;
    }
    *t = larger;
    return 0;
}

static bool is_latest(const struct tree_node *parent, struct str text)
{
    return parent->latest != NULL && str_eq(parent->latest->text, text);
}

struct tree_node *tree_get(const struct tree *t, const struct tree_node *parent, struct str text)
{
    if (is_latest(parent, text))
        return parent->latest;
    return t->n > 0 ? *probe(t, parent, text, key_of_all(text).hash) : NULL;
}

struct tree_node *tree_make(struct tree *t, struct tree_node *parent, struct str text)
{
    if (is_latest(parent, text))
        return parent->latest;
    uint32_t hash = key_of_all(text).hash;
    if (t->n >= t->cap / 2 && grow(t) < 0)
        return NULL;
    struct tree_node **slot = probe(t, parent, text, hash);
    if (*slot != NULL)
        return parent->latest = *slot;
    struct tree_node *child = arena_zalloc(t->arena, sizeof *child);
    if (child == NULL)
        return NULL;
    child->parent = parent;
    child->text = text;
    child->hash = hash;
    child->next = parent->literals;
    parent->literals = child;
    parent->n_literals++;
    t->n++;
    return *slot = parent->latest = child;
}

static struct tree_node *wildcard_make(struct tree *t, struct tree_node *parent)
{
    if (parent->wildcard == NULL) {
        parent->wildcard = arena_zalloc(t->arena, sizeof *parent->wildcard);
        if (parent->wildcard != NULL)
            parent->wildcard->parent = parent;
    }
    return parent->wildcard;
}

static const struct tree_node *child_of(const struct tree *t, const struct tree_node *n,
                                        const struct segment *s)
{
    return s->kind == SEGMENT_WILDCARD ? n->wildcard : tree_get(t, n, s->text);
}

/* The order of the routes of a node: see struct tree_route. */
static int order(const struct tree_route *a, const struct tree_route *b)
{
    if (CODE_END(a->code) != CODE_END(b->code))
        return (int)CODE_END(a->code) - (int)CODE_END(b->code);
    return a->code == b->code ? 0 : pattern_order_methods(a->pattern, b->pattern);
}

/* Tells n of a route at or below it; `wide`: which has something wide behind the way to n. */
static void note(struct tree_node *n, uint64_t methods, bool wide)
{
    struct tree_node *parent = n->parent;

    n->methods |= methods;
    if (!wide || n->wide)
        return;
    n->wide = true;
    if (parent != NULL && n != parent->wildcard) {
        n->next_wide = parent->wide_literals;
        parent->wide_literals = n;
    }
}

/* Hangs a route at n, in a merged tree only one for each method. */
static int hang(struct tree *t, struct tree_node *n, const struct tree_route *route, bool once)
{
    struct tree_route **at = &n->routes;

    for (; *at != NULL && order(*at, route) <= 0; at = &(*at)->next)
        if (once && (*at)->code == route->code)
            return 0;
    struct tree_route *copy = arena_alloc(t->arena, sizeof *copy);
    if (copy == NULL)
        return -ENOMEM;
    *copy = *route;
    copy->next = *at;
    *at = copy;
    return 0;
}

/* The route, whose first i segments lead to n. Recurs at most PATTERN_SEGMENTS_MAX deep. */
static int plant(struct tree *t, struct tree_node *n, const struct split *s, size_t i,
                 const struct tree_route *route, bool merged)
{
    for (;; i++) {
        note(n, method_bit(s->code), s->wide_end > i);
        n->size++;
        if (i == depth_of(s))
            return hang(t, n, route, merged);
        if (s->v[i].kind == SEGMENT_WILDCARD) {
            n = wildcard_make(t, n);
        } else {
            if (n->merged != NULL && plant(t, n->merged, s, i + 1, route, true) < 0)
                return -ENOMEM;
            n = tree_make(t, n, s->v[i].text);
        }
        if (n == NULL)
            return -ENOMEM;
    }
}

int tree_add(struct tree *t, struct tree_node *root, const struct split *s, void *user)
{
    struct tree_route route = { .pattern = s->pattern, .user = user, .code = s->code };

    return plant(t, root, s, 0, &route, false);
}

/* ---- many literals beside a wildcard */

/* All of `from` into `to`. Recurs at most PATTERN_SEGMENTS_MAX deep. */
static int merge(struct tree *t, struct tree_node *to, const struct tree_node *from)
{
    note(to, from->methods, from->wide);
    to->size += from->size;
    for (const struct tree_route *r = from->routes; r != NULL; r = r->next)
        if (hang(t, to, r, true) < 0)
            return -ENOMEM;
    if (from->wildcard != NULL &&
        (wildcard_make(t, to) == NULL || merge(t, to->wildcard, from->wildcard) < 0))
        return -ENOMEM;
    for (const struct tree_node *c = from->literals; c != NULL; c = c->next) {
        struct tree_node *child = tree_make(t, to, c->text);
        if (child == NULL || merge(t, child, c) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Whether one look at n->merged may stand for looks at the literal children. Without memory for it
 * they are looked at; tree_add() will not have any either. */
static bool has_merged(struct tree *t, struct tree_node *n)
{
    if (n->merged == NULL && n->looks > LOOKS_FREE && n->looks > n->size) {
        struct tree_node *all = arena_zalloc(t->arena, sizeof *all);
        if (all == NULL)
            return false;
        for (const struct tree_node *c = n->literals; c != NULL; c = c->next)
            if (merge(t, all, c) < 0)
                return false;
        n->merged = all;
    }
    return n->merged != NULL;
}

/* ---- conflicts */

struct search {
    struct tree *tree;
    const struct split *p;
    uint64_t methods; /* method_bits_meeting() */
};

/* Of routes whose paths overlap with that of p, one that some request could match too. */
static const struct tree_route *meeting(const struct search *s, const struct tree_node *n,
                                        enum end_kind end)
{
    for (const struct tree_route *r = n->routes; r != NULL; r = r->next)
        if (CODE_END(r->code) == end && methods_meet(r->code, s->p->code))
            return r;
    return NULL;
}

static const struct tree_route *meeting_inside(const struct search *s, const struct tree_node *n);

/* Any such route that ends at n or below. */
static const struct tree_route *meeting_at(const struct search *s, const struct tree_node *n)
{
    const struct tree_route *r = NULL;

    if (n == NULL || (n->methods & s->methods) == 0)
        return NULL;
    r = meeting(s, n, END_EXACT);
    if (r == NULL)
        r = meeting(s, n, END_REST);
    return r ? r : meeting_inside(s, n);
}

/* Any such route that a tail at n covers, n's own tail apart. */
static const struct tree_route *meeting_inside(const struct search *s, const struct tree_node *n)
{
    const struct tree_route *r = meeting(s, n, END_SLASH);

    if (r == NULL)
        r = meeting_at(s, n->wildcard);
    for (const struct tree_node *c = n->literals; r == NULL && c != NULL; c = c->next)
        r = meeting_at(s, c);
    return r;
}

static const struct tree_route *overlap(const struct search *s, struct tree_node *n, size_t i,
                                        bool p_wider, bool n_wider);

/* Where segment i of p is a wildcard: the literal children. */
static const struct tree_route *overlap_literals(const struct search *s, struct tree_node *n,
                                                 size_t i, bool n_wider)
{
    const struct tree_route *r = NULL;

    if (has_merged(s->tree, n))
        return overlap(s, n->merged, i + 1, true, n_wider);
    if (n_wider) {
        for (struct tree_node *c = n->literals; r == NULL && c != NULL; c = c->next, n->looks++)
            r = overlap(s, c, i + 1, true, true);
        return r;
    }
    for (struct tree_node *c = n->wide_literals; r == NULL && c != NULL;
         c = c->next_wide, n->looks++)
        r = overlap(s, c, i + 1, true, false);
    return r;
}

/*
 * A route at or below n that overlaps with p, the first i segments of p and the way to n having
 * common paths; p_wider and n_wider tell which of the two has matched more there. NULL: none.
 * Recurs at most PATTERN_SEGMENTS_MAX deep.
 */
static const struct tree_route *overlap(const struct search *s, struct tree_node *n, size_t i,
                                        bool p_wider, bool n_wider)
{
    const struct tree_route *r = NULL;

    if (n == NULL || (n->methods & s->methods) == 0)
        return NULL;
    if ((!p_wider && i >= s->p->wide_end) || (!n_wider && !n->wide))
        return NULL;
    if (i == s->p->n)
        return p_wider && n_wider ? meeting(s, n, END_EXACT) : NULL;

    const struct segment *segment = &s->p->v[i];
    if (p_wider && (n_wider || segment->kind != SEGMENT_REST))
        r = meeting(s, n, END_REST);
    if (r != NULL)
        return r;
    switch (segment->kind) {
    case SEGMENT_LITERAL:
        r = overlap(s, tree_get(s->tree, n, segment->text), i + 1, p_wider, n_wider);
        return r ? r : overlap(s, n->wildcard, i + 1, p_wider, true);
    case SEGMENT_WILDCARD:
        r = overlap(s, n->wildcard, i + 1, p_wider, n_wider);
        return r ? r : overlap_literals(s, n, i, n_wider);
    case SEGMENT_END:
        return p_wider && n_wider ? meeting(s, n, END_SLASH) : NULL;
    case SEGMENT_REST:
        break;
    }
    return n_wider ? meeting_inside(s, n) : NULL;
}

/* The route with the same path and method, or NULL. */
static const struct tree_route *twin(const struct tree *t, const struct tree_node *root,
                                     const struct split *s)
{
    const struct tree_node *n = root;

    for (size_t i = 0; n != NULL && i < depth_of(s); i++)
        n = child_of(t, n, &s->v[i]);
    if (n == NULL)
        return NULL;
    for (const struct tree_route *r = n->routes; r != NULL; r = r->next)
        if (r->code == s->code)
            return r;
    return NULL;
}

const struct tree_route *tree_conflict(struct tree *t, struct tree_node *root,
                                       const struct split *s)
{
    struct search search = { t, s, method_bits_meeting(s->code) };
    const struct tree_route *r = twin(t, root, s);

    return r ? r : overlap(&search, root, 0, false, false);
}
