/*
 * h1_in.c - HTTP/1, what comes in: the buffers of a connection, the bytes of heads, request bodies.
 * The engine's loop only.
 */
#include <errno.h>

#include "base/check.h"
#include "server/engine.h"
#include "server/h1.h"

#define FILL_MIN KIB(2) /* less room than this is made more before receiving */
#define PARKED_MAX KIB(1)

/* ---- buffers */

void h1_drop_buffers(struct h1 *h)
{
    engine_buf_give(h->conn->engine, &h->in);
    engine_buf_give(h->conn->engine, &h->out);
}

bool h1_take_out(struct h1 *h)
{
    return h->out.base != NULL || engine_buf_take(h->conn->engine, &h->out, H1_OUT_MAX) == 0;
}

/* The begin of a head moves to a buffer of its size, so that slow heads cost little. Without memory
 * for that it stays where it is. */
static void park(struct h1 *h)
{
    struct buf small = { .max = PARKED_MAX, .budget = h->in.budget };

    if (buf_room(&small, PARKED_MAX) < 0 || buf_add_str(&small, buf_str(&h->in)) < 0)
        return;
    engine_buf_give(h->conn->engine, &h->in);
    h->in = small;
}

/* The contrary. -ENOMEM. */
static int unpark(struct h1 *h)
{
    struct buf whole;
    int r = engine_buf_take(h->conn->engine, &whole, 0);

    if (r < 0)
        return r;
    check(buf_add_str(&whole, buf_str(&h->in)) == 0);
    buf_done(&h->in);
    h->in = whole;
    return 0;
}

void h1_give_buffers_back(struct h1 *h)
{
    struct engine *e = h->conn->engine;
    bool chunks_come = h->state != H1_HEAD && h->state != H1_CLOSING &&
                       h->body.framing == FRAMING_CHUNKED && !body_ended(&h->body);

    if (h->in.base != NULL && buf_len(&h->in) == 0 && !chunks_come)
        engine_buf_give(e, &h->in);
    else if (h->state == H1_HEAD && h->in.cap == ENGINE_BUF_SIZE && buf_len(&h->in) <= PARKED_MAX)
        park(h);
    if (h->out.base != NULL && buf_len(&h->out) == 0 && !h1_needs_out(h))
        engine_buf_give(e, &h->out);
}

/* ---- bytes */

ssize_t h1_fill(struct h1 *h)
{
    if (h->in.cap < ENGINE_BUF_SIZE) {
        int r = h->in.base != NULL ? unpark(h) : engine_buf_take(h->conn->engine, &h->in, 0);
        if (r < 0)
            return r;
    } else if (buf_tail_room(&h->in) < FILL_MIN) {
        /* A head within its limits always fits; a body is read past it. */
        const struct limits *l = &h->conn->engine->config->limits;
        h->in.max = (size_t)l->request_line + (size_t)l->header + ENGINE_BUF_SIZE;
        /* More room if there may be; else what there is. */
        int r = buf_room(&h->in, FILL_MIN);
        if (r < 0 && buf_tail_room(&h->in) == 0)
            return r;
    }
    ssize_t n = conn_recv(h->conn, buf_tail(&h->in), buf_tail_room(&h->in));
    if (n > 0)
        buf_added(&h->in, (size_t)n);
    else if (n == 0)
        h->eof = true;
    return n;
}

void h1_want_body(struct exchange *x)
{
    struct h1 *h = container_of(x, struct h1, x);

    if (!h->expect)
        return;
    h->expect = false;
    /* Not needed when the body comes already, not possible once the final response has begun. */
    if (buf_len(&h->in) == 0 && !h->head_emitted &&
        buf_add_str(&h->out, STR("HTTP/1.1 100 Continue\r\n\r\n")) == 0)
        (void)h1_flush(h, false); /* what cannot go now goes with the next flush */
}

/* Receives what a read asks for: straight into `buf` where the framing allows. */
static ssize_t receive(struct h1 *h, void *buf, size_t n)
{
    if (h->eof)
        return 0;
    if (!h->conn->readable)
        return -EAGAIN;
    if (h->body.framing != FRAMING_LENGTH)
        return h1_fill(h);
    ssize_t r = conn_recv(h->conn, buf, (size_t)min_of((uint64_t)n, h->body.left));
    if (r == 0)
        h->eof = true;
    return r;
}

/* It is waited for request body, and nothing is there. */
static ssize_t body_awaited(struct h1 *h)
{
    if (h->body_since == 0)
        h->body_since = loop_now(&h->conn->engine->loop);
    return -EAGAIN;
}

/*
 * `n` bytes of request body have come, > 0. n, or -ETIME: too few for the time that was spent on
 * waiting for them. As in conn_wait_write(), each stretch of waiting as long as the time-out is
 * judged by itself; that there is an end to each is the time-out's work.
 */
static ssize_t body_came(struct h1 *h, size_t n)
{
    const uint64_t rate = (uint64_t)h->conn->engine->config->limits.body_rate;

    h->body_came += n;
    if (h->body_since == 0)
        return (ssize_t)n;
    h->body_waited += loop_now(&h->conn->engine->loop) - h->body_since;
    h->body_since = 0;
    if (h->body_waited < h->x.timeouts.body)
        return (ssize_t)n;
    bool slow = h->body_came < rate * (uint64_t)(h->body_waited / NSEC_PER_MSEC) / 1000;
    h->body_waited = 0;
    h->body_came = 0;
    h->lost |= slow;
    return slow ? -ETIME : (ssize_t)n;
}

ssize_t h1_read(struct exchange *x, void *buf, size_t n)
{
    struct h1 *h = container_of(x, struct h1, x);

    h1_want_body(x);
    h->body.max = x->body_max;
    if (body_ended(&h->body))
        return 0;
    if (h->turn_read >= H1_TURN_BYTES) { /* others are waiting too */
        conn_again(h->conn);
        return -EAGAIN;
    }
    for (;;) {
        size_t used = 0;
        struct str data;
        enum body_result r = BODY_MORE;
        if (buf_len(&h->in) > 0) {
            r = body_next(&h->body, buf_at(&h->in), buf_len(&h->in), n, &used, &data);
            if (r == BODY_DATA)
                memcpy(buf, data.p, data.n);
            buf_take(&h->in, used);
            h->turn_read += used;
        }
        if (r == BODY_DATA)
            return body_came(h, data.n);
        if (r == BODY_END)
            return 0;
        if (r == BODY_BAD) {
            h->lost = true;
            x->body_fault = h->body.reason;
            return h->body.status == 413 ? -EMSGSIZE : -EBADMSG;
        }
        ssize_t got = receive(h, buf, n);
        if (got > 0 && h->body.framing == FRAMING_LENGTH && buf_len(&h->in) == 0) {
            body_skip(&h->body, (uint64_t)got);
            h->turn_read += (size_t)got;
            return body_came(h, (size_t)got);
        }
        if (got > 0)
            continue;
        if (got == -EAGAIN)
            return body_awaited(h);
        h->lost = true; /* the end of input inside a body, or a dead socket */
        x->body_fault = "body_cut";
        if (got < 0)
            h->dead = true;
        return got < 0 ? -ECANCELED : -EBADMSG;
    }
}
