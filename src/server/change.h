/*
 * change.h - from the config that is served to another, whole or not at all:
 *
 *   change_prepare()   opens what is new, finds memory for everything; may fail and then leaves all
 *                      as it was
 *   change_commit()    cannot fail; tells the engines
 *   change_switched()  when the last engine has switched, lets go of what only the old config had
 *
 * The main thread. One change at a time.
 */
#ifndef MUXD_SERVER_CHANGE_H
#define MUXD_SERVER_CHANGE_H

#include "server/accesslog.h"
#include "server/engine.h"
#include "server/listener.h"
#include "server/registry.h"

struct change {
    struct engine *engines;
    unsigned n_engines;
    struct registry registry;
    struct list listeners;      /* struct listener; closed ones that still have connections too */
    struct config *config;      /* that is served, counted; NULL before the first */
    struct config *from;        /* that was; counted until the engines have switched */
    struct config *to;          /* between prepare and commit */
    struct list opened;         /* likewise: listeners for `to` */
    struct accesslog *log;      /* of `config`, or NULL */
    struct accesslog *from_log; /* that was, until the engines have switched; or NULL */
    struct accesslog *to_log;   /* between prepare and commit; may be `log` */
    struct list ending;         /* struct accesslog that nobody adds to any more */
    unsigned n_ending;
    unsigned n_switching; /* engines that have not answered */
};

void change_init(struct change *c, struct loop *loop, struct engine *engines, unsigned n);
/* Takes over one reference of `to`, and `log`, opened for it (NULL: it wants none, or the one there
 * is), whatever comes. 0, or -errno, and what failed is logged; the number of errors in
 * *ret_errors. */
int change_prepare(struct change *c, struct config *to, struct accesslog *log,
                   unsigned *ret_errors) MUST_USE;
/* `running`: the engines have threads, so they get letters; else they switch at once. */
void change_commit(struct change *c, bool running);
/* An engine says so. true: it was the last. */
bool change_switched(struct change *c);
/* Once in a while: what hangs, or has ended meanwhile. */
void change_look(struct change *c);
/* A closed acceptor has no connection left. */
void change_acceptor_gone(struct acceptor *a);
/* The engines are going to accept no more. */
void change_hide_listeners(struct change *c);
/* After the end of the engines: writes what is left of the access logs. false: not by `deadline`; a
 * writer hangs. */
bool change_end_logs(struct change *c, int64_t deadline);
/* And then lets go of the config. What that frees comes by letters. */
void change_end(struct change *c);
/* After the last letter. */
void change_done(struct change *c);

#endif
