/* redirect_test.c - where a redirect leads, and which targets are refused. One thread. */
#include <check.h>
#include <stdlib.h>

#include "support/fake_exchange.h"

static struct fake_conf conf;
static struct exchange *x;

static void setup(void)
{
    fake_conf_handler(&conf, "redirect");
    x = fake_exchange_new();
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
}

static const struct {
    const char *to, *target, *prefix, *location;
} maps[] = {
    { "/new/", "/old/a/b?q=1", "/old/", "/new/a/b?q=1" },
    { "/new/", "/old/", "/old/", "/new/" },
    { "/new/", "/old/a/", "/old/", "/new/a/" },
    { "/new/", "/old/?", "/old/", "/new/?" },
    { "/new", "/old/a/b?q=1", "/old/", "/new?q=1" },
    { "/new?x=1", "/old/a?q=1", "/old/", "/new?x=1" },
    { "/new/?x=1", "/old/a?q=1", "/old/", "/new/a?x=1" },
    { "/new/#top", "/old/a?q=1", "/old/", "/new/a?q=1#top" },
    { "/new#a?b", "/old/a?q=1", "/old/", "/new?q=1#a?b" },
    { "https://www.example.org/", "/a?q", "/", "https://www.example.org/a?q" },
    { "HTTP://www.example.org:8080", "/a?q", "/", "HTTP://www.example.org:8080?q" },
    { "https://[::1]/x/", "/a", "/", "https://[::1]/x/a" },
    /* What was decoded is encoded again; an encoded slash stays in its segment. */
    { "/new/", "/old/a%20b%0d%0aX:%20y", "/old/", "/new/a%20b%0D%0AX:%20y" },
    { "/new/", "/old/%2fa%25", "/old/", "/new/%2Fa%25" },
    { "/new/", "/old/%3f%23", "/old/", "/new/%3F%23" },
    /* Never "//" or "/\" at the begin. */
    { "/", "/old/%5cevil.example", "/old/", "/%5Cevil.example" },
    { "/", "/old//evil.example", "/old/", "/evil.example" },
    { "/", "/old/%2fevil.example", "/old/", "/%2Fevil.example" },
    { "/", "/old/%2f%2fevil.example", "/old/", "/%2F%2Fevil.example" },
};

START_TEST(location)
{
    fake_conf_str(&conf, "to", maps[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_request(x, "GET", maps[_i].target, maps[_i].prefix);
    fake_exchange_run(x, &conf, "redirect");
    ck_assert_uint_eq(x->response.status, 308);
    ck_assert_str_eq(fake_exchange_value(x, "Location"), maps[_i].location);
    ck_assert_str_eq(fake_exchange_text(x), "308 Permanent Redirect\n");
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/plain; charset=utf-8");
}
END_TEST

static const struct {
    const char *to, *report;
} refused[] = {
    { "", "must begin with" },
    { "new/", "must begin with" },
    { "ftp://example.org/", "must begin with" },
    { "javascript:alert(1)", "must begin with" },
    { "//evil.example/", "names another host" },
    { "/\\evil.example/", "may not stand in a URI" },
    { "https://", "names no host" },
    { "https:///x", "names no host" },
    { "https://:80/x", "names no host" },
    { "https://a@b/", "user name" },
    { "/a b", "byte 0x20" },
    { "/a\r\nX: y", "byte 0x0d" },
    { "/\xc3\xa4", "byte 0xc3" },
    { "/%zz", "two hex digits" },
    { "/%2", "two hex digits" },
};

START_TEST(refusals)
{
    fake_conf_str(&conf, "to", refused[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "error: to: "));
    ck_assert(fake_conf_reported(&conf, refused[_i].report));
}
END_TEST

START_TEST(statuses)
{
    for (int64_t status = 301; status <= 308; status++) {
        unsigned errors = conf.errors;
        fake_conf_str(&conf, "to", "/new");
        fake_conf_int(&conf, "status", status);
        bool good = status <= 303 || status >= 307;
        ck_assert_uint_eq(fake_conf_check(&conf) - errors, good ? 0 : 1);
    }
}
END_TEST

START_TEST(to_itself)
{
    conf.check.prefix = STR("/old/");
    fake_conf_str(&conf, "to", "/old/");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert_uint_eq(conf.warnings, 1);
}
END_TEST

/* Whatever allocation fails, the answer is a 503. */
START_TEST(without_memory)
{
    size_t bytes = 0;

    fake_conf_str(&conf, "to", "/new/");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    for (unsigned status = 503; status == 503; bytes += 16) {
        ck_assert_uint_lt(bytes, 4096);
        fake_exchange_free(x);
        x = fake_exchange_new();
        fake_exchange_memory(x, bytes);
        fake_exchange_request(x, "GET", "/old/a?q", "/old/");
        fake_exchange_run(x, &conf, "redirect");
        status = x->response.status;
        ck_assert(status == 503 || status == 308);
    }
    ck_assert_uint_gt(bytes, 64);
    ck_assert_str_eq(fake_exchange_value(x, "Location"), "/new/a?q");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/redirect");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, location, 0, array_len(maps));
    tcase_add_loop_test(tc, refusals, 0, array_len(refused));
    tcase_add_test(tc, statuses);
    tcase_add_test(tc, to_itself);
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
