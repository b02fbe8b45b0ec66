/*
 * transport.h - how bytes reach the peer: plain sockets (tcp.c), later TLS. One table of functions;
 * protocols and everything above call nothing else on a socket. Calls never block. All on
 * the connection's loop.
 *
 * Edge-triggered contract: recv and sendv return -EAGAIN once the socket is used up, and readiness
 * is then reported anew. A short count alone says nothing (a test transport gives them freely).
 */
#ifndef MUXD_SERVER_TRANSPORT_H
#define MUXD_SERVER_TRANSPORT_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/def.h"

/* What a transport knows of a connection; embedded in struct conn. */
struct transport_state {
    int fd;
    void *data; /* the transport's own */
};

/* What is best given to sendv or sendfile at once, in bytes: what the kernel makes one packet of
 * and hands on. Of a larger piece it makes several before the first of them moves, and all of them
 * leave the caches: measured, 100 KiB cost a third less in two pieces than in one. */
#define TRANSPORT_PIECE KIB(64)

struct transport {
    const char *name;
    /* A new connection: 0 or -errno. */
    int (*open)(struct transport_state *t);
    /* > 0 bytes; 0: the peer ended its direction; -EAGAIN; other -errno: the connection is dead. */
    ssize_t (*recv)(struct transport_state *t, void *buf, size_t n);
    /* > 0 bytes (at least one iovec is non-empty); -EAGAIN; -errno. `more`: data follows at once
     * (MSG_MORE). */
    ssize_t (*sendv)(struct transport_state *t, const struct iovec *iov, int n_iov, bool more);
    /* Bytes of fd from *offset on, which is advanced; 0: the file ended; NULL: not possible here,
     * the protocol reads and uses sendv. */
    ssize_t (*sendfile)(struct transport_state *t, int fd, off_t *offset, size_t n);
    /*
     * > 0: although a call said -EAGAIN, the transport can go on by itself and no readiness will be
     * reported for it (bytes already decrypted); the connection then runs again in the next turn.
     */
    size_t (*pending)(const struct transport_state *t);
    /* Bytes that were sent and that the peer's side has not taken yet, as far as is known: the less
     * it is, the more was taken. 0: not known. */
    size_t (*unsent)(const struct transport_state *t);
    /* Whether a short recv proves that the socket is empty (true for plain sockets). */
    bool short_recv_is_empty;
    /* Ends our direction; the peer may still send. 0 or -errno. */
    int (*shutdown)(struct transport_state *t);
    /* Releases data; the caller closes fd. */
    void (*close)(struct transport_state *t);
};

extern const struct transport tcp_transport;

/* What listeners without TLS speak: &tcp_transport. A test binary puts its own here from a
 * constructor, before main(). Not written afterwards. */
extern const struct transport *transport_plain;

#endif
