/*
 * clients.h - how many connections each client has: a table by address that all loops share. A
 * client is an IPv4 address, or the first 64 bits of an IPv6 one, since any host may use all the
 * others. Peers of unix sockets are none. Any thread; a mutex for each part of the table, held for
 * a look at one chain.
 */
#ifndef MUXD_SERVER_CLIENTS_H
#define MUXD_SERVER_CLIENTS_H

#include <pthread.h>
#include <sys/socket.h>

#include "base/def.h"

struct client;

#define CLIENT_CHAINS 16384u
#define CLIENT_LOCKS 64u

struct clients {
    uint64_t seed; /* of the hash: nobody can choose addresses that share a chain */
    struct client **chains;
    pthread_mutex_t locks[CLIENT_LOCKS]; /* [i] for the chains n with n % CLIENT_LOCKS == i */
};

/* 0 or -ENOMEM. */
int clients_init(struct clients *t) MUST_USE;
/* All have left. */
void clients_done(struct clients *t);

/* Counts one connection more. 1: it is counted; 0: a unix socket's, which is not; -EUSERS: the
 * client has `max` already; -ENOMEM. */
int clients_enter(struct clients *t, const struct sockaddr *peer, int64_t max) MUST_USE;
/* After clients_enter() said 1. */
void clients_leave(struct clients *t, const struct sockaddr *peer);

#endif
