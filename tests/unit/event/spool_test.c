/* spool_test.c - that lines arrive whole, in order and all, or are counted; whatever the file does.
 */
#include "event/spool.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_ 300
#define LONG_TIME (20 * NSEC_PER_SEC)

static char dir[64], path[128], other[128];
static struct spool *spool;
static struct spool_stats stats;

/* What was told: how often each, the last error, the sum of dropped lines. */
static _Atomic unsigned told[4];
static _Atomic int told_error;
static _Atomic uint64_t told_dropped;

static void on_event(void *arg, enum spool_event event, int error, uint64_t dropped)
{
    ck_assert_ptr_eq(arg, dir);
    told_error = error;
    told_dropped += dropped;
    told[event]++;
}

static int remove_it(const char *p, const struct stat *st UNUSED, int flag UNUSED,
                     struct FTW *f UNUSED)
{
    return remove(p);
}

static void begin(void)
{
    strcpy(dir, "/tmp/muxd-spool-XXXXXX");
    ck_assert(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(other, sizeof other, "%s/other", dir);
}

static void end(void)
{
    nftw(dir, remove_it, 8, FTW_DEPTH | FTW_PHYS);
}

static int make(const char *name, unsigned producers, size_t ring_size)
{
    return spool_new(&(struct spool_conf){ .path = name,
                                           .producers = producers,
                                           .ring_size = ring_size,
                                           .tell = on_event,
                                           .arg = dir },
                     &spool);
}

static void start(const char *name, unsigned producers, size_t ring_size)
{
    ck_assert_int_eq(make(name, producers, ring_size), 0);
    ck_assert_int_eq(spool_start(spool), 0);
}

static void stop(void)
{
    spool_stop(spool, clock_mono() + LONG_TIME);
    ck_assert(spool_end(spool, clock_mono() + LONG_TIME));
}

static const struct spool_stats *now_stats(void)
{
    spool_stats(spool, &stats);
    return &stats;
}

/* Waits until it holds. */
#define await(cond)                                                                                \
    do {                                                                                           \
        int64_t until_ = clock_mono() + LONG_TIME;                                                 \
        while (!(cond)) {                                                                          \
            ck_assert_msg(clock_mono() < until_, "in vain: %s", #cond);                            \
            usleep(500);                                                                           \
        }                                                                                          \
    } while (0)

/* "2 000017 xxxx\n": producer, number, and a length that follows from both. */
static size_t line_of(char *line, unsigned producer, unsigned number)
{
    size_t n = (size_t)sprintf(line, "%u %06u ", producer, number);
    size_t more = (number * 31 + producer * 7) % 200;

    memset(line + n, 'a' + (int)(number % 26), more);
    n += more;
    line[n++] = '\n';
    line[n] = '\0';
    return n;
}

static bool add(unsigned producer, unsigned number)
{
    char line[LINE_MAX_];
    size_t n = line_of(line, producer, number);

    return spool_add(spool, producer, line, n);
}

/* Reads lines from `f`, each whole, those of a producer in order; from `first[producer]` on, which
 * is moved behind the last. Returns how many there were. */
static unsigned read_lines(FILE *f, unsigned *first)
{
    char line[LINE_MAX_], want[LINE_MAX_];
    unsigned n = 0, producer, number;

    while (fgets(line, sizeof line, f) != NULL) {
        ck_assert_int_eq(sscanf(line, "%u %u", &producer, &number), 2);
        ck_assert_uint_lt(producer, 8);
        line_of(want, producer, number);
        ck_assert_str_eq(line, want);
        ck_assert_uint_ge(number, first[producer]);
        first[producer] = number + 1;
        n++;
    }
    ck_assert(!ferror(f));
    return n;
}

static unsigned lines_of(const char *name, unsigned *first)
{
    FILE *f = fopen(name, "r");

    ck_assert_msg(f != NULL, "%s: %s", name, strerror(errno));
    unsigned n = read_lines(f, first);
    fclose(f);
    return n;
}

static bool is_there(const char *name)
{
    return access(name, F_OK) == 0;
}

START_TEST(in_order_and_all)
{
    unsigned first[8] = { 0 };
    enum { N = 5000 };

    umask(0);
    ck_assert_int_eq(make(path, 1, 1024), 0);
    ck_assert(add(0, 0)); /* before it starts */
    ck_assert_uint_eq(now_stats()->queued, 1);
    ck_assert_int_eq(spool_start(spool), 0);
    for (unsigned i = 1; i < N; i++)
        await(add(0, i));
    uint64_t refused = now_stats()->dropped;
    stop();
    ck_assert_uint_eq(lines_of(path, first), N);
    ck_assert_uint_eq(first[0], N);
    ck_assert_uint_eq(told_dropped, refused);
    ck_assert_uint_eq(told[SPOOL_FAILED], 0);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

/* Each line finds the writer asleep, or on its way there. */
START_TEST(no_wake_up_is_lost)
{
    start(path, 2, 0);
    for (unsigned i = 0; i < 60; i++) {
        ck_assert(add(i % 2, i));
        await(now_stats()->lines == i + 1);
        usleep(i * 1000);
    }
    ck_assert_int_eq(now_stats()->hung_for, 0);
    ck_assert_uint_eq(stats.queued, 0);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(stats.bytes, (uint64_t)st.st_size);
    stop();
}
END_TEST

/* A ring an eighth full ends the writer's rest: ten bursts take less than ten rests, unless the
 * machine is busy, so each of several rounds may show it. */
START_TEST(a_burst_is_taken)
{
    static char line[1024], too_long[KIB(64) + 1];
    int64_t fastest = INT64_MAX;

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    memset(too_long, 'x', sizeof too_long);
    too_long[sizeof too_long - 1] = '\n';
    start(path, 1, KIB(64));
    for (unsigned round = 0; round < 50 && fastest > 150 * NSEC_PER_MSEC; round++) {
        int64_t begun = clock_mono();
        for (unsigned i = 0; i < 10 * 32; i++) {
            ck_assert(spool_add(spool, 0, line, sizeof line));
            if (i % 32 == 31)
                await(now_stats()->queued == 0);
        }
        fastest = min_of(fastest, clock_mono() - begun);
    }
    ck_assert_int_le(fastest, 150 * NSEC_PER_MSEC);
    ck_assert(!spool_add(spool, 0, too_long, sizeof too_long));
    stop();
    ck_assert_uint_eq(told_dropped, 1);
}
END_TEST

enum { PRODUCERS = 4, EACH = 30000 };

static void *produce(void *arg)
{
    unsigned producer = (unsigned)(uintptr_t)arg;
    uintptr_t refused = 0;

    for (unsigned i = 0; i < EACH; i++)
        refused += !add(producer, i);
    return (void *)refused;
}

START_TEST(several_producers)
{
    pthread_t threads[PRODUCERS];
    unsigned first[8] = { 0 };
    uint64_t refused = 0, lines;

    start(path, PRODUCERS, 8192);
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, (void *)i), 0);
    for (unsigned i = 0; i < 20; i++) {
        spool_reopen(spool);
        usleep(1000);
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        void *r;
        pthread_join(threads[i], &r);
        refused += (uintptr_t)r;
    }
    await(now_stats()->queued == 0);
    lines = stats.lines;
    ck_assert_uint_eq(stats.dropped, refused);
    ck_assert_uint_eq(lines + refused, PRODUCERS * EACH);
    stop();
    ck_assert_uint_eq(told_dropped, refused); /* what the 10 s held back was told at the end */
    ck_assert_uint_eq(lines_of(path, first), lines);
}
END_TEST

START_TEST(full_disk)
{
    unsigned first[8] = { 0 }, n = 0;

    ck_assert_int_eq(symlink("/dev/full", path), 0);
    start(path, 2, 4096);
    for (unsigned i = 0; i < 200; i++)
        n += add(i % 2, i);
    await(told[SPOOL_FAILED] == 1);
    ck_assert_int_eq(told_error, ENOSPC);
    ck_assert_uint_lt(n, 200);
    int64_t later = clock_mono() + 2200 * NSEC_PER_MSEC; /* two tries more */
    await(clock_mono() > later);
    ck_assert_uint_eq(told[SPOOL_FAILED], 1);
    ck_assert_uint_eq(told[SPOOL_DROPPED], 0);
    ck_assert_uint_eq(now_stats()->dropped, 200 - n);
    ck_assert_uint_eq(stats.queued, n);
    ck_assert_int_eq(stats.hung_for, 0);

    ck_assert_int_eq(unlink(path), 0);
    spool_reopen(spool);
    await(told[SPOOL_RESUMED] == 1);
    ck_assert_uint_eq(told_dropped, 200 - n);
    ck_assert(add(0, 200));
    stop();
    ck_assert_uint_eq(lines_of(path, first), n + 1);
    ck_assert_uint_eq(told[SPOOL_FAILED], 1);
    ck_assert_uint_eq(told[SPOOL_DROPPED], 0);
}
END_TEST

/* The end does not wait for a full disk, and says what it leaves. */
START_TEST(full_disk_at_the_end)
{
    start("/dev/full", 1, 0);
    for (unsigned i = 0; i < 7; i++)
        ck_assert(add(0, i));
    int64_t begun = clock_mono();
    stop();
    ck_assert_int_lt(clock_mono() - begun, LONG_TIME / 2);
    ck_assert_uint_eq(told[SPOOL_FAILED], 1);
    ck_assert_uint_eq(told[SPOOL_DROPPED], 1);
    ck_assert_uint_eq(told_dropped, 7);
}
END_TEST

static void limit_size(rlim_t bytes)
{
    struct rlimit lim;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &lim), 0);
    lim.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static off_t size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) == 0 ? st.st_size : -1;
}

/* The disk is full in the middle of a line: it goes on there. */
START_TEST(a_cut_line_is_completed)
{
    unsigned first[8] = { 0 };

    signal(SIGXFSZ, SIG_IGN);
    limit_size(1000);
    start(path, 2, 0);
    for (unsigned i = 0; i < 40; i++)
        ck_assert(add(i % 2, i));
    await(told[SPOOL_FAILED] == 1);
    ck_assert_int_eq(told_error, EFBIG);
    ck_assert_int_eq(size_of(path), 1000);
    spool_reopen(spool); /* the same file: still in the middle of the line */
    int64_t later = clock_mono() + 100 * NSEC_PER_MSEC;
    await(clock_mono() > later);
    limit_size(RLIM_INFINITY);
    await(told[SPOOL_RESUMED] == 1);
    stop();
    ck_assert_uint_eq(lines_of(path, first), 40);
}
END_TEST

/* The same, and the file is moved: with room again the line is completed where it began, otherwise
 * it begins anew in the next file. */
START_TEST(a_cut_line_and_another_file)
{
    unsigned first[8] = { 0 }, n;
    char line[LINE_MAX_];

    signal(SIGXFSZ, SIG_IGN);
    limit_size(1000);
    start(path, 1, 0);
    for (unsigned i = 0; i < 15; i++)
        ck_assert(add(0, i));
    await(told[SPOOL_FAILED] == 1);
    ck_assert_int_eq(size_of(path), 1000);
    ck_assert_int_eq(rename(path, other), 0);
    if (_i == 0)
        limit_size(RLIM_INFINITY);
    spool_reopen(spool);
    await(told[SPOOL_RESUMED] == 1);
    stop();
    if (_i == 0) {
        n = lines_of(other, first);
        ck_assert_uint_eq(n + lines_of(path, first), 15);
        return;
    }
    ck_assert_int_eq(size_of(other), 1000);
    FILE *f = fopen(other, "r");
    for (n = 0; fgets(line, sizeof line, f) != NULL && strchr(line, '\n') != NULL;)
        n++;
    fclose(f);
    first[0] = n;
    ck_assert_uint_eq(n + lines_of(path, first), 15);
    ck_assert_uint_eq(first[0], 15);
}
END_TEST

START_TEST(moved_and_deleted)
{
    unsigned first[8] = { 0 };
    char third[128];

    snprintf(third, sizeof third, "%s/third", dir);
    start(path, 1, 0);
    ck_assert(add(0, 0));
    await(now_stats()->lines == 1);
    ck_assert_int_eq(rename(path, other), 0);
    for (unsigned i = 1; !is_there(path); i++) {
        ck_assert(add(0, i));
        usleep(10000);
        ck_assert_uint_lt(i, 1000);
    }
    await(now_stats()->queued == 0);
    uint64_t before = stats.lines;
    ck_assert_int_eq(rename(path, third), 0);
    ck_assert_int_eq(symlink("nowhere/log", path), 0); /* cannot be made */
    for (unsigned i = 1000; told[SPOOL_REOPEN_FAILED] == 0; i++) {
        ck_assert(add(0, i));
        usleep(10000);
        ck_assert_uint_lt(i, 2000);
    }
    ck_assert_int_eq(told_error, ENOENT);
    int64_t later = clock_mono() + 1200 * NSEC_PER_MSEC;
    await(clock_mono() > later);
    ck_assert(add(0, 2000)); /* tried again, and not told again */
    await(now_stats()->queued == 0);
    ck_assert_uint_eq(told[SPOOL_REOPEN_FAILED], 1);
    spool_reopen(spool); /* who asks is told */
    await(told[SPOOL_REOPEN_FAILED] == 2);
    ck_assert_int_eq(unlink(path), 0);
    spool_reopen(spool);
    ck_assert(add(0, 2001));
    await(is_there(path));
    uint64_t all = stats.lines + 1;
    stop();
    unsigned n = lines_of(other, first);
    ck_assert_uint_ge(n, 1);
    n += lines_of(third, first); /* written to while nothing else could be opened */
    ck_assert_uint_gt(n, before);
    n += lines_of(path, first);
    ck_assert_uint_eq(n, all);
    ck_assert_uint_eq(first[0], 2002);
    ck_assert_uint_eq(told[SPOOL_FAILED], 0);
    ck_assert_uint_eq(told_dropped, 0);
}
END_TEST

/* Adds until the writer hangs and the ring is full; returns how many lines it took. */
static unsigned add_until_it_hangs(void)
{
    unsigned taken = 0;

    for (unsigned i = 0; now_stats()->hung_for < 50 * NSEC_PER_MSEC || stats.dropped == 0; i++) {
        taken += add(0, i);
        usleep(50);
    }
    return taken;
}

/* A FIFO that nobody reads for a while: drops are told, nothing is broken. */
START_TEST(slow_reader)
{
    unsigned first[8] = { 0 };

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(make(path, 1, 4096), -ENXIO);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    start(path, 1, 4096);
    unsigned taken = add_until_it_hangs();
    await(told[SPOOL_DROPPED] >= 1);
    spool_reopen(spool); /* in the middle of a line, maybe; it is the same FIFO */
    int64_t later = clock_mono() + 100 * NSEC_PER_MSEC;
    await(clock_mono() > later);
    ck_assert_int_gt(now_stats()->hung_for, 100 * NSEC_PER_MSEC);

    FILE *f = fdopen(fd, "r");
    char line[LINE_MAX_], want[LINE_MAX_];
    for (unsigned n = 0; n < taken;) {
        unsigned producer, number;
        await((clearerr(f), fgets(line, sizeof line, f) != NULL));
        size_t have = strlen(line);
        while (line[have - 1] != '\n') {
            await((clearerr(f), fgets(line + have, (int)(sizeof line - have), f) != NULL));
            have += strlen(line + have);
        }
        ck_assert_int_eq(sscanf(line, "%u %u", &producer, &number), 2);
        line_of(want, producer, number);
        ck_assert_str_eq(line, want);
        ck_assert_uint_ge(number, first[0]);
        first[0] = number + 1;
        n++;
    }
    await(now_stats()->hung_for == 0);
    stop();
    ck_assert_uint_eq(told[SPOOL_FAILED], 0);
    fclose(f);
}
END_TEST

START_TEST(end_without_a_reader)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    start(path, 1, 4096);
    unsigned taken = add_until_it_hangs();
    uint64_t dropped = stats.dropped;
    spool_stop(spool, clock_mono() + 300 * NSEC_PER_MSEC);
    ck_assert(spool_end(spool, clock_mono() + LONG_TIME));
    ck_assert_uint_gt(told_dropped, dropped); /* the ring was full */
    ck_assert_uint_lt(told_dropped, dropped + taken);
    close(fd);
}
END_TEST

/* The standard output is a pipe that blocks: the writer hangs, and can be left behind. */
START_TEST(a_writer_that_hangs)
{
    int fds[2], keep = dup(STDOUT_FILENO);
    unsigned first[8] = { 0 };

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(fds[1], STDOUT_FILENO), STDOUT_FILENO);
    close(fds[1]);
    start(NULL, 1, 4096);
    unsigned taken = add_until_it_hangs();
    spool_reopen(spool); /* nothing comes of it */
    spool_stop(spool, clock_mono() + LONG_TIME);
    ck_assert(!spool_end(spool, clock_mono() + 100 * NSEC_PER_MSEC));
    ck_assert_uint_gt(now_stats()->queued, 0);
    ck_assert_uint_eq(stats.queued + stats.lines, taken);
    ck_assert(!spool_end(spool, 0));

    FILE *f = fdopen(fds[0], "r");
    char line[LINE_MAX_];
    for (unsigned i = 0; i < taken; i++) {
        ck_assert(fgets(line, sizeof line, f) != NULL);
        unsigned number;
        ck_assert_int_eq(sscanf(line, "0 %u", &number), 1);
        ck_assert_uint_ge(number, first[0]);
        first[0] = number + 1;
    }
    stop();
    ck_assert_int_eq(dup2(keep, STDOUT_FILENO), STDOUT_FILENO);
    close(keep);
    ck_assert_ptr_null(fgets(line, sizeof line, f)); /* the standard output was not closed by it */
    fclose(f);
}
END_TEST

START_TEST(refusals)
{
    snprintf(other, sizeof other, "%s/none/log", dir);
    ck_assert_int_eq(make(other, 1, 0), -ENOENT);
    ck_assert_ptr_null(spool);
    ck_assert_int_eq(make(dir, 1, 0), -EISDIR);
    ck_assert_int_eq(make(path, 3, 0), 0);
    ck_assert(add(2, 1));
    ck_assert(spool_end(spool, 0)); /* never started */
    ck_assert(spool_end(NULL, 0));
    ck_assert_int_eq(size_of(path), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("spool");
    TCase *t = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, in_order_and_all);
    tcase_add_test(t, no_wake_up_is_lost);
    tcase_add_test(t, a_burst_is_taken);
    tcase_add_test(t, several_producers);
    tcase_add_test(t, full_disk);
    tcase_add_test(t, full_disk_at_the_end);
    tcase_add_test(t, a_cut_line_is_completed);
    tcase_add_loop_test(t, a_cut_line_and_another_file, 0, 2);
    tcase_add_test(t, moved_and_deleted);
    tcase_add_test(t, slow_reader);
    tcase_add_test(t, end_without_a_reader);
    tcase_add_test(t, a_writer_that_hangs);
    tcase_add_test(t, refusals);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
