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
    { "set", "X-A: {what}", "{what} is unknown" },
    { "set", "NEL: {\"max_age\": 1}", "a single \"{\"; write \"{{\"" },
    { "set", "Location: /{path}", "may not hold variables; the handler `redirect` has them" },
    { "add", "refresh: 0; url={query}", "may not hold variables" },
};

START_TEST(refusals)
{
    fake_conf_strs(&conf, refused[_i].option, refused[_i].line, NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, refused[_i].option));
    ck_assert(fake_conf_reported(&conf, refused[_i].report));
}
END_TEST

static void named(struct fake_conf *c, const char *option, const char *a, const char *b)
{
    fake_conf_strs(c, option, a, b, NULL);
}

START_TEST(variables)
{
    fake_exchange_request(x, "GET", "/a%0d%0aX:%20y/%2f?q;=%20,", "/");
    fake_conf_strs(&conf, "set", "X-Path: <{path}>", "X-Query: {query}", "X-Host: {{{host}}}",
                   NULL);
    fake_conf_strs(&conf, "add", "Set-Cookie: last={rest}; Path=/", NULL);
    run();
    ck_assert_str_eq(fake_exchange_value(x, "X-Path"), "</a%0D%0AX%3A%20y/%2F>");
    ck_assert_str_eq(fake_exchange_value(x, "X-Query"), "q%3B=%20%2C");
    ck_assert_str_eq(fake_exchange_value(x, "X-Host"), "{example.org}");
    ck_assert_str_eq(fake_exchange_value(x, "Set-Cookie"), "last=a%0D%0AX%3A%20y/%2F; Path=/");
}
END_TEST

static const char *const secure[] = {
    "X-Content-Type-Options",     "Referrer-Policy", "X-Frame-Options", "Permissions-Policy",
    "Cross-Origin-Opener-Policy",
};

START_TEST(preset)
{
    fake_conf_enum(&conf, "preset", "secure");
    fake_conf_strs(&conf, "set", "x-frame-options: DENY", NULL);
    fake_conf_strs(&conf, "add", "Referrer-Policy: no-referrer", NULL);
    fake_conf_strs(&conf, "remove", "permissions-policy", NULL);
    run();
    ck_assert_uint_eq(x->response.n_fields, 5); /* with Content-Type */
    ck_assert_str_eq(fake_exchange_value(x, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(fake_exchange_value(x, "X-Frame-Options"), "DENY");
    ck_assert_str_eq(fake_exchange_value(x, "Referrer-Policy"), "no-referrer");
    ck_assert_str_eq(fake_exchange_value(x, "Cross-Origin-Opener-Policy"), "same-origin");
    ck_assert_ptr_null(fake_exchange_value(x, "Permissions-Policy"));
}
END_TEST

/* ---- levels */

/* What `conf`, joined with what `outer` says, does to a response. */
static void run_joined(struct fake_conf *outer)
{
    const struct filter_kind *k = filter_find(STR("headers"));

    ck_assert_uint_eq(fake_conf_check(outer), 0);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    k->merge(&conf.check, outer->conf, conf.conf);
    fake_exchange_filter(x, "headers", &conf);
    fake_exchange_run(x, &handler, "respond");
}

START_TEST(levels)
{
    struct fake_conf outer;

    fake_conf_filter(&outer, "headers");
    fake_conf_strs(&outer, "set", "X-A: outer", "X-B: outer", "X-C: outer", "X-D: outer", NULL);
    fake_conf_strs(&outer, "add", "X-E: outer", "X-F: outer", "X-G: outer", NULL);
    fake_conf_strs(&outer, "remove", "Content-Type", NULL);
    named(&conf, "set", "x-a: inner", "x-e: inner");
    named(&conf, "add", "X-C: inner", "X-F: inner");
    named(&conf, "remove", "X-B", "X-G");
    run_joined(&outer);
    ck_assert_str_eq(fake_exchange_value(x, "X-A"), "inner");
    ck_assert_ptr_null(fake_exchange_value(x, "X-B"));
    ck_assert_ptr_null(fake_exchange_value(x, "X-G"));
    ck_assert_ptr_null(fake_exchange_value(x, "Content-Type"));
    ck_assert_str_eq(fake_exchange_value(x, "X-C"), "outer"); /* the first of two */
    ck_assert_str_eq(fake_exchange_value(x, "X-D"), "outer");
    ck_assert_str_eq(fake_exchange_value(x, "X-E"), "inner");
    ck_assert_str_eq(fake_exchange_value(x, "X-F"), "outer");
    ck_assert_uint_eq(x->response.n_fields, 7);
    fake_conf_done(&outer);
}
END_TEST

START_TEST(levels_and_preset)
{
    struct fake_conf outer;

    fake_conf_filter(&outer, "headers");
    fake_conf_enum(&outer, "preset", "secure");
    named(&conf, "set", "X-Frame-Options: DENY", "X-New: {path}");
    fake_conf_strs(&conf, "add", "Referrer-Policy: no-referrer", NULL);
    fake_conf_strs(&conf, "remove", "Cross-Origin-Opener-Policy", NULL);
    run_joined(&outer);
    ck_assert_str_eq(fake_exchange_value(x, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(fake_exchange_value(x, "X-Frame-Options"), "DENY");
    ck_assert_str_eq(fake_exchange_value(x, "Referrer-Policy"), "no-referrer");
    ck_assert_str_eq(fake_exchange_value(x, "X-New"), "/");
    ck_assert_ptr_null(fake_exchange_value(x, "Cross-Origin-Opener-Policy"));
    ck_assert_uint_eq(x->response.n_fields, 6);
    fake_conf_done(&outer);
}
END_TEST

/* A preset further in takes the place of what was set further out. */
START_TEST(inner_preset)
{
    struct fake_conf outer;

    fake_conf_filter(&outer, "headers");
    named(&outer, "set", "X-Frame-Options: DENY", "X-A: {uri}");
    fake_conf_enum(&conf, "preset", "secure");
    run_joined(&outer);
    for (size_t i = 0; i < array_len(secure); i++)
        ck_assert_ptr_nonnull(fake_exchange_value(x, secure[i]));
    ck_assert_str_eq(fake_exchange_value(x, "X-Frame-Options"), "SAMEORIGIN");
    ck_assert_str_eq(fake_exchange_value(x, "X-A"), "/");
    fake_conf_done(&outer);
}
END_TEST

static const struct {
    const char *option, *outer, *line;
} differs[] = {
    { "set", "X-A: 1", "X-B: 1" },      { "set", "X-A: 1", "X-A: 2" },
    { "add", "X-A: 1", "X-A: {path}" }, { "add", "X-A: {host}", "X-A: {path}" },
    { "remove", "X-A", "X-B" },
};

/* Two of which nothing differs but what the level around them said. */
START_TEST(sameness)
{
    const struct filter_kind *k = filter_find(STR("headers"));
    struct fake_conf outer[2], inner[2];

    for (int equal = 0; equal < 2; equal++) {
        for (int i = 0; i < 2; i++) {
            fake_conf_filter(&outer[i], "headers");
            fake_conf_filter(&inner[i], "headers");
            fake_conf_strs(&outer[i], differs[_i].option,
                           equal || i == 0 ? differs[_i].outer : differs[_i].line, NULL);
            fake_conf_strs(&inner[i], "set", "X-Own: {path}", NULL);
            ck_assert_uint_eq(fake_conf_check(&outer[i]), 0);
            ck_assert_uint_eq(fake_conf_check(&inner[i]), 0);
            k->merge(&inner[i].check, outer[i].conf, inner[i].conf);
        }
        ck_assert(k->same(inner[0].conf, inner[1].conf) == equal);
        for (int i = 0; i < 2; i++) {
            fake_conf_done(&inner[i]);
            fake_conf_done(&outer[i]);
        }
    }
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
                   "X-G: 7", "X-H: 8", "X-I: {uri}", NULL);
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
    tcase_add_test(tc, variables);
    tcase_add_test(tc, preset);
    tcase_add_test(tc, levels);
    tcase_add_test(tc, levels_and_preset);
    tcase_add_test(tc, inner_preset);
    tcase_add_loop_test(tc, sameness, 0, array_len(differs));
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
