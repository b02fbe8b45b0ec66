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
    { { "If-None-Match", "W/" }, HOLDS },
    { { "If-Modified-Since", SAME }, NOT_MODIFIED },
    { { "If-Modified-Since", AFTER }, NOT_MODIFIED },
    { { "If-Modified-Since", BEFORE }, HOLDS },
    { { "If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT" }, NOT_MODIFIED },
    { { "If-Modified-Since", "yesterday" }, HOLDS },
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
    { { "If-Unmodified-Since", SAME }, HOLDS },
    { { "If-Unmodified-Since", BEFORE }, FAILED },
    { { "If-Unmodified-Since", "no date" }, HOLDS },
    /* If-Match makes If-Unmodified-Since not count, and comes before If-None-Match. */
    { { "If-Match", "\"a,b\"", "If-Unmodified-Since", BEFORE }, HOLDS },
    { { "If-Match", "\"x\"", "If-None-Match", "\"a,b\"" }, FAILED },
    { { "If-Match", "\"a,b\"", "If-None-Match", "\"a,b\"" }, NOT_MODIFIED },
    { { "If-Unmodified-Since", SAME, "If-Modified-Since", SAME }, NOT_MODIFIED },
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
    tcase_add_loop_test(tc, range, 0, array_len(ranges));
    tcase_add_test(tc, range_too_young);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
