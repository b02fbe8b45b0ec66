/*
 * notify.h - what muxd and its service manager say to each other (sd_notify(3), sd_listen_fds(3)).
 * Without libsystemd, or not under a service manager, all of it does nothing. The main thread.
 */
#ifndef MUXD_SERVER_NOTIFY_H
#define MUXD_SERVER_NOTIFY_H

#include "base/def.h"

void notify_ready(void);
void notify_stopping(void);
/* One line for `systemctl status`. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The inherited listening socket of that FileDescriptorName=, made non-blocking and close-on-exec;
 * -ENOENT: there is none; -ENOTSOCK: it is no listening stream socket; -ENOSYS: built without
 * libsystemd. The descriptor is the caller's. */
int notify_listen_fd(const char *name) MUST_USE;

#endif
