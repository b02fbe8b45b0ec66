/*
 * exchange_route.c - which route answers, and the answers the server gives when none does: 421, the
 * redirects of ServeMux, 405, 404. The exchange's loop.
 */
#include "config/decide.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/registry.h"

/* The server's own answer; x->route stays NULL. */
static enum step answer_unrouted(struct exchange *x, const struct decision *d)
{
    struct arena *a = &x->arena;

    if (d->verdict == VERDICT_SERVER) {
        x->response.status = d->status;
        return STEP_DONE;
    }
    struct str location =
        d->verdict == VERDICT_REDIRECT ? decide_location(&x->match, &x->request, a) : STR_EMPTY;
    struct str allow =
        d->verdict == VERDICT_OTHER_METHOD ? decide_allow(d, &x->request, a) : STR_EMPTY;
    enum step step = exchange_fail(x, d->status, d->reason);
    if (d->verdict == VERDICT_REDIRECT)
        response_add(&x->response, STR("Location"), location);
    if (d->verdict == VERDICT_OTHER_METHOD)
        response_add(&x->response, STR("Allow"), allow);
    return step;
}

/* Who is refused by the site is refused everywhere, and does not learn what there is. */
static bool refuses_client(struct exchange *x)
{
    const struct filters *f = &x->site->filters;

    for (size_t i = 0; i < f->n; i++) {
        if (!f->v[i].kind->by_client)
            continue;
        x->conf = f->v[i].conf;
        if (f->v[i].kind->request(x) == STEP_DONE)
            return true;
    }
    return false;
}

enum step exchange_route(struct exchange *x)
{
    struct decision d = decide(x->conn->acceptor->conf, &x->request, &x->match);

    if (d.site != NULL) {
        site_use(d.site, x->engine->index);
        x->site = d.site;
    }
    if (d.verdict != VERDICT_ROUTE)
        return x->site != NULL && refuses_client(x) ? STEP_DONE : answer_unrouted(x, &d);
    x->route = mux_route(&x->match);
    return STEP_NEXT;
}
