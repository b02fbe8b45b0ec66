/* daemon.h - serves a config in the foreground until a signal ends it. The thread of main(). */
#ifndef MUXD_COMMAND_DAEMON_H
#define MUXD_COMMAND_DAEMON_H

#include "config/config.h"
#include "server/server.h"

/* Takes over the reference. listening(s, arg), unless NULL, is called when all addresses are open
 * and nobody is served yet. What fails is logged. An exit status; it may not come back. */
int daemon_run(struct config *config, void (*listening)(const struct server *s, void *arg),
               void *arg);

#endif
