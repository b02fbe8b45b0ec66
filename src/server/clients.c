/* clients.c - see clients.h. Any thread. */
#include "server/clients.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

struct address {
    uint64_t high, low; /* of IPv4 as ::ffff:a.b.c.d; of others `low` is 0 */
};

struct client {
    struct client *next;
    struct address address;
    int64_t n_conns; /* > 0 */
};

int clients_init(struct clients *t)
{
    t->seed = (uint64_t)(uintptr_t)t; /* without randomness */
    (void)!getrandom(&t->seed, sizeof t->seed, GRND_NONBLOCK);
    t->chains = calloc(CLIENT_CHAINS, sizeof(struct client *));
    if (t->chains == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < CLIENT_LOCKS; i++)
        check(pthread_mutex_init(&t->locks[i], NULL) == 0);
    return 0;
}

void clients_done(struct clients *t)
{
    if (t->chains == NULL)
        return;
    for (size_t i = 0; i < CLIENT_CHAINS; i++)
        check(t->chains[i] == NULL);
    for (size_t i = 0; i < CLIENT_LOCKS; i++)
        pthread_mutex_destroy(&t->locks[i]);
    free(t->chains);
    t->chains = NULL;
}

static bool address_of(const struct sockaddr *peer, struct address *ret)
{
    const uint64_t mapped = UINT64_C(0xffff) << 32;
    unsigned char bytes[16];

    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        *ret = (struct address){ 0, mapped | ntohl(in->sin_addr.s_addr) };
        return true;
    }
    if (peer->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;
    memcpy(bytes, &in6->sin6_addr, sizeof bytes);
    *ret = (struct address){ 0, 0 };
    for (size_t i = 0; i < 8; i++) {
        ret->high = ret->high << 8 | bytes[i];
        ret->low = ret->low << 8 | bytes[8 + i];
    }
    if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        ret->low = 0;
    return true;
}

static size_t chain_of(const struct clients *t, struct address a)
{
    unsigned __int128 product =
        (unsigned __int128)(a.high ^ t->seed) * (a.low ^ UINT64_C(0x9e3779b97f4a7c15));
    uint64_t mixed = (uint64_t)(product >> 64) ^ (uint64_t)product ^ (a.high + a.low) * t->seed;

    return (size_t)((mixed ^ mixed >> 29 ^ mixed >> 47) % CLIENT_CHAINS);
}

/* Where the client is pointed to, or the end of the chain. */
static struct client **find(struct client **at, struct address a)
{
    while (*at != NULL && ((*at)->address.high != a.high || (*at)->address.low != a.low))
        at = &(*at)->next;
    return at;
}

int clients_enter(struct clients *t, const struct sockaddr *peer, int64_t max)
{
    struct address a;
    int r = 1;

    if (!address_of(peer, &a))
        return 0;
    size_t chain = chain_of(t, a);
    pthread_mutex_t *lock = &t->locks[chain % CLIENT_LOCKS];
    pthread_mutex_lock(lock);
    struct client **at = find(&t->chains[chain], a);
    if (*at == NULL) {
        struct client *c = malloc(sizeof *c);
        if (c == NULL) {
            r = -ENOMEM;
        } else {
            *c = (struct client){ .address = a, .n_conns = 1 };
            *at = c;
        }
    } else if ((*at)->n_conns >= max) {
        r = -EUSERS;
    } else {
        (*at)->n_conns++;
    }
    pthread_mutex_unlock(lock);
    return r;
}

void clients_leave(struct clients *t, const struct sockaddr *peer)
{
    struct address a;

    check(address_of(peer, &a));
    size_t chain = chain_of(t, a);
    pthread_mutex_t *lock = &t->locks[chain % CLIENT_LOCKS];
    pthread_mutex_lock(lock);
    struct client **at = find(&t->chains[chain], a), *c = *at;
    check(c != NULL);
    if (--c->n_conns == 0) {
        *at = c->next;
        free(c);
    }
    pthread_mutex_unlock(lock);
}
