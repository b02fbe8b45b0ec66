/*
 * tally.h - counts what test handlers begin and end, and tells it on standard error, so that a
 * scenario waits for an event instead of sleeping, and sees at exit that all work came back. Any
 * thread.
 */
#ifndef MUXD_TEST_TALLY_H
#define MUXD_TEST_TALLY_H

#include <stdatomic.h>

#include "handler/handler.h"

/* One per thing counted; static. */
struct tally {
    const char *name;
    bool quiet; /* only the totals at exit */
    _Atomic unsigned started, finished;
    _Atomic bool known; /* on the list of those whose totals are printed */
    struct tally *next;
};

void tally_start(struct tally *t);
void tally_finish(struct tally *t);
/* Counts the request: started now, finished when the exchange's memory is given back. */
void tally_request(struct tally *t, struct exchange *x);
/* "test: NAME what". */
void tally_say(const struct tally *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Blocks until somebody opens the FIFO for writing; at once if path is empty. On a worker. */
void gate_wait(struct str path);

/* Sets a text response of status 200. */
enum step answer(struct exchange *x, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
