/* origins.c - see origins.h: an array, sorted when it is first asked. One thread. */
#include "config/origins.h"

#include <errno.h>
#include <stdlib.h>

void origins_init(struct origins *o, struct arena *arena)
{
    *o = (struct origins){ .arena = arena };
}

void origins_done(struct origins *o)
{
    free(o->v);
    o->v = NULL;
    o->n = o->size = 0;
}

static int add(struct origins *o, struct origin origin)
{
    if (o->n == o->size) {
        size_t size = max_of(o->size * 2, (size_t)256);
        struct origin *v = reallocarray(o->v, size, sizeof *v);
        if (v == NULL)
            return -ENOMEM;
        o->v = v;
        o->size = size;
    }
    o->v[o->n++] = origin;
    o->sorted = false;
    return 0;
}

int origins_add(struct origins *o, const void *owner, const struct option *option,
                struct place place)
{
    if (o == NULL)
        return 0;
    if (o->kept_from != place.file) {
        o->kept = arena_str(o->arena, str_of(place.file)).p;
        if (o->kept == NULL)
            return -ENOMEM;
        o->kept_from = place.file;
    }
    place.file = o->kept;
    return add(o, (struct origin){ .owner = owner, .option = option, .place = place });
}

int origins_add_level(struct origins *o, const void *owner, enum origin_level level,
                      const void *outer)
{
    if (o == NULL)
        return 0;
    return add(o, (struct origin){ .owner = owner, .level = level, .outer = outer });
}

void origins_move(struct origins *o, const void *from, const void *to)
{
    for (size_t i = o ? o->n : 0; i > 0 && o->v[i - 1].owner == from; i--)
        o->v[i - 1].owner = to;
}

static int by_owner(const void *va, const void *vb)
{
    const struct origin *a = va, *b = vb;

    if (a->owner != b->owner)
        return (uintptr_t)a->owner < (uintptr_t)b->owner ? -1 : 1;
    if (a->option != b->option)
        return (uintptr_t)a->option < (uintptr_t)b->option ? -1 : 1;
    return 0;
}

static const struct origin *find(struct origins *o, const void *owner, const struct option *option)
{
    struct origin key = { .owner = owner, .option = option };

    if (o->n == 0)
        return NULL;
    if (!o->sorted)
        qsort(o->v, o->n, sizeof *o->v, by_owner);
    o->sorted = true;
    return bsearch(&key, o->v, o->n, sizeof *o->v, by_owner);
}

const struct place *origins_find(struct origins *o, const void *owner, const struct option *option)
{
    const struct origin *found = find(o, owner, option);

    return found ? &found->place : NULL;
}

const void *origins_outer(struct origins *o, const void *owner, enum origin_level *ret_level)
{
    const struct origin *found = find(o, owner, NULL);

    *ret_level = found ? found->level : ORIGIN_ROUTE;
    return found ? found->outer : NULL;
}
