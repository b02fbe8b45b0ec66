/* thread.c - see thread.h. Any thread. */
#include "event/thread.h"

#include <limits.h>
#include <signal.h>

#include "base/check.h"

static void block_signals(sigset_t *ret_before)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    sigset_t blocked;

    sigfillset(&blocked);
    for (size_t i = 0; i < array_len(faults); i++)
        sigdelset(&blocked, faults[i]);
    check(pthread_sigmask(SIG_SETMASK, &blocked, ret_before) == 0);
}

int thread_start(pthread_t *ret, size_t stack, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t before;
    int r;

    r = pthread_attr_init(&attr);
    if (r != 0)
        return -r;
    /* A size it cannot take leaves the default. */
    if (stack > 0)
        pthread_attr_setstacksize(&attr, max_of(stack, (size_t)PTHREAD_STACK_MIN));
    block_signals(&before);
    r = pthread_create(ret, &attr, fn, arg);
    check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    pthread_attr_destroy(&attr);
    return -r;
}
