/*
 * dict.h - byte strings to pointers: the literal children of a node, the labels below a host.
 *
 * Up to 8 entries are a short array, more an open-addressing table at most half full, so a look-up
 * costs the length of the key. Only what the config says is ever inserted, so a client cannot
 * make keys collide. All zero is an empty dict. Keys are not copied. Built by one thread, then
 * any.
 */
#ifndef MUXD_MUX_DICT_H
#define MUXD_MUX_DICT_H

#include "base/arena.h"

struct dict_entry {
    struct str key;
    void *value; /* NULL: a free slot */
};

struct dict {
    struct dict_entry *slots;
    size_t n, cap;
};

/* NULL when there is none. */
void *dict_get(const struct dict *d, struct str key);
/* `key` is new, `value` not NULL. 0 or -ENOMEM, and the dict is as it was. */
int dict_add(struct dict *d, struct str key, void *value, struct arena *arena) MUST_USE;

/* Every entry, in no order: for (size_t i = 0; (v = dict_next(d, &i)) != NULL;) */
static inline void *dict_next(const struct dict *d, size_t *at)
{
    while (*at < d->cap) {
        void *value = d->slots[(*at)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}

#endif
