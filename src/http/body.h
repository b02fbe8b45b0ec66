/*
 * body.h - decodes a request body by its framing (RFC 9112 sections 6 and 7). In place: it
 * says which slice of the input is body and how much of the input is used up. Strict: a chunk
 * size is hex digits only, extensions and trailers must be well formed and are bounded.
 * Pure; the owner's thread.
 */
#ifndef MUXD_HTTP_BODY_H
#define MUXD_HTTP_BODY_H

#include "http/head.h"

struct body_reader {
    enum framing framing;
    uint64_t left;  /* of the length, or of the current chunk */
    uint64_t total; /* body bytes handed out so far */
    uint64_t max;   /* more than this: 413 */
    unsigned state;
    unsigned line;     /* bytes of the current chunk size, extension or trailer name */
    unsigned overhead; /* bytes of extensions in the body so far; then of trailers */
    unsigned n_trailers;
    unsigned forbidden; /* bit set: which forbidden names the trailer's may still become */
    unsigned status;    /* BODY_BAD: 400, 413 */
    const char *reason;
};

enum body_result {
    BODY_MORE, /* all input used, more is needed */
    BODY_DATA, /* *ret_data is a non-empty slice of the input */
    BODY_END,  /* the body is complete */
    BODY_BAD,  /* b->status, b->reason; the connection's framing is lost */
};

/* BODY_LENGTH over `max` is seen by the first body_next(). */
void body_init(struct body_reader *b, const struct head_info *info, uint64_t max);

/* Looks at in[0..n), sets *ret_used to the bytes it is done with (data included). To be called
 * again with the rest. At most `limit` bytes of data in one slice; limit > 0. */
enum body_result body_next(struct body_reader *b, const char *in, size_t n, size_t limit,
                           size_t *ret_used, struct str *ret_data);

static inline bool body_ended(const struct body_reader *b);

/* For a length-framed body whose bytes were received elsewhere (straight into the reader's
 * buffer): `n` more of them are done. n <= b->left. */
void body_skip(struct body_reader *b, uint64_t n);

#define BODY_STATE_END 0u
static inline bool body_ended(const struct body_reader *b)
{
    return b->state == BODY_STATE_END;
}

#endif
