/*
 * filebody.h - the body that is parts of a file, and bytes between them, read without waiting for a
 * disk: what the page cache has, the loop takes; the rest a worker reads into a buffer, as a task
 * of the exchange.
 *
 * What was read is of the file as it was when it was opened, or it is not given out: after each
 * piece the file is looked at again, and after the last one before that one is given out. So an
 * answer that arrives whole is of one version of the file. That needs a copy: what sendfile hands
 * over is the page itself, and a client on the same machine reads in it what was written there even
 * after it has acknowledged it. So only a steady file goes that way.
 *
 * The exchange's loop, but for what a worker does in the task.
 */
#ifndef MUXD_SERVER_FILEBODY_H
#define MUXD_SERVER_FILEBODY_H

#include "event/file.h"
#include "server/exchange.h"

/* As source.pull, of a body of PARTS; errors as of exchange_pull(). Gives at most up to the next
 * border between bytes and file. */
ssize_t filebody_read(struct exchange *x, struct body *b, void *buf, size_t n);
/* Takes back n bytes of what was read last. */
void filebody_back(struct body *b, size_t n);
/* Bytes up to the next such border. */
uint64_t filebody_piece(struct body *b);

/* As many are better copied than sent by sendfile, with a probe of the page cache before, and a
 * wake-up more for the receiver. */
#define FILEBODY_COPY KIB(128)
/* How many of the next bytes, which are more than FILEBODY_COPY, may go by sendfile, from
 * `*ret_offset` of b->file on, without waiting for a disk. 0: none, they are to be read. */
size_t filebody_sendable(struct exchange *x, struct body *b, off_t *ret_offset);
/* They were sent: n of them. 0 or -ESTALE. */
int filebody_sent(struct exchange *x, struct body *b, size_t n);

/* Lets go of file and buffer. No task is LENT. */
void filebody_done(struct exchange *x, struct body *b);

#endif
