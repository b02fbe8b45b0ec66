/* files_reply_test.c - what of answers the loop keeps, and lets go. One thread, and a fake loop;
 * the answers themselves are in files_test.c. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fake_exchange.h"

static char root[64], plain[80], coded[80];
static struct fake_conf conf;
static struct exchange *x;

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void setup(void)
{
    strcpy(root, "/tmp/muxd-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(plain, sizeof plain, "%s/a.txt", root);
    snprintf(coded, sizeof coded, "%s/a.txt.gz", root);
    make_file(plain, "plain");
    fake_conf_handler(&conf, "files");
    fake_conf_str(&conf, "root", root);
    x = fake_exchange_new();
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
    unlink(plain);
    unlink(coded);
    rmdir(root);
}

/* Another exchange of the same loop. */
static const char *get(void)
{
    void *kept = x->local;
    int64_t ahead = x->ahead;

    x->local = NULL;
    fake_exchange_free(x);
    x = fake_exchange_new();
    x->local = kept;
    x->ahead = ahead;
    x->time_passes = true;
    fake_exchange_request(x, "GET", "/a.txt", "/");
    fake_exchange_field(x, "Accept-Encoding", "gzip");
    fake_exchange_run(x, &conf, "files");
    ck_assert_uint_eq(x->response.status, 200);
    return fake_exchange_text(x);
}

static uint64_t hits(void)
{
    return stats_read(&x->stats, file_cache_hits);
}

START_TEST(kept)
{
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert_str_eq(get(), "plain");
    ck_assert_uint_eq(hits(), 0);
    ck_assert_str_eq(get(), "plain");
    ck_assert_uint_eq(hits(), 1);
}
END_TEST

/* What was known of the file alone goes, else it would hide from then on what takes its place. */
START_TEST(sibling_appears)
{
    fake_conf_time(&conf, "cache", 3600 * NSEC_PER_SEC);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert_str_eq(get(), "plain");
    make_file(coded, "coded");
    x->ahead = 3601 * NSEC_PER_SEC;
    ck_assert_str_eq(get(), "coded");
    ck_assert_uint_eq(hits(), 0);
    ck_assert_str_eq(get(), "coded");
    ck_assert_uint_eq(hits(), 1);
}
END_TEST

/* It may be that what truncates it has not told yet. */
START_TEST(empty_is_seen_twice)
{
    make_file(plain, "");
    usleep(60000); /* it is not young any more */
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert_str_eq(get(), "");
    ck_assert_uint_eq(x->laters, 1);
    x->ahead = 2 * NSEC_PER_SEC;
    ck_assert_str_eq(get(), "");
    ck_assert_uint_eq(hits(), 0);
    ck_assert_uint_eq(x->laters, 0);
}
END_TEST

/* What a client takes its time to take is memory like any other. */
START_TEST(listing_is_charged)
{
    struct budget memory = { .max = MIB(64) };

    fake_conf_bool(&conf, "listing", true);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    arena_charge(&x->arena, &memory);
    fake_exchange_request(x, "GET", "/", "/");
    fake_exchange_run(x, &conf, "files");
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_uint_ge(atomic_load(&memory.used), x->body_length);
    fake_exchange_free(x);
    x = NULL;
    ck_assert_uint_eq(atomic_load(&memory.used), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/files_reply");
    TCase *tc = tcase_create("files_reply");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, kept);
    tcase_add_test(tc, sibling_appears);
    tcase_add_test(tc, empty_is_seen_twice);
    tcase_add_test(tc, listing_is_charged);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
