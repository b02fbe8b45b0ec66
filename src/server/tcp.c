/* tcp.c - the plain transport: TCP and unix stream sockets, as they are. The connection's loop. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "server/transport.h"

static int tcp_open(struct transport_state *t)
{
    t->data = NULL;
    return 0;
}

static ssize_t tcp_recv(struct transport_state *t, void *buf, size_t n)
{
    ssize_t r;

    do
        r = recv(t->fd, buf, n, 0);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

static ssize_t tcp_sendv(struct transport_state *t, const struct iovec *iov, int n_iov, bool more)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n_iov };
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t r;

    do
        r = n_iov == 1 ? send(t->fd, iov->iov_base, iov->iov_len, flags)
                       : sendmsg(t->fd, &msg, flags);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

static ssize_t tcp_sendfile(struct transport_state *t, int fd, off_t *offset, size_t n)
{
    ssize_t r;

    do
        r = sendfile(t->fd, fd, offset, n);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

static size_t tcp_pending(const struct transport_state *t)
{
    (void)t;
    return 0;
}

static size_t tcp_unsent(const struct transport_state *t)
{
    int n;

    return ioctl(t->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

static int tcp_shutdown(struct transport_state *t)
{
    return shutdown(t->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void tcp_close(struct transport_state *t)
{
    (void)t;
}

const struct transport tcp_transport = {
    .name = "tcp",
    .open = tcp_open,
    .recv = tcp_recv,
    .sendv = tcp_sendv,
    .sendfile = tcp_sendfile,
    .pending = tcp_pending,
    .unsent = tcp_unsent,
    .short_recv_is_empty = true,
    .shutdown = tcp_shutdown,
    .close = tcp_close,
};

const struct transport *transport_plain = &tcp_transport;
