/*
 * stats.h - the counters of one loop. Written by its owner alone, read by any thread; each is a
 * relaxed atomic word, so counting costs a plain load and store.
 */
#ifndef MUXD_BASE_STATS_H
#define MUXD_BASE_STATS_H

#include <stdatomic.h>

#include "base/def.h"

/* STAT(name, "what it counts") */
#define STATS(STAT)                                                                                \
    STAT(accepted, "connections accepted")                                                         \
    STAT(accept_pauses, "times accepting paused for want of descriptors or memory")                \
    STAT(refused_connections, "connections refused at limits.connections")                         \
    STAT(refused_client, "connections refused at limits.connections_per_client")                   \
    STAT(refused_buffers, "requests refused unread at limits.buffers, or for want of memory")      \
    STAT(evicted, "idle connections closed to make room for others")                               \
    STAT(silent, "connections closed that never sent a byte")                                      \
    STAT(discard_timeouts, "connections closed because the rest of a request did not come")        \
    STAT(untaken, "connections cut because nobody took what was answered")                         \
    STAT(closed, "connections closed")                                                             \
    STAT(requests, "requests whose head was complete")                                             \
    STAT(malformed, "requests refused as malformed or over a limit")                               \
    STAT(answered, "requests whose response was sent whole")                                       \
    STAT(cut, "requests whose response was not sent to its end")                                   \
    STAT(unanswered, "requests whose client left, or was cut off, before a response")              \
    STAT(aborted, "connections ended in the middle of a response")                                 \
    STAT(offloaded, "jobs given to a pool")                                                        \
    STAT(pool_refused, "jobs refused by a pool, or taken out of its queue for age")                \
    STAT(abandoned, "jobs whose answer nobody waited for any more")                                \
    STAT(timeouts, "time-outs of requests; an idle connection's end is none")                      \
    STAT(file_cache_hits, "files served from what a loop keeps")                                   \
    STAT(file_cache_misses, "files that had to be looked up")                                      \
    STAT(file_fetches, "pieces of files that a pool had to read")                                  \
    STAT(tasks, "jobs given to a pool for a body")

struct stats {
#define STAT(name, about) _Atomic uint64_t name;
    STATS(STAT)
#undef STAT
};

#define stats_count(stats, name)                                                                   \
    atomic_store_explicit(&(stats)->name,                                                          \
                          atomic_load_explicit(&(stats)->name, memory_order_relaxed) + 1,          \
                          memory_order_relaxed)

#define stats_read(stats, name) atomic_load_explicit(&(stats)->name, memory_order_relaxed)

#endif
