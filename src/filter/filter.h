/*
 * filter.h - steps around a handler. Which filters a route has is its config's choice, that of its
 * site, and of the top level; their order is fixed: by `order`, lower first, on the way in and on
 * the way out.
 *
 * `request` is a step before the handler: STEP_NEXT, or STEP_DONE with a response of its own, or
 * LATER / OFFLOAD. `respond` sees the response head before it is sent, of error answers of the
 * route too, and of what the site answers where no route does. Both run on the exchange's loop.
 *
 * A group of an inner level (route in site in top level) is bound over that of the outer one: an
 * option that it does not give is as there. A kind whose levels add to each other has `merge`; its
 * group is bound from itself alone.
 *
 * A filter is one file that registers itself, as a handler kind does.
 */
#ifndef MUXD_FILTER_FILTER_H
#define MUXD_FILTER_FILTER_H

#include "handler/handler.h"

struct filter_kind {
    const char *name; /* the key in a route */
    unsigned order;   /* unique; see the list in muxd.conf(5) */
    size_t size;
    const struct option *options;
    /* The table has one option, named as the kind, whose value stands for the group. */
    bool plain;
    void (*check)(struct option_check *c, void *conf);
    /* Or NULL. After check(), which is not told of it: joins what the outer level says to conf. */
    void (*merge)(struct option_check *c, const void *outer, void *conf);
    /* Or NULL; as in a handler kind. With merge() it compares what that made, too. */
    bool (*same)(const void *a, const void *b);
    /* Or NULL. The size of what the loops share for each route, of whatever version of the config:
     * exchange_shared(). Zeroed at first, freed with the route. 0: nothing. */
    size_t (*shared)(const void *conf);
    /* Or NULL. Whether respond() sets or removes that field. */
    bool (*changes)(const void *conf, struct str field);
    /* Its request() refuses clients for who they are, at once (NEXT or DONE); also where no route
     * answers. `muxd explain` does not know who asks. */
    bool by_client;
    step_fn *request;                                      /* or NULL */
    void (*respond)(struct exchange *x, const void *conf); /* or NULL */
    const char *about;
};

#define FILTER_KIND(ident, ...)                                                                    \
    static const struct filter_kind ident##_kind = { .name = #ident, __VA_ARGS__ };                \
    __attribute__((                                                                                \
        used,                                                                                      \
        section("muxd_filters"))) static const struct filter_kind *const ident##_registration =    \
        &ident##_kind

const struct filter_kind *filter_find(struct str name);
/* Walks all kinds in their order: filter_at(0), ..., NULL behind the last. */
const struct filter_kind *filter_at(size_t i);

#endif
