/* order.c - see order.h. The thread of main(). */
#include "command/order.h"

#include <stdlib.h>

static int by_pattern(const void *a, const void *b)
{
    const struct route *const *x = a, *const *y = b;

    return pattern_order(&(*x)->pattern, &(*y)->pattern);
}

const struct route **order_routes(const struct site *s)
{
    const struct route **v = calloc(max_of(s->n_routes, (size_t)1), sizeof *v);

    if (v == NULL)
        return NULL;
    for (size_t i = 0; i < s->n_routes; i++)
        v[i] = &s->routes[i];
    qsort(v, s->n_routes, sizeof *v, by_pattern);
    return v;
}

/* 0: it names an exact host, 1: wildcards only, 2: it is a catch-all. */
static int rank_of(const struct site *s)
{
    int rank = 1;

    for (size_t i = 0; i < s->hosts.n; i++) {
        if (str_eq(s->hosts.v[i], STR("*")))
            return 2;
        if (!str_starts(s->hosts.v[i], STR("*.")))
            rank = 0;
    }
    return rank;
}

static int by_hosts(const void *a, const void *b)
{
    const struct site *x = *(const struct site *const *)a, *y = *(const struct site *const *)b;
    int c = rank_of(x) - rank_of(y);

    return c != 0 ? c : str_cmp(x->name, y->name);
}

const struct site **order_sites(const struct config *c)
{
    const struct site **v = calloc(max_of(c->n_sites, (size_t)1), sizeof *v);

    if (v == NULL)
        return NULL;
    for (size_t i = 0; i < c->n_sites; i++)
        v[i] = c->sites[i];
    qsort(v, c->n_sites, sizeof *v, by_hosts);
    return v;
}
