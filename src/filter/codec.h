/*
 * codec.h - compression of a stream of bytes. Each content coding is one file, codec_NAME.c, that
 * alone knows its library and may be left out of a build.
 *
 * A state belongs to one thread at a time, which need not always be the same. Its memory is charged
 * to a budget: all of it where the library takes an allocator, a bound where it does not. Windows
 * are small, and smaller where little is compressed, so a state takes no more than
 *
 *             of 16 KiB   of any size
 *   gzip      140 KiB     270 KiB
 *   br        1.8 MiB     2.7 MiB     (level 5: 1.0 and 1.9 MiB)
 *   zstd      280 KiB     810 KiB
 */
#ifndef MUXD_FILTER_CODEC_H
#define MUXD_FILTER_CODEC_H

#include "base/budget.h"
#include "base/str.h"

#define CODEC_LEVEL_MAX 9 /* from 1 on; each library's own level of that number */
#define CODEC_SIZE_UNKNOWN UINT64_MAX

enum codec_how {
    CODEC_MORE,  /* more input follows */
    CODEC_FLUSH, /* all that was taken so far can be read by who decodes */
    CODEC_END,   /* no input follows */
};

/* Where input and output stand; run() moves both. */
struct codec_io {
    const char *in;
    size_t in_n;
    char *out;
    size_t out_n;
};

struct codec {
    const char *name; /* the content coding */
    /* `size`: of all that will be compressed, or CODEC_SIZE_UNKNOWN. NULL: no memory, or past the
     * budget, which may be NULL and lives longer. */
    void *(*new)(unsigned level, uint64_t size, struct budget *memory);
    /* 1: all input is taken, and done what `how` asks; 0: the output is full, go on with the same
     * `how`; -ENOMEM; -EIO: the library is at fault. After an error the state may only be freed. */
    int (*run)(void *state, struct codec_io *io, enum codec_how how);
    void (*free)(void *state); /* takes NULL */
};

/* Of all codecs that there are, most wanted first; NULL-terminated. */
extern const char *const codec_names[];
/* NULL: there is none of that name, or it is not built in. */
const struct codec *codec_find(struct str name);

/* For the codecs: malloc() charged to a budget. */
void *codec_alloc(struct budget *memory, size_t n);
void codec_unalloc(struct budget *memory, void *p);

#endif
