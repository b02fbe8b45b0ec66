/*
 * h1.h - the inside of HTTP/1, for h1.c (flow), h1_in.c (reading) and h1_out.c (writing). Others
 * know h1_proto (server/proto.h) and the two functions for the engine's cache.
 */
#ifndef MUXD_SERVER_H1_H
#define MUXD_SERVER_H1_H

#include "base/buf.h"
#include "http/body.h"
#include "server/exchange.h"

enum h1_state {
    H1_HEAD,     /* waiting for, or reading, a head */
    H1_EXCHANGE, /* one exchange from its head to the last byte of the response */
    H1_RELEASE,  /* answered; the exchange is still lent, then goes on as below */
    H1_DISCARD,  /* dropping request body nobody read, so as to keep the connection */
    H1_CLOSING,  /* sends what is left, then ends */
};

enum h1_progress {
    H1_GO,   /* something moved: look again */
    H1_WAIT, /* nothing to do before the next event, timer or ready() */
    H1_GONE, /* the h1 is released: it must not be touched */
};

/*
 * What an active connection needs; given back to the engine's cache while idle. `in` and `out` have
 * memory only while something is in them, or will be: `out` from the begin of an exchange to the
 * end of what goes through it, `in` likewise for a chunked body. So only new work can be refused
 * for want of a buffer, never what has begun.
 */
struct h1 {
    uint32_t magic;
    enum h1_state state;
    struct conn *conn;
    bool running;      /* h1_run() is on the stack */
    bool eof;          /* the peer ended its direction */
    bool dead;         /* the transport failed: close */
    bool keep;         /* the connection goes on after this exchange */
    bool lost;         /* it is not known where the next request would begin */
    bool expect;       /* 100 Continue is awaited and not yet sent */
    bool aborted;      /* by h1_abort(), which goes on once `out` is empty */
    bool head_emitted; /* the response head is in `out` or further */
    bool chunked;      /* the response body is */
    bool until_close;  /* only the connection's end tells its own */
    bool no_body;      /* HEAD, 204, 304: fields only */
    struct head_parser parser;
    struct head_info info;
    struct body_reader body;
    struct buf in, out;
    struct str bytes;   /* of a BYTES body: what is neither sent nor in `out` */
    uint64_t body_left; /* of a response body with known length */
    uint64_t discarded; /* in H1_DISCARD */
    uint64_t body_sent; /* of a response body, not as BYTES */
    const char *cut;    /* why the exchange is, or NULL */
    size_t turn_bytes;  /* written in this run */
    size_t turn_read;   /* of request body read in this run, with its framing */
    /* How fast request body arrives that is waited for (limits.body_rate). */
    int64_t body_since;  /* loop_now() when the waiting began; 0: it is not waited for */
    int64_t body_waited; /* ns, since the rate was judged last */
    uint64_t body_came;  /* bytes in that time */
    struct exchange x;
};

#define H1_MAGIC 0x68747031u    /* "htp1" */
#define H1_OUT_MAX KIB(256)     /* of the output buffer; a head must fit */
#define H1_DISCARD_MAX KIB(256) /* of request body dropped to keep a connection (Go's bound) */
#define H1_TURN_BYTES KIB(512)  /* written per connection and turn */
#define H1_TURN_STEPS 128       /* state steps per connection and turn */

/* Whether `out` has a buffer now; false: there is no memory for one. */
bool h1_take_out(struct h1 *h);
/* Before a wait: buffers that nothing is in, nor will be (see above). */
void h1_give_buffers_back(struct h1 *h);
/* With what is in them. */
void h1_drop_buffers(struct h1 *h);
/* As conn_recv(), into `in`. -ENOBUFS and -ENOMEM too. */
ssize_t h1_fill(struct h1 *h);
/* As in struct proto. */
ssize_t h1_read(struct exchange *x, void *buf, size_t n);
void h1_want_body(struct exchange *x);

/* 0: all of `out` (and `bytes`) is sent. -EAGAIN: the write time-out runs. Other errors: dead, or
 * -ETIMEDOUT: the peer takes too little, which is noted in `cut`. */
int h1_flush(struct h1 *h, bool more);
/* Whether `out` will be needed before the next exchange begins. */
bool h1_needs_out(const struct h1 *h);
/* Goes on with the response of the exchange. */
enum h1_progress h1_send_reply(struct h1 *h);
/* The response is all in `out` or sent. */
enum h1_progress h1_reply_done(struct h1 *h);
/* Cuts the connection in the middle of a response, so that the peer sees a truncation. `reason` is
 * for the log; NULL: the peer itself is gone. */
enum h1_progress h1_abort(struct h1 *h, const char *reason);

/* For the engine's cache. */
struct h1 *h1_new(void);
void h1_free(struct h1 *h);
size_t h1_size(void);

#endif
