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

    while (t->slots[i].key != NULL &&
           (t->slots[i].hash != hash || !str_eq(str_make(t->slots[i].key, t->slots[i].len), key)))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

void *table_find_hashed(const struct table *t, struct str key, uint64_t hash)
{
    return t->size ? slot_of(t, key, folded(hash))->value : NULL;
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
    bigger.slots = arena_array(arena, bigger.size, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->size; i++) {
        const struct table_slot *s = &t->slots[i];
        if (s->key != NULL)
            *slot_of(&bigger, str_make(s->key, s->len), s->hash) = *s;
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
    if (slot->key != NULL) {
        *ret_other = slot->value;
        return -EEXIST;
    }
    *slot = (struct table_slot){ key.p, (uint32_t)key.n, hash, value };
    t->used++;
    return 0;
}
