/* json_test.c - what becomes of characters and of bytes that are none. */
#include "base/json.h"

#include <check.h>

static void becomes(struct str s, const char *text)
{
    char out[256];
    size_t n = 0;

    while (s.n)
        n += json_take(&s, out + n);
    ck_assert_msg(str_eq(str_make(out, n), str_of(text)), "%.*s, not %s", (int)n, out, text);
}

START_TEST(characters)
{
    becomes(STR(""), "");
    becomes(STR("a /b~"), "a /b~");
    becomes(STR("\"\\"), "\\\"\\\\");
    becomes(STR("\0\n\x1f\x7f"), "\\u0000\\u000a\\u001f\\u007f");
    becomes(STR("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\\u0080\\u009b\\u009f\xc2\xa0");
    becomes(STR("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}
END_TEST

START_TEST(not_utf8)
{
    becomes(STR("a\xff"
                "b"),
            "a\\ufffdb");
    becomes(STR("\xc3"), "\\ufffd");                                  /* cut short */
    becomes(STR("\xc0\x80"), "\\ufffd\\ufffd");                       /* overlong */
    becomes(STR("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");            /* a surrogate */
    becomes(STR("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd"); /* over U+10FFFF */
    becomes(STR("\xe2\x82\""), "\\ufffd\\ufffd\\\"");                 /* takes no quote with it */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_test(t, characters);
    tcase_add_test(t, not_utf8);
    suite_add_tcase(s, t);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
