/* filebody.c - see filebody.h. */
#include "server/filebody.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/engine.h"

#define FETCH_SIZE KIB(128)       /* of the buffer a worker reads into */
#define FETCH_THROUGH MIB(1)      /* that it reads where only reading makes it present */
#define FETCHED_TIME NSEC_PER_SEC /* it is taken to stay */
#define PROBE_AHEAD KIB(512)      /* a turn's share: what is looked for in the page cache at once */
#define PROBE_STRIDE KIB(128)     /* between two looks there */

/* ---- where it stands */

static const struct part *part_of(const struct body *b)
{
    return b->parts != NULL ? &b->parts[b->part] : &b->one;
}

/* The part that has the next byte; NULL: there is none. */
static const struct part *next_part(struct body *b)
{
    for (; b->part < b->n_parts; b->part++, b->at = b->probed = 0) {
        const struct part *p = part_of(b);
        if (b->at < p->bytes.n + p->length)
            return p;
    }
    return NULL;
}

uint64_t filebody_piece(struct body *b)
{
    const struct part *p = next_part(b);

    if (p == NULL)
        return 0;
    return b->at < p->bytes.n ? p->bytes.n - b->at : p->bytes.n + p->length - b->at;
}

void filebody_back(struct body *b, size_t n)
{
    check(b->at >= n);
    b->at -= n;
}

/* ---- what the page cache has not */

static enum file_way way_of(const struct file *f)
{
    return atomic_load_explicit(&f->way, memory_order_relaxed);
}

/* The worker. */
static void fetch_work(void *arg)
{
    struct fetch *t = arg;
    uint64_t from = t->begin;
    ssize_t n;

    for (;;) {
        n = file_read(t->file, t->buf, (size_t)min_of((uint64_t)t->size, t->end - from), from);
        if (n <= 0 || from + (uint64_t)n == t->end)
            break;
        from += (uint64_t)n;
    }
    t->from = from;
    t->ended = clock_mono();
    if (n < 0)
        t->n = -EIO;
    else if (n == 0)
        t->n = -ENODATA;
    else
        t->n = file_changed(t->file) ? -ESTALE : n;
}

static void fetch_drop(struct exchange *x)
{
    struct fetch *t = &x->fetch;

    if (t->buf != NULL) {
        free(t->buf);
        budget_give(&x->engine->bounds->memory, t->size);
    }
    *t = (struct fetch){ .n = 0 };
}

/* A buffer of n bytes, or more: one that a short part has left is not for all that follows. */
static int fetch_room(struct exchange *x, size_t n)
{
    struct budget *budget = &x->engine->bounds->memory;
    struct fetch *t = &x->fetch;

    if (t->buf != NULL && t->size >= n)
        return 0;
    fetch_drop(x);
    if (!budget_take(budget, n))
        return -ENOMEM;
    t->buf = malloc(n);
    if (t->buf == NULL) {
        budget_give(budget, n);
        return -ENOMEM;
    }
    t->size = n;
    return 0;
}

/* -EAGAIN: the body is read again when it is here. */
static ssize_t fetch(struct exchange *x, struct file *f, uint64_t left, uint64_t offset)
{
    struct fetch *t = &x->fetch;
    int r;

    if (fetch_room(x, (size_t)min_of(left, (uint64_t)FETCH_SIZE)) < 0) {
        r = exchange_nap(x); /* what has begun is not refused */
        return r < 0 ? r : -EAGAIN;
    }
    t->file = f;
    t->begin = offset;
    t->end = offset + min_of(left, way_of(f) == FILE_FETCHED ? FETCH_THROUGH : t->size);
    t->n = -EIO;
    r = exchange_task(x, fetch_work, t);
    if (r < 0)
        return r;
    stats_count(&x->engine->stats, file_fetches);
    return -EAGAIN;
}

/* How many bytes are in the page cache, because a worker has read them just now. */
static uint64_t fetched(const struct fetch *t, const struct file *f, uint64_t offset)
{
    bool present = t->n > 0 && way_of(f) == FILE_FETCHED && offset >= t->begin && offset < t->end &&
                   clock_mono() - t->ended < FETCHED_TIME;

    return present ? t->end - offset : 0;
}

/* Of what stands in its buffer; 0: that is not there. */
static ssize_t take_fetched(struct fetch *t, void *buf, size_t n, uint64_t offset)
{
    if (t->n < 0)
        return t->n;
    if (offset < t->from || offset - t->from >= (uint64_t)t->n)
        return 0;
    size_t at = (size_t)(offset - t->from);
    n = min_of(n, (size_t)t->n - at);
    memcpy(buf, t->buf + at, n);
    return (ssize_t)n;
}

/* ---- reading */

static ssize_t read_range(struct exchange *x, struct file *f, void *buf, size_t n, uint64_t left,
                          uint64_t offset)
{
    if (x->task != TASK_NONE) /* it may have the buffer */
        return -EAGAIN;
    n = (size_t)min_of((uint64_t)n, left);
    ssize_t r = take_fetched(&x->fetch, buf, n, offset);
    if (r != 0)
        return r;
    uint64_t present = fetched(&x->fetch, f, offset);
    r = present > 0 ? file_read(f, buf, (size_t)min_of((uint64_t)n, present), offset)
                    : file_read_now(f, buf, n, offset);
    if (r == -EAGAIN)
        return fetch(x, f, left, offset);
    if (present == 0)
        fetch_drop(x); /* what follows is in the page cache */
    if (r == 0)
        return -ENODATA;
    if (r < 0)
        return -EIO;
    return file_changed(f) ? -ESTALE : r;
}

ssize_t filebody_read(struct exchange *x, struct body *b, void *buf, size_t n)
{
    const struct part *p = next_part(b);
    ssize_t r;

    if (p == NULL)
        return 0;
    if (b->at < p->bytes.n) {
        struct str bytes = str_from(p->bytes, (size_t)b->at);
        r = (ssize_t)min_of(n, bytes.n);
        memcpy(buf, bytes.p, (size_t)r);
    } else {
        uint64_t at = b->at - p->bytes.n;
        r = read_range(x, b->file, buf, n, p->length - at, p->offset + at);
    }
    b->at += r > 0 ? (uint64_t)r : 0;
    return r;
}

void filebody_done(struct exchange *x, struct body *b)
{
    check(x->task != TASK_LENT);
    fetch_drop(x);
    file_unref(b->file);
    b->file = NULL;
}

/* ---- sending */

/* How many of n bytes are in the page cache, by samples. n > 0. */
static size_t probe(struct file *f, size_t n, uint64_t offset)
{
    char byte;

    for (size_t at = 0;; at = min_of(at + PROBE_STRIDE, n - 1)) {
        if (file_read_now(f, &byte, 1, offset + at) != 1)
            return at > PROBE_STRIDE ? at - PROBE_STRIDE : 0;
        if (at == n - 1)
            return n;
    }
}

/* Likewise of the next `left`; what was found is taken to hold for a turn. */
static uint64_t present_now(struct exchange *x, struct body *b, uint64_t left, uint64_t offset)
{
    uint64_t turn = x->engine->loop.turns;

    if (b->probed_in != turn || b->probed <= offset) {
        b->probed = offset + probe(b->file, (size_t)min_of(left, (uint64_t)PROBE_AHEAD), offset);
        b->probed_in = turn;
    }
    return b->probed - offset;
}

size_t filebody_sendable(struct exchange *x, struct body *b, off_t *ret_offset)
{
    const struct part *p = next_part(b);
    struct file *f = b->file;

    if (x->task != TASK_NONE || p == NULL || b->at < p->bytes.n || !f->steady)
        return 0;
    uint64_t at = b->at - p->bytes.n, left = p->length - at, offset = p->offset + at;
    *ret_offset = (off_t)offset;
    switch (way_of(f)) {
    case FILE_MEMORY:
        break;
    case FILE_PROBED:
        left = min_of(left, present_now(x, b, left, offset));
        break;
    case FILE_FETCHED:
        left = min_of(left, fetched(&x->fetch, f, offset));
        break;
    case FILE_REMOTE:
        left = 0;
        break;
    }
    return (size_t)min_of(left, (uint64_t)TRANSPORT_PIECE);
}

int filebody_sent(struct exchange *x, struct body *b, size_t n)
{
    b->at += n;
    if (way_of(b->file) == FILE_PROBED)
        fetch_drop(x); /* what it has is in the page cache now */
    return file_changed(b->file) ? -ESTALE : 0;
}
