/* status.h - status codes and their reason phrases. Constant data; any thread. */
#ifndef MUXD_HTTP_STATUS_H
#define MUXD_HTTP_STATUS_H

#include "base/str.h"

/* The reason phrase, or "" for a code not in the registry. */
struct str status_reason(unsigned code);
/* "HTTP/1.1 200 OK\r\n", ready to send; for a code without a phrase {NULL, 0}. */
struct str status_line(unsigned code);
/* 1xx, 204 and 304 never have a body (RFC 9112 section 6.3). */
static inline bool status_has_body(unsigned code)
{
    return code >= 200 && code != 204 && code != 304;
}

#endif
