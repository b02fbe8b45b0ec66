/*
 * buf.h - a growing run of bytes that is filled at the end and taken from the
 * front. Every buffer names its maximum; past it, and without memory, adding
 * fails whole (-ENOBUFS, -ENOMEM) and leaves the contents as they were. A buf
 * holds no memory until the first byte. With a budget its capacity is charged there, and past that
 * it has no memory. One owner, one thread.
 */
#ifndef MUXD_BASE_BUF_H
#define MUXD_BASE_BUF_H

#include <stdarg.h>

#include "base/budget.h"
#include "base/str.h"

struct buf {
    char *base;
    size_t from, to; /* the contents are base[from .. to) */
    size_t cap, max;
    struct budget *budget; /* or NULL */
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
    return b->to - b->from;
}
static inline char *buf_at(const struct buf *b) /* only when buf_len() > 0 */
{
    return b->base + b->from;
}
static inline struct str buf_str(const struct buf *b)
{
    return b->base ? str_make(b->base + b->from, b->to - b->from) : STR_EMPTY;
}

/* Makes `n` bytes of room behind the contents (moving them to the front, or growing); they are at
 * buf_tail() and count once buf_added() says so. 0, -ENOBUFS, -ENOMEM. */
int buf_room(struct buf *b, size_t n) MUST_USE;
static inline char *buf_tail(const struct buf *b)
{
    return b->base + b->to;
}
static inline size_t buf_tail_room(const struct buf *b)
{
    return b->cap - b->to;
}
static inline void buf_added(struct buf *b, size_t n)
{
    b->to += n;
}
int buf_add(struct buf *b, const void *bytes, size_t n) MUST_USE;
static inline int buf_add_str(struct buf *b, struct str s)
{
    return buf_add(b, s.p, s.n);
}
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;

/* Drops n bytes from the front. */
static inline void buf_take(struct buf *b, size_t n)
{
    b->from += n;
    if (b->from == b->to)
        b->from = b->to = 0;
}

#endif
