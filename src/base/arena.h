/*
 * arena.h - memory that is given back all at once: a request's, a config's.
 *
 * Blocks grow by doubling up to a maximum in sum; past it, or without memory,
 * allocations return NULL and arena_failed() stays true until the reset, so a
 * caller may allocate several times and ask once. Clean-ups run at reset and
 * done, last registered first. One thread at a time owns an arena.
 */
#ifndef MUXD_BASE_ARENA_H
#define MUXD_BASE_ARENA_H

#include <stdarg.h>

#include "base/budget.h"
#include "base/str.h"

struct arena_block;
struct arena_cleanup;

struct arena {
    char *at, *end;             /* free space of the newest block; text is taken off its end */
    struct arena_block *blocks; /* newest first */
    struct arena_cleanup *cleanups;
    size_t used, max; /* bytes in blocks; their bound */
    char *first;      /* the lent first block, or NULL */
    size_t first_size;
    bool failed;
    struct budget *budget; /* that blocks are charged to as well, or NULL */
};

/* `max` bounds the bytes taken from malloc, in blocks of at least 1 KiB. */
void arena_init(struct arena *a, size_t max);
/* As arena_init(), but begins in `first` (16-byte aligned), which stays the caller's and is not
 * counted. */
void arena_init_in(struct arena *a, void *first, size_t first_size, size_t max);
/* From now on blocks are charged to `budget`, past which there is no memory; before the first. */
static inline void arena_charge(struct arena *a, struct budget *budget)
{
    a->budget = budget;
}
/* Runs the clean-ups, frees all blocks, begins anew. */
void arena_reset(struct arena *a);
void arena_done(struct arena *a);

static inline bool arena_failed(const struct arena *a)
{
    return a->failed;
}

/* 16-byte aligned. NULL: see above. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size); /* zeroed; checks n * size */
/* A copy that also ends in NUL; {NULL, 0} when it fails. An empty copy has a non-NULL p. Text is
 * not aligned and stands without gaps. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* `fn(arg)` at reset or done. 0 or -ENOMEM (then the caller cleans up itself). */
int arena_on_reset(struct arena *a, void (*fn)(void *arg), void *arg) MUST_USE;

#endif
