/* range.h - the Range field for bytes (RFC 9110 section 14.1.2, 14.2). Pure; any thread. */
#ifndef MUXD_HTTP_RANGE_H
#define MUXD_HTTP_RANGE_H

#include "base/str.h"

#define RANGES_MAX 16       /* that are answered */
#define RANGES_ASKED_MAX 64 /* that are read, those that cannot be satisfied too */
#define RANGE_GAP 80 /* bytes; less than that between two is sent sooner than a part's head */

struct range {
    uint64_t first, length; /* length > 0, first + length <= size */
};

/* No two overlap, so that together they are no longer than the body. */
struct ranges {
    size_t n; /* at least 1 */
    struct range v[RANGES_MAX];
};

enum range_result {
    RANGE_IGNORE, /* answer 200 with the whole, as if there were no such field */
    RANGE_SOME,   /* answer 206 with *ret: one range, or a part for each */
    RANGE_NONE,   /* no byte of it exists: answer 416 */
};

/*
 * What `value` asks of a body of `size` bytes. A range that does not reach into it is left out. If
 * two overlap, touch or are less than RANGE_GAP apart, all such are made one, and the ranges
 * ascend; else they are in the order that was asked for (section 15.3.7.2).
 *
 * Ignored, as section 14.2 leaves to the server: another unit, what is malformed, over
 * RANGES_ASKED_MAX ranges or over RANGES_MAX in the end, and ranges that ask for more bytes than
 * there are: an attack, or a client that is better off with the whole. So is a suffix of an empty
 * body: it can be satisfied, but no Content-Range says so.
 */
enum range_result range_parse(struct str value, uint64_t size, struct ranges *ret);

#endif
