/*
 * ask.h - a request as the command line spells it, made into bytes and read by the server's own
 * parser, so that normal form and refusals are the server's. The thread of main().
 */
#ifndef MUXD_COMMAND_ASK_H
#define MUXD_COMMAND_ASK_H

#include "http/head.h"

struct ask {
    struct request request; /* unless refused */
    unsigned status;        /* not 0: refused, */
    const char *reason;     /* for that */
    struct str host;        /* as it is sent; {NULL, 0}: none is */
};

/*
 * `url`: "http://HOST/PATH" or "https://...", "/PATH", "*" with OPTIONS, "HOST:PORT" with CONNECT.
 * Each of `fields` is "Name: value"; a Host among them takes the place of the URL's. Without either
 * it is a request of HTTP/1.0. NULL: *ret is filled; or what is wrong with the command line.
 */
const char *ask_make(struct ask *ret, struct str method, struct str url, const char *const *fields,
                     size_t n_fields, const struct head_limits *limits, struct arena *arena);

#endif
