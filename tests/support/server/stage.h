/*
 * stage.h - handlers for tests of the server, and what a test holds them with. They register as
 * try_bytes, try_file, try_source, try_echo, try_read, try_offload, try_worker, try_later, try_die
 * (stage.c says what each does). All answer with the field "X-Query: " and the request's query, so
 * that a response can be told from another.
 *
 * The gate: a job that came to a worker waits in front of it while it is shut. Any thread.
 */
#ifndef TESTS_SUPPORT_SERVER_STAGE_H
#define TESTS_SUPPORT_SERVER_STAGE_H

#include "base/def.h"

#define STAGE_BYTE 'b' /* what bodies of try_bytes, try_file and try_source consist of */

void stage_shut(void);
void stage_open(void);
bool stage_is_shut(void);
/* For jobs of the test's own. */
void stage_pass(void);
/* Waits until n jobs stand in front of the gate. */
void stage_await_waiting(unsigned n);
unsigned stage_waiting(void);

/* What a job of try_worker waits for, if anything. */
enum stage_wait { STAGE_RUNS, STAGE_READS, STAGE_WRITES };
enum stage_wait stage_worker(void);

/* Resumes every exchange that try_later holds; how many. They may be resumed once they are told. */
unsigned stage_resume(void);
/* Waits until n exchanges are held. */
void stage_await_later(unsigned n);

/* Whether nobody waits any more for the first of them. */
bool stage_later_is_cancelled(void);

/* Requests whose memory is alive, requests so far, and calls of the steps that follow a wait. */
unsigned stage_alive(void);
unsigned stage_begun(void);
unsigned stage_thens(void);
/* Jobs that saw that nobody waits for them any more. */
unsigned stage_cancelled(void);
void stage_await_cancelled(unsigned n);
/* Waits until that many requests are alive. */
void stage_await_alive(unsigned n);

#endif
