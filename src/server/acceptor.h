/*
 * acceptor.h - one engine's part of a listener: where it accepts, and what its connections refer
 * to. Made and freed by the main thread; in between the engine's.
 *
 * Accepting pauses for want of descriptors or memory as in Go's net/http, 5 ms doubling to 1 s.
 * Who comes while a bound is reached (bounds.h) gets its answer at once, up to so many a second.
 */
#ifndef MUXD_SERVER_ACCEPTOR_H
#define MUXD_SERVER_ACCEPTOR_H

#include "config/config.h"
#include "event/loop.h"

struct engine;
struct listener;

struct acceptor {
    struct list node; /* engine.acceptors, or engine.next_acceptors */
    struct watch watch;
    struct timer pause; /* set while accepting rests */
    int64_t backoff;    /* ns of the last pause; 0: the last accept succeeded */
    bool starved;       /* an episode of pauses, of which one line is logged */
    struct engine *engine;
    struct listener *listener;        /* the main thread's */
    const struct conf_listener *conf; /* in this loop's view; of a closed one: in the last it had */
    unsigned i;                       /* on its fds[i] */
    bool closed;                      /* it accepts no more, and goes with its last connection */
    unsigned n_conns;
    struct letter gone; /* engine -> main */
};

/* For l->fds[i]. The main thread. NULL without memory. */
struct acceptor *acceptor_new(struct engine *e, struct listener *l, unsigned i);
/* That has not begun. The main thread. */
void acceptor_free(struct acceptor *a);

/* The engine's loop. */
void acceptor_begin(struct acceptor *a);
/* What the kernel has completed is accepted too, and then no more. */
void acceptor_end(struct acceptor *a);
/* At once. */
void acceptor_stop(struct acceptor *a);
/* Called when the memory of one of its connections goes. */
void acceptor_conn_gone(struct acceptor *a);
/* A descriptor is free again: accepts now, if it paused. */
void acceptor_resume(struct acceptor *a);

#endif
