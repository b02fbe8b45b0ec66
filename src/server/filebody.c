/* filebody.c - see filebody.h. */
#include "server/filebody.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "server/engine.h"

#define FETCH_MAX KIB(128)   /* read by a worker at once */
#define SEND_PIECE KIB(256)  /* by one sendfile; between them others have their turn */
#define SEND_MIN KIB(64)     /* less is as cheap to copy */
#define COPIED_END KIB(4)    /* of a range, the part that never goes by sendfile */
#define PROBE_STRIDE KIB(64) /* between two looks at the page cache */

/* ---- where it stands */

static const struct part *part_of(const struct body *b)
{
    return b->parts != NULL ? &b->parts[b->part] : &b->one;
}

/* The part that has the next byte; NULL: there is none. */
static const struct part *next_part(struct body *b)
{
    for (; b->part < b->n_parts; b->part++, b->at = 0) {
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

/* The worker. */
static void fetch_work(void *arg)
{
    struct fetch *t = arg;
    ssize_t n = file_read(t->file, t->buf, t->wanted, t->from);

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

/* -EAGAIN: the body is read again when it is here. */
static ssize_t fetch(struct exchange *x, struct file *f, size_t n, uint64_t offset)
{
    struct fetch *t = &x->fetch;

    if (t->buf == NULL) {
        if (!budget_take(&x->engine->bounds->memory, n))
            return -ENOMEM;
        t->buf = malloc(n);
        if (t->buf == NULL) {
            budget_give(&x->engine->bounds->memory, n);
            return -ENOMEM;
        }
        t->size = n;
    }
    t->file = f;
    t->from = offset;
    t->wanted = min_of(n, t->size);
    t->n = -EIO;
    int r = exchange_task(x, fetch_work, t);
    if (r < 0)
        return r;
    stats_count(&x->engine->stats, file_fetches);
    return -EAGAIN;
}

/* Of what was fetched; 0: it is not there. */
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
    n = (size_t)min_of((uint64_t)n, left);
    ssize_t r = take_fetched(&x->fetch, buf, n, offset);
    if (r != 0)
        return r;
    r = file_read_now(f, buf, n, offset);
    if (r == -EAGAIN)
        return fetch(x, f, (size_t)min_of(left, (uint64_t)FETCH_MAX), offset);
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

/* How many of n bytes are in the page cache, by samples. */
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

size_t filebody_sendable(struct exchange *x, struct body *b, off_t *ret_offset)
{
    const struct part *p = next_part(b);
    struct file *f = b->file;

    if (p == NULL || b->at < p->bytes.n || !f->settled)
        return 0;
    uint64_t at = b->at - p->bytes.n, left = p->length - at, offset = p->offset + at;
    enum file_way way = atomic_load_explicit(&f->way, memory_order_relaxed);
    if (left < COPIED_END + SEND_MIN || (way != FILE_MEMORY && way != FILE_PROBED))
        return 0;
    *ret_offset = (off_t)offset;
    size_t n = (size_t)min_of(left - COPIED_END, (uint64_t)SEND_PIECE);
    if (way == FILE_MEMORY)
        return n;
    uint64_t turn = x->engine->loop.turns;
    if (b->probed_in != turn || b->probed <= offset) {
        b->probed = offset + probe(f, n, offset);
        b->probed_in = turn;
    }
    return (size_t)min_of((uint64_t)n, b->probed - offset);
}

int filebody_sent(struct body *b, size_t n)
{
    b->at += n;
    return file_changed(b->file) ? -ESTALE : 0;
}
