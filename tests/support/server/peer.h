/*
 * peer.h - a transport without a network: its peer is a struct that a test writes. What the peer
 * sends is in `in`, what it is sent comes to `out`; how much a call does is the test's to say. One
 * connection at a time. That nothing is called after the close, and nothing sent after the
 * shutdown, is required. Readiness is the test's to report.
 */
#ifndef TESTS_SUPPORT_SERVER_PEER_H
#define TESTS_SUPPORT_SERVER_PEER_H

#include "base/buf.h"
#include "server/transport.h"

#define PEER_ALL SIZE_MAX

struct peer {
    struct buf in, out;
    size_t taken;              /* of `in` */
    size_t recv_max, send_max; /* bytes a call */
    size_t window;             /* bytes that can be sent */
    bool stutter, made_up;     /* each second call says EAGAIN; the last one did */
    bool ended, reset;         /* by the peer */
    bool blocked;              /* a send said EAGAIN */
    bool shut, closed;         /* by us */
    uint64_t moved;            /* calls that did something */
};

extern struct peer peer;
extern struct transport peer_transport;

/* A new peer: it takes everything, whole; the transport has sendfile. */
void peer_init(void);
void peer_done(void);
/* It cannot send files. */
void peer_without_sendfile(void);
/* Calls move at most n bytes from now on. */
void peer_portion(size_t n);

#endif
