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
#include <glob.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "server/server.h"

/* Written before main() and in server_new(), both before the first thread. */
static enum { OFF, START, ALLOC, ARENA } fault; /* START: the main thread's; else all others' */
static unsigned long first, last;               /* of those that fail */
static bool serving;
static pthread_t main_thread;

static _Atomic unsigned long n_calls;

/* Whether this call, in an arena or not, is to fail. */
static bool fails_in(bool arena, const char *what, size_t n)
{
    char line[96];

    if (!serving || fault == OFF || arena != (fault == ARENA))
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

static bool fails(const char *what, size_t n)
{
    return fails_in(false, what, n);
}

static bool arena_fails(struct arena *a, const char *what, size_t n)
{
    if (!fails_in(true, what, n))
        return false;
    a->failed = true;
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

WRAP(char *, strdup, (const char *s))
{
    return fails("strdup", strlen(s) + 1) ? no_memory() : __real_strdup(s);
}

WRAP(void *, tsearch, (const void *key, void **root, int (*cmp)(const void *, const void *)))
{
    return fails("tsearch", 0) ? no_memory() : __real_tsearch(key, root, cmp);
}

WRAP(int, glob, (const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *found))
{
    return fails("glob", 0) ? GLOB_NOSPACE : __real_glob(pattern, flags, on_error, found);
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

/* ---- arenas: most of what is asked of them fits in what they have */

WRAP(void *, arena_alloc, (struct arena * a, size_t n))
{
    return arena_fails(a, "arena_alloc", n) ? NULL : __real_arena_alloc(a, n);
}

WRAP(void *, arena_zalloc, (struct arena * a, size_t n))
{
    return arena_fails(a, "arena_zalloc", n) ? NULL : __real_arena_zalloc(a, n);
}

WRAP(void *, arena_array, (struct arena * a, size_t n, size_t size))
{
    return arena_fails(a, "arena_array", n * size) ? NULL : __real_arena_array(a, n, size);
}

WRAP(struct str, arena_str, (struct arena * a, struct str s))
{
    return arena_fails(a, "arena_str", s.n) ? STR_EMPTY : __real_arena_str(a, s);
}

WRAP(struct str, arena_vprintf, (struct arena * a, const char *fmt, va_list ap))
{
    return arena_fails(a, "arena_vprintf", 0) ? STR_EMPTY : __real_arena_vprintf(a, fmt, ap);
}

struct str __wrap_arena_printf(struct arena *a, const char *fmt, ...);
struct str __wrap_arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str s = __wrap_arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

WRAP(int, arena_on_reset, (struct arena * a, void (*fn)(void *arg), void *arg))
{
    return arena_fails(a, "arena_on_reset", 0) ? -ENOMEM : __real_arena_on_reset(a, fn, arg);
}

/* ---- when */

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
    else if (strncmp(spec, "arena:", 6) == 0)
        fault = ARENA;
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
