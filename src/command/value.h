/*
 * value.h - what options hold, by their tables, as a config spells it. The thread of main().
 */
#ifndef MUXD_COMMAND_VALUE_H
#define MUXD_COMMAND_VALUE_H

#include "config/config.h"

/* A value as it would stand in a config, "30s" with its quotes; {NULL, 0}: an option without
 * default that is not given, or no memory. `own` is the struct that the table fills. */
struct str value_text(const struct option *o, const void *own, struct arena *arena);
/* A string with its quotes. */
struct str value_quote(struct str s, struct arena *arena);
bool value_same(const struct option *o, const void *a, const void *b);
/* By name; NULL: there is none. */
const struct option *value_option(const struct option *table, const char *name);

/* The options of a route, as route_options has them. Their origins are noted for the route. */
struct route_conf value_route(const struct route *r);

#endif
