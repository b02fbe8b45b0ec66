/*
 * fault.c - makes the daemon's N-th allocation fail, when MUXD_TEST_FAULT asks for it; see
 * README.md. Any thread.
 *
 * The linker puts these functions in the place of the ones they are named after (--wrap), for the
 * objects of muxd alone: what libraries allocate for themselves never fails here. So a sanitizer's
 * allocator is below, like any other. Nothing counts before server_new(): libconfig 1.5 does not
 * look whether it got memory, and reading a config is exempt.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/str.h"
#include "server/server.h"

/* Written before main() and in server_new(), both before the first thread. */
static enum { OFF, START, ALLOC } fault; /* START: the main thread's; ALLOC: all others' */
static unsigned long first, last;        /* of those that fail */
static bool serving;
static pthread_t main_thread;

static _Atomic unsigned long n_calls;

/* Whether this call is to fail. */
static bool fails(const char *what, size_t n)
{
    char line[96];

    if (!serving || fault == OFF)
        return false;
    if ((fault == START) != (pthread_equal(pthread_self(), main_thread) != 0))
        return false;
    unsigned long call = atomic_fetch_add(&n_calls, 1) + 1;
    if (call < first || call > last)
        return false;
    int len = snprintf(line, sizeof line, "test: fault %lu: %s %zu\n", call, what, n);
    (void)!write(STDERR_FILENO, line, (size_t)len);
    return true;
}

/* The linker's names. */
#define WRAP(type, name, args)                                                                     \
    type __real_##name args;                                                                       \
    type __wrap_##name args;                                                                       \
    type __wrap_##name args

/* What the wrapped function gives when it fails. */
static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static int no_room(int error)
{
    errno = error;
    return -1;
}

WRAP(void *, malloc, (size_t n))
{
    return fails("malloc", n) ? no_memory() : __real_malloc(n);
}

WRAP(void *, calloc, (size_t n, size_t size))
{
    return fails("calloc", n * size) ? no_memory() : __real_calloc(n, size);
}

WRAP(void *, realloc, (void *p, size_t n))
{
    return fails("realloc", n) ? no_memory() : __real_realloc(p, n);
}

WRAP(void *, reallocarray, (void *p, size_t n, size_t size))
{
    return fails("reallocarray", n * size) ? no_memory() : __real_reallocarray(p, n, size);
}

WRAP(void *, aligned_alloc, (size_t align, size_t n))
{
    return fails("aligned_alloc", n) ? no_memory() : __real_aligned_alloc(align, n);
}

WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg))
{
    return fails("pthread_create", 0) ? EAGAIN : __real_pthread_create(thread, attr, run, arg);
}

WRAP(int, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event))
{
    if (op == EPOLL_CTL_ADD && fails("epoll_ctl", 0))
        return no_room(ENOMEM);
    return __real_epoll_ctl(epoll, op, fd, event);
}

WRAP(int, epoll_create1, (int flags))
{
    return fails("epoll_create1", 0) ? no_room(EMFILE) : __real_epoll_create1(flags);
}

WRAP(int, eventfd, (unsigned count, int flags))
{
    return fails("eventfd", 0) ? no_room(EMFILE) : __real_eventfd(count, flags);
}

WRAP(int, signalfd, (int fd, const sigset_t *mask, int flags))
{
    return fails("signalfd", 0) ? no_room(EMFILE) : __real_signalfd(fd, mask, flags);
}

WRAP(int, server_new, (struct config * config, struct server **ret))
{
    serving = true;
    return __real_server_new(config, ret);
}

/* WHERE:N or WHERE:N+COUNT */
__attribute__((constructor)) static void choose_fault(void)
{
    const char *spec = getenv("MUXD_TEST_FAULT");
    char *end;

    if (spec == NULL)
        return;
    main_thread = pthread_self();
    if (strncmp(spec, "start:", 6) == 0)
        fault = START;
    else if (strncmp(spec, "alloc:", 6) == 0)
        fault = ALLOC;
    else
        abort();
    first = strtoul(spec + 6, &end, 10);
    last = first + (*end == '+' ? strtoul(end + 1, &end, 10) : 1) - 1;
    if (*end != '\0')
        abort();
}

__attribute__((destructor)) static void print_calls(void)
{
    if (fault != OFF)
        fprintf(stderr, "test: fault: %lu calls\n", atomic_load(&n_calls));
}
