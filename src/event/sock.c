/*
 * sock.c - see sock.h. No state but the text of the last refusal, which is the thread's. Any
 * thread.
 */
#include "event/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define PATH_AT offsetof(struct sockaddr_un, sun_path)
#define QUOTE_MAX 64

/* Parsing */

static int PRINTF_LIKE(2, 3) refuse(const char **ret_why, const char *fmt, ...)
{
    static _Thread_local char why[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    *ret_why = why;
    return -EINVAL;
}

struct quoted {
    char text[QUOTE_MAX + sizeof "..."];
};

/* What stands in a config, fit for a sentence on one line of a terminal. */
static struct quoted quote(struct str s)
{
    struct quoted q;
    size_t n = s.n;

    if (n > QUOTE_MAX) { /* at a character's end, if it is UTF-8 */
        n = QUOTE_MAX;
        while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
    }
    for (size_t i = 0; i < n; i++)
        q.text[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
    memcpy(q.text + n, "...", sizeof "...");
    if (n == s.n)
        q.text[n] = '\0';
    return q;
}

static int parse_unix(struct str path, struct sock_addr *ret, const char **ret_why)
{
    bool abstract = path.n > 0 && path.p[0] == '@';
    /* A path ends in NUL, an abstract name has its NUL in front. */
    size_t max = sizeof ret->un.sun_path - !abstract;

    if (path.n == 0)
        return refuse(ret_why, "no path after unix:");
    if (!abstract && path.p[0] != '/')
        return refuse(ret_why, "the path of a unix socket begins with /, not as in unix:%s",
                      quote(path).text);
    if (abstract && path.n == 1)
        return refuse(ret_why, "no name after unix:@");
    if (memchr(path.p, '\0', path.n) != NULL)
        return refuse(ret_why, "a NUL byte in the path of a unix socket");
    if (path.n > max)
        return refuse(ret_why, "a unix socket of %zu bytes; at most %zu are possible", path.n, max);

    ret->kind = SOCK_KIND_UNIX;
    ret->un.sun_family = AF_UNIX;
    memcpy(ret->un.sun_path, path.p, path.n);
    if (abstract)
        ret->un.sun_path[0] = '\0';
    ret->len = (socklen_t)(PATH_AT + path.n + !abstract);
    return 0;
}

static int parse_systemd(struct str name, struct sock_addr *ret, const char **ret_why)
{
    if (name.n == 0)
        return refuse(ret_why, "no name after systemd:");
    if (name.n >= sizeof ret->name)
        return refuse(ret_why, "systemd: with a name of %zu bytes; at most %zu are possible",
                      name.n, sizeof ret->name - 1);
    /* The rule of sd_listen_fds_with_names(3). */
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < 0x20 || name.p[i] >= 0x7f || name.p[i] == ':')
            return refuse(ret_why,
                          "systemd:%s: a name is ASCII without control characters or \":\"",
                          quote(name).text);
    ret->kind = SOCK_KIND_SYSTEMD;
    memcpy(ret->name, name.p, name.n);
    return 0;
}

static int parse_port(struct str port, in_port_t *ret, const char **ret_why)
{
    uint64_t number;
    int r;

    if (port.n == 0)
        return refuse(ret_why, "no port after the last \":\"");
    r = str_u64(port, &number);
    if (r == -EINVAL)
        return refuse(ret_why, "port \"%s\" is not a number", quote(port).text);
    if (r < 0 || number > UINT16_MAX)
        return refuse(ret_why, "port %s is over 65535", quote(port).text);
    *ret = htons((uint16_t)number);
    return 0;
}

/* inet_pton(3) of a slice. */
static bool to_binary(int family, struct str s, void *ret)
{
    char text[INET6_ADDRSTRLEN];

    if (s.n >= sizeof text || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(family, text, ret) == 1;
}

/* "[ADDRESS]:PORT", from the bracket on. */
static int parse_in6(struct str text, struct sock_addr *ret, const char **ret_why)
{
    size_t end = str_chr(text, ']');
    struct str host, port;

    if (end == text.n)
        return refuse(ret_why, "no \"]\" after the IPv6 address in %s", quote(text).text);
    host = str_make(text.p + 1, end - 1);
    port = str_from(text, end + 1);
    if (str_chr(host, '%') < host.n)
        return refuse(ret_why, "[%s]: an IPv6 address with a zone (\"%%\") cannot be used",
                      quote(host).text);
    if (!to_binary(AF_INET6, host, &ret->in6.sin6_addr))
        return refuse(ret_why, "[%s] is no IPv6 address, which alone stands in brackets",
                      quote(host).text);
    if (IN6_IS_ADDR_V4MAPPED(&ret->in6.sin6_addr))
        return refuse(ret_why, "[%s] is an IPv4 address; write it as one", quote(host).text);
    if (port.n == 0)
        return refuse(ret_why, "no port; write [%s]:80", quote(host).text);
    if (port.p[0] != ':')
        return refuse(ret_why, "only a \":\" and the port can follow the \"]\" in %s",
                      quote(text).text);
    ret->kind = SOCK_KIND_INET;
    ret->in6.sin6_family = AF_INET6;
    ret->len = sizeof ret->in6;
    return parse_port(str_from(port, 1), &ret->in6.sin6_port, ret_why);
}

/* An address without ":", so without port. */
static int refuse_no_port(struct str text, const char **ret_why)
{
    uint64_t number;

    if (str_u64(text, &number) != -EINVAL)
        return refuse(ret_why, "no address before the port; write *:%s for all of the machine's",
                      quote(text).text);
    if (text.p[0] == '/')
        return refuse(ret_why, "a unix socket is written unix:%s", quote(text).text);
    if (text.p[0] == '@')
        return refuse(ret_why, "an abstract unix socket is written unix:%s", quote(text).text);
    return refuse(ret_why, "no port in \"%s\"; it is written ADDRESS:PORT", quote(text).text);
}

/* "*:PORT" or "1.2.3.4:PORT". */
static int parse_in(struct str text, struct sock_addr *ret, const char **ret_why)
{
    size_t colon = str_rchr(text, ':');
    struct str host = str_head(text, colon), port = str_from(text, colon + 1);
    struct in6_addr in6;

    if (colon == text.n)
        return refuse_no_port(text, ret_why);
    if (str_eq(host, STR("*"))) {
        ret->kind = SOCK_KIND_ANY;
        ret->in6.sin6_family = AF_INET6;
        ret->in6.sin6_addr = in6addr_any;
        ret->len = sizeof ret->in6;
        return parse_port(port, &ret->in6.sin6_port, ret_why);
    }
    if (host.n == 0)
        return refuse(ret_why, "no address before the port; write *%s for all of the machine's",
                      quote(text).text);
    if (str_chr(text, '/') < text.n)
        return refuse(ret_why, "\"%s\" is a URL or a path; an address is ADDRESS:PORT",
                      quote(text).text);
    if (to_binary(AF_INET6, text, &in6) || str_chr(host, ':') < host.n)
        return refuse(ret_why, "an IPv6 address stands in brackets, as in [::1]:80");
    if (!to_binary(AF_INET, host, &ret->in.sin_addr)) {
        bool numeric = true;

        for (size_t i = 0; i < host.n; i++)
            numeric = numeric && (ascii_digit((unsigned char)host.p[i]) || host.p[i] == '.');
        if (numeric)
            return refuse(ret_why, "\"%s\" is no IPv4 address", quote(host).text);
        return refuse(ret_why,
                      "\"%s\" is no address: numeric addresses only, names are not looked up",
                      quote(host).text);
    }
    ret->kind = SOCK_KIND_INET;
    ret->in.sin_family = AF_INET;
    ret->len = sizeof ret->in;
    return parse_port(port, &ret->in.sin_port, ret_why);
}

int sock_parse(struct str text, struct sock_addr *ret, const char **ret_why)
{
    *ret = (struct sock_addr){ .kind = SOCK_KIND_INET };
    *ret_why = NULL;
    if (text.n == 0)
        return refuse(ret_why, "the address is empty");
    if (str_starts(text, STR("unix:")))
        return parse_unix(str_from(text, 5), ret, ret_why);
    if (str_starts(text, STR("systemd:")))
        return parse_systemd(str_from(text, 8), ret, ret_why);
    if (text.p[0] == '[')
        return parse_in6(text, ret, ret_why);
    return parse_in(text, ret, ret_why);
}

/* Printing */

static void unix_text(const struct sockaddr_un *un, socklen_t len, char *buf)
{
    size_t n = len > PATH_AT ? min_of(len - PATH_AT, sizeof un->sun_path) : 0;
    bool abstract = n > 0 && un->sun_path[0] == '\0';

    if (!abstract)
        n = strnlen(un->sun_path, n);
    memcpy(buf, "unix:", 5);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)un->sun_path[i];

        buf[5 + i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    if (abstract)
        buf[5] = '@';
    buf[5 + n] = '\0';
}

/* By hand: each line of an access log has one. */
static void in_text(const unsigned char host[4], in_port_t port, char *p)
{
    for (int i = 0; i < 4; i++) {
        p = str_put_u64(p, host[i]);
        *p++ = i < 3 ? '.' : ':';
    }
    *str_put_u64(p, ntohs(port)) = '\0';
}

void sock_text(const struct sockaddr *sa, socklen_t len, char *buf)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
    char host[INET6_ADDRSTRLEN];

    if (len >= sizeof *in && sa->sa_family == AF_INET) {
        in_text((const unsigned char *)&in->sin_addr, in->sin_port, buf);
    } else if (len >= sizeof *in6 && sa->sa_family == AF_INET6) {
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            in_text(&in6->sin6_addr.s6_addr[12], in6->sin6_port, buf);
            return;
        }
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        if (in6->sin6_scope_id != 0)
            (void)snprintf(buf, SOCK_TEXT_MAX, "[%s%%%u]:%u", host, in6->sin6_scope_id,
                           ntohs(in6->sin6_port));
        else
            (void)snprintf(buf, SOCK_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else if (len >= sizeof sa->sa_family && sa->sa_family == AF_UNIX) {
        unix_text((const struct sockaddr_un *)sa, len, buf);
    } else {
        (void)snprintf(buf, SOCK_TEXT_MAX, "family:%u",
                       len >= sizeof sa->sa_family ? sa->sa_family : AF_UNSPEC);
    }
}

bool sock_same(const struct sock_addr *a, const struct sock_addr *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == SOCK_KIND_SYSTEMD)
        return strcmp(a->name, b->name) == 0;
    /* sock_parse() leaves no byte undefined. */
    return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

static in_port_t port_of(const struct sock_addr *a)
{
    return a->kind == SOCK_KIND_INET || a->kind == SOCK_KIND_ANY ? a->in.sin_port : 0;
}

/* Of one family; a socket of IPv6 has that family alone, but for ANY. */
static bool overlap(const struct sock_addr *a, const struct sock_addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in.sin_addr.s_addr == INADDR_ANY || b->in.sin_addr.s_addr == INADDR_ANY ||
               a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr) ||
           IN6_IS_ADDR_UNSPECIFIED(&b->in6.sin6_addr) ||
           IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

bool sock_overlap(const struct sock_addr *a, const struct sock_addr *b)
{
    if (port_of(a) == 0 || port_of(a) != port_of(b))
        return false;
    return a->kind == SOCK_KIND_ANY || b->kind == SOCK_KIND_ANY || overlap(a, b);
}

/* Listening */

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

int sock_set_inherited(int fd)
{
    int r = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);

    return r < 0 ? r : set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, SOCK_UNSENT_MAX);
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

/* A bound TCP socket, with SO_REUSEPORT or without. >= 0 or -errno. */
static int bind_inet(const struct sock_addr *addr, bool reuse_port)
{
    int fd = open_socket(addr->sa.sa_family);
    int r;

    if (fd < 0)
        return fd;
    r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && reuse_port)
        r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0)
        r = set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
    if (r == 0)
        r = sock_set_inherited(fd);
    if (r == 0 && addr->sa.sa_family == AF_INET6)
        r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, addr->kind != SOCK_KIND_ANY);
    if (r == 0 && bind(fd, &addr->sa, addr->len) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* The port a socket got; both families keep it at the same place. */
static int take_port(int fd, struct sock_addr *addr)
{
    struct sockaddr_in6 bound;
    socklen_t len = sizeof bound;

    if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0)
        return -errno;
    addr->in.sin_port = bound.sin6_port;
    return 0;
}
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "take_port() and listen_inet() take one for the other");

static int listen_inet(const struct sock_addr *wanted, int backlog, bool beside, unsigned n,
                       int *fds)
{
    struct sock_addr addr = *wanted;
    unsigned done = 0;
    int r = 0;

    /* A free port is free: the kernel shares none unasked, even with SO_REUSEPORT. */
    if (addr.in.sin_port != 0 && !beside) {
        r = bind_inet(&addr, false);
        if (r >= 0)
            close(r);
        if (r < 0)
            return r;
    }
    for (; done < n; done++) {
        r = bind_inet(&addr, true);
        if (r < 0)
            break;
        fds[done] = r;
        r = listen(fds[done], backlog) < 0 ? -errno : take_port(fds[done], &addr);
        if (r < 0) {
            close(fds[done]);
            break;
        }
    }
    if (r < 0)
        while (done > 0)
            close(fds[--done]);
    return r;
}

/* IPv4 alone, where the kernel has no IPv6. */
static int listen_any(const struct sock_addr *addr, int backlog, bool beside, unsigned n, int *fds)
{
    struct sock_addr in = { .kind = SOCK_KIND_ANY, .len = sizeof in.in };
    int r = listen_inet(addr, backlog, beside, n, fds);

    if (r != -EAFNOSUPPORT && r != -EADDRNOTAVAIL)
        return r;
    in.in.sin_family = AF_INET;
    in.in.sin_port = addr->in6.sin6_port;
    return listen_inet(&in, backlog, beside, n, fds);
}

/*
 * Removes a socket file that nobody listens on. 0: the path is free; -EADDRINUSE; -EEXIST: no
 * socket. Two processes that find the same stale file at the same moment are not told apart.
 */
static int remove_stale(const struct sock_addr *addr)
{
    struct stat st;
    int fd, r;

    if (lstat(addr->un.sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = open_socket(AF_UNIX);
    if (fd < 0)
        return fd;
    r = connect(fd, &addr->sa, addr->len) < 0 ? -errno : 0;
    close(fd);
    switch (r) {
    case -ECONNREFUSED:
        return unlink(addr->un.sun_path) < 0 && errno != ENOENT ? -errno : 0;
    case -ENOENT:
        return 0;
    case 0:
    case -EAGAIN:     /* its backlog is full */
    case -EPROTOTYPE: /* it is no stream socket, but in use */
        return -EADDRINUSE;
    default:
        return r;
    }
}

static int listen_unix(const struct sock_addr *addr, int backlog, int *ret_fd)
{
    bool has_path = addr->un.sun_path[0] != '\0';
    int fd = open_socket(AF_UNIX);
    int r;

    if (fd < 0)
        return fd;
    r = bind(fd, &addr->sa, addr->len) < 0 ? -errno : 0;
    if (r == -EADDRINUSE && has_path) {
        r = remove_stale(addr);
        if (r == 0)
            r = bind(fd, &addr->sa, addr->len) < 0 ? -errno : 0;
    }
    if (r == 0 && listen(fd, backlog) < 0) {
        r = -errno;
        if (has_path)
            unlink(addr->un.sun_path);
    }
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int sock_listen(const struct sock_addr *addr, int backlog, bool beside, unsigned n, int *fds,
                unsigned *ret_n)
{
    int r;

    check(n >= 1 && addr->kind != SOCK_KIND_SYSTEMD);
    *ret_n = 0;
    if (addr->kind == SOCK_KIND_UNIX) {
        n = 1;
        r = listen_unix(addr, backlog, fds);
    } else if (addr->kind == SOCK_KIND_ANY) {
        r = listen_any(addr, backlog, beside, n, fds);
    } else {
        r = listen_inet(addr, backlog, beside, n, fds);
    }
    if (r == 0)
        *ret_n = n;
    return r;
}

/* Accepting */

int sock_accept(int fd, struct sockaddr_storage *ret_peer, socklen_t *ret_len)
{
    int peer;

    *ret_len = sizeof *ret_peer;
    peer = accept4(fd, (struct sockaddr *)ret_peer, ret_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer < 0 ? -errno : peer;
}

enum sock_retry sock_accept_error(int error)
{
    switch (-error) {
    case EAGAIN:
        return SOCK_AGAIN;
    case EINTR:
    case ECONNABORTED:
    case ECONNRESET:
    case EPROTO:
    /* accept(2): errors already pending on the new connection */
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT:
        return SOCK_NEXT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return SOCK_PAUSE;
    default: /* EOPNOTSUPP among them: an inherited socket of the wrong type */
        return SOCK_BROKEN;
    }
}
