/*
 * hosts.h - which site answers for a host on one listener. Private to config/.
 * Built by the loader's thread, then immutable: any thread.
 */
#ifndef MUXD_CONFIG_HOSTS_H
#define MUXD_CONFIG_HOSTS_H

#include "config/table.h"

struct site;

struct host_table {
    struct table exact;     /* whole hosts -> struct site */
    struct table wildcards; /* what stands behind "*." -> struct site */
};

/* A host as `hosts` may name it, written in lower case to `out` (text.n bytes): a name, an address,
 * "*.NAME" or "*". NULL, or what is wrong with it. */
const char *host_check(struct str text, char *out);

/* 0; -EEXIST with *ret_other the site that has the pattern already; -ENOMEM. Not for "*". */
int host_add(struct host_table *t, struct arena *arena, struct str pattern, struct site *site,
             struct site **ret_other) MUST_USE;
/* Exact, or else the longest wildcard, or NULL. */
struct site *host_find(const struct host_table *t, struct str host);

#endif
