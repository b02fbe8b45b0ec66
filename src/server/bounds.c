/* bounds.c - see bounds.h. */
#include "server/bounds.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/check.h"

/* Where there is no bound on descriptors. */
#define CONNECTIONS_MAX INT64_C(10000000)

static int64_t descriptors(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return (int64_t)lim.rlim_cur;
}

int bounds_init(struct bounds *b)
{
    const int64_t n = descriptors();

    /* Files that are being sent and the sockets of handlers want descriptors too. */
    *b = (struct bounds){ .default_connections = max_of(n / 4 * 3, INT64_C(1)),
                          .kept_files = n / 8,
                          .n_loops = 1 };
    atomic_init(&b->memory.max, SIZE_MAX);
    return clients_init(&b->clients);
}

void bounds_done(struct bounds *b)
{
    check(atomic_load(&b->connections) == 0 && atomic_load(&b->memory.used) == 0);
    clients_done(&b->clients);
}

enum admission bounds_enter(struct bounds *b, const struct limits *limits,
                            const struct sockaddr *peer)
{
    int64_t max = limits->connections > 0 ? limits->connections : b->default_connections;
    int r = 0;

    if (atomic_fetch_add_explicit(&b->connections, 1, memory_order_relaxed) >= max) {
        atomic_fetch_sub_explicit(&b->connections, 1, memory_order_relaxed);
        return ADMIT_TOO_MANY;
    }
    if (limits->connections_per_client > 0)
        r = clients_enter(&b->clients, peer, limits->connections_per_client);
    if (r >= 0)
        return r > 0 ? ADMIT_COUNTED : ADMIT;
    atomic_fetch_sub_explicit(&b->connections, 1, memory_order_relaxed);
    return r == -EUSERS ? ADMIT_CLIENT_FULL : ADMIT_NO_MEMORY;
}

void bounds_leave(struct bounds *b, const struct sockaddr *peer, bool counted)
{
    atomic_fetch_sub_explicit(&b->connections, 1, memory_order_relaxed);
    if (counted)
        clients_leave(&b->clients, peer);
}
