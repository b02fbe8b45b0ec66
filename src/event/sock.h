/*
 * sock.h - addresses as the config spells them, listening sockets, accept. Any thread.
 * No I/O but on sockets; never resolves a name.
 */
#ifndef MUXD_EVENT_SOCK_H
#define MUXD_EVENT_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"

enum sock_kind {
    SOCK_KIND_INET, /* a numeric IPv4 or IPv6 address and port */
    SOCK_KIND_ANY,  /* "*:PORT": IPv6 and IPv4 in one socket; IPv4 alone where there is no IPv6 */
    SOCK_KIND_UNIX, /* "unix:/path", or "unix:@name" for the abstract namespace */
    SOCK_KIND_SYSTEMD, /* "systemd:NAME": inherited; see FileDescriptorName= */
};

struct sock_addr {
    enum sock_kind kind;
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
    char name[64]; /* SOCK_KIND_SYSTEMD */
};

#define SOCK_TEXT_MAX 128 /* room for sock_text() */

/* 0, or -EINVAL with *ret_why a sentence such as `port 70000 is over 65535`, good until this thread
 * calls again. */
int sock_parse(struct str text, struct sock_addr *ret, const char **ret_why) MUST_USE;
/* The canonical text of an address of any family ("127.0.0.1:80", "[::1]:80", "unix:/x"); an IPv4
 * peer of an IPv6 socket is shown as IPv4, control bytes in a path as "?". */
void sock_text(const struct sockaddr *sa, socklen_t len, char *buf);
bool sock_same(const struct sock_addr *a, const struct sock_addr *b);

/*
 * Listening sockets are non-blocking and close-on-exec, with SO_REUSEADDR, IP_FREEBIND (an
 * address may come up later), and sock_set_inherited().
 *
 * For INET and ANY: first binds one socket WITHOUT SO_REUSEPORT, so that a second instance is
 * refused (-EADDRINUSE), closes it, and then opens `n` of them with SO_REUSEPORT (port 0: all get
 * the same free port, which nobody else has). `beside`: a socket of this process overlaps
 * (sock_overlap); then the first step would refuse itself, and is left out. An explicit IPv6
 * address takes no IPv4. For UNIX opens one, after removing a socket file nobody listens on
 * (-EADDRINUSE when somebody does; -EEXIST when it is no socket). Not for SYSTEMD. Writes the
 * descriptors to fds[0..*ret_n). 0 or -errno, then nothing is left open.
 */
int sock_listen(const struct sock_addr *addr, int backlog, bool beside, unsigned n, int *fds,
                unsigned *ret_n) MUST_USE;
/* Whether both are of TCP, and some client could mean either: the same port, which is not 0, and an
 * address in common. */
bool sock_overlap(const struct sock_addr *a, const struct sock_addr *b);

/* accept4 with SOCK_NONBLOCK | SOCK_CLOEXEC. >= 0, or -errno. */
int sock_accept(int fd, struct sockaddr_storage *ret_peer, socklen_t *ret_len);

/* What the kernel takes for a client beyond what it has sent to it. Without a bound it takes what
 * its memory for TCP allows: megabytes for each client that does not read, until that memory is
 * used up and everybody's connections are reset. Enough to keep a fast client busy between two
 * turns. */
#define SOCK_UNSENT_MAX (128 * 1024)

/* Sets on a listening socket what the ones it accepts inherit: TCP_NODELAY, and SOCK_UNSENT_MAX.
 * Not on a unix socket, which refuses both. 0 or -errno. */
int sock_set_inherited(int fd);

/* What to do about an error of sock_accept(), -errno. */
enum sock_retry {
    SOCK_AGAIN,  /* EAGAIN: nothing there */
    SOCK_NEXT,   /* that connection is gone (ECONNABORTED, EINTR, EPROTO, network errors): go on */
    SOCK_PAUSE,  /* EMFILE, ENFILE, ENOBUFS, ENOMEM: back off */
    SOCK_BROKEN, /* anything else */
};
enum sock_retry sock_accept_error(int error);

#endif
