/*
 * listener.h - the listening sockets of one `listeners` entry. Owned by the main thread: it opens
 * and closes them; engines only accept on them (EPOLL_CTL_DEL before the close, and never
 * shutdown(), which would end the socket for whoever shares it).
 */
#ifndef MUXD_SERVER_LISTENER_H
#define MUXD_SERVER_LISTENER_H

#include <sys/types.h>

#include "config/config.h"

struct listener {
    struct str name;
    const struct conf_listener *conf;
    int *fds; /* one per engine (SO_REUSEPORT); or `shared`: all engines accept on each */
    unsigned n_fds;
    bool shared;
    dev_t dev; /* of a unix socket's file: another instance may have put its own there */
    ino_t ino;
};

/* Opens for `n` engines. 0, or -errno. */
int listener_open(struct listener *l, const struct conf_listener *conf, unsigned n) MUST_USE;
void listener_close(struct listener *l);
/* The address it really has (port 0 became one), of its first socket; room for SOCK_TEXT_MAX. */
void listener_text(const struct listener *l, char *buf);
#endif
