/* notify_test.c - what a service manager is told, datagram by datagram, and the sockets it hands
 * over. Without libsystemd: that it is told nothing. */
#include "server/notify.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "config.h"

static int manager; /* $NOTIFY_SOCKET, a name of the abstract kind */

static void set_up(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char name[64];

    int n = snprintf(name, sizeof name, "@muxd-notify-test-%d", (int)getpid());
    memcpy(un.sun_path + 1, name + 1, (size_t)n - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&un, len), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void tear_down(void)
{
    close(manager);
}

/* The next datagram, or "" when there is none: a sender on this machine never lets one wait. */
static const char *told(void)
{
    static char text[8192];
    ssize_t n = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

#ifdef HAVE_SYSTEMD

START_TEST(states)
{
    notify_ready();
    ck_assert_str_eq(told(), "READY=1");
    notify_stopping();
    ck_assert_str_eq(told(), "STOPPING=1");
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(reloading)
{
    int64_t before = clock_mono() / 1000, at = 0;
    int end = 0;

    notify_reloading();
    const char *text = told();
    ck_assert_msg(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%" SCNd64 "%n", &at, &end) == 1 &&
                      text[end] == '\0',
                  "%s", text);
    ck_assert_int_ge(at, before);
    ck_assert_int_le(at, clock_mono() / 1000);
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(status_line)
{
    notify_status("serving; %d connections", 3);
    ck_assert_str_eq(told(), "STATUS=serving; 3 connections");
    notify_status("%s", "");
    ck_assert_str_eq(told(), "STATUS=");
    notify_status("a\nREADY=1\r\x7f%%");
    ck_assert_str_eq(told(), "STATUS=a READY=1  %");
    notify_status("/srv/\xC3\xA9t\xE9/\xE2\x82");
    ck_assert_str_eq(told(), "STATUS=/srv/\xC3\xA9t?/??");
}
END_TEST

/* A character of 1 to 4 bytes (_i + 1) at each place around the end. */
START_TEST(long_status_line)
{
    static const char *const characters[] = { "x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
    const char *c = characters[_i];
    size_t len = strlen(c);

    for (size_t before = NOTIFY_STATUS_MAX - 5; before <= NOTIFY_STATUS_MAX + 1; before++) {
        char text[NOTIFY_STATUS_MAX + 32], want[NOTIFY_STATUS_MAX + 32];
        size_t n = before + len <= NOTIFY_STATUS_MAX ? before + len
                                                     : min_of(before, (size_t)NOTIFY_STATUS_MAX);
        memset(text, 'a', before);
        memcpy(text + before, c, len + 1);
        snprintf(want, sizeof want, "STATUS=%.*s", (int)n, text);
        notify_status("%s", text);
        ck_assert_str_eq(told(), want);
        ck_assert_str_eq(told(), "");
    }
}
END_TEST

/* Nothing waits for it; READY=1 comes with the first status that it has room for. */
START_TEST(manager_that_does_not_read)
{
    for (int i = 0; i < 1000; i++)
        notify_status("%d", i);
    notify_ready();
    int held = 0;
    for (const char *text; (text = told())[0] != '\0'; held++)
        ck_assert_msg(strncmp(text, "STATUS=", 7) == 0, "%s", text);
    ck_assert_int_gt(held, 0);
    ck_assert_int_lt(held, 1000);
    notify_status("again");
    ck_assert_str_eq(told(), "READY=1");
    ck_assert_str_eq(told(), "STATUS=again");
    notify_status("once");
    ck_assert_str_eq(told(), "STATUS=once");
}
END_TEST

START_TEST(no_manager)
{
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    notify_reloading();
    notify_status("nobody listens");
    ck_assert_str_eq(told(), "");
}
END_TEST

/* What a service finds from descriptor 3 on: a listening socket "web", another, and one "data" that
 * does not listen. Only in a process of its own. */
static void inherit(void)
{
    char pid[32];
    int fds[3];

    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (i < 2)
            (void)listen(fds[i], 1);
        fds[i] = fcntl(fds[i], F_DUPFD, 10);
    }
    for (int i = 0; i < 3; i++)
        dup2(fds[i], 3 + i);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "3", 1);
    setenv("LISTEN_FDNAMES", "web:web:data", 1);
}

/* 0, or the line that was not so. */
#define so(cond)                                                                                   \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return __LINE__;                                                                       \
    } while (0)

static int take_inherited(void)
{
    int fds[4];

    inherit();
    for (int round = 0; round < 3; round++) { /* given up, wanted again */
        so(notify_listen_fds("web", fds, 4) == 2);
        for (int i = 0; i < 2; i++) {
            so(fds[i] > 5);
            so(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
            so(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
            so(fcntl(3 + i, F_GETFD) & FD_CLOEXEC);
            so(close(fds[i]) == 0);
        }
    }
    so(notify_listen_fds("web", fds, 1) == -E2BIG);
    so(notify_listen_fds("other", fds, 4) == -ENOENT);
    so(notify_listen_fds("data", fds, 4) == -ENOTSOCK);
    /* One of them went bad: none is handed over, none leaks. */
    setenv("LISTEN_FDNAMES", "web:web:web", 1);
    int next = dup(0);
    close(next);
    so(notify_listen_fds("web", fds, 4) == -ENOTSOCK);
    so(dup(0) == next);
    return 0;
}

START_TEST(inherited)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        int line = take_inherited();
        if (line != 0)
            fprintf(stderr, "%s:%d: not so\n", __FILE__, line);
        _exit(line != 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(nothing_inherited)
{
    int fds[1];

    ck_assert_int_eq(notify_listen_fds("web", fds, 1), -ENOENT);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, states);
    tcase_add_test(tc, reloading);
    tcase_add_test(tc, status_line);
    tcase_add_loop_test(tc, long_status_line, 0, 4);
    tcase_add_test(tc, manager_that_does_not_read);
    tcase_add_test(tc, no_manager);
    tcase_add_test(tc, inherited);
    tcase_add_test(tc, nothing_inherited);
}

#else

START_TEST(nothing)
{
    int fds[1];

    notify_ready();
    notify_reloading();
    notify_stopping();
    notify_status("%d", 1);
    ck_assert_str_eq(told(), "");
    ck_assert_int_eq(notify_listen_fds("web", fds, 1), -ENOSYS);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, nothing);
}

#endif

int main(void)
{
    Suite *suite = suite_create("server/notify");
    TCase *tc = tcase_create("notify");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    add_tests(tc);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
