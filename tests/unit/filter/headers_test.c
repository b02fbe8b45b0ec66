/* headers_test.c - fields set, added and removed, on error answers too. One thread. */
#include <check.h>
#include <stdlib.h>

#include "support/fake_exchange.h"

static struct fake_conf conf, handler;
static struct exchange *x;

static void setup(void)
{
    fake_conf_filter(&conf, "headers");
    fake_conf_handler(&handler, "respond");
    fake_conf_str(&handler, "body", "text");
    ck_assert_uint_eq(fake_conf_check(&handler), 0);
    x = fake_exchange_new();
    fake_exchange_request(x, "GET", "/", "/");
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&handler);
    fake_conf_done(&conf);
}

static void run(void)
{
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_filter(x, "headers", &conf);
    fake_exchange_run(x, &handler, "respond");
}

START_TEST(nothing)
{
    run();
    ck_assert_uint_eq(x->response.n_fields, 1);
}
END_TEST

START_TEST(set_replaces)
{
    fake_conf_strs(&conf, "set", "content-type:  text/x-own \t", "X-New: a: b", "X-Empty:", NULL);
    run();
    ck_assert_uint_eq(x->response.n_fields, 3);
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/x-own");
    ck_assert_str_eq(fake_exchange_value(x, "X-New"), "a: b");
    ck_assert_str_eq(fake_exchange_value(x, "X-Empty"), "");
}
END_TEST

START_TEST(add_keeps)
{
    fake_conf_strs(&conf, "add", "Set-Cookie: a=1", "Set-Cookie: b=2", NULL);
    run();
    ck_assert_uint_eq(x->response.n_fields, 3);
    ck_assert_uint_eq(x->response.status, 200);
}
END_TEST

START_TEST(remove_is_first)
{
    fake_conf_strs(&conf, "remove", "CONTENT-TYPE", "X-Absent", NULL);
    fake_conf_strs(&conf, "add", "Content-Type: text/x-own", NULL);
    run();
    ck_assert_uint_eq(x->response.n_fields, 1);
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/x-own");
}
END_TEST

START_TEST(error_answers)
{
    struct fake_conf files;

    fake_conf_handler(&files, "files");
    fake_conf_str(&files, "root", "/proc/self");
    ck_assert_uint_eq(fake_conf_check(&files), 0);
    fake_conf_strs(&conf, "set", "X-Frame-Options: DENY", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_request(x, "POST", "/", "/");
    fake_exchange_filter(x, "headers", &conf);
    fake_exchange_run(x, &files, "files");
    ck_assert_uint_eq(x->response.status, 405);
    ck_assert_str_eq(fake_exchange_value(x, "X-Frame-Options"), "DENY");
    ck_assert_str_eq(fake_exchange_value(x, "Allow"), "GET, HEAD, OPTIONS");
    fake_conf_done(&files);
}
END_TEST

static const struct {
    const char *option, *line, *report;
} refused[] = {
    { "set", "no colon", "is not spelled" },
    { "set", "", "is not spelled" },
    { "set", ": value", "is not a field name" },
    { "set", "Name : value", "is not a field name" },
    { "add", "N\xc3\xa4me: value", "is not a field name" },
    { "add", "Name: a\r\nb", "holds a control byte" },
    { "set", "Content-Length: 3", "is set by the server alone" },
    { "add", "transfer-encoding: chunked", "is set by the server alone" },
    { "set", "Connection: close", "is set by the server alone" },
    { "set", "Date: now", "is set by the server alone" },
    { "remove", "Content-Length", "is set by the server alone" },
    { "remove", "a b", "is not a field name" },
};

START_TEST(refusals)
{
    fake_conf_strs(&conf, refused[_i].option, refused[_i].line, NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, refused[_i].option));
    ck_assert(fake_conf_reported(&conf, refused[_i].report));
}
END_TEST

START_TEST(set_twice)
{
    fake_conf_strs(&conf, "set", "X: 1", "x: 2", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "is set twice"));
}
END_TEST

START_TEST(without_memory)
{
    fake_conf_strs(&conf, "set", "X-A: 1", "X-B: 2", "X-C: 3", "X-D: 4", "X-E: 5", "X-F: 6",
                   "X-G: 7", "X-H: 8", "X-I: 9", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    for (size_t bytes = 0; bytes < 4096; bytes += 16) {
        fake_exchange_free(x);
        x = fake_exchange_new();
        fake_exchange_memory(x, bytes);
        fake_exchange_request(x, "GET", "/", "/");
        fake_exchange_filter(x, "headers", &conf);
        fake_exchange_run(x, &handler, "respond");
        ck_assert(x->response.status == 503 || x->response.n_fields == 10);
    }
    ck_assert_uint_eq(x->response.status, 200);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("filter/headers");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing);
    tcase_add_test(tc, set_replaces);
    tcase_add_test(tc, add_keeps);
    tcase_add_test(tc, remove_is_first);
    tcase_add_test(tc, error_answers);
    tcase_add_loop_test(tc, refusals, 0, array_len(refused));
    tcase_add_test(tc, set_twice);
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
