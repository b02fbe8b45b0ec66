/*
 * networks.h - a set of IP networks, for the filters that tell clients by their address. Built by
 * the loader's thread, then immutable: any thread. Looking one up costs the logarithm of the number
 * of networks.
 */
#ifndef MUXD_FILTER_NETWORKS_H
#define MUXD_FILTER_NETWORKS_H

#include "handler/handler.h"

/* An address with its family in front, so that bytes can be compared: 4 or 6, then 4 or 16 bytes
 * and zeros. */
struct address {
    unsigned char bytes[17];
};

struct network {
    struct address first, last;
};

struct networks {
    struct network *v; /* sorted, apart from each other */
    size_t n;
    bool unix_sockets; /* peers of unix sockets, too */
};

/* Parses the strings of `option`: "10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "unix". Reports what
 * is none. Memory of c->arena. */
void networks_compile(struct option_check *c, const char *option, struct strs texts,
                      struct networks *ret);
/* `to` becomes the two together. */
void networks_join(struct arena *arena, struct networks *to, const struct networks *more);
bool networks_same(const struct networks *a, const struct networks *b);
bool networks_have_peer(const struct networks *set, const struct exchange *x);
/* Every address of both families. */
bool networks_are_all(const struct networks *set);

#endif
