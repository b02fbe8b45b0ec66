/*
 * precondition.h - conditional requests for a stored representation (RFC 9110 section 13). Pure;
 * any thread.
 */
#ifndef MUXD_HANDLER_PRECONDITION_H
#define MUXD_HANDLER_PRECONDITION_H

#include "http/request.h"

struct validators {
    struct str etag;  /* with its quotes, and "W/" before them if it is weak */
    int64_t modified; /* seconds since 1970, not after `now` */
    int64_t now;
};

enum precondition {
    PRECONDITION_HOLDS,  /* answer as if the request were unconditional */
    PRECONDITION_FAILED, /* answer 412 */
    PRECONDITION_SAME,   /* answer 304 */
};

/*
 * If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, in the order of section 13.2.2:
 * to be asked when the answer would else be 2xx (section 13.2.1). Of a list of tags that is
 * malformed what stands before that counts; a date that is none, or comes twice, is ignored.
 * PRECONDITION_SAME is for GET and HEAD alone.
 */
enum precondition precondition_of(const struct request *r, const struct validators *v);

/* The Range field of a GET whose precondition holds, if it has exactly one and If-Range lets it
 * count (sections 13.1.5, 14.2); or NULL. */
const struct field *precondition_range(const struct request *r, const struct validators *v);

#endif
