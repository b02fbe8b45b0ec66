/*
 * packed.c - see packed.h: what a node looks like, packing, walking. The path is compared with the
 * slashes in it, so a node's text begins with one.
 */
#include "mux/packed.h"

#include <errno.h>
#include <stdlib.h>

#include "mux/hash.h"
#include "mux/tree.h"

enum {
    NODE_HAS_EXACT = 1,
    NODE_HAS_END = 2,
    NODE_HAS_REST = 4,
};

/* Behind it: the table of its literal children, if there are any; uint16_t codes[n_routes]; the
 * text. */
struct packed {
    uint32_t wildcard; /* the child, whose routes come right behind the node's own; 0: none */
    uint32_t codes;    /* words from here to them */
    uint16_t n_routes;
    uint16_t text_n;
    uint8_t flags;
    uint8_t table; /* log2 of its homes, or NO_TABLE */
    uint8_t wildcard_table; /* the child's */
    uint8_t unused;
};
#define NO_TABLE 31

/*
 * One for each literal child, in the order of their keys: at home, or as soon behind that as the
 * ones before it leave room. In the gaps, and behind the last, the key is KEY_NONE. The key is 26
 * bits of the segment's hash, of which the first are its home, then the child's `table`: so its
 * slot there is found without a look at the child.
 */
struct slot {
    uint32_t key;
    uint32_t name;   /* the segment: a struct name */
    uint32_t node;   /* the child */
    uint32_t before : 31; /* routes from the first of the parent to the first of the child */
    uint32_t apart : 1;   /* what is below the child is nowhere else, and right before it */
};
#define LINE 64 /* of memory, in bytes */
#define KEY_BITS 31
#define KEY_NONE UINT32_MAX
#define TABLE_MASK 31u
#define DENSE_MAX 16 /* so many children have fewer homes than there are of them */

struct name {
    uint16_t n;
    char text[];
};

static const uint16_t *codes_of(const struct packed *n)
{
    return (const uint16_t *)((const uint64_t *)n + n->codes);
}

static const char *text_of(const struct packed *n)
{
    return (const char *)(codes_of(n) + n->n_routes);
}

static const struct slot *table_of(const struct packed *n)
{
    return (const struct slot *)(n + 1);
}

static uint32_t key_of(uint32_t hash)
{
    return hash >> 1 & ~TABLE_MASK;
}

static size_t home_of(uint32_t key, unsigned table)
{
    return (uint64_t)key << table >> KEY_BITS;
}

/* ---- packing: parts, which are nodes and names */

struct part {
    uint32_t hash, at; /* at 0: free */
};

static size_t words_for(size_t bytes)
{
    return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

/* n words behind the last, zeroed, for part_end() to take or leave; or NULL. */
static uint64_t *part_begin(struct packing *p, size_t n)
{
    size_t end = p->n + n + PACKED_BEHIND;

    if (end > p->cap) {
        size_t cap = max_of(end, p->cap * 2);
        uint64_t *words = reallocarray(p->words, cap, sizeof *words);
        if (words == NULL)
            return NULL;
        p->words = words;
        p->cap = cap;
    }
    return memset(p->words + p->n, 0, (n + PACKED_BEHIND) * sizeof *p->words);
}

static int grow_parts(struct packing *p)
{
    size_t cap = max_of(p->cap_parts * 2, (size_t)64);
    struct part *parts = calloc(cap, sizeof *parts);

    if (parts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->cap_parts; i++)
        if (p->parts[i].at != 0) {
            size_t to = p->parts[i].hash & (cap - 1);
            while (parts[to].at != 0)
                to = (to + 1) & (cap - 1);
            parts[to] = p->parts[i];
        }
    free(p->parts);
    p->parts = parts;
    p->cap_parts = cap;
    return 0;
}

/* Where the n words behind the last stand now: where the same ones stood already, or there. */
static int part_end(struct packing *p, size_t n, uint32_t *ret_at)
{
    const uint64_t *part = p->words + p->n;
    uint64_t h = n;

    if (p->n + n > UINT32_MAX)
        return -EOVERFLOW;
    if (p->n_parts >= p->cap_parts / 2 && grow_parts(p) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        h = hash_mix(h, part[i]);
    uint32_t hash = hash_end(h);
    size_t i = hash & (p->cap_parts - 1);
    for (; p->parts[i].at != 0; i = (i + 1) & (p->cap_parts - 1)) {
        *ret_at = p->parts[i].at;
        if (p->parts[i].hash == hash && *ret_at + n <= p->n &&
            memcmp(p->words + *ret_at, part, n * sizeof *part) == 0)
            return 0;
    }
    *ret_at = (uint32_t)p->n;
    p->parts[i] = (struct part){ hash, *ret_at };
    p->n_parts++;
    p->n += n;
    return 0;
}

static int pack_name(struct packing *p, struct str text, uint32_t *ret_at)
{
    size_t n = words_for(sizeof(struct name) + text.n);
    struct name *name = (struct name *)part_begin(p, n);

    if (name == NULL)
        return -ENOMEM;
    name->n = (uint16_t)text.n;
    memcpy(name->text, text.p, text.n);
    return part_end(p, n, ret_at);
}

/* ---- packing: nodes */

/* The last node of the run that is packed as one, which begins with n. */
static struct tree_node *run_end(struct tree_node *n)
{
    while (n->routes == NULL && n->wildcard == NULL && n->n_literals == 1)
        n = n->literals;
    return n;
}

static unsigned table_for(size_t n)
{
    unsigned table = 0;

    if (n == 0)
        return NO_TABLE;
    while ((size_t)1 << table < (n <= DENSE_MAX ? n / 2 + 1 : n + n / 2))
        table++;
    return table;
}

static bool is_before(const struct tree_node *a, const struct tree_node *b)
{
    return a->hash != b->hash ? a->hash < b->hash : str_cmp(a->text, b->text) < 0;
}

/* Brings the literal children of n into the order of the table: each is put where it would be
 * there, those that belong behind it give way. */
static int sort_literals(struct tree_node *n)
{
    unsigned table = table_for(n->n_literals);
    size_t room = ((size_t)1 << table) + n->n_literals;

    if (n->n_literals < 2)
        return 0;
    struct tree_node **v = calloc(room, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    for (struct tree_node *c = n->literals; c != NULL; c = c->next) {
        struct tree_node *moving = c;
        for (size_t i = home_of(key_of(c->hash), table); moving != NULL; i++)
            if (v[i] == NULL || is_before(moving, v[i])) {
                struct tree_node *next = v[i];
                v[i] = moving;
                moving = next;
            }
    }
    n->literals = NULL;
    for (size_t i = room; i > 0; i--)
        if (v[i - 1] != NULL) {
            v[i - 1]->next = n->literals;
            n->literals = v[i - 1];
        }
    free(v);
    return 0;
}

/* The routes of the last node of a run get the next numbers. */
static size_t number_routes(struct packing *p, const struct tree_node *last)
{
    uint32_t before = p->n_routes;

    for (const struct tree_route *r = last->routes; r != NULL; r = r->next)
        p->routes[p->n_routes++] = r->user;
    return p->n_routes - before;
}

static void write_codes(const struct tree_node *last, const uint16_t *numbers, struct packed *to)
{
    static const uint8_t flags[] = {
        [END_EXACT] = NODE_HAS_EXACT, [END_SLASH] = NODE_HAS_END, [END_REST] = NODE_HAS_REST
    };
    uint16_t *code = (uint16_t *)(uintptr_t)codes_of(to);

    for (const struct tree_route *r = last->routes; r != NULL; r = r->next) {
        unsigned method = CODE_METHOD(r->code);
        if (method >= METHOD_OTHER && method != CODE_ANY_METHOD)
            method = numbers[method - METHOD_OTHER];
        *code++ = CODE_MAKE(CODE_END(r->code), method);
        to->flags |= flags[CODE_END(r->code)];
    }
}

/* The bytes of the text of the run from n, whose own name is in the edge that leads to it. */
static size_t run_text(const struct tree_node *n, const struct tree_node *last)
{
    size_t bytes = 0;

    for (; n != last; n = n->literals)
        bytes += 1 + n->literals->text.n;
    return bytes;
}

static void write_text(const struct tree_node *n, const struct tree_node *last, char *to)
{
    for (; n != last; n = n->literals) {
        *to++ = '/';
        memcpy(to, n->literals->text.p, n->literals->text.n);
        to += n->literals->text.n;
    }
}

/* Where the table of the sorted literals ends, in slots. */
static size_t table_end(const struct tree_node *literals, unsigned table)
{
    size_t end = 0;

    for (const struct tree_node *c = literals; c != NULL; c = c->next)
        end = max_of(end, home_of(key_of(c->hash), table)) + 1;
    return max_of(end, (size_t)1 << table);
}

static void write_table(const struct tree_node *literals, unsigned table, size_t end,
                        struct slot *slots)
{
    size_t at = 0;

    for (const struct tree_node *c = literals; c != NULL; c = c->next) {
        uint32_t key = key_of(c->hash);
        for (size_t home = home_of(key, table); at < home;)
            slots[at++].key = KEY_NONE;
        slots[at++] = (struct slot){ .key = key | c->table,
                                     .name = c->name_at,
                                     .node = c->at,
                                     .before = c->before & INT32_MAX,
                                     .apart = c->apart };
    }
    while (at < end)
        slots[at++].key = KEY_NONE;
    slots[at].key = KEY_NONE; /* no more of this one is there */
}

/* The run from n to `last`, whose children are packed. */
static int pack_node(struct packing *p, struct tree_node *n, const struct tree_node *last,
                     size_t n_routes)
{
    size_t text = run_text(n, last);
    unsigned table = table_for(last->n_literals);
    size_t slots = table != NO_TABLE ? table_end(last->literals, table) : 0;
    size_t codes = words_for(sizeof(struct packed) + slots * sizeof(struct slot)) + (slots > 0);
    size_t words = codes + words_for(n_routes * sizeof(uint16_t) + text);
    struct packed *to = (struct packed *)part_begin(p, words);

    if (to == NULL)
        return -ENOMEM;
    if (last->wildcard != NULL) {
        to->wildcard = last->wildcard->at;
        to->wildcard_table = last->wildcard->table;
    }
    to->codes = (uint32_t)codes;
    to->n_routes = (uint16_t)n_routes;
    to->text_n = (uint16_t)text;
    to->table = n->table = (uint8_t)table;
    write_codes(last, p->numbers, to);
    write_text(n, last, (char *)(uintptr_t)text_of(to));
    if (slots > 0)
        write_table(last->literals, table, slots, (struct slot *)(uintptr_t)table_of(to));
    return part_end(p, words, &n->at);
}

/* What begins with n, the children first; n->at is where. Recurs at most PATTERN_SEGMENTS_MAX
 * deep. */
static int pack_run(struct packing *p, struct tree_node *n, struct tree_node *last)
{
    uint32_t first = p->n_routes;
    size_t n_routes = number_routes(p, last);
    int r = sort_literals(last);

    if (r == 0 && last->wildcard != NULL)
        r = pack_run(p, last->wildcard, run_end(last->wildcard));
    for (struct tree_node *c = last->literals; r == 0 && c != NULL; c = c->next) {
        size_t begin = p->n;
        c->before = p->n_routes - first;
        r = pack_run(p, c, run_end(c));
        c->apart = last->n_literals > DENSE_MAX && p->n - begin > LINE / sizeof *p->words;
        if (r == 0)
            r = pack_name(p, c->text, &c->name_at);
    }
    return r < 0 ? r : pack_node(p, n, last, n_routes);
}

int packing_add(struct packing *p, struct tree_node *root, bool hosts, struct packed_tree *ret)
{
    ret->first = p->n_routes;
    ret->node = 0;
    if (p->n == 0 && part_begin(p, 1) == NULL)
        return -ENOMEM;
    p->n = max_of(p->n, (size_t)1);
    if (root->routes == NULL && root->wildcard == NULL && root->literals == NULL)
        return 0;
    int r = pack_run(p, root, hosts ? root : run_end(root));
    ret->node = root->at;
    return r;
}

void packing_done(struct packing *p)
{
    free(p->words);
    free(p->parts);
}

/* ---- walking */

/* Whether the n bytes of `text` are those of `s` at `at`, of which there are as many. Up to 7 bytes
 * behind the text are read: PACKED_BEHIND. */
static inline bool is_text(struct str s, size_t at, const char *text, size_t n)
{
    for (; n >= 8; n -= 8, at += 8, text += 8)
        if (word_load(text) != word_load(s.p + at))
            return false;
    return n == 0 || word_head(word_load(text) ^ word_at(s, at), (unsigned)n) == 0;
}

/* Whether the path goes on with the text of n at `at`, to the end of a segment. */
static inline bool goes_on(struct str path, size_t at, const struct packed *n)
{
    size_t rest = path.n - at, text_n = n->text_n;

    return text_n <= rest && (text_n == rest || path.p[at + text_n] == '/') &&
           is_text(path, at, text_of(n), text_n);
}

static const struct packed *node_at(const uint64_t *words, uint32_t at)
{
    return (const struct packed *)(words + at);
}

/* The edge from n, whose table that is, for the segment s[at..end), or NULL. */
static inline const struct slot *find(const uint64_t *words, const struct packed *n, unsigned table,
                                      struct str s, size_t at, size_t end, uint32_t hash)
{
    uint32_t key = key_of(hash);
    const struct slot *slot = table_of(n) + home_of(key, table);

    unsigned one = slot[0].key < key, two = one & (slot[1].key < key), three = two & (slot[2].key < key);
    slot += one + two + three;
    while (unlikely(slot->key < key))
        slot++;
    for (; (slot->key ^ key) <= TABLE_MASK; slot++) {
        const struct name *name = (const struct name *)(words + slot->name);
        if (name->n == end - at && is_text(s, at, name->text, name->n))
            return slot;
    }
    return NULL;
}

bool walk_from_host(struct walk *w, struct packed_tree hosts, struct str host)
{
    const struct packed *n = node_at(w->words, hosts.node);
    const struct slot *s =
        hosts.node != 0 ? find(w->words, n, n->table, host, 0, host.n, hash_str(host)) : NULL;

    if (s == NULL)
        return false;
    w->root = (struct packed_tree){ s->node, hosts.first + s->before };
    return true;
}

enum { STEP_WILDCARD, STEP_END, STEP_REST };

/* Where the walk is: path[0..at) leads to the node. */
struct place {
    const struct packed *node;
    unsigned table;
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

/* To the literal child; `end` and `hash` are the segment's. False: there is none. */
static inline bool take_literal(const struct walk *w, struct place *p, size_t end, uint32_t hash)
{
    const struct slot *s = find(w->words, p->node, p->table, w->path, p->at + 1, end, hash);

    if (s == NULL)
        return false;
    const struct packed *child = node_at(w->words, s->node);
    if (s->apart)
        for (int line = -4; line < 0; line++)
            __builtin_prefetch((const char *)child + line * LINE);
    if (child->text_n != 0) {
        if (!goes_on(w->path, end, child))
            return false;
        end += child->text_n;
    }
    p->node = child;
    p->table = s->key & TABLE_MASK;
    p->first += s->before;
    p->at = end;
    return true;
}

/* To the wildcard child, which stands for the segment that ends at `end`. False: its text
 * differs. */
static inline bool take_wildcard(struct walk *w, struct place *p, size_t end)
{
    const struct packed *child = node_at(w->words, p->node->wildcard);

    if (child->text_n != 0 && !goes_on(w->path, end, child))
        return false;
    w->captures[w->n_captures].begin = (uint32_t)p->at + 1;
    w->captures[w->n_captures++].end = (uint32_t)end;
    p->first += p->node->n_routes;
    p->table = p->node->wildcard_table;
    p->node = child;
    p->at = child->text_n != 0 ? end + child->text_n : end;
    return true;
}

/* Down from p, as long as the path says where; keeps in w->ways where else it may go on. */
static enum lead walk_down(struct walk *w, struct place p)
{
    while (p.at < w->path.n) {
        struct place from = p;
        size_t end;
        uint32_t hash = hash_segment(w->path, p.at + 1, &end);

        if (p.table != NO_TABLE && take_literal(w, &p, end, hash)) {
            if (from.node->wildcard != 0)
                may_go_on(w, &from, STEP_WILDCARD);
            else if (from.node->flags & NODE_HAS_REST)
                may_go_on(w, &from, STEP_REST);
            continue;
        }
        if (p.node->flags & NODE_HAS_REST)
            may_go_on(w, &p, STEP_REST);
        if (p.node->wildcard == 0 || !take_wildcard(w, &p, end))
            return NOWHERE;
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
    p->at = p->node->text_n;
    w->root.node = 0;
    w->n_captures = 0;
    return goes_on(w->path, 0, p->node) ? DOWN : NOWHERE;
}

/* One of the ways that were left. */
static enum lead walk_elsewhere(struct walk *w, struct place *p)
{
    struct way *way = &w->ways[w->n_ways - 1];
    unsigned step = way->step;
    size_t end;

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
        hash_segment(w->path, p->at + 1, &end);
        return take_wildcard(w, p, end) ? DOWN : NOWHERE;
    case STEP_END:
        if (!(p->node->flags & NODE_HAS_END))
            return NOWHERE;
        return met(w, p, END_SLASH, w->slash ? HIT_EXACT : HIT_SLASH);
    default:
        return met(w, p, END_REST,
                   p->at < w->path.n ? HIT_TAIL
                   : w->slash        ? HIT_EXACT
                                     : HIT_SLASH);
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
