/*
 * rig.h - one engine with a config, whose turns are the test's to run: rig.engine.loop. The
 * server around it serves nothing. One at a time; one thread.
 */
#ifndef TESTS_SUPPORT_SERVER_RIG_H
#define TESTS_SUPPORT_SERVER_RIG_H

#include "server/change.h"
#include "server/server.h"

struct rig {
    struct engine engine;
    struct bounds bounds; /* of that engine alone, too */
    struct change change; /* of that engine alone */
    struct server *server;
};

extern struct rig rig;

/* The engine serves the config in `text`; the first "%s" in it is test_dir(). */
void rig_start(const char *text);
/* One with time-outs of one to five hours, low rates, and routes /a, /read, /big, /off. */
void rig_start_usual(void);
/* It serves another: the new config, or NULL if that was refused. */
struct config *rig_change(const char *text);
/* Turns without waiting, of the engine and of the main thread. */
void rig_turns(int n);
/* Ends the connections, and requires that nothing is left. */
void rig_stop(void);
/* Its first acceptor, for conn_open(). */
struct acceptor *rig_acceptor(void);
/* A connection by that acceptor, and its peer's end of a socket pair; non-blocking where the test
 * is both sides. */
struct conn *rig_conn(int *ret_peer);
/* What has arrived there; NUL-terminated, till the next call. `*ret_end`: and then the end. */
const char *rig_received(int peer, bool *ret_end);

#define assert_starts(text, with)                                                                  \
    do {                                                                                           \
        const char *t_ = (text);                                                                   \
        ck_assert_msg(strncmp(t_, with, strlen(with)) == 0, "got: %.200s", t_);                    \
    } while (0)

#endif
