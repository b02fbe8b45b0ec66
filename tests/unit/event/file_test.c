/* file_test.c - what a file is said to be, what is read of it at once, and who closes it. */
#include "event/file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

#define SIZE 300000

static int new_file(void)
{
    static char bytes[SIZE];
    char path[] = "file_test.XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i % 251);
    ck_assert_int_eq(write(fd, bytes, SIZE), SIZE);
    ck_assert_int_eq(fsync(fd), 0);
    return fd;
}

static struct file *open_as(int fd, enum file_way way)
{
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    struct file *f = file_new(fd, &st, way, false);
    ck_assert_ptr_nonnull(f);
    return f;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(ways)
{
    int memory = memfd_create("x", MFD_CLOEXEC), proc = open("/proc/self/stat", O_RDONLY);

    ck_assert_int_eq(file_way_of(memory), FILE_MEMORY);
    ck_assert_int_eq(file_way_of(proc), FILE_REMOTE);
    ck_assert_int_eq(file_way_of(-1), FILE_REMOTE);
    close(memory);
    close(proc);
}
END_TEST

/* Whatever this file system is, a read at once gives what is there, or says that it will not. */
START_TEST(reading)
{
    int fd = new_file();
    char buf[100];

    for (enum file_way way = FILE_MEMORY; way <= FILE_REMOTE; way++) {
        struct file *f = open_as(dup(fd), way);
        ck_assert_int_eq(file_read(f, buf, sizeof buf, SIZE - 10), 10);
        ssize_t n = file_read_now(f, buf, sizeof buf, 251 * 1000);
        if (n != sizeof buf)
            ck_assert_int_eq(n, -EAGAIN);
        ck_assert(n != -EAGAIN || way != FILE_MEMORY);
        ck_assert(n == -EAGAIN || way < FILE_FETCHED);
        ck_assert(n < 0 || (buf[0] == 0 && buf[99] == 99));
        if (way < FILE_FETCHED && n > 0)
            ck_assert_int_eq(file_read_now(f, buf, sizeof buf, SIZE), 0);
        file_unref(f);
    }
    close(fd);
    file_end(clock_mono() + NSEC_PER_SEC);
}
END_TEST

/* What the page cache has not is not read, until somebody who may wait has. */
START_TEST(cold)
{
    int fd = new_file();
    struct file *f = open_as(fd, FILE_PROBED);
    char buf[100];

    if (file_way_of(fd) == FILE_PROBED) {
        ssize_t n = 0;
        ck_assert_int_eq(fsync(fd), 0);
        for (int i = 0; i < 500 && n != -EAGAIN; i++) { /* it is an advice, not always taken */
            if (i > 0)
                usleep(10000);
            ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
            n = file_read_now(f, buf, sizeof buf, 0);
        }
        ck_assert_int_eq(n, -EAGAIN);
        ck_assert_int_eq(file_read(f, buf, sizeof buf, 0), sizeof buf);
        ck_assert_int_eq(file_read_now(f, buf, sizeof buf, 0), sizeof buf);
        ck_assert_int_eq(f->way, FILE_PROBED);
    }
    file_unref(f);
}
END_TEST

/* A file system that cannot be asked is noticed at the first read. */
START_TEST(cannot_be_asked)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    char byte = 1;

    ck_assert_int_eq(write(fd, &byte, 1), 1);
    struct file *f = open_as(fd, FILE_PROBED);
    ssize_t n = file_read_now(f, &byte, 1, 0);
    if (n != 1) { /* a kernel whose tmpfs cannot be asked */
        ck_assert_int_eq(n, -EAGAIN);
        ck_assert_int_eq(f->way, FILE_FETCHED);
    }
    ck_assert_int_eq(file_read(f, &byte, 1, 0), 1);
    file_unref(f);
}
END_TEST

START_TEST(changes)
{
    int fd = new_file();
    struct file *f = open_as(fd, FILE_PROBED);
    struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

    ck_assert(!file_changed(f));
    ck_assert_uint_eq(f->size, SIZE);
    ck_assert_int_eq(futimens(fd, old), 0); /* ctime tells that mtime was set back */
    ck_assert(file_changed(f));
    struct file *g = open_as(dup(fd), FILE_PROBED);
    ck_assert(!file_changed(g));
    ck_assert_int_eq(ftruncate(fd, SIZE - 1), 0);
    ck_assert(file_changed(g));
    file_unref(f);
    file_unref(g);
}
END_TEST

static void *take_and_give(void *arg)
{
    for (int i = 0; i < 10000; i++)
        file_unref(file_ref(arg));
    file_unref(arg);
    return NULL;
}

START_TEST(the_last_one_closes)
{
    enum file_way way = _i == 0 ? FILE_PROBED : FILE_REMOTE;
    int fd = memfd_create("x", MFD_CLOEXEC);
    struct file *f = open_as(fd, way);
    pthread_t threads[3];

    for (size_t i = 0; i < array_len(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, file_ref(f)), 0);
    ck_assert(is_open(fd));
    file_unref(f);
    for (size_t i = 0; i < array_len(threads); i++)
        pthread_join(threads[i], NULL);
    file_end(clock_mono() + 10 * NSEC_PER_SEC);
    ck_assert(!is_open(fd));
    file_unref(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("file");
    TCase *t = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_test(t, ways);
    tcase_add_test(t, reading);
    tcase_add_test(t, cold);
    tcase_add_test(t, cannot_be_asked);
    tcase_add_test(t, changes);
    tcase_add_loop_test(t, the_last_one_closes, 0, 2);
    suite_add_tcase(s, t);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
