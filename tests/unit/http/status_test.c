/* status_test.c - status lines and phrases. */
#include "http/status.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST(test_known)
{
    ck_assert(str_eq(status_line(200), STR("HTTP/1.1 200 OK\r\n")));
    ck_assert(str_eq(status_reason(200), STR("OK")));
    ck_assert(str_eq(status_reason(100), STR("Continue")));
    ck_assert(str_eq(status_reason(413), STR("Content Too Large")));
    ck_assert(str_eq(status_reason(421), STR("Misdirected Request")));
    ck_assert(str_eq(status_reason(511), STR("Network Authentication Required")));
}
END_TEST

START_TEST(test_unknown)
{
    static const unsigned codes[] = { 0, 1, 99, 105, 299, 306, 418, 509, 512, 599, 600, 999, 4096 };

    for (size_t i = 0; i < array_len(codes); i++) {
        ck_assert_uint_eq(status_line(codes[i]).n, 0);
        ck_assert_ptr_null(status_line(codes[i]).p);
        ck_assert_uint_eq(status_reason(codes[i]).n, 0);
        ck_assert_str_eq(status_reason(codes[i]).p, "");
    }
}
END_TEST

START_TEST(test_line_holds_reason)
{
    unsigned n = 0;

    for (unsigned code = 0; code < 1000; code++) {
        char want[64];
        struct str reason = status_reason(code);
        if (reason.n == 0)
            continue;
        n++;
        snprintf(want, sizeof want, "HTTP/1.1 %u %.*s\r\n", code, str_fmt(reason));
        ck_assert(str_eq(status_line(code), str_of(want)));
    }
    ck_assert_uint_eq(n, 61);
}
END_TEST

START_TEST(test_has_body)
{
    ck_assert(!status_has_body(100) && !status_has_body(199) && !status_has_body(204));
    ck_assert(!status_has_body(304));
    ck_assert(status_has_body(200) && status_has_body(205) && status_has_body(404));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("status");
    TCase *t = tcase_create("status");

    tcase_add_test(t, test_known);
    tcase_add_test(t, test_unknown);
    tcase_add_test(t, test_line_holds_reason);
    tcase_add_test(t, test_has_body);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
