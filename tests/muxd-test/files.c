/*
 * files.c - files that are read otherwise than they could be, when MUXD_TEST_FILES asks for it; see
 * README.md. In the place of functions of event/file.c, as in fault.c. Any thread.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "event/file.h"
#include "event/pool.h"
#include "tally.h"

/* Written before main(). */
static bool steady;
static int way = -1;
static unsigned cold, refuse;
static const char *gate;

static struct tally file_work = { .name = "file" };
static _Atomic unsigned n_reads, n_jobs;

/* The linker's names. */
enum file_way __real_file_way_of(int fd);
enum file_way __wrap_file_way_of(int fd);
enum file_way __wrap_file_way_of(int fd)
{
    return way >= 0 ? (enum file_way)way : __real_file_way_of(fd);
}

struct file *__real_file_new(int fd, const struct stat *st, enum file_way w, bool is_steady);
struct file *__wrap_file_new(int fd, const struct stat *st, enum file_way w, bool is_steady);
struct file *__wrap_file_new(int fd, const struct stat *st, enum file_way w, bool is_steady)
{
    return __real_file_new(fd, st, w, steady || is_steady);
}

/* One in `of`, in no order that the reader's could fall in with. */
static bool falls_on(_Atomic unsigned *count, unsigned of)
{
    uint64_t n = atomic_fetch_add(count, 1);

    return of > 0 && (n * UINT64_C(0x9e3779b97f4a7c15) >> 32) % of == 0;
}

ssize_t __real_file_read_now(struct file *f, void *buf, size_t n, uint64_t offset);
ssize_t __wrap_file_read_now(struct file *f, void *buf, size_t n, uint64_t offset);
ssize_t __wrap_file_read_now(struct file *f, void *buf, size_t n, uint64_t offset)
{
    return falls_on(&n_reads, cold) ? -EAGAIN : __real_file_read_now(f, buf, n, offset);
}

ssize_t __real_file_read(struct file *f, void *buf, size_t n, uint64_t offset);
ssize_t __wrap_file_read(struct file *f, void *buf, size_t n, uint64_t offset);
ssize_t __wrap_file_read(struct file *f, void *buf, size_t n, uint64_t offset)
{
    if (gate != NULL) {
        tally_start(&file_work);
        gate_wait(str_of(gate));
    }
    ssize_t r = __real_file_read(f, buf, n, offset);
    if (gate != NULL)
        tally_finish(&file_work);
    return r;
}

static _Thread_local bool in_task;

int __real_exchange_task(struct exchange *x, void (*work)(void *arg), void *arg);
int __wrap_exchange_task(struct exchange *x, void (*work)(void *arg), void *arg);
int __wrap_exchange_task(struct exchange *x, void (*work)(void *arg), void *arg)
{
    in_task = true;
    int r = __real_exchange_task(x, work, arg);
    in_task = false;
    return r;
}

int __real_pool_submit(struct pool *p, struct job *job);
int __wrap_pool_submit(struct pool *p, struct job *job);
int __wrap_pool_submit(struct pool *p, struct job *job)
{
    return in_task && falls_on(&n_jobs, refuse) ? -EAGAIN : __real_pool_submit(p, job);
}

__attribute__((constructor)) static void choose_files(void)
{
    static const char *const ways[] = { "memory", "probed", "fetched", "remote" };
    const char *spec = getenv("MUXD_TEST_FILES");
    struct str words = str_of(spec != NULL ? spec : "");

    while (words.n > 0) {
        struct str word = str_cut(&words, ',');
        size_t i = 0;
        while (i < array_len(ways) && !str_eq(word, str_of(ways[i])))
            i++;
        if (i < array_len(ways))
            way = (int)i;
        else if (str_eq(word, STR("steady")))
            steady = true;
        else if (str_starts(word, STR("cold:")))
            cold = (unsigned)strtoul(word.p + 5, NULL, 10);
        else if (str_starts(word, STR("refuse:")))
            refuse = (unsigned)strtoul(word.p + 7, NULL, 10);
        else if (str_starts(word, STR("gate:")))
            gate = strndup(word.p + 5, word.n - 5);
        else
            abort();
    }
}
