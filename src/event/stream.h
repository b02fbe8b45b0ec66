/*
 * stream.h - a bounded ring of bytes between a loop and a worker, one writer, one reader.
 *
 * One side is the loop, which never waits: 0 bytes done is -EAGAIN, and a letter tells it when
 * to try again. The other is a worker, which waits with a deadline. Which side writes is
 * fixed at creation. Data needs no lock: the writer alone moves `head`, the reader `tail`
 * (release / acquire). Who waits sets its flag, looks again, and only then sleeps; the other
 * side, after moving its end, looks at the flag (both seq_cst: one of them must see the other).
 *
 * Closing: the writer's close is the end of the data (reads drain the ring, then 0). An abort,
 * by either side, makes all further calls on the worker's side return -ECANCELED and on the
 * loop's -ECANCELED too. The stream is freed by the loop when the job is back.
 */
#ifndef MUXD_EVENT_STREAM_H
#define MUXD_EVENT_STREAM_H

#include <stdatomic.h>
#include <sys/types.h>

#include "base/budget.h"
#include "event/mailbox.h"

struct stream;

enum stream_dir { STREAM_TO_WORKER, STREAM_TO_LOOP };

/* `size`: bytes, a power of two. `told(arg)` is called on the loop, by way of `mailbox`, after the
 * worker made progress that the loop had been refused. Its memory is charged to `budget` (or NULL),
 * which must outlive it. NULL without memory. */
struct stream *stream_new(enum stream_dir dir, size_t size, struct budget *budget,
                          struct mailbox *mailbox, void (*told)(void *arg), void *arg);
/*
 * Loop only, and only when the worker is done with it. The letter may still be on its way, so the
 * memory goes when that has arrived; `told` is not called any more.
 */
void stream_free(struct stream *s);

/* The loop's side. Bytes done (> 0); 0: end (read); -EAGAIN: `told` will be called; -ECANCELED.
 * A write of n bytes may be partial. */
ssize_t stream_loop_read(struct stream *s, void *buf, size_t n);
ssize_t stream_loop_write(struct stream *s, const void *bytes, size_t n);
/* Bytes that can be written now; when 0, `told` will be called unless the stream has ended. */
size_t stream_loop_room(struct stream *s);
/* Bytes that can be read now. */
size_t stream_loop_avail(const struct stream *s);
/* No more data will be written (STREAM_TO_WORKER). */
void stream_loop_close(struct stream *s);
/* Wakes the worker; both sides are cancelled from now on. */
void stream_loop_abort(struct stream *s);

/* The worker's side. Wait until `deadline` (clock_mono(); INT64_MAX: for ever; 0: a read never
 * waits, so a loop may read what a worker that is done with it left). Read: bytes > 0, 0 at the
 * end. Write: 0 when all n bytes are in the ring. -ETIMEDOUT, -ECANCELED. */
ssize_t stream_worker_read(struct stream *s, void *buf, size_t n, int64_t deadline);
int stream_worker_write(struct stream *s, const void *bytes, size_t n, int64_t deadline);
/* No more data (STREAM_TO_LOOP). The loop is told. */
void stream_worker_close(struct stream *s);
/* The data ends here without being whole: the loop's reads return -ECANCELED. The loop is told. */
void stream_worker_abort(struct stream *s);

#endif
