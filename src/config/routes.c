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

static bool has_unknown_key(struct loader *l, struct setting group)
{
    for (struct setting s = setting_first(group); s.node != NULL; s = setting_next(s)) {
        const struct option *o = route_options;
        const char **key = l->listed_route_keys;
        while (o->name != NULL && !str_is(setting_name(s), o->name))
            o++;
        while (*key != NULL && !str_is(setting_name(s), *key))
            key++;
        if (o->name == NULL && *key == NULL)
            return true;
    }
    return false;
}

/* Exactly one, unless an unknown key was probably meant to be it. */
static int load_handler(struct loader *l, struct route *r, struct setting group)
{
    struct setting found = { NULL, NULL };
    int error = 0;

    for (struct setting s = setting_first(group); s.node && error == 0; s = setting_next(s)) {
        const struct handler_kind **k = l->handlers;
        while (*k != NULL && !str_is(setting_name(s), (*k)->name))
            k++;
        if (*k == NULL)
            continue;
        if (found.node != NULL) {
            setting_error(s, l->report, AT_NAME,
                          "a route has one handler: \"%.*s\" is too many beside \"%.*s\"",
                          str_fmt(setting_name(s)), str_fmt(setting_name(found)));
            setting_note(found, l->report, AT_NAME, "the other one is here");
        } else {
            r->kind = *k;
            found = s;
        }
        struct scope scope = { .site = r->site, .route = r };
        struct kind kind = { .size = (*k)->size,
                             .options = (*k)->options,
                             .check_conf = (*k)->check,
                             .shared = &l->handlers_shared[k - l->handlers] };
        void *conf;
        error = load_kind(l, &scope, s, &kind, NULL, &conf);
        if (found.node == s.node)
            r->conf = conf;
    }
    if (error == 0 && found.node == NULL && !has_unknown_key(l, group))
        no_handler(l, group);
    return error;
}

/* `text` is of `match`; the message points at its byte `at`. */
static void pattern_error(struct loader *l, struct setting match, struct str text, size_t at,
                          const char *why)
{
    struct place p = setting_place(match, AT_VALUE);
    const char *scheme = memmem(text.p, text.n, "://", 3);

    if (text.n > 0 && strchr("~^=", text.p[0]) != NULL) {
        why = "there are no regular expressions and no modifiers here: \"/x\" is exactly that, "
              "\"/x/\" all below";
        at = 0;
    } else if (scheme != NULL) {
        why = "a pattern has no scheme; which one it is, the listener says";
        at = (size_t)(scheme - text.p);
    }
    if (p.width == text.n + 2) { /* no escapes, not joined: columns are those of the text */
        p.col += 1 + (unsigned)min_of(at, text.n);
        p.width = 1;
    }
    match.file->errors++;
    report_add(l->report, true, p, text_line(&match.file->source, p.line),
               "bad pattern \"%.*s\": %s", str_fmt(str_head(text, 200)), why);
}

/* What is a path, but hardly the one that was meant: habits from other servers. NULL: nothing. */
static const char *doubt_path(const struct pattern *p)
{
    struct segment segment;

    for (size_t at = 0; pattern_next(p, &at, &segment);) {
        struct str text = segment.text;
        if (segment.kind != SEGMENT_LITERAL)
            continue;
        if (str_chr(text, '*') < text.n)
            return "\"*\" stands for itself; all below a path is \"/path/\", one segment is {name}";
        if (text.n > 1 && text.p[0] == ':')
            return "\":\" stands for itself; a segment of any name is {name}";
        if (text.n > 2 && (text.p[0] == '<' || text.p[0] == '[') &&
            (str_ends(text, STR(">")) || str_ends(text, STR("]"))))
            return "these brackets stand for themselves; a segment of any name is {name}";
        if (str_chr(text, '(') < text.n || str_ends(text, STR("$")))
            return "there are no regular expressions here; this matches these characters alone";
    }
    return NULL;
}

static const char *doubt_method(const struct pattern *p)
{
    struct str method = pattern_method(p);
    char upper[16] = "";

    if (!p->has_method || p->method != METHOD_OTHER)
        return NULL;
    for (size_t i = 0; i < min_of(method.n, sizeof upper - 1); i++)
        upper[i] = (char)toupper((unsigned char)method.p[i]);
    if (method_of(str_of(upper)) != METHOD_OTHER)
        return "methods are upper case, and this one is not";
    if (str_chr(method, '~') < method.n || str_chr(method, '^') < method.n)
        return "there are no regular expressions here; this is taken for a method";
    if (str_chr(method, '|') < method.n)
        return "this is taken for one method; each of several needs a route";
    if (str_chr(method, '*') < method.n || strcmp(upper, "ANY") == 0 || strcmp(upper, "ALL") == 0)
        return "this is taken for a method of that name; for all methods leave it out";
    return NULL;
}

static void doubt_pattern(struct loader *l, const struct route *r, struct setting match)
{
    const struct pattern *p = &r->pattern;
    const char *doubt = doubt_method(p);

    if (doubt == NULL)
        doubt = doubt_path(p);
    if (doubt != NULL)
        setting_warning(match, l->report, AT_VALUE, "%s", doubt);
}

/* A path that both patterns match, in memory of the loader; they overlap. */
static struct str shared_path(struct loader *l, const struct pattern *a, const struct pattern *b)
{
    struct str path = STR_EMPTY;
    struct segment s, t;
    bool more_a, more_b;

    for (size_t at_a = 0, at_b = 0;;) {
        struct str part = STR("x");
        more_a = pattern_next(a, &at_a, &s);
        more_b = pattern_next(b, &at_b, &t);
        if (!more_a && !more_b)
            return path;
        if (more_a && s.kind == SEGMENT_LITERAL)
            part = s.text;
        else if (more_b && t.kind == SEGMENT_LITERAL)
            part = t.text;
        else if ((more_a && s.kind == SEGMENT_END) || (more_b && t.kind == SEGMENT_END))
            part.n = 0;
        path = arena_printf(&l->arena, "%.*s/%.*s", str_fmt(path), str_fmt(part));
    }
}

static void conflict(struct loader *l, const struct route *r, const struct route *first,
                     struct setting match)
{
    struct str text = str_head(pattern_text(&r->pattern), 200);
    struct str other = str_head(pattern_text(&first->pattern), 200);

    if (pattern_compare_paths(&r->pattern, &first->pattern) == RELATION_OVERLAPS)
        setting_error(match, l->report, AT_VALUE,
                      "\"%.*s\" conflicts with \"%.*s\" of the route \"%.*s\": both match "
                      "%.*s, and neither is the more specific",
                      str_fmt(text), str_fmt(other), str_fmt(first->name),
                      str_fmt(str_head(shared_path(l, &r->pattern, &first->pattern), 200)));
    else
        setting_error(match, l->report, AT_VALUE,
                      "\"%.*s\" matches what \"%.*s\" of the route \"%.*s\" does already",
                      str_fmt(text), str_fmt(other), str_fmt(first->name));
    report_note(l->report, first->place, source_line(l, first->place), "that route is here");
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
        r->pattern = (struct pattern){ .text = NULL };
        return 0;
    }
    if (error < 0)
        return error;
    doubt_pattern(l, r, match);
    error = mux_add(r->site->mux, &r->pattern, r, &other);
    if (error == -EEXIST) {
        conflict(l, r, other, match);
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

static int load_pool_use(struct loader *l, struct route *r, struct setting group, struct str name)
{
    struct named *pool = table_find(&l->pools, name);
    struct setting at = setting_get(group, STR("pool"));

    r->pool = str_is(name, "default") ? STR("default") : arena_str(&r->site->arena, name);
    if (pool == NULL && !l->incomplete && setting_is(at, NODE_STRING))
        no_pool(l, at, name);
    if (pool != NULL)
        pool->used = true;
    return r->pool.p != NULL ? 0 : -ENOMEM;
}

/* What the table says; strings are in `arena`. */
static int load_options(struct loader *l, struct route *r, struct setting group,
                        struct arena *arena)
{
    struct route_conf conf;
    int error =
        bind_group(group, l->report, route_options,
                   is_listed(group) ? l->listed_route_keys : l->route_keys, NULL, &conf, arena);

    if (error < 0)
        return error;
    origins_move(l->origins, &conf, r);
    r->run_in_pool = conf.run == ROUTE_RUN_POOL;
    r->share = (unsigned)conf.share;
    error = load_pool_use(l, r, group, conf.pool);
    return error < 0 ? error : load_pattern(l, r, group, conf.match);
}

/* A body with variables is safe as what it was escaped for, and as nothing else. */
static void check_type(struct loader *l, const struct route *r, struct setting group)
{
    if (r->kind == NULL || r->kind->escapes == NULL || !r->kind->escapes(r->conf))
        return;
    for (size_t i = 0; i < r->filters.n; i++) {
        const struct filter_use *f = &r->filters.v[i];
        if (f->kind->changes != NULL && f->kind->changes(f->conf, STR("Content-Type")))
            setting_error(setting_get(group, str_of(r->kind->name)), l->report, AT_NAME,
                          "the body has variables, which are escaped for its type; so `%s` may "
                          "not change Content-Type: give it as the option \"type\" here",
                          f->kind->name);
    }
}

int load_route(struct loader *l, struct named *named, struct str name, void *arg)
{
    struct site *site = arg;
    struct setting group = named->setting;
    struct route *r = &site->routes[site->n_routes++];
    struct scope scope = { .site = site, .route = r };
    _Alignas(16) char first[KIB(1)];
    struct arena scratch;

    *r = (struct route){ .site = site };
    l->config->n_routes++;
    named->value = r;
    r->name = arena_str(&site->arena, name);
    int error =
        r->name.p ? keep_place(l, &site->arena, setting_place(group, AT_NAME), &r->place) : -ENOMEM;
    if (error < 0)
        return error;
    arena_init_in(&scratch, first, sizeof first, TEXT_FILE_MAX * 2);
    error = load_options(l, r, group, &scratch);
    arena_done(&scratch);
    if (error < 0 || (error = load_handler(l, r, group)) < 0)
        return error;
    error = load_filters(l, &scope, group, &site->filters, &r->filters);
    if (error == 0)
        check_type(l, r, group);
    return error;
}
