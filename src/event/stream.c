/*
 * stream.c - see stream.h.
 *
 * Who writes what: `head` and the closing of `end` the writer; `tail` the reader; `wanted` and
 * `tell` both sides by the rules below; `freed`, `told` and `arg` the loop alone. head - tail is at
 * most the size; both only grow and wrap with size_t.
 *
 * Sleep and wake are one pattern twice: the one who waits announces it, then looks again; the other
 * moves its end, then looks at the announcement. All four steps are seq_cst, so in their one order
 * either the first sees the move or the second sees the announcement.
 *
 * The worker announces in `wanted` how many bytes would do and sleeps on that very word (futex(2)).
 * The loop wakes it by taking the word back to 0. The wake touches the stream last, and the loop
 * frees it itself, so it never wakes a freed one.
 *
 * The loop announces in `tell`:
 *
 *   QUIET -> WANTED  loop    it was refused
 *   WANTED -> FLYING worker  takes the announcement; then, and only then, posts the letter
 *   QUIET -> FLYING  worker  likewise, at the end of the data
 *   FLYING -> QUIET  loop    the letter has arrived
 *
 * so a letter is in the box at most once, and whoever finds FLYING knows that the loop will look
 * again. The letter belongs to the loop from FLYING on; stream_free() leaves the memory to its
 * arrival.
 */
#include "event/stream.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define STREAM_MAGIC 0x7374726du
#define LINE 64 /* bytes of a cache line */

enum { OPEN, CLOSED, ABORTED };
enum { QUIET, WANTED, FLYING };

struct stream {
    uint32_t magic;
    enum stream_dir dir;
    size_t size;
    struct mailbox *mailbox;
    void (*told)(void *arg);
    void *arg;
    struct letter letter;
    struct budget *budget;
    bool freed;

    _Alignas(LINE) _Atomic size_t head;
    _Alignas(LINE) _Atomic size_t tail;
    _Alignas(LINE) _Atomic uint32_t wanted; /* bytes the worker sleeps for; 0: it does not */
    _Atomic int tell;
    _Atomic int end;

    _Alignas(LINE) char bytes[];
};

/* Of a stream with that ring. */
static size_t memory_of(size_t size)
{
    return (sizeof(struct stream) + size + LINE - 1) / LINE * LINE;
}

static void release(struct stream *s)
{
    budget_give(s->budget, memory_of(s->size));
    s->magic = 0;
    free(s);
}

static void deliver(struct letter *l)
{
    struct stream *s = container_of(l, struct stream, letter);

    check_magic(s, STREAM_MAGIC);
    check(atomic_exchange(&s->tell, QUIET) == FLYING);
    if (s->freed) {
        release(s);
        return;
    }
    s->told(s->arg); /* may free the stream */
}

struct stream *stream_new(enum stream_dir dir, size_t size, struct budget *budget,
                          struct mailbox *mailbox, void (*told)(void *arg), void *arg)
{
    struct stream *s;

    check(size > 0 && size <= UINT32_MAX && (size & (size - 1)) == 0);
    if (!budget_take(budget, memory_of(size)))
        return NULL;
    s = aligned_alloc(LINE, memory_of(size));
    if (s == NULL) {
        budget_give(budget, memory_of(size));
        return NULL;
    }
    s->budget = budget;
    s->magic = STREAM_MAGIC;
    s->dir = dir;
    s->size = size;
    s->mailbox = mailbox;
    s->told = told;
    s->arg = arg;
    s->letter = (struct letter){ .deliver = deliver };
    s->freed = false;
    atomic_init(&s->head, 0);
    atomic_init(&s->tail, 0);
    atomic_init(&s->wanted, 0);
    atomic_init(&s->tell, QUIET);
    atomic_init(&s->end, OPEN);
    return s;
}

void stream_free(struct stream *s)
{
    if (s == NULL)
        return;
    check_magic(s, STREAM_MAGIC);
    check(!s->freed);
    if (atomic_load(&s->tell) == FLYING) {
        s->freed = true;
        return;
    }
    release(s);
}

static size_t avail(const struct stream *s)
{
    return atomic_load(&s->head) - atomic_load(&s->tail);
}

static size_t room(const struct stream *s)
{
    return s->size - avail(s);
}

/* How far the worker could get now: to read, or to write. */
static size_t worker_could(const struct stream *s)
{
    return s->dir == STREAM_TO_WORKER ? avail(s) : room(s);
}

static void wake_worker(struct stream *s)
{
    if (atomic_exchange(&s->wanted, 0) != 0)
        syscall(SYS_futex, &s->wanted, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The loop moved its end. */
static void loop_moved(struct stream *s)
{
    uint32_t wanted = atomic_load(&s->wanted);

    if (wanted != 0 && worker_could(s) >= wanted)
        wake_worker(s);
}

/* Posts the letter, unless it is on its way or the loop's state is not the `only` one (-1: any). */
static void tell_loop(struct stream *s, int only)
{
    int state = atomic_load(&s->tell);

    while (state != FLYING && (only < 0 || state == only)) {
        if (atomic_compare_exchange_weak(&s->tell, &state, FLYING)) {
            mailbox_post(s->mailbox, &s->letter);
            return;
        }
    }
}

/* The worker moved its end. A loop that writes is told when half the ring is free: the worker has
 * enough to go on with until then, and small reads do not cost a letter each. */
static void worker_moved(struct stream *s)
{
    if (s->dir == STREAM_TO_LOOP || room(s) >= s->size / 2)
        tell_loop(s, WANTED);
}

/* An abort stays one. */
static void close_end(struct stream *s)
{
    int open = OPEN;

    atomic_compare_exchange_strong(&s->end, &open, CLOSED);
}

/* What is there now; the number of bytes. Only the reader. */
static size_t take(struct stream *s, void *buf, size_t n)
{
    size_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
    size_t there = atomic_load(&s->head) - tail;
    size_t at = tail & (s->size - 1), first;

    check_slow(there <= s->size);
    n = min_of(n, there);
    if (n == 0)
        return 0;
    first = min_of(n, s->size - at);
    memcpy(buf, s->bytes + at, first);
    memcpy((char *)buf + first, s->bytes, n - first);
    atomic_store(&s->tail, tail + n);
    return n;
}

/* As much as there is room for now; the number of bytes. Only the writer. */
static size_t put(struct stream *s, const void *bytes, size_t n)
{
    size_t head = atomic_load_explicit(&s->head, memory_order_relaxed);
    size_t free_now = s->size - (head - atomic_load(&s->tail));
    size_t at = head & (s->size - 1), first;

    check_slow(free_now <= s->size);
    n = min_of(n, free_now);
    if (n == 0)
        return 0;
    first = min_of(n, s->size - at);
    memcpy(s->bytes + at, bytes, first);
    memcpy(s->bytes, (const char *)bytes + first, n - first);
    atomic_store(&s->head, head + n);
    return n;
}

/* false: a letter is on its way already, so there is no need to look again. */
static bool announce(struct stream *s)
{
    int quiet = QUIET;

    return atomic_compare_exchange_strong(&s->tell, &quiet, WANTED) || quiet == WANTED;
}

/* The look after the announcement succeeded: no letter is needed, if it is not too late. */
static void withdraw(struct stream *s)
{
    int wanted = WANTED;

    atomic_compare_exchange_strong(&s->tell, &wanted, QUIET);
}

ssize_t stream_loop_read(struct stream *s, void *buf, size_t n)
{
    bool announced = false;

    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_LOOP && n > 0);
    for (;;) {
        int end = atomic_load(&s->end); /* before the bytes: after CLOSED none are added */
        size_t done;

        if (end == ABORTED)
            return -ECANCELED;
        done = take(s, buf, n);
        if (done > 0 || end == CLOSED) {
            if (announced)
                withdraw(s);
            if (done > 0)
                loop_moved(s);
            return (ssize_t)done;
        }
        if (announced || !announce(s))
            return -EAGAIN;
        announced = true;
    }
}

ssize_t stream_loop_write(struct stream *s, const void *bytes, size_t n)
{
    bool announced = false;

    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_WORKER && n > 0);
    for (;;) {
        int end = atomic_load(&s->end);
        size_t done;

        if (end == ABORTED)
            return -ECANCELED;
        check(end == OPEN);
        done = put(s, bytes, n);
        if (done > 0) {
            if (announced)
                withdraw(s);
            loop_moved(s);
            return (ssize_t)done;
        }
        if (announced || !announce(s))
            return -EAGAIN;
        announced = true;
    }
}

size_t stream_loop_room(struct stream *s)
{
    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_WORKER);
    if (atomic_load(&s->end) != OPEN)
        return 0;
    size_t n = room(s);
    if (n > 0 || !announce(s))
        return n;
    n = room(s);
    if (n > 0)
        withdraw(s);
    return n;
}

size_t stream_loop_avail(const struct stream *s)
{
    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_LOOP);
    return atomic_load(&s->end) == ABORTED ? 0 : avail(s);
}

void stream_loop_close(struct stream *s)
{
    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_WORKER);
    close_end(s);
    wake_worker(s);
}

void stream_loop_abort(struct stream *s)
{
    check_magic(s, STREAM_MAGIC);
    atomic_store(&s->end, ABORTED);
    wake_worker(s);
}

/* Sleeps until `want` bytes could be moved, the end changed, or the deadline. 0 (look again;
 * spurious wake-ups included) or -ETIMEDOUT. */
static int worker_wait(struct stream *s, uint32_t want, int64_t deadline)
{
    struct timespec until;
    int r = 0;

    atomic_store(&s->wanted, want);
    if (worker_could(s) < want && atomic_load(&s->end) == OPEN) {
        until.tv_sec = deadline > 0 ? deadline / NSEC_PER_SEC : 0;
        until.tv_nsec = deadline > 0 ? deadline % NSEC_PER_SEC : 0;
        if (syscall(SYS_futex, &s->wanted, FUTEX_WAIT_BITSET_PRIVATE, want,
                    deadline == INT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY) < 0) {
            check(errno == ETIMEDOUT || errno == EAGAIN || errno == EINTR);
            if (errno == ETIMEDOUT)
                r = -ETIMEDOUT;
        }
    }
    atomic_store(&s->wanted, 0);
    return r;
}

ssize_t stream_worker_read(struct stream *s, void *buf, size_t n, int64_t deadline)
{
    int waited = 0;

    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_WORKER && n > 0);
    for (;;) {
        int end = atomic_load(&s->end);
        size_t done;

        if (end == ABORTED)
            return -ECANCELED;
        done = take(s, buf, n);
        if (done > 0)
            worker_moved(s);
        if (done > 0 || end == CLOSED)
            return (ssize_t)done;
        if (waited < 0 || deadline == 0)
            return waited < 0 ? waited : -ETIMEDOUT;
        waited = worker_wait(s, 1, deadline);
    }
}

int stream_worker_write(struct stream *s, const void *bytes, size_t n, int64_t deadline)
{
    const char *from = bytes;
    int waited = 0;

    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_LOOP);
    for (;;) {
        int end = atomic_load(&s->end);
        size_t done;

        if (end == ABORTED)
            return -ECANCELED;
        check(end == OPEN);
        done = n > 0 ? put(s, from, n) : 0;
        from += done;
        n -= done;
        if (done > 0)
            worker_moved(s);
        if (n == 0)
            return 0;
        if (waited < 0)
            return waited;
        /* Half a ring at a time, or the rest: the loop takes small pieces, and each wake-up is a
         * switch to this thread. */
        waited = worker_wait(s, (uint32_t)min_of(n, max_of(s->size / 2, 1)), deadline);
    }
}

void stream_worker_close(struct stream *s)
{
    check_magic(s, STREAM_MAGIC);
    check(s->dir == STREAM_TO_LOOP);
    close_end(s);
    tell_loop(s, -1);
}

void stream_worker_abort(struct stream *s)
{
    check_magic(s, STREAM_MAGIC);
    atomic_store(&s->end, ABORTED);
    tell_loop(s, -1);
}
