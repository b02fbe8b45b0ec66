/* stream_test.c - both sides of both directions; where two threads are needed, one is the loop. */
#include "event/stream.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "event/loop.h"

#define FOR_EVER INT64_MAX

static struct mailbox box;
static unsigned n_told;

static void told(void *arg)
{
    ck_assert_ptr_eq(arg, &box);
    n_told++;
}

static void setup(void)
{
    ck_assert_int_eq(mailbox_init(&box), 0);
}

static void teardown(void)
{
    mailbox_deliver(&box);
    mailbox_done(&box);
}

static struct stream *make(enum stream_dir dir, size_t size)
{
    struct stream *s = stream_new(dir, size, NULL, &box, told, &box);

    ck_assert_ptr_nonnull(s);
    return s;
}

/* In one thread: what a side would wait for is always there. */

START_TEST(to_loop)
{
    struct stream *s = make(STREAM_TO_LOOP, 8);
    char buf[16];

    ck_assert_uint_eq(stream_loop_avail(s), 0);
    ck_assert_int_eq(stream_worker_write(s, "abcdef", 6, FOR_EVER), 0);
    ck_assert_uint_eq(stream_loop_avail(s), 6);
    ck_assert_uint_eq(mailbox_deliver(&box), 0); /* the loop had not asked */
    ck_assert_int_eq(stream_loop_read(s, buf, 4), 4);
    ck_assert_int_eq(stream_worker_write(s, "ghijkl", 6, FOR_EVER), 0); /* wraps */
    ck_assert_int_eq(stream_loop_read(s, buf + 4, sizeof buf - 4), 8);
    ck_assert_int_eq(memcmp(buf, "abcdefghijkl", 12), 0);

    ck_assert_int_eq(stream_loop_read(s, buf, sizeof buf), -EAGAIN);
    ck_assert_int_eq(stream_loop_read(s, buf, sizeof buf), -EAGAIN);
    ck_assert_int_eq(stream_worker_write(s, "m", 1, FOR_EVER), 0);
    ck_assert_int_eq(stream_worker_write(s, "n", 1, FOR_EVER), 0);
    ck_assert_uint_eq(mailbox_deliver(&box), 1); /* one letter for both */
    ck_assert_uint_eq(n_told, 1);
    ck_assert_int_eq(stream_loop_read(s, buf, sizeof buf), 2);

    ck_assert_int_eq(stream_worker_write(s, "o", 1, FOR_EVER), 0);
    stream_worker_close(s);
    ck_assert_uint_eq(mailbox_deliver(&box), 1); /* told, although not refused */
    ck_assert_int_eq(stream_loop_read(s, buf, sizeof buf), 1);
    ck_assert_int_eq(stream_loop_read(s, buf, sizeof buf), 0);
    ck_assert_int_eq(stream_loop_read(s, buf, sizeof buf), 0);
    stream_free(s);
    stream_free(NULL);
}
END_TEST

START_TEST(to_worker)
{
    struct stream *s = make(STREAM_TO_WORKER, 8);
    char buf[16];

    ck_assert_uint_eq(stream_loop_room(s), 8);
    ck_assert_int_eq(stream_loop_write(s, "abcdefghij", 10), 8); /* in part */
    ck_assert_uint_eq(stream_loop_room(s), 0);
    ck_assert_int_eq(stream_loop_write(s, "ij", 2), -EAGAIN);
    ck_assert_int_eq(stream_worker_read(s, buf, 3, 0), 3); /* a past deadline does not hide data */
    ck_assert_uint_eq(mailbox_deliver(&box), 0);           /* not half free */
    ck_assert_int_eq(stream_worker_read(s, buf + 3, 1, FOR_EVER), 1);
    ck_assert_uint_eq(mailbox_deliver(&box), 1);
    ck_assert_uint_eq(n_told, 1);
    ck_assert_int_eq(stream_loop_write(s, "ij", 2), 2);
    ck_assert_int_eq(stream_worker_read(s, buf + 4, 12, FOR_EVER), 6);
    ck_assert_int_eq(memcmp(buf, "abcdefghij", 10), 0);
    ck_assert_uint_eq(mailbox_deliver(&box), 0); /* not refused since */

    ck_assert_int_eq(stream_loop_write(s, "k", 1), 1);
    stream_loop_close(s);
    ck_assert_uint_eq(stream_loop_room(s), 0);
    ck_assert_int_eq(stream_worker_read(s, buf, sizeof buf, FOR_EVER), 1);
    ck_assert_int_eq(stream_worker_read(s, buf, sizeof buf, FOR_EVER), 0);
    ck_assert_int_eq(stream_worker_read(s, buf, sizeof buf, FOR_EVER), 0);
    stream_free(s);
}
END_TEST

START_TEST(deadlines)
{
    struct stream *in = make(STREAM_TO_WORKER, 4), *out = make(STREAM_TO_LOOP, 4);
    char buf[8];
    int64_t until = clock_mono() + 3 * NSEC_PER_MSEC;

    ck_assert_int_eq(stream_worker_read(in, buf, sizeof buf, until), -ETIMEDOUT);
    ck_assert_int_ge(clock_mono(), until);
    ck_assert_int_eq(stream_worker_read(in, buf, sizeof buf, 0), -ETIMEDOUT);
    ck_assert_int_eq(stream_worker_read(in, buf, sizeof buf, -5), -ETIMEDOUT);
    until = clock_mono() + 3 * NSEC_PER_MSEC;
    ck_assert_int_eq(stream_worker_write(out, "abcdef", 6, until), -ETIMEDOUT);
    ck_assert_int_ge(clock_mono(), until);
    ck_assert_int_eq(stream_loop_read(out, buf, sizeof buf), 4); /* what fitted */
    stream_free(in);
    stream_free(out);
}
END_TEST

START_TEST(aborts)
{
    struct stream *s;
    char buf[8];

    for (int dir = STREAM_TO_WORKER; dir <= STREAM_TO_LOOP; dir++) {
        for (int by_worker = 0; by_worker <= 1; by_worker++) {
            s = make((enum stream_dir)dir, 8);
            if (dir == STREAM_TO_WORKER)
                ck_assert_int_eq(stream_loop_write(s, "abc", 3), 3);
            else
                ck_assert_int_eq(stream_worker_write(s, "abc", 3, FOR_EVER), 0);
            (by_worker ? stream_worker_abort : stream_loop_abort)(s);
            ck_assert_uint_eq(mailbox_deliver(&box), by_worker ? 1u : 0u);
            if (dir == STREAM_TO_WORKER) {
                stream_loop_close(s); /* does not undo it */
                ck_assert_int_eq(stream_loop_write(s, "d", 1), -ECANCELED);
                ck_assert_int_eq(stream_worker_read(s, buf, 8, FOR_EVER), -ECANCELED);
                ck_assert_uint_eq(stream_loop_room(s), 0);
            } else {
                stream_worker_close(s);
                ck_assert_int_eq(stream_loop_read(s, buf, 8), -ECANCELED);
                ck_assert_int_eq(stream_worker_write(s, "d", 1, FOR_EVER), -ECANCELED);
                ck_assert_uint_eq(stream_loop_avail(s), 0);
            }
            stream_free(s);
            mailbox_deliver(&box);
        }
    }
}
END_TEST

START_TEST(freed_with_the_letter_on_its_way)
{
    struct stream *s = make(STREAM_TO_LOOP, 8);

    stream_worker_close(s);
    stream_worker_abort(s); /* the letter is in the box; not twice */
    stream_free(s);
    ck_assert_uint_eq(mailbox_deliver(&box), 1);
    ck_assert_uint_eq(n_told, 0);
}
END_TEST

static struct stream *to_free;

static void told_frees(void *arg UNUSED)
{
    n_told++;
    stream_free(to_free);
}

START_TEST(freed_by_told)
{
    to_free = stream_new(STREAM_TO_LOOP, 8, NULL, &box, told_frees, NULL);
    stream_worker_close(to_free);
    ck_assert_uint_eq(mailbox_deliver(&box), 1);
    ck_assert_uint_eq(n_told, 1);
}
END_TEST

START_TEST(refused_while_the_letter_flies)
{
    struct stream *s = make(STREAM_TO_LOOP, 8);
    char buf[8];

    ck_assert_int_eq(stream_loop_read(s, buf, 8), -EAGAIN);
    ck_assert_int_eq(stream_worker_write(s, "a", 1, FOR_EVER), 0);
    ck_assert_int_eq(stream_loop_read(s, buf, 8), 1); /* by itself, before the letter */
    ck_assert_int_eq(stream_loop_read(s, buf, 8), -EAGAIN);
    ck_assert_int_eq(stream_worker_write(s, "b", 1, FOR_EVER), 0);
    ck_assert_uint_eq(mailbox_deliver(&box), 1);
    ck_assert_uint_eq(n_told, 1);
    ck_assert_int_eq(stream_loop_read(s, buf, 8), 1);
    ck_assert_int_eq(stream_loop_read(s, buf, 8), -EAGAIN);
    ck_assert_int_eq(stream_worker_write(s, "c", 1, FOR_EVER), 0);
    ck_assert_uint_eq(mailbox_deliver(&box), 1);
    ck_assert_uint_eq(n_told, 2);
    stream_free(s);
}
END_TEST

/* With a worker: this thread is the loop and sleeps in loop_turn(), so a lost wake-up hangs. */

struct transfer {
    struct loop loop;
    struct stream *s;
    struct letter job_back;
    size_t total, moved; /* moved: the loop's side */
    unsigned seed;       /* the loop's */
    int abort_at;        /* the loop aborts after so many bytes; -1: never */
    bool over, back;
    ssize_t worker_result;
};

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 31 + i / 251);
}

static bool is_right(const unsigned char *bytes, size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != byte_at(from + i))
            return false;
    return true;
}

static void job_is_back(struct letter *l)
{
    struct transfer *t = container_of(l, struct transfer, job_back);

    t->back = true;
}

static void *write_all(void *arg)
{
    struct transfer *t = arg;
    unsigned char buf[600];
    unsigned seed = 7;

    for (size_t at = 0; at < t->total;) {
        size_t n = 1 + (size_t)rand_r(&seed) % sizeof buf;

        n = min_of(n, t->total - at);
        for (size_t i = 0; i < n; i++)
            buf[i] = byte_at(at + i);
        t->worker_result = stream_worker_write(t->s, buf, n, FOR_EVER);
        if (t->worker_result < 0)
            break;
        at += n;
    }
    stream_worker_close(t->s);
    loop_post(&t->loop, &t->job_back);
    return NULL;
}

static void *read_all(void *arg)
{
    struct transfer *t = arg;
    unsigned char buf[600];
    unsigned seed = 7;

    for (size_t at = 0;;) {
        size_t want = 1 + (size_t)rand_r(&seed) % sizeof buf;
        ssize_t n = stream_worker_read(t->s, buf, want, FOR_EVER);

        if (n > 0 && !is_right(buf, (size_t)n, at))
            n = -EBADMSG;
        t->worker_result = n;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    loop_post(&t->loop, &t->job_back);
    return NULL;
}

static void loop_reads(void *arg)
{
    struct transfer *t = arg;
    unsigned char buf[500];

    while (!t->over) {
        ssize_t n = stream_loop_read(t->s, buf, 1 + (size_t)rand_r(&t->seed) % sizeof buf);

        if (n == -EAGAIN)
            return;
        if (n > 0) {
            ck_assert(is_right(buf, (size_t)n, t->moved));
            t->moved += (size_t)n;
        } else {
            t->over = true;
            ck_assert_int_eq(n, 0);
        }
        if (t->abort_at >= 0 && t->moved >= (size_t)t->abort_at) {
            stream_loop_abort(t->s);
            t->over = true;
        }
    }
}

static void loop_writes(void *arg)
{
    struct transfer *t = arg;
    unsigned char buf[500];

    while (!t->over) {
        size_t n = 1 + (size_t)rand_r(&t->seed) % sizeof buf;
        ssize_t done;

        n = min_of(n, t->total - t->moved);
        if (t->moved == t->total) {
            stream_loop_close(t->s);
            t->over = true;
            return;
        }
        for (size_t i = 0; i < n; i++)
            buf[i] = byte_at(t->moved + i);
        done = stream_loop_write(t->s, buf, n);
        if (done == -EAGAIN)
            return;
        ck_assert_int_gt(done, 0);
        t->moved += (size_t)done;
        if (t->abort_at >= 0 && t->moved >= (size_t)t->abort_at) {
            stream_loop_abort(t->s);
            t->over = true;
        }
    }
}

static void transfer(enum stream_dir dir, size_t size, size_t total, int abort_at)
{
    struct transfer t = { .total = total, .abort_at = abort_at, .seed = (unsigned)size };
    void (*step)(void *arg) = dir == STREAM_TO_LOOP ? loop_reads : loop_writes;
    pthread_t worker;

    t.job_back.deliver = job_is_back;
    ck_assert_int_eq(loop_init(&t.loop), 0);
    t.s = stream_new(dir, size, NULL, &t.loop.mailbox, step, &t);
    ck_assert_int_eq(
        pthread_create(&worker, NULL, dir == STREAM_TO_LOOP ? write_all : read_all, &t), 0);
    step(&t);
    while (!t.back || !t.over)
        loop_turn(&t.loop, -1);
    stream_free(t.s);
    pthread_join(worker, NULL);
    if (abort_at < 0) {
        ck_assert_uint_eq(t.moved, total);
        ck_assert_int_eq(t.worker_result, 0);
    } else {
        ck_assert_int_eq(t.worker_result, -ECANCELED);
    }
    loop_done(&t.loop);
}

static const size_t sizes[] = { 1, 2, 64, 512, 4096 };

START_TEST(transfer_to_loop)
{
    transfer(STREAM_TO_LOOP, sizes[_i], sizes[_i] < 64 ? 3000 : 400000, -1);
}
END_TEST

START_TEST(transfer_to_worker)
{
    transfer(STREAM_TO_WORKER, sizes[_i], sizes[_i] < 64 ? 3000 : 400000, -1);
}
END_TEST

START_TEST(abort_wakes_the_worker)
{
    for (int at = 0; at < 2000; at += 50) {
        transfer(STREAM_TO_LOOP, 64, 1000000, at);
        transfer(STREAM_TO_WORKER, 64, 1000000, at);
    }
}
END_TEST

static void *one_byte_late(void *arg)
{
    char c;

    /* Its only event is the close. */
    ck_assert_int_eq(stream_worker_read(arg, &c, 1, FOR_EVER), 0);
    return NULL;
}

START_TEST(close_wakes_the_worker)
{
    for (unsigned i = 0; i < 200; i++) {
        struct stream *s = make(STREAM_TO_WORKER, 8);
        pthread_t worker;

        ck_assert_int_eq(pthread_create(&worker, NULL, one_byte_late, s), 0);
        stream_loop_close(s);
        pthread_join(worker, NULL);
        stream_free(s);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event/stream");
    TCase *tc = tcase_create("stream");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, to_loop);
    tcase_add_test(tc, to_worker);
    tcase_add_test(tc, deadlines);
    tcase_add_test(tc, aborts);
    tcase_add_test(tc, freed_with_the_letter_on_its_way);
    tcase_add_test(tc, freed_by_told);
    tcase_add_test(tc, refused_while_the_letter_flies);
    tcase_add_loop_test(tc, transfer_to_loop, 0, (int)array_len(sizes));
    tcase_add_loop_test(tc, transfer_to_worker, 0, (int)array_len(sizes));
    tcase_add_test(tc, abort_wakes_the_worker);
    tcase_add_test(tc, close_wakes_the_worker);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
