/*
 * bounds.h - what all loops together may have: connections, those of each client, memory of
 * buffers. The numbers that bound them are each loop's view's (config.limits); at a bound new work
 * is refused first, then whoever has been idle the longest goes, and never the working.
 *
 * Any thread but for init and done.
 */
#ifndef MUXD_SERVER_BOUNDS_H
#define MUXD_SERVER_BOUNDS_H

#include "base/budget.h"
#include "config/config.h"
#include "server/clients.h"

struct bounds {
    _Atomic int64_t connections; /* that are open */
    int64_t default_connections; /* for limits.connections = 0 */
    int64_t kept_files;          /* descriptors that all loops' caches may hold */
    struct clients clients;
    struct budget memory; /* buffers, protocol states, streams, arenas of exchanges */
    unsigned n_loops;     /* that divide limits.file_cache */
};

enum admission {
    ADMIT,
    ADMIT_COUNTED,     /* among its client's, too */
    ADMIT_TOO_MANY,    /* limits.connections */
    ADMIT_CLIENT_FULL, /* limits.connections_per_client */
    ADMIT_NO_MEMORY,
};

/* 0 or -ENOMEM. Without a bound on memory, until the first config sets it. */
int bounds_init(struct bounds *b) MUST_USE;
/* No connection is left. */
void bounds_done(struct bounds *b);

/* A connection from `peer` is about to be opened. If admitted, bounds_leave() follows some time. */
enum admission bounds_enter(struct bounds *b, const struct limits *limits,
                            const struct sockaddr *peer);
void bounds_leave(struct bounds *b, const struct sockaddr *peer, bool counted);

#endif
