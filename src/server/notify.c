/* notify.c - see notify.h; the only file that knows libsystemd. The main thread. */
#include "server/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#ifdef HAVE_SYSTEMD

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

void notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)sd_notifyf(0, "STATUS=%s", text);
}

int notify_listen_fd(const char *name)
{
    char **names = NULL;
    int found = -ENOENT;
    int n = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < n; i++) {
        if (found == -ENOENT && strcmp(names[i], name) == 0)
            found = SD_LISTEN_FDS_START + i;
        free(names[i]);
    }
    free(names);
    if (n < 0)
        return n;
    if (found >= 0 && (sd_is_socket(found, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
                       fcntl(found, F_SETFL, fcntl(found, F_GETFL) | O_NONBLOCK) < 0 ||
                       fcntl(found, F_SETFD, FD_CLOEXEC) < 0))
        return -ENOTSOCK;
    /* As for our own: what is accepted inherits it. Fails on unix sockets, which have no Nagle. */
    int on = 1;
    if (found >= 0)
        (void)setsockopt(found, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return found;
}

#else

void notify_ready(void)
{
}

void notify_stopping(void)
{
}

void notify_status(const char *fmt, ...)
{
    (void)fmt;
}

int notify_listen_fd(const char *name)
{
    (void)name;
    return -ENOSYS;
}

#endif
