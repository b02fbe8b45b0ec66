/*
 * config.h - a loaded config: an immutable snapshot of counted sites.
 *
 * config_load() reads, checks and builds everything or nothing. A site owns its arena, routes and
 * mux, and is counted: the snapshot holds one count, each loop that has a view of the snapshot
 * another (config_ref), so a stream of an old snapshot keeps it alive by its loop's view. Snapshots
 * are written by the loader's thread only, before anyone else sees them.
 */
#ifndef MUXD_CONFIG_CONFIG_H
#define MUXD_CONFIG_CONFIG_H

#include <stdatomic.h>

#include "config/report.h"
#include "event/sock.h"
#include "filter/filter.h"
#include "http/access.h"
#include "http/head.h"
#include "mux/mux.h"

struct site;

/* `timeouts`: ns. */
struct timeouts {
    int64_t header, body, idle, write, handler, drain;
};

/* `limits`: bytes; `fields` a number. */
struct limits {
    int64_t request_line, header, fields, body;
};

/* `access_log`. */
struct conf_access {
    struct str path; /* empty: off; ACCESS_STDOUT; a file: has a '/' in it */
    enum access_format format;
};
#define ACCESS_STDOUT STR("stdout")

struct conf_pool {
    struct str name;
    struct place place; /* file NULL: there without being in the config; listeners likewise */
    int64_t threads, queue, queue_time, idle;
    unsigned index; /* in config.pools */
};

struct conf_listener {
    struct str name;
    struct place place;
    struct str address_text;
    struct sock_addr address;
    unsigned index; /* in config.listeners */
    /* Sites of this listener: an open-addressing table by exact host, and one by the part behind
     * "*."; built by the loader. */
    struct host_table *hosts;
    struct site *catch_all; /* or NULL */
};

struct filter_use {
    const struct filter_kind *kind;
    const void *conf;
};

struct route {
    struct str name;
    struct place place;
    struct site *site;
    struct pattern pattern;
    struct str prefix; /* pattern_prefix() */
    const struct handler_kind *kind;
    const void *conf;
    struct filter_use *filters; /* in their fixed order */
    size_t n_filters;
    bool run_in_pool;
    struct conf_pool *pool; /* for this route's jobs */
    int64_t share;          /* of the pool: jobs at once; 0: no bound of its own */
    unsigned index; /* in config.routes order: 0 .. config.n_routes-1; for per-loop tables */
};

struct site {
    struct str name;
    struct place place;
    struct arena arena; /* of everything below, this struct's own memory excepted */
    struct strs hosts;  /* lower case; "*" is the catch-all */
    struct strs listen; /* listener names; empty: all */
    struct route *routes;
    size_t n_routes;
    struct mux *mux;
    _Atomic unsigned refs;
};

struct config {
    _Atomic unsigned refs;
    struct arena arena;
    struct str file;
    int64_t loops; /* 0 in the file: the cores the process may use; here always >= 1 */
    struct conf_access access;
    struct timeouts timeouts;
    struct limits limits;
    struct head_limits head_limits; /* of `limits`, in the parser's form */
    size_t exchange_memory; /* of one exchange's arena: what a head within its limits takes, and
                               more */
    struct conf_listener *listeners;
    size_t n_listeners;
    struct conf_pool *pools; /* [0] is `default` */
    size_t n_pools;
    struct site **sites; /* [0..n_sites) */
    size_t n_sites;
    size_t n_routes; /* of all sites */
};

/*
 * Loads `path`. 0: *ret is the snapshot with one reference (the report may hold warnings). -EINVAL:
 * the report says what is wrong, at least one error. -ENOMEM. Opens roots and such, binds nothing,
 * never logs. Regular files only, at most 16 MiB each.
 */
int config_load(const char *path, struct report *report, struct config **ret) MUST_USE;

struct config *config_ref(struct config *c);
/* NULL is fine. Any thread. */
void config_unref(struct config *c);

/* The site of `host` (lower case, without port, may be empty) on that listener: exact, then the
 * longest "*." match, then the catch-all; or NULL: 421. */
struct site *config_site(const struct config *c, const struct conf_listener *l, struct str host);

#endif
