/*
 * loader.h - what one config_load() has in hand. Private to config/. The loader's thread.
 *
 * Functions return 0 or -ENOMEM; what is wrong with the config goes to the report and the work
 * goes on, so that one load tells everything.
 */
#ifndef MUXD_CONFIG_LOADER_H
#define MUXD_CONFIG_LOADER_H

#include "config/bind.h"
#include "config/config.h"
#include "config/options.h"
#include "config/table.h"

/* Beside config.sites: what only the loader needs to know of a site. */
struct site_places {
    struct place *hosts;    /* of each of site.hosts; NULL without a setting */
    struct setting setting; /* `node` NULL: as it was, for its file is set aside */
};

struct loader {
    struct report *report;
    unsigned errors; /* that were in it before */
    struct config *config;
    const struct config *before; /* whose sites may be kept, or NULL */
    struct origins *origins;     /* or NULL */
    struct str text;             /* of the main file, where it is none */
    struct arena arena;          /* gone when the load is over */
    struct error_pages *pages;   /* of the top level, counted */
    struct list files;           /* struct file; the main file first */
    size_t n_files, bytes;       /* of all files */
    bool incomplete;             /* a file could not be read: what it defines is not known */
    bool keep;                   /* on_error = "keep" is asked for, and not refused so far */
    bool partial;                /* and makes that there is a config in spite of errors */
    struct table pools;          /* name -> struct named */
    struct table listeners;      /* name -> struct named */
    struct table site_names;     /* name -> struct named */
    struct site_places *site_places;
    const struct handler_kind **handlers; /* all kinds, NULL at the end; by name */
    void **handlers_shared;               /* of each, what its routes in this site share */
    size_t n_handlers;
    const struct filter_kind **filters; /* likewise, in their order */
    /* What may stand beside the options of the table; "listed": of a list, with "name". */
    const char **top_keys, **site_keys, **listed_site_keys, **route_keys, **listed_route_keys;
    bool outermost_told; /* the filters of the top level were checked */
    const void *kept_in; /* keep_place(): the last arena and file name */
    const char *kept_from, *kept;
};

/* The i-th string of a STRS option; a wrong element is in the report and not counted. */
struct setting nth_string(struct setting list, size_t i);

/* files.c: reads the main file and all it includes, depth first. */
int load_files(struct loader *l, const char *path) MUST_USE;
void unload_files(struct loader *l);
/* Warns where the directory that `path`, a file's, is in is not there. */
void warn_no_directory(struct loader *l, struct setting at, struct str path);

/* A definition with a name of the user's choice, in a table of names. */
struct named {
    struct setting setting;
    void *value; /* the first user's */
    bool used;   /* a pool: by a route */
};

/*
 * Calls fn(l, group, name, arg) for each of the named groups in `section`, which is a group
 * of groups, or a list of groups with a `name` each. Wrong and duplicate names (in `names`) are
 * reported and left out. A `what` is "route", "site" ...
 */
typedef int named_fn(struct loader *l, struct named *named, struct str name, void *arg);
int each_named(struct loader *l, struct setting section, const char *what, struct table *names,
               named_fn *fn, void *arg) MUST_USE;
/* The same for that section of all files. */
int each_named_of_all(struct loader *l, const char *section, const char *what, struct table *names,
                      named_fn *fn, void *arg) MUST_USE;
/* How many there are at most. */
size_t count_named_of_all(struct loader *l, const char *section);
/* True for an element of a list, whose name is in it: the key `name` may stand there. */
bool is_listed(struct setting group);

/* `p` with its file name copied to `arena`. */
int keep_place(struct loader *l, struct arena *arena, struct place p, struct place *ret) MUST_USE;
/* Report that there is none of that name. */
void no_pool(struct loader *l, struct setting at, struct str name);
void no_listener(struct loader *l, struct setting at, struct str name);
/* The text there, or {NULL, 0}. */
struct str source_line(const struct loader *l, struct place p);

/* keep.c: sites that came out as they are in l->before become those. */
int keep_sites(struct loader *l) MUST_USE;

/* on_error.c: all files are read, and then all sites: their hosts, and what happens to broken files
 * and to sites that were there before. */
void files_are_read(struct loader *l);
extern const char kept_note[]; /* about the file of a site that is as it was */
int settle_sites(struct loader *l) MUST_USE;

/* pages.c: reads the pages that `list` (or none) names, `spelled` being its strings. *ret has one
 * count, also if it fails half-way; NULL: none are named. */
int load_pages(struct loader *l, struct setting list, struct strs spelled,
               struct error_pages **ret) MUST_USE;
bool same_pages(const struct error_pages *a, const struct error_pages *b);

/* sites.c */
int load_sites(struct loader *l) MUST_USE;
int load_hosts(struct loader *l) MUST_USE;
/* doubts.c: warnings about the whole, which has no errors. */
void doubt_config(struct loader *l);

/* kinds.c: the groups of handlers and filters. */
int load_kinds(struct loader *l) MUST_USE;

/* Where a group stands. */
struct scope {
    struct site *site;         /* in whose arena the struct is to be */
    const struct route *route; /* NULL: outside of a route */
    bool outermost;            /* the top level of the main file */
};
struct kind {
    size_t size;
    const struct option *options;
    void (*check_conf)(struct option_check *c, void *conf);
    void (*merge)(struct option_check *c, const void *outer, void *conf);
    bool plain;
    void **shared; /* option_check.shared */
};
/* `outer`: the struct of an outer level, or NULL. */
int load_kind(struct loader *l, const struct scope *scope, struct setting group,
              const struct kind *kind, const void *outer, void **ret) MUST_USE;
/* The filters of a level: those in `group`, over those of the level around it (or NULL). */
int load_filters(struct loader *l, const struct scope *scope, struct setting group,
                 const struct filters *outer, struct filters *ret) MUST_USE;

/* routes.c: the routes of `section` into site->routes, which has room, and its mux. */
int load_route(struct loader *l, struct named *named, struct str name, void *site) MUST_USE;

#endif
