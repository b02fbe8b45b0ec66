/* registry.c - see registry.h. The main thread. */
#include "server/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/table.h"

_Static_assert(SLAB_SLOTS == 64, "counts_slab.free has as many bits");

/* ---- pools */

static struct workers *find_workers(const struct registry *r, struct str name)
{
    list_each (w, &r->pools, struct workers, node)
        if (!w->ended && str_eq(str_of(w->name), name))
            return w;
    return NULL;
}

static struct pool_conf pool_conf_of(const struct conf_pool *p)
{
    return (struct pool_conf){ .threads = (unsigned)p->threads,
                               .queue = (unsigned)p->queue,
                               .idle = p->idle };
}

static int add_workers(struct registry *r, const struct conf_pool *p)
{
    struct pool_conf conf = pool_conf_of(p);
    struct workers *w = calloc(1, sizeof *w + p->name.n + 1);

    if (w == NULL)
        return -ENOMEM;
    memcpy(w->name, p->name.p, p->name.n);
    atomic_init(&w->queue_time, p->queue_time);
    w->pool = pool_new(w->name, &conf);
    if (w->pool == NULL) {
        free(w);
        return -ENOMEM;
    }
    list_push_back(&r->pools, &w->node);
    return 0;
}

/* No job is in it any more, for jobs hold their site. A worker at its last instructions is not
 * waited for, but looked for again. */
static void drop_workers(struct workers *w)
{
    if (w->listed || w->routes > 0)
        return;
    w->ended = true;
    if (!pool_free(w->pool, clock_mono()))
        return;
    list_remove(&w->node);
    free(w);
}

/* ---- routes */

static struct route_state **bucket(const struct registry *r, struct str site, struct str route)
{
    uint64_t hash = table_hash(site) * 31 + table_hash(route);

    return &r->routes[(size_t)(hash ^ hash >> 32) & (r->n_buckets - 1)];
}

static struct str site_of(const struct route_state *state)
{
    return str_make(state->names, state->site_len);
}

static struct str route_of(const struct route_state *state)
{
    return str_make(state->names + state->site_len, state->route_len);
}

/* One bucket a route, or a few routes a bucket when there is no memory for that. */
static int make_buckets(struct registry *r)
{
    size_t old_n = r->n_buckets, n = old_n ? old_n * 2 : 64;
    struct route_state **old = r->routes, **buckets;

    if (r->n_routes < old_n)
        return 0;
    buckets = calloc(n, sizeof *buckets);
    if (buckets == NULL)
        return old ? 0 : -ENOMEM;
    r->routes = buckets;
    r->n_buckets = n;
    for (size_t i = 0; i < old_n; i++)
        for (struct route_state *state = old[i], *next; state != NULL; state = next) {
            struct route_state **to = bucket(r, site_of(state), route_of(state));
            next = state->next;
            state->next = *to;
            *to = state;
        }
    free(old);
    return 0;
}

static struct route_state *find_route(const struct registry *r, struct str site, struct str route)
{
    struct route_state *state = r->n_buckets ? *bucket(r, site, route) : NULL;

    while (state != NULL && (!str_eq(route_of(state), route) || !str_eq(site_of(state), site)))
        state = state->next;
    return state;
}

static void forget_route(struct registry *r, struct route_state *state)
{
    struct route_state **at = bucket(r, site_of(state), route_of(state));

    while (*at != state)
        at = &(*at)->next;
    *at = state->next;
    r->n_routes--;
}

static struct counts_slab *slab_new(unsigned n_loops)
{
    struct counts_slab *slab = calloc(1, sizeof *slab);
    size_t size = n_loops * SLAB_SLOTS * sizeof *slab->counts;

    if (slab != NULL)
        slab->counts = aligned_alloc(CACHE_LINE, size);
    if (slab == NULL || slab->counts == NULL) {
        free(slab);
        return NULL;
    }
    memset(slab->counts, 0, size);
    slab->free = UINT64_MAX;
    return slab;
}

static int take_counts(struct registry *r, struct route_state *state)
{
    if (list_empty(&r->slabs)) {
        struct counts_slab *slab = slab_new(r->n_loops);
        if (slab == NULL)
            return -ENOMEM;
        list_push_back(&r->slabs, &slab->node);
    }
    struct counts_slab *slab = list_first(&r->slabs, struct counts_slab, node);
    unsigned slot = (unsigned)__builtin_ctzll(slab->free);
    slab->free &= slab->free - 1;
    if (slab->free == 0)
        list_remove(&slab->node);
    state->slab = slab;
    state->slot = (uint8_t)slot;
    for (unsigned i = 0; i < r->n_loops; i++) {
        struct route_counts *counts = route_counts(state, i);
        atomic_init(&counts->requests, 0);
        atomic_init(&counts->failed, 0);
        atomic_init(&counts->timeouts, 0);
    }
    return 0;
}

static void give_counts(struct registry *r, struct route_state *state)
{
    struct counts_slab *slab = state->slab;

    if (slab->free == 0)
        list_push_back(&r->slabs, &slab->node);
    slab->free |= UINT64_C(1) << state->slot;
    if (slab->free == UINT64_MAX) {
        list_remove(&slab->node);
        free(slab->counts);
        free(slab);
    }
}

struct route_sums route_counts_sum(const struct registry *r, const struct route_state *state)
{
    struct route_sums sums = { 0 };

    for (unsigned i = 0; i < r->n_loops; i++) {
        const struct route_counts *counts = route_counts(state, i);
        sums.requests += stats_read(counts, requests);
        sums.failed += stats_read(counts, failed);
        sums.timeouts += stats_read(counts, timeouts);
    }
    return sums;
}

static struct route_state *route_state_new(struct registry *r, struct str site, struct str route)
{
    struct route_state *state = calloc(1, sizeof *state + site.n + route.n);

    check(site.n <= UINT8_MAX && route.n <= UINT8_MAX); /* the loader sees to it */
    if (state == NULL || make_buckets(r) < 0 || take_counts(r, state) < 0) {
        free(state);
        return NULL;
    }
    state->site_len = (uint8_t)site.n;
    state->route_len = (uint8_t)route.n;
    memcpy(state->names, site.p, site.n);
    memcpy(state->names + site.n, route.p, route.n);
    struct route_state **to = bucket(r, site, route);
    state->next = *to;
    *to = state;
    r->n_routes++;
    return state;
}

void *route_shared(const struct route_state *state, const struct filter_kind *kind)
{
    struct route_shared *s = atomic_load_explicit(&state->shared, memory_order_acquire);

    while (s != NULL && s->kind != kind)
        s = s->next;
    return s != NULL ? s->bytes : NULL;
}

/* What the filters of this version want and those before it did not. */
static int take_shared(const struct route *route)
{
    struct route_state *state = route->state;

    for (size_t i = 0; i < route->filters.n; i++) {
        const struct filter_use *f = &route->filters.v[i];
        size_t size = f->kind->shared != NULL ? f->kind->shared(f->conf) : 0;
        if (size == 0 || route_shared(state, f->kind) != NULL)
            continue;
        struct route_shared *s = calloc(1, sizeof *s + size);
        if (s == NULL)
            return -ENOMEM;
        s->kind = f->kind;
        s->next = atomic_load_explicit(&state->shared, memory_order_relaxed);
        atomic_store_explicit(&state->shared, s, memory_order_release);
    }
    return 0;
}

static void free_shared(struct route_state *state)
{
    struct route_shared *next, *s = atomic_load_explicit(&state->shared, memory_order_relaxed);

    for (; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
}

static int take_route(struct registry *r, const struct site *s, struct route *route)
{
    route->workers = find_workers(r, route->pool);
    check(route->workers != NULL); /* the loader knows all pools */
    route->state = find_route(r, s->name, route->name);
    if (route->state == NULL)
        route->state = route_state_new(r, s->name, route->name);
    if (route->state == NULL)
        return -ENOMEM;
    route->state->sites++;
    route->workers->routes++;
    return take_shared(route);
}

static void give_route(struct registry *r, struct route *route)
{
    struct route_state *state = route->state;

    if (state == NULL)
        return;
    route->workers->routes--;
    drop_workers(route->workers);
    if (--state->sites > 0)
        return;
    struct route_sums sums = route_counts_sum(r, state);
    log_debug("route %.*s of site %.*s ends: %" PRIu64 " requests, %" PRIu64 " failed, %" PRIu64
              " time-outs",
              str_fmt(route_of(state)), str_fmt(site_of(state)), sums.requests, sums.failed,
              sums.timeouts);
    forget_route(r, state);
    give_counts(r, state);
    free_shared(state);
    free(state);
}

/* ---- sites */

static void site_gone(struct letter *l)
{
    struct site_state *state = container_of(l, struct site_state, gone);
    struct registry *r = state->registry;
    struct site *s = state->site;

    for (size_t i = 0; i < s->n_routes; i++)
        give_route(r, &s->routes[i]);
    site_free(s);
    free(state);
    r->n_sites--;
}

/* Any thread: a loop must not wait while a large site is taken apart. */
static void tell_gone(struct site *s)
{
    loop_post(s->state->registry->loop, &s->state->gone);
}

static int take_site(struct registry *r, struct site *s)
{
    size_t size = sizeof(struct site_state) + r->n_loops * sizeof(struct site_uses);
    struct site_state *state = aligned_alloc(CACHE_LINE, size);

    if (state == NULL)
        return -ENOMEM;
    memset(state, 0, size);
    state->site = s;
    state->registry = r;
    state->gone.deliver = site_gone;
    s->state = state;
    s->gone = tell_gone;
    r->n_sites++;
    for (size_t i = 0; i < s->n_routes; i++)
        if (take_route(r, s, &s->routes[i]) < 0)
            return -ENOMEM;
    return 0;
}

/* ---- a config */

int registry_prepare(struct registry *r, struct config *c)
{
    for (size_t i = 0; i < c->n_pools; i++)
        if (find_workers(r, c->pools[i].name) == NULL && add_workers(r, &c->pools[i]) < 0)
            return -ENOMEM;
    c->workers = find_workers(r, c->pools[0].name);
    for (size_t i = 0; i < c->n_sites; i++)
        if (c->sites[i]->state == NULL && take_site(r, c->sites[i]) < 0)
            return -ENOMEM;
    return 0;
}

void registry_apply(struct registry *r, const struct config *c)
{
    list_each (w, &r->pools, struct workers, node)
        w->listed = false;
    for (size_t i = 0; i < c->n_pools; i++) {
        struct pool_conf conf = pool_conf_of(&c->pools[i]);
        struct workers *w = find_workers(r, c->pools[i].name);
        w->listed = true;
        atomic_store_explicit(&w->queue_time, c->pools[i].queue_time, memory_order_relaxed);
        pool_resize(w->pool, &conf);
    }
    registry_tidy(r);
    for (size_t i = 0; i < c->n_sites; i++) {
        struct site *s = c->sites[i];
        for (size_t k = 0; k < s->n_routes && !s->state->applied; k++)
            atomic_store_explicit(&s->routes[k].state->share.max, s->routes[k].share,
                                  memory_order_relaxed);
        s->state->applied = true;
    }
}

void registry_tidy(struct registry *r)
{
    list_each_safe (w, &r->pools, struct workers, node)
        drop_workers(w);
}

/* ---- life */

void registry_init(struct registry *r, struct loop *loop, unsigned n_loops)
{
    *r = (struct registry){ .loop = loop, .n_loops = n_loops };
    list_init(&r->pools);
    list_init(&r->slabs);
}

bool registry_end_pools(struct registry *r, int64_t deadline)
{
    list_each (w, &r->pools, struct workers, node) {
        if (!pool_free(w->pool, deadline)) {
            log_warning("pool %s: a worker does not come back", w->name);
            return false;
        }
        w->pool = NULL;
    }
    return true;
}

void registry_done(struct registry *r)
{
    check(r->n_sites == 0 && r->n_routes == 0 && list_empty(&r->slabs));
    free(r->routes);
    list_each_safe (w, &r->pools, struct workers, node) {
        check(w->pool == NULL && w->routes == 0);
        list_remove(&w->node);
        free(w);
    }
}
