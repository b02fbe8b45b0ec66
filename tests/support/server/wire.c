/* wire.c - see wire.h. */
#include "tests/support/server/wire.h"

#include <stdlib.h>
#include <string.h>

#include "http/body.h"

/* ---- requests */

/* The decoded body from bytes[0..n); *ret_used counts what belongs to it. */
static enum asked_state split_body(struct body_reader *reader, struct str in, struct arena *arena,
                                   struct str *ret, size_t *ret_used)
{
    char *body = arena_alloc(arena, in.n + 1);
    size_t len = 0, at = 0;

    if (body == NULL)
        abort();
    *ret_used = 0;
    for (;;) {
        size_t used = 0;
        struct str data;
        enum body_result r = BODY_MORE;
        *ret = str_make(body, len);
        if (body_ended(reader))
            return ASKED_WHOLE;
        if (at < in.n)
            r = body_next(reader, in.p + at, in.n - at, SIZE_MAX, &used, &data);
        at += used;
        *ret_used = at;
        if (r == BODY_BAD)
            return ASKED_BAD_BODY;
        if (r == BODY_MORE)
            return ASKED_HEAD;
        if (r == BODY_DATA) {
            memcpy(body + len, data.p, data.n);
            len += data.n;
        }
    }
}

static size_t split_one(struct str in, const struct config *config, struct arena *arena,
                        struct asked *a)
{
    struct head_parser parser;
    struct body_reader reader;
    size_t used;

    *a = (struct asked){ .state = ASKED_PART };
    head_init(&parser);
    enum head_result r = head_scan(&parser, in.p, in.n, &config->head_limits);
    a->head_asked = str_starts(str_from(in, parser.start), STR("HEAD "));
    if (r == HEAD_MORE)
        return in.n;
    if (r == HEAD_DONE)
        r = head_request(&parser, in.p, arena, &a->request, &a->info);
    if (r == HEAD_BAD) {
        a->state = ASKED_BAD_HEAD;
        a->status = parser.status;
        return in.n;
    }
    body_init(&reader, &a->info, (uint64_t)config->limits.body);
    a->state = split_body(&reader, str_from(in, parser.at), arena, &a->body, &used);
    return parser.at + used;
}

size_t wire_split(struct str bytes, const struct config *config, struct arena *arena,
                  struct asked *asked, size_t max)
{
    size_t n = 0;

    while (bytes.n > 0 && n < max) {
        size_t used = split_one(bytes, config, arena, &asked[n]);
        if (asked[n++].state != ASKED_WHOLE)
            break;
        bytes = str_from(bytes, used);
    }
    return n;
}

/* ---- responses */

/* A line without its CRLF, taken off the front; false: there is none. */
static bool take_line(struct str *bytes, struct str *ret)
{
    const char *end = bytes->n > 0 ? memmem(bytes->p, bytes->n, "\r\n", 2) : NULL;

    if (end == NULL)
        return false;
    *ret = str_make(bytes->p, (size_t)(end - bytes->p));
    *bytes = str_from(*bytes, ret->n + 2);
    return true;
}

struct str wire_field(const struct reply *r, struct str name)
{
    struct str rest = r->head, line;

    while (take_line(&rest, &line)) {
        size_t colon = str_chr(line, ':');
        if (colon < line.n && str_ieq(str_head(line, colon), name))
            return str_trim(str_from(line, colon + 1));
    }
    return STR_EMPTY;
}

static bool is_field_line(struct str line)
{
    size_t colon = str_chr(line, ':');

    if (colon == 0 || colon == line.n)
        return false;
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t')
            return false;
    return str_chr(str_head(line, colon), ' ') == colon;
}

/* The status line and the fields. */
static enum reply_result take_head(struct str *bytes, struct reply *r)
{
    const char *begin = bytes->p;
    struct str line;
    uint64_t status;

    if (!take_line(bytes, &line))
        return REPLY_CUT;
    if (!str_starts(line, STR("HTTP/1.1 ")) || line.n < 13 || line.p[12] != ' ' ||
        str_u64(str_make(line.p + 9, 3), &status) < 0 || status < 100 || status > 599)
        return REPLY_BAD;
    r->status = (unsigned)status;
    r->head = str_make(bytes->p, 0);
    do {
        if (!take_line(bytes, &line))
            return REPLY_CUT;
        if (line.n > 0 && !is_field_line(line))
            return REPLY_BAD;
    } while (line.n > 0);
    r->head.n = (size_t)(bytes->p - r->head.p);
    return bytes->p > begin ? REPLY_WHOLE : REPLY_BAD;
}

/* One chunk behind body[0..*len). REPLY_WHOLE: it was the last. */
static enum reply_result take_chunk(struct str *bytes, char *body, size_t *len, bool *ret_more)
{
    struct str line;
    size_t size = 0;

    *ret_more = false;
    if (!take_line(bytes, &line))
        return REPLY_CUT;
    if (line.n == 0 || line.n > 15)
        return REPLY_BAD;
    for (size_t i = 0; i < line.n; i++) {
        int digit = ascii_hex((unsigned char)line.p[i]);
        if (digit < 0)
            return REPLY_BAD;
        size = size << 4 | (size_t)digit;
    }
    size_t there = min_of(size, bytes->n);
    if (there > 0)
        memcpy(body + *len, bytes->p, there);
    *len += there;
    *bytes = str_from(*bytes, there);
    if (bytes->n < 2)
        return there == size && (bytes->n == 0 || bytes->p[0] == '\r') ? REPLY_CUT
               : there < size                                          ? REPLY_CUT
                                                                       : REPLY_BAD;
    if (memcmp(bytes->p, "\r\n", 2) != 0)
        return REPLY_BAD;
    *bytes = str_from(*bytes, 2);
    *ret_more = size > 0;
    return REPLY_WHOLE;
}

static enum reply_result take_chunks(struct str *bytes, struct arena *arena, struct reply *r)
{
    char *body = arena_alloc(arena, bytes->n + 1);
    enum reply_result result;
    bool more;

    if (body == NULL)
        abort();
    r->body = str_make(body, 0);
    do
        result = take_chunk(bytes, body, &r->body.n, &more);
    while (more);
    return result;
}

enum reply_result wire_reply(struct str *bytes, bool head, struct arena *arena, struct reply *ret)
{
    enum reply_result r;
    uint64_t length;

    do {
        *ret = (struct reply){ .status = 0 };
        r = take_head(bytes, ret);
        if (r != REPLY_WHOLE)
            return r;
    } while (ret->status < 200);
    struct str coding = wire_field(ret, STR("Transfer-Encoding"));
    struct str said = wire_field(ret, STR("Content-Length"));
    ret->close = str_ieq(wire_field(ret, STR("Connection")), STR("close"));
    if (wire_field(ret, STR("Date")).n != 29 || (coding.n > 0 && said.n > 0))
        return REPLY_BAD;
    if (ret->status == 204 || ret->status == 304)
        return coding.n + said.n > 0 && ret->status == 204 ? REPLY_BAD : REPLY_WHOLE;
    if (head)
        return REPLY_WHOLE;
    if (coding.n > 0)
        return str_eq(coding, STR("chunked")) ? take_chunks(bytes, arena, ret) : REPLY_BAD;
    if (said.n == 0) {
        ret->until_close = true;
        ret->body = *bytes;
        *bytes = str_from(*bytes, bytes->n);
        return ret->close ? REPLY_WHOLE : REPLY_BAD;
    }
    if (str_u64(said, &length) < 0)
        return REPLY_BAD;
    ret->body = str_head(*bytes, (size_t)length);
    *bytes = str_from(*bytes, ret->body.n);
    return ret->body.n == length ? REPLY_WHOLE : REPLY_CUT;
}
