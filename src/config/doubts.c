/*
 * doubts.c - what loads, but hardly does what was meant, seen only when the whole is there: routes
 * that no request reaches, listeners and pools that nobody uses. Only of a config without errors.
 * The loader's thread.
 */
#include "config/hosts.h"
#include "config/loader.h"

#define HEADER_TIME_MAX (600 * NSEC_PER_SEC)

/* No host has it, so that only a wildcard matches it. */
#define NO_LABEL "\x01"
#define NO_METHOD STR("\x01")

static void doubt(struct loader *l, struct place p, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void doubt(struct loader *l, struct place p, const char *fmt, ...)
{
    va_list ap;

    if (p.file == NULL) /* what is there by default */
        p.file = l->config->file.p;
    va_start(ap, fmt);
    report_vadd(l->report, false, p, source_line(l, p), fmt, ap);
    va_end(ap);
}

/* ---- hosts */

/* Whether some listener gives requests for the host to the site. *ret_other: to whom else. */
static bool has_host(const struct loader *l, const struct site *s, struct str host,
                     const struct site **ret_other)
{
    const struct config *c = l->config;

    for (size_t i = 0; i < c->n_listeners; i++) {
        if (!site_listens(s, &c->listeners[i]))
            continue;
        const struct site *found = config_site(&c->listeners[i], host);
        if (found == s)
            return true;
        *ret_other = found ? found : *ret_other;
    }
    return false;
}

static bool has_host_of(struct loader *l, const struct route *r, const struct site **ret_other)
{
    const struct pattern *p = &r->pattern;
    const struct site *s = r->site;
    struct str name = pattern_host(p);

    if (!p->host_is_wildcard)
        return has_host(l, s, name, ret_other);
    for (size_t i = 0; i < s->hosts.n; i++) {
        struct str host = s->hosts.v[i];
        if (host.n > name.n + 1 && str_ends(host, name) && host.p[host.n - name.n - 1] == '.')
            return true; /* a part of what the pattern matches */
    }
    struct str any = arena_printf(&l->arena, NO_LABEL ".%.*s", str_fmt(name));
    return any.p == NULL || has_host(l, s, any, ret_other);
}

static bool names_host(const struct site *s, struct str host)
{
    for (size_t i = 0; s != NULL && i < s->hosts.n; i++)
        if (str_eq(s->hosts.v[i], host))
            return true;
    return false;
}

/* A first segment rather than a host: of one label, and no site's. */
static bool looks_like_path(const struct pattern *p, const struct site *own,
                            const struct site *other)
{
    struct str host = pattern_host(p);

    return !p->host_is_wildcard && host.p[0] != '[' && str_chr(host, '.') == host.n &&
           !str_eq(host, STR("localhost")) && !names_host(own, host) && !names_host(other, host);
}

static void doubt_host(struct loader *l, const struct route *r)
{
    const struct pattern *p = &r->pattern;
    const struct site *other = NULL;

    if (p->host_n == 0)
        return;
    bool reached = has_host_of(l, r, &other);
    if (looks_like_path(p, r->site, other)) {
        struct str host = pattern_host(p);
        doubt(l, r->place, "\"%.*s\" is a host here; a path begins with a slash: \"/%.*s\"",
              str_fmt(host), str_fmt(str_head(str_from(pattern_text(p), p->host_at), 80)));
        return;
    }
    if (reached)
        return;
    if (other == NULL) {
        doubt(l, r->place,
              "this route is never reached: the host of its pattern is none of its site");
        return;
    }
    doubt(l, r->place,
          "this route is never reached: the host of its pattern is the site \"%.*s\"'s",
          str_fmt(other->name));
    report_note(l->report, other->place, source_line(l, other->place), "that site is here");
}

/* ---- paths */

/*
 * A route with a tail is never reached when others have the path with nothing, with one segment and
 * with more behind the prefix. What it wins at all it wins with segments that no pattern spells
 * out, too: so a few such paths decide. Of hosts one without any of the patterns' is enough for
 * the same reason, of methods likewise; a route with either is left alone.
 */
static const struct route *hidden_by(struct loader *l, const struct route *r, size_t deepest)
{
    const struct pattern *p = &r->pattern;
    struct str path = STR_EMPTY;
    struct mux_match m = { .route = NULL };
    struct segment s;

    for (size_t at = 0; pattern_next(p, &at, &s) && s.kind != SEGMENT_REST;)
        path = arena_printf(&l->arena, "%.*s/%.*s", str_fmt(path),
                            str_fmt(s.kind == SEGMENT_LITERAL ? s.text : STR(NO_LABEL)));
    for (size_t i = p->n_segments; i <= deepest + 1; i++) {
        path = arena_printf(&l->arena, "%.*s/", str_fmt(path));
        mux_match(r->site->mux, METHOD_OTHER, NO_METHOD, STR(NO_LABEL), path, &m);
        if (path.p == NULL || mux_route(&m) == r || m.route == NULL)
            return NULL;
        path = arena_printf(&l->arena, "%.*s" NO_LABEL, str_fmt(path));
        mux_match(r->site->mux, METHOD_OTHER, NO_METHOD, STR(NO_LABEL), path, &m);
        if (path.p == NULL || mux_route(&m) == r || m.route == NULL)
            return NULL;
    }
    return mux_route(&m);
}

static enum segment_kind last_kind(const struct pattern *p)
{
    struct str text = pattern_text(p);

    if (str_ends(text, STR("/{$}")))
        return SEGMENT_END;
    return str_ends(text, STR("/")) || str_ends(text, STR("...}")) ? SEGMENT_REST : SEGMENT_LITERAL;
}

static void doubt_paths(struct loader *l, const struct site *s)
{
    size_t deepest = 0;
    bool ends = false;

    for (size_t i = 0; i < s->n_routes; i++) {
        const struct pattern *p = &s->routes[i].pattern;
        deepest = max_of(deepest, (size_t)p->n_segments);
        ends = ends || last_kind(p) == SEGMENT_END;
    }
    for (size_t i = 0; i < s->n_routes && ends; i++) {
        const struct route *r = &s->routes[i];
        const struct pattern *p = &r->pattern;
        if (p->has_method || p->host_n > 0 || last_kind(p) != SEGMENT_REST)
            continue;
        const struct route *other = hidden_by(l, r, deepest);
        if (other == NULL)
            continue;
        doubt(l, r->place, "this route is never reached: others match all that it does");
        report_note(l->report, other->place, source_line(l, other->place), "one of them is here");
    }
}

/* ---- the rest */

static void doubt_listeners(struct loader *l)
{
    const struct config *c = l->config;

    for (size_t i = 0; i < c->n_listeners && c->n_sites != 0; i++) {
        const struct conf_listener *listener = &c->listeners[i];
        if (listener->catch_all == NULL && listener->hosts->exact.used == 0 &&
            listener->hosts->wildcards.used == 0)
            doubt(l, listener->place,
                  "no site listens on \"%.*s\": every request there will be refused",
                  str_fmt(listener->name));
    }
}

static void doubt_pools(struct loader *l)
{
    const struct config *c = l->config;

    for (size_t i = 1; i < c->n_pools; i++) {
        const struct named *named = table_find(&l->pools, c->pools[i].name);
        if (named != NULL && !named->used)
            doubt(l, c->pools[i].place, "no route uses this pool");
    }
}

void doubt_config(struct loader *l)
{
    const struct config *c = l->config;

    doubt_listeners(l);
    doubt_pools(l);
    for (size_t i = 0; i < c->n_sites; i++) {
        for (size_t j = 0; j < c->sites[i]->n_routes; j++)
            doubt_host(l, &c->sites[i]->routes[j]);
        doubt_paths(l, c->sites[i]);
    }
    if (c->timeouts.header >= HEADER_TIME_MAX) {
        struct setting s = setting_get(
            setting_get(file_root(list_first(&l->files, struct file, node)), STR("timeouts")),
            STR("header"));
        if (s.node != NULL)
            setting_warning(s, l->report, AT_VALUE,
                            "a client may hold a connection that long without a request");
    }
}
