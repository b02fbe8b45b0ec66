/*
 * config.c - the life of a snapshot, and the choice of a site. config_site() runs for each
 * request: no memory, no lock. Any thread.
 */
#include "config/config.h"

#include <stdlib.h>

#include "base/check.h"
#include "config/hosts.h"

struct error_pages *error_pages_ref(struct error_pages *p)
{
    if (p != NULL)
        check(atomic_fetch_add(&p->refs, 1) != 0);
    return p;
}

void error_pages_unref(struct error_pages *p)
{
    if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    arena_done(&p->arena);
    free(p);
}

void site_free(struct site *s)
{
    error_pages_unref(s->pages);
    arena_done(&s->arena);
    free(s);
}

struct site *site_ref(struct site *s)
{
    unsigned before = atomic_fetch_add(&s->refs, 1);

    check(before != 0);
    return s;
}

void site_unref(struct site *s)
{
    unsigned before = atomic_fetch_sub(&s->refs, 1);

    check(before != 0);
    if (before != 1)
        return;
    if (s->gone != NULL)
        s->gone(s);
    else
        site_free(s);
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

struct site *config_site(const struct conf_listener *l, struct str host)
{
    struct site *s = host.n ? host_find(l->hosts, host) : NULL;
    return s ? s : l->catch_all;
}

bool site_listens(const struct site *s, const struct conf_listener *listener)
{
    bool found = s->listen.n == 0;

    for (size_t i = 0; i < s->listen.n && !found; i++)
        found = str_eq(s->listen.v[i], listener->name);
    return found;
}
