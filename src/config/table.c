/* table.c - see table.h: open addressing, linear probing, at most half full. */
#include "config/table.h"

#include <errno.h>

uint64_t table_hash(struct str key)
{
    uint64_t hash = TABLE_HASH_BEGIN;

    for (size_t i = key.n; i > 0; i--)
        hash = table_hash_step(hash, key.p[i - 1]);
    return hash;
}

/* Where the key is, or the free slot it belongs in. */
static struct table_slot *slot_of(const struct table *t, struct str key, uint64_t hash)
{
    size_t i = (size_t)(hash ^ hash >> 32) & (t->size - 1);

    while (t->slots[i].key.p != NULL && (t->slots[i].hash != hash || !str_eq(t->slots[i].key, key)))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

void *table_find_hashed(const struct table *t, struct str key, uint64_t hash)
{
    return t->size ? slot_of(t, key, hash)->value : NULL;
}

void *table_find(const struct table *t, struct str key)
{
    return table_find_hashed(t, key, table_hash(key));
}

int table_add(struct table *t, struct arena *arena, struct str key, void *value)
{
    if ((t->used + 1) * 2 > t->size) {
        struct table bigger = { .size = t->size ? t->size * 2 : 8, .used = t->used };
        bigger.slots = arena_array(arena, bigger.size, sizeof *bigger.slots);
        if (bigger.slots == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < t->size; i++)
            if (t->slots[i].key.p != NULL)
                *slot_of(&bigger, t->slots[i].key, t->slots[i].hash) = t->slots[i];
        *t = bigger;
    }
    uint64_t hash = table_hash(key);
    *slot_of(t, key, hash) = (struct table_slot){ key, hash, value };
    t->used++;
    return 0;
}
