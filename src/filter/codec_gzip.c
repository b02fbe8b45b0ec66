/*
 * codec_gzip.c - the coding gzip by zlib (RFC 1952). The window is no larger than what is
 * compressed. The thread of the state's owner.
 */
#include "config.h"
#ifdef HAVE_ZLIB
#include <errno.h>
#include <zlib.h>

#include "filter/codec.h"

#define WINDOW_BITS_MIN 9
#define GZIP_FRAME 16 /* to be added to the bits of the window: gzip's head and trailer */

struct gzip {
    z_stream z;
    struct budget *memory;
};

static voidpf take(voidpf memory, uInt items, uInt size)
{
    return codec_alloc(memory, (size_t)items * size);
}

static void give(voidpf memory, voidpf p)
{
    codec_unalloc(memory, p);
}

static void *gzip_new(unsigned level, uint64_t size, struct budget *memory)
{
    struct gzip *g = codec_alloc(memory, sizeof *g);
    int bits = MAX_WBITS;

    if (g == NULL)
        return NULL;
    while (bits > WINDOW_BITS_MIN && size <= UINT64_C(1) << (bits - 1))
        bits--;
    *g =
        (struct gzip){ .z = { .zalloc = take, .zfree = give, .opaque = memory }, .memory = memory };
    /* The hash table follows the window: memLevel 8 with 15 bits, zlib's default. */
    if (deflateInit2(&g->z, (int)level, Z_DEFLATED, bits + GZIP_FRAME, bits - 7,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        codec_unalloc(memory, g);
        return NULL;
    }
    return g;
}

static int gzip_run(void *state, struct codec_io *io, enum codec_how how)
{
    static const int flush[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
    struct gzip *g = state;
    uInt in_n = (uInt)min_of(io->in_n, (size_t)UINT_MAX);
    uInt out_n = (uInt)min_of(io->out_n, (size_t)UINT_MAX);

    g->z.next_in = (Bytef *)io->in;
    g->z.avail_in = in_n;
    g->z.next_out = (Bytef *)io->out;
    g->z.avail_out = out_n;
    int r = deflate(&g->z, flush[how]);
    if (r == Z_STREAM_ERROR)
        return -EIO;
    io->in += in_n - g->z.avail_in;
    io->in_n -= in_n - g->z.avail_in;
    io->out += out_n - g->z.avail_out;
    io->out_n -= out_n - g->z.avail_out;
    if (how == CODEC_END)
        return r == Z_STREAM_END;
    return io->in_n == 0 && g->z.avail_out > 0;
}

static void gzip_free(void *state)
{
    struct gzip *g = state;

    if (g == NULL)
        return;
    deflateEnd(&g->z);
    codec_unalloc(g->memory, g);
}

extern const struct codec codec_gzip;
const struct codec codec_gzip = {
    .name = "gzip", .new = gzip_new, .run = gzip_run, .free = gzip_free
};
#endif
