/*
 * pool.h - a bounded pool of threads for whatever may block.
 *
 * Idle workers stand on a stack, the one that worked last on top (its caches are warm), and
 * each sleeps on a condition of its own, so a submit wakes exactly one. Threads are made on
 * demand up to `threads` and end after `idle` without work, the coldest first. When all are
 * busy, jobs queue up to `queue`; past that pool_submit() refuses. The bound in time is the
 * submitter's: it takes a job that waited too long out with pool_cancel().
 *
 * A share bounds how many jobs of one kind (a route) may be in pools, queued or running; it may
 * move from one pool to another.
 *
 * A job is lent: from a successful submit until job->done() is called the pool holds it and the
 * submitter only may call pool_cancel(). done() runs on the worker and is expected to post
 * a letter; after it returns the pool does not touch the job. A thread that dies in run()
 * (pthread_exit) still has its done() called, with job->died set, and is replaced.
 *
 * One mutex per pool; held for list work and to make a thread, never while run() or done() runs.
 * All functions: any thread.
 */
#ifndef MUXD_EVENT_POOL_H
#define MUXD_EVENT_POOL_H

#include <stdatomic.h>

#include "base/list.h"

struct pool;

struct pool_share {
    _Atomic unsigned max; /* 0: no bound but the pool's; may be changed at any time */
    _Atomic unsigned used;
};

struct job {
    void (*run)(struct job *job);  /* on a worker; may block */
    void (*done)(struct job *job); /* on the same worker, last */
    const char *name;              /* for pool_stats(); must outlive the job */
    struct pool_share *share;      /* or NULL */
    bool died;                     /* run() did not return */
    /* the pool's: */
    struct list node;
    int64_t submitted; /* clock_mono() */
    bool queued;
};

struct pool_conf {
    unsigned threads; /* at most; >= 1 */
    unsigned queue;   /* jobs that wait at most; 0: none waits */
    int64_t idle;     /* ns a worker without work stays; 0: not at all */
    size_t stack;     /* bytes of a worker's stack; 0: the system's default */
};

struct pool_stats {
    unsigned threads, idle, running, queued; /* threads == idle + running */
    unsigned stuck;                          /* running longer than asked for */
    char stuck_name[64];                     /* of the longest of them, copied; or empty */
    int64_t longest_run, longest_wait;       /* ns; of what runs and waits now */
    uint64_t submitted, refused, cancelled, finished, died;
};

/* `name` (copied) is the threads' name too. NULL without memory. */
struct pool *pool_new(const char *name, const struct pool_conf *conf);
/* Waits until all workers ended, at most until `deadline` (clock_mono()); queued jobs are run.
 * No submits from now on. true, and *p is freed; false: some did not end, nothing is freed, and
 * the process had better end. NULL is fine. */
bool pool_free(struct pool *p, int64_t deadline);

/* 0: lent. -EAGAIN: the queue is full. -EBUSY: the share is used up. -ESHUTDOWN. If no thread can
 * be made (EAGAIN of pthread_create) jobs wait for the workers there are; with none at all,
 * -ENOMEM.
 */
int pool_submit(struct pool *p, struct job *job) MUST_USE;
/* true: it was still queued, is out now, and neither run() nor done() will be called. */
bool pool_cancel(struct pool *p, struct job *job);
/* Takes effect at once; surplus workers end when their job does. */
void pool_resize(struct pool *p, const struct pool_conf *conf);
void pool_stats(struct pool *p, int64_t stuck_after, struct pool_stats *ret);

#endif
