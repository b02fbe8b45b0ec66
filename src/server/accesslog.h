/*
 * accesslog.h - the access log: a line for each exchange as it ends, made on its loop, written by a
 * thread of its own (event/spool.h). One log outlives the snapshots that name the same file: two
 * writers would cut each other's lines in a pipe. The format is that of the loop's config.
 *
 * accesslog_add(): the loop. Everything else: the main thread, but accesslog_new(), which may be
 * held up by a file system: also the loader's.
 */
#ifndef MUXD_SERVER_ACCESSLOG_H
#define MUXD_SERVER_ACCESSLOG_H

#include "base/list.h"
#include "config/config.h"

struct exchange;

/* Immutable but for what is said otherwise. */
struct accesslog {
    struct list node; /* the owner's */
    struct spool *spool;
    bool hung;   /* and that was told; the main thread's */
    char path[]; /* empty: the standard output */
};

/* Opens the file. 0; -errno: cannot; or 0 with *ret NULL: the config wants none. */
int accesslog_new(const struct conf_access *conf, unsigned n_loops,
                  struct accesslog **ret) MUST_USE;
/* "stdout", or its path. */
const char *accesslog_name(const struct accesslog *a);
/* Says in the log that it could not be opened, or cannot be used yet. */
void accesslog_complain(const struct conf_access *conf, int error);
/* Starts the writer. 0 or -errno. */
int accesslog_start(struct accesslog *a) MUST_USE;
/* Whether one log will do for both. */
bool accesslog_same(const struct conf_access *a, const struct conf_access *b);

/* `cut`: why the response was not sent to its end, or NULL. */
void accesslog_add(struct accesslog *a, struct exchange *x, const char *cut);

/* The file is opened anew. NULL is fine. */
void accesslog_reopen(struct accesslog *a);
/* Once in a while: says when the writer hangs. NULL is fine. */
void accesslog_look(struct accesslog *a);
/* No loop has it any more: what is left is written until then. May be called again. */
void accesslog_stop(struct accesslog *a, int64_t deadline);
/* After that, or before the start: waits until then for the writer; true: it has ended, and `a` is
 * freed; false: to be called again. NULL is fine. */
bool accesslog_end(struct accesslog *a, int64_t until);

#endif
