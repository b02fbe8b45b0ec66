/*
 * listener.h - listening sockets, one set for each address of the config. An address is what a
 * listener is known by: it outlives the snapshots that name it, under whatever name.
 *
 * Owned by the main thread, which opens and closes the sockets; engines accept on them, and close
 * one that is theirs alone after the last accept (EPOLL_CTL_DEL before the close, and never
 * shutdown(), which would end the socket for whoever shares it). What engines read here is set
 * before they are told of it.
 *
 * A listener whose address left the config is closed once no engine accepts on it any more; it
 * stays until the last connection that came by it has ended, and these are served by the config
 * that had it.
 */
#ifndef MUXD_SERVER_LISTENER_H
#define MUXD_SERVER_LISTENER_H

#include <sys/types.h>

#include "base/list.h"
#include "config/config.h"

struct listener {
    struct list node; /* server.listeners */
    struct sock_addr address;
    const struct conf_listener *conf; /* in the newest config that has it */
    struct config *last;              /* which is that one, counted, once the address is gone */
    int *fds; /* one per engine (SO_REUSEPORT); or `shared`: all engines accept on each */
    unsigned n_fds;
    bool shared;
    dev_t dev; /* of a unix socket's file: another instance may have put its own there */
    ino_t ino;
    unsigned n_acceptors; /* of all engines */
};

/* Opens for `n` engines. `beside`: a listener of ours overlaps with it. 0, or
 * -errno. */
int listener_open(struct listener *l, const struct conf_listener *conf, unsigned n,
                  bool beside) MUST_USE;
/* Before the last accept: the file of a unix socket goes, so that who comes too late is refused
 * rather than left in a backlog nobody reads. Harmless when closed. */
void listener_hide(struct listener *l);
/* Harmless when closed. */
void listener_close(struct listener *l);
/* The socket of that engine alone, which is not shared: on the engine's thread, and before it tells
 * that it accepts no more. */
void listener_close_one(struct listener *l, unsigned engine);
/* The address it really has (port 0 became one), of its first socket; room for SOCK_TEXT_MAX. */
void listener_text(const struct listener *l, char *buf);
/* What to tell about an error of listener_open(). */
const char *listener_error(const struct conf_listener *conf, int error);
#endif
