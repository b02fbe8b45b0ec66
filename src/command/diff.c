/*
 * diff.c - `muxd diff NEW`: what a new config says other than the one in place, by the tables of
 * options: what was added, removed, changed, and where. What moved to another line or file, or is
 * spelled otherwise with the same meaning, is no difference. The thread of main().
 */
#include <stdio.h>
#include <sysexits.h>

#include "command/columns.h"
#include "command/command.h"
#include "command/value.h"
#include "config/table.h"

#define EX_DIFFERENT 1

struct diff {
    struct subject old, new;
    struct columns rows; /* of what is being compared: option, old, new, places */
    bool any;
};

/* ---- what is printed */

static void header(struct diff *d, const char *sign, const char *what, struct str name,
                   struct str more, struct str where)
{
    printf("%s %s%s", sign, what, name.n != 0 ? " " : "");
    columns_text(name);
    if (more.n != 0) {
        printf("  ");
        columns_text(more);
    }
    if (where.n != 0) {
        printf("  ");
        columns_text(where);
    }
    putchar('\n');
    d->any = true;
}

/* The rows so far, if there are any, under a header of their own. */
static void changed(struct diff *d, const char *what, struct str name, struct str where)
{
    if (d->rows.first != NULL) {
        header(d, "~", what, name, STR_EMPTY, where);
        columns_print(&d->rows, "    ");
    }
    columns_init(&d->rows, &d->new.scratch);
    arena_reset(&d->new.scratch);
    arena_reset(&d->old.scratch);
}

static struct str or_none(struct str value)
{
    return value.p != NULL ? value : STR("none");
}

/* `group` and a dot stand in front of the option's name, if it is not NULL. */
static void row(struct diff *d, const char *group, const char *option, struct str old,
                struct str new, struct str old_place, struct str new_place)
{
    struct arena *a = &d->new.scratch;
    struct str cells[] = { group ? arena_printf(a, "%s.%s", group, option) : str_of(option),
                           or_none(old), arena_printf(a, "-> %.*s", str_fmt(or_none(new))),
                           old_place, arena_printf(a, "-> %.*s", str_fmt(new_place)) };

    columns_add(&d->rows, cells, array_len(cells));
}

/* ---- options */

/* Of two structs that the table fills; the origins may be of other structs. Paths are compared as
 * seen from the main file. */
static void options(struct diff *d, const char *group, const struct option *table, const void *old,
                    const void *new, const void *old_owner, const void *new_owner)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++) {
        if (strcmp(o->name, "include") == 0 || (!o->is_path && value_same(o, old, new)))
            continue;
        const struct place *p = origins_find(&d->old.origins, old_owner, o);
        const struct place *q = origins_find(&d->new.origins, new_owner, o);
        struct str x = subject_value(&d->old, o, old, p), y = subject_value(&d->new, o, new, q);
        if (o->is_path && str_eq(x, y))
            continue;
        row(d, group, o->name, x, y, subject_origin(&d->old, old_owner, o),
            subject_origin(&d->new, new_owner, o));
    }
}

/* What an option of a filter is at one level. */
struct filter_option {
    const void *own; /* the struct that has it, or one of defaults */
    bool given;      /* at this level */
    const struct place *place;
};

/* `own` is the filter's struct at some level, or NULL. With levels that are joined only what this
 * one gives counts; else what it has, whatever level gave that. */
static struct filter_option filter_option(struct subject *s, const struct filter_kind *kind,
                                          const void *own, const struct option *o,
                                          enum origin_level level, const void *defaults)
{
    struct filter_option f = { .own = defaults };
    enum origin_level at;
    const void *outer;

    for (; own != NULL && f.place == NULL; own = outer) {
        outer = origins_outer(&s->origins, own, &at);
        if (at > level || (at < level && kind->merge != NULL))
            continue;
        f.place = origins_find(&s->origins, own, o);
        f.given = f.place != NULL && at == level;
        f.own = f.place != NULL ? own : defaults;
    }
    return f;
}

static const void *find_filter(const struct filters *f, const struct filter_kind *kind)
{
    for (size_t i = 0; f != NULL && i < f->n; i++)
        if (f->v[i].kind == kind)
            return f->v[i].conf;
    return NULL;
}

static struct str filter_place(struct subject *s, const struct filter_option *f)
{
    return f->place != NULL ? subject_place(s, *f->place) : STR("default");
}

/* What comes of a change of an outer level is told there. */
static void filter(struct diff *d, const struct filter_kind *kind, const void *old, const void *new,
                   enum origin_level level, const void *defaults)
{
    const char *group = kind->plain ? NULL : kind->name;

    for (const struct option *o = kind->options; o != NULL && o->name != NULL; o++) {
        struct filter_option x = filter_option(&d->old, kind, old, o, level, defaults);
        struct filter_option y = filter_option(&d->new, kind, new, o, level, defaults);
        if ((x.given || y.given) && !value_same(o, x.own, y.own))
            row(d, group, o->name, value_text(o, x.own, &d->old.scratch),
                value_text(o, y.own, &d->new.scratch), filter_place(&d->old, &x),
                filter_place(&d->new, &y));
    }
}

static void filters(struct diff *d, const struct filters *old, const struct filters *new,
                    enum origin_level level)
{
    const struct filter_kind *kind;

    for (size_t i = 0; (kind = filter_at(i)) != NULL; i++) {
        const void *x = find_filter(old, kind), *y = find_filter(new, kind);
        void *defaults = arena_zalloc(&d->new.scratch, kind->size);
        if ((x != NULL || y != NULL) && defaults != NULL &&
            option_defaults(kind->options, defaults, &d->new.scratch) == 0)
            filter(d, kind, x, y, level, defaults);
    }
}

static void section(struct diff *d, const char *name, const struct option *table, const void *old,
                    const void *new)
{
    options(d, NULL, table, old, new, old, new);
    changed(d, name, STR_EMPTY, STR_EMPTY);
}

/* ---- listeners and pools */

static void listeners(struct diff *d)
{
    const struct config *c = d->old.config, *e = d->new.config;

    for (size_t i = 0; i < c->n_listeners; i++) {
        struct conf_listener *old = &c->listeners[i], *new = subject_listener(&d->new, old->name);
        if (new == NULL) {
            header(d, "-", "listener", old->name, old->address_text,
                   subject_place(&d->old, old->place));
            continue;
        }
        options(d, NULL, listener_options, old, new, old, new);
        changed(d, "listener", old->name, STR_EMPTY);
    }
    for (size_t i = 0; i < e->n_listeners; i++)
        if (subject_listener(&d->old, e->listeners[i].name) == NULL)
            header(d, "+", "listener", e->listeners[i].name, e->listeners[i].address_text,
                   subject_place(&d->new, e->listeners[i].place));
}

static struct conf_pool *find_pool(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->n_pools; i++)
        if (str_eq(c->pools[i].name, name))
            return &c->pools[i];
    return NULL;
}

static void pools(struct diff *d)
{
    const struct config *c = d->old.config, *e = d->new.config;

    for (size_t i = 0; i < c->n_pools; i++) {
        struct conf_pool *old = &c->pools[i], *new = find_pool(e, old->name);
        if (new == NULL) {
            header(d, "-", "pool", old->name, STR_EMPTY, subject_place(&d->old, old->place));
            continue;
        }
        options(d, NULL, pool_options, old, new, old, new);
        changed(d, "pool", old->name, STR_EMPTY);
    }
    for (size_t i = 0; i < e->n_pools; i++)
        if (find_pool(c, e->pools[i].name) == NULL)
            header(d, "+", "pool", e->pools[i].name, STR_EMPTY,
                   subject_place(&d->new, e->pools[i].place));
}

/* ---- sites and routes */

static struct str route_name(const struct route *r, struct arena *arena)
{
    return arena_printf(arena, "%.*s/%.*s", str_fmt(r->site->name), str_fmt(r->name));
}

static void one_route(struct diff *d, const char *sign, struct subject *s, const struct route *r)
{
    struct arena *a = &s->scratch;

    header(d, sign, "route", route_name(r, a),
           arena_printf(a, "%.*s  %s", str_fmt(pattern_text(&r->pattern)), r->kind->name),
           subject_place(s, r->place));
    arena_reset(a);
}

static void route(struct diff *d, const struct route *old, const struct route *new)
{
    struct route_conf x = value_route(old), y = value_route(new);

    options(d, NULL, route_options, &x, &y, old, new);
    if (old->kind != new->kind)
        row(d, NULL, "handler", str_of(old->kind->name), str_of(new->kind->name),
            subject_place(&d->old, old->place), subject_place(&d->new, new->place));
    else
        options(d, old->kind->name, old->kind->options, old->conf, new->conf, old->conf, new->conf);
    filters(d, &old->filters, &new->filters, ORIGIN_ROUTE);
    changed(d, "route", d->rows.first ? route_name(new, &d->new.scratch) : STR_EMPTY,
            d->rows.first ? subject_place(&d->new, new->place) : STR_EMPTY);
}

/* Of the site, by name; 0 or -ENOMEM. */
static int index_routes(const struct site *s, struct table *t, struct arena *arena)
{
    int r = 0;

    for (size_t i = 0; i < s->n_routes && r == 0; i++)
        r = table_add(t, arena, s->routes[i].name, &s->routes[i]);
    return r;
}

/* Either may be NULL. */
static int routes(struct diff *d, const struct site *old, const struct site *new)
{
    struct table olds = { .slots = NULL }, news = { .slots = NULL };

    if ((old != NULL && index_routes(old, &olds, &d->old.arena) < 0) ||
        (new != NULL &&index_routes(new, &news, &d->new.arena) < 0))
        return EX_OSERR;
    for (size_t i = 0; old != NULL && i < old->n_routes; i++) {
        const struct route *twin = table_find(&news, old->routes[i].name);
        if (twin == NULL)
            one_route(d, "-", &d->old, &old->routes[i]);
        else
            route(d, &old->routes[i], twin);
    }
    for (size_t i = 0; new != NULL &&i < new->n_routes; i++)
        if (table_find(&olds, new->routes[i].name) == NULL)
            one_route(d, "+", &d->new, &new->routes[i]);
    return EX_OK;
}

static int sites(struct diff *d)
{
    const struct config *c = d->old.config, *e = d->new.config;
    struct table olds = { .slots = NULL }, news = { .slots = NULL };
    const struct option *hosts = value_option(site_options, "hosts");
    int r = 0, status = EX_OK;

    for (size_t i = 0; i < c->n_sites && r == 0; i++)
        r = table_add(&olds, &d->old.arena, c->sites[i]->name, c->sites[i]);
    for (size_t i = 0; i < e->n_sites && r == 0; i++)
        r = table_add(&news, &d->new.arena, e->sites[i]->name, e->sites[i]);
    if (r < 0)
        return EX_OSERR;
    for (size_t i = 0; i < c->n_sites && status == EX_OK; i++) {
        const struct site *old = c->sites[i], *new = table_find(&news, old->name);
        if (new == NULL) {
            header(d, "-", "site", old->name, value_text(hosts, old, &d->old.scratch),
                   subject_place(&d->old, old->place));
        } else {
            options(d, NULL, site_options, old, new, old, new);
            filters(d, &old->filters, &new->filters, ORIGIN_SITE);
            changed(d, "site", new->name, subject_place(&d->new, new->place));
        }
        status = routes(d, old, new);
    }
    for (size_t i = 0; i < e->n_sites && status == EX_OK; i++) {
        const struct site *new = e->sites[i];
        if (table_find(&olds, new->name) != NULL)
            continue;
        header(d, "+", "site", new->name, value_text(hosts, new, &d->new.scratch),
               subject_place(&d->new, new->place));
        status = routes(d, NULL, new);
    }
    return status;
}

static int compare(struct diff *d)
{
    const struct config *c = d->old.config, *e = d->new.config;

    columns_init(&d->rows, &d->new.scratch);
    options(d, NULL, top_options, &c->top, &e->top, &c->top, &e->top);
    filters(d, c->n_sites ? &c->sites[0]->filters : NULL, e->n_sites ? &e->sites[0]->filters : NULL,
            ORIGIN_TOP);
    changed(d, "top level", STR_EMPTY, STR_EMPTY);
    section(d, "access_log", access_options, &c->access_conf, &e->access_conf);
    section(d, "timeouts", timeouts_options, &c->timeouts, &e->timeouts);
    section(d, "limits", limits_options, &c->limits, &e->limits);
    listeners(d);
    pools(d);
    return sites(d);
}

int command_diff(const struct arguments *args)
{
    struct diff d = { .any = false };
    int status = subject_load(&d.old, args->file, SUBJECT_ORIGINS);
    int other = subject_load(&d.new, args->words[0], SUBJECT_ORIGINS);

    status = status != EX_OK ? status : other;
    if (status == EX_OK)
        status = compare(&d);
    if (status == EX_OK && d.any)
        status = EX_DIFFERENT;
    subject_done(&d.old);
    subject_done(&d.new);
    return status;
}
