/*
 * notify.h - what muxd and its service manager say to each other (sd_notify(3), sd_listen_fds(3)).
 * Without libsystemd, or not under a service manager, all of it does nothing. The main thread.
 */
#ifndef MUXD_SERVER_NOTIFY_H
#define MUXD_SERVER_NOTIFY_H

#include "base/def.h"

void notify_ready(void);
void notify_stopping(void);
/* What follows is a reload; notify_ready() ends it, however it went. */
void notify_reloading(void);
/* One line for `systemctl status`. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
/*
 * The inherited listening sockets of that FileDescriptorName=, made non-blocking and close-on-exec:
 * their number, at most `max`, and the descriptors, now the caller's, in fds. -ENOENT: there is
 * none; -ENOTSOCK: one is no listening stream socket; -ENOSYS: built without libsystemd.
 */
int notify_listen_fds(const char *name, int *fds, unsigned max) MUST_USE;

#endif
