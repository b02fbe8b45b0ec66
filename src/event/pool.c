/*
 * pool.c - see pool.h. Any thread; p->mutex guards everything but what is said to be set at
 * creation.
 *
 * Invariants, while the mutex is free:
 * - A worker is idle (on p->idle), or has a job, or was told to leave. It may stand on p->idle
 * while it still runs done() of its last job: a submit that follows from that done() finds it.
 * - Jobs are queued only while nobody is idle.
 * - n_threads counts the workers that were not told to leave (they are on p->workers), n_alive
 * those that may still touch the pool. Only n_threads is bounded.
 *
 * The end of a thread: the one that ends joins the one that ended before, and pool_free() joins the
 * last, so when it returns no thread is left, not even in its last instructions.
 */
#include "event/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "event/thread.h"

#define POOL_MAGIC 0x706f6f6cu
#define THREAD_NAME_SIZE 16 /* pthread_setname_np(3) */

struct worker {
    struct pool *pool;   /* set at creation */
    struct list node;    /* pool.workers */
    struct list idle;    /* pool.idle, or alone */
    pthread_cond_t wake; /* job or leave was set, or the pool's conf */
    struct job *job;     /* given, not yet settled */
    int64_t started;     /* when run() began; 0: not yet */
    int64_t idle_since;
    bool leave;
};

struct pool {
    uint32_t magic;               /* set at creation */
    char name[THREAD_NAME_SIZE];  /* likewise */
    pthread_condattr_t monotonic; /* likewise */
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* n_alive or the queue may have become 0 */
    struct pool_conf conf;
    struct list workers;
    struct list idle;  /* the one that worked last in front */
    struct list queue; /* oldest job in front */
    unsigned n_threads, n_alive, n_idle, n_queued;
    bool shut;
    bool have_corpse;
    pthread_t corpse;         /* ended, not yet joined */
    struct pool_stats totals; /* the counters only */
};

static void *worker_main(void *arg);

static void lock(struct pool *p)
{
    check(pthread_mutex_lock(&p->mutex) == 0);
}

static void unlock(struct pool *p)
{
    check(pthread_mutex_unlock(&p->mutex) == 0);
}

static void timespec_of(int64_t instant, struct timespec *ret)
{
    ret->tv_sec = max_of(instant, 0) / NSEC_PER_SEC;
    ret->tv_nsec = max_of(instant, 0) % NSEC_PER_SEC;
}

struct pool *pool_new(const char *name, const struct pool_conf *conf)
{
    struct pool *p = calloc(1, sizeof *p);

    check(conf->threads >= 1);
    if (p == NULL)
        return NULL;
    p->magic = POOL_MAGIC;
    p->conf = *conf;
    strncpy(p->name, name, sizeof p->name - 1);
    list_init(&p->workers);
    list_init(&p->idle);
    list_init(&p->queue);
    /* None of these can fail with glibc on Linux. */
    check(pthread_condattr_init(&p->monotonic) == 0);
    check(pthread_condattr_setclock(&p->monotonic, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&p->mutex, NULL) == 0);
    check(pthread_cond_init(&p->ended, &p->monotonic) == 0);
    return p;
}

/* A new worker that begins with `job`. Mutex held. 0 or -errno. */
static int worker_start(struct pool *p, struct job *job)
{
    struct worker *w = malloc(sizeof *w);
    pthread_t thread;
    int r;

    if (w == NULL)
        return -ENOMEM;
    *w = (struct worker){ .pool = p, .job = job };
    list_init(&w->idle);
    check(pthread_cond_init(&w->wake, &p->monotonic) == 0);
    r = thread_start(&thread, p->conf.stack, worker_main, w);
    if (r < 0) {
        pthread_cond_destroy(&w->wake);
        free(w);
        return r;
    }
    list_push_back(&p->workers, &w->node);
    p->n_threads++;
    p->n_alive++;
    return 0;
}

static struct job *queue_pop(struct pool *p)
{
    struct list *node = list_pop_front(&p->queue);
    struct job *job;

    if (node == NULL)
        return NULL;
    job = container_of(node, struct job, node);
    job->queued = false;
    p->n_queued--;
    return job;
}

static void queue_push(struct pool *p, struct job *job)
{
    list_push_back(&p->queue, &job->node);
    job->queued = true;
    p->n_queued++;
}

/* A new worker for what is queued, if there may be one. The next is its business, so that nobody
 * holds the mutex for the making of many. Mutex held. */
static void start_for_queue(struct pool *p)
{
    if (p->n_queued == 0 || p->n_threads >= p->conf.threads)
        return;
    struct job *job = queue_pop(p);
    if (worker_start(p, job) < 0) {
        list_push_front(&p->queue, &job->node);
        job->queued = true;
        p->n_queued++;
    }
}

/* A place in the share, if there is one. */
static bool share_take(struct pool_share *share)
{
    if (share == NULL)
        return true;
    unsigned max = atomic_load_explicit(&share->max, memory_order_relaxed);
    unsigned before = atomic_fetch_add_explicit(&share->used, 1, memory_order_relaxed);
    if (max == 0 || before < max)
        return true;
    atomic_fetch_sub_explicit(&share->used, 1, memory_order_relaxed);
    return false;
}

static void share_give(struct pool_share *share)
{
    if (share != NULL)
        atomic_fetch_sub_explicit(&share->used, 1, memory_order_relaxed);
}

static void idle_remove(struct pool *p, struct worker *w)
{
    list_remove(&w->idle);
    p->n_idle--;
}

/* Takes it out of the count; it ends once it looks. Mutex held. */
static void worker_dismiss(struct pool *p, struct worker *w)
{
    check(!w->leave);
    if (list_linked(&w->idle))
        idle_remove(p, w);
    w->leave = true;
    list_remove(&w->node);
    p->n_threads--;
}

/* The job is the submitter's again but for done(); its share can be used. Mutex held. */
static void settle(struct pool *p, struct worker *w, bool died)
{
    struct job *job = w->job;

    job->died = died;
    share_give(job->share);
    if (died)
        p->totals.died++;
    else
        p->totals.finished++;
    w->job = NULL;
    w->started = 0;
}

/* What the worker does after its job: the next one, or idle, or leave. Mutex held. */
static void worker_next(struct pool *p, struct worker *w)
{
    if (p->n_threads > p->conf.threads) {
        worker_dismiss(p, w);
        return;
    }
    w->job = queue_pop(p);
    if (w->job != NULL)
        return;
    if (p->shut) {
        worker_dismiss(p, w);
        return;
    }
    list_push_front(&p->idle, &w->idle);
    p->n_idle++;
    w->idle_since = clock_mono();
}

/* Until there is a job (true) or it has to leave. Mutex held. */
static bool worker_wait(struct pool *p, struct worker *w)
{
    while (w->job == NULL && !w->leave) {
        struct timespec until;
        int64_t expires;

        if (__builtin_add_overflow(w->idle_since, p->conf.idle, &expires))
            expires = INT64_MAX;
        timespec_of(expires, &until);
        if (pthread_cond_timedwait(&w->wake, &p->mutex, &until) == ETIMEDOUT && w->job == NULL &&
            !w->leave && clock_mono() - w->idle_since >= p->conf.idle)
            worker_dismiss(p, w);
    }
    return w->job != NULL;
}

/* The last of a worker. Mutex held; released. */
static void worker_end(struct pool *p, struct worker *w)
{
    bool join = p->have_corpse;
    pthread_t corpse = p->corpse;

    p->corpse = pthread_self();
    p->have_corpse = true;
    if (--p->n_alive == 0)
        pthread_cond_signal(&p->ended);
    unlock(p);
    /* p may be gone. */
    pthread_cond_destroy(&w->wake);
    free(w);
    if (join)
        pthread_join(corpse, NULL);
}

/* run() ended the thread: pthread_exit(3). The job goes back all the same. */
static void worker_died(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    struct job *job = w->job;

    lock(p);
    settle(p, w, true);
    worker_dismiss(p, w);
    start_for_queue(p); /* else the next submit replaces it */
    unlock(p);
    job->done(job);
    lock(p);
    worker_end(p, w);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;

    pthread_setname_np(pthread_self(), p->name);
    lock(p);
    start_for_queue(p);
    while (worker_wait(p, w)) {
        struct job *job = w->job;

        w->started = clock_mono();
        unlock(p);
        pthread_cleanup_push(worker_died, w);
        job->run(job);
        pthread_cleanup_pop(0);

        lock(p);
        settle(p, w, false);
        worker_next(p, w);
        unlock(p);
        job->done(job);
        lock(p);
    }
    worker_end(p, w);
    return NULL;
}

int pool_submit(struct pool *p, struct job *job)
{
    int64_t now = clock_mono();
    int r = 0;

    check_magic(p, POOL_MAGIC);
    job->died = false;
    job->queued = false;
    job->submitted = now;
    list_init(&job->node);

    lock(p);
    if (p->shut) {
        r = -ESHUTDOWN;
    } else if (!share_take(job->share)) {
        r = -EBUSY;
    } else if (p->n_idle > 0) {
        struct worker *w = container_of(p->idle.next, struct worker, idle);

        idle_remove(p, w);
        w->job = job;
        pthread_cond_signal(&w->wake);
    } else if (p->n_threads >= p->conf.threads) {
        if (p->n_queued >= p->conf.queue)
            r = -EAGAIN;
        else
            queue_push(p, job);
    } else {
        /* Older jobs may wait, after a thread could not be made. */
        queue_push(p, job);
        start_for_queue(p);
        if (job->queued && (p->n_threads == 0 || p->n_queued > p->conf.queue)) {
            list_remove(&job->node);
            job->queued = false;
            p->n_queued--;
            r = p->n_threads == 0 ? -ENOMEM : -EAGAIN;
        }
    }
    if (r == 0) {
        p->totals.submitted++;
    } else {
        p->totals.refused++;
        if (r != -ESHUTDOWN && r != -EBUSY)
            share_give(job->share);
    }
    unlock(p);
    return r;
}

bool pool_cancel(struct pool *p, struct job *job)
{
    bool queued;

    check_magic(p, POOL_MAGIC);
    lock(p);
    queued = job->queued;
    if (queued) {
        list_remove(&job->node);
        job->queued = false;
        p->n_queued--;
        p->totals.cancelled++;
        share_give(job->share);
        if (p->shut && p->n_queued == 0)
            pthread_cond_signal(&p->ended);
    }
    unlock(p);
    return queued;
}

static void dismiss_coldest(struct pool *p)
{
    struct worker *w = container_of(p->idle.prev, struct worker, idle);

    worker_dismiss(p, w);
    pthread_cond_signal(&w->wake);
}

void pool_resize(struct pool *p, const struct pool_conf *conf)
{
    check_magic(p, POOL_MAGIC);
    check(conf->threads >= 1);
    lock(p);
    p->conf = *conf;
    while (p->n_threads > conf->threads && p->n_idle > 0)
        dismiss_coldest(p);
    /* The others wait for the new idle time. */
    list_each (w, &p->idle, struct worker, idle)
        pthread_cond_signal(&w->wake);
    start_for_queue(p);
    unlock(p);
}

void pool_stats(struct pool *p, int64_t stuck_after, struct pool_stats *ret)
{
    int64_t now = clock_mono();
    const char *stuck_name = NULL;

    check_magic(p, POOL_MAGIC);
    lock(p);
    *ret = p->totals;
    ret->threads = p->n_threads;
    ret->idle = p->n_idle;
    ret->running = p->n_threads - p->n_idle;
    ret->queued = p->n_queued;
    list_each (w, &p->workers, struct worker, node) {
        int64_t ran = w->job != NULL && w->started != 0 ? now - w->started : 0;

        if (ran > ret->longest_run) {
            ret->longest_run = ran;
            stuck_name = w->job->name;
        }
        ret->stuck += ran > stuck_after;
    }
    if (p->n_queued > 0)
        ret->longest_wait = max_of(now - list_first(&p->queue, struct job, node)->submitted, 0);
    if (ret->stuck > 0 && stuck_name != NULL)
        strncpy(ret->stuck_name, stuck_name, sizeof ret->stuck_name - 1);
    unlock(p);
}

bool pool_free(struct pool *p, int64_t deadline)
{
    struct timespec until;

    if (p == NULL)
        return true;
    check_magic(p, POOL_MAGIC);
    timespec_of(deadline, &until);
    lock(p);
    p->shut = true;
    while (p->n_idle > 0)
        dismiss_coldest(p);
    start_for_queue(p);
    while (p->n_alive > 0 || p->n_queued > 0) {
        if (pthread_cond_timedwait(&p->ended, &p->mutex, &until) == ETIMEDOUT &&
            (p->n_alive > 0 || p->n_queued > 0)) {
            unlock(p);
            return false;
        }
    }
    unlock(p);
    if (p->have_corpse)
        pthread_join(p->corpse, NULL);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->mutex);
    pthread_condattr_destroy(&p->monotonic);
    p->magic = 0;
    free(p);
    return true;
}
