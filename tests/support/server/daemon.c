/* daemon.c - see daemon.h. */
#include "tests/support/server/daemon.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"

#define PATIENCE 30 /* seconds */

static char dir[64];
static pid_t dir_owner;
static struct server *server;
static pthread_t thread;
static bool running;
static int status;

static void remove_dir(void)
{
    char path[sizeof dir + 16];

    if (dir_owner != getpid())
        return;
    snprintf(path, sizeof path, "%s/socket", dir);
    unlink(path);
    rmdir(dir);
}

const char *test_dir(void)
{
    if (dir_owner != getpid()) {
        snprintf(dir, sizeof dir, "/tmp/muxd-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        dir_owner = getpid();
        atexit(remove_dir);
    }
    return dir;
}

struct config *test_config(const char *text)
{
    return test_config_after(text, NULL);
}

struct config *test_config_after(const char *text, const struct config *before)
{
    const char *at = strstr(text, "%s"), *rest = at != NULL ? at + 2 : NULL;
    struct config *config = NULL;
    struct arena arena;
    struct report report;
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/conf", test_dir());
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs("log_level = \"error\"; ", f);
    if (at != NULL)
        fprintf(f, "%.*s%s%s", (int)(at - text), text, test_dir(), rest);
    else
        fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
    arena_init(&arena, MIB(1));
    report_init(&report, &arena);
    int r = config_load(path, &(struct load_options){ .before = before }, &report, &config);
    list_each (item, &report.items, struct report_item, node)
        fprintf(stderr, "%.*s", str_fmt(report_text(item, true, &arena)));
    arena_done(&arena);
    unlink(path);
    ck_assert_int_eq(r, 0);
    return config;
}

/* ---- the server */

static void *daemon_main(void *arg)
{
    (void)arg;
    status = server_run(server);
    return NULL;
}

void daemon_start(const char *text)
{
    log_init(LOG_LEVEL_ERROR);
    ck_assert_int_eq(server_new(test_config(text), &server), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, daemon_main, NULL), 0);
    running = true;
}

void daemon_term(void)
{
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
}

void daemon_await_end(void)
{
    if (running)
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    running = false;
}

int daemon_join(void)
{
    daemon_await_end();
    ck_assert(server_free(server));
    server = NULL;
    return status;
}

void daemon_stop(void)
{
    daemon_term();
    ck_assert_int_eq(daemon_join(), 0);
}

/* ---- clients */

static int client(const struct sockaddr *addr, socklen_t len)
{
    struct timeval patience = { .tv_sec = PATIENCE };
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(connect(fd, addr, len), 0);
    return fd;
}

int client_open(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    snprintf(un.sun_path, sizeof un.sun_path, "%s/socket", test_dir());
    return client((struct sockaddr *)&un, sizeof un);
}

int client_open_tcp(unsigned port)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    return client((struct sockaddr *)&in, sizeof in);
}

void client_send(int fd, const char *text)
{
    size_t n = strlen(text);

    ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

void client_get(int fd, const char *target)
{
    char text[256];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    client_send(fd, text);
}

static void take_byte(int fd, char *to)
{
    ck_assert_msg(recv(fd, to, 1, 0) == 1, "the response is not whole: %s", strerror(errno));
}

const char *client_response(int fd)
{
    static char text[KIB(64)];
    size_t n = 0, body = 0;

    while (n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(n, sizeof text - 1);
        take_byte(fd, text + n++);
    }
    text[n] = '\0';
    const char *length = strstr(text, "\r\nContent-Length: ");
    if (length != NULL)
        body = strtoul(length + 18, NULL, 10);
    ck_assert_uint_lt(n + body, sizeof text);
    for (; body > 0; body--)
        take_byte(fd, text + n++);
    text[n] = '\0';
    return text;
}

const char *client_ask(int fd, const char *target)
{
    client_get(fd, target);
    return client_response(fd);
}

size_t client_drain(int fd, int *ret_error)
{
    static char drop[KIB(64)];
    size_t total = 0;
    ssize_t n;

    while ((n = recv(fd, drop, sizeof drop, 0)) > 0)
        total += (size_t)n;
    *ret_error = n < 0 ? errno : 0;
    ck_assert_msg(n == 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
    return total;
}

void client_await_close(int fd)
{
    struct pollfd p = { .fd = fd, .events = 0 };

    ck_assert_int_eq(poll(&p, 1, PATIENCE * 1000), 1);
}

void client_reset(int fd)
{
    struct linger hard = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

unsigned free_port(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    close(fd);
    return ntohs(in.sin_port);
}
