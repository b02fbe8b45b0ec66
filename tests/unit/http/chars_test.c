/* chars_test.c - the table of byte classes against the grammars, spelled out. */
#include "http/chars.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define UNRESERVED ALNUM "-._~"

static bool in(unsigned c, const char *set)
{
    return c != 0 && strchr(set, (int)c) != NULL;
}

START_TEST(test_table)
{
    for (unsigned c = 0; c < 256; c++) {
        unsigned class = http_chars[c];
        bool visible = c > 0x20 && c < 0x7f;
        bool text = visible || c == ' ' || c == '\t' || c >= 0x80;
        ck_assert_int_eq(!!(class & CHAR_TARGET), visible && !in(c, "\"#<>"));
        ck_assert_int_eq(!!(class & CHAR_PATH), visible && !in(c, "\"#<>%/?\\"));
        ck_assert_int_eq(!!(class & CHAR_URI), in(c, UNRESERVED "!$&'()*+,;=:@/"));
        ck_assert_int_eq(!!(class & CHAR_HOST), in(c, UNRESERVED));
        ck_assert_int_eq(!!(class & CHAR_VALUE), text);
        ck_assert_int_eq(!!(class & CHAR_QUOTED), text && c != '"' && c != '\\');
        ck_assert_int_eq(!!(class & CHAR_TOKEN), in(c, ALNUM "!#$%&'*+-.^_`|~"));
    }
}
END_TEST

START_TEST(test_run)
{
    ck_assert_uint_eq(chars_run("abc def", 0, 7, CHAR_TOKEN), 3);
    ck_assert_uint_eq(chars_run("abc def", 0, 2, CHAR_TOKEN), 2);
    ck_assert_uint_eq(chars_run("abc def", 3, 7, CHAR_TOKEN), 3);
    ck_assert_uint_eq(chars_run("abc def", 4, 7, CHAR_TOKEN), 7);
    ck_assert_uint_eq(chars_run(NULL, 0, 0, CHAR_TOKEN), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chars");
    TCase *t = tcase_create("chars");

    tcase_add_test(t, test_table);
    tcase_add_test(t, test_run);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
