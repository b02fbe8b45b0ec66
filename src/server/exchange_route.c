/*
 * exchange_route.c - which route answers, and the answers the server gives when none does: 421, the
 * redirects of ServeMux, 405, 404. The exchange's loop.
 */
#include "http/path.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/registry.h"

static void redirect_to_path(struct exchange *x, struct str path, bool add_slash)
{
    const struct request *req = &x->request;
    bool safe = req->method == METHOD_GET || req->method == METHOD_HEAD;
    struct str where = path_encode(&x->arena, path);
    struct str location =
        arena_printf(&x->arena, "%.*s%s%s%.*s", str_fmt(where), add_slash ? "/" : "",
                     req->has_query ? "?" : "", str_fmt(req->query));

    exchange_fail(x, safe ? 301 : 308, NULL);
    response_add(&x->response, STR("Location"), location);
}

/* The server's own answer, when no route has one; x->route stays NULL. */
static void answer_unrouted(struct exchange *x, const struct mux_match *match)
{
    const struct request *req = &x->request;

    if (match->add_slash || req->path_cleaned) {
        redirect_to_path(x, req->path, match->add_slash);
    } else if (match->other_method) {
        struct str allow = mux_allow(x->site->mux, req->host, req->path, &x->arena);
        exchange_fail(x, 405, "method_not_allowed");
        response_add(&x->response, STR("Allow"), allow);
    } else {
        exchange_fail(x, 404, "no_route");
    }
}

enum step exchange_route(struct exchange *x)
{
    const struct request *req = &x->request;

    struct site *site = config_site(x->conn->acceptor->conf, req->host);

    if (site == NULL)
        return exchange_fail(x, 421, "unknown_host");
    site_use(site, x->engine->index);
    x->site = site;
    if (req->form == TARGET_AUTHORITY)
        return exchange_fail(x, 501, "connect_not_supported");
    if (req->method == METHOD_TRACE) /* it would show a script what a browser hides from it */
        return exchange_fail(x, 501, "trace_not_supported");
    if (req->form == TARGET_ASTERISK) { /* OPTIONS *: about the server as a whole */
        x->response.status = 204;
        return STEP_DONE;
    }
    mux_match(x->site->mux, req->method, req->method_token, req->host, req->path, &x->match);
    if (x->match.route == NULL || x->match.add_slash || req->path_cleaned) {
        answer_unrouted(x, &x->match);
        return STEP_DONE;
    }
    x->route = x->match.route;
    return STEP_NEXT;
}
