/*
 * listener.h - listening sockets, one set for each address of the config. An address is what a
 * listener is known by: it outlives the snapshots that name it, under whatever name.
 *
 * The main thread opens the sockets, and engines accept on them. The last engine that gives one up
 * closes it right after its last accept, so that nobody waits in a queue that nobody reads
 * (EPOLL_CTL_DEL before the close, and never shutdown(), which would end the socket for whoever
 * shares it). What engines read here is set before they are told of it.
 *
 * A listener whose address left the config stays until the last connection that came by it has
 * ended, and these are served by the config that had it.
 */
#ifndef MUXD_SERVER_LISTENER_H
#define MUXD_SERVER_LISTENER_H

#include <sys/types.h>

#include "base/list.h"
#include "config/config.h"

struct listener {
    struct list node; /* change.listeners */
    struct sock_addr address;
    const struct conf_listener *conf; /* in the newest config that has it */
    struct config *last;              /* which is that one, counted, once the address is gone */
    int *fds; /* one per engine (SO_REUSEPORT); or `shared`: all engines accept on each */
    unsigned n_fds;
    _Atomic unsigned *uses; /* of each of fds: engines that accept on it. The last one closes it */
    bool shared;
    dev_t dev; /* of a unix socket's file: another instance may have put its own there */
    ino_t ino;
    unsigned n_acceptors; /* of all engines */
};

/* Opens for `n` engines. `beside`: a listener of ours overlaps (sock_overlap). 0, or -errno. */
int listener_open(struct listener *l, const struct conf_listener *conf, unsigned n,
                  bool beside) MUST_USE;
/* Closes what is open, and frees all but the struct. NULL is fine, twice too. */
void listener_close(struct listener *l);
/* New clients do not find the file of a unix socket any more; those who have are still accepted. */
void listener_hide(struct listener *l);
/* An engine will accept on fds[i]; the main thread. It accepts there no more; any thread. */
void listener_use(struct listener *l, unsigned i);
void listener_unuse(struct listener *l, unsigned i);
/* The address it really has (port 0 became one), of its first socket; room for SOCK_TEXT_MAX. */
void listener_text(const struct listener *l, char *buf);
/* What to tell about an error of listener_open(). */
const char *listener_error(const struct conf_listener *conf, int error);
#endif
