/*
 * head.h - the incremental parser of an HTTP/1 request head (RFC 9112 sections 2, 3, 5, 6).
 *
 * One interpretation or an error: what RFC 9112 lets a server tolerate is refused here.
 * The caller keeps all bytes of the head contiguous from its first byte on, and calls
 * head_scan() with all it has each time more arrive; the parser remembers how far it looked, so
 * the work is linear however the bytes are cut, and so is the outcome: fed byte by byte it
 * gives exactly what it gives when fed whole. head_scan() finds the end and validates every
 * byte; head_request() then makes the request from a copy that the caller owns.
 *
 * Pure: no memory but the arena's, no clock, no I/O.
 */
#ifndef MUXD_HTTP_HEAD_H
#define MUXD_HTTP_HEAD_H

#include "base/arena.h"
#include "http/framing.h"

/* Bounds (muxd.conf(5), `limits`). */
struct head_limits {
    size_t request_line; /* bytes, without CRLF: 414 */
    size_t header;       /* bytes of all field lines: 431 */
    size_t fields;       /* number of field lines: 431 */
};

struct head_parser {
    size_t at;        /* bytes looked at */
    size_t line;      /* where the current line begins */
    size_t start;     /* where the request line begins: behind leading empty lines */
    size_t fields_at; /* where the first field line begins */
    size_t n_fields;
    unsigned state;
    unsigned skipped; /* empty lines before the request line */
    unsigned status;  /* the refusal, once failed */
    const char *reason;
};

enum head_result {
    HEAD_MORE, /* valid so far */
    HEAD_DONE, /* complete; p->at bytes belong to it */
    HEAD_BAD,  /* refused: p->status and p->reason */
};

/* What only the protocol needs to know. */
struct head_info {
    unsigned minor;       /* HTTP/1.minor, 0 or 1; a higher minor counts as 1 */
    enum framing framing; /* of the body */
    uint64_t length;      /* FRAMING_LENGTH */
    bool keep_alive;      /* the client's side of persistence (RFC 9112 section 9.3) */
    bool expect_continue;
    bool upgrade; /* Connection: upgrade with an Upgrade field */
};

void head_init(struct head_parser *p);

/* `bytes[0..n)` is everything received from the first byte of the head on. One empty line (CRLF)
 * before the request line is skipped (RFC 9112 section 2.2). Refused with 400; 501 for an endless
 * method; 505 for a version but HTTP/1.x, as soon as its line is there; 414 and 431 by `limits`. */
enum head_result head_scan(struct head_parser *p, const char *bytes, size_t n,
                           const struct head_limits *limits);

/*
 * Makes the request from the bytes that head_scan() accepted (p->at of them), which are copied
 * into `arena` first: nothing in *ret_request points at `bytes`. HEAD_DONE, or HEAD_BAD with
 * p->status and p->reason set (400 for semantics: Host, framing, target; 501 for a coding not
 * known; 417; 503 with reason "no_memory" if the arena is full).
 */
enum head_result head_request(struct head_parser *p, const char *bytes, struct arena *arena,
                              struct request *ret_request, struct head_info *ret_info);

#endif
