/* body_test.c - bodies decoded and refused, as tables, cut at every place. */
#include "http/body.h"

#include <check.h>
#include <stdlib.h>

struct row {
    const char *in;
    size_t n;
    const char *body;   /* what comes out, also before a refusal */
    const char *reason; /* NULL: complete; "": more is wanted */
    size_t rest;        /* bytes behind the body */
};
#define COMPLETE(in, body, rest)                                                                   \
    {                                                                                              \
        in, sizeof(in) - 1, body, NULL, rest                                                       \
    }
#define REFUSED(in, body, reason)                                                                  \
    {                                                                                              \
        in, sizeof(in) - 1, body, reason, 0                                                        \
    }
#define MORE(in, body) REFUSED(in, body, "")

static const struct row chunked[] = {
    COMPLETE("0\r\n\r\n", "", 0),
    COMPLETE("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
    COMPLETE("5\r\nhello\r\n6\r\n world\r\n000\r\n\r\nGET /", "hello world", 5),
    COMPLETE("a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
    COMPLETE("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
    COMPLETE("1e\r\nall your base are belong to us\r\n0\r\n\r\n", "all your base are belong to us",
             0),
    COMPLETE("0000000000000001\r\na\r\n0000000000000000\r\n\r\n", "a", 0),
    COMPLETE("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0),
    COMPLETE("1;a\r\nx\r\n0;b\r\n\r\n", "x", 0),
    COMPLETE("1;a=b;c=\"\";d=\"e;\\\"\\\\\tf\xff\"\r\nx\r\n0\r\n\r\n", "x", 0),
    COMPLETE("0\r\nVary: *\r\nContent-Type: text/plain\r\n\r\n", "", 0),
    COMPLETE("0\r\nA:\r\nB: \t\xfc \r\n\r\nx", "", 1),
    COMPLETE("0\r\nHos: a\r\nHosts: a\r\nContent-Lengt: 1\r\nXHost: a\r\nHose: a\r\n\r\n", "", 0),
    COMPLETE("0\r\nTrailer: a\r\n\r\n", "", 0),
    MORE("", ""),
    MORE("5", ""),
    MORE("5\r", ""),
    MORE("5\r\n", ""),
    MORE("5\r\nhel", "hel"),
    MORE("5\r\nhello", "hello"),
    MORE("5\r\nhello\r", "hello"),
    MORE("5\r\nhello\r\n0\r\n", "hello"),
    MORE("0\r\n\r", ""),
    MORE("0\r\nA: b\r\n", ""),
    /* the size */
    REFUSED("\r\n", "", "chunk_size_malformed"),
    REFUSED("\n", "", "bare_lf"),
    REFUSED(";a\r\n", "", "chunk_size_malformed"),
    REFUSED("-1\r\n", "", "chunk_size_malformed"),
    REFUSED("+1\r\n", "", "chunk_size_malformed"),
    REFUSED(" 1\r\n", "", "chunk_size_malformed"),
    REFUSED("0x1\r\n", "", "chunk_size_malformed"),
    REFUSED("1_0\r\n", "", "chunk_size_malformed"),
    REFUSED("g\r\n", "", "chunk_size_malformed"),
    REFUSED("a \r\n0123456789\r\n0\r\n", "", "chunk_size_malformed"),
    REFUSED("a\t\r\n", "", "chunk_size_malformed"),
    REFUSED("1\0\r\n", "", "chunk_size_malformed"),
    REFUSED("3 \n  \r\nfoo\r\n\r\n", "", "chunk_size_malformed"),
    REFUSED("2 erfrferferf\r\naa\r\n", "", "chunk_size_malformed"),
    REFUSED("5\nhello", "", "bare_lf"),
    REFUSED("5\rhello", "", "bare_cr"),
    REFUSED("5\r\r\nhello", "", "bare_cr"),
    REFUSED("10000000000000000\r\n", "", "chunk_size_overflow"),
    REFUSED("00000000000000001\r\n", "", "chunk_size_overflow"),
    REFUSED("ffffffffffffffff\r\n", "", "body_too_large"),
    REFUSED("64\r\n", "", "body_too_large"),
    REFUSED("64;a\r\n", "", "body_too_large"),
    REFUSED("5\r\nhello\r\n5f\r\n", "hello", "body_too_large"),
    /* the data */
    REFUSED("1\r\nab\r\n", "a", "chunk_end_malformed"),
    REFUSED("1\r\na\n0\r\n", "a", "bare_lf"),
    REFUSED("1\r\na\r0\r\n", "a", "bare_cr"),
    REFUSED("3\r\nfoo\r\n\r\n", "foo", "chunk_size_malformed"),
    /* extensions */
    REFUSED("2;\r\naa\r\n0\r\n", "", "chunk_extension_malformed"),
    REFUSED("2; a\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a \r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a =b\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a= b\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=;b\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;=b\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;;b\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=b=c\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;\"a\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=b\"c\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\"b\"c\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\"b\"\"c\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\"b\r\n\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\"b\\\r\n\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\"b\n\"\r\n", "", "bare_lf"),
    REFUSED("2;a=\"\x01\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a=\"\\\x01\"\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;a\n", "", "bare_lf"),
    REFUSED("2;a\rb", "", "bare_cr"),
    REFUSED("2;a\0\r\n", "", "chunk_extension_malformed"),
    REFUSED("2;\xfc\r\n", "", "chunk_extension_malformed"),
    REFUSED("5;ilovew3=\"abc\";somuchlove=\"def; ghi\r\nhello\r\n", "",
            "chunk_extension_malformed"),
    /* trailers */
    REFUSED("0\r\nHost: a\r\n", "", "trailer_forbidden"),
    REFUSED("0\r\nA: b\r\ncontent-LENGTH: 1\r\n", "", "trailer_forbidden"),
    REFUSED("0\r\nTransfer-Encoding: chunked\r\n", "", "trailer_forbidden"),
    REFUSED("0\r\nA: b\r\n c\r\n", "", "trailer_malformed"),
    REFUSED("0\r\n A: b\r\n", "", "trailer_malformed"),
    REFUSED("0\r\nA : b\r\n", "", "trailer_malformed"),
    REFUSED("0\r\n: b\r\n", "", "trailer_malformed"),
    REFUSED("0\r\nA\r\n", "", "trailer_malformed"),
    REFUSED("0\r\nA: b\x01\r\n", "", "trailer_malformed"),
    REFUSED("0\r\nA: \0\r\n", "", "trailer_malformed"),
    REFUSED("0\r\nA: b\nB: c\r\n", "", "bare_lf"),
    REFUSED("0\r\nA: b\rB: c\r\n", "", "bare_cr"),
    REFUSED("0\r\n\n", "", "bare_lf"),
    REFUSED("0\r\n\rx", "", "bare_cr"),
    REFUSED("0\r\nGET / HTTP/1.1\r\n", "", "trailer_malformed"),
};

/* Decodes in[0..n), given `step` bytes more at a time, in slices of at most `limit`. */
static enum body_result decode(struct body_reader *b, const char *in, size_t n, size_t step,
                               size_t limit, char *out, size_t *ret_used)
{
    size_t at = 0, have = 0, n_out = 0;

    for (;;) {
        size_t used;
        struct str data;
        enum body_result got = body_next(b, in + at, have - at, limit, &used, &data);
        ck_assert_uint_le(used, have - at);
        at += used;
        ck_assert_uint_le(data.n, limit);
        ck_assert_int_eq(data.n > 0, got == BODY_DATA);
        if (data.n)
            memcpy(out + n_out, data.p, data.n);
        n_out += data.n;
        ck_assert_uint_eq(b->total, n_out);
        if (got == BODY_MORE && have < n) {
            ck_assert_uint_eq(at, have);
            have = min_of(have + step, n);
        } else if (got != BODY_DATA) {
            out[n_out] = '\0';
            *ret_used = at;
            return got;
        }
    }
}

START_TEST(test_chunked)
{
    static const struct head_info info = { .framing = FRAMING_CHUNKED };
    const struct row *c = &chunked[_i];

    for (size_t step = 1; step <= c->n + 1; step++)
        for (size_t limit = 1; limit < 9; limit++) {
            struct body_reader b;
            char out[128];
            size_t used;
            body_init(&b, &info, 99);
            ck_assert(!body_ended(&b));
            enum body_result got = decode(&b, c->in, c->n, step, limit, out, &used);
            ck_assert_str_eq(out, c->body);
            if (c->reason == NULL) {
                ck_assert_msg(got == BODY_END, "%d: %s", _i, b.reason ? b.reason : "more");
                ck_assert(body_ended(&b));
                ck_assert_uint_eq(used, c->n - c->rest);
            } else if (c->reason[0] == '\0') {
                ck_assert_int_eq(got, BODY_MORE);
                ck_assert(!body_ended(&b));
            } else {
                struct str data;
                ck_assert_msg(got == BODY_BAD, "%d", _i);
                ck_assert_str_eq(b.reason, c->reason);
                ck_assert_uint_eq(b.status, strcmp(c->reason, "body_too_large") ? 400 : 413);
                ck_assert_int_eq(body_next(&b, "0\r\n\r\n", 5, 9, &used, &data), BODY_BAD);
                ck_assert_uint_eq(used, 0);
            }
        }
}
END_TEST

START_TEST(test_none)
{
    struct head_info info = { .framing = FRAMING_NONE };
    struct body_reader b;
    struct str data;
    size_t used = 9;

    body_init(&b, &info, 0);
    ck_assert(body_ended(&b));
    ck_assert_int_eq(body_next(&b, "GET", 3, 9, &used, &data), BODY_END);
    ck_assert_uint_eq(used, 0);
    info = (struct head_info){ .framing = FRAMING_LENGTH, .length = 0 };
    body_init(&b, &info, 0);
    ck_assert(body_ended(&b));
    ck_assert_int_eq(body_next(&b, NULL, 0, 9, &used, &data), BODY_END);
}
END_TEST

START_TEST(test_length)
{
    struct head_info info = { .framing = FRAMING_LENGTH, .length = 7 };

    for (size_t step = 1; step < 9; step++)
        for (size_t limit = 1; limit < 9; limit++) {
            struct body_reader b;
            char out[16];
            size_t used;
            body_init(&b, &info, 7);
            ck_assert_int_eq(decode(&b, "seven77more", 11, step, limit, out, &used), BODY_END);
            ck_assert_str_eq(out, "seven77");
            ck_assert_uint_eq(used, 7);
            body_init(&b, &info, 7);
            ck_assert_int_eq(decode(&b, "seven7", 6, step, limit, out, &used), BODY_MORE);
            ck_assert_uint_eq(b.left, 1);
        }
}
END_TEST

START_TEST(test_length_too_large)
{
    struct head_info info = { .framing = FRAMING_LENGTH, .length = 7 };
    struct body_reader b;
    struct str data;
    size_t used;

    body_init(&b, &info, 6);
    ck_assert(!body_ended(&b));
    ck_assert_int_eq(body_next(&b, NULL, 0, 9, &used, &data), BODY_BAD);
    ck_assert_uint_eq(b.status, 413);
    ck_assert_str_eq(b.reason, "body_too_large");
}
END_TEST

START_TEST(test_ends_with_the_last_slice)
{
    struct head_info info = { .framing = FRAMING_LENGTH, .length = 3 };
    struct body_reader b;
    struct str data;
    size_t used;

    body_init(&b, &info, 6);
    ck_assert_int_eq(body_next(&b, "abcd", 4, 9, &used, &data), BODY_DATA);
    ck_assert_uint_eq(used, 3);
    ck_assert(body_ended(&b));
}
END_TEST

START_TEST(test_skip)
{
    struct head_info info = { .framing = FRAMING_LENGTH, .length = 10 };
    struct body_reader b;
    struct str data;
    size_t used;

    body_init(&b, &info, 10);
    body_skip(&b, 4);
    ck_assert_uint_eq(b.left, 6);
    ck_assert_int_eq(body_next(&b, "ab", 2, 9, &used, &data), BODY_DATA);
    body_skip(&b, 0);
    body_skip(&b, 4);
    ck_assert(body_ended(&b));
    ck_assert_uint_eq(b.total, 10);
    body_skip(&b, 0);
}
END_TEST

/* Feeds `n` copies of `unit`; the last result. */
static enum body_result flood(struct body_reader *b, const char *unit, size_t n)
{
    enum body_result got = BODY_MORE;

    while (n-- > 0 && got != BODY_BAD) {
        size_t at = 0, size = strlen(unit), used;
        struct str data;
        do {
            got = body_next(b, unit + at, size - at, 9, &used, &data);
            at += used;
        } while (got == BODY_DATA);
    }
    return got;
}

START_TEST(test_bounds)
{
    static const struct head_info info = { .framing = FRAMING_CHUNKED };
    struct body_reader b;

    body_init(&b, &info, UINT64_MAX);
    ck_assert_int_eq(flood(&b, "1;", 1), BODY_MORE);
    ck_assert_int_eq(flood(&b, "a", 255), BODY_MORE);
    ck_assert_int_eq(flood(&b, "\r\nx\r\n", 1), BODY_MORE);
    ck_assert_int_eq(flood(&b, "1;", 1), BODY_MORE);
    ck_assert_int_eq(flood(&b, "a", 256), BODY_BAD);
    ck_assert_str_eq(b.reason, "chunk_extension_too_long");

    body_init(&b, &info, UINT64_MAX);
    ck_assert_int_eq(flood(&b, "1;abcdefg\r\nx\r\n", 2048), BODY_MORE);
    ck_assert_int_eq(flood(&b, "1;abcdefg\r\nx\r\n", 1), BODY_BAD);
    ck_assert_str_eq(b.reason, "chunk_extension_too_long");
    ck_assert_uint_eq(b.status, 400);

    body_init(&b, &info, UINT64_MAX);
    ck_assert_int_eq(flood(&b, "1\r\nx\r\n", 100000), BODY_MORE);
    ck_assert_int_eq(flood(&b, "0\r\n", 1), BODY_MORE);
    ck_assert_int_eq(flood(&b, "A: b\r\n", 64), BODY_MORE);
    ck_assert_int_eq(flood(&b, "A: b\r\n", 1), BODY_BAD);
    ck_assert_str_eq(b.reason, "too_many_trailers");

    body_init(&b, &info, UINT64_MAX);
    ck_assert_int_eq(flood(&b, "0\r\nA:", 1), BODY_MORE);
    ck_assert_int_eq(flood(&b, "a", 8190), BODY_MORE);
    ck_assert_int_eq(flood(&b, "a", 1), BODY_BAD);
    ck_assert_str_eq(b.reason, "trailer_too_large");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("body");
    TCase *t = tcase_create("body");

    tcase_add_loop_test(t, test_chunked, 0, array_len(chunked));
    tcase_add_test(t, test_none);
    tcase_add_test(t, test_length);
    tcase_add_test(t, test_length_too_large);
    tcase_add_test(t, test_ends_with_the_last_slice);
    tcase_add_test(t, test_skip);
    tcase_add_test(t, test_bounds);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
