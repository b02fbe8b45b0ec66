/*
 * notify.h - what muxd and its service manager say to each other (sd_notify(3), sd_listen_fds(3)).
 * Without libsystemd, or not under a service manager, all of it does nothing. The main thread.
 */
#ifndef MUXD_SERVER_NOTIFY_H
#define MUXD_SERVER_NOTIFY_H

#include "base/def.h"

/* Bytes of a status line; a manager drops a datagram over 4096. */
#define NOTIFY_STATUS_MAX 2048

/* None of these waits for a manager that does not read; what it missed is lost, but for READY=1,
 * which the next status sends once more. */
void notify_ready(void);
void notify_stopping(void);
/* What follows is a reload; notify_ready() ends it, however it went. */
void notify_reloading(void);
/* For `systemctl status`: one line of UTF-8. Control characters become spaces, other bytes '?'; a
 * longer line is cut behind a whole character. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
/*
 * The inherited listening sockets of that FileDescriptorName=: their number, at most `max`, and in
 * fds duplicates of them, non-blocking and close-on-exec, which are the caller's. The inherited
 * ones stay open, so that they may be asked for again. -ENOENT: there is none; -ENOTSOCK: one is no
 * listening stream socket; -ENOSYS: built without libsystemd; -EMFILE;
 * -E2BIG: there are more.
 */
int notify_listen_fds(const char *name, int *fds, unsigned max) MUST_USE;

#endif
