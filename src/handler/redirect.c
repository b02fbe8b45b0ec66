/*
 * redirect.c - sends the client elsewhere. The target is checked and compiled when the config is
 * loaded. A Location never begins with "//" or "/\": neither does the target (redirect_check, and
 * template.h for one with variables), and what is put behind it is percent-encoded and in normal
 * form. redirect_check(): the loader's thread; redirect_handle(): the exchange's loop or worker; it
 * never blocks.
 */
#include "handler/handler.h"
#include "handler/template.h"
#include "http/path.h"

struct redirect {
    struct str to;
    int64_t status;
    /* Set by redirect_check(): `to` is path + tail. */
    struct template path; /* scheme, authority and path */
    struct template tail; /* "?query#fragment", either part or both may be missing */
    bool keeps_rest;
    bool keeps_query;
    struct str body;
};

static const struct option redirect_options[] = {
    OPT_STR(
        struct redirect, to, "to", REQUIRED,
        "Target: an absolute path, or a URI that begins with \"http://\" or \"https://\". It may "
        "hold variables, as in \"https://{host}{uri}\" or \"/users/{id}\". When it holds none and "
        "its path ends in a slash, what follows the literal prefix of the match (up to its first "
        "wildcard) in the request's path is put behind it: with match = \"/old/\" and to = "
        "\"/new/\", /old/a/b goes to /new/a/b. The query of the request is kept, unless the target "
        "has a \"?\", {uri} or {query}."),
    OPT_INT(
        struct redirect, status, "status", 308, 0, 0,
        "Status of the reply: 301 or 308 (for good), 302 or 307 (for now), 303 (see other). 307 "
        "and 308 make the client repeat the request with its method and body."),
    OPT_END
};

static void check_begin(struct option_check *c, struct str to)
{
    static const struct str begins[] = {
        { "/", 1 }, { "http://", 7 }, { "https://", 8 }, { "{path}", 6 }, { "{uri}", 5 }
    };
    bool good = false;

    for (size_t i = 0; i < array_len(begins); i++)
        good |= str_ieq(str_head(to, begins[i].n), begins[i]);
    if (!good)
        option_error(c, "to",
                     "must begin with \"/\", \"http://\", \"https://\", \"{path}\" or \"{uri}\"");
    else if (str_starts(to, STR("//")))
        option_error(
            c, "to",
            "a target that begins with \"//\" names another host; spell it with its scheme");
}

/* Written so that it gives what the request asked for. */
static bool leads_back(const struct option_check *c, struct str path)
{
    if (str_starts(path, STR("http://{host}")))
        path = str_from(path, sizeof "http://{host}" - 1);
    if (str_eq(path, STR("{path}")) || str_eq(path, STR("{uri}")))
        return true;
    if (str_ends(path, STR("{rest}")))
        path.n -= sizeof "{rest}" - 1;
    return str_eq(path, c->prefix);
}

static void check_target(struct option_check *c, struct redirect *r)
{
    struct str path = str_head(r->to, min_of(str_chr(r->to, '?'), str_chr(r->to, '#')));
    struct str tail = str_from(r->to, path.n);

    if (!template_compile(c, "to", path, TEMPLATE_URI, &r->path) ||
        !template_compile(c, "to", tail, TEMPLATE_URI, &r->tail))
        return;
    if (str_chr(r->to, '$') < r->to.n) /* legal in a URI, but surely meant as elsewhere */
        option_warning(c, "to",
                       "\"$\" begins no variable here, {name} is one; it is sent as it stands%s",
                       strstr(r->to.p, "$request_uri") != NULL ? " (did you mean {uri}?)" : "");
    check_begin(c, r->to);
    r->keeps_rest = r->path.constant && r->tail.constant && str_ends(path, STR("/"));
    r->keeps_query = !r->path.has_query && !r->tail.has_query;
    if (leads_back(c, path))
        option_warning(c, "to", "leads back to this route");
}

static void redirect_check(struct option_check *c, void *conf)
{
    struct redirect *r = conf;
    unsigned status = (unsigned)r->status;

    if (r->status < 301 || r->status > 308 || (r->status > 303 && r->status < 307))
        option_error(c, "status", "must be 301, 302, 303, 307 or 308");
    check_target(c, r);
    r->body = arena_printf(c->arena, "%u %.*s\n", status, str_fmt(status_reason(status)));
}

static bool lacks_host(const struct redirect *conf, const struct routed *r)
{
    return conf->path.needs_host && r->request->host.n == 0;
}

/* {NULL, 0} without memory. */
static struct str location(const struct redirect *conf, const struct routed *r, struct arena *a)
{
    bool keeps_query = r->request->has_query && conf->keeps_query;
    struct str rest = conf->keeps_rest ? routed_rest(r) : STR_EMPTY;

    if (conf->path.constant && conf->tail.constant && rest.n == 0 && !keeps_query)
        return conf->to;
    struct str path = template_expand(&conf->path, r, a);
    struct str tail = template_expand(&conf->tail, r, a);
    if (path.p == NULL || tail.p == NULL || (rest.n > 0 && (rest = path_encode(a, rest)).p == NULL))
        return STR_EMPTY;
    return arena_printf(a, "%.*s%.*s%s%.*s%.*s", str_fmt(path), str_fmt(rest),
                        keeps_query ? "?" : "",
                        str_fmt(keeps_query ? r->request->query : STR_EMPTY), str_fmt(tail));
}

static enum step redirect_handle(struct exchange *x)
{
    const struct redirect *conf = exchange_conf(x);
    struct response *r = exchange_response(x);
    struct routed routed;

    exchange_routed(x, &routed);
    if (lacks_host(conf, &routed))
        return exchange_fail(x, 400, "no_host");
    struct str to = location(conf, &routed, exchange_arena(x));
    if (to.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    r->status = (unsigned)conf->status;
    response_add_checked(r, STR("Content-Type"), STR("text/plain; charset=utf-8"));
    response_add(r, STR("Location"), to);
    exchange_body_bytes(x, conf->body);
    return STEP_DONE;
}

static struct str redirect_explain(const void *conf, const struct routed *r, struct arena *a)
{
    const struct redirect *redirect = conf;

    if (lacks_host(redirect, r))
        return STR("400, as the request names no host");
    struct str to = location(redirect, r, a);
    return to.p == NULL ? to
                        : arena_printf(a, "%u to %.*s", (unsigned)redirect->status, str_fmt(to));
}

HANDLER_KIND(redirect, .size = sizeof(struct redirect), .options = redirect_options,
             .check = redirect_check, .handle = redirect_handle, .explain = redirect_explain,
             .about = "Sends the client elsewhere.");
