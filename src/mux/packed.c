/*
 * packed.c - see packed.h: what a node looks like, packing, walking. The path is compared with the
 * slashes in it, so a node's text begins with one.
 */
#include "mux/packed.h"

#include <errno.h>

#include "mux/hash.h"
#include "mux/tree.h"

#define SMALL_MAX 16 /* so many literal children are found by their tags */

enum {
    NODE_HAS_TABLE = 1,
    NODE_HAS_EXACT = 2,
    NODE_HAS_END = 4,
    NODE_HAS_REST = 8,
};

/*
 * Behind it: uint32_t table, the word of it, if there is one; uint16_t offsets[n_small], in words
 * from here; uint16_t codes[n_routes]; uint8_t tags[n_small]; the text; from the next whole word on
 * void *users[n_routes]. Then, in words of their own, all that is below.
 */
struct packed {
    uint16_t text_n;
    uint16_t n_routes;
    uint16_t wildcard; /* words from here to the wildcard child; 0: none */
    uint8_t flags;
    uint8_t n_small; /* literal children, if there is no table */
};

/*
 * Linear probing from hash * n / 2^32 on; `at` 0: free. The word before it is n. In place of the
 * hash's last 4 bits is how many lines of memory behind the first the child and all below it take,
 * if they are few: those are asked for while the first is still on its way.
 */
struct slot {
    uint32_t hash_and_lines, at;
};
#define LINE 64
#define LINES_MAX 8

static const uint16_t *offsets_of(const struct packed *n)
{
    return (const uint16_t *)(n + 1) + (n->flags & NODE_HAS_TABLE ? 2 : 0);
}

static const uint16_t *codes_of(const struct packed *n)
{
    return offsets_of(n) + n->n_small;
}

static const uint8_t *tags_of(const struct packed *n)
{
    return (const uint8_t *)(codes_of(n) + n->n_routes);
}

static const char *text_of(const struct packed *n)
{
    return (const char *)(tags_of(n) + n->n_small);
}

static uint8_t tag_of(uint32_t hash)
{
    return (uint8_t)(hash >> 24);
}

/* ---- packing */

/* The last node of the run that is packed as one, which begins with n. */
static struct tree_node *run_end(struct tree_node *n)
{
    while (n->routes == NULL && n->wildcard == NULL && n->n_literals == 1)
        n = n->literals;
    return n;
}

/* The bytes of text of that run. */
static size_t run_text(const struct tree_node *n, const struct tree_node *last)
{
    size_t bytes = 0;

    for (;; n = n->literals) {
        bytes += n->text.p != NULL ? 1 + n->text.n : 0;
        if (n == last)
            return bytes;
    }
}

static size_t count_routes(const struct tree_node *n)
{
    size_t count = 0;

    for (const struct tree_route *r = n->routes; r != NULL; r = r->next)
        count++;
    return count;
}

static size_t table_cap(size_t n)
{
    return n + n / 2 + 1;
}

static size_t node_words(size_t text, size_t routes, size_t small, bool table)
{
    size_t bytes = sizeof(struct packed) + table * sizeof(uint32_t) + small * 3 + routes * 2 + text;

    return (bytes + 7) / 8 + routes;
}

/* Recurs at most PATTERN_SEGMENTS_MAX deep, as all here. */
static uint64_t measure(struct tree_node *n)
{
    struct tree_node *last = run_end(n);
    size_t text = run_text(n, last), routes = count_routes(last);
    uint64_t below = last->wildcard ? measure(last->wildcard) : 0;

    for (struct tree_node *c = last->literals; c != NULL; c = c->next)
        below += measure(c);
    size_t small = last->n_literals;
    uint64_t words = node_words(text, routes, small, false) + below;
    if (small > SMALL_MAX || words > UINT16_MAX)
        words = node_words(text, routes, 0, true) + 1 + table_cap(small) + below;
    n->words = (uint32_t)min_of(words, (uint64_t)UINT32_MAX);
    return words;
}

static bool is_small(const struct tree_node *n, const struct tree_node *last)
{
    return last->n_literals <= SMALL_MAX && n->words <= UINT16_MAX;
}

/* Gives n, which goes to `at`, and all below it their places. */
static void place(struct tree_node *n, uint32_t at)
{
    struct tree_node *last = run_end(n);
    bool small = is_small(n, last);

    n->at = at;
    at += (uint32_t)node_words(run_text(n, last), count_routes(last), small ? last->n_literals : 0,
                               !small);
    if (last->wildcard != NULL) {
        place(last->wildcard, at);
        at += last->wildcard->words;
    }
    if (!small)
        at += 1 + (uint32_t)table_cap(last->n_literals);
    for (struct tree_node *c = last->literals; c != NULL; c = c->next) {
        place(c, at);
        at += c->words;
    }
}

int packed_place(struct tree_node *root, uint64_t *words)
{
    uint64_t n = measure(root);

    if (n > UINT32_MAX - *words)
        return -EOVERFLOW;
    place(root, (uint32_t)*words);
    *words += n;
    return 0;
}

static void write_table(uint64_t *words, uint32_t at, const struct tree_node *parent)
{
    uint64_t cap = table_cap(parent->n_literals);
    struct slot *slots = (struct slot *)(words + at + 1);

    words[at] = cap;
    memset(slots, 0, cap * sizeof *slots);
    for (const struct tree_node *c = parent->literals; c != NULL; c = c->next) {
        uint64_t i = c->hash * cap >> 32;
        while (slots[i].at != 0)
            i = i + 1 < cap ? i + 1 : 0;
        uint32_t lines = min_of(c->words * 8 / LINE, (uint32_t)LINES_MAX);
        slots[i] = (struct slot){ (c->hash & ~15u) | lines, c->at };
    }
}

static void write_children(uint64_t *words, const struct tree_node *n, const struct tree_node *last,
                           struct packed *to)
{
    uint16_t *offset = (uint16_t *)(uintptr_t)offsets_of(to);
    uint8_t *tag = (uint8_t *)(uintptr_t)tags_of(to);

    if (to->flags & NODE_HAS_TABLE) {
        uint32_t table = n->at + (uint32_t)node_words(to->text_n, to->n_routes, 0, true);
        table += last->wildcard != NULL ? last->wildcard->words : 0;
        memcpy(to + 1, &table, sizeof table);
        write_table(words, table, last);
        return;
    }
    for (const struct tree_node *c = last->literals; c != NULL; c = c->next) {
        *offset++ = (uint16_t)(c->at - n->at);
        *tag++ = tag_of(c->hash);
    }
}

static void write_text(const struct tree_node *n, const struct tree_node *last, char *to)
{
    for (;; n = n->literals) {
        if (n->text.p != NULL) {
            *to++ = '/';
            memcpy(to, n->text.p, n->text.n);
            to += n->text.n;
        }
        if (n == last)
            return;
    }
}

static void write_routes(const struct tree_node *last, const uint16_t *numbers, struct packed *to,
                         void **users)
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
        *users++ = r->user;
        to->flags |= flags[CODE_END(r->code)];
    }
}

void packed_write(uint64_t *words, const struct tree_node *n, const uint16_t *numbers)
{
    const struct tree_node *last = run_end((struct tree_node *)(uintptr_t)n);
    struct packed *to = (struct packed *)(words + n->at);
    size_t text = run_text(n, last), routes = count_routes(last);
    bool small = is_small(n, last);

    *to = (struct packed){
        .text_n = (uint16_t)text,
        .n_routes = (uint16_t)routes,
        .n_small = small ? (uint8_t)last->n_literals : 0,
        .flags = small ? 0 : NODE_HAS_TABLE,
    };
    size_t own = node_words(text, routes, to->n_small, !small);
    if (last->wildcard != NULL)
        to->wildcard = (uint16_t)own;
    write_children(words, n, last, to);
    write_routes(last, numbers, to, (void **)(words + n->at + own - routes));
    write_text(n, last, (char *)(uintptr_t)text_of(to));
    if (last->wildcard != NULL)
        packed_write(words, last->wildcard, numbers);
    for (const struct tree_node *c = last->literals; c != NULL; c = c->next)
        packed_write(words, c, numbers);
}

/* ---- walking */

/* Whether the path goes on with the n bytes of `text` at `at`, to the end of a segment. Up to 7
 * bytes behind the text are read: packed nodes have them. */
static inline bool goes_on(struct str path, size_t at, const char *text, size_t n)
{
    size_t rest = path.n - at;

    if (n > rest || (n < rest && path.p[at + n] != '/'))
        return false;
    for (; n >= 8; n -= 8, at += 8, text += 8)
        if (word_load(text) != word_load(path.p + at))
            return false;
    return n == 0 || word_head(word_load(text) ^ word_at(path, at), (unsigned)n) == 0;
}

static const struct packed *node_at(const struct walk *w, uint32_t at)
{
    return (const struct packed *)(w->words + at);
}

static uint32_t place_of(const struct walk *w, const struct packed *n)
{
    return (uint32_t)((const uint64_t *)n - w->words);
}

static const struct packed *find_in_table(const struct walk *w, const struct packed *n, size_t at,
                                          uint32_t hash)
{
    uint32_t table;

    memcpy(&table, n + 1, sizeof table);
    uint64_t cap = w->words[table], i = hash * cap >> 32;
    const struct slot *slots = (const struct slot *)(w->words + table + 1);
    for (; slots[i].at != 0; i = i + 1 < cap ? i + 1 : 0)
        if ((slots[i].hash_and_lines ^ hash) >> 4 == 0) {
            const struct packed *child = node_at(w, slots[i].at);
            for (uint32_t line = slots[i].hash_and_lines & 15; line > 0; line--)
                __builtin_prefetch((const char *)child + line * LINE);
            if (goes_on(w->path, at, text_of(child), child->text_n))
                return child;
        }
    return NULL;
}

/* The literal child of n that the path goes on with at `at`, or NULL; `hash`: of the segment. */
static inline const struct packed *find_literal(const struct walk *w, const struct packed *n,
                                                size_t at, uint32_t hash)
{
    if (n->flags & NODE_HAS_TABLE)
        return find_in_table(w, n, at, hash);
    const uint8_t *tags = tags_of(n);
    const uint64_t wanted = tag_of(hash) * BYTES;
    for (unsigned i = 0; i < n->n_small; i += 8)
        for (uint64_t same = bytes_zero(word_load(tags + i) ^ wanted); same != 0;
             same &= same - 1) {
            unsigned k = i + first_byte(same);
            if (k >= n->n_small)
                break;
            const struct packed *child = node_at(w, place_of(w, n) + offsets_of(n)[k]);
            if (goes_on(w->path, at, text_of(child), child->text_n))
                return child;
        }
    return NULL;
}

enum { STEP_WILDCARD, STEP_END, STEP_REST };

static inline void may_go_on(struct walk *w, const struct packed *n, size_t at, unsigned step)
{
    struct way *way = &w->ways[w->n_ways++];

    way->node = place_of(w, n);
    way->at = (uint32_t)at;
    way->n_captures = (uint16_t)w->n_captures;
    way->step = (uint16_t)step;
}

static inline bool met(struct walk *w, const struct packed *n, enum end_kind end, enum hit hit,
                       size_t at)
{
    w->node = n;
    w->end = end;
    w->hit = hit;
    w->tail = (uint32_t)min_of(at + 1, w->path.n + w->slash);
    return true;
}

/* From the wildcard child of n on; the segment is path[at + 1 .. end). False: its text differs. */
static inline bool take_wildcard(struct walk *w, const struct packed **n, size_t *at, size_t end)
{
    const struct packed *child = (const struct packed *)((const uint64_t *)*n + (*n)->wildcard);

    if (!goes_on(w->path, end, text_of(child), child->text_n))
        return false;
    w->captures[w->n_captures].begin = (uint32_t)*at + 1;
    w->captures[w->n_captures++].end = (uint32_t)end;
    *n = child;
    *at = end + child->text_n;
    return true;
}

/* Down from n, to which path[0..at) leads, as long as the path says where; keeps in w->ways where
 * else it may go on. True: routes are met. */
static bool walk_down(struct walk *w, const struct packed *n, size_t at)
{
    while (at < w->path.n) {
        size_t end;
        uint32_t hash = hash_segment(w->path, at + 1, &end);
        const struct packed *child = find_literal(w, n, at, hash);

        if (child != NULL) {
            if (n->wildcard != 0)
                may_go_on(w, n, at, STEP_WILDCARD);
            else if (n->flags & NODE_HAS_REST)
                may_go_on(w, n, at, STEP_REST);
            n = child;
            at += child->text_n;
            continue;
        }
        if (n->flags & NODE_HAS_REST)
            may_go_on(w, n, at, STEP_REST);
        if (n->wildcard == 0 || !take_wildcard(w, &n, &at, end))
            return false;
    }
    if (n->flags & (NODE_HAS_END | NODE_HAS_REST))
        may_go_on(w, n, at, STEP_END);
    return !w->slash && n->flags & NODE_HAS_EXACT && met(w, n, END_EXACT, HIT_EXACT, at);
}

/* One of the ways that were left; true: routes are met. */
static bool walk_elsewhere(struct walk *w)
{
    struct way *way = &w->ways[w->n_ways - 1];
    const struct packed *n = node_at(w, way->node);
    size_t at = way->at, end;
    bool whole = at == w->path.n;

    w->n_captures = way->n_captures;
    switch (way->step) {
    case STEP_WILDCARD:
        if (n->flags & NODE_HAS_REST)
            way->step = STEP_REST;
        else
            w->n_ways--;
        hash_segment(w->path, at + 1, &end);
        return take_wildcard(w, &n, &at, end) && walk_down(w, n, at);
    case STEP_END:
        if (n->flags & NODE_HAS_REST)
            way->step = STEP_REST;
        else
            w->n_ways--;
        return n->flags & NODE_HAS_END &&
               met(w, n, END_SLASH, w->slash ? HIT_EXACT : HIT_SLASH, at);
    default:
        w->n_ways--;
        return met(w, n, END_REST, !whole ? HIT_TAIL : w->slash ? HIT_EXACT : HIT_SLASH, at);
    }
}

bool walk_next(struct walk *w)
{
    if (w->root != 0) {
        const struct packed *n = node_at(w, w->root);
        w->root = 0;
        w->n_captures = 0;
        if (goes_on(w->path, 0, text_of(n), n->text_n) && walk_down(w, n, n->text_n))
            return true;
    }
    while (w->n_ways > 0)
        if (walk_elsewhere(w))
            return true;
    return false;
}

void *walk_route(const struct walk *w, size_t *at, uint16_t *ret_code)
{
    const struct packed *n = w->node;
    const uint16_t *codes = codes_of(n);

    for (; *at < n->n_routes; ++*at)
        if (CODE_END(codes[*at]) == w->end) {
            const char *behind = text_of(n) + n->text_n;
            size_t words = ((size_t)(behind - (const char *)n) + 7) / 8;
            *ret_code = codes[*at];
            return ((void *const *)((const uint64_t *)n + words))[(*at)++];
        }
    return NULL;
}

void *walk_route_for(const struct walk *w, unsigned method)
{
    uint16_t code;
    void *user;

    for (size_t at = 0; (user = walk_route(w, &at, &code)) != NULL;) {
        unsigned m = CODE_METHOD(code);
        if (m == method || m == CODE_ANY_METHOD || (m == METHOD_GET && method == METHOD_HEAD))
            return user;
    }
    return NULL;
}
