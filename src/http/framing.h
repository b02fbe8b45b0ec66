/*
 * framing.h - where a message ends (RFC 9112 section 6). Nothing else decides it: the parser asks
 * for each request, the writer for each response. Pure; any thread.
 */
#ifndef MUXD_HTTP_FRAMING_H
#define MUXD_HTTP_FRAMING_H

#include "http/request.h"

enum framing {
    FRAMING_NONE,    /* no body, and no field that would tell its end */
    FRAMING_LENGTH,  /* Content-Length */
    FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
    FRAMING_CLOSE,   /* the connection's end is the body's; responses only */
};

/* What all Transfer-Encoding fields of a request say, as one list. */
enum codings {
    CODINGS_ABSENT,
    CODINGS_CHUNKED,   /* "chunked", once and alone */
    CODINGS_UNKNOWN,   /* others, and then chunked */
    CODINGS_NOT_LAST,  /* chunked is not there, or something is behind it */
    CODINGS_MALFORMED, /* an element is no coding */
};

/* What its Content-Length fields say. */
enum length {
    LENGTH_ABSENT,
    LENGTH_ZERO,
    LENGTH_SOME,
    LENGTH_MALFORMED, /* anything but digits: signs, lists, blanks between */
    LENGTH_OVERFLOW,  /* more than INT64_MAX */
    LENGTH_REPEATED,  /* more than one field, even if they agree */
};

struct request_framing {
    enum framing framing;
    unsigned status;    /* refused, and the connection with it; or 0 */
    const char *reason; /* for the log */
};

/* Whether a field tells it; without one the answer is the last row of the table: none. */
static inline bool framing_is_told(const struct request *r)
{
    return r->known &
           (UINT64_C(1) << FIELD_CONTENT_LENGTH | UINT64_C(1) << FIELD_TRANSFER_ENCODING);
}

enum codings framing_codings(const struct request *r);
/* LENGTH_ZERO, LENGTH_SOME: *ret is it. */
enum length framing_length(const struct request *r, uint64_t *ret);
struct request_framing framing_of_request(unsigned minor, enum codings codings, enum length length,
                                          bool connect);

struct response_framing {
    enum framing framing; /* what its head says; not FRAMING_CLOSE: another response can follow */
    bool body;            /* the body is sent */
};

/* `minor` is the client's; `head`: the answer to HEAD; `known`: the length of the body is, an
 * absent body having length 0. */
struct response_framing framing_of_response(unsigned status, bool head, bool known, unsigned minor);

#endif
