/*
 * packed.c - see packed.h: walking. The path is compared with the slashes in it, as they are in
 * names. Any thread.
 */
#include "mux/packed.h"

#include "mux/hash.h"
#include "mux/node.h"

/* Whether the k->n bytes at p, of which that is the key, are those of `text`. Up to 8 bytes behind
 * the text are read: PACKED_BEHIND. */
static inline bool is_key(const char *p, const struct key *k, const char *text)
{
    size_t whole = k->n & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8)
        if (word_load(text + i) != word_load(p + i))
            return false;
    return (word_of(text + whole) & k->mask) == k->last;
}

/* Whether the path goes on with the text at `at`, to the end of a segment. As is_key(). */
static inline bool goes_on(struct str path, size_t at, const char *text, size_t n)
{
    size_t end = at + n;

    if (end > path.n || (end < path.n && path.p[end] != '/'))
        return false;
    for (; end - at >= 8; at += 8, text += 8)
        if (word_load(text) != word_load(path.p + at))
            return false;
    uint64_t mask = (UINT64_C(1) << (end - at) * 8) - 1;
    return ((word_of(text) ^ word_at(path, at)) & mask) == 0;
}

static const struct packed *node_at(const uint64_t *words, uint32_t at)
{
    return (const struct packed *)(words + at);
}

static const struct name *name_at(const uint64_t *words, uint32_t at)
{
    return (const struct name *)(words + at);
}

/* The edge from n, whose table that is, for what is at p and has that key, or NULL. What its name
 * has behind that is the caller's to compare. */
static inline const struct slot *find(const uint64_t *words, const struct packed *n, unsigned table,
                                      const char *p, const struct key *k)
{
    uint32_t key = key_of(k->hash);
    const struct slot *slot = table_of(n) + home_of(key, table);

    /* How many of others come first is chance: a branch would be guessed wrong. Behind the KEY_NONE
     * of the last stands something else. */
    unsigned one = slot[0].key < key, two = one & (slot[1].key < key);
    slot += one + two;
    while (unlikely(slot->key < key))
        slot++;
    for (; (slot->key ^ key) <= TABLE_MASK; slot++) {
        const struct name *name = name_at(words, slot->name);
        if ((name->n == k->n || (name->n > k->n && name->text[k->n] == '/')) &&
            is_key(p, k, name->text))
            return slot;
    }
    return NULL;
}

bool walk_from_host(struct walk *w, struct packed_tree hosts, struct str host)
{
    const struct packed *n = node_at(w->words, hosts.node);
    const struct key k = key_of_all(host);
    const struct slot *s = hosts.node != 0 ? find(w->words, n, n->table, host.p, &k) : NULL;

    if (s == NULL)
        return false;
    const struct name *name = name_at(w->words, s->name);
    w->root.node = s->node;
    w->root.first = hosts.first + s->before;
    w->root.text = str_make(name->text + host.n, name->n - host.n);
    return true;
}

void walk_from(struct walk *w, struct packed_tree root)
{
    const struct name *name = name_at(w->words, root.name);

    w->root.node = root.node;
    w->root.first = root.first;
    w->root.text = str_make(name->text, name->n);
}

enum { STEP_WILDCARD, STEP_END, STEP_REST };

/* Where the walk is: path[0..at) leads to the node. It is never in memory: what is read at once
 * after it was written, in another size, is waited for. */
struct place {
    const struct packed *node;
    unsigned table; /* the node's */
    uint32_t first; /* number of its first route */
    size_t at;
};

static inline void may_go_on(struct walk *w, const struct place *p, unsigned step)
{
    struct way *way = &w->ways[w->n_ways++];

    way->node = (uint32_t)((const uint64_t *)p->node - w->words);
    way->first = p->first;
    way->at = (uint32_t)p->at;
    way->n_captures = (uint16_t)w->n_captures;
    way->step = (uint16_t)step;
}

/* What there is at a place: nothing, more of the path, or routes that are met. */
enum lead { NOWHERE, DOWN, MET };

static inline enum lead met(struct walk *w, const struct place *p, enum end_kind end, enum hit hit)
{
    w->node = p->node;
    w->first = p->first;
    w->end = end;
    w->hit = hit;
    w->tail = (uint32_t)min_of(p->at + 1, w->path.n + w->slash);
    return MET;
}

/* To the literal child for the segment of that key. False: there is none. */
static inline bool take_literal(const struct walk *w, struct place *p, const struct key *k)
{
    const struct slot *s = find(w->words, p->node, p->table, w->path.p + p->at + 1, k);
    size_t end = p->at + 1 + k->n;

    if (s == NULL)
        return false;
    const struct packed *child = node_at(w->words, s->node);
    if (s->apart)
        for (int line = 1; line <= APART_LINES; line++)
            __builtin_prefetch((const char *)child - line * LINE);
    const struct name *name = name_at(w->words, s->name);
    if (name->n > k->n) { /* else `end` does not wait for the name */
        if (!goes_on(w->path, end, name->text + k->n, name->n - k->n))
            return false;
        end += name->n - k->n;
    }
    p->node = child;
    p->table = s->key & TABLE_MASK;
    p->first += s->before;
    p->at = end;
    return true;
}

/* To the wildcard child, which stands for the segment that ends at `end`. */
static inline void take_wildcard(struct walk *w, struct place *p, size_t end)
{
    w->captures[w->n_captures].begin = (uint32_t)p->at + 1;
    w->captures[w->n_captures++].end = (uint32_t)end;
    p->first += p->node->n_routes;
    p->table = p->node->wildcard_table;
    p->node = node_at(w->words, p->node->wildcard);
    p->at = end;
}

/* Down from p, as long as the path says where; keeps in w->ways where else it may go on. */
static enum lead walk_down(struct walk *w, struct place p)
{
    while (p.at < w->path.n) {
        struct place from = p;
        const struct key k = key_of_segment(w->path, p.at + 1);

        if (p.table != NO_TABLE && take_literal(w, &p, &k)) {
            if (from.node->flags & (NODE_HAS_WILDCARD | NODE_HAS_REST))
                may_go_on(w, &from,
                          from.node->flags & NODE_HAS_WILDCARD ? STEP_WILDCARD : STEP_REST);
            continue;
        }
        if (p.node->flags & NODE_HAS_REST)
            may_go_on(w, &p, STEP_REST);
        if (!(p.node->flags & NODE_HAS_WILDCARD))
            return NOWHERE;
        take_wildcard(w, &p, p.at + 1 + k.n);
    }
    if (p.node->flags & (NODE_HAS_END | NODE_HAS_REST))
        may_go_on(w, &p, STEP_END);
    return !w->slash && p.node->flags & NODE_HAS_EXACT ? met(w, &p, END_EXACT, HIT_EXACT) : NOWHERE;
}

static enum lead walk_begin(struct walk *w, struct place *p)
{
    p->node = node_at(w->words, w->root.node);
    p->table = p->node->table;
    p->first = w->root.first;
    p->at = w->root.text.n;
    w->root.node = 0;
    w->n_captures = 0;
    return goes_on(w->path, 0, w->root.text.p, w->root.text.n) ? DOWN : NOWHERE;
}

/* One of the ways that were left. */
static enum lead walk_elsewhere(struct walk *w, struct place *p)
{
    struct way *way = &w->ways[w->n_ways - 1];
    unsigned step = way->step;

    p->node = node_at(w->words, way->node);
    p->first = way->first;
    p->at = way->at;
    w->n_captures = way->n_captures;
    if (step != STEP_REST && p->node->flags & NODE_HAS_REST)
        way->step = STEP_REST;
    else
        w->n_ways--;
    switch (step) {
    case STEP_WILDCARD:
        take_wildcard(w, p, p->at + 1 + key_of_segment(w->path, p->at + 1).n);
        return DOWN;
    case STEP_END:
        if (!(p->node->flags & NODE_HAS_END))
            return NOWHERE;
        return met(w, p, END_SLASH, w->slash ? HIT_EXACT : HIT_SLASH);
    default:
        return met(w, p, END_REST, p->at < w->path.n ? HIT_TAIL : w->slash ? HIT_EXACT : HIT_SLASH);
    }
}

bool walk_next(struct walk *w)
{
    struct place p;
    enum lead lead = w->root.node != 0 ? walk_begin(w, &p) : NOWHERE;

    for (;;) {
        if (lead == DOWN)
            lead = walk_down(w, p);
        if (lead == MET)
            return true;
        if (w->n_ways == 0)
            return false;
        lead = walk_elsewhere(w, &p);
    }
}

uint32_t walk_route(const struct walk *w, size_t *at, uint16_t *ret_code)
{
    const uint16_t *codes = codes_of(w->node);

    for (; *at < w->node->n_routes; ++*at)
        if (CODE_END(codes[*at]) == w->end) {
            *ret_code = codes[*at];
            return w->first + (uint32_t)(*at)++;
        }
    return WALK_NO_ROUTE;
}

uint32_t walk_route_for(const struct walk *w, unsigned method)
{
    const uint16_t *codes = codes_of(w->node);
    uint16_t own = CODE_MAKE(w->end, method), any = CODE_MAKE(w->end, CODE_ANY_METHOD),
             get = method == METHOD_HEAD ? CODE_MAKE(w->end, METHOD_GET) : own;

    for (uint32_t i = 0; i < w->node->n_routes; i++)
        if (codes[i] == own || codes[i] == any || codes[i] == get)
            return w->first + i;
    return WALK_NO_ROUTE;
}
