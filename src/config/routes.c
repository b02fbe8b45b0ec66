/*
 * routes.c - a group into a route: pattern, handler, filters, pool. The loader's thread.
 */
#include <ctype.h>
#include <errno.h>

#include "config/loader.h"

static void no_handler(struct loader *l, struct setting group)
{
    struct str list = STR_EMPTY;

    for (const struct handler_kind **k = l->handlers; *k != NULL; k++)
        list = arena_printf(&l->arena, "%.*s%s%s", str_fmt(list), list.n ? ", " : "", (*k)->name);
    setting_error(group, l->report, AT_NAME, "this route has no handler; it needs one of %.*s",
                  str_fmt(list));
}

/* Exactly one, unless an unknown key was probably meant to be it. */
static int load_handler(struct loader *l, struct route *r, struct setting group, bool had_unknown)
{
    struct setting found = { NULL, NULL };
    int error = 0;

    for (struct setting s = setting_first(group); s.node && error == 0; s = setting_next(s)) {
        const struct handler_kind **k = l->handlers;
        while (*k != NULL && !str_eq(str_of((*k)->name), setting_name(s)))
            k++;
        if (*k == NULL)
            continue;
        if (found.node != NULL)
            setting_error(s, l->report, AT_NAME,
                          "a route has one handler: \"%.*s\" is too many beside \"%.*s\" (%s)",
                          str_fmt(setting_name(s)), str_fmt(setting_name(found)),
                          place_text(l, setting_place(found, AT_NAME)));
        else
            r->kind = *k;
        if (found.node == NULL)
            found = s;
        struct scope scope = { .site = r->site, .route = r };
        struct kind kind = { .size = (*k)->size,
                             .options = (*k)->options,
                             .check_conf = (*k)->check };
        void *conf;
        error = load_kind(l, &scope, s, &kind, NULL, &conf);
        if (found.node == s.node)
            r->conf = conf;
    }
    if (error == 0 && found.node == NULL && !had_unknown)
        no_handler(l, group);
    return error;
}

/* `text` is of `match`; the message points at its byte `at`. */
static void pattern_error(struct loader *l, struct setting match, struct str text, size_t at,
                          const char *why)
{
    struct place p = setting_place(match, AT_VALUE);

    if (p.width == text.n + 2) { /* no escapes, not joined: columns are those of the text */
        p.col += 1 + (unsigned)min_of(at, text.n);
        p.width = 1;
    }
    report_add(l->report, true, p, text_line(&match.file->source, p.line),
               "bad pattern \"%.*s\": %s", str_fmt(str_head(text, 200)), why);
}

static bool site_covers(const struct site *site, const struct pattern *p)
{
    for (size_t i = 0; i < site->hosts.n; i++) {
        struct str host = site->hosts.v[i];
        bool wild = str_starts(host, STR("*."));
        if (str_eq(host, STR("*")) || (!wild && !p->host_is_wildcard && str_eq(host, p->host)) ||
            (wild && (str_ends(p->host, str_from(host, 1)) ||
                      (p->host_is_wildcard && str_eq(p->host, str_from(host, 2))))) ||
            (!wild && p->host_is_wildcard && host.n > p->host.n + 1 && str_ends(host, p->host) &&
             host.p[host.n - p->host.n - 1] == '.'))
            return true;
    }
    return site->hosts.n == 0;
}

/* What is a pattern, but hardly the one that was meant: habits from other servers. */
static void doubt_pattern(struct loader *l, const struct route *r, struct setting match)
{
    const struct pattern *p = &r->pattern;
    const char *doubt = NULL;
    char upper[16] = "";

    for (size_t i = 0; i < min_of(p->method_token.n, sizeof upper - 1); i++)
        upper[i] = (char)toupper((unsigned char)p->method_token.p[i]);
    for (size_t i = 0; i < p->n_segments && doubt == NULL; i++) {
        struct str text = p->segments[i].text;
        if (p->segments[i].kind != SEGMENT_LITERAL)
            continue;
        if (str_chr(text, '*') < text.n)
            doubt =
                "\"*\" stands for itself; all below a path is \"/path/\", one segment is {name}";
        else if (text.n > 1 && text.p[0] == ':')
            doubt = "\":\" stands for itself; a segment of any name is {name}";
        else if (str_chr(text, '(') < text.n || str_ends(text, STR("$")))
            doubt = "there are no regular expressions here; this matches these characters alone";
    }
    if (p->has_method && p->method == METHOD_OTHER && method_of(str_of(upper)) != METHOD_OTHER)
        doubt = "methods are upper case, and this one is not";
    else if (p->has_method && (str_chr(p->method_token, '~') < p->method_token.n ||
                               str_chr(p->method_token, '^') < p->method_token.n))
        doubt = "there are no regular expressions here; this is taken for a method";
    else if (p->host.n > 0 && !site_covers(r->site, p))
        doubt = "no host of this site is that of the pattern, so it never matches";
    if (doubt != NULL)
        setting_warning(match, l->report, AT_VALUE, "%s", doubt);
}

static int load_pattern(struct loader *l, struct route *r, struct setting group, struct str text)
{
    struct setting match = setting_get(group, STR("match"));
    struct arena *arena = &r->site->arena;
    const char *why = "it is malformed";
    void *other = NULL;
    size_t at = 0;

    if (!setting_is(match, NODE_STRING))
        return 0;
    int error = pattern_parse(text, arena, &r->pattern, &why, &at);
    if (error == -EINVAL) {
        pattern_error(l, match, text, at, why);
        return 0;
    }
    if (error < 0)
        return error;
    r->prefix = pattern_prefix(&r->pattern, arena);
    if (r->prefix.p == NULL)
        return -ENOMEM;
    doubt_pattern(l, r, match);
    error = mux_add(r->site->mux, &r->pattern, r, &other);
    if (error == -EEXIST) {
        const struct route *first = other;
        setting_error(match, l->report, AT_VALUE,
                      "\"%.*s\" conflicts with \"%.*s\" of the route \"%.*s\" at %s: %s",
                      str_fmt(str_head(text, 200)), str_fmt(str_head(first->pattern.text, 200)),
                      str_fmt(first->name), place_text(l, first->place),
                      str_eq(text, first->pattern.text)
                          ? "they are the same"
                          : "some requests match both, and neither is the more specific");
    } else if (error == -E2BIG) {
        setting_error(match, l->report, AT_VALUE, "more than %d wildcards in one pattern",
                      MUX_CAPTURES_MAX);
    } else {
        return error;
    }
    return 0;
}

static void load_pool_use(struct loader *l, struct route *r, struct setting group, struct str name)
{
    const struct named *pool = table_find(&l->pools, name);
    struct setting at = setting_get(group, STR("pool"));

    r->pool = name;
    if (pool == NULL && !l->incomplete && setting_is(at, NODE_STRING))
        setting_error(at, l->report, AT_VALUE, "there is no pool \"%.*s\"",
                      str_fmt(str_head(name, 64)));
}

static bool has_unknown_key(struct loader *l, struct setting group)
{
    for (struct setting s = setting_first(group); s.node != NULL; s = setting_next(s)) {
        const struct option *o = route_options;
        const char **key = l->listed_route_keys;
        while (o->name != NULL && !str_eq(str_of(o->name), setting_name(s)))
            o++;
        while (*key != NULL && !str_eq(str_of(*key), setting_name(s)))
            key++;
        if (o->name == NULL && *key == NULL)
            return true;
    }
    return false;
}

int load_route(struct loader *l, struct named *named, struct str name, void *arg)
{
    struct site *site = arg;
    struct setting group = named->setting;
    struct route *r = &site->routes[site->n_routes++];
    struct route_conf conf;

    *r = (struct route){ .site = site };
    l->config->n_routes++;
    named->value = r;
    r->name = arena_str(&site->arena, name);
    int error =
        r->name.p ? keep_place(l, &site->arena, setting_place(group, AT_NAME), &r->place) : -ENOMEM;
    if (error == 0)
        error = bind_group(group, l->report, route_options,
                           is_listed(group) ? l->listed_route_keys : l->route_keys, NULL, &conf,
                           &site->arena);
    if (error < 0)
        return error;
    origins_move(l->origins, &conf, r);
    r->run_in_pool = conf.run == ROUTE_RUN_POOL;
    r->share = conf.share;
    load_pool_use(l, r, group, conf.pool);
    if ((error = load_pattern(l, r, group, conf.match)) < 0 ||
        (error = load_handler(l, r, group, has_unknown_key(l, group))) < 0)
        return error;
    struct scope scope = { .site = site, .route = r };
    return load_filters(l, &scope, group, &site->filters, &r->filters);
}
