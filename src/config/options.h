/*
 * options.h - the option tables of the config's own sections, for the loader, the manual, the
 * sample config and the test that walks them. Those of handlers and filters are with their kinds.
 * Constant data; any thread.
 */
#ifndef MUXD_CONFIG_OPTIONS_H
#define MUXD_CONFIG_OPTIONS_H

#include "base/option.h"

/* What stands outside of all groups. */
struct top_conf {
    int64_t loops;
    struct str access_log;
    int64_t log_level; /* of the choices */
    struct strs include;
    struct strs errors;
    int64_t on_error; /* enum on_error */
};

enum on_error { ON_ERROR_REFUSE, ON_ERROR_KEEP };

/* `access_log`, where it is a group. */
struct access_conf {
    struct str path;
    int64_t format; /* enum access_format */
};

enum route_run { ROUTE_RUN_LOOP, ROUTE_RUN_POOL };

/* A route, its handler and filters aside. */
struct route_conf {
    struct str match;
    int64_t run; /* enum route_run */
    struct str pool;
    int64_t share;
};

extern const struct option top_options[];
extern const struct option access_options[];   /* struct access_conf */
extern const struct option listener_options[]; /* struct conf_listener */
extern const struct option timeouts_options[]; /* struct timeouts */
extern const struct option limits_options[];   /* struct limits */
extern const struct option pool_options[];     /* struct conf_pool */
extern const struct option site_options[];     /* struct site */
extern const struct option route_options[];    /* struct route_conf */

struct config_section {
    const char *name; /* "": the top level */
    const struct option *options;
    bool named;    /* holds groups with names of the user's choice; the options are theirs */
    bool included; /* may stand in an included file */
    const char *about;
};

/* Ends with a NULL name. In the order of the manual. */
extern const struct config_section config_sections[];

#endif
