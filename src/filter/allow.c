/*
 * allow.c - who alone is let in, by address. Those of the innermost level count. allow_check(): the
 * loader's thread; allow_request(): the exchange's loop.
 */
#include "filter/filter.h"
#include "filter/networks.h"

struct allow {
    struct strs texts;
    struct networks set;
};

static const struct option allow_options[] = {
    OPT_STRS(struct allow, texts, "allow", NULL,
             "Addresses and networks, spelled as with \"deny\"; requests of all others get 403. "
             "What a route allows stands in place of what its site allows, and that in place of "
             "the top level's. Who is denied is not let in by it. The machine itself is "
             "\"127.0.0.0/8\" and \"::1\"."),
    OPT_END
};

static void allow_check(struct option_check *c, void *conf)
{
    struct allow *a = conf;

    networks_compile(c, "allow", a->texts, &a->set);
    if (a->texts.n == 0)
        option_warning(c, "allow", "nobody is allowed: every request will get 403");
}

static enum step allow_request(struct exchange *x)
{
    const struct allow *a = exchange_conf(x);

    return networks_have_peer(&a->set, x) ? STEP_NEXT : exchange_fail(x, 403, "not_allowed");
}

FILTER_KIND(allow, .order = 30, .size = sizeof(struct allow), .options = allow_options,
            .plain = true, .by_client = true, .check = allow_check, .request = allow_request,
            .about = "Lets in only clients with certain addresses.");
