/*
 * budget.h - a bound on memory in sum, shared by whoever charges it. Any thread; relaxed, since it
 * guards no data. What was taken is given back by the size it was taken with.
 */
#ifndef MUXD_BASE_BUDGET_H
#define MUXD_BASE_BUDGET_H

#include <stdatomic.h>

#include "base/def.h"

struct budget {
    _Atomic size_t used, max; /* bytes; a `max` that became smaller refuses until enough is given */
};

/* Whether `n` more bytes are within the bound; then they are charged. NULL has no bound. */
static inline bool budget_take(struct budget *b, size_t n)
{
    if (b == NULL)
        return true;
    size_t used = atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);
    size_t max = atomic_load_explicit(&b->max, memory_order_relaxed);
    if (used <= max && n <= max - used)
        return true;
    atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
    return false;
}

/* Of what is there already: charged even past the bound, which then refuses others. */
static inline void budget_charge(struct budget *b, size_t n)
{
    if (b != NULL)
        atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);
}

static inline void budget_give(struct budget *b, size_t n)
{
    if (b != NULL)
        atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
}

/* Whether `n` more bytes would be refused just now. */
static inline bool budget_is_full(const struct budget *b, size_t n)
{
    size_t used = atomic_load_explicit(&b->used, memory_order_relaxed);
    size_t max = atomic_load_explicit(&b->max, memory_order_relaxed);

    return used > max || n > max - used;
}

#endif
