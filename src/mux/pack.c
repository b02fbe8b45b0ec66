/*
 * pack.c - see pack.h. A tree is packed from its leaves up: so when a node is written, equal
 * children are one, and equal nodes are equal words, which are looked for among all that is there.
 * The order of children is that of their names' hashes, whatever the order of adding was.
 *
 * The loader's thread.
 */
#include "mux/pack.h"

#include <errno.h>
#include <stdlib.h>

#include "mux/hash.h"
#include "mux/node.h"

/* ---- parts: nodes and names */

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

/* ---- nodes */

/* The last node of the run that one edge leads to, which begins with n. */
static struct tree_node *run_end(struct tree_node *n)
{
    while (n->routes == NULL && n->wildcard == NULL && n->n_literals == 1)
        n = n->literals;
    return n;
}

/* Of few children there are more than homes: small nodes are many. A large table has room, so that
 * most are at home. */
#define DENSE_MAX 16

static unsigned table_for(size_t n)
{
    unsigned table = 0;

    if (n == 0)
        return NO_TABLE;
    while ((size_t)1 << table < (n <= DENSE_MAX ? n / 2 + 1 : n + n / 4))
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

/* The routes of a node get the next numbers. */
static size_t number_routes(struct packing *p, const struct tree_node *n)
{
    uint32_t before = p->n_routes;

    for (const struct tree_route *r = n->routes; r != NULL; r = r->next)
        p->routes[p->n_routes++] = r->user;
    return p->n_routes - before;
}

static void write_codes(const struct tree_node *n, const uint16_t *numbers, struct packed *to)
{
    static const uint8_t flags[] = {
        [END_EXACT] = NODE_HAS_EXACT, [END_SLASH] = NODE_HAS_END, [END_REST] = NODE_HAS_REST
    };
    uint16_t *code = (uint16_t *)(uintptr_t)codes_of(to);

    for (const struct tree_route *r = n->routes; r != NULL; r = r->next) {
        unsigned method = CODE_METHOD(r->code);
        if (method >= METHOD_OTHER && method != CODE_ANY_METHOD)
            method = numbers[method - METHOD_OTHER];
        *code++ = CODE_MAKE(CODE_END(r->code), method);
        to->flags |= flags[CODE_END(r->code)];
    }
}

/* The name of the edge to the run from n to `last`. */
static int pack_name(struct packing *p, const struct tree_node *n, const struct tree_node *last,
                     uint32_t *ret_at)
{
    size_t bytes = n->text.n;

    for (const struct tree_node *i = n; i != last; i = i->literals)
        bytes += 1 + i->literals->text.n;
    size_t words = words_for(sizeof(struct name) + bytes);
    struct name *name = (struct name *)part_begin(p, words);
    if (name == NULL)
        return -ENOMEM;
    name->n = (uint16_t)bytes;
    char *to = name->text;
    if (n->text.n > 0) /* not the root */
        to = mempcpy(to, n->text.p, n->text.n);
    for (; n != last; n = n->literals) {
        *to++ = '/';
        to = mempcpy(to, n->literals->text.p, n->literals->text.n);
    }
    return part_end(p, words, ret_at);
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

/* The node, whose children are packed. */
static int pack_node(struct packing *p, struct tree_node *n, size_t n_routes)
{
    unsigned table = table_for(n->n_literals);
    size_t slots = table != NO_TABLE ? table_end(n->literals, table) : 0;
    size_t codes = words_for(sizeof(struct packed) + slots * sizeof(struct slot)) + (slots > 0);
    size_t words = codes + words_for(n_routes * sizeof(uint16_t));
    struct packed *to = (struct packed *)part_begin(p, words);

    if (to == NULL)
        return -ENOMEM;
    if (n->wildcard != NULL) {
        to->wildcard = n->wildcard->at;
        to->wildcard_table = n->wildcard->table;
        to->flags = NODE_HAS_WILDCARD;
    }
    to->codes = (uint32_t)codes;
    to->n_routes = (uint16_t)n_routes;
    to->table = n->table = (uint8_t)table;
    write_codes(n, p->numbers, to);
    if (slots > 0)
        write_table(n->literals, table, slots, (struct slot *)(uintptr_t)table_of(to));
    return part_end(p, words, &n->at);
}

/* The node and all below it, that first. Recurs at most PATTERN_SEGMENTS_MAX deep. */
static int pack_below(struct packing *p, struct tree_node *n)
{
    uint32_t first = p->n_routes;
    size_t n_routes = number_routes(p, n);
    int r = sort_literals(n);

    if (r == 0 && n->wildcard != NULL)
        r = pack_below(p, n->wildcard);
    for (struct tree_node *c = n->literals; r == 0 && c != NULL; c = c->next) {
        struct tree_node *last = run_end(c);
        size_t begin = p->n;
        c->before = p->n_routes - first;
        r = pack_below(p, last);
        c->at = last->at;
        c->table = last->table;
        /* In a small node it is too little to be asked for, and might tell equal ones apart. */
        c->apart = n->n_literals > DENSE_MAX && p->n - begin > LINE / sizeof *p->words;
        if (r == 0)
            r = pack_name(p, c, last, &c->name_at);
    }
    return r < 0 ? r : pack_node(p, n, n_routes);
}

int packing_add(struct packing *p, struct tree_node *root, bool hosts, struct packed_tree *ret)
{
    struct tree_node *last = hosts ? root : run_end(root);

    *ret = (struct packed_tree){ .first = p->n_routes };
    if (p->n == 0 && part_begin(p, 1) == NULL)
        return -ENOMEM;
    p->n = max_of(p->n, (size_t)1);
    if (root->routes == NULL && root->wildcard == NULL && root->literals == NULL)
        return 0;
    int r = pack_below(p, last);
    ret->node = last->at;
    return r < 0 ? r : pack_name(p, root, last, &ret->name);
}

void packing_done(struct packing *p)
{
    free(p->words);
    free(p->parts);
}
