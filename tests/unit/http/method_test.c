/* method_test.c - methods and tokens. */
#include "http/method.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_names)
{
    for (unsigned m = 0; m < METHOD_COUNT; m++)
        ck_assert_int_eq(method_of(method_name((enum method)m)), m);
    ck_assert(str_eq(method_name(METHOD_GET), STR("GET")));
    ck_assert_int_eq(method_of(STR("PATCH")), METHOD_PATCH);
    ck_assert_int_eq(method_of(STR("get")), METHOD_OTHER);
    ck_assert_int_eq(method_of(STR("GETS")), METHOD_OTHER);
    ck_assert_int_eq(method_of(STR("GE")), METHOD_OTHER);
    ck_assert_int_eq(method_of(STR_EMPTY), METHOD_OTHER);
}
END_TEST

START_TEST(test_tokens)
{
    static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (unsigned c = 0; c < 256; c++)
        ck_assert_int_eq(http_is_tchar((unsigned char)c), c != 0 && strchr(tchars, (int)c) != NULL);
    ck_assert(http_is_token(STR("a")) && http_is_token(str_of(tchars)));
    ck_assert(!http_is_token(STR("")) && !http_is_token(STR_EMPTY) && !http_is_token(STR("a b")));
    ck_assert(!http_is_token(STR("a\0")) && !http_is_token(STR("\xfc")));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("method");
    TCase *t = tcase_create("method");

    tcase_add_test(t, test_names);
    tcase_add_test(t, test_tokens);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
