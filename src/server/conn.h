/*
 * conn.h - one connection: a socket, its transport and protocol, its time-outs and its end.
 *
 * A connection knows its own few states and nothing of HTTP. It belongs to one engine and is
 * touched on that loop only. Its memory goes when the socket is closed, the turn is over, and no
 * exchange of it is lent to a worker any more.
 *
 * While idle it holds nothing but this struct: proto_data is NULL.
 */
#ifndef MUXD_SERVER_CONN_H
#define MUXD_SERVER_CONN_H

#include <netinet/in.h>
#include <sys/un.h>

#include "config/config.h"
#include "event/loop.h"
#include "server/proto.h"
#include "server/transport.h"

struct acceptor;
struct engine;

enum conn_state {
    CONN_OPEN,
    CONN_DRAINING, /* ends after what it is doing */
    CONN_LINGER,   /* our side is shut; input is read and dropped, so that the peer can read */
    CONN_CLOSED,   /* no socket any more; waits for lent exchanges, or for the end of the turn */
};

/* What the one timer of a connection stands for. */
enum conn_wait {
    CONN_WAIT_NONE,
    CONN_WAIT_IDLE,   /* for the first byte of a request */
    CONN_WAIT_HEADER, /* for the rest of a head; counts from its first byte */
    CONN_WAIT_BODY,   /* for body that is to be discarded */
    CONN_WAIT_WRITE,  /* for the peer to take output; counts from the last time that it took some */
    CONN_WAIT_LAST,   /* draining: for a request that is on its way */
    CONN_WAIT_LINGER,
};

union conn_addr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct conn {
    uint32_t magic;
    enum conn_state state : 8;
    enum conn_wait wait : 8;
    bool readable : 1; /* recv may give something: no -EAGAIN since the last event */
    bool writable : 1;
    bool peer_done : 1; /* RDHUP or end of input: the peer sends no more */
    bool hung_up : 1;   /* HUP or ERR: nothing can be delivered any more */
    bool reused : 1;    /* has carried a request */
    bool counted : 1;   /* among its client's (bounds.h) */
    bool cut_short : 1; /* its last message is not whole: nobody needs to wait for who does not take
                           it */
    bool too_slow : 1;  /* the peer takes less than limits.write_rate */
    struct engine *engine;
    const struct transport *transport;
    const struct proto *proto;
    void *proto_data;             /* the protocol's; NULL while idle */
    const struct timeouts *times; /* of the exchange that runs, or NULL: those of the view */
    struct acceptor *acceptor;    /* that it came by; outlives it */
    struct transport_state io;
    struct watch watch;
    struct timer timer;
    int64_t since;    /* `wait` began, or began anew */
    uint64_t sent;    /* bytes, to the transport */
    int64_t taken;    /* of them by the peer, when CONN_WAIT_WRITE began, or began anew */
    int64_t waited;   /* ns of CONN_WAIT_WRITE, since the rate was judged last */
    int64_t taken_0;  /* `taken` at the begin of those */
    struct list node; /* engine.idle, lingering or conns, by `wait` */
    struct later end; /* gives the memory back after the turn */
    union conn_addr peer;
};

/* Takes fd over; it was admitted (bounds.h), `counted` among its client's. 0, or -errno and fd is
 * closed, and still counted. */
int conn_open(struct acceptor *a, int fd, const struct sockaddr *peer, socklen_t peer_len,
              bool counted);
/* Closes the socket now. Harmless when closed. */
void conn_close(struct conn *c);
/* As conn_close(), but the peer is made to see that it was not a proper end (RST). What was sent
 * and has not arrived is lost. */
void conn_abort(struct conn *c);
/* Shuts our side and reads on for a while (RFC 9112 section 9.6), so that the peer can read what
 * was sent last even if it still sends. */
void conn_linger(struct conn *c);
/* proto->closed() said false; now nothing is lent any more. */
void conn_released(struct conn *c);
/* Runs the protocol again in the next turn. */
void conn_again(struct conn *c);
/* Starts the timer anew if it stands for something else, or `restart`. */
void conn_set_wait(struct conn *c, enum conn_wait wait, bool restart);
/* For the peer to take output; `progress`: it has taken some. false: it has been too slow for too
 * long (limits.write_rate). */
bool conn_wait_write(struct conn *c, bool progress) MUST_USE;
/* Whether it has been idle for that long (ns), and by now nothing but its end has arrived. */
bool conn_is_quiet(const struct conn *c, int64_t time);

/* The transport's calls, with the flags kept; -EAGAIN etc. as there. */
ssize_t conn_recv(struct conn *c, void *buf, size_t n);
ssize_t conn_sendv(struct conn *c, const struct iovec *iov, int n_iov, bool more);
ssize_t conn_sendfile(struct conn *c, int fd, off_t *offset, size_t n);

/* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix:". `buf` has room for SOCK_TEXT_MAX. */
void conn_peer_text(const struct conn *c, char *buf);

#endif
