/*
 * access.h - one request as a line of the access log. Pure: no descriptor; any thread, each with a
 * clock of its own.
 */
#ifndef MUXD_HTTP_ACCESS_H
#define MUXD_HTTP_ACCESS_H

#include "base/str.h"

enum access_format {
    ACCESS_COMBINED, /* Apache's and nginx's, and behind it what muxd knows beyond */
    ACCESS_JSON,     /* an object a line */
};

/* What is empty or 0 is "-" or left out. Bytes of any kind may be in the strings: they are from
 * outside. */
struct access_record {
    int64_t time;     /* wall clock, ns */
    int64_t duration; /* ns */
    struct str peer;  /* "192.0.2.1:4711", "[::1]:4711", "unix:" */
    struct str method, target, host;
    unsigned version_minor; /* of HTTP/1, with a method */
    struct str raw;         /* instead of a method: the begin of what is no request line */
    unsigned status;        /* 0: none was sent */
    uint64_t bytes;         /* of the body that were sent */
    struct str referer, user_agent;
    struct str site, route, reason;
    struct str note; /* of the filter log */
    uint64_t id;
};

/* The second that was formatted last; zeroed: none. Times are local: tzset(3) must have been called
 * before the first thread was started. */
struct access_clock {
    int64_t second;
    char local[sizeof "21/Nov/2026:15:36:07 +0000"];
    char utc[sizeof "2026-11-21T15:36:07"];
};

/* The longest line. A string takes no more than 512 bytes of it, the target 2048; a longer one is
 * cut between two characters and ends in "...". */
#define ACCESS_LINE_MAX KIB(8)

/* Writes the line, with its line feed, to `buf` of `size` >= ACCESS_LINE_MAX bytes; returns its
 * length. */
size_t access_format(enum access_format format, const struct access_record *r,
                     struct access_clock *clock, char *buf, size_t size);

#endif
