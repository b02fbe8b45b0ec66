/*
 * transport.c - transports for tests, put over the plain one before main() when
 * MUXD_TEST_TRANSPORT=NAME:SEED asks for it. See README.md. All on the connection's loop; the
 * number of connections alone is shared.
 *
 * A made-up EAGAIN is followed by no event. pending() then says 1 until the next call, and the
 * connection tries again in its next turn.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "server/transport.h"

struct chaos {
    uint64_t random; /* xorshift64*, never 0 */
    bool eagain;     /* the last call's EAGAIN was made up */
    unsigned recvs, sends, sendfiles;
};

static bool resets;
static uint64_t seed;
static _Atomic uint64_t n_conns;

static uint64_t draw(struct chaos *c, uint64_t below)
{
    c->random ^= c->random >> 12;
    c->random ^= c->random << 25;
    c->random ^= c->random >> 27;
    return (c->random * UINT64_C(0x2545f4914f6cdd1d) >> 32) % below;
}

static int chaos_open(struct transport_state *t)
{
    struct chaos *c = calloc(1, sizeof *c);
    uint64_t number = atomic_fetch_add(&n_conns, 1) + 1;

    if (c == NULL)
        return -ENOMEM;
    c->random = (seed + number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    t->data = c;
    return 0;
}

static void chaos_close(struct transport_state *t)
{
    free(t->data);
    t->data = NULL;
}

/* 0: go on; an error to return. A real call never follows without a chance to fail first. */
static int misfortune(struct chaos *c)
{
    c->eagain = false;
    if (resets && draw(c, 60) == 0)
        return -ECONNRESET;
    if (draw(c, 3) == 0) {
        c->eagain = true;
        return -EAGAIN;
    }
    return 0;
}

/* Mostly a few bytes; now and then more, so that large bodies come to an end. */
static size_t portion(struct chaos *c, size_t n)
{
    size_t most = draw(c, 8) == 0 ? 1 + draw(c, 16384) : 1 + draw(c, 7);

    return min_of(n, most);
}

static ssize_t chaos_recv(struct transport_state *t, void *buf, size_t n)
{
    int r = misfortune(t->data);

    return r < 0 ? r : tcp_transport.recv(t, buf, portion(t->data, n));
}

static ssize_t chaos_sendv(struct transport_state *t, const struct iovec *iov, int n_iov, bool more)
{
    struct iovec part[8];
    int r = misfortune(t->data), n = 0;
    size_t left = portion(t->data, SIZE_MAX);

    if (r < 0)
        return r;
    while (n < n_iov && n < (int)array_len(part) && left > 0) {
        part[n] = iov[n];
        part[n].iov_len = min_of(iov[n].iov_len, left);
        left -= part[n++].iov_len;
    }
    return tcp_transport.sendv(t, part, n, more);
}

static ssize_t chaos_sendfile(struct transport_state *t, int fd, off_t *offset, size_t n)
{
    int r = misfortune(t->data);

    return r < 0 ? r : tcp_transport.sendfile(t, fd, offset, portion(t->data, n));
}

static size_t chaos_unsent(const struct transport_state *t)
{
    return tcp_transport.unsent(t);
}

static size_t chaos_pending(const struct transport_state *t)
{
    const struct chaos *c = t->data;

    return c->eagain ? 1 : 0;
}

static int chaos_shutdown(struct transport_state *t)
{
    return tcp_transport.shutdown(t);
}

/* ---- counting */

static ssize_t count_recv(struct transport_state *t, void *buf, size_t n)
{
    struct chaos *c = t->data;
    ssize_t r = tcp_transport.recv(t, buf, n);

    c->recvs += r > 0;
    return r;
}

static ssize_t count_sendv(struct transport_state *t, const struct iovec *iov, int n_iov, bool more)
{
    struct chaos *c = t->data;

    c->sends++;
    return tcp_transport.sendv(t, iov, n_iov, more);
}

static ssize_t count_sendfile(struct transport_state *t, int fd, off_t *offset, size_t n)
{
    struct chaos *c = t->data;

    c->sendfiles++;
    return tcp_transport.sendfile(t, fd, offset, n);
}

static size_t count_pending(const struct transport_state *t)
{
    return tcp_transport.pending(t);
}

static void count_close(struct transport_state *t)
{
    const struct chaos *c = t->data;
    char line[128];
    int n = snprintf(line, sizeof line, "test: closed recv %u sendv %u sendfile %u\n", c->recvs,
                     c->sends, c->sendfiles);

    (void)!write(STDERR_FILENO, line, (size_t)n);
    chaos_close(t);
}

static const struct transport chaos_transport = {
    .name = "adverse",
    .open = chaos_open,
    .recv = chaos_recv,
    .sendv = chaos_sendv,
    .sendfile = chaos_sendfile,
    .pending = chaos_pending,
    .unsent = chaos_unsent,
    .shutdown = chaos_shutdown,
    .close = chaos_close,
};
static const struct transport nosendfile_transport = {
    .name = "adverse-nosendfile",
    .open = chaos_open,
    .recv = chaos_recv,
    .sendv = chaos_sendv,
    .pending = chaos_pending,
    .unsent = chaos_unsent,
    .shutdown = chaos_shutdown,
    .close = chaos_close,
};
static const struct transport count_transport = {
    .name = "count",
    .open = chaos_open,
    .recv = count_recv,
    .sendv = count_sendv,
    .sendfile = count_sendfile,
    .pending = count_pending,
    .unsent = chaos_unsent,
    .short_recv_is_empty = true,
    .shutdown = chaos_shutdown,
    .close = count_close,
};

__attribute__((constructor)) static void choose_transport(void)
{
    const char *spec = getenv("MUXD_TEST_TRANSPORT");
    const char *colon = spec != NULL ? strchr(spec, ':') : NULL;

    if (colon == NULL)
        return;
    struct str name = str_make(spec, (size_t)(colon - spec));
    seed = strtoull(colon + 1, NULL, 10);
    resets = str_eq(name, STR("reset"));
    if (resets || str_eq(name, STR("adverse")))
        transport_plain = &chaos_transport;
    else if (str_eq(name, STR("adverse-nosendfile")))
        transport_plain = &nosendfile_transport;
    else if (str_eq(name, STR("count")))
        transport_plain = &count_transport;
    else
        abort();
}
