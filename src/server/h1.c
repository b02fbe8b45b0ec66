/*
 * h1.c - HTTP/1.1 and 1.0 (RFC 9112): from bytes to exchanges, one after the other, and what
 * follows an exchange. The engine's loop only.
 *
 *            +--------------------------------------------+
 *            v                                            |
 *   idle -> HEAD -> EXCHANGE -> (RELEASE) -> (DISCARD) ---+
 *            |          |           |            |
 *            +----------+-----> CLOSING <--------+-> linger or close
 *
 * h1_run() steps through these until nothing moves. Responses gather in `out` while complete
 * requests stand in `in`, and leave in one write when the next head is not complete.
 */
#include "server/h1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "server/engine.h"
#include "server/refusal.h"

#define FILL_MIN KIB(2) /* less room than this is made more before receiving */
#define PARKED_MAX KIB(1)
#define RAW_MAX 256 /* of a refused request line, for the log */

static const struct limits *limits_of(const struct h1 *h)
{
    return &h->conn->engine->config->limits;
}

/* ---- memory */

size_t h1_size(void)
{
    return sizeof(struct h1);
}

struct h1 *h1_new(void)
{
    struct h1 *h = calloc(1, sizeof *h);

    if (h != NULL) {
        h->magic = H1_MAGIC;
        exchange_init(&h->x);
    }
    return h;
}

void h1_free(struct h1 *h)
{
    free(h);
}

static struct h1 *h1_take(struct conn *c)
{
    struct engine *e = c->engine;
    struct h1 *h = engine_h1_take(e);

    if (h == NULL)
        return NULL;
    h->state = H1_HEAD;
    h->conn = c;
    h->running = h->eof = h->dead = h->lost = h->expect = h->aborted = h->head_emitted = false;
    h->bytes = STR_EMPTY;
    h->cut = NULL;
    h->body_since = 0;
    head_init(&h->parser);
    c->proto_data = h;
    return h;
}

static void drop_buffers(struct h1 *h)
{
    engine_buf_give(h->conn->engine, &h->in);
    engine_buf_give(h->conn->engine, &h->out);
}

static void h1_give(struct h1 *h)
{
    struct engine *e = h->conn->engine;

    drop_buffers(h);
    h->conn->proto_data = NULL;
    h->conn->times = NULL;
    h->conn = NULL;
    engine_h1_give(e, h);
}

static bool take_out(struct h1 *h)
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

/* Before a wait. */
static void give_buffers_back(struct h1 *h)
{
    struct engine *e = h->conn->engine;
    bool chunks_come = (h->state == H1_EXCHANGE || h->state == H1_DISCARD) &&
                       h->body.framing == FRAMING_CHUNKED && !body_ended(&h->body);

    if (h->in.base != NULL && buf_len(&h->in) == 0 && !chunks_come)
        engine_buf_give(e, &h->in);
    else if (h->state == H1_HEAD && h->in.cap == ENGINE_BUF_SIZE && buf_len(&h->in) <= PARKED_MAX)
        park(h);
    if (h->out.base != NULL && buf_len(&h->out) == 0 && !h1_needs_out(h))
        engine_buf_give(e, &h->out);
}

/* ---- reading */

/* As conn_recv(), into `in`. -ENOBUFS and -ENOMEM too. */
static ssize_t fill(struct h1 *h)
{
    if (h->in.cap < ENGINE_BUF_SIZE) {
        int r = unpark(h);
        if (r < 0)
            return r;
    } else if (buf_tail_room(&h->in) < FILL_MIN) {
        /* A head within its limits always fits; a body is read past it. */
        const struct limits *l = limits_of(h);
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

static void h1_want_body(struct exchange *x)
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
        return fill(h);
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
    const uint64_t rate = (uint64_t)limits_of(h)->body_rate;

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

static ssize_t h1_read(struct exchange *x, void *buf, size_t n)
{
    struct h1 *h = container_of(x, struct h1, x);

    h1_want_body(x);
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
        }
        if (r == BODY_DATA) {
            h->turn_read += data.n;
            return body_came(h, data.n);
        }
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

/* ---- from head to exchange */

static void open_exchange(struct h1 *h)
{
    exchange_prepare(&h->x, h->conn);
    h->conn->times = &h->x.timeouts;
    h->state = H1_EXCHANGE;
    h->expect = h->head_emitted = false;
    conn_set_wait(h->conn, CONN_WAIT_NONE, false);
}

/* A stand-in for the request of a head that was refused, while its bytes are still here. What asked
 * for HEAD, as far as one can see, gets no content in the refusal either (RFC 9110 section 9.3.2).
 */
static void no_request(struct h1 *h)
{
    bool head = str_starts(str_from(buf_str(&h->in), h->parser.start), STR("HEAD "));

    struct str line = str_from(buf_str(&h->in), h->parser.start);
    size_t end = 0;

    while (end < min_of(line.n, (size_t)RAW_MAX) && line.p[end] != '\r' && line.p[end] != '\n')
        end++;
    h->x.raw = arena_str(&h->x.arena, str_head(line, end));
    h->x.request = (struct request){ .method = head ? METHOD_HEAD : METHOD_OTHER };
    h->info = (struct head_info){ .minor = 1 };
    body_init(&h->body, &h->info, 0);
}

/* There is no memory to serve a head, nor to refuse it in the usual way. */
static enum h1_progress refuse_unserved(struct h1 *h)
{
    stats_count(&h->conn->engine->stats, refused_buffers);
    h->bytes = refusal_make(h->x.first, engine_date(h->conn->engine)); /* nothing else is there */
    h->keep = false;
    h->lost = true;
    h->state = H1_CLOSING;
    return H1_GO;
}

static enum h1_progress refuse(struct h1 *h, unsigned status, const char *reason)
{
    if (h->state == H1_HEAD) {
        if (!take_out(h))
            return refuse_unserved(h);
        open_exchange(h);
        no_request(h);
    }
    h->keep = false;
    h->lost = true;
    stats_count(&h->conn->engine->stats, malformed);
    exchange_refuse(&h->x, status, reason);
    return H1_GO;
}

static enum h1_progress begin(struct h1 *h)
{
    struct exchange *x = &h->x;
    struct conn *c = h->conn;

    if (!take_out(h))
        return refuse_unserved(h);
    open_exchange(h);
    enum head_result r = head_request(&h->parser, buf_at(&h->in), &x->arena, &x->request, &h->info);
    if (r != HEAD_DONE)
        no_request(h);
    buf_take(&h->in, h->parser.at);
    c->reused = true;
    if (r != HEAD_DONE)
        return refuse(h, h->parser.status, h->parser.reason);
    stats_count(&c->engine->stats, requests);
    x->version_minor = h->info.minor;
    head_init(&h->parser);
    body_init(&h->body, &h->info, (uint64_t)limits_of(h)->body);
    h->keep = h->info.keep_alive;
    h->expect = h->info.expect_continue && !body_ended(&h->body);
    h->body_since = h->body_waited = 0;
    h->body_came = 0;
    exchange_begin(x);
    return H1_GO;
}

static enum h1_progress close_now(struct h1 *h)
{
    if (h->cut != NULL) /* not a proper end */
        conn_abort(h->conn);
    else
        conn_close(h->conn);
    return H1_GONE;
}

/* Nothing of a request is here: the connection gives everything back and waits. */
static enum h1_progress idle(struct h1 *h)
{
    struct conn *c = h->conn;

    if (h->eof)
        return close_now(h);
    h1_give(h);
    conn_set_wait(c, c->state == CONN_DRAINING ? CONN_WAIT_LAST : CONN_WAIT_IDLE, false);
    return H1_GONE;
}

static enum h1_progress read_head(struct h1 *h)
{
    struct conn *c = h->conn;

    c->times = NULL;
    for (;;) {
        if (buf_len(&h->in) > 0)
            switch (head_scan(&h->parser, buf_at(&h->in), buf_len(&h->in),
                              &c->engine->config->head_limits)) {
            case HEAD_DONE:
                return begin(h);
            case HEAD_BAD:
                return refuse(h, h->parser.status, h->parser.reason);
            case HEAD_MORE:
                break;
            }
        if (h->eof || !c->readable)
            break;
        ssize_t n = fill(h);
        if (n == -ENOMEM || n == -ENOBUFS)
            return refuse(h, 503, engine_no_memory(c->engine));
        if (n == -EAGAIN)
            break;
        if (n < 0)
            return close_now(h);
    }
    int r = h1_flush(h, false);
    if (r == -EAGAIN)
        return H1_WAIT;
    if (r < 0)
        return close_now(h);
    if (buf_len(&h->in) == 0)
        return idle(h);
    if (h->eof)
        return close_now(h);
    conn_set_wait(c, CONN_WAIT_HEADER, false);
    return H1_WAIT;
}

/* ---- the exchange and after */

static enum h1_progress serve(struct h1 *h)
{
    struct conn *c = h->conn;

    if (exchange_has_reply(&h->x)) {
        /* While the worker streams out, its request body still streams in. */
        if (h->x.state == EXCHANGE_STREAMING)
            (void)exchange_input(&h->x);
        return h1_send_reply(h);
    }
    /* A step is called again for news only. A worker has its own way to say what it wants, and that
     * may be news although nothing arrived: 100 Continue, the end of the body. */
    bool arrived = (c->readable && h->turn_read < H1_TURN_BYTES) || buf_len(&h->in) > 0;
    if ((arrived || h->x.state != EXCHANGE_BODY) && exchange_input(&h->x))
        return H1_GO;
    if (c->hung_up)
        return close_now(h); /* nobody is left to answer */
    int r = h1_flush(h, false);
    return r < 0 && r != -EAGAIN ? close_now(h) : H1_WAIT;
}

static enum h1_progress after_exchange(struct h1 *h)
{
    if (!h->keep || h->lost)
        h->state = H1_CLOSING;
    else if (!body_ended(&h->body))
        h->state = H1_DISCARD;
    else
        h->state = H1_HEAD;
    return H1_GO;
}

/* What has left for the client, or stands in `out`. */
static uint64_t body_sent(const struct h1 *h)
{
    if (!h->head_emitted || h->no_body)
        return 0;
    const struct body *b = h->x.reply_body;
    return b->kind == BODY_KIND_BYTES ? b->length - h->bytes.n : h->body_sent;
}

enum h1_progress h1_reply_done(struct h1 *h)
{
    h->x.sent = body_sent(h);
    h->head_emitted = false;
    h->discarded = 0;
    if (exchange_end(&h->x, NULL))
        return after_exchange(h);
    h->state = h->keep ? H1_RELEASE : H1_CLOSING;
    return H1_GO;
}

enum h1_progress h1_abort(struct h1 *h, const char *reason)
{
    if (reason != NULL)
        exchange_note(&h->x, 0, reason);
    h->cut = reason;
    if (h->dead || buf_len(&h->out) == 0) {
        conn_abort(h->conn);
        return H1_GONE;
    }
    h->aborted = true;
    h->state = H1_CLOSING;
    return H1_GO;
}

static enum h1_progress release(struct h1 *h)
{
    int r = h1_flush(h, false);

    if ((r < 0 && r != -EAGAIN) || h->conn->hung_up)
        return close_now(h);
    return H1_WAIT;
}

static enum h1_progress discard(struct h1 *h)
{
    char drop[KIB(4)];

    for (;;) {
        ssize_t n = h1_read(&h->x, drop, sizeof drop);
        if (n == 0) {
            h->state = H1_HEAD;
            conn_set_wait(h->conn, CONN_WAIT_NONE, false);
            return H1_GO;
        }
        if (n == -EAGAIN)
            break;
        h->discarded += n > 0 ? (uint64_t)n : 0;
        if (n < 0 || h->discarded > H1_DISCARD_MAX) {
            h->keep = false;
            h->state = H1_CLOSING;
            return H1_GO;
        }
    }
    int r = h1_flush(h, false);
    if (r == 0)
        conn_set_wait(h->conn, CONN_WAIT_BODY, false);
    return r < 0 && r != -EAGAIN ? close_now(h) : H1_WAIT;
}

/*
 * Closing with unread input makes the kernel send RST, which may destroy the response on its way.
 * So unless the client itself announced the end and has sent all, it is listened to for a while.
 */
static enum h1_progress closing(struct h1 *h)
{
    struct conn *c = h->conn;
    int r = h1_flush(h, false);

    if (r == -EAGAIN)
        return H1_WAIT;
    if (h->aborted) {
        conn_abort(c);
        return H1_GONE;
    }
    if (r < 0 || h->eof)
        return close_now(h);
    if (!h->lost && !h->info.keep_alive && body_ended(&h->body) && buf_len(&h->in) == 0 &&
        !c->readable)
        return close_now(h);
    if (h->x.state == EXCHANGE_IDLE) {
        h1_give(h);
    } else {
        drop_buffers(h);
    }
    conn_linger(c);
    return H1_GONE;
}

static enum h1_progress step(struct h1 *h)
{
    if (h->dead)
        return close_now(h);
    switch (h->state) {
    case H1_HEAD:
        return read_head(h);
    case H1_EXCHANGE:
        return serve(h);
    case H1_RELEASE:
        return release(h);
    case H1_DISCARD:
        return discard(h);
    case H1_CLOSING:
        return closing(h);
    }
    check_never("a state of h1");
    return H1_WAIT;
}

/* ---- the proto's functions */

/* There is no memory even to look at what has arrived. */
static void refuse_unread(struct conn *c)
{
    char buf[REFUSAL_MAX];
    struct str text = refusal_make(buf, engine_date(c->engine));
    struct iovec iov = { (void *)text.p, text.n };

    stats_count(&c->engine->stats, refused_buffers);
    if (conn_sendv(c, &iov, 1, false) != (ssize_t)text.n)
        conn_close(c);
    else
        conn_linger(c);
}

static void h1_run(struct conn *c)
{
    struct h1 *h = c->proto_data;

    if (h == NULL) {
        if (!c->readable)
            return; /* idle, and only output became possible */
        h = h1_take(c);
        if (h == NULL) {
            refuse_unread(c);
            return;
        }
    }
    check_magic(h, H1_MAGIC);
    if (h->running)
        return; /* the loop below will see it */
    h->running = true;
    c->engine->current = c;
    h->turn_bytes = h->turn_read = 0;
    for (unsigned steps = 0;; steps++) {
        enum h1_progress p = step(h);
        if (p == H1_GONE)
            break;
        if (p == H1_WAIT || steps == H1_TURN_STEPS) {
            h->running = false;
            if (p == H1_WAIT)
                give_buffers_back(h);
            else /* others are waiting too */
                conn_again(c);
            break;
        }
    }
    c->engine->current = NULL;
}

static void h1_timeout(struct conn *c)
{
    struct h1 *h = c->proto_data;
    enum conn_wait wait = c->wait;

    c->wait = CONN_WAIT_NONE;
    if (h == NULL || wait == CONN_WAIT_IDLE || wait == CONN_WAIT_LAST) {
        conn_close(c);
    } else if (wait == CONN_WAIT_WRITE) {
        h->cut = c->too_slow ? "write_rate" : "write_timeout";
        conn_abort(c);
    } else if (wait == CONN_WAIT_HEADER && take_out(h)) {
        refuse(h, 408, "header_timeout"); /* which runs it */
    } else if (wait == CONN_WAIT_HEADER) {
        refuse_unserved(h);
        h1_run(c);
    } else {
        stats_count(&c->engine->stats, discard_timeouts);
        h->keep = false;
        h->state = H1_CLOSING;
        h1_run(c);
    }
}

static void h1_drain(struct conn *c)
{
    if (c->state != CONN_OPEN)
        return;
    c->state = CONN_DRAINING;
    /* An idle one may have a request that has arrived and not been read: look before closing. */
    if (c->proto_data == NULL)
        c->readable = true;
    h1_run(c);
}

static bool h1_closed(struct conn *c)
{
    struct h1 *h = c->proto_data;

    if (h == NULL)
        return true;
    if (h->cut == NULL)
        h->cut = c->engine->cutting ? "drain_over" : "client_left";
    /* What stands in `out` is lost; framing that stands there counts as body. */
    h->x.sent = body_sent(h);
    h->x.sent -= min_of(h->x.sent, (uint64_t)buf_len(&h->out));
    drop_buffers(h);
    h->bytes = STR_EMPTY;
    if (!exchange_end(&h->x, h->cut))
        return false;
    h1_give(h);
    return true;
}

static void h1_ready(struct exchange *x)
{
    if (x->conn->state == CONN_OPEN || x->conn->state == CONN_DRAINING)
        h1_run(x->conn);
}

static void h1_released(struct exchange *x)
{
    struct h1 *h = container_of(x, struct h1, x);
    struct conn *c = h->conn;

    switch (c->state) {
    case CONN_CLOSED:
        h1_give(h);
        conn_released(c);
        break;
    case CONN_LINGER:
        h1_give(h);
        break;
    default:
        if (h->state == H1_RELEASE)
            after_exchange(h);
        h1_run(c);
    }
}

static void h1_describe(const struct conn *c, char *buf, size_t n)
{
    static const char *const names[] = { "reading a head", "serving", "waiting for a worker",
                                         "discarding a body", "closing" };
    const struct h1 *h = c->proto_data;

    if (h == NULL)
        snprintf(buf, n, "idle");
    else if (h->state == H1_EXCHANGE && h->x.route != NULL)
        snprintf(buf, n, "serving %.*s for route %.*s (%s)",
                 str_fmt(str_head(h->x.request.target, 100)), str_fmt(h->x.route->name),
                 exchange_state_name(h->x.state));
    else
        snprintf(buf, n, "%s", names[h->state]);
}

const struct proto h1_proto = {
    .name = "http/1",
    .run = h1_run,
    .timeout = h1_timeout,
    .drain = h1_drain,
    .closed = h1_closed,
    .ready = h1_ready,
    .read = h1_read,
    .want_body = h1_want_body,
    .released = h1_released,
    .describe = h1_describe,
};
