/* listener_test.c - listening sockets of every kind: one per engine, refused when taken. */
#include "server/listener.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/server/daemon.h"

static struct conf_listener conf_of(const char *text)
{
    struct conf_listener conf = { .name = STR("l"), .address_text = str_of(text) };
    const char *why = "";

    ck_assert_msg(sock_parse(str_of(text), &conf.address, &why) == 0, "%s: %s", text, why);
    return conf;
}

static bool is_listening(int fd)
{
    int yes = 0;
    socklen_t len = sizeof yes;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes &&
           (fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* Opens for 3 engines, is refused a second time, and can be opened again after a close. */
static void check_inet(const char *format)
{
    struct listener l, second;
    char text[64];

    snprintf(text, sizeof text, format, free_port());
    struct conf_listener conf = conf_of(text);
    ck_assert_int_eq(listener_open(&l, &conf, 3, false), 0);
    ck_assert_uint_eq(l.n_fds, 3);
    ck_assert(!l.shared);
    for (unsigned i = 0; i < 3; i++) {
        int yes = 0;
        socklen_t len = sizeof yes;
        ck_assert(is_listening(l.fds[i]));
        getsockopt(l.fds[i], SOL_SOCKET, SO_REUSEPORT, &yes, &len);
        ck_assert_int_eq(yes, 1);
    }
    ck_assert_int_eq(listener_open(&second, &conf, 3, false), -EADDRINUSE);
    listener_close(&second);
    listener_close(&l);
    listener_close(&l);
    ck_assert_int_eq(listener_open(&l, &conf, 1, false), 0);
    ck_assert_uint_eq(l.n_fds, 1);
    ck_assert(!l.shared);
    listener_close(&l);
}

START_TEST(inet)
{
    check_inet("127.0.0.1:%u");
}
END_TEST

START_TEST(inet6)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool there = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof in6) == 0;

    close(fd);
    if (there)
        check_inet("[::1]:%u");
}
END_TEST

START_TEST(any)
{
    check_inet("*:%u");
}
END_TEST

START_TEST(unix_socket)
{
    struct listener l, second;
    char text[128];
    const char *path = text + 5;

    snprintf(text, sizeof text, "unix:%s/socket", test_dir());
    struct conf_listener conf = conf_of(text);
    ck_assert_int_eq(listener_open(&l, &conf, 3, false), 0);
    ck_assert_uint_eq(l.n_fds, 1);
    ck_assert(l.shared);
    ck_assert(is_listening(l.fds[0]));
    ck_assert_int_eq(listener_open(&second, &conf, 3, false), -EADDRINUSE);
    ck_assert_int_eq(access(path, F_OK), 0); /* the refused one took nothing away */
    int fd = client_open();
    close(fd);
    listener_close(&l);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* Who has connected can be accepted, nobody else comes; and what is at the path then stays. */
START_TEST(hidden)
{
    struct listener l, next;
    char text[128];

    snprintf(text, sizeof text, "unix:%s/socket", test_dir());
    struct conf_listener conf = conf_of(text);
    ck_assert_int_eq(listener_open(&l, &conf, 1, false), 0);
    int client = client_open();
    listener_hide(&l);
    listener_hide(&l);
    ck_assert_int_eq(access(text + 5, F_OK), -1);
    int fd = accept(l.fds[0], NULL, NULL);
    ck_assert_int_ge(fd, 0);
    close(fd);
    close(client);
    ck_assert_int_eq(listener_open(&next, &conf, 1, false), 0);
    listener_close(&l);
    ck_assert_int_eq(access(text + 5, F_OK), 0);
    listener_close(&next);
    ck_assert_int_eq(access(text + 5, F_OK), -1);
}
END_TEST

START_TEST(stale_socket_file)
{
    struct listener l;
    char text[128];

    snprintf(text, sizeof text, "unix:%s/socket", test_dir());
    struct conf_listener conf = conf_of(text);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, &conf.address.sa, conf.address.len), 0);
    close(fd); /* its file stays */
    ck_assert_int_eq(access(text + 5, F_OK), 0);
    ck_assert_int_eq(listener_open(&l, &conf, 1, false), 0);
    ck_assert(!l.shared);
    listener_close(&l);
}
END_TEST

START_TEST(no_socket_file)
{
    struct listener l;
    char text[128];

    snprintf(text, sizeof text, "unix:%s/socket", test_dir());
    struct conf_listener conf = conf_of(text);
    int fd = open(text + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(listener_open(&l, &conf, 1, false), -EEXIST);
    listener_close(&l);
    ck_assert_int_eq(access(text + 5, F_OK), 0);
    unlink(text + 5);
}
END_TEST

START_TEST(abstract)
{
    struct listener l, second;
    char text[64];

    snprintf(text, sizeof text, "unix:@muxd-test-%d", (int)getpid());
    struct conf_listener conf = conf_of(text);
    ck_assert_int_eq(listener_open(&l, &conf, 2, false), 0);
    ck_assert(l.shared);
    ck_assert_int_eq(listener_open(&second, &conf, 2, false), -EADDRINUSE);
    listener_close(&second);
    listener_close(&l);
}
END_TEST

/* Not under a service manager. */
START_TEST(inherited)
{
    struct conf_listener conf = conf_of("systemd:web");
    struct listener l;

    unsetenv("LISTEN_FDS");
    ck_assert_int_lt(listener_open(&l, &conf, 2, false), 0);
    listener_close(&l);
    listener_close(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server/listener");
    TCase *tc = tcase_create("listener");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, inet);
    tcase_add_test(tc, inet6);
    tcase_add_test(tc, any);
    tcase_add_test(tc, unix_socket);
    tcase_add_test(tc, hidden);
    tcase_add_test(tc, stale_socket_file);
    tcase_add_test(tc, no_socket_file);
    tcase_add_test(tc, abstract);
    tcase_add_test(tc, inherited);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
