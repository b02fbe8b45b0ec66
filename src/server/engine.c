/* engine.c - see engine.h. The engine's thread, unless a function says otherwise. */
#include "server/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "event/thread.h"
#include "server/conn.h"
#include "server/h1.h"
#include "server/listener.h"
#include "server/registry.h"
#include "server/server.h"

#define ENGINE_MAGIC 0x656e676eu /* "engn" */

#define ACCEPTS_PER_TURN 64
#define LAST_ACCEPTS 128 /* of those, at the end: a full backlog and what comes meanwhile */
#define BACKOFF_MIN (5 * NSEC_PER_MSEC) /* Go's net/http: 5 ms doubling to 1 s */
#define BACKOFF_MAX NSEC_PER_SEC
#define NOTES_PER_SECOND 5

static _Thread_local struct engine *self;

struct engine *engine_self(void)
{
    return self;
}

/* ---- accepting */

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
    if (loop_timer(&e->loop, &a->pause, a->backoff) < 0)
        loop_ready(&e->loop, &a->watch); /* no memory for a timer: look again next turn */
}

static void pause_over(struct timer *t)
{
    struct acceptor *a = container_of(t, struct acceptor, pause);

    loop_ready(&a->engine->loop, &a->watch);
}

static void begin_accepting(struct acceptor *a)
{
    /* A socket that all loops share wakes one of them. No other flag is legal beside it. */
    uint32_t events = EPOLLIN | (a->listener->shared ? EPOLLEXCLUSIVE : 0);
    int r = loop_watch(&a->engine->loop, &a->watch, a->listener->fds[a->i], events);

    if (r < 0)
        pause_accepting(a, r); /* and then once more */
}

/* Accepts a few; true if there may be more. */
static bool accept_some(struct acceptor *a)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        int fd = sock_accept(a->listener->fds[a->i], &peer, &len);
        if (fd >= 0) {
            fd = conn_open(a, fd, (struct sockaddr *)&peer, len);
            if (fd == 0) {
                a->backoff = 0;
                continue;
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
        begin_accepting(a);
    else if (accept_some(a))
        loop_ready(&a->engine->loop, w);
}

/* The main thread. */
int engine_will_accept(struct engine *e, struct listener *l, unsigned i)
{
    struct acceptor *a = malloc(sizeof *a);

    if (a == NULL)
        return -ENOMEM;
    *a = (struct acceptor){ .engine = e, .listener = l, .conf = l->conf, .i = i };
    watch_init(&a->watch, accept_ready);
    timer_init(&a->pause, pause_over);
    a->gone.deliver = server_acceptor_gone;
    list_push_back(&e->next_acceptors, &a->node);
    l->n_acceptors++;
    listener_use(l, i);
    return 0;
}

/* The main thread. */
void engine_will_not_accept(struct engine *e)
{
    list_each_safe (a, &e->next_acceptors, struct acceptor, node) {
        list_remove(&a->node);
        a->listener->n_acceptors--;
        free(a);
    }
}

static void report_acceptor(struct acceptor *a)
{
    if (a->closed && a->n_conns == 0)
        loop_post(server_loop(a->engine->server), &a->gone);
}

static void stop_accepting(struct acceptor *a)
{
    struct engine *e = a->engine;

    timer_clear(&e->loop.timers, &a->pause);
    loop_unwatch(&e->loop, &a->watch);
    list_remove(&a->node);
    a->closed = true;
    listener_unuse(a->listener, a->i);
    report_acceptor(a);
}

/* What the kernel has completed for us is ours to answer. */
static void accept_the_rest(struct acceptor *a)
{
    for (int turns = 0; turns < LAST_ACCEPTS && accept_some(a); turns++)
        ;
}

/* ---- the view */

void engine_switch(struct engine *e)
{
    struct config *from = e->config, *to = e->next;
    bool left = false;

    for (size_t i = 0; i < to->n_sites; i++)
        site_use(to->sites[i], e->index);
    e->config = to;
    e->accesslog = e->next_log;
    e->next = NULL;
    list_each_safe (a, &e->acceptors, struct acceptor, node) {
        if (a->listener->last == NULL) {
            a->conf = a->listener->conf;
            continue;
        }
        accept_the_rest(a);
        stop_accepting(a);
        left = true;
    }
    list_each (a, &e->next_acceptors, struct acceptor, node)
        begin_accepting(a);
    list_splice_back(&e->acceptors, &e->next_acceptors);
    if (left)
        list_each_safe (c, &e->conns, struct conn, node)
            if (c->acceptor->closed)
                c->proto->drain(c);
    for (size_t i = 0; from != NULL && i < from->n_sites; i++)
        site_unuse(from->sites[i], e->index);
}

static void switch_deliver(struct letter *l)
{
    struct engine *e = container_of(l, struct engine, switch_letter);

    engine_switch(e);
    loop_post(server_loop(e->server), &e->switched_letter);
}

/* ---- draining */

static void report_end(struct engine *e)
{
    if (e->draining && e->n_conns == 0 && !e->reported) {
        e->reported = true;
        loop_post(server_loop(e->server), &e->ended_letter);
    }
}

/* A descriptor of ours is free again: no need to wait for the timer. */
static void end_pauses(struct engine *e)
{
    list_each (a, &e->acceptors, struct acceptor, node)
        if (timer_is_set(&a->pause)) {
            timer_clear(&e->loop.timers, &a->pause);
            loop_ready(&e->loop, &a->watch);
        }
}

void engine_conn_gone(struct engine *e, struct acceptor *a)
{
    a->n_conns--;
    report_acceptor(a);
    e->n_conns--;
    end_pauses(e);
    report_end(e);
}

static void drain_deliver(struct letter *l)
{
    struct engine *e = container_of(l, struct engine, drain_letter);

    list_each_safe (a, &e->acceptors, struct acceptor, node) {
        accept_the_rest(a);
        stop_accepting(a);
    }
    e->draining = true;
    list_each_safe (c, &e->conns, struct conn, node)
        c->proto->drain(c);
    loop_post(server_loop(e->server), &e->deaf_letter);
    report_end(e);
}

static void abort_all(struct engine *e)
{
    e->cutting = true;
    list_each_safe (c, &e->conns, struct conn, node)
        conn_abort(c);
}

static void abort_deliver(struct letter *l)
{
    abort_all(container_of(l, struct engine, abort_letter));
}

void engine_cut(struct engine *e)
{
    list_each_safe (a, &e->acceptors, struct acceptor, node)
        stop_accepting(a);
    abort_all(e);
}

/* ---- caches */

const char *engine_date(struct engine *e)
{
    int64_t second = e->loop.wall / NSEC_PER_SEC;

    if (second != e->date_second) {
        date_format(second, e->date);
        e->date_second = second;
    }
    return e->date;
}

int engine_buf_take(struct engine *e, struct buf *b, size_t max)
{
    char *base = e->n_bufs > 0 ? e->bufs[--e->n_bufs] : malloc(ENGINE_BUF_SIZE);

    if (base == NULL)
        return -ENOMEM;
    *b = (struct buf){ .base = base, .cap = ENGINE_BUF_SIZE, .max = max_of(max, ENGINE_BUF_SIZE) };
    return 0;
}

void engine_buf_give(struct engine *e, struct buf *b)
{
    if (b->base != NULL && b->cap == ENGINE_BUF_SIZE && e->n_bufs < ENGINE_CACHE_MAX)
        e->bufs[e->n_bufs++] = b->base;
    else
        free(b->base);
    *b = (struct buf){ .base = NULL };
}

void engine_note(struct engine *e, unsigned status, const char *reason, struct str site,
                 struct str route, uint64_t id)
{
    int64_t second = e->loop.now / NSEC_PER_SEC;

    if (second != e->notes_second) {
        if (e->notes_dropped > 0)
            log_info("%u more refusals in that second", e->notes_dropped);
        e->notes_second = second;
        e->notes = e->notes_dropped = 0;
    }
    if (e->notes++ >= NOTES_PER_SECOND) {
        e->notes_dropped++;
        return;
    }
    char what[16] = "cut";
    if (status > 0)
        snprintf(what, sizeof what, "%u", status);
    log_info("%s reason=%s site=%.*s route=%.*s id=%016" PRIx64, what, reason, str_fmt(site),
             str_fmt(route), id);
}

/* ---- life */

static void *engine_main(void *arg)
{
    struct engine *e = arg;
    char name[16];

    self = e;
    snprintf(name, sizeof name, "muxd-loop-%u", e->index % 10000);
    pthread_setname_np(pthread_self(), name);
    loop_run(&e->loop);
    sem_post(&e->ended);
    return NULL;
}

int engine_init(struct engine *e, struct server *s, unsigned index)
{
    *e = (struct engine){ .magic = ENGINE_MAGIC, .index = index, .server = s, .date_second = -1 };
    int r = loop_init(&e->loop);
    if (r < 0)
        return r;
    e->last_id = (uint64_t)index << 48; /* without randomness */
    (void)!getrandom(&e->last_id, sizeof e->last_id, GRND_NONBLOCK);
    list_init(&e->acceptors);
    check(sem_init(&e->ended, 0, 0) == 0);
    list_init(&e->next_acceptors);
    list_init(&e->conns);
    e->switch_letter.deliver = switch_deliver;
    e->switched_letter.deliver = server_engine_switched;
    e->drain_letter.deliver = drain_deliver;
    e->abort_letter.deliver = abort_deliver;
    e->deaf_letter.deliver = server_engine_deaf;
    e->ended_letter.deliver = server_engine_ended;
    return 0;
}

int engine_start(struct engine *e)
{
    int r = thread_start(&e->thread, 0, engine_main, e);

    e->started = r == 0;
    return r;
}

bool engine_join(struct engine *e, int64_t until)
{
    struct timespec at = { until / NSEC_PER_SEC, until % NSEC_PER_SEC };

    if (!e->started)
        return true;
    while (sem_clockwait(&e->ended, CLOCK_MONOTONIC, &at) < 0)
        if (errno != EINTR)
            return false;
    pthread_join(e->thread, NULL);
    e->started = false;
    return true;
}

void engine_done(struct engine *e)
{
    if (e == NULL || e->magic != ENGINE_MAGIC)
        return;
    check(e->n_conns == 0);
    engine_cut(e);
    while (e->n_bufs > 0)
        free(e->bufs[--e->n_bufs]);
    while (e->n_h1s > 0)
        h1_free(e->h1s[--e->n_h1s]);
    for (size_t i = 0; e->config != NULL && i < e->config->n_sites; i++)
        site_unuse(e->config->sites[i], e->index);
    engine_will_not_accept(e);
    loop_done(&e->loop);
    e->magic = 0;
}
