/*
 * check.h - assertions that stay on in production, and magic numbers.
 *
 * check()       an invariant of the program. Never for input from outside.
 * check_slow()  the same, where testing it costs: only with -DMUXD_SLOW_CHECKS.
 * A struct that travels through a void * or a callback begins with
 * `uint32_t magic` and is checked where it arrives (check_magic).
 *
 * A failed check prints what failed, calls the panic hook (which tells what
 * this thread was serving) and aborts. Any thread.
 */
#ifndef MUXD_BASE_CHECK_H
#define MUXD_BASE_CHECK_H

#include "base/def.h"

__attribute__((noreturn, cold)) void check_failed(const char *what, const char *file, int line,
                                                  const char *func);

/* Called once by a failing check, on the failing thread, before abort(). Set before the first
 * thread is started; must be async-signal-safe. */
extern void (*check_panic_hook)(void);

#define check(cond)                                                                                \
    do {                                                                                           \
        if (unlikely(!(cond)))                                                                     \
            check_failed(#cond, __FILE__, __LINE__, __func__);                                     \
    } while (0)

/* A place that cannot be reached. */
#define check_never(what) check_failed(what, __FILE__, __LINE__, __func__)

#ifdef MUXD_SLOW_CHECKS
#define check_slow(cond) check(cond)
#else
#define check_slow(cond)                                                                           \
    do {                                                                                           \
        (void)sizeof(cond);                                                                        \
    } while (0)
#endif

#define check_magic(ptr, number) check((ptr) != NULL && (ptr)->magic == (number))

#endif
