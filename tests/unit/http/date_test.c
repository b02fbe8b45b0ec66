/* date_test.c - HTTP-date against the C library's calendar, and what is refused. */
#include "http/date.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/share.h"

#define NOW INT64_C(1767225600) /* 2026-01-01 00:00:00 */
#define LAST INT64_C(253402300799)

static const char *format(int64_t seconds)
{
    static char text[HTTP_DATE_LEN + 1];

    date_format(seconds, text);
    text[HTTP_DATE_LEN] = '\0';
    return text;
}

START_TEST(test_format)
{
    ck_assert_str_eq(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    ck_assert_str_eq(format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_str_eq(format(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    ck_assert_str_eq(format(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
    ck_assert_str_eq(format(LAST), "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert_str_eq(format(LAST + 1), "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert_str_eq(format(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert_str_eq(format(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
}
END_TEST

START_TEST(test_calendar)
{
    /* Some 230,000 instants, at ever other times of day. */
    for (int64_t s = 0; s <= LAST; s += share() * (86400 * 13 - 4567)) {
        time_t t = (time_t)s;
        struct tm tm;
        char want[64];
        int64_t back = -1;
        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        ck_assert_str_eq(format(s), want);
        ck_assert_int_eq(date_parse(str_of(want), NOW, &back), 0);
        ck_assert_int_eq(back, s);
        strftime(want, sizeof want, "%a %b %e %H:%M:%S %Y", &tm);
        ck_assert_int_eq(date_parse(str_of(want), NOW, &back), 0);
        ck_assert_int_eq(back, s);
    }
}
END_TEST

START_TEST(test_parse)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
        { "Sun Nov  6 08:49:37 1994", 784111777 },
        { "Sun Nov 06 08:49:37 1994", 784111777 },
        { "Wed Nov 16 08:49:37 1994", 784975777 },
        { "Wednesday, 16-Nov-94 08:49:37 GMT", 784975777 },
        { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
        { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
        { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
        { "Fri, 31 Dec 9999 23:59:60 GMT", LAST },
        { "Thursday, 01-Jan-70 00:00:00 GMT", INT64_C(3155760000) },  /* 2070 */
        { "Wednesday, 01-Jan-76 00:00:00 GMT", INT64_C(3345062400) }, /* 2076, just 50 years */
        { "Wednesday, 01-Jan-76 00:00:01 GMT", 189302401 },           /* 1976 */
        { "Wednesday, 01-Jan-77 00:00:00 GMT", 220924800 },           /* 1977 */
        { "Saturday, 01-Jan-00 00:00:00 GMT", 946684800 },
        { "Tuesday, 29-Feb-00 00:00:00 GMT", 951782400 },
    };

    for (size_t i = 0; i < array_len(rows); i++) {
        int64_t seconds = 42;
        ck_assert_msg(date_parse(str_of(rows[i].text), NOW, &seconds) == 0, "%s", rows[i].text);
        ck_assert_msg(seconds == rows[i].seconds, "%s: %lld", rows[i].text, (long long)seconds);
    }
}
END_TEST

START_TEST(test_centuries)
{
    int64_t seconds;

    /* In 2080, "10" is 2110; in 2060, "50" is 2050. */
    ck_assert_int_eq(date_parse(STR("Friday, 01-Jan-10 00:00:00 GMT"), 3471292800, &seconds), 0);
    ck_assert_str_eq(format(seconds), "Wed, 01 Jan 2110 00:00:00 GMT");
    ck_assert_int_eq(date_parse(STR("Friday, 01-Jan-50 00:00:00 GMT"), 2840140800, &seconds), 0);
    ck_assert_str_eq(format(seconds), "Sat, 01 Jan 2050 00:00:00 GMT");
    /* 2100 has no leap day. */
    ck_assert_int_eq(date_parse(STR("Friday, 29-Feb-00 00:00:00 GMT"), 3471292800, &seconds),
                     -EINVAL);
    ck_assert_int_eq(date_parse(STR("Friday, 01-Mar-00 00:00:00 GMT"), INT64_MIN, &seconds), 0);
    ck_assert_int_eq(date_parse(STR("Friday, 01-Mar-00 00:00:00 GMT"), INT64_MAX, &seconds), 0);
}
END_TEST

START_TEST(test_refused)
{
    static const char *const rows[] = {
        "",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun. 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Oct 1994 08:49:37 GMT",
        "Sun, 30 Feb 2024 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Someday, 06-Nov-94 08:49:37 GMT",
        "Sunday; 06-Nov-94 08:49:37 GMT",
        "Sunday, 31-Feb-94 08:49:37 GMT",
        "Sun Nov  0 08:49:37 1994",
        "Sun Nov 31 08:49:37 1994",
        "Sun Nov 6  08:49:37 1994",
        "Sun Nov  6 08:49:37 199x",
        "Sun Nov  6 08:49:37 94  ",
    };

    for (size_t i = 0; i < array_len(rows); i++) {
        int64_t seconds;
        size_t n = strlen(rows[i]);
        char *text = malloc(n + 1); /* no NUL behind it: a sanitizer watches */
        char *end = text + 1;
        memcpy(end, rows[i], n);
        ck_assert_msg(date_parse(str_make(end, n), NOW, &seconds) == -EINVAL, "%s", rows[i]);
        free(text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("date");
    TCase *t = tcase_create("date");

    tcase_add_test(t, test_format);
    tcase_add_test(t, test_calendar);
    tcase_add_test(t, test_parse);
    tcase_add_test(t, test_centuries);
    tcase_add_test(t, test_refused);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
