/* file.c - see file.h. Any thread. */
#include "event/file.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CLOSERS 16 /* threads at most */

/* By magic number (linux/magic.h has not all of them). Where a driver of the second kind lacks
 * RWF_NOWAIT, as that of ext2 does, which has the number of ext4, the first read tells. */
static const struct {
    uint32_t magic;
    enum file_way way;
} known[] = {
    { 0x01021994, FILE_MEMORY },  /* tmpfs */
    { 0x858458f6, FILE_MEMORY },  /* ramfs */
    { 0x0000ef53, FILE_PROBED },  /* ext4, ext3, ext2 */
    { 0x58465342, FILE_PROBED },  /* xfs */
    { 0x9123683e, FILE_PROBED },  /* btrfs */
    { 0xf2f52010, FILE_PROBED },  /* f2fs */
    { 0xca451a4e, FILE_PROBED },  /* bcachefs */
    { 0xe0f5e1e2, FILE_PROBED },  /* erofs */
    { 0x794c7630, FILE_FETCHED }, /* overlayfs */
    { 0x73717368, FILE_FETCHED }, /* squashfs */
    { 0x2fc12fc1, FILE_FETCHED }, /* zfs */
    { 0x00004d44, FILE_FETCHED }, /* vfat */
    { 0x2011bab0, FILE_FETCHED }, /* exfat */
    { 0x00009660, FILE_FETCHED }, /* iso9660 */
};

enum file_way file_way_of(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return FILE_REMOTE;
    for (size_t i = 0; i < array_len(known); i++)
        if (known[i].magic == (uint32_t)fs.f_type)
            return known[i].way;
    return FILE_REMOTE;
}

struct file *file_new(int fd, const struct stat *st, enum file_way way, bool steady)
{
    struct file *f = malloc(sizeof *f);

    if (f == NULL)
        return NULL;
    *f = (struct file){
        .refs = 1,
        .way = way,
        .fd = fd,
        .steady = steady,
        .size = (uint64_t)st->st_size,
        .modified = st->st_mtim,
        .changed = st->st_ctim,
        .links = st->st_nlink,
    };
    return f;
}

struct file *file_ref(struct file *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

/* ---- the end of a file */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct pool *closers; /* under the mutex; NULL until needed */

static void close_now(struct job *job)
{
    struct file *f = container_of(job, struct file, close_job);

    close(f->fd);
}

static void closed(struct job *job)
{
    free(container_of(job, struct file, close_job));
}

/* A network file system is asked, or told, at the last close, and may take its time. */
static bool close_elsewhere(struct file *f)
{
    const struct pool_conf conf = {
        .threads = CLOSERS, .queue = UINT_MAX, .idle = 10 * NSEC_PER_SEC, .stack = KIB(64)
    };

    f->close_job = (struct job){ .run = close_now, .done = closed, .name = "close" };
    pthread_mutex_lock(&mutex);
    if (closers == NULL)
        closers = pool_new("close", &conf);
    bool taken = closers != NULL && pool_submit(closers, &f->close_job) == 0;
    pthread_mutex_unlock(&mutex);
    return taken;
}

void file_unref(struct file *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (atomic_load_explicit(&f->way, memory_order_relaxed) == FILE_REMOTE && close_elsewhere(f))
        return;
    close(f->fd);
    free(f);
}

void file_end(int64_t deadline)
{
    pthread_mutex_lock(&mutex);
    if (pool_free(closers, deadline))
        closers = NULL;
    pthread_mutex_unlock(&mutex);
}

/* ---- reading */

static ssize_t read_at(struct file *f, void *buf, size_t n, uint64_t offset, int flags)
{
    struct iovec iov = { buf, n };
    ssize_t r;

    do
        r = flags == 0 ? pread(f->fd, buf, n, (off_t)offset)
                       : preadv2(f->fd, &iov, 1, (off_t)offset, flags);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

ssize_t file_read_now(struct file *f, void *buf, size_t n, uint64_t offset)
{
    enum file_way way = atomic_load_explicit(&f->way, memory_order_relaxed);

    if (way == FILE_MEMORY)
        return read_at(f, buf, n, offset, 0);
    if (way != FILE_PROBED)
        return -EAGAIN;
    ssize_t r = read_at(f, buf, n, offset, RWF_NOWAIT);
    if (r == -EOPNOTSUPP) {
        atomic_store_explicit(&f->way, FILE_FETCHED, memory_order_relaxed);
        return -EAGAIN;
    }
    return r;
}

ssize_t file_read(struct file *f, void *buf, size_t n, uint64_t offset)
{
    return read_at(f, buf, n, offset, 0);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_bytes(const struct file *f, const struct stat *st)
{
    return (uint64_t)st->st_size == f->size && same_time(&st->st_mtim, &f->modified);
}

/* With another number of names, ctime is of the name that came or went. */
bool file_changed(const struct file *f)
{
    struct stat st;

    return fstat(f->fd, &st) < 0 || !same_bytes(f, &st) ||
           (!same_time(&st.st_ctim, &f->changed) && st.st_nlink == f->links);
}

bool file_is_current(const struct file *f)
{
    struct stat st;

    return fstat(f->fd, &st) == 0 && same_bytes(f, &st) && same_time(&st.st_ctim, &f->changed);
}
