/* buf.c - see buf.h. The owner's thread only. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_MIN ((size_t)256)

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_done(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->base);
    budget_give(b->budget, b->cap);
    *b = (struct buf){ .max = b->max, .budget = b->budget };
}

int buf_room(struct buf *b, size_t n)
{
    size_t len = buf_len(b);

    if (n <= b->cap - b->to)
        return 0;
    if (n > b->max || len > b->max - n)
        return -ENOBUFS;
    if (len + n > b->cap) {
        size_t cap = max_of(max_of(b->cap * 2, len + n), CAP_MIN);
        cap = min_of(cap, b->max);
        if (!budget_take(b->budget, cap))
            return -ENOMEM;
        char *base = malloc(cap);
        if (base == NULL) {
            budget_give(b->budget, cap);
            return -ENOMEM;
        }
        if (len)
            memcpy(base, buf_at(b), len);
        free(b->base);
        budget_give(b->budget, b->cap);
        b->base = base;
        b->cap = cap;
    } else if (len) {
        memmove(b->base, buf_at(b), len);
    }
    b->from = 0;
    b->to = len;
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return 0;
    int r = buf_room(b, n);
    if (r < 0)
        return r;
    memcpy(buf_tail(b), bytes, n);
    b->to += n;
    return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -EINVAL;
    int r = buf_room(b, (size_t)n + 1);
    if (r < 0)
        return r;
    va_start(ap, fmt);
    vsnprintf(buf_tail(b), (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->to += (size_t)n;
    return 0;
}
