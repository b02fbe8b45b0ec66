/*
 * wire.h - both directions of a connection as a test sees them afterwards: the bytes that were
 * sent, split into requests by the same parsers the server has, but all at once and without any
 * flow; and the bytes that came back, split into responses by a strict parser of its own. Memory is
 * the arena's. One thread.
 */
#ifndef TESTS_SUPPORT_SERVER_WIRE_H
#define TESTS_SUPPORT_SERVER_WIRE_H

#include "config/config.h"

enum asked_state {
    ASKED_WHOLE,    /* head and body */
    ASKED_HEAD,     /* the head; the body is not complete */
    ASKED_BAD_BODY, /* the head; the body is malformed or too long */
    ASKED_BAD_HEAD, /* refused with `status` */
    ASKED_PART,     /* the begin of a head */
};

struct asked {
    enum asked_state state;
    unsigned status;        /* ASKED_BAD_HEAD */
    struct request request; /* but for ASKED_BAD_HEAD, ASKED_PART */
    bool head_asked; /* as far as one can see, also of a refused head: no body in the answer */
    struct head_info info;
    struct str body; /* what is there of it, decoded */
};

/* At most `max`, of which only the last can be another than ASKED_WHOLE; how many. */
size_t wire_split(struct str bytes, const struct config *config, struct arena *arena,
                  struct asked *asked, size_t max);

enum reply_result {
    REPLY_WHOLE,
    REPLY_CUT, /* it is not all there */
    REPLY_BAD, /* it is no response */
};

struct reply {
    unsigned status;
    bool close;       /* nothing may follow */
    bool until_close; /* the body has no other end, so it never is known to be whole */
    struct str head;
    struct str body; /* decoded, what is there */
};

/* Takes one response off the front, interim ones before it included. `head` says that it answers a
 * HEAD request. */
enum reply_result wire_reply(struct str *bytes, bool head, struct arena *arena, struct reply *ret);
/* The value of a field of the head, or {NULL, 0}. */
struct str wire_field(const struct reply *r, struct str name);

#endif
