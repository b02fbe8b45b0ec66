/*
 * precondition.h - conditional requests for a stored representation (RFC 9110 section 13), GET and
 * HEAD. Pure; any thread.
 */
#ifndef MUXD_HANDLER_PRECONDITION_H
#define MUXD_HANDLER_PRECONDITION_H

#include "http/request.h"

struct validators {
    struct str etag;  /* strong, with its quotes */
    int64_t modified; /* seconds since 1970, not after `now` */
    int64_t now;
};

enum precondition {
    PRECONDITION_HOLDS,  /* answer as if the request were unconditional */
    PRECONDITION_FAILED, /* answer 412 */
    PRECONDITION_SAME,   /* answer 304 */
};

/* If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, in the order of section 13.2.2.
 */
enum precondition precondition_of(const struct request *r, const struct validators *v);

/* The Range field of a request whose precondition holds, if it has one and If-Range lets it count;
 * or NULL. */
const struct field *precondition_range(const struct request *r, const struct validators *v);

#endif
