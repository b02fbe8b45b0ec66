/*
 * emit.c - see emit.h. A response head is a few copies into memory that is known to suffice:
 * emit_head_size() bounds what emit_head() writes, so no write is checked. Pure; any thread.
 */
#include "http/emit.h"

#include "base/check.h"
#include "http/date.h"

#define LITERAL_LEN(s) (sizeof(s) - 1)
#define UNREGISTERED "HTTP/1.1 000 \r\n"
#define DATE "Date: "
#define LENGTH "Content-Length: "
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define CLOSE "Connection: close\r\n"
#define KEEP_ALIVE "Connection: keep-alive\r\n"
#define DECIMAL_MAX LITERAL_LEN("18446744073709551615")

/* All that is not the status line and the response's own fields. */
#define FRAME_MAX                                                                                  \
    (LITERAL_LEN(DATE "\r\n") + HTTP_DATE_LEN + LITERAL_LEN(LENGTH "\r\n") + DECIMAL_MAX +         \
     LITERAL_LEN(KEEP_ALIVE) + LITERAL_LEN("\r\n"))
_Static_assert(LITERAL_LEN(CHUNKED) <= LITERAL_LEN(LENGTH "\r\n") + DECIMAL_MAX, "FRAME_MAX");
_Static_assert(LITERAL_LEN(CLOSE) <= LITERAL_LEN(KEEP_ALIVE), "FRAME_MAX");

static char *put(char *out, const char *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}
#define put_literal(out, s) put(out, s, LITERAL_LEN(s))

static char *put_str(char *out, struct str s)
{
    return s.n ? put(out, s.p, s.n) : out;
}

static char *put_decimal(char *out, uint64_t v)
{
    char digits[DECIMAL_MAX];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    return put(out, digits + at, sizeof digits - at);
}

static char *put_status_line(char *out, unsigned code)
{
    struct str line = status_line(code);

    if (line.n)
        return put_str(out, line);
    check(code >= 100 && code <= 999);
    put_literal(out, UNREGISTERED);
    put_decimal(out + LITERAL_LEN("HTTP/1.1 "), code);
    return out + LITERAL_LEN(UNREGISTERED);
}

size_t emit_head_size(const struct response *r)
{
    size_t n = max_of(status_line(r->status).n, LITERAL_LEN(UNREGISTERED)) + FRAME_MAX;

    for (size_t i = 0; i < r->n_fields; i++)
        n += r->fields[i].name.n + r->fields[i].value.n + LITERAL_LEN(": \r\n");
    return n;
}

size_t emit_head(char *out, const struct response *r, const struct emit *how)
{
    char *at = put_status_line(out, r->status);

    if (how->date) {
        at = put_literal(at, DATE);
        at = put(at, how->date, HTTP_DATE_LEN);
        at = put_literal(at, "\r\n");
    }
    if (how->framing == FRAMING_LENGTH) {
        at = put_literal(at, LENGTH);
        at = put_decimal(at, how->length);
        at = put_literal(at, "\r\n");
    } else if (how->framing == FRAMING_CHUNKED) {
        at = put_literal(at, CHUNKED);
    }
    for (size_t i = 0; i < r->n_fields; i++) {
        at = put_str(at, r->fields[i].name);
        at = put_literal(at, ": ");
        at = put_str(at, r->fields[i].value);
        at = put_literal(at, "\r\n");
    }
    if (how->close)
        at = put_literal(at, CLOSE);
    else if (how->keep_alive)
        at = put_literal(at, KEEP_ALIVE);
    at = put_literal(at, "\r\n");
    return (size_t)(at - out);
}

size_t emit_chunk_size(char *out, uint64_t n)
{
    unsigned digits = 1;

    for (uint64_t v = n >> 4; v != 0; v >>= 4)
        digits++;
    for (unsigned i = digits; i-- > 0; n >>= 4)
        out[i] = "0123456789abcdef"[n & 15];
    memcpy(out + digits, "\r\n", 2);
    return digits + 2;
}
