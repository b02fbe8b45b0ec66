/*
 * routes.c - a group into a route: pattern, handler, filters, pool. The loader's thread.
 */
#include <ctype.h>
#include <errno.h>

#include "config/loader.h"

static const struct option no_options[] = { OPT_END };

/* Walking the registries costs n^2, so they are walked once a load. */
int load_kinds(struct loader *l)
{
    size_t n_handlers = 0, n_filters = 0, n = 0;

    while (handler_at(n_handlers) != NULL)
        n_handlers++;
    while (filter_at(n_filters) != NULL)
        n_filters++;
    l->handlers = arena_array(&l->arena, n_handlers + 1, sizeof *l->handlers);
    l->filters = arena_array(&l->arena, n_filters + 1, sizeof *l->filters);
    l->listed_route_keys =
        arena_array(&l->arena, n_handlers + n_filters + 2, sizeof *l->listed_route_keys);
    if (arena_failed(&l->arena))
        return -ENOMEM;
    l->listed_route_keys[n++] = "name";
    for (size_t i = 0; i < n_handlers; i++)
        l->listed_route_keys[n++] = (l->handlers[i] = handler_at(i))->name;
    for (size_t i = 0; i < n_filters; i++)
        l->listed_route_keys[n++] = (l->filters[i] = filter_at(i))->name;
    l->route_keys = l->listed_route_keys + 1;
    return 0;
}

/* What a kind's check() reports is about an option of its group. */
struct kind_check {
    struct option_check check; /* first: report() gets only this */
    struct loader *l;
    struct setting group;
    const struct option *options;
};

/* The table has told already that it is missing. */
static bool is_missing(const struct kind_check *k, const char *option)
{
    for (const struct option *o = k->options; o != NULL && o->name != NULL; o++)
        if (o->def == REQUIRED && strcmp(o->name, option) == 0)
            return setting_get(k->group, str_of(option)).node == NULL;
    return false;
}

static void report_check(struct option_check *c, bool error, const char *option, const char *fmt,
                         va_list ap)
{
    struct kind_check *k = container_of(c, struct kind_check, check);
    struct setting s = option ? setting_get(k->group, str_of(option)) : k->group;
    enum setting_part part = AT_VALUE;

    if (option != NULL && is_missing(k, option))
        return;
    if (s.node == NULL || option == NULL) {
        s = k->group;
        part = AT_NAME;
    }
    setting_vreport(s, k->l->report, error, setting_place(s, part), fmt, ap);
}

/* The struct of a handler or filter. Where a value was refused, its check() sees the default, and
 * is not heard about that option; without a pattern it sees the prefix of all. */
static int load_kind(struct loader *l, struct route *r, struct setting s, size_t size,
                     const struct option *options,
                     void (*check)(struct option_check *c, void *conf), const void **ret)
{
    struct arena *arena = &r->site->arena;
    void *conf = arena_zalloc(arena, max_of(size, (size_t)1));
    char got[BIND_GOT_MAX];

    *ret = conf;
    if (conf == NULL)
        return -ENOMEM;
    if (!setting_is(s, NODE_GROUP)) {
        setting_error(s, l->report, AT_VALUE, "expected a group as in  %.*s: { ... },  got %s",
                      str_fmt(setting_name(s)), bind_got(s, got));
        return 0;
    }
    int error = bind_group(s, l->report, options ? options : no_options, NULL, conf, arena);
    if (error < 0 || check == NULL)
        return error;

    struct str base = arena_str(arena, s.file->source.dir);
    struct kind_check k = {
        .check = { .arena = arena,
                   .base = base,
                   .prefix = r->prefix.p != NULL ? r->prefix : STR("/"),
                   .report = report_check },
        .l = l,
        .group = s,
        .options = options,
    };
    if (base.p == NULL)
        return -ENOMEM;
    check(&k.check, conf);
    return arena_failed(arena) ? -ENOMEM : 0;
}

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
        const void *conf;
        error = load_kind(l, r, s, (*k)->size, (*k)->options, (*k)->check, &conf);
        if (found.node == s.node)
            r->conf = conf;
    }
    if (error == 0 && found.node == NULL && !had_unknown)
        no_handler(l, group);
    return error;
}

static int load_filters(struct loader *l, struct route *r, struct setting group)
{
    size_t n = 0;

    for (const struct filter_kind **k = l->filters; *k != NULL; k++)
        n += setting_get(group, str_of((*k)->name)).node != NULL;
    if (n == 0)
        return 0;
    r->filters = arena_array(&r->site->arena, n, sizeof *r->filters);
    if (r->filters == NULL)
        return -ENOMEM;
    for (const struct filter_kind **k = l->filters; *k != NULL; k++) {
        struct setting s = setting_get(group, str_of((*k)->name));
        if (s.node == NULL)
            continue;
        struct filter_use *use = &r->filters[r->n_filters++];
        use->kind = *k;
        int error = load_kind(l, r, s, (*k)->size, (*k)->options, (*k)->check, &use->conf);
        if (error < 0)
            return error;
    }
    return 0;
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
    struct str name = pattern_host(p);

    for (size_t i = 0; i < site->hosts.n; i++) {
        struct str host = site->hosts.v[i];
        bool wild = str_starts(host, STR("*."));
        if (str_eq(host, STR("*")) || (!wild && !p->host_is_wildcard && str_eq(host, name)) ||
            (wild && (str_ends(name, str_from(host, 1)) ||
                      (p->host_is_wildcard && str_eq(name, str_from(host, 2))))) ||
            (!wild && p->host_is_wildcard && host.n > name.n + 1 && str_ends(host, name) &&
             host.p[host.n - name.n - 1] == '.'))
            return true;
    }
    return site->hosts.n == 0;
}

/* What is a pattern, but hardly the one that was meant: habits from other servers. */
static void doubt_pattern(struct loader *l, const struct route *r, struct setting match)
{
    const struct pattern *p = &r->pattern;
    const char *doubt = NULL;
    struct str method = pattern_method(p);
    struct segment segment;
    char upper[16] = "";

    for (size_t i = 0; i < min_of(method.n, sizeof upper - 1); i++)
        upper[i] = (char)toupper((unsigned char)method.p[i]);
    for (size_t i = 0; doubt == NULL && pattern_next(p, &i, &segment);) {
        struct str text = segment.text;
        if (segment.kind != SEGMENT_LITERAL)
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
    else if (p->has_method && (str_chr(method, '~') < method.n || str_chr(method, '^') < method.n))
        doubt = "there are no regular expressions here; this is taken for a method";
    else if (p->host_n > 0 && !site_covers(r->site, p))
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
    r->prefix = pattern_prefix(&r->pattern);
    doubt_pattern(l, r, match);
    error = mux_add(r->site->mux, &r->pattern, r, &other);
    if (error == -EEXIST) {
        const struct route *first = other;
        setting_error(match, l->report, AT_VALUE,
                      "\"%.*s\" conflicts with \"%.*s\" of the route \"%.*s\" at %s: %s",
                      str_fmt(str_head(text, 200)),
                      str_fmt(str_head(pattern_text(&first->pattern), 200)), str_fmt(first->name),
                      place_text(l, first->place),
                      str_eq(text, pattern_text(&first->pattern))
                          ? "they are the same"
                          : "some requests match both, and neither is the more specific");
    } else if (error == -E2BIG) {
        setting_error(match, l->report, AT_VALUE, "more than %d wildcards in one pattern",
                      MUX_CAPTURES_MAX);
    } else if (error == -ENOSPC) {
        setting_error(match, l->report, AT_VALUE,
                      "more than %d methods of one site are not those of RFC 9110",
                      MUX_METHODS_MAX);
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
                           is_listed(group) ? l->listed_route_keys : l->route_keys, &conf,
                           &site->arena);
    if (error < 0)
        return error;
    r->run_in_pool = conf.run == ROUTE_RUN_POOL;
    r->share = conf.share;
    r->deadline = conf.deadline;
    load_pool_use(l, r, group, conf.pool);
    if ((error = load_pattern(l, r, group, conf.match)) < 0 ||
        (error = load_handler(l, r, group, has_unknown_key(l, group))) < 0)
        return error;
    return load_filters(l, r, group);
}
