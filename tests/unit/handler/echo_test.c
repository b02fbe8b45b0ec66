/* echo_test.c - descriptions as text and JSON, and bodies streamed back. One thread. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fake_exchange.h"

static struct fake_conf conf;
static struct exchange *x;

static void setup(void)
{
    fake_conf_handler(&conf, "echo");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    x = fake_exchange_new();
    fake_exchange_request(x, "POST", "/echo/%0a%ff%22?a=%20", "/echo");
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
}

static void run(void)
{
    fake_exchange_run(x, &conf, "echo");
}

START_TEST(text)
{
    fake_exchange_field(x, "Host", "example.org");
    fake_exchange_field(x, "X-Tab", "a\tb");
    fake_exchange_piece(x, STR("0123"));
    fake_exchange_piece(x, STR("456789"));
    run();
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/plain; charset=utf-8");
    ck_assert_str_eq(fake_exchange_value(x, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(fake_exchange_value(x, "Cache-Control"), "no-store");
    ck_assert_str_eq(fake_exchange_text(x), "method: POST\n"
                                            "target: /echo/%0a%ff%22?a=%20\n"
                                            "path: /echo/\\x0a\xff\"\n"
                                            "query: a=%20\n"
                                            "host: example.org\n"
                                            "peer: 192.0.2.1:4711\n"
                                            "route: test\n"
                                            "body: 10 bytes\n"
                                            "\n"
                                            "Host: example.org\n"
                                            "X-Tab: a\\x09b\n");
    ck_assert_uint_gt(x->laters, 0);
}
END_TEST

START_TEST(json)
{
    fake_exchange_field(x, "Accept", "application/json, */*;q=0.5");
    fake_exchange_field(x, "X", "\\\"\t");
    run();
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "application/json");
    ck_assert_str_eq(fake_exchange_text(x),
                     "{\"method\":\"POST\",\"target\":\"/echo/%0a%ff%22?a=%20\","
                     "\"path\":\"/echo/\\u000a\\ufffd\\\"\",\"query\":\"a=%20\","
                     "\"host\":\"example.org\",\"peer\":\"192.0.2.1:4711\",\"route\":\"test\","
                     "\"body\":0,\"fields\":[[\"Accept\",\"application/json, */*;q=0.5\"],"
                     "[\"X\",\"\\\\\\\"\\u0009\"]]}\n");
}
END_TEST

static const struct {
    const char *accept;
    bool json;
} accepts[] = {
    { "*/*", false },
    { "application/json", true },
    { "application/json, text/plain, */*", false },
    { "text/html, */*;q=0.8", false },
    { "text/plain;q=0.1, application/*", true },
    { "application/json;q=0", false },
    { "image/png", false },
};

START_TEST(accept)
{
    fake_exchange_field(x, "Accept", accepts[_i].accept);
    run();
    ck_assert_int_eq(fake_exchange_text(x)[0] == '{', accepts[_i].json);
    ck_assert_str_eq(fake_exchange_value(x, "Vary"), "Accept");
}
END_TEST

#define BAD "\\ufffd"

static const struct {
    const char *bytes, *json;
} strings[] = {
    { "\xc3\xa4", "\xc3\xa4" },
    { "\xe2\x82\xac", "\xe2\x82\xac" },
    { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
    { "\x7f", "\\u007f" },
    { "\x80", BAD },
    { "\xc3", BAD },
    { "\xc3(", BAD "(" },
    { "\xc0\xaf", BAD BAD },                 /* overlong */
    { "\xe0\x80\xaf", BAD BAD BAD },         /* overlong */
    { "\xf0\x80\x80\xaf", BAD BAD BAD BAD }, /* overlong */
    { "\xed\xa0\x80", BAD BAD BAD },         /* a surrogate */
    { "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* over U+10FFFF */
    { "\xf5\x80\x80\x80", BAD BAD BAD BAD },
    { "\xff\xfe", BAD BAD },
};

START_TEST(json_strings)
{
    char want[128];

    fake_exchange_field(x, "Accept", "application/json");
    fake_exchange_field(x, "X", strings[_i].bytes);
    run();
    snprintf(want, sizeof want, ",[\"X\",\"%s\"]]}\n", strings[_i].json);
    ck_assert(str_ends(str_of(fake_exchange_text(x)), str_of(want)));
}
END_TEST

START_TEST(body)
{
    fake_conf_enum(&conf, "mode", "body");
    fake_exchange_field(x, "Content-Type", "text/x-own");
    fake_exchange_piece(x, STR("first "));
    fake_exchange_piece(x, STR("second "));
    fake_exchange_piece(x, STR("third"));
    x->pull_size = 4;
    run();
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_uint_eq(x->body_length, 18);
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/x-own");
    ck_assert_str_eq(fake_exchange_text(x), "first second third");
    ck_assert(!x->aborted);
}
END_TEST

START_TEST(body_of_unknown_length)
{
    fake_conf_enum(&conf, "mode", "body");
    fake_exchange_piece(x, STR("first "));
    fake_exchange_piece(x, STR("second"));
    fake_exchange_chunked(x);
    x->read_size = 1;
    run();
    ck_assert(x->body_length == BODY_LENGTH_UNKNOWN);
    ck_assert_ptr_null(fake_exchange_value(x, "Content-Type"));
    ck_assert_str_eq(fake_exchange_text(x), "first second");
}
END_TEST

/* Larger than all that the handler keeps. */
START_TEST(large_body)
{
    size_t n = MIB(1);
    char *bytes = malloc(n);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    fake_conf_enum(&conf, "mode", "body");
    for (size_t i = 0; i < 4; i++)
        fake_exchange_piece(x, str_make(bytes + i * n / 4, n / 4));
    x->pull_size = 1000;
    run();
    ck_assert(str_eq(buf_str(&x->body), str_make(bytes, n)));
    ck_assert_uint_lt(x->arena.used, 8192);
    free(bytes);
}
END_TEST

START_TEST(no_body)
{
    fake_conf_enum(&conf, "mode", "body");
    run();
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_uint_eq(x->body_length, 0);
    ck_assert_str_eq(fake_exchange_text(x), "");
}
END_TEST

static const struct {
    int error;
    unsigned status;
} errors[] = { { -EMSGSIZE, 413 }, { -ETIMEDOUT, 408 }, { -EBADMSG, 400 } };

START_TEST(read_errors)
{
    /* Described: nothing was sent yet, whenever the error comes. */
    fake_exchange_piece(x, STR("first"));
    x->body_error = errors[_i].error;
    run();
    ck_assert_uint_eq(x->response.status, errors[_i].status);
    fake_exchange_free(x);

    /* Streamed: at the begin a status, later a truncation. */
    fake_conf_enum(&conf, "mode", "body");
    x = fake_exchange_new();
    fake_exchange_request(x, "POST", "/echo", "/echo");
    fake_exchange_chunked(x);
    x->body_error = errors[_i].error;
    run();
    ck_assert_uint_eq(x->response.status, errors[_i].status);
    fake_exchange_free(x);
    x = fake_exchange_new();
    fake_exchange_request(x, "POST", "/echo", "/echo");
    fake_exchange_piece(x, STR("first"));
    fake_exchange_chunked(x);
    x->body_error = errors[_i].error;
    run();
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert(x->aborted);
    ck_assert_str_eq(fake_exchange_text(x), "first");
}
END_TEST

static const char *const modes[] = { "describe", "body" };

START_TEST(on_a_worker)
{
    fake_conf_enum(&conf, "mode", modes[_i]);
    fake_exchange_piece(x, STR("first "));
    fake_exchange_piece(x, STR("second"));
    x->worker = true;
    run();
    ck_assert_uint_eq(x->laters, 0);
    ck_assert_ptr_nonnull(strstr(fake_exchange_text(x), _i ? "first second" : "body: 12 bytes"));
}
END_TEST

START_TEST(without_memory)
{
    size_t bytes = 0;

    fake_conf_enum(&conf, "mode", modes[_i]);
    for (unsigned status = 503; status == 503; bytes += 16) {
        ck_assert_uint_lt(bytes, 8192);
        fake_exchange_free(x);
        x = fake_exchange_new();
        fake_exchange_memory(x, bytes);
        fake_exchange_request(x, "POST", "/echo", "/echo");
        fake_exchange_field(x, "Content-Type", "text/plain");
        fake_exchange_piece(x, STR("text"));
        run();
        status = x->response.status;
        ck_assert(status == 503 || status == 200);
    }
    ck_assert_uint_gt(bytes, 256);
}
END_TEST

START_TEST(explain)
{
    const struct handler_kind *k = handler_find(STR("echo"));
    struct routed r;

    exchange_routed(x, &r);
    ck_assert_str_eq(k->explain(conf.conf, &r, &x->arena).p, "200, a description of the request");
    fake_conf_enum(&conf, "mode", "body");
    ck_assert_str_eq(k->explain(conf.conf, &r, &x->arena).p, "200, the body of the request");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/echo");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, text);
    tcase_add_test(tc, json);
    tcase_add_loop_test(tc, accept, 0, array_len(accepts));
    tcase_add_loop_test(tc, json_strings, 0, array_len(strings));
    tcase_add_test(tc, body);
    tcase_add_test(tc, body_of_unknown_length);
    tcase_add_test(tc, large_body);
    tcase_add_test(tc, no_body);
    tcase_add_loop_test(tc, read_errors, 0, array_len(errors));
    tcase_add_loop_test(tc, on_a_worker, 0, array_len(modes));
    tcase_add_loop_test(tc, without_memory, 0, array_len(modes));
    tcase_add_test(tc, explain);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
