/*
 * config.h - a loaded config: an immutable snapshot of counted sites.
 *
 * config_load() reads, checks and builds everything or nothing. A site owns its arena, routes and
 * mux, and is counted: each snapshot that has it holds one count, each loop that uses it another
 * (server/registry.h). So a snapshot goes when no loop looks at it any more, and what still runs
 * keeps its own site only. A site of which nothing changed is shared by one snapshot with the next.
 *
 * Snapshots are written by the loader's thread, then (`state` and `workers`) by the server, before
 * anyone else sees them.
 */
#ifndef MUXD_CONFIG_CONFIG_H
#define MUXD_CONFIG_CONFIG_H

#include <stdatomic.h>

#include "base/log.h"
#include "config/options.h"
#include "config/origins.h"
#include "config/report.h"
#include "event/sock.h"
#include "filter/filter.h"
#include "http/access.h"
#include "http/head.h"
#include "mux/mux.h"

struct site;
struct site_state;
struct route_state;
struct workers;

/* `timeouts`: ns. */
struct timeouts {
    int64_t header, body, idle, write, handler, drain;
};

/* `limits`: bytes; `fields`, `connections...` numbers; `..._rate` bytes a second. */
struct limits {
    int64_t request_line, header, fields, body;
    int64_t connections, connections_per_client; /* 0: the server's default; no bound */
    int64_t buffers;
    int64_t body_rate, write_rate; /* 0: no bound */
    int64_t file_cache;            /* 0: none */
};

/* `access_log`. */
struct conf_access {
    struct place place;
    struct str path; /* empty: off; ACCESS_STDOUT; a file: has a '/' in it */
    enum access_format format;
};
#define ACCESS_STDOUT STR("stdout")

struct conf_pool {
    struct str name;
    struct place place; /* file NULL: there without being in the config; listeners likewise */
    int64_t threads, queue, queue_time, idle;
};

struct conf_listener {
    struct str name;
    struct place place;
    struct str address_text;
    struct sock_addr address;
    /* Sites of this listener: an open-addressing table by exact host, and one by the part behind
     * "*."; built by the loader. */
    struct host_table *hosts;
    struct site *catch_all; /* or NULL */
};

struct filter_use {
    const struct filter_kind *kind;
    const void *conf;
};

/* In the order of the kinds. Routes that add nothing share those of their site. */
struct filters {
    const struct filter_use *v;
    size_t n;
};

struct route {
    struct str name;
    struct place place;
    struct site *site;
    struct pattern pattern;
    const struct handler_kind *kind;
    const void *conf;
    struct filters filters;
    bool run_in_pool;
    unsigned share;  /* of the pool: jobs at once; 0: no bound of its own */
    struct str pool; /* for this route's jobs, by name */
    /* The server's, from its registry: what outlives the snapshot. */
    struct route_state *state;
    struct workers *workers; /* of `pool` */
};

/* What a site shows for errors of its own making, as read when the config was loaded. */
struct error_page {
    unsigned first, last; /* status codes, 400 to 599 */
    struct str type;      /* for Content-Type */
    struct str media;     /* without its parameters, for Accept */
    struct str body;
};

/* Counted: the sites that use those of the top level share them, and may outlive the snapshot. */
struct error_pages {
    _Atomic unsigned refs;
    struct arena arena;   /* of the pages */
    struct error_page *v; /* narrow ranges first, else in the order of the config */
    size_t n;
};

struct site {
    struct str name;
    struct place place;
    struct arena arena;        /* of everything below, this struct's own memory excepted */
    struct strs hosts;         /* lower case; "*" is the catch-all */
    struct strs listen;        /* listener names; empty: all */
    struct strs errors;        /* as spelled; empty if those of the top level are used, too */
    struct error_pages *pages; /* counted; NULL: none */
    struct filters filters;    /* of what no route answers, too */
    struct route *routes;
    size_t n_routes;
    struct mux *mux;
    _Atomic unsigned refs;
    /* The server's, likewise. Set: gone() is called in place of site_free() when the last count
     * goes, on the thread that gave it. */
    struct site_state *state;
    void (*gone)(struct site *s);
};

struct config {
    _Atomic unsigned refs;
    struct arena arena;
    struct str file;
    bool is_text;        /* `file` names none: it cannot be loaded again */
    struct top_conf top; /* as the main file says */
    struct access_conf access_conf;
    int64_t loops; /* 0 in the file: the cores the process may use; here always >= 1 */
    struct conf_access access;
    enum log_level log_level;
    struct timeouts timeouts;
    struct limits limits;
    struct head_limits head_limits; /* of `limits`, in the parser's form */
    size_t exchange_memory; /* of one exchange's arena: what a head within its limits takes, and
                               more */
    struct conf_listener *listeners;
    size_t n_listeners;
    struct conf_pool *pools; /* [0] is `default` */
    size_t n_pools;
    struct workers *workers; /* of `default`; the server's */
    struct site **sites;     /* [0..n_sites) */
    size_t n_sites;
    size_t n_kept;         /* of them, shared with the config before */
    size_t n_routes;       /* of all sites */
    struct strs mixed;     /* included files that hold more than sites */
    struct strs set_aside; /* files with errors: their sites are as they were, or there is none */
};

struct load_options {
    const struct config *before; /* whose sites may be kept, or NULL */
    struct origins *origins;     /* where to note what was given, or NULL */
    struct str text;             /* in place of what is in the main file, whose name is then only
                                    what messages show; {NULL, 0}: the file is read */
};

/*
 * Loads `path`. 0: *ret is the snapshot with one reference (the report may hold warnings). -EINVAL:
 * the report says what is wrong, at least one error. -ENOMEM. Opens roots and such, binds nothing,
 * never logs. Regular files only, at most 16 MiB each.
 *
 * With on_error = "keep" in the file and a config `before`, 0 may come with errors in the report:
 * those of the files in `set_aside`.
 *
 * Everything is read and checked anew. Sites that came out as they are in `before` (it must live
 * that long) are then those of `before`: same options, and the same things outside of the config.
 * Their places are as they were. `options` may be NULL.
 */
int config_load(const char *path, const struct load_options *options, struct report *report,
                struct config **ret) MUST_USE;

struct config *config_ref(struct config *c);
/* NULL is fine. Any thread. */
void config_unref(struct config *c);

/* NULL is fine. Any thread. */
struct error_pages *error_pages_ref(struct error_pages *p);
void error_pages_unref(struct error_pages *p);

struct site *site_ref(struct site *s);
void site_unref(struct site *s);
/* For gone(): really. */
void site_free(struct site *s);

/* The site of `host` (lower case, without port, may be empty) on that listener: exact, then the
 * longest "*." match, then the catch-all; or NULL: 421. */
struct site *config_site(const struct conf_listener *l, struct str host);
/* Whether the site names that listener, or all. */
bool site_listens(const struct site *s, const struct conf_listener *listener);

#endif
