/* peer.c - see peer.h. */
#include "tests/support/server/peer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/server/require.h"

struct peer peer;

static int peer_open(struct transport_state *t)
{
    (void)t;
    return 0;
}

/* An error to return, or 0. */
static int before_call(void)
{
    require(!peer.closed);
    if (peer.reset)
        return -ECONNRESET;
    peer.made_up = peer.stutter && !peer.made_up;
    return peer.made_up ? -EAGAIN : 0;
}

static ssize_t peer_recv(struct transport_state *t, void *buf, size_t n)
{
    int r = before_call();

    (void)t;
    require(n > 0);
    if (r < 0)
        return r;
    n = min_of(min_of(n, peer.recv_max), buf_len(&peer.in) - peer.taken);
    if (n == 0)
        return peer.ended ? 0 : -EAGAIN;
    memcpy(buf, buf_at(&peer.in) + peer.taken, n);
    peer.taken += n;
    peer.moved++;
    return (ssize_t)n;
}

/* How much of n bytes can be sent now; 0: nothing. */
static size_t portion(size_t n)
{
    require(!peer.shut && n > 0);
    n = min_of(min_of(n, peer.send_max), peer.window);
    peer.window -= peer.window == PEER_ALL ? 0 : n;
    peer.blocked = n == 0;
    peer.moved += n > 0;
    return n;
}

static ssize_t peer_sendv(struct transport_state *t, const struct iovec *iov, int n_iov, bool more)
{
    size_t all = 0;
    int r = before_call();

    (void)t;
    (void)more;
    for (int i = 0; i < n_iov; i++)
        all += iov[i].iov_len;
    if (r < 0)
        return r;
    all = portion(all);
    size_t left = all;
    for (int i = 0; i < n_iov && left > 0; i++) {
        size_t n = min_of(left, iov[i].iov_len);
        require(buf_add(&peer.out, iov[i].iov_base, n) == 0);
        left -= n;
    }
    return all > 0 ? (ssize_t)all : -EAGAIN;
}

static ssize_t peer_sendfile(struct transport_state *t, int fd, off_t *offset, size_t n)
{
    int r = before_call();

    (void)t;
    if (r < 0)
        return r;
    n = portion(n);
    if (n == 0)
        return -EAGAIN;
    require(buf_room(&peer.out, n) == 0);
    ssize_t done = pread(fd, buf_tail(&peer.out), n, *offset);
    require(done >= 0);
    buf_added(&peer.out, (size_t)done);
    *offset += done;
    return done;
}

static size_t peer_unsent(const struct transport_state *t)
{
    (void)t;
    return 0;
}

static size_t peer_pending(const struct transport_state *t)
{
    (void)t;
    return peer.made_up ? 1 : 0;
}

static int peer_shutdown(struct transport_state *t)
{
    (void)t;
    require(!peer.shut && !peer.closed);
    peer.shut = true;
    return peer.reset ? -ENOTCONN : 0;
}

static void peer_close(struct transport_state *t)
{
    (void)t;
    require(!peer.closed);
    peer.closed = true;
}

struct transport peer_transport = {
    .name = "fuzz",
    .open = peer_open,
    .recv = peer_recv,
    .sendv = peer_sendv,
    .pending = peer_pending,
    .unsent = peer_unsent,
    .shutdown = peer_shutdown,
    .close = peer_close,
};

void peer_init(void)
{
    peer = (struct peer){ .recv_max = PEER_ALL, .send_max = PEER_ALL, .window = PEER_ALL };
    buf_init(&peer.in, MIB(64));
    buf_init(&peer.out, MIB(64));
    peer_transport.short_recv_is_empty = true;
    peer_transport.sendfile = peer_sendfile;
}

void peer_done(void)
{
    buf_done(&peer.in);
    buf_done(&peer.out);
}

void peer_without_sendfile(void)
{
    peer_transport.sendfile = NULL;
}

void peer_portion(size_t n)
{
    peer_transport.short_recv_is_empty = n == PEER_ALL && peer_transport.short_recv_is_empty;
    peer.recv_max = peer.send_max = n;
}
