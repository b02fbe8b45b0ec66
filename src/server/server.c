/*
 * server.c - see server.h. The main thread.
 *
 * The end: TERM or INT tells every engine to drain (stop accepting, finish what runs) and starts
 * the drain time; each engine reports when its last connection is gone. At the end of the time what
 * is left is cut. A second TERM ends the process at once.
 */
#include "server/server.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/engine.h"
#include "server/listener.h"
#include "server/notify.h"

#define LOOK_EVERY (5 * NSEC_PER_SEC)   /* for stuck workers, and STATUS= */
#define STUCK_AFTER (30 * NSEC_PER_SEC) /* a job that runs longer is named in the log */
#define CUT_TIME NSEC_PER_SEC           /* engines and workers to end after the drain */

struct server {
    struct loop loop;
    struct config *config;
    struct engine *engines;
    unsigned n_engines, n_deaf, n_ended;
    struct listener *listeners;
    size_t n_listeners;
    struct pool **pools;       /* as config.pools */
    struct pool_share *shares; /* as route.index */
    struct watch signals;
    struct timer look, drain_timer;
    bool draining, cut;
    const char *why;     /* the drain began: the signal */
    unsigned stuck_said; /* workers named already */
};

struct loop *server_loop(struct server *s)
{
    return &s->loop;
}

struct pool *server_pool(struct server *s, const struct conf_pool *conf)
{
    return s->pools[conf->index];
}

struct pool_share *server_share(struct server *s, const struct route *route)
{
    return route->share > 0 ? &s->shares[route->index] : NULL;
}

/* Read in this order: a connection closed in between must not make it negative. */
static uint64_t connections(const struct engine *e)
{
    uint64_t closed = stats_read(&e->stats, closed);

    return stats_read(&e->stats, accepted) - closed;
}

/* ---- the end */

static void close_listeners(struct server *s)
{
    for (size_t i = 0; i < s->n_listeners; i++)
        listener_close(&s->listeners[i]);
    s->n_listeners = 0;
}

/* With the last one, clients are refused rather than left in a backlog nobody reads. */
void server_engine_deaf(struct letter *l)
{
    struct server *s = container_of(l, struct engine, deaf_letter)->server;

    if (++s->n_deaf < s->n_engines)
        return;
    close_listeners(s);
    log_info("%s: draining", s->why);
}

void server_engine_ended(struct letter *l)
{
    struct engine *e = container_of(l, struct engine, ended_letter);
    struct server *s = e->server;

    if (++s->n_ended == s->n_engines)
        loop_stop(&s->loop);
}

static void drain_over(struct timer *t)
{
    struct server *s = container_of(t, struct server, drain_timer);
    uint64_t left = 0;

    if (s->cut) { /* some job does not come back */
        loop_stop(&s->loop);
        return;
    }
    s->cut = true;
    for (unsigned i = 0; i < s->n_engines; i++) {
        struct engine *e = &s->engines[i];
        left += connections(e);
        loop_post(&e->loop, &e->abort_letter);
    }
    log_warning("the drain time is over: cutting %" PRIu64 " connections", left);
    if (loop_timer(&s->loop, &s->drain_timer, CUT_TIME) < 0)
        loop_stop(&s->loop);
}

static void drain(struct server *s, const char *why)
{
    if (s->draining) {
        log_warning("%s again: ending at once", why); /* never waits */
        _exit(EXIT_FAILURE);
    }
    s->draining = true;
    s->why = why;
    notify_stopping();
    for (unsigned i = 0; i < s->n_engines; i++)
        loop_post(&s->engines[i].loop, &s->engines[i].drain_letter);
    if (s->config->timeouts.drain <= 0 ||
        loop_timer(&s->loop, &s->drain_timer, s->config->timeouts.drain) < 0)
        drain_over(&s->drain_timer);
}

static void signals_ready(struct watch *w, uint32_t events)
{
    struct server *s = container_of(w, struct server, signals);
    struct signalfd_siginfo info;

    (void)events;
    while (read(w->fd, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGTERM:
            drain(s, "TERM");
            break;
        case SIGINT:
            drain(s, "INT");
            break;
        case SIGHUP:
            log_warning(
                "HUP: reloading is not part of this version; restart to apply a new config");
            break;
        default:
            break;
        }
    }
}

/* ---- looking after it */

static void look(struct timer *t)
{
    struct server *s = container_of(t, struct server, look);
    unsigned stuck = 0;
    uint64_t conns = 0, requests = 0;

    for (size_t i = 0; i < s->config->n_pools; i++) {
        struct pool_stats ps;
        pool_stats(s->pools[i], STUCK_AFTER, &ps);
        stuck += ps.stuck;
        if (ps.stuck > 0 && stuck > s->stuck_said)
            log_warning(
                "pool %.*s: %u of %u workers are stuck, the longest in route %s for %" PRId64 " s",
                str_fmt(s->config->pools[i].name), ps.stuck, ps.threads, ps.stuck_name,
                ps.longest_run / NSEC_PER_SEC);
    }
    s->stuck_said = stuck;
    for (unsigned i = 0; i < s->n_engines; i++) {
        conns += connections(&s->engines[i]);
        requests += stats_read(&s->engines[i].stats, requests);
    }
    notify_status("%s; %" PRIu64 " connections, %" PRIu64 " requests",
                  s->draining ? "draining" : "serving", conns, requests);
    (void)loop_timer(&s->loop, &s->look, LOOK_EVERY);
}

static void log_totals(const struct server *s)
{
    uint64_t accepted = 0, requests = 0, malformed = 0, aborted = 0;

    for (unsigned i = 0; i < s->n_engines; i++) {
        const struct stats *st = &s->engines[i].stats;
        accepted += stats_read(st, accepted);
        requests += stats_read(st, requests);
        malformed += stats_read(st, malformed);
        aborted += stats_read(st, aborted);
    }
    log_info("stopped: %" PRIu64 " connections, %" PRIu64 " requests, %" PRIu64
             " malformed, %" PRIu64 " cut short",
             accepted, requests, malformed, aborted);
}

/* ---- life */

/* Each connection is a descriptor: take what the hard limit gives. */
static void raise_descriptor_limit(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &lim);
    }
}

/* Each socket in its engine, or a shared one in all of them. */
static int accept_on(struct server *s, struct listener *l)
{
    int r = 0;

    for (unsigned e = 0; e < s->n_engines && r == 0; e++)
        for (unsigned i = 0; i < l->n_fds && r == 0; i++)
            if (l->shared || i == e)
                r = engine_accept_on(&s->engines[e], l, l->fds[i]);
    return r;
}

static int open_listeners(struct server *s)
{
    const struct config *c = s->config;

    s->listeners = calloc(c->n_listeners, sizeof *s->listeners);
    if (s->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct conf_listener *conf = &c->listeners[i];
        struct listener *l = &s->listeners[i];
        int r = listener_open(l, conf, s->n_engines);
        if (r < 0) {
            log_error("listener %.*s: cannot listen on %.*s: %s", str_fmt(conf->name),
                      str_fmt(conf->address_text),
                      r == -ENOENT && conf->address.kind == SOCK_KIND_SYSTEMD
                          ? "the service manager passed no socket of that name"
                      : r == -EACCES
                          ? "Permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)"
                          : strerror(-r));
            return r;
        }
        s->n_listeners++;
        r = accept_on(s, l);
        if (r < 0) {
            log_error("listener %.*s: epoll: %s", str_fmt(conf->name), strerror(-r));
            return r;
        }
        char text[SOCK_TEXT_MAX];
        listener_text(l, text);
        log_info("listener %.*s: %s", str_fmt(conf->name), text);
    }
    return 0;
}

static int make_pools(struct server *s)
{
    const struct config *c = s->config;

    s->pools = calloc(c->n_pools, sizeof *s->pools);
    s->shares = calloc(max_of(c->n_routes, (size_t)1), sizeof *s->shares);
    if (s->pools == NULL || s->shares == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_pools; i++) {
        const struct conf_pool *p = &c->pools[i];
        struct pool_conf conf = { .threads = (unsigned)p->threads,
                                  .queue = (unsigned)p->queue,
                                  .idle = p->idle };
        s->pools[i] = pool_new(p->name.p, &conf);
        if (s->pools[i] == NULL)
            return -ENOMEM;
    }
    for (size_t i = 0; i < c->n_sites; i++)
        for (size_t k = 0; k < c->sites[i]->n_routes; k++) {
            const struct route *r = &c->sites[i]->routes[k];
            s->shares[r->index].max = (unsigned)r->share;
        }
    return 0;
}

static int watch_signals(struct server *s)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Blocked before the first thread, which inherits it, so that they all arrive here. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    watch_init(&s->signals, signals_ready);
    int r = loop_watch(&s->loop, &s->signals, fd, EPOLLIN);
    if (r < 0)
        close(fd);
    return r;
}

static int set_up(struct server *s)
{
    int r = watch_signals(s);
    if (r < 0)
        return r;
    r = make_pools(s);
    if (r < 0)
        return r;
    unsigned n = (unsigned)s->config->loops;
    s->engines = calloc(n, sizeof *s->engines);
    if (s->engines == NULL)
        return -ENOMEM;
    for (; s->n_engines < n; s->n_engines++) {
        r = engine_init(&s->engines[s->n_engines], s, s->n_engines, s->config);
        if (r < 0)
            return r;
    }
    return open_listeners(s);
}

int server_new(struct config *config, struct server **ret)
{
    struct server *s = calloc(1, sizeof *s);

    raise_descriptor_limit();
    int r = s == NULL ? -ENOMEM : loop_init(&s->loop);
    if (r < 0) {
        free(s);
        config_unref(config);
        return r;
    }
    s->config = config;
    timer_init(&s->look, look);
    timer_init(&s->drain_timer, drain_over);
    r = set_up(s);
    if (r < 0) {
        server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

static void stop_engines(struct server *s)
{
    for (unsigned i = 0; i < s->n_engines; i++)
        loop_stop(&s->engines[i].loop);
    for (unsigned i = 0; i < s->n_engines; i++)
        if (s->engines[i].started)
            pthread_join(s->engines[i].thread, NULL);
}

int server_run(struct server *s)
{
    for (unsigned i = 0; i < s->n_engines; i++) {
        int r = engine_start(&s->engines[i]);
        if (r < 0) {
            log_error("cannot start a loop: %s", strerror(-r));
            stop_engines(s);
            return r;
        }
    }
    notify_ready();
    log_info("serving: %u loops, %zu listeners, %zu sites, %zu routes", s->n_engines,
             s->n_listeners, s->config->n_sites, s->config->n_routes);
    (void)loop_timer(&s->loop, &s->look, LOOK_EVERY);
    loop_run(&s->loop);
    stop_engines(s);
    log_totals(s);
    return 0;
}

bool server_free(struct server *s)
{
    if (s == NULL)
        return true;
    for (unsigned i = 0; i < s->n_engines; i++)
        engine_cut(&s->engines[i]);
    for (size_t i = 0; s->pools != NULL && i < s->config->n_pools; i++)
        if (s->pools[i] != NULL && !pool_free(s->pools[i], clock_mono() + CUT_TIME)) {
            log_warning("pool %.*s: a worker does not come back",
                        str_fmt(s->config->pools[i].name));
            return false;
        }
    for (unsigned i = 0; i < s->n_engines; i++) {
        loop_turn(&s->engines[i].loop, 0); /* letters of workers that were late */
        if (s->engines[i].n_conns > 0 || atomic_load(&s->engines[i].posting) > 0)
            return false; /* LATER, and nobody resumed it; or somebody is just leaving */
    }
    for (unsigned i = 0; i < s->n_engines; i++)
        engine_done(&s->engines[i]);
    close_listeners(s);
    free(s->listeners);
    timer_clear(&s->loop.timers, &s->look);
    timer_clear(&s->loop.timers, &s->drain_timer);
    if (watch_is_on(&s->signals)) {
        int fd = s->signals.fd;
        loop_unwatch(&s->loop, &s->signals);
        close(fd);
    }
    loop_done(&s->loop);
    free(s->engines); /* after the last letter of theirs */
    free(s->pools);
    free(s->shares);
    config_unref(s->config);
    free(s);
    return true;
}
