/* range_test.c - the Range field against bodies of several sizes. */
#include "http/range.h"

#include <check.h>
#include <stdlib.h>

struct row {
    const char *value;
    uint64_t size;
    enum range_result result;
    uint64_t first, length;
};

static const struct row rows[] = {
    { "bytes=0-0", 10, RANGE_ONE, 0, 1 },
    { "bytes=0-9", 10, RANGE_ONE, 0, 10 },
    { "bytes=0-10", 10, RANGE_ONE, 0, 10 },
    { "bytes=3-5", 10, RANGE_ONE, 3, 3 },
    { "bytes=9-9", 10, RANGE_ONE, 9, 1 },
    { "bytes=9-", 10, RANGE_ONE, 9, 1 },
    { "bytes=0-", 10, RANGE_ONE, 0, 10 },
    { "BYTES=1-2", 10, RANGE_ONE, 1, 2 },
    { "bYtEs=01-002", 10, RANGE_ONE, 1, 2 },
    { "bytes=-1", 10, RANGE_ONE, 9, 1 },
    { "bytes=-10", 10, RANGE_ONE, 0, 10 },
    { "bytes=-11", 10, RANGE_ONE, 0, 10 },
    { "bytes=-99999999999999999999999", 10, RANGE_ONE, 0, 10 },
    { "bytes=5-99999999999999999999999", 10, RANGE_ONE, 5, 5 },
    { "bytes=5-18446744073709551615", 10, RANGE_ONE, 5, 5 },
    { "bytes=0-18446744073709551615", UINT64_MAX, RANGE_ONE, 0, UINT64_MAX },
    { "bytes=18446744073709551614-", UINT64_MAX, RANGE_ONE, UINT64_MAX - 1, 1 },
    { "bytes=10-", 10, RANGE_NONE, 0, 0 },
    { "bytes=10-20", 10, RANGE_NONE, 0, 0 },
    { "bytes=99999999999999999999-", 10, RANGE_NONE, 0, 0 },
    { "bytes=99999999999999999999-999999999999999999999", 10, RANGE_NONE, 0, 0 },
    { "bytes=-0", 10, RANGE_NONE, 0, 0 },
    { "bytes=0-", 0, RANGE_NONE, 0, 0 },
    { "bytes=0-0", 0, RANGE_NONE, 0, 0 },
    { "bytes=-1", 0, RANGE_NONE, 0, 0 },
    { "", 10, RANGE_IGNORE, 0, 0 },
    { "bytes", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=-", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=5", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=5-4", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=99999999999999999999-4", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0,5-6", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0,", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=,0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-99999999999999999999,5-6", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=99999999999999999999x-", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=-99999999999999999999,-1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes= 0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0 -0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0 ", 10, RANGE_IGNORE, 0, 0 },
    { "bytes =0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=+0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0x0-1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=--1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0--1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=a-b", 10, RANGE_IGNORE, 0, 0 },
    { "items=0-1", 10, RANGE_IGNORE, 0, 0 },
    { "byte=0-1", 10, RANGE_IGNORE, 0, 0 },
    { "bytesx=0-1", 10, RANGE_IGNORE, 0, 0 },
};

START_TEST(test_parse)
{
    const struct row *c = &rows[_i];
    struct range r = { 0, 0 };

    ck_assert_int_eq(range_parse(str_of(c->value), c->size, &r), c->result);
    ck_assert_uint_eq(r.first, c->first);
    ck_assert_uint_eq(r.length, c->length);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("range");
    TCase *t = tcase_create("range");

    tcase_add_loop_test(t, test_parse, 0, array_len(rows));
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
