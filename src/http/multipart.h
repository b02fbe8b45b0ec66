/* multipart.h - the body of a 206 with several ranges: what stands around the parts (RFC 9110
 * section 14.6, RFC 2046 section 5.1). Pure; any thread. */
#ifndef MUXD_HTTP_MULTIPART_H
#define MUXD_HTTP_MULTIPART_H

#include "base/arena.h"
#include "http/range.h"

/* The body is text[0], the first range, text[1], the second range, ..., text[n], for n ranges. */
struct multipart {
    struct str type; /* of the answer: multipart/byteranges and its boundary */
    struct str text[RANGES_MAX + 1];
    uint64_t length; /* of the whole body, the bytes of the ranges too */
};

/*
 * For ranges of a body of `size` bytes and of that `type`, which is empty or fit for a field. The
 * text is the arena's.
 *
 * The boundary is made of `seed`. It has to be another than those of other answers, so that one of
 * them that was stored as a file is not cut in the wrong place: the time in ns will do. It need not
 * be a secret: Content-Range says how long each part is, and who put it into a file on purpose
 * could forge no more than parts of the file that is his own work.
 *
 * 0; -ENOMEM; -EOVERFLOW: the body is over UINT64_MAX bytes long, with which no file comes near.
 */
int multipart_init(struct multipart *m, struct arena *arena, const struct ranges *r,
                   struct str type, uint64_t size, uint64_t seed) MUST_USE;

#endif
