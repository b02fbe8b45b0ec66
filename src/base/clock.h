/* clock.h - the two clocks, in ns. A loop reads them once a turn (loop_now). Any thread. */
#ifndef MUXD_BASE_CLOCK_H
#define MUXD_BASE_CLOCK_H

#include <time.h>

#include "base/def.h"

static inline int64_t clock_read(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}
/* For time-outs: never steps back, not related to the calendar. */
static inline int64_t clock_mono(void)
{
    return clock_read(CLOCK_MONOTONIC);
}
/* For Date and logs: ns since 1970-01-01 UTC. */
static inline int64_t clock_wall(void)
{
    return clock_read(CLOCK_REALTIME);
}

#endif
