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

static uint32_t folded(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

/* Where the key is, or the free slot it belongs in. */
static struct table_slot *slot_of(const struct table *t, struct str key, uint32_t hash)
{
    size_t i = hash & (t->size - 1);

    while (t->slots[i].entry != 0 &&
           (t->slots[i].hash != hash || !str_eq(t->entries[t->slots[i].entry - 1].key, key)))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

void *table_find_hashed(const struct table *t, struct str key, uint64_t hash)
{
    uint32_t entry = t->size ? slot_of(t, key, folded(hash))->entry : 0;

    return entry != 0 ? t->entries[entry - 1].value : NULL;
}

void *table_find(const struct table *t, struct str key)
{
    return table_find_hashed(t, key, table_hash(key));
}

int table_room(struct table *t, struct arena *arena, size_t n)
{
    struct table bigger = { .size = max_of(t->size, (size_t)8), .used = t->used };

    while (bigger.size / 2 < t->used + n)
        bigger.size *= 2;
    if (bigger.size == t->size)
        return 0;
    if (bigger.size > UINT32_MAX)
        return -ENOMEM;
    bigger.slots = arena_array(arena, bigger.size, sizeof *bigger.slots);
    bigger.entries = arena_alloc(arena, bigger.size / 2 * sizeof *bigger.entries);
    if (bigger.slots == NULL || bigger.entries == NULL)
        return -ENOMEM;
    if (t->used != 0)
        memcpy(bigger.entries, t->entries, t->used * sizeof *t->entries);
    for (size_t i = 0; i < t->size; i++) {
        const struct table_slot *s = &t->slots[i];
        if (s->entry != 0)
            *slot_of(&bigger, t->entries[s->entry - 1].key, s->hash) = *s;
    }
    *t = bigger;
    return 0;
}

int table_claim(struct table *t, struct arena *arena, struct str key, void *value, void **ret_other)
{
    uint32_t hash = folded(table_hash(key));
    int r = table_room(t, arena, 1);

    if (r < 0)
        return r;
    struct table_slot *slot = slot_of(t, key, hash);
    if (slot->entry != 0) {
        *ret_other = t->entries[slot->entry - 1].value;
        return -EEXIST;
    }
    t->entries[t->used++] = (struct table_entry){ key, value };
    *slot = (struct table_slot){ hash, (uint32_t)t->used };
    return 0;
}
