/*
 * config.c - `muxd config`: the config as it takes effect, defaults and what routes inherit
 * included, in the syntax of muxd.conf(5), each value with the place that gave it. It loads again,
 * beside the main file, as the same config; so what an inner level only adds to what an outer one
 * says (headers, say) is not repeated there, but for a comment. The thread of main().
 */
#include <stdio.h>
#include <sysexits.h>

#include "command/columns.h"
#include "command/command.h"
#include "command/value.h"

/* libconfig takes time n^2 for so many members, but not for a list. */
#define MEMBERS_MAX 500

struct writer {
    struct subject *s;
    struct columns lines; /* of the innermost group, so far */
    unsigned depth;
};

/* ---- lines */

static void flush(struct writer *w)
{
    columns_print(&w->lines, "");
    columns_init(&w->lines, &w->s->scratch);
}

/* `text` in its place, and behind it where it is from. */
static void line(struct writer *w, struct str text, struct str origin)
{
    struct arena *a = &w->s->scratch;
    struct str cells[] = { arena_printf(a, "%*s%.*s", (int)w->depth * 2, "", str_fmt(text)),
                           origin.n ? arena_printf(a, "# %.*s", str_fmt(origin)) : STR("") };

    columns_add(&w->lines, cells, array_len(cells));
}

static void open_group(struct writer *w, struct str name, bool listed, struct place place)
{
    struct arena *a = &w->s->scratch;
    struct str where = place.file ? subject_place(w->s, place) : STR("");

    flush(w);
    line(w, listed ? STR("{") : arena_printf(a, "%.*s: {", str_fmt(name)), where);
    flush(w);
    w->depth++;
    if (listed)
        line(w, arena_printf(a, "name = \"%.*s\";", str_fmt(name)), STR(""));
}

static void close_group(struct writer *w, const char *bracket)
{
    flush(w);
    w->depth--;
    line(w, str_of(bracket), STR(""));
    flush(w);
}

static void open_section(struct writer *w, const char *name, bool listed)
{
    putchar('\n');
    line(w, arena_printf(&w->s->scratch, "%s: %s", name, listed ? "(" : "{"), STR(""));
    flush(w);
    w->depth++;
}

/* ---- values */

static void value(struct writer *w, const struct option *o, const void *own,
                  const struct place *from, const char *remark)
{
    struct arena *a = &w->s->scratch;
    struct str text = subject_value(w->s, o, own, from);

    if (text.p == NULL)
        return;
    struct str where = from ? subject_place(w->s, *from) : STR("default");
    line(w, arena_printf(a, "%s = %.*s;", o->name, str_fmt(text)),
         arena_printf(a, "%.*s%s", str_fmt(where), remark));
}

static void values(struct writer *w, const struct option *table, const void *own,
                   const void *origins_of)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        value(w, o, own, origins_find(&w->s->origins, origins_of, o), "");
}

/* ---- filters */

static const char *const remarks[] = {
    [ORIGIN_TOP] = " (top level)", [ORIGIN_SITE] = " (site)", [ORIGIN_ROUTE] = ""
};

/* The struct of the filter at that level, or of the next one out that has one; or NULL. */
static const void *at_level(struct writer *w, const void *own, enum origin_level level,
                            enum origin_level *ret_level)
{
    while (own != NULL) {
        const void *outer = origins_outer(&w->s->origins, own, ret_level);
        if (*ret_level <= level)
            break;
        own = outer;
    }
    return own;
}

/* One whose levels are bound over each other: all options, each from the level that gave it. */
static void filter_values(struct writer *w, const struct filter_use *use, const void *own,
                          enum origin_level level)
{
    for (const struct option *o = use->kind->options; o != NULL && o->name != NULL; o++) {
        const struct place *from = NULL;
        enum origin_level found = level, at;
        const void *next;
        for (const void *from_own = own; from_own != NULL && from == NULL; from_own = next) {
            from = origins_find(&w->s->origins, from_own, o);
            next = origins_outer(&w->s->origins, from_own, &at);
            found = from != NULL ? at : found;
        }
        value(w, o, own, from, found == level ? "" : remarks[found]);
    }
}

/* One whose levels are joined: what this level gives, and as comments what the others do. */
static void joined_values(struct writer *w, const struct filter_use *use, const void *own,
                          enum origin_level level)
{
    struct arena *a = &w->s->scratch;
    enum origin_level at;
    const void *outer = origins_outer(&w->s->origins, own, &at);
    bool in_group = at == level || use->kind->plain;

    for (; own != NULL; own = outer) {
        outer = origins_outer(&w->s->origins, own, &at);
        for (const struct option *o = use->kind->options; o != NULL && o->name != NULL; o++) {
            const struct place *from = origins_find(&w->s->origins, own, o);
            if (from != NULL && at == level)
                value(w, o, own, from, "");
            else if (from != NULL)
                line(w,
                     arena_printf(a, "# and %s%s%s = %.*s", in_group ? "" : use->kind->name,
                                  in_group ? "" : ".", o->name, str_fmt(value_text(o, own, a))),
                     arena_printf(a, "%.*s%s", str_fmt(subject_place(w->s, *from)), remarks[at]));
        }
    }
}

static void filters(struct writer *w, const struct filters *f, enum origin_level level)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct filter_kind *kind = f->v[i].kind;
        enum origin_level found;
        const void *own = at_level(w, f->v[i].conf, level, &found);
        if (own == NULL)
            continue;
        if (kind->merge != NULL && found != level) {
            joined_values(w, &f->v[i], own, level);
            continue;
        }
        if (!kind->plain)
            open_group(w, str_of(kind->name), false, (struct place){ .file = NULL });
        if (kind->merge != NULL)
            joined_values(w, &f->v[i], own, level);
        else
            filter_values(w, &f->v[i], own, level);
        if (!kind->plain)
            close_group(w, "}");
    }
}

/* ---- sections */

static void group(struct writer *w, const char *name, const struct option *table, const void *own)
{
    open_section(w, name, false);
    values(w, table, own, own);
    close_group(w, "}");
}

static void top(struct writer *w)
{
    const struct config *c = w->s->config;

    for (const struct option *o = top_options; o->name != NULL; o++)
        if (strcmp(o->name, "include") != 0 && strcmp(o->name, "access_log") != 0)
            value(w, o, &c->top, origins_find(&w->s->origins, &c->top, o), "");
    flush(w);
    /* Each site has them by itself. */
    if (c->n_sites != 0 && c->sites[0]->filters.n != 0)
        filters(w, &c->sites[0]->filters, ORIGIN_TOP);
    flush(w);
    group(w, "access_log", access_options, &c->access_conf);
    group(w, "timeouts", timeouts_options, &c->timeouts);
    group(w, "limits", limits_options, &c->limits);
    open_section(w, "listeners", false);
    for (size_t i = 0; i < c->n_listeners; i++) {
        open_group(w, c->listeners[i].name, false, c->listeners[i].place);
        values(w, listener_options, &c->listeners[i], &c->listeners[i]);
        close_group(w, "}");
    }
    close_group(w, "}");
    open_section(w, "pools", false);
    for (size_t i = 0; i < c->n_pools; i++) {
        open_group(w, c->pools[i].name, false, c->pools[i].place);
        values(w, pool_options, &c->pools[i], &c->pools[i]);
        close_group(w, "}");
    }
    close_group(w, "}");
}

static void routes(struct writer *w, const struct site *site)
{
    bool listed = site->n_routes > MEMBERS_MAX;

    for (size_t i = 0; i < site->n_routes; i++) {
        const struct route *r = &site->routes[i];
        struct route_conf conf = value_route(r);
        open_group(w, r->name, listed, r->place);
        values(w, route_options, &conf, r);
        open_group(w, str_of(r->kind->name), false, (struct place){ .file = NULL });
        values(w, r->kind->options, r->conf, r->conf);
        close_group(w, "}");
        filters(w, &r->filters, ORIGIN_ROUTE);
        close_group(w, listed && i + 1 < site->n_routes ? "}," : "}");
        arena_reset(&w->s->scratch);
    }
    close_group(w, listed ? ")" : "}");
}

static bool is_default(struct writer *w, const struct site *site)
{
    return origins_find(&w->s->origins, site, value_option(site_options, "hosts")) == NULL;
}

static void site(struct writer *w, const struct site *s, bool listed)
{
    open_group(w, s->name, listed, s->place);
    values(w, site_options, s, s);
    flush(w);
    filters(w, &s->filters, ORIGIN_SITE);
    open_section(w, "routes", s->n_routes > MEMBERS_MAX);
    routes(w, s);
}

int command_config(const struct arguments *args)
{
    struct subject s;
    struct writer w = { .s = &s };
    size_t n = 0, done = 0;
    int status = subject_load(&s, args->file, SUBJECT_ORIGINS);

    if (status == EX_OK) {
        columns_init(&w.lines, &s.scratch);
        top(&w);
        for (size_t i = 0; i < s.config->n_sites; i++) {
            n += !is_default(&w, s.config->sites[i]);
            if (!is_default(&w, s.config->sites[i]))
                continue;
            open_section(&w, "routes", s.config->sites[i]->n_routes > MEMBERS_MAX);
            routes(&w, s.config->sites[i]);
        }
        bool listed = n > MEMBERS_MAX;
        if (n > 0)
            open_section(&w, "sites", listed);
        for (size_t i = 0; i < s.config->n_sites; i++) {
            if (is_default(&w, s.config->sites[i]))
                continue;
            site(&w, s.config->sites[i], listed);
            close_group(&w, listed && ++done < n ? "}," : "}");
        }
        if (n > 0)
            close_group(&w, listed ? ")" : "}");
    }
    subject_done(&s);
    return status;
}
