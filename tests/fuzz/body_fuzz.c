/*
 * body_fuzz.c - a body decodes to the same bytes, however its input and its output are cut; and to
 * those of a reference that reads the grammar of RFC 9112 section 7.1 from the top down and stops
 * at the first byte that cannot follow.
 */
#include <setjmp.h>
#include <stdlib.h>

#include "http/body.h"
#include "tests/support/server/require.h"

#define INPUT_MAX KIB(32)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum body_result result;
    size_t used, n;
    uint64_t total;
    unsigned status;
    const char *reason;
    char bytes[INPUT_MAX];
};

/* ---- the reference */

static struct {
    const char *in;
    size_t n, at;
    uint64_t max;
    size_t of_chunk, of_body; /* bytes of extensions */
    size_t of_trailers, n_trailers;
    struct outcome *o;
    jmp_buf stop;
} ref;

static void stop(enum body_result result, unsigned status)
{
    ref.o->result = result;
    ref.o->status = status;
    longjmp(ref.stop, 1);
}

/* The next byte, which stays there; without one the outcome is "more". */
static int peek(void)
{
    if (ref.at == ref.n)
        stop(BODY_MORE, 0);
    return (unsigned char)ref.in[ref.at];
}

/* Takes it; if it may not be there, that is where the outcome is known. */
static int take(bool allowed)
{
    int c = peek();

    ref.at++;
    if (!allowed)
        stop(BODY_BAD, 400);
    return c;
}

static void take_crlf(void)
{
    take(peek() == '\r');
    take(peek() == '\n');
}

static bool is_token_char(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c > 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* HTAB, SP, VCHAR, obs-text */
static bool is_text(int c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* A byte of an extension; what is over the bound is refused whatever it is. */
static void take_of_extension(bool allowed)
{
    ref.of_chunk++;
    ref.of_body++;
    take(allowed && ref.of_chunk <= 256 && ref.of_body <= KIB(16));
}

static void take_extension_token(void)
{
    take_of_extension(is_token_char(peek()));
    while (is_token_char(peek()))
        take_of_extension(true);
}

/* *( ";" token [ "=" ( token / quoted-string ) ] ) */
static void take_extensions(void)
{
    ref.of_chunk = 0;
    while (peek() != '\r') {
        take_of_extension(peek() == ';');
        take_extension_token();
        if (peek() != '=')
            continue;
        take_of_extension(true);
        if (peek() != '"') {
            take_extension_token();
            continue;
        }
        take_of_extension(true);
        while (peek() != '"') {
            if (peek() == '\\')
                take_of_extension(true);
            take_of_extension(is_text(peek()));
        }
        take_of_extension(true);
    }
}

/* ";" or CR ends it, and then the sum is judged. */
static uint64_t take_size(void)
{
    uint64_t size = 0;
    size_t digits = 0;

    while (peek() != ';' && peek() != '\r') {
        int digit = ascii_hex((unsigned char)peek());
        take(digit >= 0 && ++digits <= 16);
        size = size * 16 + (unsigned)digit;
    }
    if (digits == 0)
        take(false);
    if (size > ref.max - ref.o->total) {
        ref.at++;
        stop(BODY_BAD, 413);
    }
    return size;
}

static void take_data(uint64_t size)
{
    size_t there = (size_t)min_of(size, (uint64_t)(ref.n - ref.at));

    memcpy(ref.o->bytes + ref.o->n, ref.in + ref.at, there);
    ref.o->n += there;
    ref.o->total += there;
    ref.at += there;
    if (there < size)
        stop(BODY_MORE, 0);
}

static bool may_not_be_there(struct str name)
{
    return str_ieq(name, STR("content-length")) || str_ieq(name, STR("transfer-encoding")) ||
           str_ieq(name, STR("host"));
}

static void take_of_trailer(bool allowed)
{
    ref.of_trailers++;
    take(allowed && ref.of_trailers <= KIB(8));
}

static void take_trailers(void)
{
    while (peek() != '\r') {
        size_t begin = ref.at;
        take_of_trailer(is_token_char(peek()) && ++ref.n_trailers <= 64);
        while (peek() != ':')
            take_of_trailer(is_token_char(peek()));
        take_of_trailer(!may_not_be_there(str_make(ref.in + begin, ref.at - begin)));
        while (peek() != '\r')
            take_of_trailer(is_text(peek()));
        take_of_trailer(true);
        take(peek() == '\n');
    }
    take_of_trailer(true);
    take(peek() == '\n');
}

static void take_chunked(void)
{
    for (;;) {
        uint64_t size = take_size();
        take_extensions();
        take_crlf();
        if (size == 0)
            break;
        take_data(size);
        take_crlf();
    }
    take_trailers();
}

static void reference(const struct head_info *info, uint64_t max, const char *in, size_t n,
                      struct outcome *o)
{
    memset(&ref, 0, offsetof(typeof(ref), stop));
    ref.in = in;
    ref.n = n;
    ref.max = max;
    ref.o = o;
    memset(o, 0, sizeof *o);
    o->result = BODY_END;
    if (setjmp(ref.stop) == 0) {
        if (info->framing == FRAMING_CHUNKED)
            take_chunked();
        else if (info->framing == FRAMING_LENGTH && info->length > max)
            stop(BODY_BAD, 413);
        else if (info->framing == FRAMING_LENGTH)
            take_data(info->length);
    }
    o->used = ref.at;
}

/* ---- the reader, however cut */

struct cuts {
    size_t step, limit; /* at most so many new bytes at a time, and so many taken; 0: by chance */
    uint32_t chance;
};

static size_t chance(struct cuts *c)
{
    c->chance = c->chance * 1664525 + 1013904223;
    return c->chance >> 27 ? c->chance >> 27 : 1;
}

static void decode(const struct head_info *info, uint64_t max, const char *in, size_t n,
                   struct cuts cuts, struct outcome *o)
{
    struct body_reader b;
    size_t have = 0;

    memset(o, 0, sizeof *o);
    body_init(&b, info, max);
    for (;;) {
        size_t used, limit = cuts.limit ? cuts.limit : chance(&cuts);
        struct str data;
        o->result = body_next(&b, in + o->used, have - o->used, limit, &used, &data);
        require(used <= have - o->used);
        require((o->result == BODY_DATA) == (data.n > 0) && data.n <= limit);
        if (data.n) {
            require(data.p >= in + o->used && data.p + data.n == in + o->used + used);
            memcpy(o->bytes + o->n, data.p, data.n);
        }
        o->n += data.n;
        o->used += used;
        require(o->n == b.total && b.total <= max);
        require((o->result == BODY_END) == body_ended(&b) || o->result == BODY_DATA);
        if (o->result == BODY_MORE) {
            require(o->used == have);
            if (have == n)
                break;
            size_t step = cuts.step ? cuts.step : chance(&cuts);
            have += min_of(step, n - have);
        } else if (o->result != BODY_DATA) {
            break;
        }
    }
    require((o->result == BODY_BAD) == (b.reason != NULL));
    o->total = b.total;
    o->status = b.status;
    o->reason = b.reason;
}

/* Only the used part of `bytes` counts: the rest was never written. */
static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->result == b->result && a->used == b->used && a->n == b->n && a->total == b->total &&
           a->status == b->status && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static void try(const struct head_info *info, uint64_t max, const char *in, size_t n)
{
    static const struct cuts all_cuts[] = {
        { 1, SIZE_MAX, 0 }, { SIZE_MAX, 1, 0 }, { 3, 2, 0 }, { 0, 0, 0 }, { 0, SIZE_MAX, 0 },
    };
    static struct outcome whole, cut, want;

    decode(info, max, in, n, (struct cuts){ SIZE_MAX, SIZE_MAX, 0 }, &whole);
    for (size_t i = 0; i < array_len(all_cuts); i++) {
        struct cuts cuts = all_cuts[i];
        for (size_t k = 0; k < n; k++)
            cuts.chance = cuts.chance * 31 + (unsigned char)in[k];
        decode(info, max, in, n, cuts, &cut);
        require(same(&whole, &cut) && whole.reason == cut.reason);
    }
    reference(info, max, in, n, &want);
    require(same(&whole, &want));
}

/* Bytes that were received elsewhere count as if they had come through here. */
static void try_skip(const char *in, size_t n)
{
    struct head_info info = { .framing = FRAMING_LENGTH, .length = 7 };
    struct body_reader b;
    struct str data;
    size_t used;

    if (n < 1)
        return;
    body_init(&b, &info, 7);
    size_t skipped = (unsigned char)in[0] % 8;
    body_skip(&b, skipped);
    enum body_result r = body_next(&b, in, n, SIZE_MAX, &used, &data);
    require(r == (skipped < 7 ? BODY_DATA : BODY_END));
    require(used == min_of(7 - skipped, n) && used == data.n && b.total == used + skipped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head_info chunked = { .framing = FRAMING_CHUNKED };
    struct head_info length = { .framing = FRAMING_LENGTH, .length = 7 };
    struct head_info none = { .framing = FRAMING_NONE };

    if (size > INPUT_MAX)
        return 0;
    char *in = calloc(1, size + !size);
    require(in != NULL);
    if (size)
        memcpy(in, data, size);
    try(&chunked, UINT64_MAX, in, size);
    try(&chunked, 10, in, size);
    try(&length, 7, in, size);
    try(&length, 6, in, size);
    try(&none, 0, in, size);
    try_skip(in, size);
    free(in);
    return 0;
}
