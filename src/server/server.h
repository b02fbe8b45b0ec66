/*
 * server.h - the whole daemon: engines, listeners, pools, signals, its start and its end.
 *
 * The main thread has a loop of its own (signals, letters from engines, periodic looks) and serves
 * no connection. server_run() returns when all is drained.
 */
#ifndef MUXD_SERVER_SERVER_H
#define MUXD_SERVER_SERVER_H

#include "config/config.h"
#include "event/loop.h"

struct engine;
struct server;

/* Takes over the reference of `config`; no other may outlive the server. Opens the listeners; what
 * fails is logged. 0 or -errno. */
int server_new(struct config *config, struct server **ret) MUST_USE;
/* The address of the first listener as it came out (port 0 became one): SOCK_TEXT_MAX bytes. */
void server_address(const struct server *s, char *buf);
/* Serves until a signal ends it: 0; or -errno if it could not begin, which is logged. */
int server_run(struct server *s);
/* false: a thread is stuck (a loop, a worker, the loader, a log's writer), so nothing it may touch
 * was freed; the process is to end by _exit(). NULL is fine. */
bool server_free(struct server *s);

/* For engines. */
struct loop *server_loop(struct server *s);
/* On the loop of `asker`, which has no idle connection: another engine closes one of its own soon,
 * if it can. A different one each time. */
void server_ask_for_room(struct engine *asker);
/* On the main thread: an engine has another view; a closed acceptor has no connection left; an
 * engine accepts no more; it has no connection left. */
void server_engine_switched(struct letter *l);
void server_acceptor_gone(struct letter *l);
void server_engine_deaf(struct letter *l);
void server_engine_ended(struct letter *l);

#endif
