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
#include "server/local.h"
#include "server/registry.h"
#include "server/server.h"

#define ENGINE_MAGIC 0x656e676eu /* "engn" */

#define NOTES_PER_SECOND 5
/* A client that has been idle for so long is not about to ask: one that is may lose its connection
 * in the middle of that. */
#define IDLE_LONG NSEC_PER_SEC
/* By then most clients have read their last answer. */
#define LINGER_SHORT (100 * NSEC_PER_MSEC)

static _Thread_local struct engine *self;

struct engine *engine_self(void)
{
    return self;
}

/* ---- connections */

bool engine_make_room(struct engine *e)
{
    if (!list_empty(&e->lingering)) {
        struct conn *c = list_first(&e->lingering, struct conn, node);
        if (loop_now(&e->loop) - c->since >= LINGER_SHORT) {
            conn_close(c);
            return true;
        }
    }
    if (!list_empty(&e->idle)) {
        struct conn *c = list_first(&e->idle, struct conn, node);
        if (conn_is_quiet(c, IDLE_LONG)) {
            stats_count(&e->stats, evicted);
            conn_close(c);
            return true;
        }
    }
    return false;
}

static void room_deliver(struct letter *l)
{
    struct engine *e = container_of(l, struct engine, room_letter);

    atomic_store(&e->room_asked, false);
    (void)engine_make_room(e);
}

/* The main thread. */
int engine_will_accept(struct engine *e, struct listener *l, unsigned i)
{
    struct acceptor *a = acceptor_new(e, l, i);

    if (a == NULL)
        return -ENOMEM;
    list_push_back(&e->next_acceptors, &a->node);
    return 0;
}

/* The main thread. */
void engine_will_not_accept(struct engine *e)
{
    list_each_safe (a, &e->next_acceptors, struct acceptor, node) {
        list_remove(&a->node);
        acceptor_free(a);
    }
}

/* What `call` does may move a connection to a list where it is found a second time. */
static void each_conn(struct engine *e, void (*call)(struct conn *c))
{
    struct list *lists[] = { &e->idle, &e->lingering, &e->conns };

    for (size_t i = 0; i < array_len(lists); i++)
        list_each_safe (c, lists[i], struct conn, node)
            call(c);
}

static void drain_conn(struct conn *c)
{
    if (c->engine->draining || c->acceptor->closed)
        c->proto->drain(c);
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
    atomic_store_explicit(&e->bounds->memory.max, (size_t)to->limits.buffers, memory_order_relaxed);
    e->next = NULL;
    list_each_safe (a, &e->acceptors, struct acceptor, node) {
        if (a->listener->last == NULL) {
            a->conf = a->listener->conf;
            continue;
        }
        acceptor_end(a);
        left = true;
    }
    list_each (a, &e->next_acceptors, struct acceptor, node)
        acceptor_begin(a);
    list_splice_back(&e->acceptors, &e->next_acceptors);
    if (left)
        each_conn(e, drain_conn);
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

void engine_conn_gone(struct engine *e, struct acceptor *from)
{
    acceptor_conn_gone(from);
    e->n_conns--;
    list_each (a, &e->acceptors, struct acceptor, node)
        acceptor_resume(a);
    report_end(e);
}

static void drain_deliver(struct letter *l)
{
    struct engine *e = container_of(l, struct engine, drain_letter);

    list_each_safe (a, &e->acceptors, struct acceptor, node)
        acceptor_end(a);
    e->draining = true;
    each_conn(e, drain_conn);
    loop_post(server_loop(e->server), &e->deaf_letter);
    report_end(e);
}

static void abort_all(struct engine *e)
{
    e->cutting = true;
    each_conn(e, conn_abort);
}

static void abort_deliver(struct letter *l)
{
    abort_all(container_of(l, struct engine, abort_letter));
}

void engine_cut(struct engine *e)
{
    list_each_safe (a, &e->acceptors, struct acceptor, node)
        acceptor_stop(a);
    abort_all(e);
    local_stop(e);
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

/* Near the bound nothing is kept: what this loop has in store the others cannot have. */
static bool may_keep(const struct engine *e)
{
    const struct budget *b = &e->bounds->memory;

    return !budget_is_full(b, atomic_load_explicit(&b->max, memory_order_relaxed) / 2);
}

int engine_buf_take(struct engine *e, struct buf *b, size_t max)
{
    struct budget *budget = &e->bounds->memory;

    *b = (struct buf){ .max = max_of(max, ENGINE_BUF_SIZE), .budget = budget };
    if (e->n_bufs == 0)
        return buf_room(b, ENGINE_BUF_SIZE);
    b->base = e->bufs[--e->n_bufs];
    b->cap = ENGINE_BUF_SIZE;
    return 0;
}

void engine_buf_give(struct engine *e, struct buf *b)
{
    if (b->base != NULL && b->cap == ENGINE_BUF_SIZE && e->n_bufs < ENGINE_CACHE_MAX && may_keep(e))
        e->bufs[e->n_bufs++] = b->base;
    else
        buf_done(b);
    *b = (struct buf){ .base = NULL };
}

struct h1 *engine_h1_take(struct engine *e)
{
    struct budget *budget = &e->bounds->memory;

    if (e->n_h1s > 0)
        return e->h1s[--e->n_h1s];
    if (!budget_take(budget, h1_size()))
        return NULL;
    struct h1 *h = h1_new();
    if (h == NULL)
        budget_give(budget, h1_size());
    return h;
}

void engine_h1_give(struct engine *e, struct h1 *h)
{
    if (e->n_h1s < ENGINE_CACHE_MAX && may_keep(e)) {
        e->h1s[e->n_h1s++] = h;
        return;
    }
    h1_free(h);
    budget_give(&e->bounds->memory, h1_size());
}

const char *engine_no_memory(const struct engine *e)
{
    return budget_is_full(&e->bounds->memory, ENGINE_BUF_SIZE) ? "buffers_full" : "no_memory";
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
    site = site.n > 0 ? site : STR("-");
    route = route.n > 0 ? route : STR("-");
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

int engine_init(struct engine *e, struct server *s, struct bounds *bounds, unsigned index)
{
    *e = (struct engine){
        .magic = ENGINE_MAGIC, .index = index, .server = s, .bounds = bounds, .date_second = -1
    };
    int r = loop_init(&e->loop);
    if (r < 0)
        return r;
    e->last_id = (uint64_t)index << 48; /* without randomness */
    (void)!getrandom(&e->last_id, sizeof e->last_id, GRND_NONBLOCK);
    list_init(&e->acceptors);
    local_init(e);
    check(sem_init(&e->ended, 0, 0) == 0);
    list_init(&e->next_acceptors);
    list_init(&e->conns);
    list_init(&e->idle);
    list_init(&e->lingering);
    e->switch_letter.deliver = switch_deliver;
    e->switched_letter.deliver = server_engine_switched;
    e->room_letter.deliver = room_deliver;
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
    local_done(e);
    budget_give(&e->bounds->memory, e->n_bufs * ENGINE_BUF_SIZE + e->n_h1s * h1_size());
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
