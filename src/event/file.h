/*
 * file.h - an open regular file whose bytes are served: what it was when it was opened, whether it
 * still is that, and how it can be read without waiting for a disk.
 *
 * Counted; any thread. All is constant after file_new() but the count, and `way`, which any reader
 * makes worse when the kernel does not keep what was hoped for.
 */
#ifndef MUXD_EVENT_FILE_H
#define MUXD_EVENT_FILE_H

#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "event/pool.h"

enum file_way {
    FILE_MEMORY,  /* a read never waits: tmpfs, ramfs */
    FILE_PROBED,  /* the page cache can be asked: preadv2(RWF_NOWAIT) */
    FILE_FETCHED, /* it cannot; but what was read stays there: overlayfs, and what is like it */
    FILE_REMOTE,  /* any call may wait: FUSE, network file systems, the unknown */
};

struct file {
    _Atomic unsigned refs;
    _Atomic enum file_way way;
    int fd;
    bool steady; /* never written in place, says who opened it: sendfile may be used */
    uint64_t size;
    struct timespec modified, changed; /* mtime, ctime */
    nlink_t links;
    struct job close_job;
};

/* Of the file system of `fd`; FILE_REMOTE if it is not known. May wait where that is so, and costs
 * more than an open: to be asked once for a device. */
enum file_way file_way_of(int fd);

/* Takes fd over, which `st` describes; one reference. NULL without memory: fd is not taken. */
struct file *file_new(int fd, const struct stat *st, enum file_way way, bool steady);
struct file *file_ref(struct file *f);
/* The last one closes it; where that may wait, threads that are kept for it do. NULL is fine. */
void file_unref(struct file *f);
/* Waits for them, at most until `deadline` (clock_mono()). Before the process ends, so that it is
 * known what it leaves. */
void file_end(int64_t deadline);

/*
 * > 0 bytes, perhaps less than n; 0: the end; -errno. file_read_now() does not wait for a disk, nor
 * for a network: -EAGAIN where it would, and where it is not known; then only file_read() can read
 * that, which may wait.
 */
ssize_t file_read_now(struct file *f, void *buf, size_t n, uint64_t offset);
ssize_t file_read(struct file *f, void *buf, size_t n, uint64_t offset);

/* Whether it was written, cut or grown since it was opened, as far as size and times tell; that it
 * was replaced or removed meanwhile, which its ctime tells too, is no change. Both may wait where
 * the way is FILE_REMOTE. */
bool file_changed(const struct file *f);
/* Whether it is in all as it was: neither changed nor, if it had but one name, replaced. */
bool file_is_current(const struct file *f);

#endif
