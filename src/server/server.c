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
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/file.h"
#include "server/change.h"
#include "server/engine.h"
#include "server/notify.h"
#include "server/reload.h"

#define LOOK_EVERY (5 * NSEC_PER_SEC)   /* for stuck workers, and STATUS= */
#define STUCK_AFTER (30 * NSEC_PER_SEC) /* a job that runs longer is named in the log */
#define REFUSALS 7                      /* kinds that tell_refusals() tells of */
#define CUT_TIME NSEC_PER_SEC           /* engines and workers to end after the drain */

struct server {
    struct loop loop;
    struct engine *engines;
    struct bounds bounds;
    unsigned n_engines, n_deaf, n_ended;
    struct change change; /* which has the config, the listeners and the pools */
    struct reload reload;
    struct watch signals;
    struct timer look, drain_timer;
    bool draining, cut;
    bool stuck;          /* an engine's thread did not end */
    const char *why;     /* the drain began: the signal */
    unsigned stuck_said; /* workers named already */
    uint64_t refusals_told[REFUSALS];
};

struct loop *server_loop(struct server *s)
{
    return &s->loop;
}

void server_ask_for_room(struct engine *asker)
{
    const struct server *s = asker->server; /* its engines do not change once they run */

    if (s->n_engines < 2)
        return;
    asker->asked = asker->asked % (s->n_engines - 1) + 1;
    struct engine *other = &s->engines[(asker->index + asker->asked) % s->n_engines];
    if (!atomic_exchange(&other->room_asked, true))
        loop_post(&other->loop, &other->room_letter);
}

/* Read in this order: a connection closed in between must not make it negative. */
static uint64_t connections(const struct engine *e)
{
    uint64_t closed = stats_read(&e->stats, closed);

    return stats_read(&e->stats, accepted) - closed;
}

/* ---- letters from engines */

void server_engine_switched(struct letter *l)
{
    struct server *s = container_of(l, struct engine, switched_letter)->server;

    if (change_switched(&s->change))
        reload_switched(&s->reload);
}

void server_acceptor_gone(struct letter *l)
{
    change_acceptor_gone(container_of(l, struct acceptor, gone));
}

/* With the last one, clients are refused rather than left in a backlog nobody reads. */
void server_engine_deaf(struct letter *l)
{
    struct server *s = container_of(l, struct engine, deaf_letter)->server;

    if (++s->n_deaf < s->n_engines)
        return;
    log_info("%s: draining", s->why);
}

void server_engine_ended(struct letter *l)
{
    struct engine *e = container_of(l, struct engine, ended_letter);
    struct server *s = e->server;

    if (++s->n_ended == s->n_engines)
        loop_stop(&s->loop);
}

/* ---- the end */

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
    if (s->change.config->timeouts.drain > 0) /* else nobody was to be waited for */
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
    reload_stop(&s->reload);
    change_hide_listeners(&s->change);
    for (unsigned i = 0; i < s->n_engines; i++)
        loop_post(&s->engines[i].loop, &s->engines[i].drain_letter);
    int64_t time = s->change.config->timeouts.drain;
    if (time <= 0 || loop_timer(&s->loop, &s->drain_timer, time) < 0)
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
        case SIGUSR1:
            log_notice("USR1: reopening logs");
            accesslog_reopen(s->change.log);
            break;
        case SIGHUP:
            reload_ask(&s->reload);
            break;
        default:
            break;
        }
    }
}

/* ---- looking after it */

/* What befalls connections, not requests, is no line of the access log, and may come in floods:
 * the main thread tells from time to time how often it did. */
static const struct {
    size_t offset; /* in struct stats */
    const char *what, *reason;
} refusals[REFUSALS] = {
    { offsetof(struct stats, refused_connections), "connections refused", "connections_full" },
    { offsetof(struct stats, refused_client), "connections refused", "client_connections" },
    { offsetof(struct stats, refused_buffers), "requests refused unread", "buffers_full" },
    { offsetof(struct stats, evicted), "idle connections closed for others", "idle_evicted" },
    { offsetof(struct stats, silent), "connections closed that never sent a byte",
      "first_byte_timeout" },
    { offsetof(struct stats, discard_timeouts), "connections closed behind an answer",
      "body_timeout" },
    { offsetof(struct stats, untaken), "connections cut that did not take their answers",
      "write_timeout" },
};

static void tell_refusals(struct server *s)
{
    for (size_t i = 0; i < array_len(refusals); i++) {
        uint64_t n = 0;
        for (unsigned e = 0; e < s->n_engines; e++) {
            const char *stats = (const char *)&s->engines[e].stats;
            n += atomic_load_explicit(
                (const _Atomic uint64_t *)(const void *)(stats + refusals[i].offset),
                memory_order_relaxed);
        }
        if (n > s->refusals_told[i])
            log_info("%" PRIu64 " %s reason=%s", n - s->refusals_told[i], refusals[i].what,
                     refusals[i].reason);
        s->refusals_told[i] = n;
    }
}

static void look(struct timer *t)
{
    struct server *s = container_of(t, struct server, look);
    unsigned stuck = 0;
    uint64_t conns = 0, requests = 0;

    list_each (w, &s->change.registry.pools, struct workers, node) {
        struct pool_stats ps;
        pool_stats(w->pool, STUCK_AFTER, &ps);
        stuck += ps.stuck;
        if (ps.stuck > 0 && stuck > s->stuck_said)
            log_warning(
                "pool %s: %u of %u workers are stuck, the longest in route %s for %" PRId64 " s",
                w->name, ps.stuck, ps.threads, ps.stuck_name, ps.longest_run / NSEC_PER_SEC);
    }
    s->stuck_said = stuck;
    for (unsigned i = 0; i < s->n_engines; i++) {
        conns += connections(&s->engines[i]);
        requests += stats_read(&s->engines[i].stats, requests);
    }
    notify_status("%s; %" PRIu64 " connections, %" PRIu64 " requests",
                  s->draining ? "draining" : s->reload.status, conns, requests);
    tell_refusals(s);
    change_look(&s->change);
    reload_look(&s->reload);
    (void)loop_timer(&s->loop, &s->look, LOOK_EVERY);
}

static void log_totals(const struct server *s)
{
    uint64_t accepted = 0, closed = 0, requests = 0, malformed = 0, cut = 0, unanswered = 0;

    for (unsigned i = 0; i < s->n_engines; i++) {
        const struct stats *st = &s->engines[i].stats;
        accepted += stats_read(st, accepted);
        closed += stats_read(st, closed);
        requests += stats_read(st, requests);
        malformed += stats_read(st, malformed);
        cut += stats_read(st, cut);
        unanswered += stats_read(st, unanswered);
    }
    log_info("stopped: %" PRIu64 " connections, %" PRIu64 " requests, %" PRIu64
             " malformed, %" PRIu64 " cut short, %" PRIu64 " unanswered, %" PRIu64 " left open",
             accepted, requests, malformed, cut, unanswered, accepted - closed);
}

static void log_files(const struct server *s)
{
    uint64_t hits = 0, misses = 0, fetches = 0, tasks = 0;

    for (unsigned i = 0; i < s->n_engines; i++) {
        const struct stats *st = &s->engines[i].stats;
        hits += stats_read(st, file_cache_hits);
        misses += stats_read(st, file_cache_misses);
        fetches += stats_read(st, file_fetches);
        tasks += stats_read(st, tasks);
    }
    log_debug("files: %" PRIu64 " known, %" PRIu64 " looked up; bodies: %" PRIu64
              " pieces read by a pool, of %" PRIu64 " tasks",
              hits, misses, fetches, tasks);
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

/* The C library gives threads heaps of their own, up to eight a core, and each keeps the most it
 * ever had. Most of the memory is the loops'; workers, however many, share. */
static void bound_heaps(int64_t loops)
{
#ifdef M_ARENA_MAX
    (void)mallopt(M_ARENA_MAX, (int)loops + 1);
#else
    (void)loops;
#endif
}

static int watch_signals(struct server *s)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    /* Blocked before the first thread, which inherits it, so that they all arrive here. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* of a log: EFBIG */
    tzset();                  /* for what threads make of the time */
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    watch_init(&s->signals, signals_ready);
    int r = loop_watch(&s->loop, &s->signals, fd, EPOLLIN);
    if (r < 0)
        close(fd);
    return r;
}

static int set_up(struct server *s, struct config *config)
{
    unsigned n = (unsigned)config->loops, errors;
    struct accesslog *log = NULL;

    s->engines = calloc(n, sizeof *s->engines);
    int r = s->engines == NULL ? -ENOMEM : watch_signals(s);
    for (; r == 0 && s->n_engines < n; s->n_engines += r == 0)
        r = engine_init(&s->engines[s->n_engines], s, &s->bounds, s->n_engines);
    s->bounds.n_loops = max_of(s->n_engines, 1u);
    change_init(&s->change, &s->loop, s->engines, s->n_engines);
    reload_init(&s->reload, &s->loop, &s->change);
    if (r == 0) {
        r = accesslog_new(&config->access, n, &log);
        if (r < 0)
            accesslog_complain(&config->access, r);
    }
    if (r < 0)
        config_unref(config);
    else
        r = change_prepare(&s->change, config, log, &errors);
    if (r < 0)
        return r;
    change_commit(&s->change, false);
    return 0;
}

int server_new(struct config *config, struct server **ret)
{
    struct server *s = calloc(1, sizeof *s);

    raise_descriptor_limit();
    bound_heaps(config->loops);
    int r = s == NULL ? -ENOMEM : bounds_init(&s->bounds);
    if (r == 0) {
        r = loop_init(&s->loop);
        if (r < 0)
            bounds_done(&s->bounds);
    }
    if (r < 0) {
        free(s);
        config_unref(config);
        return r;
    }
    timer_init(&s->look, look);
    timer_init(&s->drain_timer, drain_over);
    r = set_up(s, config);
    if (r < 0) {
        server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void server_address(const struct server *s, char *buf)
{
    listener_text(list_first(&s->change.listeners, struct listener, node), buf);
}

/* One that stands still in the system, in a file system that hangs, say, is not waited for. */
static void stop_engines(struct server *s)
{
    int64_t until = clock_mono() + CUT_TIME;

    for (unsigned i = 0; i < s->n_engines; i++)
        loop_stop(&s->engines[i].loop);
    for (unsigned i = 0; i < s->n_engines; i++)
        if (!engine_join(&s->engines[i], until)) {
            log_warning("loop %u does not come back", i);
            s->stuck = true;
        }
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
    reload_begin(&s->reload);
    notify_ready();
    const struct config *c = s->change.config;
    log_info("serving: %u loop%s, %zu listener%s, %zu site%s, %zu route%s", s->n_engines,
             str_plural(s->n_engines), c->n_listeners, str_plural(c->n_listeners), c->n_sites,
             str_plural(c->n_sites), c->n_routes, str_plural(c->n_routes));
    (void)loop_timer(&s->loop, &s->look, LOOK_EVERY);
    loop_run(&s->loop);
    stop_engines(s);
    tell_refusals(s);
    log_totals(s);
    log_files(s);
    return 0;
}

bool server_free(struct server *s)
{
    if (s == NULL)
        return true;
    if (s->stuck)
        return false;
    for (unsigned i = 0; i < s->n_engines; i++) {
        loop_turn(&s->engines[i].loop, 0); /* what a late one was told: a switch, the drain */
        engine_cut(&s->engines[i]);
    }
    int64_t deadline = clock_mono() + CUT_TIME;
    bool written = change_end_logs(&s->change, deadline); /* whatever hangs besides */
    if (!written || !registry_end_pools(&s->change.registry, deadline) ||
        !reload_end(&s->reload, deadline))
        return false;
    for (unsigned i = 0; i < s->n_engines; i++) {
        loop_turn(&s->engines[i].loop, 0); /* letters of workers that were late */
        if (s->engines[i].n_conns > 0 || atomic_load(&s->engines[i].posting) > 0)
            return false; /* LATER, and nobody resumed it; or somebody is just leaving */
    }
    for (unsigned i = 0; i < s->n_engines; i++)
        engine_done(&s->engines[i]);
    file_end(deadline);
    change_end(&s->change);
    timer_clear(&s->loop.timers, &s->look);
    timer_clear(&s->loop.timers, &s->drain_timer);
    timer_clear(&s->loop.timers, &s->reload.deadline);
    timer_clear(&s->loop.timers, &s->reload.trim);
    if (watch_is_on(&s->signals)) {
        int fd = s->signals.fd;
        loop_unwatch(&s->loop, &s->signals);
        close(fd);
    }
    loop_done(&s->loop); /* delivers the last letters of engines and sites */
    change_done(&s->change);
    bounds_done(&s->bounds);
    free(s->engines);
    free(s);
    return true;
}
