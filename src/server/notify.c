/* notify.c - see notify.h; the only file that knows libsystemd. The main thread. */
#include "server/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono() / 1000);
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

/* As our own are: what is accepted inherits TCP_NODELAY; unix sockets, which have no Nagle, refuse
 * it. */
static bool adopt(int fd)
{
    int on = 1;

    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return false;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

int notify_listen_fds(const char *name, int *fds, unsigned max)
{
    char **names = NULL;
    unsigned found = 0;
    bool good = true;
    int n = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        if (strcmp(names[i], name) == 0 && found < max) {
            good = good && adopt(fd);
            fds[found++] = fd;
        }
        free(names[i]);
    }
    free(names);
    if (n < 0)
        return n;
    if (!good)
        return -ENOTSOCK;
    return found > 0 ? (int)found : -ENOENT;
}

#else

void notify_ready(void)
{
}

void notify_stopping(void)
{
}

void notify_reloading(void)
{
}

void notify_status(const char *fmt, ...)
{
    (void)fmt;
}

int notify_listen_fds(const char *name, int *fds, unsigned max)
{
    (void)name;
    (void)fds;
    (void)max;
    return -ENOSYS;
}

#endif
