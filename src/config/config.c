/*
 * config.c - the life of a snapshot, and the choice of a site. config_site() runs for each
 * request: no memory, no lock. Any thread.
 */
#include "config/config.h"

#include <stdlib.h>

#include "base/check.h"
#include "config/hosts.h"

static void site_unref(struct site *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    arena_done(&s->arena);
    free(s);
}

struct config *config_ref(struct config *c)
{
    unsigned before = atomic_fetch_add(&c->refs, 1);

    check(before != 0);
    return c;
}

void config_unref(struct config *c)
{
    if (c == NULL)
        return;
    unsigned before = atomic_fetch_sub(&c->refs, 1);
    check(before != 0);
    if (before != 1)
        return;
    for (size_t i = 0; i < c->n_sites; i++)
        site_unref(c->sites[i]);
    arena_done(&c->arena);
    free(c);
}

struct site *config_site(const struct config *c, const struct conf_listener *l, struct str host)
{
    check_slow(l >= c->listeners && l < c->listeners + c->n_listeners);
    (void)c;
    struct site *s = host.n ? host_find(l->hosts, host) : NULL;
    return s ? s : l->catch_all;
}
