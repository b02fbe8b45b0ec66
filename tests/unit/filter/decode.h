/* decode.h - reads what a codec made, by the library's own decoder. One thread. */
#ifndef MUXD_TESTS_DECODE_H
#define MUXD_TESTS_DECODE_H

#include <errno.h>

#include "base/buf.h"
#include "base/check.h"
#include "config.h"
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_BROTLI
#include <brotli/decode.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define DECODE_PIECE KIB(16)

#ifdef HAVE_ZLIB
static int decode_gzip(struct str in, struct buf *out)
{
    z_stream z = { .next_in = (Bytef *)in.p, .avail_in = (uInt)in.n };
    int r;

    check(inflateInit2(&z, MAX_WBITS + 16) == Z_OK);
    do {
        check(buf_room(out, DECODE_PIECE) == 0);
        z.next_out = (Bytef *)buf_tail(out);
        z.avail_out = DECODE_PIECE;
        r = inflate(&z, Z_NO_FLUSH);
        buf_added(out, DECODE_PIECE - z.avail_out);
    } while (r == Z_OK && z.avail_out == 0);
    inflateEnd(&z);
    if (r == Z_STREAM_END)
        return z.avail_in == 0 ? 0 : -EINVAL;
    return r == Z_OK || r == Z_BUF_ERROR ? -EAGAIN : -EINVAL;
}
#endif

#ifdef HAVE_BROTLI
static int decode_br(struct str in, struct buf *out)
{
    BrotliDecoderState *d = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const uint8_t *next_in = (const uint8_t *)in.p;
    BrotliDecoderResult r;

    check(d != NULL);
    do {
        check(buf_room(out, DECODE_PIECE) == 0);
        uint8_t *next_out = (uint8_t *)buf_tail(out);
        size_t room = DECODE_PIECE;
        r = BrotliDecoderDecompressStream(d, &in.n, &next_in, &room, &next_out, NULL);
        buf_added(out, DECODE_PIECE - room);
    } while (r == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT || BrotliDecoderHasMoreOutput(d));
    BrotliDecoderDestroyInstance(d);
    if (r == BROTLI_DECODER_RESULT_SUCCESS)
        return in.n == 0 ? 0 : -EINVAL;
    return r == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT ? -EAGAIN : -EINVAL;
}
#endif

#ifdef HAVE_ZSTD
static int decode_zstd(struct str in, struct buf *out)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer from = { in.p, in.n, 0 };
    bool full;
    size_t r;

    check(d != NULL);
    do {
        check(buf_room(out, DECODE_PIECE) == 0);
        ZSTD_outBuffer to = { buf_tail(out), DECODE_PIECE, 0 };
        r = ZSTD_decompressStream(d, &to, &from);
        buf_added(out, to.pos);
        full = to.pos == DECODE_PIECE;
    } while (!ZSTD_isError(r) && r > 0 && (full || from.pos < from.size));
    ZSTD_freeDCtx(d);
    if (ZSTD_isError(r))
        return -EINVAL;
    if (r == 0)
        return from.pos == from.size ? 0 : -EINVAL;
    return -EAGAIN;
}
#endif

/* Adds what `in`, of the content coding `name`, stands for, as far as it can be told. 0: it is
 * whole, and nothing follows; -EAGAIN: more must follow; -EINVAL: it is broken. A coding without a
 * decoder is a failed check(). */
static int decode(const char *name, struct str in, struct buf *out)
{
#ifdef HAVE_ZLIB
    if (strcmp(name, "gzip") == 0)
        return decode_gzip(in, out);
#endif
#ifdef HAVE_BROTLI
    if (strcmp(name, "br") == 0)
        return decode_br(in, out);
#endif
#ifdef HAVE_ZSTD
    if (strcmp(name, "zstd") == 0)
        return decode_zstd(in, out);
#endif
    (void)name, (void)in, (void)out;
    check_never("a content coding without a decoder");
    return -EINVAL;
}

#endif
