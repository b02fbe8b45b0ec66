/*
 * node.h - what the packed form consists of: nodes with their tables, and names, each from a whole
 * word on. Words and bytes are the machine's. For pack.c, which writes them, and packed.c, which
 * reads. Any thread.
 */
#ifndef MUXD_MUX_NODE_H
#define MUXD_MUX_NODE_H

#include "base/str.h"
#include "mux/pattern.h"

enum {
    NODE_HAS_EXACT = 1,
    NODE_HAS_END = 2,
    NODE_HAS_REST = 4,
    NODE_HAS_WILDCARD = 8,
};

/* Behind it: the slots of its literal children, if there are any; uint16_t codes[n_routes]. */
struct packed {
    uint32_t wildcard; /* the child, if NODE_HAS_WILDCARD; its routes come behind the node's own */
    uint32_t codes;    /* words from here to them */
    uint16_t n_routes;
    uint8_t flags;
    uint8_t table;          /* log2 of the homes its slots have, or NO_TABLE */
    uint8_t wildcard_table; /* that of the wildcard child */
    uint8_t unused[3];
};
#define NO_TABLE 31

/*
 * The edge to a literal child. Slots are in the order of their keys, each at its home, or as soon
 * behind it as the ones before leave room; in the gaps, and behind the last, the key is KEY_NONE. A
 * key is 26 bits of the segment's hash, of which the first are the home; then comes the child's
 * `table`, so that the next slot is looked for without a look at the child.
 */
struct slot {
    uint32_t key;
    uint32_t name;        /* a struct name */
    uint32_t node;        /* the child */
    uint32_t before : 31; /* routes from the first of the parent to the first of the child */
    uint32_t apart : 1;   /* some lines of memory before the child are needed for it alone */
};
#define KEY_BITS 31
#define KEY_NONE UINT32_MAX
#define TABLE_MASK 31u
#define LINE 64 /* of memory, in bytes */
#define APART_LINES 4

/* What an edge stands for: a segment, or a host, and the run of literals behind it: "users/list",
 * "example.org/api/v1". Of a tree that is no host's: the run alone, which begins with a slash. All
 * of it stands in one pattern. */
struct name {
    uint16_t n;
    char text[];
};
_Static_assert(PATTERN_TEXT_MAX <= UINT16_MAX, "the length of a name");

static inline const uint16_t *codes_of(const struct packed *n)
{
    return (const uint16_t *)((const uint64_t *)n + n->codes);
}

static inline const struct slot *table_of(const struct packed *n)
{
    return (const struct slot *)(n + 1);
}

static inline uint32_t key_of(uint32_t hash)
{
    return hash >> 1 & ~TABLE_MASK;
}

static inline size_t home_of(uint32_t key, unsigned table)
{
    return (uint64_t)key << table >> KEY_BITS;
}

#endif
