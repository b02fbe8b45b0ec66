/*
 * registry.h - what outlives a snapshot of the config: by name the pools, and of each route its
 * share of a pool and its counters; and how many use a site.
 *
 * The main thread makes and frees everything here, before a snapshot is served and after the last
 * use of a site of it. In between loops read it by the pointers in `struct site` and `struct
 * route`.
 *
 * Uses of a site are counted plainly, for each loop by itself: one for the view that has it, one
 * for each exchange that it answers. Only a loop's first and last use touch the count they share.
 */
#ifndef MUXD_SERVER_REGISTRY_H
#define MUXD_SERVER_REGISTRY_H

#include "base/stats.h"
#include "config/config.h"
#include "event/loop.h"
#include "event/pool.h"

#define CACHE_LINE 64

/* A pool under its name. */
struct workers {
    struct list node; /* registry.pools */
    struct pool *pool;
    _Atomic int64_t queue_time; /* ns; as in the newest config */
    unsigned routes;            /* of sites that are alive, which name it */
    bool listed;                /* in the newest config */
    bool ended;                 /* takes no jobs any more: not found by its name */
    char name[];
};

/* Of one route and one loop, which alone writes it; any thread reads. */
struct route_counts {
    _Atomic uint64_t requests, failed; /* answered; of them with 5xx, or cut short */
    _Atomic uint64_t timeouts;         /* times the handler took too long, or paused too long */
};

/* Of one filter kind. */
struct route_shared {
    struct route_shared *next;
    const struct filter_kind *kind;
    _Alignas(16) char bytes[];
};

#define SLAB_SLOTS 64 /* routes whose counters stand together */

/* Counters of SLAB_SLOTS routes: for each loop in cache lines of its own. */
struct counts_slab {
    struct list node;            /* registry.slabs while a slot is free */
    uint64_t free;               /* a bit for each slot */
    struct route_counts *counts; /* [loop][slot] */
};

/* There may be a hundred thousand of them. */
struct route_state {
    struct route_state *next; /* of the same bucket */
    struct pool_share share;
    struct route_shared *_Atomic shared; /* a list; the main thread puts more in front */
    struct counts_slab *slab;
    unsigned sites; /* versions of its site that are alive */
    uint8_t slot, site_len, route_len;
    char names[]; /* of the site, of the route */
};

struct site_state {
    struct site *site;
    struct registry *registry;
    bool applied;       /* registry_apply() */
    struct letter gone; /* to the main thread */
    struct site_uses {
        _Alignas(CACHE_LINE) unsigned n; /* of that loop alone */
    } uses[];
};

struct registry {
    struct loop *loop; /* the main thread's */
    unsigned n_loops;
    struct list pools;           /* struct workers */
    struct route_state **routes; /* buckets, by site and route */
    size_t n_buckets, n_routes;  /* n_buckets: a power of 2, or 0 */
    struct list slabs;           /* struct counts_slab with a free slot */
    unsigned n_sites;            /* alive */
};

void registry_init(struct registry *r, struct loop *loop, unsigned n_loops);
/* Ends the pools; jobs that wait are run. No submits from now on. false: a worker does not come
 * back until `deadline`, and nothing it may touch was freed. */
bool registry_end_pools(struct registry *r, int64_t deadline);
/* All sites are gone. */
void registry_done(struct registry *r);

/* Gives the pools and sites of a config that is not served yet all they need. 0 or -ENOMEM; then
 * config_unref() takes it back. */
int registry_prepare(struct registry *r, struct config *c) MUST_USE;
/* The config is going to be served: sizes and shares are from now on as it says. */
void registry_apply(struct registry *r, const struct config *c);
/* It is not, or once in a while: lets go of what no config needs. */
void registry_tidy(struct registry *r);

/* On the loop of that index. The site must be alive. */
static inline void site_use(struct site *s, unsigned loop)
{
    if (s->state->uses[loop].n++ == 0)
        site_ref(s);
}
static inline void site_unuse(struct site *s, unsigned loop)
{
    if (--s->state->uses[loop].n == 0)
        site_unref(s);
}

/* What the loops share for the route and that kind; NULL: it wants nothing. Any thread. */
void *route_shared(const struct route_state *state, const struct filter_kind *kind);

/* Of that loop. */
static inline struct route_counts *route_counts(const struct route_state *state, unsigned loop)
{
    return &state->slab->counts[loop * SLAB_SLOTS + state->slot];
}

/* The sums over all loops. */
struct route_sums {
    uint64_t requests, failed, timeouts;
};
struct route_sums route_counts_sum(const struct registry *r, const struct route_state *state);

#endif
