/* acceptor.c - see acceptor.h. */
#include "server/acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "server/bounds.h"
#include "server/conn.h"
#include "server/engine.h"
#include "server/listener.h"
#include "server/refusal.h"
#include "server/server.h"

#define ACCEPTS_PER_TURN 64
/* Refusing must not take the time of those who are served: at most 1,000 a second, of some 50 us
 * each. Who waits for it meanwhile waits in the kernel's queue. */
#define REFUSALS_AT_ONCE 1
#define REFUSALS_REST NSEC_PER_MSEC
#define LAST_ACCEPTS 128                /* turns of those, at the end: a full backlog and more */
#define BACKOFF_MIN (5 * NSEC_PER_MSEC) /* Go's net/http */
#define BACKOFF_MAX NSEC_PER_SEC

/* Accepts no more for that long. Without memory for a timer it looks again next turn. */
static void rest(struct acceptor *a, int64_t length)
{
    if (loop_timer(&a->engine->loop, &a->pause, length) < 0)
        loop_ready(&a->engine->loop, &a->watch);
}

static void pause_accepting(struct acceptor *a, int error)
{
    struct engine *e = a->engine;

    if (!a->starved)
        log_warning(
            "listener %.*s: accept: %s; accepting rests, and is tried again within a second",
            str_fmt(a->conf->name), strerror(-error));
    a->starved = true;
    a->backoff = a->backoff == 0 ? BACKOFF_MIN : min_of(a->backoff * 2, BACKOFF_MAX);
    stats_count(&e->stats, accept_pauses);
    rest(a, a->backoff);
}

static void pause_over(struct timer *t)
{
    struct acceptor *a = container_of(t, struct acceptor, pause);

    loop_ready(&a->engine->loop, &a->watch);
}

void acceptor_begin(struct acceptor *a)
{
    /* A socket that all loops share wakes one of them. No other flag is legal beside it. */
    uint32_t events = EPOLLIN | (a->listener->shared ? EPOLLEXCLUSIVE : 0);
    int r = loop_watch(&a->engine->loop, &a->watch, a->listener->fds[a->i], events);

    if (r < 0)
        pause_accepting(a, r); /* and then once more */
}

/* Whether it may stay: at the bound of all, one that is idle goes for it. */
static enum admission enter(struct engine *e, const struct sockaddr *peer)
{
    const struct limits *limits = &e->config->limits;
    enum admission admission = bounds_enter(e->bounds, limits, peer);

    if (admission != ADMIT_TOO_MANY)
        return admission;
    if (engine_make_room(e))
        return bounds_enter(e->bounds, limits, peer);
    server_ask_for_room(e); /* for the next one */
    return admission;
}

/* Takes fd over. As conn_open(); 1: it was refused. */
static int open_or_refuse(struct acceptor *a, int fd, const struct sockaddr *peer, socklen_t len)
{
    struct engine *e = a->engine;
    enum admission admission = enter(e, peer);

    switch (admission) {
    case ADMIT:
    case ADMIT_COUNTED:
        break;
    case ADMIT_TOO_MANY:
        stats_count(&e->stats, refused_connections);
        refusal_send(fd, engine_date(e));
        return 1;
    case ADMIT_CLIENT_FULL:
        stats_count(&e->stats, refused_client);
        refusal_send(fd, engine_date(e));
        return 1;
    case ADMIT_NO_MEMORY:
        close(fd);
        return -ENOMEM;
    }
    int r = conn_open(a, fd, peer, len, admission == ADMIT_COUNTED);
    if (r < 0)
        bounds_leave(e->bounds, peer, admission == ADMIT_COUNTED);
    return r;
}

/* Accepts a few; true if there may be more. `last`: nobody will come back for them. */
static bool accept_some(struct acceptor *a, bool last)
{
    int refused = 0;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        int fd = sock_accept(a->listener->fds[a->i], &peer, &len);
        if (fd >= 0) {
            fd = open_or_refuse(a, fd, (struct sockaddr *)&peer, len);
            if (fd >= 0) {
                a->backoff = 0;
                refused += fd;
                if (last || refused < REFUSALS_AT_ONCE)
                    continue;
                rest(a, REFUSALS_REST);
                return false;
            }
            if (fd == -ENOSPC) /* epoll watches, fs.epoll.max_user_watches */
                fd = -ENOMEM;
        }
        switch (sock_accept_error(fd)) {
        case SOCK_AGAIN:
            a->starved = false; /* nobody waits any more: the episode is over */
            return false;
        case SOCK_NEXT:
            continue;
        case SOCK_PAUSE:
            if (engine_make_room(a->engine))
                continue;
            pause_accepting(a, fd);
            return false;
        case SOCK_BROKEN:
            pause_accepting(a, fd);
            return false;
        }
    }
    return true;
}

/* An edge may stand for many connections: until EAGAIN the acceptor stays on the ready list. */
static void accept_ready(struct watch *w, uint32_t events)
{
    struct acceptor *a = container_of(w, struct acceptor, watch);

    (void)events;
    if (timer_is_set(&a->pause))
        return;
    if (!watch_is_on(w))
        acceptor_begin(a);
    else if (accept_some(a, false))
        loop_ready(&a->engine->loop, w);
}

struct acceptor *acceptor_new(struct engine *e, struct listener *l, unsigned i)
{
    struct acceptor *a = malloc(sizeof *a);

    if (a == NULL)
        return NULL;
    *a = (struct acceptor){ .engine = e, .listener = l, .conf = l->conf, .i = i };
    watch_init(&a->watch, accept_ready);
    timer_init(&a->pause, pause_over);
    a->gone.deliver = server_acceptor_gone;
    l->n_acceptors++;
    listener_use(l, i);
    return a;
}

void acceptor_free(struct acceptor *a)
{
    a->listener->n_acceptors--;
    free(a);
}

static void report(struct acceptor *a)
{
    if (a->closed && a->n_conns == 0)
        loop_post(server_loop(a->engine->server), &a->gone);
}

void acceptor_stop(struct acceptor *a)
{
    struct engine *e = a->engine;

    timer_clear(&e->loop.timers, &a->pause);
    loop_unwatch(&e->loop, &a->watch);
    list_remove(&a->node);
    a->closed = true;
    listener_unuse(a->listener, a->i);
    report(a);
}

void acceptor_end(struct acceptor *a)
{
    /* What the kernel has completed for us is ours to answer. */
    for (int turns = 0; turns < LAST_ACCEPTS && accept_some(a, true); turns++)
        ;
    acceptor_stop(a);
}

void acceptor_conn_gone(struct acceptor *a)
{
    a->n_conns--;
    report(a);
}

void acceptor_resume(struct acceptor *a)
{
    if (!timer_is_set(&a->pause))
        return;
    timer_clear(&a->engine->loop.timers, &a->pause);
    loop_ready(&a->engine->loop, &a->watch);
}
