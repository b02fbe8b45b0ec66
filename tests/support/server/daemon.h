/*
 * daemon.h - a server in this process for a test: its config from a text, its main thread, clients
 * with blocking sockets. Whatever does not come within half a minute is a failure. One at a time.
 */
#ifndef TESTS_SUPPORT_SERVER_DAEMON_H
#define TESTS_SUPPORT_SERVER_DAEMON_H

#include "server/server.h"

/* A directory that goes with the process; ends in no slash. */
const char *test_dir(void);
/* Loads a config; the first "%s" in `text` is test_dir(). */
struct config *test_config(const char *text); /* which says nothing of log_level */
/* As a reload does: keeps what it can of `before`. */
struct config *test_config_after(const char *text, const struct config *before);

/* Starts, with all engines, as main() does. */
void daemon_start(const char *text);
/* TERM. */
void daemon_term(void);
/* Waits until the loops have ended. */
void daemon_await_end(void);
/* Waits for the end; what server_run() returned. Frees everything, which must be possible. */
int daemon_join(void);
/* Both. */
void daemon_stop(void);

/* Connected to test_dir()/socket, or to that port on 127.0.0.1. */
int client_open(void);
int client_open_tcp(unsigned port);
void client_send(int fd, const char *text);
/* "GET target HTTP/1.1" without body. */
void client_get(int fd, const char *target);
/* One response with its body, NUL-terminated, till the next call. The body must have a length. */
const char *client_response(int fd);
/* client_get() and client_response(). */
const char *client_ask(int fd, const char *target);
/* All until the end; how many bytes. *ret_error: 0, or ECONNRESET. */
size_t client_drain(int fd, int *ret_error);
/* Waits until the peer has closed. */
void client_await_close(int fd);
/* Closes so that the server sees a reset. */
void client_reset(int fd);
/* A port on 127.0.0.1 that is free now. */
unsigned free_port(void);

#endif
