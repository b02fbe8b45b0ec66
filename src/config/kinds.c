/*
 * kinds.c - groups into the structs of handlers and filters, and which filters a level has: those
 * of its own, bound over those of the level around it, and the others of that level as they are.
 * The loader's thread.
 */
#include <errno.h>

#include "base/check.h"
#include "config/loader.h"

#define FILTERS_MAX 32 /* kinds */

static const struct option no_options[] = { OPT_END };

static bool is_section(const char *name)
{
    for (const struct config_section *s = config_sections; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return true;
    return false;
}

/* Keys in front, the names of the filters behind them. With `outermost` not those that name a
 * section there. */
static const char **with_filters(struct loader *l, const char *const *keys, bool outermost)
{
    size_t n = 0, n_filters = 0, to = 0;

    while (keys[n] != NULL)
        n++;
    while (l->filters[n_filters] != NULL)
        n_filters++;
    const char **all = arena_array(&l->arena, n + n_filters + 1, sizeof *all);
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        all[to++] = keys[i];
    for (size_t i = 0; i < n_filters; i++)
        if (!outermost || !is_section(l->filters[i]->name))
            all[to++] = l->filters[i]->name;
    return all;
}

/* Walking the registries costs n^2, so they are walked once a load. */
int load_kinds(struct loader *l)
{
    static const char *const top_more[] = { "access_log", "listeners", "timeouts", "limits",
                                            "pools",      "routes",    "sites",    NULL };
    static const char *const site_more[] = { "name", "routes", NULL };
    size_t n_handlers = 0, n_filters = 0;

    while (handler_at(n_handlers) != NULL)
        n_handlers++;
    while (filter_at(n_filters) != NULL)
        n_filters++;
    check(n_filters <= FILTERS_MAX);
    l->handlers = arena_array(&l->arena, n_handlers + 1, sizeof *l->handlers);
    l->handlers_shared = arena_array(&l->arena, n_handlers, sizeof *l->handlers_shared);
    l->n_handlers = n_handlers;
    l->filters = arena_array(&l->arena, n_filters + 1, sizeof *l->filters);
    const char **names = arena_array(&l->arena, n_handlers + 2, sizeof *names);
    if (arena_failed(&l->arena))
        return -ENOMEM;
    names[0] = "name";
    for (size_t i = 0; i < n_handlers; i++)
        names[i + 1] = (l->handlers[i] = handler_at(i))->name;
    for (size_t i = 0; i < n_filters; i++)
        l->filters[i] = filter_at(i);
    l->top_keys = with_filters(l, top_more, true);
    l->listed_site_keys = with_filters(l, site_more, false);
    l->listed_route_keys = with_filters(l, names, false);
    if (arena_failed(&l->arena))
        return -ENOMEM;
    l->site_keys = l->listed_site_keys + 1;
    l->route_keys = l->listed_route_keys + 1;
    return 0;
}

/* What a kind's check() reports is about an option of its group. */
struct kind_check {
    struct option_check check; /* first: report() gets only this */
    struct loader *l;
    struct setting group;
    const struct option *options;
    bool plain;    /* the group is the value of the one option */
    bool inherits; /* what the group does not give is from a level further out */
};

/* The table has told already that it is missing. */
static bool is_missing(const struct kind_check *k, const char *option)
{
    for (const struct option *o = k->options; o != NULL && o->name != NULL; o++)
        if (o->def == REQUIRED && strcmp(o->name, option) == 0)
            return setting_get(k->group, str_of(option)).node == NULL;
    return false;
}

/* To the word in the line of `p`, where that shows it as it is. */
static void point_at(struct place *p, struct str line, struct str word)
{
    size_t from = p->col;

    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] >= 0x80) /* columns are no bytes */
            return;
    const char *at = from < line.n ? memmem(line.p + from, line.n - from, word.p, word.n) : NULL;
    if (at == NULL)
        return;
    p->col = (unsigned)(at - line.p) + 1;
    p->width = (unsigned)word.n;
}

static void report_check(struct option_check *c, bool error, const char *option, const char *fmt,
                         va_list ap)
{
    struct kind_check *k = container_of(c, struct kind_check, check);
    struct setting s = option && !k->plain ? setting_get(k->group, str_of(option)) : k->group;
    enum setting_part part = AT_VALUE;

    if (option != NULL && !k->plain && is_missing(k, option))
        return;
    if (s.node == NULL && option != NULL && k->inherits && !error)
        return; /* it was warned about where it stands, or is put right by what stands here */
    if (s.node == NULL || option == NULL) {
        s = k->group;
        part = AT_NAME;
    } else if (c->element > 0 && !s.node->bad) {
        s = nth_string(s, c->element - 1);
    }
    struct place p = setting_place(s, part);
    if (part == AT_VALUE && c->word.n > 0)
        point_at(&p, text_line(&s.file->source, p.line), c->word);
    setting_vreport(s, k->l->report, error, p, fmt, ap);
}

/* The names of the route's wildcards, in memory of the loader. */
static int name_wildcards(struct loader *l, const struct scope *scope, struct option_check *c)
{
    const struct pattern *p = scope->route != NULL ? &scope->route->pattern : NULL;

    if (p == NULL || c->any_name || p->n_names == 0)
        return 0;
    struct str *v = arena_array(&l->arena, p->n_names + 1u, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    c->names.v = v;
    for (size_t at = 0; pattern_next_name(p, &at, &v[c->names.n]);)
        c->names.n++;
    c->tail = str_ends(pattern_text(p), STR("...}"));
    return 0;
}

static bool any_host(const struct scope *scope)
{
    const struct strs *hosts = &scope->site->hosts;

    if (scope->route != NULL && scope->route->pattern.host_n > 0)
        return false;
    for (size_t i = 0; i < hosts->n; i++)
        if (str_eq(hosts->v[i], STR("*")))
            return true;
    return hosts->n == 0;
}

/* A string may be meant for the one option that must be given. */
static void expected_group(struct loader *l, struct setting s, const struct option *options)
{
    char got[BIND_GOT_MAX];
    const struct option *o = options;

    while (o->name != NULL && (o->def != REQUIRED || o->type != OPTION_STR))
        o++;
    if (o->name != NULL && setting_is(s, NODE_STRING))
        setting_error(s, l->report, AT_VALUE,
                      "expected a group, as in  %.*s: { %s = ...; },  got %s",
                      str_fmt(setting_name(s)), o->name, bind_got(s, got));
    else
        setting_error(s, l->report, AT_VALUE, "expected a group, as in  %.*s: { ... },  got %s",
                      str_fmt(setting_name(s)), bind_got(s, got));
}

/* Where a value was refused, check() sees the default, and is not heard about that option; without
 * a pattern it sees the prefix of all. */
int load_kind(struct loader *l, const struct scope *scope, struct setting s,
              const struct kind *kind, const void *outer, void **ret)
{
    struct arena *arena = &scope->site->arena;
    const struct option *options = kind->options != NULL ? kind->options : no_options;
    void *conf = arena_zalloc(arena, max_of(kind->size, (size_t)1));
    const struct route *route = scope->route;
    const void *over = kind->merge == NULL ? outer : NULL;
    bool has_pattern = route != NULL && route->pattern.text != NULL;
    int error;

    *ret = conf;
    if (conf == NULL)
        return -ENOMEM;
    if (kind->plain) {
        error = bind_plain(s, l->report, options, over, conf, arena);
    } else if (setting_is(s, NODE_GROUP)) {
        error = bind_group(s, l->report, options, NULL, over, conf, arena);
    } else {
        expected_group(l, s, options);
        return 0;
    }
    if (error == 0)
        error = origins_add_level(l->origins, conf,
                                  scope->outermost ? ORIGIN_TOP
                                  : route != NULL  ? ORIGIN_ROUTE
                                                   : ORIGIN_SITE,
                                  outer);
    if (error < 0 || kind->check_conf == NULL)
        return error;

    struct kind_check k = {
        .check = { .arena = arena,
                   .base = s.file->source.dir,
                   .prefix = has_pattern ? pattern_prefix(&route->pattern) : STR("/"),
                   .in_route = route != NULL,
                   .any_name = route != NULL && !has_pattern,
                   .any_host = any_host(scope),
                   .outer = over,
                   .shared = kind->shared,
                   .report = report_check },
        .l = l,
        .group = s,
        .options = options,
        .plain = kind->plain,
        .inherits = over != NULL,
    };
    if (name_wildcards(l, scope, &k.check) < 0)
        return -ENOMEM;
    kind->check_conf(&k.check, conf);
    if (kind->merge != NULL && outer != NULL)
        kind->merge(&k.check, outer, conf);
    return arena_failed(arena) ? -ENOMEM : 0;
}

/* ---- filters */

static const struct filter_use *find_use(const struct filters *in, const struct filter_kind *kind)
{
    for (size_t i = 0; in != NULL && i < in->n; i++)
        if (in->v[i].kind == kind)
            return &in->v[i];
    return NULL;
}

/* The members of the group that are filters, by the order of the kinds. */
static bool find_own(const struct loader *l, const struct scope *scope, struct setting group,
                     struct setting *own)
{
    bool any = false;

    for (struct setting s = setting_first(group); s.node != NULL; s = setting_next(s))
        for (size_t i = 0; l->filters[i] != NULL; i++)
            if (str_is(setting_name(s), l->filters[i]->name) &&
                (!scope->outermost || !is_section(l->filters[i]->name))) {
                own[i] = s;
                any = true;
            }
    return any;
}

int load_filters(struct loader *l, const struct scope *scope, struct setting group,
                 const struct filters *outer, struct filters *ret)
{
    struct setting own[FILTERS_MAX] = { { NULL, NULL } };
    struct filter_use uses[FILTERS_MAX];
    size_t n = 0;

    if (!find_own(l, scope, group, own)) {
        *ret = outer != NULL ? *outer : (struct filters){ NULL, 0 };
        return 0;
    }
    for (size_t i = 0; l->filters[i] != NULL; i++) {
        const struct filter_kind *f = l->filters[i];
        const struct filter_use *around = find_use(outer, f);
        if (own[i].node == NULL && around == NULL)
            continue;
        if (own[i].node == NULL) {
            uses[n++] = *around;
            continue;
        }
        struct kind kind = { f->size, f->options, f->check, f->merge, f->plain, NULL };
        const void *conf_around = around != NULL ? around->conf : NULL;
        void *conf;
        int error = load_kind(l, scope, own[i], &kind, conf_around, &conf);
        if (error < 0)
            return error;
        uses[n++] = (struct filter_use){ .kind = f, .conf = conf };
    }
    struct filter_use *v = arena_array(&scope->site->arena, n, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    memcpy(v, uses, n * sizeof *v);
    *ret = (struct filters){ v, n };
    return 0;
}
