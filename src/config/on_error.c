/*
 * on_error.c - on_error = "keep": a reload goes on although included files are broken. The sites
 * of those are the ones of the config before, by the file that they stand in. The loader's thread.
 *
 * A file is broken if an error was reported about it; each error is counted in one file, and where
 * the sum tells that one is not, all is refused. Only a file of sites alone, now and before, is set
 * aside: nothing else depends on such a one. What the sites that are kept claim (names, hosts)
 * stays theirs: a file that claims it, too, is broken by that. An error takes no site away that is
 * served, as far as names can be read.
 */
#include <errno.h>

#include "config/loader.h"

#define ROUNDS_MAX 16 /* of files that are broken by what other broken files keep */

const char kept_note[] = "this file has errors, so its site is as it was before";

static void PRINTF_LIKE(2, 3) refuse(struct loader *l, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    l->report->refused = arena_vprintf(l->report->arena, fmt, ap);
    va_end(ap);
    l->keep = false;
}

static bool was_mixed(const struct loader *l, const struct file *f)
{
    for (size_t i = 0; i < l->before->mixed.n; i++)
        if (str_eq(l->before->mixed.v[i], str_of(f->source.name)))
            return true;
    return false;
}

/* Whether all that is broken can be set aside; else refuses. */
static void judge(struct loader *l, unsigned round)
{
    unsigned errors = l->errors;

    if (round == ROUNDS_MAX) {
        refuse(l, "too many files claim what others keep");
        return;
    }
    list_each (f, &l->files, struct file, node) {
        errors += f->errors;
        if (f->errors == 0 || f->set_aside)
            continue;
        if (f->parent == NULL)
            refuse(l, "the main file has errors");
        else if (f->mixed || was_mixed(l, f))
            refuse(l, "%s, which has errors, %s more than sites", f->source.name,
                   f->mixed ? "has" : "had");
        if (!l->keep)
            return;
    }
    if (errors != l->report->errors)
        refuse(l, "an error belongs to no single file");
}

void files_are_read(struct loader *l)
{
    l->keep = l->before != NULL && l->config->top.on_error == ON_ERROR_KEEP;
    if (l->before == NULL && l->config->top.on_error == ON_ERROR_KEEP)
        l->report->refused =
            STR("on_error = \"keep\" is for reloads; a start needs all files to be good");
    if (l->keep)
        judge(l, 0);
    if (l->keep) /* what a file without a tree defines is known: the sites it had */
        l->incomplete = false;
}

/* The sites of the broken files are those of `before`, and come first. */
static int set_aside(struct loader *l)
{
    struct config *c = l->config;
    size_t max = l->before->n_sites + c->n_sites, n = 0;
    struct site **sites = arena_array(&c->arena, max, sizeof(struct site *));
    struct site_places *places = arena_array(&l->arena, max, sizeof *places);
    struct table files = { .slots = NULL };

    if (sites == NULL || places == NULL)
        return -ENOMEM;
    list_each (f, &l->files, struct file, node) {
        bool more = f->errors != 0 && !f->set_aside;
        if (more && table_add(&files, &l->arena, str_of(f->source.name), f) < 0)
            return -ENOMEM;
        f->set_aside = f->set_aside || more;
    }
    for (size_t i = 0; i < l->before->n_sites; i++)
        if (table_find(&files, str_of(l->before->sites[i]->place.file)) != NULL)
            sites[n++] = site_ref(l->before->sites[i]);
    for (size_t i = 0; i < c->n_sites; i++) {
        const struct file *f = l->site_places[i].setting.file;
        if (f != NULL && f->set_aside) {
            site_unref(c->sites[i]);
            continue;
        }
        places[n] = l->site_places[i];
        sites[n++] = c->sites[i];
    }
    c->sites = sites;
    c->n_sites = n;
    l->site_places = places;
    return 0;
}

/* The names of the sites that are there; of two the one that is kept, which comes first. */
static int check_names(struct loader *l, struct table *names)
{
    const struct config *c = l->config;

    for (size_t i = 0; i < c->n_sites; i++) {
        const struct site *first = table_find(names, c->sites[i]->name);
        if (first != NULL) {
            struct place p = { .file = first->place.file };
            setting_error(l->site_places[i].setting, l->report, AT_NAME,
                          "there is another site \"%.*s\"", str_fmt(first->name));
            report_note(l->report, p, STR_EMPTY, kept_note);
        } else if (table_add(names, &l->arena, c->sites[i]->name, c->sites[i]) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* All that a site which is kept refers to has to be there still. */
static void check_needs(struct loader *l, const struct site *s)
{
    struct str listener = STR_EMPTY, pool = STR_EMPTY;

    for (size_t i = 0; i < s->listen.n; i++)
        if (table_find(&l->listeners, s->listen.v[i]) == NULL)
            listener = s->listen.v[i];
    for (size_t i = 0; i < s->n_routes; i++)
        if (table_find(&l->pools, s->routes[i].pool) == NULL)
            pool = s->routes[i].pool;
    if (listener.p != NULL || pool.p != NULL)
        refuse(l, "the site %.*s cannot stay as it was in %s: its %s %.*s is gone",
               str_fmt(s->name), s->place.file, listener.p ? "listener" : "pool",
               str_fmt(listener.p ? listener : pool));
}

/* A site that stood in a good file, and now in one that is set aside. */
static void check_lost(struct loader *l, const struct table *names)
{
    for (size_t i = 0; i < l->before->n_sites && l->keep; i++) {
        const struct site *s = l->before->sites[i];
        const struct named *now = table_find(&l->site_names, s->name);
        if (now != NULL && table_find(names, s->name) == NULL)
            refuse(l, "the site %.*s of %s is now in %s, which has errors", str_fmt(s->name),
                   s->place.file, now->setting.file->source.name);
    }
}

static int add_name(struct loader *l, struct strs *list, const struct file *f)
{
    struct str *v = (struct str *)list->v;

    v[list->n] = arena_str(&l->config->arena, str_of(f->source.name));
    return v[list->n++].p ? 0 : -ENOMEM;
}

/* What the next load needs to know of this one. */
static int note_files(struct loader *l)
{
    struct config *c = l->config;
    size_t n_mixed = 0, n_aside = 0;
    int r = 0;

    list_each (f, &l->files, struct file, node) {
        n_mixed += f->mixed;
        n_aside += f->set_aside;
    }
    c->mixed.v = arena_array(&c->arena, n_mixed + 1, sizeof(struct str));
    c->set_aside.v = arena_array(&c->arena, n_aside + 1, sizeof(struct str));
    if (c->mixed.v == NULL || c->set_aside.v == NULL)
        return -ENOMEM;
    list_each (f, &l->files, struct file, node) {
        if (r == 0 && f->mixed)
            r = add_name(l, &c->mixed, f);
        if (r == 0 && f->set_aside)
            r = add_name(l, &c->set_aside, f);
    }
    return r;
}

/* A config in spite of errors, then. */
static void finish(struct loader *l, const struct table *names)
{
    struct config *c = l->config;

    c->n_routes = 0;
    for (size_t i = 0; i < c->n_sites; i++) {
        c->n_routes += c->sites[i]->n_routes;
        if (l->keep && l->site_places[i].setting.node == NULL)
            check_needs(l, c->sites[i]);
    }
    check_lost(l, names);
    l->partial = l->keep;
}

/* `names` are those of the sites, in their memory. */
static int settle_round(struct loader *l, unsigned round, struct table *names)
{
    bool broken = l->report->errors != l->errors;
    int r = 0;

    if (l->keep && broken)
        judge(l, round);
    if (!l->keep && round != 0)
        return 0;
    if (l->keep && broken)
        r = set_aside(l);
    l->config->n_kept = 0;
    if (r == 0 && l->before != NULL && (l->keep || !broken))
        r = keep_sites(l);
    if (r == 0 && l->keep && broken)
        r = check_names(l, names);
    return r < 0 ? r : load_hosts(l);
}

int settle_sites(struct loader *l)
{
    struct table names;
    unsigned errors, round = 0;
    int r;

    do {
        errors = l->report->errors;
        names = (struct table){ .slots = NULL };
        r = settle_round(l, round++, &names);
    } while (r == 0 && l->keep && l->report->errors != errors);
    if (r == 0 && l->keep && errors != l->errors)
        finish(l, &names);
    return r < 0 ? r : note_files(l);
}
