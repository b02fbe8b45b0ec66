/* precondition_test.c - conditional requests, in the order of RFC 9110 section 13.2.2. One thread.
 */
#include <check.h>
#include <stdlib.h>

#include "handler/precondition.h"
#include "support/fake_exchange.h"

/* The file was changed at 08:49:37; it is now 09:00. */
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define CHANGED INT64_C(784111777)

static const struct validators validators = { STR("\"a,b\""), CHANGED, CHANGED + 623 };

enum { HOLDS = PRECONDITION_HOLDS, FAILED = PRECONDITION_FAILED, NOT_MODIFIED = PRECONDITION_SAME };

static const struct {
    const char *fields[6]; /* name, value, name, value ... */
    int want;
} rows[] = {
    { { NULL }, HOLDS },
    { { "If-None-Match", "\"a,b\"" }, NOT_MODIFIED },
    { { "If-None-Match", "W/\"a,b\"" }, NOT_MODIFIED },
    { { "If-None-Match", "*" }, NOT_MODIFIED },
    { { "If-None-Match", "\"x\", \"y\" ,W/\"a,b\"" }, NOT_MODIFIED },
    { { "If-None-Match", "\"x\"", "If-None-Match", "\"a,b\"" }, NOT_MODIFIED },
    { { "If-None-Match", "\"x\"" }, HOLDS },
    { { "If-None-Match", "a,b" }, HOLDS },
    { { "If-None-Match", "\"a,b" }, HOLDS },
    { { "If-None-Match", "w/\"a,b\"" }, HOLDS },
    { { "If-None-Match", "\"a\", b\"" }, HOLDS },
    { { "If-None-Match", "" }, HOLDS },
    { { "If-None-Match", "\"\"" }, HOLDS },
    { { "If-None-Match", ", ,\"x\",,\t\"a,b\" ," }, NOT_MODIFIED },
    { { "If-None-Match", "\"x\" \"a,b\"" }, HOLDS },
    { { "If-None-Match", "\"x\"\"a,b\"" }, HOLDS },
    { { "If-None-Match", "x, \"a,b\"" }, HOLDS },
    { { "If-None-Match", "*, \"a,b\"" }, HOLDS },
    { { "If-None-Match", "\"*\"" }, HOLDS },
    { { "If-None-Match", "W/*" }, HOLDS },
    { { "If-None-Match", "W/ \"a,b\"" }, HOLDS },
    { { "If-None-Match", "W/W/\"a,b\"" }, HOLDS },
    { { "If-None-Match", "\"A,B\"" }, HOLDS },
    { { "If-None-Match", "\"a,b\\\"" }, HOLDS },
    { { "If-None-Match", "\"a,b\"c" }, NOT_MODIFIED },
    { { "If-None-Match", "x", "If-None-Match", "\"a,b\"" }, NOT_MODIFIED },
    { { "If-None-Match", "\"x\"", "If-None-Match", "*" }, NOT_MODIFIED },
    { { "If-None-Match", "\"x\"", "If-None-Match", "W/\"y\", W/\"a,b\"" }, NOT_MODIFIED },
    { { "If-None-Match", "\"a", "If-None-Match", "b\"" }, HOLDS },
    { { "If-None-Match", "W/" }, HOLDS },
    { { "If-Modified-Since", SAME }, NOT_MODIFIED },
    { { "If-Modified-Since", AFTER }, NOT_MODIFIED },
    { { "If-Modified-Since", BEFORE }, HOLDS },
    { { "If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT" }, NOT_MODIFIED },
    { { "If-Modified-Since", "Sunday, 06-Nov-94 08:49:36 GMT" }, HOLDS },
    { { "If-Modified-Since", "Sun Nov  6 08:49:37 1994" }, NOT_MODIFIED },
    { { "If-Modified-Since", "Sun Nov 06 08:49:36 1994" }, HOLDS },
    /* Two digits of a year: up to 50 years ahead of 1994-11-06 09:00:00, else the past. */
    { { "If-Modified-Since", "Sunday, 06-Nov-44 09:00:00 GMT" }, NOT_MODIFIED },
    { { "If-Modified-Since", "Sunday, 06-Nov-44 09:00:01 GMT" }, HOLDS },
    { { "If-Unmodified-Since", "Sunday, 06-Nov-44 09:00:00 GMT" }, HOLDS },
    { { "If-Unmodified-Since", "Sunday, 06-Nov-44 09:00:01 GMT" }, FAILED },
    { { "If-Modified-Since", "Fri, 31 Dec 9999 23:59:59 GMT" }, NOT_MODIFIED },
    { { "If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT" }, HOLDS },
    { { "If-Modified-Since", "yesterday" }, HOLDS },
    { { "If-Modified-Since", "" }, HOLDS },
    { { "If-Modified-Since", "784111777" }, HOLDS },
    { { "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 UTC" }, HOLDS },
    { { "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 +0000" }, HOLDS },
    { { "If-Modified-Since", "sun, 06 nov 1994 08:49:37 gmt" }, HOLDS },
    { { "If-Modified-Since", "Sun, 31 Nov 1994 08:49:37 GMT" }, HOLDS },
    { { "If-Modified-Since", "Sun, 06 Nov 1994 24:00:00 GMT" }, HOLDS },
    { { "If-Modified-Since", "Tue, 29 Feb 2000 00:00:00 GMT" }, NOT_MODIFIED },
    { { "If-Modified-Since", "Thu, 29 Feb 2001 00:00:00 GMT" }, HOLDS },
    { { "If-Modified-Since", SAME ", " SAME }, HOLDS },
    { { "If-Modified-Since", "\"" SAME "\"" }, HOLDS },
    { { "If-Modified-Since", SAME, "If-Modified-Since", SAME }, HOLDS },
    /* If-None-Match makes If-Modified-Since not count. */
    { { "If-None-Match", "\"x\"", "If-Modified-Since", SAME }, HOLDS },
    { { "If-None-Match", "\"a,b\"", "If-Modified-Since", BEFORE }, NOT_MODIFIED },
    { { "If-Match", "\"a,b\"" }, HOLDS },
    { { "If-Match", "\"x\", \"a,b\"" }, HOLDS },
    { { "If-Match", "*" }, HOLDS },
    { { "If-Match", "W/\"a,b\"" }, FAILED },
    { { "If-Match", "\"x\"" }, FAILED },
    { { "If-Match", "" }, FAILED },
    { { "If-Match", "a,b" }, FAILED },
    { { "If-Match", "W/\"a,b\", \"a,b\"" }, HOLDS },
    { { "If-Match", "\"x\"", "If-Match", "\"a,b\"" }, HOLDS },
    { { "If-Match", "\"x\"", "If-Match", "*" }, HOLDS },
    { { "If-Match", "\"x\"", "If-Match", "\"y\", W/\"a,b\"" }, FAILED },
    { { "If-Match", "\"x\" \"a,b\"" }, FAILED },
    { { "If-Unmodified-Since", SAME }, HOLDS },
    { { "If-Unmodified-Since", BEFORE }, FAILED },
    { { "If-Unmodified-Since", AFTER }, HOLDS },
    { { "If-Unmodified-Since", "Sunday, 06-Nov-94 08:49:36 GMT" }, FAILED },
    { { "If-Unmodified-Since", "Sun Nov  6 08:49:36 1994" }, FAILED },
    { { "If-Unmodified-Since", "no date" }, HOLDS },
    { { "If-Unmodified-Since", BEFORE, "If-Unmodified-Since", BEFORE }, HOLDS },
    { { "If-Unmodified-Since", BEFORE ", " BEFORE }, HOLDS },
    /* If-Match makes If-Unmodified-Since not count, and comes before If-None-Match. */
    { { "If-Match", "\"a,b\"", "If-Unmodified-Since", BEFORE }, HOLDS },
    { { "If-Match", "\"x\"", "If-None-Match", "\"a,b\"" }, FAILED },
    { { "If-Match", "\"a,b\"", "If-None-Match", "\"a,b\"" }, NOT_MODIFIED },
    { { "If-Match", "\"x\"", "If-Unmodified-Since", AFTER }, FAILED },
    { { "If-Match", "", "If-Unmodified-Since", AFTER }, FAILED },
    { { "If-Match", "*", "If-None-Match", "*" }, NOT_MODIFIED },
    { { "If-Match", "\"a,b\"", "If-None-Match", "\"x\"", "If-Modified-Since", SAME }, HOLDS },
    { { "If-Match", "\"a,b\"", "If-Modified-Since", SAME }, NOT_MODIFIED },
    { { "If-Unmodified-Since", SAME, "If-Modified-Since", SAME }, NOT_MODIFIED },
    { { "If-Unmodified-Since", BEFORE, "If-None-Match", "\"a,b\"" }, FAILED },
    { { "If-Unmodified-Since", BEFORE, "If-Modified-Since", SAME }, FAILED },
    { { "If-None-Match", "x", "If-Modified-Since", SAME }, HOLDS },
    { { "If-Range", "\"x\"" }, HOLDS },
};

static struct exchange *request_with(const char *const *fields, const char *method)
{
    struct exchange *x = fake_exchange_new();

    fake_exchange_request(x, method, "/", "/");
    for (size_t i = 0; i < 6 && fields[i] != NULL; i += 2)
        fake_exchange_field(x, fields[i], fields[i + 1]);
    return x;
}

START_TEST(order)
{
    struct exchange *x = request_with(rows[_i].fields, "GET");

    ck_assert_int_eq((int)precondition_of(&x->request, &validators), rows[_i].want);
    fake_exchange_free(x);
}
END_TEST

/* Of a representation that has a weak tag. */
static const struct {
    const char *fields[6];
    int want;
    bool range; /* counts, beside the fields */
} weak[] = {
    { { NULL }, HOLDS, true },
    { { "If-None-Match", "W/\"a,b\"" }, NOT_MODIFIED, true },
    { { "If-None-Match", "\"a,b\"" }, NOT_MODIFIED, true },
    { { "If-None-Match", "\"x\", W/\"y\"" }, HOLDS, true },
    { { "If-Match", "W/\"a,b\"" }, FAILED, true },
    { { "If-Match", "\"a,b\"" }, FAILED, true },
    { { "If-Match", "*" }, HOLDS, true },
    { { "If-Range", "W/\"a,b\"" }, HOLDS, false },
    { { "If-Range", "\"a,b\"" }, HOLDS, false },
    { { "If-Range", SAME }, HOLDS, true },
};

START_TEST(weak_tag)
{
    struct exchange *x = request_with(weak[_i].fields, "GET");
    const struct validators v = { STR("W/\"a,b\""), CHANGED, CHANGED + 623 };

    fake_exchange_field(x, "Range", "bytes=0-1");
    ck_assert_int_eq((int)precondition_of(&x->request, &v), weak[_i].want);
    ck_assert_int_eq(precondition_range(&x->request, &v) != NULL, weak[_i].range);
    fake_exchange_free(x);
}
END_TEST

/* A representation without a tag has a name in no list, but it is there. */
START_TEST(no_tag)
{
    static const char *const fields[][6] = { { "If-None-Match", "\"\", W/\"\", W/" },
                                             { "If-Match", "*" },
                                             { "If-Match", "\"\"" } };
    static const int want[] = { HOLDS, HOLDS, FAILED };
    const struct validators v = { STR_EMPTY, CHANGED, CHANGED + 623 };

    for (size_t i = 0; i < array_len(want); i++) {
        struct exchange *x = request_with(fields[i], "GET");
        ck_assert_int_eq((int)precondition_of(&x->request, &v), want[i]);
        fake_exchange_free(x);
    }
}
END_TEST

static const struct {
    const char *method;
    const char *fields[6];
    int want;
} methods[] = {
    { "HEAD", { "If-None-Match", "\"a,b\"" }, NOT_MODIFIED },
    { "HEAD", { "If-Modified-Since", SAME }, NOT_MODIFIED },
    { "HEAD", { "If-Match", "\"x\"" }, FAILED },
    { "PUT", { "If-None-Match", "\"a,b\"" }, FAILED },
    { "PUT", { "If-None-Match", "*" }, FAILED },
    { "PUT", { "If-None-Match", "\"x\"" }, HOLDS },
    { "PUT", { "If-Modified-Since", SAME }, HOLDS },
    { "PUT", { "If-Match", "\"x\"" }, FAILED },
    { "PUT", { "If-Match", "\"a,b\"" }, HOLDS },
    { "DELETE", { "If-Unmodified-Since", BEFORE }, FAILED },
    { "POST", { "If-Modified-Since", SAME }, HOLDS },
    { "PURGE", { "If-None-Match", "*" }, FAILED },
    { "OPTIONS", { "If-Match", "\"x\"" }, HOLDS },
    { "OPTIONS", { "If-None-Match", "*" }, HOLDS },
    { "TRACE", { "If-Unmodified-Since", BEFORE }, HOLDS },
    { "CONNECT", { "If-None-Match", "*" }, HOLDS },
};

START_TEST(method)
{
    struct exchange *x = request_with(methods[_i].fields, methods[_i].method);

    ck_assert_int_eq((int)precondition_of(&x->request, &validators), methods[_i].want);
    fake_exchange_free(x);
}
END_TEST

static const struct {
    const char *method;
    const char *fields[6];
    bool counts;
} ranges[] = {
    { "GET", { "Range", "bytes=0-1" }, true },
    { "HEAD", { "Range", "bytes=0-1" }, false },
    { "GET", { NULL }, false },
    { "GET", { "Range", "bytes=0-1", "Range", "bytes=2-3" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "\"a,b\"" }, true },
    { "GET", { "Range", "bytes=0-1", "If-Range", "W/\"a,b\"" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "\"x\"" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", SAME }, true },
    { "GET", { "Range", "bytes=0-1", "If-Range", BEFORE }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", AFTER }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "Sunday, 06-Nov-94 08:49:37 GMT" }, true },
    { "GET", { "Range", "bytes=0-1", "If-Range", "Sun Nov  6 08:49:37 1994" }, true },
    { "GET", { "Range", "bytes=0-1", "If-Range", "Sunday, 06-Nov-94 08:49:36 GMT" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "Sun, 31 Nov 1994 08:49:37 GMT" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "*" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "a,b" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "\"x\", \"a,b\"" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "\"a,b\", \"a,b\"" }, false },
    { "GET", { "If-Range", "\"a,b\"" }, false },
    { "POST", { "Range", "bytes=0-1" }, false },
    { "GET", { "Range", "bytes=0-1", "If-Range", "\"a,b\"", "If-Range", "\"a,b\"" }, false },
};

START_TEST(range)
{
    struct exchange *x = request_with(ranges[_i].fields, ranges[_i].method);

    ck_assert_int_eq(precondition_range(&x->request, &validators) != NULL, ranges[_i].counts);
    fake_exchange_free(x);
}
END_TEST

/* A date of this very second is no strong validator. */
START_TEST(range_too_young)
{
    static const char *const fields[6] = { "Range", "bytes=0-1", "If-Range", SAME };
    struct exchange *x = request_with(fields, "GET");
    struct validators young = { STR("\"a\""), CHANGED, CHANGED };

    ck_assert_ptr_null(precondition_range(&x->request, &young));
    young.now++;
    ck_assert_ptr_nonnull(precondition_range(&x->request, &young));
    fake_exchange_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/precondition");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_loop_test(tc, order, 0, array_len(rows));
    tcase_add_loop_test(tc, weak_tag, 0, array_len(weak));
    tcase_add_test(tc, no_tag);
    tcase_add_loop_test(tc, method, 0, array_len(methods));
    tcase_add_loop_test(tc, range, 0, array_len(ranges));
    tcase_add_test(tc, range_too_young);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
