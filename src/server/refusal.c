/* refusal.c - see refusal.h. */
#include "server/refusal.h"

#include <sys/socket.h>
#include <unistd.h>

/* Without Date, which RFC 9110 section 6.6.1 leaves open for a 5xx. */
struct str refusal_text(void)
{
    return STR("HTTP/1.1 503 Service Unavailable\r\n"
               "Content-Type: text/plain; charset=utf-8\r\n"
               "Content-Length: 24\r\n"
               "Retry-After: 1\r\n"
               "Connection: close\r\n"
               "\r\n"
               "503 Service Unavailable\n");
}

void refusal_send(int fd)
{
    struct str text = refusal_text();
    char drop[KIB(4)];

    (void)!recv(fd, drop, sizeof drop, MSG_DONTWAIT);
    (void)!send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}
