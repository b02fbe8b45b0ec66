/* refusal.c - see refusal.h. */
#include "server/refusal.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/date.h"

#define BEFORE_DATE "HTTP/1.1 503 Service Unavailable\r\nDate: "
#define BEHIND_DATE                                                                                \
    "\r\n"                                                                                         \
    "Content-Type: text/plain; charset=utf-8\r\n"                                                  \
    "Content-Length: 24\r\n"                                                                       \
    "Retry-After: 1\r\n"                                                                           \
    "Connection: close\r\n"                                                                        \
    "\r\n"                                                                                         \
    "503 Service Unavailable\n"

_Static_assert(sizeof BEFORE_DATE + HTTP_DATE_LEN + sizeof BEHIND_DATE <= REFUSAL_MAX, "room");

struct str refusal_make(char *buf, const char *date)
{
    char *p = mempcpy(buf, BEFORE_DATE, sizeof BEFORE_DATE - 1);

    p = mempcpy(p, date, HTTP_DATE_LEN);
    p = mempcpy(p, BEHIND_DATE, sizeof BEHIND_DATE - 1);
    return str_make(buf, (size_t)(p - buf));
}

void refusal_send(int fd, const char *date)
{
    char buf[REFUSAL_MAX], drop[KIB(4)];
    struct str text = refusal_make(buf, date);

    (void)!recv(fd, drop, sizeof drop, MSG_DONTWAIT);
    (void)!send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}
