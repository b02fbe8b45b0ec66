/*
 * spool.h - lines of several threads into one file, written by a thread of its own ("muxd-log"),
 * so that no disk, pipe or full file system holds up who writes the log.
 *
 * Each producer has a ring of bounded size that only it fills; a line that finds no room is dropped
 * and counted. Lines are whole in the file, and those of one producer are in order. What cannot be
 * written stays in the rings and is tried again each second, until they are full.
 *
 * The file is opened anew when asked to (spool_reopen), and by itself: when there is something to
 * write, at most once a second, the path is looked at; if the file was moved away or deleted, a
 * line that is written in part is completed, then the path is opened. Only regular files are looked
 * at like that.
 *
 * spool_add(): one thread a producer. spool_reopen(), spool_stats(): any thread. Everything else:
 * the owner's. tell() is called on the writer's thread and must not call back.
 */
#ifndef MUXD_EVENT_SPOOL_H
#define MUXD_EVENT_SPOOL_H

#include "base/def.h"

struct spool;

enum spool_event {
    SPOOL_FAILED,        /* `error`, an errno: writing fails; once until SPOOL_RESUMED */
    SPOOL_RESUMED,       /* writing works again; `dropped`: lines since the last telling */
    SPOOL_DROPPED,       /* `dropped` lines since the last telling, though writing works: it is too
                            slow; once in 10 s. Also lines that were left when the spool ended. */
    SPOOL_REOPEN_FAILED, /* `error`: the path cannot be opened, the old file is written to; once
                            until it can, and for each spool_reopen() */
};

typedef void spool_tell_fn(void *arg, enum spool_event event, int error, uint64_t dropped);

#define SPOOL_RING_SIZE MIB(1)

struct spool_conf {
    const char *path;   /* copied; NULL: the standard output */
    unsigned producers; /* >= 1 */
    size_t ring_size;   /* bytes of each producer's ring, a power of 2; 0: SPOOL_RING_SIZE */
    spool_tell_fn *tell;
    void *arg; /* of tell() */
};

struct spool_stats {
    uint64_t lines, bytes; /* written */
    uint64_t queued;       /* lines in the rings */
    uint64_t dropped;      /* lines; those that were left when the spool ended among them */
    int64_t hung_for;      /* ns that the writer has made no progress in the system; 0: it does not
                              wait for it */
};

/*
 * Opens the file (mode 0640, if it makes it), which a file system may hold up: for a thread that
 * may be. A FIFO that nobody reads is refused, with -ENXIO. Starts nothing. 0 or -errno.
 */
int spool_new(const struct spool_conf *conf, struct spool **ret) MUST_USE;
/* Starts the writer; lines may be added before. 0 or -errno. */
int spool_start(struct spool *s) MUST_USE;

/* One line with its line feed. Never waits; the one system call that it may make wakes the writer.
 * false: there was no room, the line is dropped and counted. */
bool spool_add(struct spool *s, unsigned producer, const void *bytes, size_t n);

/* The writer soon opens the path anew; nothing happens to the standard output. */
void spool_reopen(struct spool *s);

void spool_stats(struct spool *s, struct spool_stats *ret);

/* Nobody adds any more: the writer writes what is there, and ends; until `deadline` (clock_mono())
 * it waits for a reader that is slow, not at all for a disk that is full. Lines that are left are
 * told of (SPOOL_DROPPED). May be called again, with another deadline. */
void spool_stop(struct spool *s, int64_t deadline);
/* After spool_stop(). Waits until then for the end of the writer: true, and all is freed; false:
 * nothing is, and it may be called again. NULL is fine, and so is one that was never started. */
bool spool_end(struct spool *s, int64_t until);

#endif
