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

#define RAW_MAX 256 /* of a refused request line, for the log */

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

static void h1_give(struct h1 *h)
{
    struct engine *e = h->conn->engine;

    h1_drop_buffers(h);
    h->conn->proto_data = NULL;
    h->conn->times = NULL;
    h->conn = NULL;
    engine_h1_give(e, h);
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
        if (!h1_take_out(h))
            return refuse_unserved(h);
        open_exchange(h);
        no_request(h);
    }
    h->keep = false;
    h->lost = true;
    if (status < 500 || status == 501 || status == 505)
        stats_count(&h->conn->engine->stats, malformed);
    else
        stats_count(&h->conn->engine->stats, refused_buffers);
    exchange_refuse(&h->x, status, reason);
    return H1_GO;
}

static enum h1_progress begin(struct h1 *h)
{
    struct exchange *x = &h->x;
    struct conn *c = h->conn;

    if (!h1_take_out(h))
        return refuse_unserved(h);
    open_exchange(h);
    enum head_result r = head_request(&h->parser, buf_at(&h->in), &x->arena, &x->request, &h->info);
    if (r != HEAD_DONE)
        no_request(h);
    buf_take(&h->in, h->parser.at);
    c->reused = true;
    if (r != HEAD_DONE)
        return refuse(h, h->parser.status,
                      h->parser.status == 503 ? engine_no_memory(c->engine) : h->parser.reason);
    stats_count(&c->engine->stats, requests);
    x->version_minor = h->info.minor;
    head_init(&h->parser);
    body_init(&h->body, &h->info, UINT64_MAX); /* routing tells the bound: h1_read() */
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

static void wait_for_request(struct conn *c)
{
    conn_set_wait(c, c->state == CONN_DRAINING ? CONN_WAIT_LAST : CONN_WAIT_IDLE, false);
}

/* Nothing of a request is here: the connection gives everything back and waits. */
static enum h1_progress idle(struct h1 *h)
{
    struct conn *c = h->conn;

    if (h->eof)
        return close_now(h);
    h1_give(h);
    wait_for_request(c);
    return H1_GONE;
}

/* There is no memory to look at what has arrived, but only something can be refused. What is
 * dropped here would be dropped behind the refusal. As conn_recv(). */
static ssize_t drop_some(struct conn *c)
{
    char drop[KIB(4)];

    return conn_recv(c, drop, sizeof drop);
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
        ssize_t n = h1_fill(h);
        if (n == -ENOMEM || n == -ENOBUFS) {
            n = buf_len(&h->in) > 0 ? 1 : drop_some(c);
            if (n > 0)
                return refuse(h, 503, engine_no_memory(c->engine));
            h->eof = n == 0;
        }
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
    bool arrived = h->turn_read < H1_TURN_BYTES && (c->readable || buf_len(&h->in) > 0);
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

/* Nobody will get the rest. As exchange_end(). */
static bool end_early(struct h1 *h)
{
    if (h->cut == NULL)
        h->cut = h->conn->engine->cutting ? "drain_over" : "client_left";
    /* What stands in `out` is lost; framing that stands there counts as body. */
    h->x.sent = body_sent(h);
    h->x.sent -= min_of(h->x.sent, (uint64_t)buf_len(&h->out));
    h1_drop_buffers(h);
    h->bytes = STR_EMPTY;
    return exchange_end(&h->x, h->cut);
}

/* A reset would destroy answers to earlier requests that are still on their way; a message that
 * tells its end needs none to be seen as cut. */
static enum h1_progress cut_now(struct h1 *h)
{
    struct conn *c = h->conn;

    if (h->dead || h->until_close) {
        conn_abort(c);
        return H1_GONE;
    }
    stats_count(&c->engine->stats, aborted);
    c->cut_short = true;
    if (end_early(h))
        h1_give(h);
    conn_linger(c);
    return H1_GONE;
}

enum h1_progress h1_abort(struct h1 *h, const char *reason)
{
    if (reason != NULL)
        exchange_note(&h->x, 0, reason);
    h->cut = reason;
    if (h->dead || buf_len(&h->out) == 0)
        return cut_now(h);
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
    if (h->aborted)
        return cut_now(h);
    if (r < 0 || h->eof)
        return close_now(h);
    if (!h->lost && !h->info.keep_alive && body_ended(&h->body) && buf_len(&h->in) == 0 &&
        !c->readable)
        return close_now(h);
    if (h->x.state == EXCHANGE_IDLE) {
        h1_give(h);
    } else {
        h1_drop_buffers(h);
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

/* As read_head(), without an h1. */
static void refuse_unread(struct conn *c)
{
    char buf[REFUSAL_MAX];
    struct str text = refusal_make(buf, engine_date(c->engine));
    struct iovec iov = { (void *)text.p, text.n };
    ssize_t n = drop_some(c);

    if (n == -EAGAIN) {
        wait_for_request(c);
        return;
    }
    if (n <= 0) {
        conn_close(c);
        return;
    }
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
                h1_give_buffers_back(h);
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

    conn_set_wait(c, CONN_WAIT_NONE, false);
    if (h == NULL || wait == CONN_WAIT_IDLE || wait == CONN_WAIT_LAST) {
        conn_close(c);
    } else if (wait == CONN_WAIT_WRITE) {
        if (h->cut == NULL)
            h->cut = c->too_slow ? "write_rate" : "write_timeout";
        if (h->x.state == EXCHANGE_IDLE) /* it is in no access log */
            stats_count(&c->engine->stats, untaken);
        else
            exchange_note(&h->x, 0, h->cut);
        conn_abort(c);
    } else if (wait == CONN_WAIT_HEADER && h1_take_out(h)) {
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
    if (!end_early(h))
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
