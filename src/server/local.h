/* local.h - what an engine keeps for kinds of handlers: exchange_local() and the like are in
 * handler/handler.h. The engine's thread. */
#ifndef MUXD_SERVER_LOCAL_H
#define MUXD_SERVER_LOCAL_H

struct engine;

void local_init(struct engine *e);
/* It ticks no more. */
void local_stop(struct engine *e);
/* Frees all, after the last exchange; the engine's thread has ended. */
void local_done(struct engine *e);

#endif
