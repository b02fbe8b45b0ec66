/*
 * local.c - what an engine keeps for kinds of handlers (handler.h, exchange_local), and the one
 * timer that ticks for all of them, only as long as one has something to do. The engine's thread;
 * local_done() when that has ended.
 */
#include "server/local.h"

#include <stdlib.h>

#include "server/engine.h"
#include "server/exchange.h"

#define TICK NSEC_PER_SEC

struct local {
    struct local *next;
    const struct handler_kind *kind;
    void *data;
};

static void tick(struct timer *t)
{
    struct engine *e = container_of(t, struct engine, local_timer);
    bool more = false;

    for (struct local *l = e->locals; l != NULL; l = l->next)
        if (l->kind->local_tick != NULL && l->kind->local_tick(l->data, loop_now(&e->loop)))
            more = true;
    if (more)
        (void)loop_timer(&e->loop, t, TICK);
}

static struct local *local_new(struct engine *e, const struct handler_kind *kind)
{
    void *data = kind->local_new();
    struct local *l = data != NULL ? malloc(sizeof *l) : NULL;

    if (l == NULL) {
        if (data != NULL)
            kind->local_free(data);
        return NULL;
    }
    *l = (struct local){ .next = e->locals, .kind = kind, .data = data };
    e->locals = l;
    return l;
}

void *exchange_local(struct exchange *x)
{
    struct engine *e = x->engine;

    if (exchange_on_worker(x) || x->route == NULL || x->route->kind->local_new == NULL)
        return NULL;
    struct local *l = e->locals;
    while (l != NULL && l->kind != x->route->kind)
        l = l->next;
    if (l == NULL)
        l = local_new(e, x->route->kind);
    if (l == NULL)
        return NULL;
    if (l->kind->local_tick != NULL && !timer_is_set(&e->local_timer))
        (void)loop_timer(&e->loop, &e->local_timer, TICK); /* the next request tries again */
    return l->data;
}

struct local_max exchange_local_max(const struct exchange *x)
{
    const struct bounds *b = x->engine->bounds;

    return (struct local_max){
        .bytes = (size_t)x->engine->config->limits.file_cache / b->n_loops,
        .files = (size_t)b->kept_files / b->n_loops,
    };
}

struct stats *exchange_stats(const struct exchange *x)
{
    return exchange_on_worker(x) ? NULL : &x->engine->stats;
}

void local_init(struct engine *e)
{
    timer_init(&e->local_timer, tick);
}

void local_stop(struct engine *e)
{
    timer_clear(&e->loop.timers, &e->local_timer);
}

void local_done(struct engine *e)
{
    while (e->locals != NULL) {
        struct local *l = e->locals;
        e->locals = l->next;
        l->kind->local_free(l->data);
        free(l);
    }
}
