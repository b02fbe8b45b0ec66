/* dict.c - see dict.h. */
#include "mux/dict.h"

#include <errno.h>

#define ARRAY_MAX 8  /* so many entries are searched one by one */
#define TABLE_MIN 32 /* slots of the first table; a power of two, as all */

/* FNV-1a. */
static size_t hash(struct str key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

/* The slot of `key` in a table, or the free one where it would go. */
static struct dict_entry *probe(struct dict_entry *slots, size_t cap, struct str key)
{
    size_t at = hash(key) & (cap - 1);

    while (slots[at].value != NULL && !str_eq(slots[at].key, key))
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

void *dict_get(const struct dict *d, struct str key)
{
    if (d->cap > ARRAY_MAX)
        return probe(d->slots, d->cap, key)->value;
    for (size_t i = 0; i < d->n; i++)
        if (str_eq(d->slots[i].key, key))
            return d->slots[i].value;
    return NULL;
}

/* Doubles an array up to ARRAY_MAX slots, then makes it a table. */
static int grow(struct dict *d, struct arena *arena)
{
    size_t cap = d->cap < ARRAY_MAX ? max_of(d->cap * 2, (size_t)1) : d->cap * 2;

    cap = cap > ARRAY_MAX ? max_of(cap, (size_t)TABLE_MIN) : cap;
    struct dict_entry *slots = arena_array(arena, cap, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    for (size_t i = 0, n = 0; i < d->cap; i++)
        if (d->slots[i].value != NULL)
            *(cap > ARRAY_MAX ? probe(slots, cap, d->slots[i].key) : &slots[n++]) = d->slots[i];
    d->slots = slots;
    d->cap = cap;
    return 0;
}

int dict_add(struct dict *d, struct str key, void *value, struct arena *arena)
{
    bool full = d->cap > ARRAY_MAX ? d->n >= d->cap / 2 : d->n == d->cap;

    if (full && grow(d, arena) < 0)
        return -ENOMEM;
    struct dict_entry *e = d->cap > ARRAY_MAX ? probe(d->slots, d->cap, key) : &d->slots[d->n];
    *e = (struct dict_entry){ key, value };
    d->n++;
    return 0;
}
