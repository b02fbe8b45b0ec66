/* tally.c - see tally.h. The list grows only; a tally is pushed once, by whoever starts it first.
 */
#include "tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic(struct tally *) tallies;

static void say(const char *name, const char *fmt, va_list ap)
{
    char line[256];
    int n = snprintf(line, sizeof line - 1, "test: %s ", name);

    n += vsnprintf(line + n, sizeof line - 1 - (size_t)n, fmt, ap);
    n = min_of(n, (int)sizeof line - 2);
    line[n++] = '\n';
    (void)!write(STDERR_FILENO, line, (size_t)n);
}

void tally_say(const struct tally *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(t->name, fmt, ap);
    va_end(ap);
}

void tally_start(struct tally *t)
{
    unsigned n = atomic_fetch_add(&t->started, 1) + 1;

    if (!atomic_exchange(&t->known, true)) {
        t->next = atomic_load(&tallies);
        while (!atomic_compare_exchange_weak(&tallies, &t->next, t))
            ;
    }
    if (!t->quiet)
        tally_say(t, "started %u", n);
}

void tally_finish(struct tally *t)
{
    unsigned n = atomic_fetch_add(&t->finished, 1) + 1;

    if (!t->quiet)
        tally_say(t, "finished %u", n);
}

static void request_over(void *arg)
{
    tally_finish(arg);
}

void tally_request(struct tally *t, struct exchange *x)
{
    if (arena_on_reset(exchange_arena(x), request_over, t) == 0)
        tally_start(t);
}

/* At exit; not at _exit(), when work may well be lost. */
__attribute__((destructor)) static void print_totals(void)
{
    for (struct tally *t = atomic_load(&tallies); t != NULL; t = t->next)
        fprintf(stderr, "test: total %s started %u finished %u\n", t->name,
                atomic_load(&t->started), atomic_load(&t->finished));
}

void gate_wait(struct str path)
{
    int fd;

    if (path.n == 0)
        return;
    do
        fd = open(path.p, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd >= 0)
        close(fd);
}

enum step answer(struct exchange *x, const char *fmt, ...)
{
    struct response *res = exchange_response(x);
    struct str body;
    va_list ap;

    va_start(ap, fmt);
    body = arena_vprintf(exchange_arena(x), fmt, ap);
    va_end(ap);
    if (body.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    res->status = 200;
    if (response_add(res, STR("Content-Type"), STR("text/plain")) < 0)
        return exchange_fail(x, 503, "no_memory");
    exchange_body_bytes(x, body);
    return STEP_DONE;
}
