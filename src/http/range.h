/* range.h - the Range field for bytes (RFC 9110 section 14.1.2, 14.2). Pure. */
#ifndef MUXD_HTTP_RANGE_H
#define MUXD_HTTP_RANGE_H

#include "base/str.h"

struct range {
    uint64_t first, length; /* length > 0, first + length <= size */
};
enum range_result {
    RANGE_IGNORE, /* not bytes, malformed, or several ranges: answer 200 with the whole */
    RANGE_ONE,    /* answer 206 with *ret */
    RANGE_NONE,   /* no byte of it exists: answer 416 */
};
enum range_result range_parse(struct str value, uint64_t size, struct range *ret);

#endif
