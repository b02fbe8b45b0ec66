/*
 * engine.h - one loop and everything that belongs to it: connections, accepting, caches, counters,
 * a view of the config. One thread per engine; nothing here is shared but what atomics mark.
 *
 * Other threads reach an engine by letters only. `stats` is written by the engine and may be read
 * by any thread (relaxed): each counter is one atomic word.
 */
#ifndef MUXD_SERVER_ENGINE_H
#define MUXD_SERVER_ENGINE_H

#include <semaphore.h>

#include "base/buf.h"
#include "base/stats.h"
#include "config/config.h"
#include "event/loop.h"
#include "http/access.h"
#include "http/date.h"
#include "server/acceptor.h"
#include "server/bounds.h"

struct accesslog;
struct local;
struct server;
struct h1;

#define ENGINE_BUF_SIZE KIB(16) /* of a connection's input and output buffer */
#define ENGINE_CACHE_MAX 64     /* buffers, and protocol states, kept for reuse */

struct engine {
    uint32_t magic;
    unsigned index;
    struct loop loop;
    struct server *server;
    struct bounds *bounds; /* of all engines */
    struct config *config; /* this loop's view: alive until the switch to the next is reported */
    struct accesslog *accesslog; /* likewise, or NULL */
    pthread_t thread;
    sem_t ended; /* by the thread, last of all */
    bool started;
    bool draining;
    bool reported; /* the end of draining was posted */
    /* By what they wait for, the longest waiting first: for a request; for the peer's end; all
     * others. */
    struct list idle, lingering, conns;
    unsigned n_conns; /* in all of them */
    struct list acceptors;

    /* Free lists, last in first out: what was used last is in the cache. */
    char *bufs[ENGINE_CACHE_MAX];
    unsigned n_bufs;
    struct h1 *h1s[ENGINE_CACHE_MAX];
    unsigned n_h1s;

    struct local *locals; /* of kinds of handlers (local.h) */
    struct timer local_timer;

    struct access_clock log_clock;
    uint64_t last_id;         /* of an exchange; begins anywhere, so that ids of two differ */
    bool cutting;             /* what is closed now was not let go on */
    char date[HTTP_DATE_LEN]; /* of date_second */
    int64_t date_second;
    int64_t notes_second; /* engine_note() */
    unsigned notes, notes_dropped;

    struct conn *current; /* whose run() is on the stack, for the panic message */
    struct stats stats;

    unsigned asked;            /* server_ask_for_room(): how far away the engine was */
    _Atomic bool room_asked;   /* room_letter is on its way */
    struct letter room_letter; /* another engine -> engine */
    _Atomic unsigned posting;  /* threads inside exchange_resume() */
    /* The main thread's, until switch_letter is posted. */
    struct config *next;
    struct accesslog *next_log;
    struct list next_acceptors;
    struct letter switch_letter;   /* main -> engine: `next` is the view from now on */
    struct letter switched_letter; /* engine -> main */

    struct letter drain_letter; /* main -> engine */
    struct letter abort_letter; /* main -> engine: the drain is over */
    struct letter deaf_letter;  /* engine -> main: it accepts no more */
    struct letter ended_letter; /* engine -> main: no connection left */
};

int engine_init(struct engine *e, struct server *s, struct bounds *bounds, unsigned index) MUST_USE;
void engine_done(struct engine *e);
/* From the next switch on the engine accepts on l->fds[i]. The main thread, while no switch is
 * on its way. 0 or -ENOMEM. */
int engine_will_accept(struct engine *e, struct listener *l, unsigned i) MUST_USE;
/* Takes that back. */
void engine_will_not_accept(struct engine *e);
/*
 * Makes `next` the loop's view: requests that begin from now on are routed by it. Exchanges that
 * run keep the site they have. Listeners that `next` has not are left: what the kernel has accepted
 * for them is served, their connections end. On the engine's loop, by letter; or while it has no
 * thread.
 */
void engine_switch(struct engine *e);
int engine_start(struct engine *e) MUST_USE;
/* After loop_stop(): whether its thread has ended by then. One that was not started has. */
bool engine_join(struct engine *e, int64_t until);

/* Its thread has ended, the pools have not: stops accepting, closes all connections. What is lent
 * comes back in a turn after the pools have ended. */
void engine_cut(struct engine *e);

/* The engine whose thread this is, or NULL. */
struct engine *engine_self(void);

/* Date: of this turn. HTTP_DATE_LEN bytes. */
const char *engine_date(struct engine *e);

/* A bound is reached. Closes a connection that has its last answer and only lingers, or the one
 * that has been idle the longest, if that is long. */
bool engine_make_room(struct engine *e);

/* A buffer of ENGINE_BUF_SIZE for *b, whose maximum is set; -ENOMEM, also at the bound
 * (limits.buffers). Protocol states likewise. */
int engine_buf_take(struct engine *e, struct buf *b, size_t max) MUST_USE;
void engine_buf_give(struct engine *e, struct buf *b);
struct h1 *engine_h1_take(struct engine *e);
void engine_h1_give(struct engine *e, struct h1 *h);
/* The reason when there was no memory: the bound, or the machine. */
const char *engine_no_memory(const struct engine *e);

/* Called when a connection's memory goes. */
void engine_conn_gone(struct engine *e, struct acceptor *from);

/* Says in the log why a request was answered with 5xx, "503 reason=pool_full site=... route=...
 * id=...", or, with status 0, why its response was cut short, "cut reason=file_shrank ...". An
 * empty site or route is shown as "-". At most a few lines a second and engine; the number of the
 * others stands before the next one. */
void engine_note(struct engine *e, unsigned status, const char *reason, struct str site,
                 struct str route, uint64_t id);

#endif
