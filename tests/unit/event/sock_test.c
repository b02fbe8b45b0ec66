/* sock_test.c - spellings of addresses, and listening sockets on the loopback interface. */
#include "event/sock.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sock_addr parse(const char *text)
{
    struct sock_addr addr;
    const char *why;

    if (sock_parse(str_of(text), &addr, &why) < 0)
        ck_abort_msg("%s: %s", text, why);
    return addr;
}

static const struct {
    const char *text, *canonical;
    enum sock_kind kind;
    int family;
} good[] = {
    { "127.0.0.1:80", "127.0.0.1:80", SOCK_KIND_INET, AF_INET },
    { "0.0.0.0:0", "0.0.0.0:0", SOCK_KIND_INET, AF_INET },
    { "1.2.3.4:65535", "1.2.3.4:65535", SOCK_KIND_INET, AF_INET },
    { "1.2.3.4:0080", "1.2.3.4:80", SOCK_KIND_INET, AF_INET },
    { "[::1]:80", "[::1]:80", SOCK_KIND_INET, AF_INET6 },
    { "[::]:8080", "[::]:8080", SOCK_KIND_INET, AF_INET6 },
    { "[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", SOCK_KIND_INET, AF_INET6 },
    { "*:8080", "[::]:8080", SOCK_KIND_ANY, AF_INET6 },
    { "unix:/run/x.sock", "unix:/run/x.sock", SOCK_KIND_UNIX, AF_UNIX },
    { "unix:/a:b c", "unix:/a:b c", SOCK_KIND_UNIX, AF_UNIX },
    { "unix:@muxd", "unix:@muxd", SOCK_KIND_UNIX, AF_UNIX },
};

START_TEST(good_spellings)
{
    struct sock_addr addr = parse(good[_i].text);
    char text[SOCK_TEXT_MAX];

    ck_assert_int_eq(addr.kind, good[_i].kind);
    ck_assert_int_eq(addr.sa.sa_family, good[_i].family);
    sock_text(&addr.sa, addr.len, text);
    ck_assert_str_eq(text, good[_i].canonical);
}
END_TEST

/* Each mistake with a part of the sentence that must say so. */
static const struct {
    const char *text, *says;
} bad[] = {
    { "", "empty" },
    { "127.0.0.1", "no port" },
    { "127.0.0.1:", "no port" },
    { "localhost", "no port" },
    { "8080", "write *:8080" },
    { ":8080", "write *:8080" },
    { "*", "no port" },
    { "*:", "no port" },
    { "*:http", "\"http\" is not a number" },
    { "127.0.0.1:70000", "port 70000 is over 65535" },
    { "*:65536", "port 65536 is over 65535" },
    { "*:99999999999999999999999", "is over 65535" },
    { "*:-1", "is not a number" },
    { "*:+1", "is not a number" },
    { "*: 80", "is not a number" },
    { "*:80 ", "is not a number" },
    { "*:80\n", "\"80?\" is not a number" },
    { "localhost:80", "\"localhost\" is no address: numeric addresses only" },
    { "www.example.org:80", "numeric addresses only" },
    { "256.0.0.1:80", "\"256.0.0.1\" is no IPv4 address" },
    { "1.2.3:80", "no IPv4 address" },
    { "1.2.3.04:80", "no IPv4 address" },
    { "::1:80", "in brackets" },
    { "::1", "in brackets" },
    { "2001:db8::1", "in brackets" },
    { "[::1]", "no port; write [::1]:80" },
    { "[::1]:", "no port" },
    { "[::1]80", "can follow" },
    { "[::1", "no \"]\"" },
    { "[", "no \"]\"" },
    { "[]:80", "no IPv6 address" },
    { "[127.0.0.1]:80", "no IPv6 address" },
    { "[localhost]:80", "no IPv6 address" },
    { "[fe80::1%eth0]:80", "zone" },
    { "[::ffff:1.2.3.4]:80", "is an IPv4 address" },
    { "[::1]:65536", "over 65535" },
    { "http://1.2.3.4:80", "URL" },
    { "http://localhost", "URL" },
    { "/run/x.sock", "written unix:/run/x.sock" },
    { "@muxd", "written unix:@muxd" },
    { "unix:", "no path" },
    { "unix:run/x.sock", "begins with /" },
    { "unix:@", "no name" },
    { "systemd:", "no name" },
    { "systemd:a:b", "\":\"" },
    { "systemd:a\tb", "systemd:a?b" },
};

START_TEST(mistakes)
{
    struct sock_addr addr;
    const char *why = NULL;

    ck_assert_int_eq(sock_parse(str_of(bad[_i].text), &addr, &why), -EINVAL);
    ck_assert_ptr_nonnull(why);
    if (strstr(why, bad[_i].says) == NULL)
        ck_abort_msg("%s: %s", bad[_i].text, why);
    ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

START_TEST(limits_of_length)
{
    struct sock_addr addr;
    const char *why;
    char text[400], back[SOCK_TEXT_MAX];

    memset(text, 'a', sizeof text);
    memcpy(text, "unix:/", 6);
    ck_assert_int_eq(sock_parse(str_make(text, 5 + 107), &addr, &why), 0);
    sock_text(&addr.sa, addr.len, back);
    ck_assert_uint_eq(strlen(back), 5 + 107);
    ck_assert_int_eq(memcmp(back, text, 5 + 107), 0);
    ck_assert_int_eq(sock_parse(str_make(text, 5 + 108), &addr, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "at most 107"));

    text[5] = '@';
    ck_assert_int_eq(sock_parse(str_make(text, 5 + 108), &addr, &why), 0);
    sock_text(&addr.sa, addr.len, back);
    ck_assert_uint_eq(strlen(back), 5 + 108);
    ck_assert_int_eq(sock_parse(str_make(text, 5 + 109), &addr, &why), -EINVAL);

    memcpy(text, "systemd:", 8);
    ck_assert_int_eq(sock_parse(str_make(text, 8 + 63), &addr, &why), 0);
    ck_assert_int_eq(addr.kind, SOCK_KIND_SYSTEMD);
    ck_assert_uint_eq(strlen(addr.name), 63);
    ck_assert_int_eq(sock_parse(str_make(text, 8 + 64), &addr, &why), -EINVAL);

    /* A long mistake is cut, at the end of a character. */
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[0] = 'x';
    text[1] = 'y';
    ck_assert_int_eq(sock_parse(str_make(text, sizeof text), &addr, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "\xc3\xa4..."));
    ck_assert_uint_lt(strlen(why), 200);

    ck_assert_int_eq(sock_parse(STR("unix:/a\0b"), &addr, &why), -EINVAL);
    ck_assert_int_eq(sock_parse(STR("1.2.3.4\0:80"), &addr, &why), -EINVAL);
    ck_assert_int_eq(sock_parse(STR("[::1\0]:80"), &addr, &why), -EINVAL);
    ck_assert_int_eq(sock_parse(STR("*:8\0"), &addr, &why), -EINVAL);
}
END_TEST

START_TEST(same)
{
    static const char *const all[] = { "*:80",        "*:81",    "0.0.0.0:80", "127.0.0.1:80",
                                       "127.0.0.1:8", "[::]:80", "[::1]:80",   "unix:/a",
                                       "unix:/ab",    "unix:@a", "systemd:a",  "systemd:b" };

    for (size_t i = 0; i < array_len(all); i++)
        for (size_t j = 0; j < array_len(all); j++) {
            struct sock_addr a = parse(all[i]), b = parse(all[j]);

            ck_assert(sock_same(&a, &b) == (i == j));
        }
}
END_TEST

START_TEST(overlaps)
{
    static const char *const yes[][2] = {
        { "*:80", "*:80" },         { "*:80", "127.0.0.1:80" },
        { "*:80", "[::1]:80" },     { "0.0.0.0:80", "*:80" },
        { "[::]:80", "[::1]:80" },  { "0.0.0.0:80", "127.0.0.1:80" },
        { "[::1]:80", "[::1]:80" }, { "127.0.0.1:80", "127.0.0.1:80" },
    };
    static const char *const no[][2] = {
        { "*:80", "*:81" },          { "127.0.0.1:80", "127.0.0.2:80" },
        { "[::1]:80", "[::2]:80" },  { "127.0.0.1:80", "[::1]:80" },
        { "0.0.0.0:80", "[::]:80" }, { "127.0.0.1:0", "127.0.0.1:0" },
        { "*:80", "unix:/a" },       { "systemd:a", "systemd:a" },
    };

    for (size_t i = 0; i < array_len(yes) + array_len(no); i++) {
        bool expected = i < array_len(yes);
        const char *const *pair = expected ? yes[i] : no[i - array_len(yes)];
        struct sock_addr a = parse(pair[0]), b = parse(pair[1]);

        ck_assert(sock_overlap(&a, &b) == expected);
        ck_assert(sock_overlap(&b, &a) == expected);
    }
}
END_TEST

START_TEST(texts_of_peers)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
    struct sockaddr odd = { .sa_family = AF_NETLINK };
    char text[SOCK_TEXT_MAX];

    sock_text((struct sockaddr *)&un, sizeof un.sun_family, text); /* a peer without a name */
    ck_assert_str_eq(text, "unix:");
    memset(un.sun_path, '\n', sizeof un.sun_path); /* no NUL in it either */
    sock_text((struct sockaddr *)&un, sizeof un, text);
    ck_assert_uint_eq(strlen(text), 5 + 108);
    ck_assert_int_eq(strncmp(text, "unix:???", 8), 0);

    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr), 1);
    sock_text((struct sockaddr *)&in6, sizeof in6, text);
    ck_assert_str_eq(text, "10.0.0.1:80");
    ck_assert_int_eq(inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr), 1);
    in6.sin6_scope_id = 3;
    sock_text((struct sockaddr *)&in6, sizeof in6, text);
    ck_assert_str_eq(text, "[fe80::1%3]:80");

    sock_text(&odd, sizeof odd, text);
    ck_assert_str_eq(text, "family:16");
    sock_text((struct sockaddr *)&in6, 0, text);
    ck_assert_str_eq(text, "family:0");
    sock_text((struct sockaddr *)&in6, 10, text); /* cut short */
    ck_assert_str_eq(text, "family:10");
}
END_TEST

/* Sockets */

static bool has_ipv6(void)
{
    struct sock_addr addr = parse("[::1]:0");
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, &addr.sa, addr.len) == 0;

    if (fd >= 0)
        close(fd);
    return has;
}

static struct sock_addr bound(int fd, enum sock_kind kind)
{
    struct sock_addr addr = { .kind = kind, .len = sizeof addr.in6 };

    ck_assert_int_eq(getsockname(fd, &addr.sa, &addr.len), 0);
    return addr;
}

static int connect_to(const struct sockaddr *sa, socklen_t len)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    if (connect(fd, sa, len) < 0) {
        int error = errno;

        close(fd);
        return -error;
    }
    return fd;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* Connects, accepts, checks what the accepted socket is like. */
static void check_accept(int listener, const struct sockaddr *sa, socklen_t len, const char *peer)
{
    struct sockaddr_storage from;
    socklen_t from_len;
    char text[SOCK_TEXT_MAX];
    int client = connect_to(sa, len), fd;

    ck_assert_int_ge(client, 0);
    fd = sock_accept(listener, &from, &from_len);
    ck_assert_int_ge(fd, 0);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    if (sa->sa_family != AF_UNIX) {
        ck_assert_int_ne(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
        ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), SOCK_UNSENT_MAX);
    }
    sock_text((struct sockaddr *)&from, from_len, text);
    ck_assert_int_eq(strncmp(text, peer, strlen(peer)), 0);
    ck_assert_int_eq(sock_accept(listener, &from, &from_len), -EAGAIN);
    close(fd);
    close(client);
}

START_TEST(listen_once)
{
    struct sock_addr addr = parse("127.0.0.1:0"), got;
    int fds[4], more[4];
    unsigned n, n_more;

    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, fds, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    ck_assert_int_ne(option(fds[0], IPPROTO_IP, IP_FREEBIND), 0);
    got = bound(fds[0], SOCK_KIND_INET);
    ck_assert_uint_ne(got.in.sin_port, 0);
    check_accept(fds[0], &got.sa, got.len, "127.0.0.1:");

    /* A second instance is refused, although its sockets would have SO_REUSEPORT as well. */
    ck_assert_int_eq(sock_listen(&got, 16, false, 2, more, &n_more), -EADDRINUSE);
    ck_assert_uint_eq(n_more, 0);
    close(fds[0]);
    ck_assert_int_eq(sock_listen(&got, 16, false, 2, more, &n_more),
                     0); /* TIME_WAIT is no obstacle */
    ck_assert_uint_eq(n_more, 2);
    close(more[0]);
    close(more[1]);
}
END_TEST

START_TEST(listen_shares_one_port)
{
    struct sock_addr addr = parse("127.0.0.1:0"), first;
    int fds[4];
    unsigned n;

    ck_assert_int_eq(sock_listen(&addr, 16, false, 4, fds, &n), 0);
    ck_assert_uint_eq(n, 4);
    first = bound(fds[0], SOCK_KIND_INET);
    for (unsigned i = 0; i < 4; i++) {
        struct sock_addr other = bound(fds[i], SOCK_KIND_INET);

        ck_assert(sock_same(&first, &other));
    }
    for (unsigned i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

START_TEST(listen_any)
{
    struct sock_addr addr = parse("*:0"), got, v4 = parse("127.0.0.1:0"), v6 = parse("[::1]:0");
    int fds[2];
    unsigned n;

    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, fds, &n), 0);
    got = bound(fds[0], SOCK_KIND_ANY);
    v4.in.sin_port = v6.in6.sin6_port = got.in.sin_port;
    check_accept(fds[0], &v4.sa, v4.len, "127.0.0.1:");
    if (has_ipv6()) {
        check_accept(fds[0], &v6.sa, v6.len, "[::1]:");
        ck_assert_int_eq(option(fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 0);
        v6.in6.sin6_addr = in6addr_any;
        ck_assert_int_eq(sock_listen(&v6, 16, false, 1, fds + 1, &n), -EADDRINUSE);
    }
    ck_assert_int_eq(sock_listen(&v4, 16, false, 1, fds + 1, &n), -EADDRINUSE);
    close(fds[0]);
}
END_TEST

START_TEST(explicit_ipv6_takes_no_ipv4)
{
    struct sock_addr v6 = parse("[::]:0"), v4 = parse("0.0.0.0:0"), got, to = parse("127.0.0.1:0");
    int fds[2];
    unsigned n;

    if (!has_ipv6())
        return;
    ck_assert_int_eq(sock_listen(&v6, 16, false, 1, fds, &n), 0);
    got = bound(fds[0], SOCK_KIND_INET);
    v4.in.sin_port = to.in.sin_port = got.in6.sin6_port;
    ck_assert_int_eq(connect_to(&to.sa, to.len), -ECONNREFUSED);
    ck_assert_int_eq(sock_listen(&v4, 16, false, 1, fds + 1, &n), 0); /* both, side by side */
    check_accept(fds[1], &to.sa, to.len, "127.0.0.1:");
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(an_address_may_come_up_later)
{
    struct sock_addr addr = parse("192.0.2.1:0"); /* TEST-NET-1 */
    int fd;
    unsigned n;

    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &fd, &n), 0);
    close(fd);
}
END_TEST

static char dir[64];

static struct sock_addr in_dir(const char *name)
{
    char text[128];

    (void)snprintf(text, sizeof text, "unix:%s/%s", dir, name);
    return parse(text);
}

static void make_dir(void)
{
    strcpy(dir, "/tmp/sock_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    ck_assert_int_eq(rmdir(dir), 0); /* the tests leave nothing */
}

START_TEST(listen_on_a_path)
{
    struct sock_addr addr = in_dir("s");
    int fds[4], more[4];
    unsigned n;
    struct stat st;
    struct sockaddr_storage from;
    socklen_t len;

    ck_assert_int_eq(sock_listen(&addr, 16, false, 4, fds, &n), 0);
    ck_assert_uint_eq(n, 1);
    check_accept(fds[0], &addr.sa, addr.len, "unix:");
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, more, &n), -EADDRINUSE);
    ck_assert_int_eq(stat(addr.un.sun_path, &st), 0); /* it was not taken away */
    more[0] = sock_accept(fds[0], &from, &len);       /* the question whether somebody listens */
    ck_assert_int_ge(more[0], 0);
    close(more[0]);
    check_accept(fds[0], &addr.sa, addr.len, "unix:");
    close(fds[0]);

    ck_assert_int_eq(stat(addr.un.sun_path, &st), 0);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, fds, &n), 0); /* a stale one is replaced */
    check_accept(fds[0], &addr.sa, addr.len, "unix:");
    close(fds[0]);
    unlink(addr.un.sun_path);
}
END_TEST

START_TEST(a_full_backlog_is_in_use)
{
    struct sock_addr addr = in_dir("s");
    int fd, more, client[64];
    unsigned n, clients = 0;

    ck_assert_int_eq(sock_listen(&addr, 0, false, 1, &fd, &n), 0);
    while (clients < array_len(client)) {
        int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        client[clients++] = c;
        if (connect(c, &addr.sa, addr.len) < 0)
            break;
    }
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &more, &n), -EADDRINUSE);
    while (clients > 0)
        close(client[--clients]);
    close(fd);
    unlink(addr.un.sun_path);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
    struct sock_addr addr = in_dir("f");
    int fd = open(addr.un.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600), listener;
    unsigned n;
    char to[128];

    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &listener, &n), -EEXIST);
    ck_assert_int_eq(access(addr.un.sun_path, F_OK), 0);
    unlink(addr.un.sun_path);

    (void)snprintf(to, sizeof to, "%s/gone", dir);
    ck_assert_int_eq(symlink(to, addr.un.sun_path), 0);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &listener, &n), -EEXIST);
    unlink(addr.un.sun_path);

    addr = in_dir("no/such");
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &listener, &n), -ENOENT);
}
END_TEST

START_TEST(a_datagram_socket_is_in_use)
{
    struct sock_addr addr = in_dir("d");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), listener;
    unsigned n;

    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &listener, &n), -EADDRINUSE);
    close(fd);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &listener, &n), 0);
    close(listener);
    unlink(addr.un.sun_path);
}
END_TEST

START_TEST(abstract_names)
{
    char text[64];
    struct sock_addr addr;
    int fd, more;
    unsigned n;

    (void)snprintf(text, sizeof text, "unix:@muxd-sock-test-%d", (int)getpid());
    addr = parse(text);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 3, &fd, &n), 0);
    ck_assert_uint_eq(n, 1);
    check_accept(fd, &addr.sa, addr.len, "unix:");
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &more, &n), -EADDRINUSE);
    close(fd);
    ck_assert_int_eq(sock_listen(&addr, 16, false, 1, &fd, &n), 0);
    close(fd);
}
END_TEST

START_TEST(errors_of_accept)
{
    struct sockaddr_storage from;
    socklen_t len;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(sock_accept(fd, &from, &len), -EINVAL);
    close(fd);
    ck_assert_int_eq(sock_accept(-1, &from, &len), -EBADF);
    ck_assert_int_eq(sock_accept_error(-EAGAIN), SOCK_AGAIN);
    ck_assert_int_eq(sock_accept_error(-ECONNABORTED), SOCK_NEXT);
    ck_assert_int_eq(sock_accept_error(-EINTR), SOCK_NEXT);
    ck_assert_int_eq(sock_accept_error(-EPROTO), SOCK_NEXT);
    ck_assert_int_eq(sock_accept_error(-ENETUNREACH), SOCK_NEXT);
    ck_assert_int_eq(sock_accept_error(-EMFILE), SOCK_PAUSE);
    ck_assert_int_eq(sock_accept_error(-ENFILE), SOCK_PAUSE);
    ck_assert_int_eq(sock_accept_error(-ENOBUFS), SOCK_PAUSE);
    ck_assert_int_eq(sock_accept_error(-ENOMEM), SOCK_PAUSE);
    ck_assert_int_eq(sock_accept_error(-EINVAL), SOCK_BROKEN);
    ck_assert_int_eq(sock_accept_error(-EOPNOTSUPP), SOCK_BROKEN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event/sock");
    TCase *tc = tcase_create("text");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, good_spellings, 0, (int)array_len(good));
    tcase_add_loop_test(tc, mistakes, 0, (int)array_len(bad));
    tcase_add_test(tc, limits_of_length);
    tcase_add_test(tc, same);
    tcase_add_test(tc, overlaps);
    tcase_add_test(tc, texts_of_peers);
    tcase_add_test(tc, errors_of_accept);
    suite_add_tcase(suite, tc);

    tc = tcase_create("inet");
    tcase_add_test(tc, listen_once);
    tcase_add_test(tc, listen_shares_one_port);
    tcase_add_test(tc, listen_any);
    tcase_add_test(tc, explicit_ipv6_takes_no_ipv4);
    tcase_add_test(tc, an_address_may_come_up_later);
    suite_add_tcase(suite, tc);

    tc = tcase_create("unix");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, listen_on_a_path);
    tcase_add_test(tc, a_full_backlog_is_in_use);
    tcase_add_test(tc, what_is_no_socket_stays);
    tcase_add_test(tc, a_datagram_socket_is_in_use);
    tcase_add_test(tc, abstract_names);
    suite_add_tcase(suite, tc);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
