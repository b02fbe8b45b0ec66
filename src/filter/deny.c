/*
 * deny.c - who is refused by address. Levels add to each other: who is denied by the site is denied
 * by its routes. deny_check(), deny_merge(): the loader's thread; deny_request(): the exchange's
 * loop.
 */
#include "filter/filter.h"
#include "filter/networks.h"

struct deny {
    struct strs texts;
    struct networks set; /* of this level and those around it */
};

static const struct option deny_options[] = {
    OPT_STRS(struct deny, texts, "deny", NULL,
             "Addresses such as \"192.0.2.7\" and networks such as \"10.0.0.0/8\" or "
             "\"2001:db8::/32\" whose requests get 403, and \"unix\" for those over unix sockets. "
             "Those of a route are denied beside those of its site, and of the top level."),
    OPT_END
};

static void deny_check(struct option_check *c, void *conf)
{
    struct deny *d = conf;

    networks_compile(c, "deny", d->texts, &d->set);
    if (networks_are_all(&d->set))
        option_warning(c, "deny",
                       "this denies every address, whatever `allow` says; to let in "
                       "some only, `allow` them and leave `deny` out");
}

static void deny_merge(struct option_check *c, const void *outer, void *conf)
{
    const struct deny *o = outer;
    struct deny *d = conf;

    networks_join(c->arena, &d->set, &o->set);
}

static bool deny_same(const void *a, const void *b)
{
    const struct deny *d = a, *e = b;

    return networks_same(&d->set, &e->set);
}

static enum step deny_request(struct exchange *x)
{
    const struct deny *d = exchange_conf(x);

    return networks_have_peer(&d->set, x) ? exchange_fail(x, 403, "denied") : STEP_NEXT;
}

FILTER_KIND(deny, .order = 20, .size = sizeof(struct deny), .options = deny_options, .plain = true,
            .by_client = true, .check = deny_check, .merge = deny_merge, .same = deny_same,
            .request = deny_request, .about = "Refuses clients by their address.");
