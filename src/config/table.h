/*
 * table.h - a hash table from names to pointers, in an arena: names of pools, routes, sites while
 * loading, and the hosts of a listener for good. Keys are not copied. Written by one thread;
 * then immutable: any thread.
 *
 * The hash runs from the last byte to the first, so one pass over a host gives the hash of each
 * of its suffixes (hosts.c).
 */
#ifndef MUXD_CONFIG_TABLE_H
#define MUXD_CONFIG_TABLE_H

#include "base/arena.h"

struct table_entry {
    struct str key;
    void *value;
};

/* The slots alone are probed: they are small, and a look-up misses the cache once. */
struct table_slot {
    uint32_t hash;
    uint32_t entry; /* from 1; 0: free */
};

struct table { /* zeroed: empty */
    struct table_slot *slots;
    struct table_entry *entries; /* size / 2 */
    size_t size, used;           /* size: a power of 2, or 0 */
};

#define TABLE_HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static inline uint64_t table_hash_step(uint64_t hash, char c)
{
    return (hash ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}
uint64_t table_hash(struct str key);

/* NULL if there is none. */
void *table_find_hashed(const struct table *t, struct str key, uint64_t hash);
void *table_find(const struct table *t, struct str key);
/* Room for n more, so that it does not grow step by step. 0 or -ENOMEM. */
int table_room(struct table *t, struct arena *arena, size_t n) MUST_USE;
/* 0; -ENOMEM; -EEXIST, and *ret_other is what is there already. */
int table_claim(struct table *t, struct arena *arena, struct str key, void *value,
                void **ret_other) MUST_USE;
/* The key is not in it. 0 or -ENOMEM. */
static inline int table_add(struct table *t, struct arena *arena, struct str key, void *value)
{
    void *other;

    return table_claim(t, arena, key, value, &other);
}

#endif
