/* conn.c - see conn.h. The engine's loop only. */
#include "server/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "server/engine.h"

#define CONN_MAGIC 0x636f6e6eu /* "conn" */

/* How long a peer that still sends is listened to after our last byte. */
#define LINGER_TIME (2 * NSEC_PER_SEC)
#define LINGER_PER_TURN KIB(256)
/* How long an idle connection is listened to when draining begins. Its client may be sending the
 * next request just now, which would be lost; so it is answered, and told that it was the last. */
#define LAST_TIME (500 * NSEC_PER_MSEC)

static void conn_ready(struct watch *w, uint32_t events);
static void conn_timer(struct timer *t);
static void conn_end(struct later *l);

int conn_open(struct acceptor *a, int fd, const struct sockaddr *peer, socklen_t peer_len,
              bool counted)
{
    struct engine *e = a->engine;
    struct conn *c = malloc(sizeof *c);

    if (c == NULL) {
        close(fd);
        return -ENOMEM;
    }
    *c = (struct conn){ .magic = CONN_MAGIC,
                        .state = CONN_OPEN,
                        .engine = e,
                        .transport = transport_plain,
                        .proto = &h1_proto,
                        .acceptor = a,
                        .counted = counted,
                        .io = { .fd = fd } };
    c->peer.sa.sa_family = AF_UNIX;
    if (peer->sa_family == AF_INET || peer->sa_family == AF_INET6)
        memcpy(&c->peer, peer, min_of((size_t)peer_len, sizeof c->peer));
    watch_init(&c->watch, conn_ready);
    timer_init(&c->timer, conn_timer);
    later_init(&c->end, conn_end);
    int r = c->transport->open(&c->io);
    if (r < 0)
        goto fail;
    r = loop_watch(&e->loop, &c->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    if (r < 0) {
        c->transport->close(&c->io);
        goto fail;
    }
    list_push_back(&e->conns, &c->node);
    e->n_conns++;
    a->n_conns++;
    stats_count(&e->stats, accepted);
    conn_set_wait(c, CONN_WAIT_IDLE, true);
    return 0;
fail:
    close(fd);
    free(c);
    return r;
}

static struct list *list_of(struct engine *e, enum conn_wait wait)
{
    return wait == CONN_WAIT_IDLE ? &e->idle : wait == CONN_WAIT_LINGER ? &e->lingering : &e->conns;
}

/* Sets c->wait, and nothing else of what belongs to it. */
static void list_as(struct conn *c, enum conn_wait wait)
{
    struct list *to = list_of(c->engine, wait);

    if (to != list_of(c->engine, c->wait)) {
        list_remove(&c->node);
        list_push_back(to, &c->node);
    }
    c->wait = wait;
}

/* At the end of the turn: no pointer taken in the turn is left. */
static void conn_end(struct later *l)
{
    struct conn *c = container_of(l, struct conn, end);
    struct engine *e = c->engine;
    struct acceptor *a = c->acceptor;

    check_magic(c, CONN_MAGIC);
    list_remove(&c->node);
    c->magic = 0;
    free(c);
    engine_conn_gone(e, a);
}

void conn_released(struct conn *c)
{
    check(c->state == CONN_CLOSED);
    loop_later(&c->engine->loop, &c->end);
}

void conn_close(struct conn *c)
{
    struct loop *loop = &c->engine->loop;

    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    list_as(c, CONN_WAIT_NONE);
    loop_unwatch(loop, &c->watch);
    timer_clear(&loop->timers, &c->timer);
    c->transport->close(&c->io);
    close(c->io.fd);
    c->io.fd = -1;
    c->readable = c->writable = false;
    bounds_leave(c->engine->bounds, &c->peer.sa, c->counted);
    stats_count(&c->engine->stats, closed);
    if (c->proto->closed(c))
        conn_released(c);
}

void conn_abort(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    struct linger hard = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    if (!c->cut_short) /* which counted */
        stats_count(&c->engine->stats, aborted);
    conn_close(c);
}

/* ---- time-outs */

static inline int64_t wait_length(const struct conn *c)
{
    const struct timeouts *t = c->times != NULL ? c->times : &c->engine->config->timeouts;

    switch (c->wait) {
    case CONN_WAIT_IDLE:
        /* A new connection owes its first byte as soon as a head. */
        return c->reused ? t->idle : t->header;
    case CONN_WAIT_HEADER:
        return t->header;
    case CONN_WAIT_BODY:
        return t->body;
    case CONN_WAIT_WRITE:
        return t->write;
    case CONN_WAIT_LAST:
        return max_of(min_of(LAST_TIME, t->drain / 2), NSEC_PER_MSEC);
    case CONN_WAIT_LINGER:
        return LINGER_TIME;
    case CONN_WAIT_NONE:
        break;
    }
    return 0;
}

/* What the peer has taken of what was sent. Differences count: of unix sockets it is more or less.
 */
static int64_t taken_by_peer(const struct conn *c)
{
    return (int64_t)c->sent - (int64_t)c->transport->unsent(&c->io);
}

void conn_set_wait(struct conn *c, enum conn_wait wait, bool restart)
{
    struct engine *e = c->engine;
    int64_t now = loop_now(&e->loop);

    if (c->wait == wait && !restart)
        return;
    if (unlikely(c->wait == CONN_WAIT_WRITE))
        c->waited += now - c->since;
    if (unlikely(wait == CONN_WAIT_WRITE)) {
        c->taken = taken_by_peer(c);
        if (c->waited == 0)
            c->taken_0 = c->taken;
    }
    list_as(c, wait);
    c->since = now;
    if (wait == CONN_WAIT_NONE) {
        timer_clear(&e->loop.timers, &c->timer);
        return;
    }
    /* Without memory for a time-out nothing would ever end the wait. The hang-up that follows from
     * this is an event like any other, so the caller need not care. */
    if (loop_timer(&e->loop, &c->timer, wait_length(c)) < 0)
        shutdown(c->io.fd, SHUT_RDWR);
}

/* Judges what the peer took in each stretch of waiting that is as long as the time-out. What it
 * takes at once, at no cost in waiting, is to its credit within such a stretch only. */
bool conn_wait_write(struct conn *c, bool progress)
{
    conn_set_wait(c, CONN_WAIT_WRITE, progress);
    if (c->waited < wait_length(c))
        return true;
    uint64_t wanted = (uint64_t)c->engine->config->limits.write_rate;
    uint64_t taken = (uint64_t)max_of(c->taken - c->taken_0, INT64_C(0));
    c->too_slow = taken < wanted * (uint64_t)(c->waited / NSEC_PER_MSEC) / 1000;
    c->waited = 0;
    c->taken_0 = c->taken;
    return !c->too_slow;
}

bool conn_is_quiet(const struct conn *c, int64_t time)
{
    char byte;

    return c->wait == CONN_WAIT_IDLE && loop_now(&c->engine->loop) - c->since >= time &&
           !c->readable && recv(c->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static void conn_timer(struct timer *t)
{
    struct conn *c = container_of(t, struct conn, timer);

    check_magic(c, CONN_MAGIC);
    /* The kernel tells of room only when a good part of its buffer is free. */
    if (c->wait == CONN_WAIT_WRITE && taken_by_peer(c) != c->taken && conn_wait_write(c, true))
        return;
    if (c->wait == CONN_WAIT_IDLE && !c->reused)
        stats_count(&c->engine->stats, silent);
    if (c->wait != CONN_WAIT_IDLE && c->wait != CONN_WAIT_LINGER && c->wait != CONN_WAIT_LAST)
        stats_count(&c->engine->stats, timeouts);
    if (c->wait == CONN_WAIT_LINGER && c->cut_short && c->transport->unsent(&c->io) > 0)
        conn_abort(c);
    else if (c->wait == CONN_WAIT_LINGER)
        conn_close(c);
    else
        c->proto->timeout(c);
}

/* ---- readiness */

void conn_again(struct conn *c)
{
    loop_ready(&c->engine->loop, &c->watch);
}

static void linger_run(struct conn *c)
{
    char drop[KIB(4)];
    size_t turn = 0;

    while (c->readable) {
        ssize_t n = conn_recv(c, drop, sizeof drop);
        if (n == -EAGAIN)
            return;
        if (n <= 0) {
            conn_close(c);
            return;
        }
        turn += (size_t)n;
        if (turn > LINGER_PER_TURN) {
            conn_again(c);
            return;
        }
    }
}

static void conn_ready(struct watch *w, uint32_t events)
{
    struct conn *c = container_of(w, struct conn, watch);

    check_magic(c, CONN_MAGIC);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        c->writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP))
        c->peer_done = true;
    if (events & (EPOLLHUP | EPOLLERR))
        c->hung_up = true;
    if (c->state == CONN_LINGER)
        linger_run(c);
    else if (c->state != CONN_CLOSED)
        c->proto->run(c);
}

void conn_linger(struct conn *c)
{
    if (c->state == CONN_CLOSED || c->state == CONN_LINGER)
        return;
    if (c->transport->shutdown(&c->io) < 0) {
        conn_close(c);
        return;
    }
    c->state = CONN_LINGER;
    conn_set_wait(c, CONN_WAIT_LINGER, true);
    linger_run(c);
}

/* ---- transport calls */

/* A transport that can go on by itself although it said EAGAIN gets another turn. */
static void used_up(struct conn *c, bool reading)
{
    if (c->transport->pending(&c->io) > 0)
        conn_again(c);
    else if (reading)
        c->readable = false;
    else
        c->writable = false;
}

ssize_t conn_recv(struct conn *c, void *buf, size_t n)
{
    ssize_t r = c->transport->recv(&c->io, buf, n);

    if (r == -EAGAIN)
        used_up(c, true);
    else if (r == 0)
        c->peer_done = true;
    else if (r > 0 && (size_t)r < n && c->transport->short_recv_is_empty && !c->peer_done)
        c->readable = false; /* the next byte is a new edge */
    return r;
}

static ssize_t sent(struct conn *c, ssize_t r)
{
    if (r == -EAGAIN)
        used_up(c, false);
    else if (r > 0)
        c->sent += (uint64_t)r;
    return r;
}

ssize_t conn_sendv(struct conn *c, const struct iovec *iov, int n_iov, bool more)
{
    return sent(c, c->transport->sendv(&c->io, iov, n_iov, more));
}

ssize_t conn_sendfile(struct conn *c, int fd, off_t *offset, size_t n)
{
    return sent(c, c->transport->sendfile(&c->io, fd, offset, n));
}

void conn_peer_text(const struct conn *c, char *buf)
{
    if (c->peer.sa.sa_family == AF_UNIX)
        memcpy(buf, "unix:", sizeof "unix:");
    else
        sock_text(&c->peer.sa, sizeof c->peer, buf);
}
