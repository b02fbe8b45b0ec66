/*
 * h1_out.c - HTTP/1 responses: head, framing, and the four kinds of body, with back-pressure. Small
 * bodies are copied behind their head in `out`; larger bytes go out beside it in one sendv, files
 * a piece at a time, large ones by sendfile where that may be, sources a buffer at a time. The
 * engine's loop only.
 */
#include <errno.h>

#include "base/check.h"
#include "http/emit.h"
#include "server/engine.h"
#include "server/filebody.h"
#include "server/h1.h"

#define PULL_MIN 1024                           /* less room than this is flushed first */
#define CHUNK_OVERHEAD (EMIT_CHUNK_MAX + 2 + 5) /* size line, CRLF, and the last chunk */

bool h1_needs_out(const struct h1 *h)
{
    if (h->state != H1_EXCHANGE)
        return false;
    if (!h->head_emitted)
        return true;
    switch (h->x.reply_body->kind) {
    case BODY_KIND_SOURCE:
        return true;
    default:
        return false;
    }
}

/* The transport takes no more. As h1_flush(). */
static int blocked(struct h1 *h, bool progress)
{
    if (conn_wait_write(h->conn, progress))
        return -EAGAIN;
    stats_count(&h->conn->engine->stats, timeouts);
    h->cut = "write_rate";
    h->dead = true;
    return -ETIMEDOUT;
}

int h1_flush(struct h1 *h, bool more)
{
    struct conn *c = h->conn;
    bool progress = false;

    while (buf_len(&h->out) > 0 || h->bytes.n > 0) {
        struct iovec iov[2];
        int n_iov = 0;
        if (buf_len(&h->out) > 0)
            iov[n_iov++] = (struct iovec){ buf_at(&h->out), buf_len(&h->out) };
        if (h->bytes.n > 0)
            iov[n_iov++] =
                (struct iovec){ (void *)h->bytes.p, min_of(h->bytes.n, (size_t)TRANSPORT_PIECE) };
        ssize_t n = c->writable ? conn_sendv(c, iov, n_iov, more) : -EAGAIN;
        if (n == -EAGAIN)
            return blocked(h, progress);
        if (n < 0) {
            h->dead = true;
            return (int)n;
        }
        progress = true;
        h->turn_bytes += (size_t)n;
        size_t of_out = min_of((size_t)n, buf_len(&h->out));
        buf_take(&h->out, of_out);
        h->bytes = str_from(h->bytes, (size_t)n - of_out);
    }
    if (c->wait == CONN_WAIT_WRITE)
        conn_set_wait(c, CONN_WAIT_NONE, false);
    return 0;
}

/* The outcome of a flush that has to be complete before going on. */
static enum h1_progress flushed(struct h1 *h, int r)
{
    if (r == 0)
        return H1_GO;
    return r == -EAGAIN ? H1_WAIT : h1_abort(h, h->cut);
}

/* Whether the connection can carry another request after this response. */
static bool can_keep(const struct h1 *h, bool delimited)
{
    const struct body_reader *b = &h->body;

    if (h->x.reply->status == 408) /* RFC 9110 section 15.5.9 */
        return false;
    if (!h->keep || h->lost || h->expect || !delimited || h->x.state == EXCHANGE_ABANDONED ||
        h->x.body_timed_out || h->conn->state == CONN_DRAINING)
        return false;
    if (b->status != 0) /* too large, or malformed: what follows it cannot be found */
        return false;
    return body_ended(b) || b->framing != FRAMING_LENGTH ||
           b->left <= min_of((uint64_t)H1_DISCARD_MAX, h->x.body_max);
}

static enum h1_progress emit(struct h1 *h)
{
    const struct response *res = h->x.reply;
    const struct body *body = h->x.reply_body;
    bool known = body->kind == BODY_KIND_NONE || body->length != BODY_LENGTH_UNKNOWN;
    struct response_framing f =
        framing_of_response(res->status, h->x.request.method == METHOD_HEAD, known, h->info.minor);
    struct emit how = { .framing = f.framing, .date = engine_date(h->conn->engine) };

    if (f.framing == FRAMING_LENGTH && body->kind != BODY_KIND_NONE)
        how.length = body->length;
    h->chunked = f.framing == FRAMING_CHUNKED;
    h->until_close = f.framing == FRAMING_CLOSE;
    h->no_body = !f.body;
    h->keep = can_keep(h, f.framing != FRAMING_CLOSE);
    how.close = !h->keep;
    how.keep_alive = h->keep && h->info.minor == 0;

    size_t size = emit_head_size(res);
    if (size > buf_tail_room(&h->out)) {
        enum h1_progress p = flushed(h, h1_flush(h, false));
        if (p != H1_GO)
            return p;
        int r = buf_room(&h->out, size);
        if (r < 0)
            return h1_abort(h,
                            r == -ENOBUFS ? "head_too_large" : engine_no_memory(h->conn->engine));
    }
    buf_added(&h->out, emit_head(buf_tail(&h->out), res, &how));
    h->head_emitted = true;
    h->x.status = res->status;
    h->body_sent = 0;
    h->body_left = how.length;
    if (!h->no_body && body->kind == BODY_KIND_BYTES)
        h->bytes = body->bytes;
    return H1_GO;
}

static enum h1_progress send_bytes(struct h1 *h)
{
    if (h->bytes.n > 0 && h->bytes.n <= buf_tail_room(&h->out)) {
        check(buf_add_str(&h->out, h->bytes) == 0);
        h->bytes = STR_EMPTY;
    }
    enum h1_progress p = h->bytes.n == 0 ? H1_GO : flushed(h, h1_flush(h, false));
    return p == H1_GO ? h1_reply_done(h) : p;
}

/* Why a body ends before its end. */
static const char *cut_reason(const struct h1 *h, ssize_t error)
{
    switch (-error) {
    case ENODATA:
        return "file_shrank";
    case ESTALE:
        return "file_changed";
    case ETIMEDOUT:
        return "body_stalled";
    default:
        return h->x.reply_body->kind == BODY_KIND_PARTS ? "file_error" : "body_cut_short";
    }
}

/* The body has nothing to give just now: what is there leaves. */
static enum h1_progress starved(struct h1 *h)
{
    int r = h1_flush(h, false);

    if ((r < 0 && r != -EAGAIN) || h->conn->hung_up)
        return h1_abort(h, h->cut);
    return H1_WAIT;
}

static void body_gone(struct h1 *h, size_t n)
{
    h->body_left -= n;
    h->body_sent += n;
}

/* A piece of a file, or what stands before it, that fits in `out`, or beside it in one sendv: then
 * what the client does not take is read again when it does. */
static enum h1_progress copy_piece(struct h1 *h)
{
    struct body *body = h->x.reply_body;
    bool fits = filebody_piece(body) <= buf_tail_room(&h->out);
    char beside[TRANSPORT_PIECE];

    if (!fits && !h->conn->writable)
        return flushed(h, blocked(h, false));
    ssize_t n = exchange_pull(&h->x, fits ? buf_tail(&h->out) : beside,
                              fits ? buf_tail_room(&h->out) : sizeof beside);
    if (n == -EAGAIN)
        return starved(h);
    if (n <= 0)
        return h1_abort(h, cut_reason(h, n));
    if (fits) {
        buf_added(&h->out, (size_t)n);
        body_gone(h, (size_t)n);
        return H1_GO;
    }
    h->bytes = str_make(beside, (size_t)n);
    int r = h1_flush(h, h->body_left > (uint64_t)n);
    filebody_back(body, h->bytes.n);
    body_gone(h, (size_t)n - h->bytes.n);
    h->bytes = STR_EMPTY;
    return flushed(h, r);
}

static bool client_failed(int error)
{
    return error == -EPIPE || error == -ECONNRESET || error == -ETIMEDOUT;
}

static enum h1_progress send_piece(struct h1 *h)
{
    struct body *body = h->x.reply_body;
    off_t offset;

    if (!h->conn->writable)
        return flushed(h, blocked(h, false));
    size_t sendable = filebody_sendable(&h->x, body, &offset);
    if (sendable == 0)
        return copy_piece(h);
    enum h1_progress p = flushed(h, h1_flush(h, true));
    if (p != H1_GO)
        return p;
    ssize_t n = conn_sendfile(h->conn, body->file->fd, &offset, sendable);
    if (n == -EAGAIN)
        return flushed(h, blocked(h, false));
    if (n <= 0)
        return h1_abort(h, n == 0 ? "file_shrank" : client_failed((int)n) ? NULL : "file_error");
    if (h->conn->wait == CONN_WAIT_WRITE)
        conn_set_wait(h->conn, CONN_WAIT_NONE, false);
    h->turn_bytes += (size_t)n;
    body_gone(h, (size_t)n);
    int r = filebody_sent(&h->x, body, (size_t)n);
    return r < 0 ? h1_abort(h, cut_reason(h, r)) : H1_GO;
}

static enum h1_progress send_parts(struct h1 *h)
{
    while (h->body_left > 0) {
        if (h->turn_bytes >= H1_TURN_BYTES) {
            conn_again(h->conn);
            return H1_WAIT;
        }
        bool large = filebody_piece(h->x.reply_body) > FILEBODY_COPY;
        enum h1_progress p =
            large && h->conn->transport->sendfile != NULL ? send_piece(h) : copy_piece(h);
        if (p != H1_GO || h->state != H1_EXCHANGE) /* it was cut */
            return p;
    }
    return h1_reply_done(h);
}

static size_t hex_digits(size_t n)
{
    size_t digits = 1;

    while (n >>= 4)
        digits++;
    return digits;
}

/* Pulls a piece into `out`, framed. As source.pull. */
static ssize_t pull_piece(struct h1 *h)
{
    size_t room = buf_tail_room(&h->out);
    char *tail = buf_tail(&h->out);
    char line[EMIT_CHUNK_MAX];

    if (!h->chunked) {
        if (h->x.reply_body->length != BODY_LENGTH_UNKNOWN)
            room = (size_t)min_of((uint64_t)room, h->body_left);
        ssize_t n = exchange_pull(&h->x, tail, room);
        if (n > 0)
            buf_added(&h->out, (size_t)n);
        return n;
    }
    room -= CHUNK_OVERHEAD;
    size_t reserved = hex_digits(room) + 2;
    ssize_t n = exchange_pull(&h->x, tail + reserved, room);
    if (n <= 0)
        return n;
    size_t line_len = emit_chunk_size(line, (uint64_t)n);
    if (line_len != reserved)
        memmove(tail + line_len, tail + reserved, (size_t)n);
    memcpy(tail, line, line_len);
    memcpy(tail + line_len + n, "\r\n", 2);
    buf_added(&h->out, line_len + (size_t)n + 2);
    return n;
}

static enum h1_progress send_source(struct h1 *h)
{
    bool bounded = h->x.reply_body->length != BODY_LENGTH_UNKNOWN;

    for (;;) {
        if (bounded && h->body_left == 0)
            return h1_reply_done(h);
        if (buf_tail_room(&h->out) < PULL_MIN + CHUNK_OVERHEAD) {
            enum h1_progress p = flushed(h, h1_flush(h, false));
            if (p != H1_GO)
                return p;
            if (buf_room(&h->out, PULL_MIN + CHUNK_OVERHEAD) < 0)
                return h1_abort(h, "no_memory");
        }
        if (h->turn_bytes >= H1_TURN_BYTES) {
            conn_again(h->conn);
            return H1_WAIT;
        }
        ssize_t n = pull_piece(h);
        if (n == -EAGAIN)
            return starved(h);
        if (n < 0 || (n == 0 && bounded))
            return h1_abort(h, cut_reason(h, n));
        if (n == 0) {
            if (h->chunked)
                check(buf_add_str(&h->out, STR("0\r\n\r\n")) == 0);
            return h1_reply_done(h);
        }
        h->body_left -= bounded ? (uint64_t)n : 0;
        h->body_sent += (uint64_t)n;
    }
}

enum h1_progress h1_send_reply(struct h1 *h)
{
    if (!h->head_emitted) {
        enum h1_progress p = emit(h);
        if (p != H1_GO)
            return p;
    }
    if (h->no_body)
        return h1_reply_done(h);
    switch (h->x.reply_body->kind) {
    case BODY_KIND_NONE:
        return h1_reply_done(h);
    case BODY_KIND_BYTES:
        return send_bytes(h);
    case BODY_KIND_PARTS:
        return send_parts(h);
    case BODY_KIND_SOURCE:
        return send_source(h);
    }
    check_never("a kind of body");
    return h1_abort(h, "bug");
}
