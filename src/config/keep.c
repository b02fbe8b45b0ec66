/*
 * keep.c - which sites of a new config are those of the one before, so that the old ones go on:
 * with the memory they have, and without a copy of it for what still runs. The loader's thread.
 *
 * What the options say and check() found is compared, not the text: comments and blanks change
 * nothing. All else in a site follows from those and the file's name (relative paths begin there).
 */
#include <errno.h>

#include "config/loader.h"

static bool same_kind(const struct option *options, bool (*same)(const void *a, const void *b),
                      const void *a, const void *b)
{
    return option_same(options, a, b) && (same == NULL || same(a, b));
}

static bool same_filters(const struct route *a, const struct route *b)
{
    if (a->n_filters != b->n_filters)
        return false;
    for (size_t i = 0; i < a->n_filters; i++) {
        const struct filter_use *f = &a->filters[i], *g = &b->filters[i];
        if (f->kind != g->kind || !same_kind(f->kind->options, f->kind->same, f->conf, g->conf))
            return false;
    }
    return true;
}

static bool same_route(const struct route *a, const struct route *b)
{
    return str_eq(a->name, b->name) && strcmp(a->place.file, b->place.file) == 0 &&
           str_eq(pattern_text(&a->pattern), pattern_text(&b->pattern)) &&
           a->run_in_pool == b->run_in_pool && str_eq(a->pool, b->pool) && a->share == b->share &&
           a->deadline == b->deadline && a->kind == b->kind &&
           same_kind(a->kind->options, a->kind->same, a->conf, b->conf) && same_filters(a, b);
}

static bool same_site(const struct site *a, const struct site *b)
{
    if (!option_same(site_options, a, b) || a->n_routes != b->n_routes ||
        !same_pages(a->pages, b->pages))
        return false;
    for (size_t i = 0; i < a->n_routes; i++)
        if (!same_route(&a->routes[i], &b->routes[i]))
            return false;
    return true;
}

int keep_sites(struct loader *l)
{
    struct config *c = l->config;
    struct table olds = { .slots = NULL };

    for (size_t i = 0; i < l->before->n_sites; i++) {
        struct site *old = l->before->sites[i];
        if (table_add(&olds, &l->arena, old->name, old) < 0)
            return -ENOMEM;
    }
    for (size_t i = 0; i < c->n_sites; i++) {
        struct site *old = table_find(&olds, c->sites[i]->name);
        if (old == NULL || !same_site(old, c->sites[i]))
            continue;
        site_unref(c->sites[i]);
        c->sites[i] = site_ref(old);
        c->n_kept++;
    }
    return 0;
}
