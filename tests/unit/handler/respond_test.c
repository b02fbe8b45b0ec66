/* respond_test.c - fixed answers, and what check() refuses. One thread. */
#include <check.h>
#include <stdlib.h>

#include "support/fake_exchange.h"

static struct fake_conf conf;
static struct exchange *x;

static void setup(void)
{
    fake_conf_handler(&conf, "respond");
    x = fake_exchange_new();
    fake_exchange_request(x, "GET", "/healthz", "/healthz");
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
}

START_TEST(defaults)
{
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_run(x, &conf, "respond");
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_uint_eq(x->response.n_fields, 0);
    ck_assert_str_eq(fake_exchange_text(x), "");
}
END_TEST

START_TEST(body_and_type)
{
    fake_conf_int(&conf, "status", 404);
    fake_conf_str(&conf, "body", "{{}}");
    fake_conf_str(&conf, "type", "application/json");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_run(x, &conf, "respond");
    ck_assert_uint_eq(x->response.status, 404);
    ck_assert_str_eq(fake_exchange_value(x, "content-type"), "application/json");
    ck_assert_str_eq(fake_exchange_text(x), "{}");
    ck_assert_uint_eq(x->body_length, 2);
}
END_TEST

START_TEST(no_type)
{
    fake_conf_str(&conf, "body", "ok\n");
    fake_conf_str(&conf, "type", "");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_run(x, &conf, "respond");
    ck_assert_ptr_null(fake_exchange_value(x, "content-type"));
    ck_assert_str_eq(fake_exchange_text(x), "ok\n");
}
END_TEST

static const int64_t without_body[] = { 204, 205, 304 };

START_TEST(status_without_body)
{
    fake_conf_int(&conf, "status", without_body[_i]);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_run(x, &conf, "respond");
    ck_assert_uint_eq(x->response.status, (unsigned)without_body[_i]);
    ck_assert_ptr_null(fake_exchange_value(x, "content-type"));
    fake_conf_str(&conf, "body", "text");
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "error: body: a reply with status"));
}
END_TEST

static const struct {
    const char *type, *body, *text;
} filled[] = {
    { "text/plain", "{rest}\n", "<a&'>\"\xff\n" },
    { "TEXT/HTML ; charset=utf-8", "{rest}", "&lt;a&amp;&#39;&gt;&quot;\xef\xbf\xbd" },
    { "image/svg+xml", "{rest}", "&lt;a&amp;&#39;&gt;&quot;\xef\xbf\xbd" },
    { "application/xhtml+XML", "{rest}", "&lt;a&amp;&#39;&gt;&quot;\xef\xbf\xbd" },
    { "text/xml", "{rest}", "&lt;a&amp;&#39;&gt;&quot;\xef\xbf\xbd" },
    { "application/json", "\"{rest}\"", "\"\\u003ca\\u0026\\u0027\\u003e\\\"\\ufffd\"" },
    { "application/problem+json;a=b", "\"{rest}\"",
      "\"\\u003ca\\u0026\\u0027\\u003e\\\"\\ufffd\"" },
    { "text/javascript", "\"{rest}\"", "\"\\u003ca\\u0026\\u0027\\u003e\\\"\\ufffd\"" },
    { "+xml", "{rest}", "<a&'>\"\xff" },
};

START_TEST(variables)
{
    fake_conf_str(&conf, "type", filled[_i].type);
    fake_conf_str(&conf, "body", filled[_i].body);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_request(x, "GET", "/x/%3Ca&'%3E%22%ff", "/x/");
    fake_exchange_run(x, &conf, "respond");
    ck_assert_str_eq(fake_exchange_text(x), filled[_i].text);
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), filled[_i].type);
    ck_assert_str_eq(fake_exchange_value(x, "X-Content-Type-Options"), "nosniff");
}
END_TEST

START_TEST(variables_without_type)
{
    fake_conf_str(&conf, "type", "");
    fake_conf_str(&conf, "body", "{{{path}}}");
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "error: type: a body with variables needs a type"));
}
END_TEST

START_TEST(bad_variables)
{
    fake_conf_str(&conf, "body", "{\"a\": 1}");
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "error: body: a single \"{\"; write \"{{\""));
}
END_TEST

START_TEST(body_without_memory)
{
    fake_conf_str(&conf, "body", "{uri}");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_memory(x, 16);
    fake_exchange_run(x, &conf, "respond");
    ck_assert_uint_eq(x->response.status, 503);
    ck_assert_str_eq(x->reason, "no_memory");
}
END_TEST

static const struct {
    const char *body, *type, *text;
} explained[] = {
    { "", "text/plain", "200 without a body" },
    { "a", "text/plain; charset=utf-8", "200, 1 byte of text/plain" },
    { "{path}", "text/html", "200, 8 bytes of text/html" },
    { "ok", "", "200, 2 bytes" },
};

START_TEST(explain)
{
    struct routed r;

    fake_conf_str(&conf, "body", explained[_i].body);
    fake_conf_str(&conf, "type", explained[_i].type);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    exchange_routed(x, &r);
    const struct handler_kind *k = handler_find(STR("respond"));
    ck_assert_str_eq(k->explain(conf.conf, &r, &x->arena).p, explained[_i].text);
}
END_TEST

START_TEST(bad_type)
{
    fake_conf_str(&conf, "type", "text/plain\r\nX: y");
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "error: type: "));
}
END_TEST

START_TEST(without_memory)
{
    fake_conf_str(&conf, "body", "ok\n");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_memory(x, 0);
    fake_exchange_run(x, &conf, "respond");
    ck_assert_uint_eq(x->response.status, 503);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/respond");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, body_and_type);
    tcase_add_test(tc, no_type);
    tcase_add_loop_test(tc, status_without_body, 0, array_len(without_body));
    tcase_add_test(tc, bad_type);
    tcase_add_loop_test(tc, variables, 0, array_len(filled));
    tcase_add_test(tc, variables_without_type);
    tcase_add_test(tc, bad_variables);
    tcase_add_test(tc, body_without_memory);
    tcase_add_test(tc, without_memory);
    tcase_add_loop_test(tc, explain, 0, array_len(explained));
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
