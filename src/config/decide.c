/* decide.c - see decide.h. Any thread. */
#include "config/decide.h"

#include "http/path.h"

static struct decision refusal(enum verdict verdict, struct site *site, unsigned status,
                               const char *reason)
{
    return (struct decision){ verdict, site, status, reason };
}

struct decision decide(const struct conf_listener *l, const struct request *r,
                       struct mux_match *ret_match)
{
    bool safe = r->method == METHOD_GET || r->method == METHOD_HEAD;
    struct site *site = config_site(l, r->host);

    ret_match->route = NULL; /* and no more: the captures are large */
    ret_match->add_slash = ret_match->other_method = false;
    if (site == NULL)
        return refusal(VERDICT_UNKNOWN_HOST, NULL, 421, "unknown_host");
    if (r->form == TARGET_AUTHORITY)
        return refusal(VERDICT_UNSUPPORTED, site, 501, "connect_not_supported");
    if (r->method == METHOD_TRACE) /* it would show a script what a browser hides from it */
        return refusal(VERDICT_UNSUPPORTED, site, 501, "trace_not_supported");
    if (r->form == TARGET_ASTERISK)
        return refusal(VERDICT_SERVER, site, 204, NULL);
    mux_match(site->mux, r->method, r->method_token, r->host, r->path, ret_match);
    if (ret_match->add_slash || r->path_cleaned)
        return refusal(VERDICT_REDIRECT, site, safe ? 301 : 308, NULL);
    if (ret_match->route != NULL)
        return refusal(VERDICT_ROUTE, site, 0, NULL);
    if (ret_match->other_method)
        return refusal(VERDICT_OTHER_METHOD, site, 405, "method_not_allowed");
    return refusal(VERDICT_NO_ROUTE, site, 404, "no_route");
}

struct str decide_location(const struct mux_match *m, const struct request *r, struct arena *arena)
{
    struct str where = path_encode(arena, r->path);

    if (where.p == NULL)
        return STR_EMPTY;
    return arena_printf(arena, "%.*s%s%s%.*s", str_fmt(where), m->add_slash ? "/" : "",
                        r->has_query ? "?" : "", str_fmt(r->query));
}

struct str decide_allow(const struct decision *d, const struct request *r, struct arena *arena)
{
    return mux_allow(d->site->mux, r->host, r->path, arena);
}
