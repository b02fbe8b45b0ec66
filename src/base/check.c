/* check.c - reports a broken invariant and dies by SIGABRT. Async-signal-safe; any thread. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void (*check_panic_hook)(void);

void check_failed(const char *what, const char *file, int line, const char *func)
{
    static _Thread_local bool failing;
    char text[512];

    int n = snprintf(text, sizeof text, "muxd: panic: %s: failed in %s() at %s:%d\n", what, func,
                     file, line);
    if (n > 0)
        (void)!write(STDERR_FILENO, text, min_of((size_t)n, sizeof text - 1));
    if (!failing && check_panic_hook != NULL) {
        failing = true;
        check_panic_hook();
    }
    abort();
}
