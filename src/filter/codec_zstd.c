/*
 * codec_zstd.c - the coding zstd by libzstd (RFC 8878). Its stable interface takes no allocator, so
 * a bound is charged. The thread of the state's owner.
 */
#include "config.h"
#ifdef HAVE_ZSTD
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "filter/codec.h"

#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 16
#define TABLE_LOG_MAX 15 /* of the hash tables */

struct zstd {
    ZSTD_CCtx *context;
    struct budget *memory;
    size_t charged;
};

static void zstd_free(void *state)
{
    struct zstd *z = state;

    if (z == NULL)
        return;
    ZSTD_freeCCtx(z->context);
    budget_give(z->memory, z->charged);
    codec_unalloc(z->memory, z);
}

/* By measuring, at every level: codec_test.c. */
static size_t memory_bound(int window_log)
{
    return KIB(96) + ((size_t)11 << window_log);
}

static void *zstd_new(unsigned level, uint64_t size, struct budget *memory)
{
    struct zstd *z = codec_alloc(memory, sizeof *z);
    int log = WINDOW_LOG_MAX;

    if (z == NULL)
        return NULL;
    while (log > WINDOW_LOG_MIN && size <= UINT64_C(1) << (log - 1))
        log--;
    *z = (struct zstd){ .memory = memory, .charged = memory_bound(log) };
    if (!budget_take(memory, z->charged)) {
        codec_unalloc(memory, z);
        return NULL;
    }
    z->context = ZSTD_createCCtx();
    if (z->context == NULL) {
        zstd_free(z);
        return NULL;
    }
    int table_log = (int)min_of(log, TABLE_LOG_MAX);
    ZSTD_CCtx_setParameter(z->context, ZSTD_c_compressionLevel, (int)level);
    ZSTD_CCtx_setParameter(z->context, ZSTD_c_windowLog, log);
    ZSTD_CCtx_setParameter(z->context, ZSTD_c_hashLog, table_log);
    ZSTD_CCtx_setParameter(z->context, ZSTD_c_chainLog, table_log);
    return z;
}

static int zstd_run(void *state, struct codec_io *io, enum codec_how how)
{
    static const ZSTD_EndDirective directive[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
    struct zstd *z = state;
    ZSTD_inBuffer in = { io->in, io->in_n, 0 };
    ZSTD_outBuffer out = { io->out, io->out_n, 0 };

    size_t left = ZSTD_compressStream2(z->context, &out, &in, directive[how]);
    io->in += in.pos;
    io->in_n -= in.pos;
    io->out += out.pos;
    io->out_n -= out.pos;
    if (ZSTD_isError(left))
        return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? -ENOMEM : -EIO;
    return how == CODEC_MORE ? io->in_n == 0 : left == 0;
}

extern const struct codec codec_zstd;
const struct codec codec_zstd = {
    .name = "zstd", .new = zstd_new, .run = zstd_run, .free = zstd_free
};
#endif
