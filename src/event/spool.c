/*
 * spool.c - see spool.h.
 *
 * A ring: `head` and `tail` count bytes and never wrap; head - tail is what is in it. The producer
 * alone moves head, by whole lines, behind the bytes it has put there (release); the writer alone
 * moves tail, by whole lines too, once they are in the file. `part` bytes behind the tail of the
 * ring `at` may be in the file already: a line that was cut by a write, which the next one goes on
 * with before anything else is written. If another file is opened meanwhile, the line begins anew
 * there, so none is lost.
 *
 * Waking: before the writer waits it says in `wake_at` how many bytes in a ring are worth
 * waking it, and then looks at the rings once more; a producer moves its head and then looks at
 * `wake_at`. Both are sequentially consistent on both sides: of "I moved head, then saw NEVER" and
 * "I set wake_at, then saw the old head" at most one can be true, so no line is left waiting.
 * Whoever puts NEVER back in its place writes to the eventfd: one wake-up, however many producers.
 */
#include "event/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "event/thread.h"

#define SPOOL_MAGIC 0x73706f6fu
#define CACHE_LINE 64

#define REST (20 * NSEC_PER_MSEC) /* after a write, so that one takes many lines */
#define RETRY NSEC_PER_SEC        /* after an error */
#define LOOK_EVERY NSEC_PER_SEC   /* at the path */
#define DROPS_EVERY (10 * NSEC_PER_SEC)
#define FOREVER INT64_MAX

#define NEVER SIZE_MAX /* wake_at: the writer is awake, or waits for something else */
/* That part of a ring ends the rest: what is left is for the time until the writer has a core. */
#define ENOUGH 8

struct ring {
    /* The producer's; read by all. */
    _Alignas(CACHE_LINE) _Atomic size_t head;
    _Atomic uint64_t added, dropped; /* lines */
    char *bytes;                     /* set at creation; in the memory of the first */
    /* The writer's; read by the producer. */
    _Alignas(CACHE_LINE) _Atomic size_t tail;
};

struct spool {
    uint32_t magic;
    /* Set at creation. */
    char *path; /* NULL: the standard output */
    unsigned n_rings;
    size_t size; /* of each ring */
    spool_tell_fn *tell;
    void *arg;
    int eventfd;
    sem_t ended; /* by the writer, last of all */
    /* The owner's. */
    pthread_t thread;
    bool started;
    /* The writer's, once it is started. */
    int fd;
    bool regular;
    dev_t dev;
    ino_t ino;
    unsigned at; /* the ring it is at */
    size_t part;
    bool failing, reopen_failing;
    uint64_t told; /* dropped lines */
    int64_t next_look, next_drops;
    /* Written by the writer, read by any thread. */
    _Atomic uint64_t lines, bytes, left;
    _Atomic int64_t busy_since; /* clock_mono() of its last progress; 0: it waits for lines */
    /* Written by any thread. */
    _Atomic bool reopen;
    _Atomic int64_t stop; /* the deadline; 0: not to stop */
    _Alignas(CACHE_LINE) _Atomic size_t wake_at;
    struct ring rings[];
};

/* ---- counters with one writer each */

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static uint64_t sum_dropped(struct spool *s)
{
    uint64_t n = atomic_load_explicit(&s->left, memory_order_relaxed);

    for (unsigned i = 0; i < s->n_rings; i++)
        n += atomic_load_explicit(&s->rings[i].dropped, memory_order_relaxed);
    return n;
}

static uint64_t sum_added(struct spool *s)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < s->n_rings; i++)
        n += atomic_load_explicit(&s->rings[i].added, memory_order_relaxed);
    return n;
}

void spool_stats(struct spool *s, struct spool_stats *ret)
{
    int64_t since = atomic_load_explicit(&s->busy_since, memory_order_relaxed);

    check_magic(s, SPOOL_MAGIC);
    *ret = (struct spool_stats){
        .lines = atomic_load_explicit(&s->lines, memory_order_relaxed),
        .bytes = atomic_load_explicit(&s->bytes, memory_order_relaxed),
        .dropped = sum_dropped(s),
        .hung_for = since != 0 ? max_of(clock_mono() - since, INT64_C(1)) : 0,
    };
    /* Read one after the other, the counters need not fit together. */
    uint64_t gone = ret->lines + atomic_load_explicit(&s->left, memory_order_relaxed);
    ret->queued = max_of(sum_added(s), gone) - gone;
}

/* ---- producers */

static void wake(struct spool *s)
{
    const uint64_t one = 1;

    (void)!write(s->eventfd, &one, sizeof one); /* full: it will wake */
}

bool spool_add(struct spool *s, unsigned producer, const void *bytes, size_t n)
{
    struct ring *r = &s->rings[producer];
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t used = head - atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t from = head & (s->size - 1), before_wrap = min_of(n, s->size - from);

    check_slow(producer < s->n_rings);
    check_slow(n > 0 && memchr(bytes, '\n', n) == (const char *)bytes + n - 1);
    if (n > s->size - used) {
        count(&r->dropped, 1);
        return false;
    }
    memcpy(r->bytes + from, bytes, before_wrap);
    memcpy(r->bytes, (const char *)bytes + before_wrap, n - before_wrap);
    count(&r->added, 1);
    atomic_store(&r->head, head + n);

    size_t at = atomic_load(&s->wake_at);
    if (used + n >= at && atomic_compare_exchange_strong(&s->wake_at, &at, NEVER))
        wake(s);
    return true;
}

void spool_reopen(struct spool *s)
{
    check_magic(s, SPOOL_MAGIC);
    atomic_store(&s->reopen, true);
    wake(s);
}

/* ---- writing; from here on the writer's thread, but for life at the end */

static void set_busy(struct spool *s, int64_t since)
{
    atomic_store_explicit(&s->busy_since, since, memory_order_relaxed);
}

/* n bytes more of the ring are in the file. */
static void written(struct spool *s, struct ring *r, size_t n)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t from = tail + s->part, to = from + n;
    uint64_t lines = 0;

    while (from != to) {
        const char *at = r->bytes + (from & (s->size - 1));
        size_t piece = min_of(to - from, s->size - (from & (s->size - 1)));
        const char *end = memchr(at, '\n', piece);
        from += end != NULL ? (size_t)(end + 1 - at) : piece;
        if (end != NULL) {
            lines++;
            tail = from;
        }
    }
    s->part = to - tail;
    count(&s->lines, lines);
    count(&s->bytes, n);
    set_busy(s, clock_mono());
    atomic_store_explicit(&r->tail, tail, memory_order_release);
}

/* The ring up to `end`. 0 or -errno. */
static int write_until(struct spool *s, struct ring *r, size_t end)
{
    for (;;) {
        size_t from = atomic_load_explicit(&r->tail, memory_order_relaxed) + s->part;
        size_t n = end - from, at = from & (s->size - 1), before_wrap = min_of(n, s->size - at);
        struct iovec parts[] = { { r->bytes + at, before_wrap }, { r->bytes, n - before_wrap } };
        if (n == 0)
            return 0;
        ssize_t w = writev(s->fd, parts, n > before_wrap ? 2 : 1);
        if (w > 0)
            written(s, r, (size_t)w);
        else if (w == 0)
            return -EIO;
        else if (errno != EINTR)
            return -errno;
    }
}

static int finish_line(struct spool *s)
{
    struct ring *r = &s->rings[s->at];
    size_t end = atomic_load_explicit(&r->tail, memory_order_relaxed) + s->part;

    while (r->bytes[end & (s->size - 1)] != '\n')
        end++;
    return write_until(s, r, end + 1);
}

static int file_open(const char *path, struct stat *st)
{
    /* Not blocking, for a FIFO: one that nobody has open is refused, one that nobody reads can be
     * given up at the end. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    if (fd < 0 || fstat(fd, st) == 0)
        return fd < 0 ? -errno : fd;
    int error = errno;
    close(fd);
    return -error;
}

static void file_set(struct spool *s, int fd, const struct stat *st)
{
    s->fd = fd;
    s->regular = S_ISREG(st->st_mode);
    s->dev = st->st_dev;
    s->ino = st->st_ino;
}

/* Whether another file is at the path, or none. */
static bool is_moved(const struct spool *s)
{
    struct stat st;

    if (stat(s->path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR;
    return st.st_dev != s->dev || st.st_ino != s->ino;
}

static void look_after_file(struct spool *s, int64_t now)
{
    bool asked = atomic_exchange(&s->reopen, false);
    struct stat st;

    if (s->path == NULL)
        return;
    if (!asked && (!s->regular || now < s->next_look))
        return;
    s->next_look = now + LOOK_EVERY;
    if (!asked && !is_moved(s)) {
        s->reopen_failing = false;
        return;
    }
    int fd = file_open(s->path, &st);
    if (fd < 0) {
        if (asked || !s->reopen_failing)
            s->tell(s->arg, SPOOL_REOPEN_FAILED, -fd, 0);
        s->reopen_failing = true;
        return;
    }
    s->reopen_failing = false;
    if (st.st_dev != s->dev || st.st_ino != s->ino)
        s->part = 0;
    close(s->fd);
    file_set(s, fd, &st);
}

/* All that is in the rings now. 0, -EAGAIN: must wait for a reader, or -errno. */
static int write_all(struct spool *s, int64_t now)
{
    int r = s->part ? finish_line(s) : 0;

    look_after_file(s, now);
    if (s->part != 0)
        return r;
    for (unsigned i = 0; i < s->n_rings; i++) {
        struct ring *ring = &s->rings[s->at];
        r = write_until(s, ring, atomic_load_explicit(&ring->head, memory_order_acquire));
        if (r < 0)
            return r;
        s->at = (s->at + 1) % s->n_rings;
    }
    return 0;
}

/* ---- waiting and telling */

/* Until somebody wakes it, there are `worth` bytes in a ring, `fd` (or -1) takes some, or `ns` are
 * over. */
static void wait_for(struct spool *s, size_t worth, int fd, int64_t ns)
{
    struct pollfd on[] = { { .fd = s->eventfd, .events = POLLIN },
                           { .fd = fd, .events = POLLOUT } };
    struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
    bool enough = false;
    uint64_t n;

    atomic_store(&s->wake_at, worth);
    for (unsigned i = 0; i < s->n_rings; i++)
        enough |= atomic_load(&s->rings[i].head) -
                      atomic_load_explicit(&s->rings[i].tail, memory_order_relaxed) >=
                  worth;
    if (!enough)
        (void)ppoll(on, 2, ns == FOREVER ? NULL : &ts, NULL);
    atomic_store_explicit(&s->wake_at, NEVER, memory_order_relaxed);
    (void)!read(s->eventfd, &n, sizeof n);
}

static void tell_dropped(struct spool *s, enum spool_event event, int64_t now)
{
    uint64_t dropped = sum_dropped(s);

    s->tell(s->arg, event, 0, dropped - s->told);
    s->told = dropped;
    s->next_drops = now + DROPS_EVERY;
}

/* What came of write_all(). */
static void tell(struct spool *s, int r, int64_t now)
{
    if (r < 0 && r != -EAGAIN && !s->failing) {
        s->failing = true;
        s->tell(s->arg, SPOOL_FAILED, -r, 0);
    } else if (r == 0 && s->failing) {
        s->failing = false;
        tell_dropped(s, SPOOL_RESUMED, now);
    } else if (!s->failing && now >= s->next_drops && sum_dropped(s) != s->told) {
        tell_dropped(s, SPOOL_DROPPED, now);
    }
}

/* Whether to go on. */
static bool turn(struct spool *s)
{
    int64_t stop = atomic_load(&s->stop), now = clock_mono();
    uint64_t before = atomic_load_explicit(&s->bytes, memory_order_relaxed);

    if (atomic_load_explicit(&s->busy_since, memory_order_relaxed) == 0)
        set_busy(s, now);
    int r = write_all(s, now);
    tell(s, r, now = clock_mono());
    if (r == -EAGAIN && (stop == 0 || now < stop)) {
        wait_for(s, NEVER, s->fd, stop == 0 ? RETRY : min_of(stop - now, RETRY));
        return true;
    }
    set_busy(s, 0);
    if (stop != 0)
        return false;
    if (r < 0)
        wait_for(s, NEVER, -1, RETRY);
    else if (atomic_load_explicit(&s->bytes, memory_order_relaxed) != before)
        wait_for(s, s->size / ENOUGH, -1, REST);
    else
        wait_for(s, 1, -1, sum_dropped(s) != s->told ? max_of(s->next_drops - now, 0) : FOREVER);
    return true;
}

static void *writer_main(void *arg)
{
    struct spool *s = arg;

    pthread_setname_np(pthread_self(), "muxd-log");
    while (turn(s))
        ;
    count(&s->left, sum_added(s) - atomic_load_explicit(&s->lines, memory_order_relaxed));
    if (sum_dropped(s) != s->told)
        tell_dropped(s, SPOOL_DROPPED, 0);
    if (s->path != NULL)
        close(s->fd);
    sem_post(&s->ended);
    return NULL;
}

/* ---- life */

static void spool_free(struct spool *s)
{
    if (s->eventfd >= 0)
        close(s->eventfd);
    sem_destroy(&s->ended);
    free(s->rings[0].bytes);
    free(s->path);
    s->magic = 0;
    free(s);
}

static int init(struct spool *s, const struct spool_conf *conf)
{
    struct stat st;
    int fd = STDOUT_FILENO;

    s->path = conf->path ? strdup(conf->path) : NULL;
    s->rings[0].bytes = reallocarray(NULL, s->n_rings, s->size);
    if ((conf->path != NULL && s->path == NULL) || s->rings[0].bytes == NULL)
        return -ENOMEM;
    for (unsigned i = 1; i < s->n_rings; i++)
        s->rings[i].bytes = s->rings[0].bytes + i * s->size;
    s->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->eventfd < 0)
        return -errno;
    if (s->path != NULL)
        fd = file_open(s->path, &st);
    else if (fstat(fd, &st) < 0)
        fd = -errno;
    if (fd < 0)
        return fd;
    file_set(s, fd, &st);
    return 0;
}

int spool_new(const struct spool_conf *conf, struct spool **ret)
{
    size_t bytes = sizeof **ret + conf->producers * sizeof(*ret)->rings[0];
    struct spool *s = aligned_alloc(CACHE_LINE, bytes);

    check(conf->producers >= 1 && (conf->ring_size & (conf->ring_size - 1)) == 0);
    *ret = NULL;
    if (s == NULL)
        return -ENOMEM;
    memset(s, 0, bytes);
    s->magic = SPOOL_MAGIC;
    s->n_rings = conf->producers;
    s->size = conf->ring_size ? conf->ring_size : SPOOL_RING_SIZE;
    s->tell = conf->tell;
    s->arg = conf->arg;
    s->eventfd = -1;
    check(sem_init(&s->ended, 0, 0) == 0);
    atomic_init(&s->wake_at, NEVER);
    int r = init(s, conf);
    if (r < 0)
        spool_free(s);
    else
        *ret = s;
    return r;
}

int spool_start(struct spool *s)
{
    check_magic(s, SPOOL_MAGIC);
    check(!s->started);
    int r = thread_start(&s->thread, 0, writer_main, s);
    s->started = r == 0;
    return r;
}

void spool_stop(struct spool *s, int64_t deadline)
{
    check_magic(s, SPOOL_MAGIC);
    atomic_store(&s->stop, max_of(deadline, INT64_C(1)));
    wake(s);
}

bool spool_end(struct spool *s, int64_t until)
{
    struct timespec at = { max_of(until, 0) / NSEC_PER_SEC, max_of(until, 0) % NSEC_PER_SEC };

    if (s == NULL)
        return true;
    check_magic(s, SPOOL_MAGIC);
    if (s->started) {
        while (sem_clockwait(&s->ended, CLOCK_MONOTONIC, &at) < 0)
            if (errno != EINTR)
                return false;
        pthread_join(s->thread, NULL);
    } else if (s->path != NULL) {
        close(s->fd);
    }
    spool_free(s);
    return true;
}
