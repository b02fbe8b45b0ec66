/* notify.c - see notify.h; the only file that knows libsystemd. The main thread. */
#include "server/notify.h"

#include <errno.h>

#include "config.h"

#ifdef HAVE_SYSTEMD

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "event/sock.h"

static bool ready_owed; /* READY=1 found a manager that does not listen */

/* A socket that is connected to the manager's, to ask whether it has room; or -1. */
static int connect_to_manager(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t n = path != NULL ? strlen(path) : 0;

    if (n < 2 || n >= sizeof un.sun_path || (path[0] != '/' && path[0] != '@'))
        return -1; /* none, or of another family */
    memcpy(un.sun_path, path, n);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&un,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Sends unless it would have to wait: sd_notify(3) does, as long as nobody reads the socket, and
 * with the main thread all would stand still that signals ask for. */
static bool tell(const char *what)
{
    struct pollfd manager = { .fd = connect_to_manager(), .events = POLLOUT };
    bool room = manager.fd < 0 || (poll(&manager, 1, 0) == 1 && (manager.revents & POLLOUT));

    if (manager.fd >= 0)
        close(manager.fd);
    return room && sd_notify(0, what) >= 0;
}

void notify_ready(void)
{
    ready_owed = !tell("READY=1");
}

void notify_stopping(void)
{
    ready_owed = false;
    (void)tell("STOPPING=1");
}

/* One datagram: for Type=notify-reload the time must come with it, or the manager waits for ever.
 */
void notify_reloading(void)
{
    char text[64];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono() / 1000);
    (void)tell(text);
}

/* A manager ignores a status that is not UTF-8, and would take a further line for an assignment. */
static void clean(char *text, size_t n)
{
    for (size_t at = 0, len; at < n; at += len) {
        len = utf8_len(text + at, n - at);
        if (len == 0) {
            len = 1;
            text[at] = '?';
        } else if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f) {
            text[at] = ' ';
        }
    }
}

/* Where to cut after `n` bytes without cutting a character. */
static size_t cut_at(const char *text, size_t n)
{
    size_t at = n;

    while (at > 0 && n - at < 3 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

void notify_status(const char *fmt, ...)
{
    static const char intro[] = "STATUS=";
    /* One byte more than is sent: is it the next character's? */
    char line[sizeof intro + NOTIFY_STATUS_MAX + 1], *text = line + sizeof intro - 1;
    va_list ap;

    if (ready_owed)
        notify_ready();
    memcpy(line, intro, sizeof intro);
    va_start(ap, fmt);
    int r = vsnprintf(text, NOTIFY_STATUS_MAX + 2, fmt, ap);
    va_end(ap);
    if (r < 0)
        return;
    size_t n = (size_t)r > NOTIFY_STATUS_MAX ? cut_at(text, NOTIFY_STATUS_MAX) : (size_t)r;
    clean(text, n);
    text[n] = '\0';
    (void)tell(line);
}

/* As our own are; unix sockets refuse what is set. A duplicate, for the inherited one stays: a
 * reload may give the name up and a later one want it again. Meanwhile it listens on, as it would
 * for the manager, which holds it too. */
static int adopt(int inherited)
{
    if (sd_is_socket(inherited, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return -ENOTSOCK;
    int fd = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    (void)sock_set_inherited(fd);
    return fd;
}

int notify_listen_fds(const char *name, int *fds, unsigned max)
{
    char **names = NULL;
    unsigned found = 0;
    int n = sd_listen_fds_with_names(0, &names);
    int r = min_of(n, 0);

    for (int i = 0; i < n; i++) {
        if (r == 0 && found == max && strcmp(names[i], name) == 0)
            r = -E2BIG;
        if (r == 0 && strcmp(names[i], name) == 0) {
            int fd = adopt(SD_LISTEN_FDS_START + i);
            if (fd >= 0)
                fds[found++] = fd;
            else
                r = fd;
        }
        free(names[i]);
    }
    free(names);
    if (r == 0 && found > 0)
        return (int)found;
    while (found > 0)
        close(fds[--found]);
    return r < 0 ? r : -ENOENT;
}

#else

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
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
