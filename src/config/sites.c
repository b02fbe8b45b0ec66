/*
 * sites.c - sites, and which of them answers for which host of which listener. The loader's
 * thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "config/hosts.h"
#include "config/loader.h"

#define SITE_ARENA_MAX MIB(1024)

/* The site is the snapshot's from here on. */
static int add_site(struct loader *l, struct setting setting, struct str name, size_t n_routes,
                    struct site **ret)
{
    struct config *c = l->config;
    struct site *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -ENOMEM;
    arena_init(&s->arena, SITE_ARENA_MAX);
    atomic_init(&s->refs, 1);
    l->site_places[c->n_sites].setting = setting;
    c->sites[c->n_sites++] = *ret = s;
    memset(l->handlers_shared, 0, l->n_handlers * sizeof *l->handlers_shared);
    s->name = arena_str(&s->arena, name);
    s->routes = arena_array(&s->arena, max_of(n_routes, (size_t)1), sizeof *s->routes);
    s->mux = mux_new(&s->arena);
    if (s->name.p == NULL || s->routes == NULL || s->mux == NULL)
        return -ENOMEM;
    return keep_place(l, &s->arena, setting_place(setting, AT_NAME), &s->place);
}

struct setting nth_string(struct setting list, size_t i)
{
    struct setting s = setting_is(list, NODE_STRING) ? list : setting_first(list);

    while (s.node != list.node && s.node != NULL && (!setting_is(s, NODE_STRING) || i-- > 0))
        s = setting_next(s);
    return s;
}

static int load_site_pages(struct loader *l, struct site *s, struct setting group)
{
    struct setting own = setting_get(group, STR("errors"));

    if (own.node != NULL)
        return load_pages(l, own, s->errors, &s->pages);
    s->pages = error_pages_ref(l->pages);
    return 0;
}

/* The top level's, in the site's own memory: it may outlive them. What is wrong with them is told
 * once. */
static int load_site_filters(struct loader *l, struct site *s, struct setting own)
{
    struct scope scope = { .site = s, .outermost = true };
    struct filters outer;
    bool was_muted = l->report->muted;

    l->report->muted |= l->outermost_told;
    int r =
        load_filters(l, &scope, file_root(list_first(&l->files, struct file, node)), NULL, &outer);
    l->report->muted = was_muted;
    l->outermost_told = true;
    s->filters = outer;
    scope.outermost = false;
    return r < 0 || own.node == NULL ? r : load_filters(l, &scope, own, &outer, &s->filters);
}

/* Brings the hosts to lower case, checks them, notes their places. */
static int check_hosts(struct loader *l, struct site *s, struct setting group)
{
    struct setting list = setting_get(group, STR("hosts"));
    struct setting at = nth_string(list, 0);
    struct str *hosts = arena_array(&s->arena, max_of(s->hosts.n, (size_t)1), sizeof *hosts);
    struct place *places = arena_array(&l->arena, max_of(s->hosts.n, (size_t)1), sizeof *places);

    if (hosts == NULL || places == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->hosts.n; i++) {
        char *lower = arena_alloc(&s->arena, s->hosts.v[i].n + 1);
        if (lower == NULL)
            return -ENOMEM;
        const char *why = host_check(s->hosts.v[i], lower);
        lower[s->hosts.v[i].n] = '\0';
        hosts[i] = str_make(lower, s->hosts.v[i].n);
        places[i] = setting_place(at, AT_VALUE);
        if (why != NULL)
            setting_error(at, l->report, AT_VALUE, "bad host \"%.*s\": %s",
                          str_fmt(str_head(hosts[i], 100)), why);
        do /* to the next string */
            at = at.node == list.node ? (struct setting){ NULL, NULL } : setting_next(at);
        while (at.node != NULL && !setting_is(at, NODE_STRING));
    }
    if (s->hosts.n == 0 && list.node != NULL && setting_count(list) == 0 &&
        !setting_is(list, NODE_STRING))
        setting_error(list, l->report, AT_VALUE,
                      "a site needs at least one host; \"*\" stands for all");
    s->hosts.v = hosts;
    l->site_places[l->config->n_sites - 1].hosts = places;
    return 0;
}

static void check_listen(struct loader *l, const struct site *s, struct setting group)
{
    struct setting list = setting_get(group, STR("listen"));

    if (list.node != NULL && s->listen.n == 0 && setting_count(list) == 0 &&
        (setting_is(list, NODE_ARRAY) || setting_is(list, NODE_LIST)))
        setting_error(list, l->report, AT_VALUE,
                      "no listener is named; leave `listen` out to have all of them");
    for (size_t i = 0; i < s->listen.n && !l->incomplete; i++)
        if (table_find(&l->listeners, s->listen.v[i]) == NULL)
            no_listener(l, nth_string(list, i), s->listen.v[i]);
}

static int load_site(struct loader *l, struct named *named, struct str name, void *arg UNUSED)
{
    struct setting group = named->setting, routes = setting_get(group, STR("routes"));
    struct table names = { .slots = NULL };
    struct site *s;
    int r = add_site(l, group, name, setting_count(routes), &s);

    if (r < 0)
        return r;
    named->value = s;
    r = bind_group(group, l->report, site_options,
                   is_listed(group) ? l->listed_site_keys : l->site_keys, NULL, s, &s->arena);
    if (r == 0)
        r = check_hosts(l, s, group);
    if (r == 0)
        r = load_site_pages(l, s, group);
    if (r == 0)
        r = load_site_filters(l, s, group);
    if (r < 0)
        return r;
    check_listen(l, s, group);
    if (routes.node == NULL) {
        setting_error(group, l->report, AT_NAME, "\"routes\" is missing here");
        return 0;
    }
    r = each_named(l, routes, "route", &names, load_route, s);
    return r < 0 ? r : mux_seal(s->mux);
}

/* The `routes` at the top level, of all files, are one site. */
static int load_default_site(struct loader *l)
{
    struct setting section = { NULL, NULL };
    struct table names = { .slots = NULL };
    struct site *s;

    list_each (f, &l->files, struct file, node)
        if (section.node == NULL && f->scan.n != 0)
            section = setting_get(file_root(f), STR("routes"));
    if (section.node == NULL)
        return 0;

    int r = add_site(l, section, STR("default"), count_named_of_all(l, "routes"), &s);
    if (r < 0)
        return r;
    s->pages = error_pages_ref(l->pages);
    struct str *host = arena_zalloc(&s->arena, sizeof *host);
    struct place *place = arena_zalloc(&l->arena, sizeof *place);
    struct named *named = arena_zalloc(&l->arena, sizeof *named);
    if (host == NULL || place == NULL || named == NULL)
        return -ENOMEM;
    r = load_site_filters(l, s, (struct setting){ NULL, NULL });
    if (r < 0)
        return r;
    *host = STR("*");
    s->hosts = (struct strs){ host, 1 };
    *place = setting_place(section, AT_NAME);
    l->site_places[l->config->n_sites - 1].hosts = place;
    *named = (struct named){ .setting = section, .value = s };
    r = table_add(&l->site_names, &l->arena, STR("default"), named);
    if (r == 0)
        r = each_named_of_all(l, "routes", "route", &names, load_route, s);
    return r < 0 ? r : mux_seal(s->mux);
}

int load_sites(struct loader *l)
{
    struct config *c = l->config;
    size_t n = count_named_of_all(l, "sites") + 1;

    c->sites = arena_array(&c->arena, n, sizeof(struct site *));
    l->site_places = arena_array(&l->arena, n, sizeof *l->site_places);
    if (c->sites == NULL || l->site_places == NULL)
        return -ENOMEM;
    struct setting pages =
        setting_get(file_root(list_first(&l->files, struct file, node)), STR("errors"));
    int r = load_pages(l, pages, l->config->top.errors, &l->pages);
    if (r == 0)
        r = load_default_site(l);
    if (r == 0)
        r = each_named_of_all(l, "sites", "site", &l->site_names, load_site, NULL);
    if (r == 0 && c->n_routes == 0 && l->report->errors == 0)
        report_add(l->report, false, (struct place){ .file = c->file.p }, STR_EMPTY,
                   "there are no routes: every request will be refused");
    return r;
}

/* ---- hosts */

/* Where the site says so. The first of its hosts counts when it names one twice. */
static struct place host_place(const struct loader *l, const struct site *s, struct str host)
{
    for (size_t i = 0; i < l->config->n_sites; i++)
        for (size_t j = 0; l->config->sites[i] == s && j < s->hosts.n; j++)
            if (str_eq(s->hosts.v[j], host) && l->site_places[i].hosts != NULL)
                return l->site_places[i].hosts[j];
    return (struct place){ .file = s->place.file };
}

static void host_taken(struct loader *l, const struct site *s, struct place at, struct str host,
                       const struct site *other, const struct conf_listener *listener)
{
    struct str source = STR_EMPTY;
    struct place first = host_place(l, other, host);

    list_each (f, &l->files, struct file, node)
        if (f->source.name == at.file) {
            source = text_line(&f->source, at.line);
            f->errors++;
            break;
        }
    if (s == other)
        report_add(l->report, true, at, source, "the host \"%.*s\" stands here twice",
                   str_fmt(str_head(host, 100)));
    else if (str_eq(host, STR("*")))
        report_add(l->report, true, at, source,
                   "the listener \"%.*s\" has a site for all other hosts already: \"%.*s\"",
                   str_fmt(listener->name), str_fmt(other->name));
    else
        report_add(l->report, true, at, source,
                   "the host \"%.*s\" is taken on the listener \"%.*s\" by the site \"%.*s\"",
                   str_fmt(str_head(host, 100)), str_fmt(listener->name), str_fmt(other->name));
    const char *note =
        first.line == 0 ? kept_note
        : str_eq(other->name, STR("default"))
            ? "routes outside of a site are those of the site \"default\", for all hosts"
        : s == other ? "the first is here"
                     : "it is here";
    report_note(l->report, first, source_line(l, first), "%s", note);
}

/* Claims one host on all listeners of the site; a clash is reported once. */
static int claim(struct loader *l, struct site *s, struct str host, struct place at)
{
    struct config *c = l->config;

    for (size_t i = 0; i < c->n_listeners; i++) {
        struct conf_listener *listener = &c->listeners[i];
        struct site *other = NULL;
        int r = 0;
        if (!site_listens(s, listener))
            continue;
        if (!str_eq(host, STR("*")))
            r = host_add(listener->hosts, &c->arena, host, s, &other);
        else if (listener->catch_all == NULL)
            listener->catch_all = s;
        else
            other = listener->catch_all;
        if (other != NULL) {
            host_taken(l, s, at, host, other, listener);
            return 0;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int load_hosts(struct loader *l)
{
    struct config *c = l->config;

    for (size_t i = 0; i < c->n_listeners; i++) {
        c->listeners[i].catch_all = NULL;
        c->listeners[i].hosts = arena_zalloc(&c->arena, sizeof(struct host_table));
        if (c->listeners[i].hosts == NULL)
            return -ENOMEM;
    }
    for (size_t i = 0; i < c->n_sites; i++)
        for (size_t j = 0; j < c->sites[i]->hosts.n; j++) {
            const struct place *hosts = l->site_places[i].hosts;
            struct place at = hosts != NULL ? hosts[j] : c->sites[i]->place;
            int r = claim(l, c->sites[i], c->sites[i]->hosts.v[j], at);
            if (r < 0)
                return r;
        }
    return 0;
}
