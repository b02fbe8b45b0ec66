/*
 * proto.h - how exchanges are read from and written to a connection: HTTP/1 (h1.c), later HTTP/2.
 * One table of functions between conn.c (sockets, time-outs) and exchange.c (routing, steps),
 * neither of which knows a protocol. Everything on the connection's loop.
 *
 * There is one function for "input arrived", "output is possible" and "an exchange has something":
 * run() does all that can be done now. What it finds is in conn.readable and conn.writable and
 * in its exchanges, so a wake-up too many costs a look and a lost one cannot be.
 */
#ifndef MUXD_SERVER_PROTO_H
#define MUXD_SERVER_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conn;
struct exchange;

struct proto {
    const char *name;
    /* Does what can be done, within a bounded amount of work; the rest by conn_again(). */
    void (*run)(struct conn *c);
    /* The connection's timer fired; c->wait says for what. */
    void (*timeout)(struct conn *c);
    /* No further exchange may begin; what is idle ends now. */
    void (*drain)(struct conn *c);
    /* The socket is gone. Ends what can be ended at once; returns true when nothing of the
     * connection is lent any more, else calls conn_released() when the last of it came back. */
    bool (*closed)(struct conn *c);

    /* The exchange's side. */

    /* The exchange can go on: its response, or more of its body, may be sent. */
    void (*ready)(struct exchange *x);
    /* Request body, decoded: see exchange_read() on a loop. */
    ssize_t (*read)(struct exchange *x, void *buf, size_t n);
    /* The body is wanted: see exchange_want_body(). */
    void (*want_body)(struct exchange *x);
    /* A lent exchange that had been abandoned came back. */
    void (*released)(struct exchange *x);
    /* For the panic message: what the connection is doing, one line. Async-signal-safe. */
    void (*describe)(const struct conn *c, char *buf, size_t n);
};

extern const struct proto h1_proto;

#endif
