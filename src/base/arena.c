/* arena.c - see arena.h. The owner's thread only. */
#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define ALIGN 16
#define BLOCK_MIN ((size_t)1024)
#define BLOCK_MAX ((size_t)1 << 20) /* doubling stops here */

struct arena_block {
    struct arena_block *older;
    size_t size;
    _Alignas(ALIGN) char bytes[];
};

struct arena_cleanup {
    struct arena_cleanup *older;
    void (*fn)(void *arg);
    void *arg;
};

static void begin(struct arena *a)
{
    a->at = a->first;
    a->end = a->first ? a->first + a->first_size : NULL;
    a->blocks = NULL;
    a->cleanups = NULL;
    a->used = 0;
    a->failed = false;
}

void arena_init_in(struct arena *a, void *first, size_t first_size, size_t max)
{
    check(((uintptr_t)first & (ALIGN - 1)) == 0);
    a->first = first;
    a->first_size = first_size;
    a->max = max;
    a->budget = NULL;
    begin(a);
}

void arena_init(struct arena *a, size_t max)
{
    arena_init_in(a, NULL, 0, max);
}

void arena_reset(struct arena *a)
{
    for (struct arena_cleanup *c = a->cleanups; c != NULL; c = c->older)
        c->fn(c->arg);
    for (struct arena_block *b = a->blocks, *older; b != NULL; b = older) {
        older = b->older;
        budget_give(a->budget, sizeof *b + b->size);
        free(b);
    }
    begin(a);
}

void arena_done(struct arena *a)
{
    if (a == NULL)
        return;
    arena_reset(a);
    a->at = a->end = a->first = NULL;
    a->max = 0;
}

static bool grow(struct arena *a, size_t size)
{
    size_t want = a->blocks ? min_of(a->blocks->size * 2, BLOCK_MAX) : BLOCK_MIN;

    if (a->used > a->max || size > a->max - a->used)
        return false;
    want = max_of(want, size);
    want = min_of(want, a->max - a->used);
    struct arena_block *b;
    if (!budget_take(a->budget, sizeof *b + want))
        return false;
    b = malloc(sizeof *b + want);
    if (b == NULL) {
        budget_give(a->budget, sizeof *b + want);
        return false;
    }
    b->older = a->blocks;
    b->size = want;
    a->blocks = b;
    a->used += want;
    a->at = b->bytes;
    a->end = b->bytes + want;
    return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (unlikely(size > SIZE_MAX - ALIGN))
        goto fail;
    size = size == 0 ? ALIGN : (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (unlikely(size > (size_t)(a->end - a->at)) && !grow(a, size))
        goto fail;
    void *p = a->at;
    a->at += size;
    return p;
fail:
    a->failed = true;
    return NULL;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);

    return p ? memset(p, 0, size) : NULL;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total)) {
        a->failed = true;
        return NULL;
    }
    return arena_zalloc(a, total);
}

/* For bytes of no alignment, that fill a block from its end. */
static char *text_alloc(struct arena *a, size_t size)
{
    if (unlikely(size > (size_t)(a->end - a->at)) && !grow(a, size)) {
        a->failed = true;
        return NULL;
    }
    a->end -= size;
    return a->end;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = s.n == SIZE_MAX ? NULL : text_alloc(a, s.n + 1);

    if (p == NULL)
        return STR_EMPTY;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return str_make(p, s.n);
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *p = n < 0 ? NULL : text_alloc(a, (size_t)n + 1);
    if (p == NULL)
        return STR_EMPTY;
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    return str_make(p, (size_t)n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

int arena_on_reset(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct arena_cleanup *c = arena_alloc(a, sizeof *c);

    if (c == NULL)
        return -ENOMEM;
    *c = (struct arena_cleanup){ .older = a->cleanups, .fn = fn, .arg = arg };
    a->cleanups = c;
    return 0;
}
