/* thread.h - threads beside the main one and the loops. Any thread. */
#ifndef MUXD_EVENT_THREAD_H
#define MUXD_EVENT_THREAD_H

#include <pthread.h>

#include "base/def.h"

/*
 * Starts fn(arg) on a thread that takes no signals: those are the main thread's. The ones that a
 * fault raises in the thread itself stay, since the kernel kills without calling the handler when
 * they are blocked. `stack`: bytes, 0: the default. 0 or -errno.
 */
int thread_start(pthread_t *ret, size_t stack, void *(*fn)(void *), void *arg) MUST_USE;

#endif
