/*
 * tree.c - see tree.h: building, conflicts, walking.
 *
 * A conflict is searched by going down the tree along the new pattern, into all children that
 * could match the same paths, and leaving out every subtree where none can be found: because its
 * methods are others, or because paths overlap only if each of the two is wider somewhere, and
 * either side has nothing wide left. So a pattern without wildcards is never searched for, a
 * subtree is looked at only for wildcards on the way to it, and a big config costs about what
 * its patterns are long. What remains is a wildcard beside many literals that themselves lead to
 * wildcards: it looks at each of these literals.
 */
#include "mux/tree.h"

#include <errno.h>

/* Bits of node.methods: 1 << enum method (METHOD_OTHER for all unknown tokens), and: */
#define ANY_METHOD (UINT32_C(1) << (METHOD_OTHER + 1))

static uint32_t method_bit(const struct pattern *p)
{
    return p->has_method ? UINT32_C(1) << p->method : ANY_METHOD;
}

/* The bits of all patterns whose methods may not be disjoint from those of p. */
static uint32_t method_bits_meeting(const struct pattern *p)
{
    uint32_t bits = method_bit(p) | ANY_METHOD;

    if (!p->has_method)
        return UINT32_MAX;
    if (p->method == METHOD_GET || p->method == METHOD_HEAD)
        bits |= UINT32_C(1) << METHOD_GET | UINT32_C(1) << METHOD_HEAD;
    return bits;
}

static bool is_wide(const struct segment *s)
{
    return s->kind == SEGMENT_WILDCARD || s->kind == SEGMENT_REST;
}

/* ---- walking ---- */

struct walk walk_begin(const struct node *root, struct str path)
{
    bool slash = path.p[path.n - 1] == '/';

    return (struct walk){
        .node = root,
        .path = str_head(path, path.n - slash),
        .slash = slash,
    };
}

/* The end of the segment that begins with the slash at path[at]. */
static size_t segment_end(struct str path, size_t at)
{
    return at + 1 + str_chr(str_from(path, at + 1), '/');
}

enum { STEP_EXACT, STEP_LITERAL, STEP_WILDCARD, STEP_END, STEP_REST, STEP_UP };

static void walk_down(struct walk *w, const struct node *child, size_t at)
{
    if (child == NULL)
        return;
    w->node = child;
    w->at = at;
    w->step = STEP_EXACT;
}

static void walk_up(struct walk *w)
{
    const struct node *parent = w->node->parent;

    if (parent != NULL) {
        w->at = str_rchr(str_head(w->path, w->at), '/');
        w->step = w->node == parent->wildcard ? STEP_END : STEP_WILDCARD;
    }
    w->node = parent;
}

const struct route *walk_next(struct walk *w, enum hit *ret_hit)
{
    while (w->node != NULL) {
        const struct node *n = w->node;
        const struct route *found = NULL;
        bool whole = w->at == w->path.n;

        switch (w->step++) {
        case STEP_EXACT:
            *ret_hit = HIT_EXACT;
            found = whole && !w->slash ? n->exact : NULL;
            break;
        case STEP_LITERAL:
            if (!whole && n->literals.n > 0) {
                size_t end = segment_end(w->path, w->at);
                struct str text = str_make(w->path.p + w->at + 1, end - w->at - 1);
                walk_down(w, dict_get(&n->literals, text), end);
            }
            break;
        case STEP_WILDCARD:
            if (!whole && n->wildcard != NULL)
                walk_down(w, n->wildcard, segment_end(w->path, w->at));
            break;
        case STEP_END:
            *ret_hit = w->slash ? HIT_EXACT : HIT_SLASH;
            found = whole ? n->end : NULL;
            break;
        case STEP_REST:
            *ret_hit = !whole ? HIT_TAIL : w->slash ? HIT_EXACT : HIT_SLASH;
            found = n->rest;
            break;
        default:
            walk_up(w);
        }
        if (found != NULL)
            return found;
    }
    return NULL;
}

const struct route *route_for(const struct route *list, enum method method, struct str token)
{
    for (const struct route *r = list; r != NULL; r = r->next) {
        const struct pattern *p = r->pattern;
        if (!p->has_method || (method == METHOD_HEAD && p->method == METHOD_GET) ||
            (method == p->method && (method != METHOD_OTHER || str_eq(p->method_token, token))))
            return r;
    }
    return NULL;
}

/* ---- conflicts ---- */

struct search {
    const struct pattern *p;
    uint32_t methods; /* method_bits_meeting(p) */
    size_t wide_end;  /* behind the last wide segment of p; 0: there is none */
};

/* Of routes whose paths overlap with that of p, one that some request could match too. */
static const struct route *meeting(const struct route *list, const struct pattern *p)
{
    for (const struct route *r = list; r != NULL; r = r->next)
        if (pattern_compare_methods(r->pattern, p) != RELATION_DISJOINT)
            return r;
    return NULL;
}

static const struct route *meeting_inside(const struct search *s, const struct node *n);

/* Any such route that ends at n or below. */
static const struct route *meeting_at(const struct search *s, const struct node *n)
{
    const struct route *r = NULL;

    if (n == NULL || (n->methods & s->methods) == 0)
        return NULL;
    r = meeting(n->exact, s->p);
    if (r == NULL)
        r = meeting(n->rest, s->p);
    return r ? r : meeting_inside(s, n);
}

/* Any such route that a tail at n covers, n's own tail apart. */
static const struct route *meeting_inside(const struct search *s, const struct node *n)
{
    const struct route *r = meeting(n->end, s->p);
    const struct node *child;

    if (r == NULL)
        r = meeting_at(s, n->wildcard);
    for (size_t at = 0; r == NULL && (child = dict_next(&n->literals, &at)) != NULL;)
        r = meeting_at(s, child);
    return r;
}

static const struct route *overlap(const struct search *s, const struct node *n, size_t i,
                                   bool p_wider, bool n_wider);

/* Where segment i of p is a wildcard: the literal children. */
static const struct route *overlap_literals(const struct search *s, const struct node *n, size_t i,
                                            bool n_wider)
{
    const struct route *r = NULL;

    if (n_wider) {
        const struct node *child;
        for (size_t at = 0; r == NULL && (child = dict_next(&n->literals, &at)) != NULL;)
            r = overlap(s, child, i + 1, true, true);
        return r;
    }
    for (const struct node *c = n->wide_children; r == NULL && c != NULL; c = c->next_wide)
        r = overlap(s, c, i + 1, true, false);
    return r;
}

/*
 * A route at or below n that overlaps with p, the first i segments of p and the way to n having
 * common paths; p_wider and n_wider tell which of the two has matched more there. NULL: none.
 * Recurs at most PATTERN_SEGMENTS_MAX deep.
 */
static const struct route *overlap(const struct search *s, const struct node *n, size_t i,
                                   bool p_wider, bool n_wider)
{
    const struct route *r = NULL;

    if (n == NULL || (n->methods & s->methods) == 0)
        return NULL;
    if ((!p_wider && i >= s->wide_end) || (!n_wider && !n->wide))
        return NULL;
    if (i == s->p->n_segments)
        return p_wider && n_wider ? meeting(n->exact, s->p) : NULL;

    const struct segment *segment = &s->p->segments[i];
    if (p_wider && (n_wider || segment->kind != SEGMENT_REST))
        r = meeting(n->rest, s->p);
    if (r != NULL)
        return r;
    switch (segment->kind) {
    case SEGMENT_LITERAL:
        r = overlap(s, dict_get(&n->literals, segment->text), i + 1, p_wider, n_wider);
        return r ? r : overlap(s, n->wildcard, i + 1, p_wider, true);
    case SEGMENT_WILDCARD:
        r = overlap(s, n->wildcard, i + 1, p_wider, n_wider);
        return r ? r : overlap_literals(s, n, i, n_wider);
    case SEGMENT_END:
        return p_wider && n_wider ? meeting(n->end, s->p) : NULL;
    case SEGMENT_REST:
        break;
    }
    return n_wider ? meeting_inside(s, n) : NULL;
}

static struct node *child_of(const struct node *n, const struct segment *s)
{
    return s->kind == SEGMENT_WILDCARD ? n->wildcard : dict_get(&n->literals, s->text);
}

/* How many segments of p lead to the node where it hangs. */
static size_t depth_of(const struct pattern *p)
{
    enum segment_kind last = p->segments[p->n_segments - 1].kind;

    return p->n_segments - (last == SEGMENT_END || last == SEGMENT_REST);
}

static struct route **list_of(struct node *n, const struct pattern *p)
{
    switch (p->segments[p->n_segments - 1].kind) {
    case SEGMENT_END:
        return &n->end;
    case SEGMENT_REST:
        return &n->rest;
    default:
        return &n->exact;
    }
}

/* The route with the same path and method, or NULL. */
static const struct route *twin(struct node *root, const struct pattern *p)
{
    struct node *n = root;

    for (size_t i = 0; n != NULL && i < depth_of(p); i++)
        n = child_of(n, &p->segments[i]);
    if (n == NULL)
        return NULL;
    for (const struct route *r = *list_of(n, p); r != NULL; r = r->next)
        if (pattern_compare_methods(r->pattern, p) == RELATION_EQUAL)
            return r;
    return NULL;
}

const struct route *tree_conflict(struct node *root, const struct pattern *p)
{
    struct search s = { .p = p, .methods = method_bits_meeting(p) };
    const struct route *r = twin(root, p);

    for (size_t i = 0; i < p->n_segments; i++)
        if (is_wide(&p->segments[i]))
            s.wide_end = i + 1;
    return r ? r : overlap(&s, root, 0, false, false);
}

/* ---- building ---- */

/* The child of n for s, made if it is not there; NULL without memory. */
static struct node *child_make(struct node *n, const struct segment *s, struct arena *arena)
{
    struct node *child = child_of(n, s);

    if (child != NULL)
        return child;
    child = arena_zalloc(arena, sizeof *child);
    if (child == NULL)
        return NULL;
    child->parent = n;
    if (s->kind == SEGMENT_WILDCARD)
        n->wildcard = child;
    else if (dict_add(&n->literals, s->text, child, arena) < 0)
        return NULL;
    return child;
}

/* The order of a list: see struct route. */
static int rank(const struct pattern *p)
{
    return !p->has_method ? 2 : p->method != METHOD_HEAD;
}

/* Tells the nodes from n up to the root of the new route p. */
static void summarize(struct node *n, const struct pattern *p)
{
    bool wide = n->rest != NULL;

    for (size_t i = depth_of(p);; i--) {
        struct node *parent = n->parent;
        n->methods |= method_bit(p);
        if (wide && !n->wide) {
            n->wide = true;
            if (parent != NULL && n != parent->wildcard) {
                n->next_wide = parent->wide_children;
                parent->wide_children = n;
            }
        }
        if (parent == NULL)
            return;
        wide |= is_wide(&p->segments[i - 1]);
        n = parent;
    }
}

int tree_add(struct node *root, const struct pattern *p, void *user, struct arena *arena)
{
    struct route *route = arena_zalloc(arena, sizeof *route);
    struct node *n = root;

    if (route == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < depth_of(p); i++) {
        n = child_make(n, &p->segments[i], arena);
        if (n == NULL)
            return -ENOMEM;
    }
    struct route **at = list_of(n, p);
    while (*at != NULL && rank((*at)->pattern) <= rank(p))
        at = &(*at)->next;
    *route = (struct route){ .next = *at, .pattern = p, .user = user };
    *at = route;
    summarize(n, p);
    return 0;
}
