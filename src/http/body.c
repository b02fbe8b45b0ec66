/*
 * body.c - see body.h. Chunk framing is read a byte at a time by a state machine (step()); data
 * passes in slices. What step() decides depends on its state and the byte alone, so the outcome
 * does not depend on how the input is cut. No white space is tolerated around chunk extensions.
 *
 * Trailers are validated as fields and dropped: nothing that comes behind the body may change
 * what the request meant. Pure; the owner's thread.
 */
#include "http/body.h"

#include "base/check.h"
#include "http/chars.h"

#define SIZE_DIGITS 16         /* of a chunk size */
#define EXTENSION_MAX 256      /* bytes of extensions of one chunk */
#define EXTENSIONS_MAX KIB(16) /* and of a body: they cost work and carry nothing */
#define TRAILERS_MAX 64
#define TRAILER_BYTES_MAX KIB(8)

enum {
    AT_END = BODY_STATE_END,
    AT_REFUSED,
    AT_LENGTH,  /* in a body of known length */
    AT_DATA,    /* in the data of a chunk */
    AT_DATA_CR, /* behind it */
    AT_DATA_LF,
    AT_SIZE,      /* in a chunk size */
    AT_SIZE_LF,   /* at the end of its line */
    AT_EXT_BEGIN, /* behind ';' */
    AT_EXT_NAME,
    AT_EXT_VALUE, /* behind '=' */
    AT_EXT_TOKEN,
    AT_EXT_QUOTED,  /* inside quotes */
    AT_EXT_ESCAPED, /* behind a backslash there */
    AT_EXT_CLOSED,  /* behind the closing quote */
    AT_TRAILER,     /* where a trailer line or the final CRLF begins */
    AT_NAME,
    AT_VALUE,
    AT_VALUE_LF,
    AT_END_LF,
};

/* Names that would frame or route the message (RFC 9110 section 6.5.1). */
static const struct str forbidden[] = { { "content-length", 14 },
                                        { "host", 4 },
                                        { "transfer-encoding", 17 } };
#define FORBIDDEN_ALL ((1u << array_len(forbidden)) - 1)

static bool refuse(struct body_reader *b, unsigned status, const char *reason)
{
    b->state = AT_REFUSED;
    b->status = status;
    b->reason = reason;
    return false;
}

/* Line ends of the wrong kind have reasons of their own, whatever they stand in. */
static bool refuse_byte(struct body_reader *b, unsigned char c, const char *reason)
{
    return refuse(b, 400, c == '\n' ? "bare_lf" : reason);
}

static void expect(struct body_reader *b, unsigned state)
{
    b->state = state;
    b->line = 0;
}

static bool expect_lf(struct body_reader *b, unsigned char c, unsigned next)
{
    if (c != '\n')
        return refuse(b, 400, "bare_cr");
    expect(b, next);
    return true;
}

void body_init(struct body_reader *b, const struct head_info *info, uint64_t max)
{
    *b = (struct body_reader){ .framing = info->framing, .max = max, .state = AT_END };
    if (info->framing == FRAMING_CHUNKED) {
        b->state = AT_SIZE;
    } else if (info->framing == FRAMING_LENGTH && info->length > max) {
        refuse(b, 413, "body_too_large");
    } else if (info->framing == FRAMING_LENGTH && info->length > 0) {
        b->left = info->length;
        b->state = AT_LENGTH;
    }
}

static bool step_size(struct body_reader *b, unsigned char c)
{
    int digit = ascii_hex(c);

    if (digit >= 0) {
        if (++b->line > SIZE_DIGITS)
            return refuse(b, 400, "chunk_size_overflow");
        b->left = b->left << 4 | (unsigned)digit;
        return true;
    }
    if (b->line == 0 || (c != '\r' && c != ';'))
        return refuse_byte(b, c, "chunk_size_malformed");
    if (b->left > b->max - b->total)
        return refuse(b, 413, "body_too_large");
    expect(b, c == ';' ? AT_EXT_BEGIN : AT_SIZE_LF);
    b->line = c == ';';
    b->overhead += c == ';';
    return true;
}

/* The grammar without its "bad" white space: *( ";" token [ "=" ( token / quoted-string ) ] ) */
static bool step_extension(struct body_reader *b, unsigned char c)
{
    const unsigned class = http_chars[c];

    if (c != '\r' && (++b->line > EXTENSION_MAX || ++b->overhead > EXTENSIONS_MAX))
        return refuse(b, 400, "chunk_extension_too_long");
    switch (b->state) {
    case AT_EXT_QUOTED:
        if (c == '"')
            b->state = AT_EXT_CLOSED;
        else if (c == '\\')
            b->state = AT_EXT_ESCAPED;
        else if (!(class & CHAR_QUOTED))
            break;
        return true;
    case AT_EXT_ESCAPED:
        if (!(class & CHAR_VALUE))
            break;
        b->state = AT_EXT_QUOTED;
        return true;
    case AT_EXT_BEGIN:
    case AT_EXT_VALUE:
        if (c == '"' && b->state == AT_EXT_VALUE)
            b->state = AT_EXT_QUOTED;
        else if (class & CHAR_TOKEN)
            b->state = b->state == AT_EXT_BEGIN ? AT_EXT_NAME : AT_EXT_TOKEN;
        else
            break;
        return true;
    default: /* AT_EXT_NAME, AT_EXT_TOKEN, AT_EXT_CLOSED: the extension may end here */
        if (c == '\r')
            expect(b, AT_SIZE_LF);
        else if (c == ';')
            b->state = AT_EXT_BEGIN;
        else if (c == '=' && b->state == AT_EXT_NAME)
            b->state = AT_EXT_VALUE;
        else if (b->state == AT_EXT_CLOSED || !(class & CHAR_TOKEN))
            break;
        return true;
    }
    return refuse_byte(b, c, "chunk_extension_malformed");
}

static bool step_trailer_name(struct body_reader *b, unsigned char c)
{
    if (c == ':' && b->line > 0) {
        for (unsigned i = 0; i < array_len(forbidden); i++)
            if ((b->forbidden >> i & 1) && forbidden[i].n == b->line)
                return refuse(b, 400, "trailer_forbidden");
        b->state = AT_VALUE;
        return true;
    }
    if (!(http_chars[c] & CHAR_TOKEN))
        return refuse_byte(b, c, "trailer_malformed");
    for (unsigned i = 0; i < array_len(forbidden); i++)
        if (b->line >= forbidden[i].n || ascii_lower(c) != (unsigned char)forbidden[i].p[b->line])
            b->forbidden &= ~(1u << i);
    b->line++;
    return true;
}

static bool step_trailer(struct body_reader *b, unsigned char c)
{
    if (++b->overhead > TRAILER_BYTES_MAX)
        return refuse(b, 400, "trailer_too_large");
    switch (b->state) {
    case AT_TRAILER:
        if (c == '\r') {
            expect(b, AT_END_LF);
            return true;
        }
        if (++b->n_trailers > TRAILERS_MAX)
            return refuse(b, 400, "too_many_trailers");
        expect(b, AT_NAME);
        b->forbidden = FORBIDDEN_ALL;
        return step_trailer_name(b, c);
    case AT_NAME:
        return step_trailer_name(b, c);
    default: /* AT_VALUE */
        if (c == '\r')
            expect(b, AT_VALUE_LF);
        else if (!(http_chars[c] & CHAR_VALUE))
            return refuse_byte(b, c, "trailer_malformed");
        return true;
    }
}

/* One byte of chunk framing; false: refused. */
static bool step(struct body_reader *b, unsigned char c)
{
    switch (b->state) {
    case AT_SIZE:
        return step_size(b, c);
    case AT_SIZE_LF:
        if (!expect_lf(b, c, b->left > 0 ? AT_DATA : AT_TRAILER))
            return false;
        if (b->state == AT_TRAILER)
            b->overhead = 0;
        return true;
    case AT_DATA_CR:
        if (c != '\r')
            return refuse_byte(b, c, "chunk_end_malformed");
        expect(b, AT_DATA_LF);
        return true;
    case AT_DATA_LF:
        return expect_lf(b, c, AT_SIZE);
    case AT_VALUE_LF:
        return expect_lf(b, c, AT_TRAILER);
    case AT_END_LF:
        return expect_lf(b, c, AT_END);
    case AT_TRAILER:
    case AT_NAME:
    case AT_VALUE:
        return step_trailer(b, c);
    default:
        return step_extension(b, c);
    }
}

/* `n` bytes of data are done. */
static void passed(struct body_reader *b, uint64_t n)
{
    b->left -= n;
    b->total += n;
    if (b->left == 0)
        expect(b, b->state == AT_LENGTH ? AT_END : AT_DATA_CR);
}

enum body_result body_next(struct body_reader *b, const char *in, size_t n, size_t limit,
                           size_t *ret_used, struct str *ret_data)
{
    size_t at = 0;

    check(limit > 0);
    *ret_data = STR_EMPTY;
    while (at < n && b->state > AT_DATA)
        if (!step(b, (unsigned char)in[at++]))
            break;
    *ret_used = at;
    if (b->state == AT_REFUSED)
        return BODY_BAD;
    if (b->state == AT_END)
        return BODY_END;
    if (at == n)
        return BODY_MORE;

    size_t take = min_of(n - at, limit);
    take = b->left < take ? (size_t)b->left : take;
    *ret_data = str_make(in + at, take);
    *ret_used = at + take;
    passed(b, take);
    return BODY_DATA;
}

void body_skip(struct body_reader *b, uint64_t n)
{
    if (n == 0)
        return;
    check(b->state == AT_LENGTH && n <= b->left);
    passed(b, n);
}
