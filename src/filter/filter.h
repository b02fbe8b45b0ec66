/*
 * filter.h - steps around a handler. Which filters a route has is its config's choice; their order
 * is fixed: by `order`, lower first, on the way in and on the way out.
 *
 * `request` is a step before the handler: STEP_NEXT, or STEP_DONE with a response of its own, or
 * LATER / OFFLOAD. `respond` sees the response head before it is sent, of error answers of the
 * route too. Both run on the exchange's loop. A
 * filter is one file that registers itself, as a handler kind does.
 */
#ifndef MUXD_FILTER_FILTER_H
#define MUXD_FILTER_FILTER_H

#include "handler/handler.h"

struct filter_kind {
    const char *name; /* the key in a route */
    unsigned order;   /* unique; see the list in muxd.conf(5) */
    size_t size;
    const struct option *options;
    void (*check)(struct option_check *c, void *conf);
    bool (*same)(const void *a, const void *b);            /* or NULL; as in a handler kind */
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
