/*
 * codec_br.c - the coding br by libbrotlienc (RFC 7932). The thread of the state's owner.
 *
 * The library ends the process when an allocator says NULL, so that is jumped out of. It keeps
 * nothing but memory: what it had taken is known here, and given back without its help.
 */
#include "config.h"
#ifdef HAVE_BROTLI
#include <brotli/encode.h>
#include <errno.h>
#include <setjmp.h>

#include "base/list.h"
#include "filter/codec.h"

/* Larger ones need up to 35 MiB and make nothing much smaller. */
#define WINDOW_BITS_MAX 16
#define BLOCK_BITS_MAX 16

struct br {
    BrotliEncoderState *encoder;
    struct budget *memory;
    struct list taken; /* of struct block */
    jmp_buf no_memory; /* set whenever the library is called */
};

struct block {
    struct list link;
    max_align_t bytes[];
};

static void *take(void *arg, size_t n)
{
    struct br *b = arg;
    struct block *block = codec_alloc(b->memory, sizeof *block + n);

    if (block == NULL)
        longjmp(b->no_memory, 1);
    list_push_front(&b->taken, &block->link);
    return block->bytes;
}

static void give_block(struct br *b, struct block *block)
{
    list_remove(&block->link);
    codec_unalloc(b->memory, block);
}

static void give(void *arg, void *p)
{
    if (p != NULL)
        give_block(arg, container_of(p, struct block, bytes));
}

static void br_free(void *state)
{
    struct br *b = state;

    if (b == NULL)
        return;
    while (!list_empty(&b->taken))
        give_block(b, container_of(b->taken.next, struct block, link));
    codec_unalloc(b->memory, b);
}

static void *br_new(unsigned level, uint64_t size, struct budget *memory)
{
    struct br *b = codec_alloc(memory, sizeof *b);
    uint32_t bits = WINDOW_BITS_MAX;

    if (b == NULL)
        return NULL;
    b->memory = memory;
    list_init(&b->taken);
    if (setjmp(b->no_memory) != 0) {
        br_free(b);
        return NULL;
    }
    b->encoder = BrotliEncoderCreateInstance(take, give, b);
    while (bits > BROTLI_MIN_WINDOW_BITS && size <= UINT64_C(1) << (bits - 1))
        bits--;
    BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_QUALITY, level);
    BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_LGWIN, bits);
    BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_LGBLOCK, BLOCK_BITS_MAX);
    if (size < UINT32_MAX)
        BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_SIZE_HINT, (uint32_t)size);
    return b;
}

static int br_run(void *state, struct codec_io *io, enum codec_how how)
{
    static const BrotliEncoderOperation operation[] = {
        BROTLI_OPERATION_PROCESS,
        BROTLI_OPERATION_FLUSH,
        BROTLI_OPERATION_FINISH,
    };
    struct br *b = state;

    if (setjmp(b->no_memory) != 0)
        return -ENOMEM;
    if (!BrotliEncoderCompressStream(b->encoder, operation[how], &io->in_n,
                                     (const uint8_t **)&io->in, &io->out_n, (uint8_t **)&io->out,
                                     NULL))
        return -EIO;
    if (io->in_n > 0 || BrotliEncoderHasMoreOutput(b->encoder))
        return 0;
    return how != CODEC_END || BrotliEncoderIsFinished(b->encoder);
}

extern const struct codec codec_br;
const struct codec codec_br = { .name = "br", .new = br_new, .run = br_run, .free = br_free };
#endif
