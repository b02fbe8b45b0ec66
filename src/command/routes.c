/*
 * routes.c - `muxd routes`: all routes in the order of matching, site by site. The thread of
 * main().
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "command/columns.h"
#include "command/command.h"
#include "command/jsonw.h"
#include "command/order.h"
#include "command/value.h"

/* ---- text */

static struct str join(struct strs list, struct arena *arena)
{
    struct str all = list.n ? list.v[0] : STR("");

    for (size_t i = 1; i < list.n; i++)
        all = arena_printf(arena, "%.*s, %.*s", str_fmt(all), str_fmt(list.v[i]));
    return all;
}

static struct str filter_names(const struct route *r, struct arena *arena)
{
    struct str all = STR("");

    for (size_t i = 0; i < r->filters.n; i++)
        all = arena_printf(arena, "%.*s%s%s", str_fmt(all), i ? ", " : "",
                           r->filters.v[i].kind->name);
    return all;
}

/* The pattern without its method. */
static struct str without_method(const struct pattern *p)
{
    return str_trim(str_from(pattern_text(p), pattern_method(p).n));
}

/* With what the handler cannot do without: the root, the target. */
static struct str handler_text(const struct route *r, struct arena *arena)
{
    struct str all = str_of(r->kind->name);

    for (const struct option *o = r->kind->options; o != NULL && o->name != NULL; o++)
        if (o->def == REQUIRED && o->type == OPTION_STR)
            all = arena_printf(arena, "%.*s %.*s", str_fmt(all),
                               str_fmt(*(const struct str *)((const char *)r->conf + o->offset)));
    return all;
}

static int print_site(struct subject *s, const struct site *site)
{
    static const struct str titles[] = { { "METHOD", 6 },  { "PATTERN", 7 }, { "ROUTE", 5 },
                                         { "HANDLER", 7 }, { "FILTERS", 7 }, { "WHERE", 5 } };
    const struct route **routes = order_routes(site);
    struct columns c;

    if (routes == NULL)
        return EX_OSERR;
    struct str hosts = join(site->hosts, &s->scratch), listen = join(site->listen, &s->scratch);
    printf("site %.*s: %.*s", str_fmt(site->name),
           str_fmt(str_eq(hosts, STR("*")) ? STR("all other hosts") : hosts));
    if (listen.n != 0)
        printf(", on %.*s", str_fmt(listen));
    putchar('\n');
    columns_init(&c, &s->scratch);
    columns_add(&c, titles, array_len(titles));
    for (size_t i = 0; i < site->n_routes; i++) {
        const struct route *r = routes[i];
        struct str cells[] = { r->pattern.has_method ? pattern_method(&r->pattern) : STR("any"),
                               without_method(&r->pattern),
                               r->name,
                               handler_text(r, &s->scratch),
                               filter_names(r, &s->scratch),
                               subject_place(s, r->place) };
        columns_add(&c, cells, array_len(cells));
    }
    columns_print(&c, "  ");
    free(routes);
    return EX_OK;
}

/* ---- JSON */

static void put_strs(const char *key, struct strs list)
{
    jsonw_open(key, '[');
    for (size_t i = 0; i < list.n; i++)
        jsonw_str(NULL, list.v[i]);
    jsonw_close(']');
}

static int put_site(struct subject *s, const struct site *site)
{
    const struct route **routes = order_routes(site);

    if (routes == NULL)
        return EX_OSERR;
    jsonw_open(NULL, '{');
    jsonw_str("site", site->name);
    put_strs("hosts", site->hosts);
    jsonw_open("listeners", '[');
    for (size_t i = 0; i < s->config->n_listeners; i++)
        if (site_listens(site, &s->config->listeners[i]))
            jsonw_str(NULL, s->config->listeners[i].name);
    jsonw_close(']');
    jsonw_open("routes", '[');
    for (size_t i = 0; i < site->n_routes; i++) {
        const struct route *r = routes[i];
        jsonw_open(NULL, '{');
        jsonw_str("route", r->name);
        jsonw_str("method", r->pattern.has_method ? pattern_method(&r->pattern) : STR_EMPTY);
        jsonw_str("pattern", without_method(&r->pattern));
        jsonw_str("handler", str_of(r->kind->name));
        jsonw_open("filters", '[');
        for (size_t j = 0; j < r->filters.n; j++)
            jsonw_str(NULL, str_of(r->filters.v[j].kind->name));
        jsonw_close(']');
        jsonw_str("file", str_of(r->place.file));
        jsonw_int("line", r->place.line);
        jsonw_close('}');
    }
    jsonw_close(']');
    jsonw_close('}');
    free(routes);
    return EX_OK;
}

static int print_all(struct subject *s, bool json)
{
    const struct site **sites = order_sites(s->config);
    int status = sites ? EX_OK : EX_OSERR;

    if (json)
        jsonw_open(NULL, '[');
    for (size_t i = 0; i < s->config->n_sites && status == EX_OK; i++) {
        if (!json && i > 0)
            putchar('\n');
        status = json ? put_site(s, sites[i]) : print_site(s, sites[i]);
    }
    if (json) {
        jsonw_close(']');
        jsonw_end();
    }
    free(sites);
    return status;
}

int command_routes(const struct arguments *args)
{
    struct subject s;
    int status = subject_load(&s, args->file, 0);

    if (status == EX_OK)
        status = print_all(&s, args->json);
    subject_done(&s);
    return status;
}
