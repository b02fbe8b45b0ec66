/*
 * framing_test.c - every row of the two tables in framing.c, every combination of their columns,
 * and what the fields of a request come to. One thread.
 */
#include "http/framing.h"

#include <check.h>
#include <stdlib.h>

#define N_CODINGS (CODINGS_MALFORMED + 1)
#define N_LENGTHS (LENGTH_REPEATED + 1)

/* A cell: of a request without CONNECT, and with it, HTTP/1.1; with HTTP/1.0 in `old`. */
struct cell {
    const char *plain, *connect, *old, *old_connect;
};

#define ALL(s)                                                                                     \
    {                                                                                              \
        s, s, s, s                                                                                 \
    }
#define BY_CONNECT(s, c)                                                                           \
    {                                                                                              \
        s, c, s, c                                                                                 \
    }
#define NOT_OLD(s, c)                                                                              \
    {                                                                                              \
        s, c, OLD, OLD                                                                             \
    }
#define BOTH ALL("400 transfer_encoding_with_content_length")
#define REPEATED ALL("400 content_length_repeated")
#define OLD "400 transfer_encoding_in_http_1_0"
#define TUNNEL "400 connect_with_body"

/* The columns: absent, zero, some, malformed, overflow, repeated. */
static const struct cell requests[N_CODINGS][N_LENGTHS] = {
    [CODINGS_ABSENT] = { ALL("none"), ALL("length"), BY_CONNECT("length", TUNNEL),
                         ALL("400 content_length_malformed"), ALL("400 content_length_overflow"),
                         REPEATED },
    [CODINGS_CHUNKED] = { NOT_OLD("chunked", TUNNEL), BOTH, BOTH, BOTH, BOTH, REPEATED },
    [CODINGS_UNKNOWN] = { NOT_OLD("501 transfer_coding_unknown", "501 transfer_coding_unknown"),
                          BOTH, BOTH, BOTH, BOTH, REPEATED },
    [CODINGS_NOT_LAST] = { NOT_OLD("400 chunked_not_last", "400 chunked_not_last"), BOTH, BOTH,
                           BOTH, BOTH, REPEATED },
    [CODINGS_MALFORMED] = { NOT_OLD("400 transfer_encoding_malformed",
                                    "400 transfer_encoding_malformed"),
                            BOTH, BOTH, BOTH, BOTH, REPEATED },
};

static const char *const names[] = { "none", "length", "chunked", "close" };

static void expect_request(const char *want, struct request_framing got)
{
    char *end;
    unsigned long status = strtoul(want, &end, 10);

    ck_assert_uint_eq(got.status, status);
    if (status == 0) {
        ck_assert_str_eq(names[got.framing], want);
        ck_assert_ptr_null(got.reason);
    } else {
        ck_assert_int_eq(got.framing, FRAMING_NONE);
        ck_assert_str_eq(got.reason, end + 1);
    }
}

START_TEST(test_requests)
{
    for (enum codings c = 0; c < N_CODINGS; c++)
        for (enum length l = 0; l < N_LENGTHS; l++) {
            const struct cell *cell = &requests[c][l];
            expect_request(cell->plain, framing_of_request(1, c, l, false));
            expect_request(cell->connect, framing_of_request(1, c, l, true));
            expect_request(cell->old, framing_of_request(0, c, l, false));
            expect_request(cell->old_connect, framing_of_request(0, c, l, true));
        }
}
END_TEST

static enum framing expected_framing(unsigned status, bool known, unsigned minor)
{
    if (status < 200 || status == 204 || status == 304)
        return FRAMING_NONE;
    if (known)
        return FRAMING_LENGTH;
    return minor == 1 ? FRAMING_CHUNKED : FRAMING_CLOSE;
}

START_TEST(test_responses)
{
    for (unsigned status = 100; status <= 999; status++)
        for (unsigned bits = 0; bits < 8; bits++) {
            bool head = bits & 1, known = bits & 2;
            unsigned minor = bits >> 2;
            struct response_framing f = framing_of_response(status, head, known, minor);
            ck_assert_int_eq(f.framing, expected_framing(status, known, minor));
            ck_assert_int_eq(f.body, !head && f.framing != FRAMING_NONE);
        }
}
END_TEST

/* ---- fields */

#define FIELDS_MAX 3

static struct request request_of(struct field *fields, enum field_id id, const char *const *values)
{
    struct request r = { .fields = fields };

    fields[r.n_fields++] = (struct field){ STR("Host"), STR("chunked"), FIELD_HOST };
    for (; *values != NULL; values++) {
        fields[r.n_fields++] = (struct field){ field_name(id), str_trim(str_of(*values)), id };
        r.known |= UINT64_C(1) << id;
    }
    return r;
}

static const struct {
    const char *values[FIELDS_MAX];
    enum codings want;
} codings[] = {
    { { NULL }, CODINGS_ABSENT },
    { { "chunked" }, CODINGS_CHUNKED },
    { { "Chunked" }, CODINGS_CHUNKED },
    { { "\tCHUNKED " }, CODINGS_CHUNKED },
    { { "gzip, chunked" }, CODINGS_UNKNOWN },
    { { "gzip;a=b ,chunked" }, CODINGS_UNKNOWN },
    { { "gzip", "chunked" }, CODINGS_UNKNOWN },
    { { "gzip" }, CODINGS_NOT_LAST },
    { { "identity" }, CODINGS_NOT_LAST },
    { { "xchunked" }, CODINGS_NOT_LAST },
    { { "chunked;a=b" }, CODINGS_NOT_LAST },
    { { "chunked, gzip" }, CODINGS_NOT_LAST },
    { { "chunked, chunked" }, CODINGS_NOT_LAST },
    { { "chunked", "chunked" }, CODINGS_NOT_LAST },
    { { "chunked", "" }, CODINGS_NOT_LAST },
    { { "chunked," }, CODINGS_NOT_LAST },
    { { "" }, CODINGS_MALFORMED },
    { { ",chunked" }, CODINGS_MALFORMED },
    { { "", "chunked" }, CODINGS_MALFORMED },
    { { "gzip chunked" }, CODINGS_MALFORMED },
    { { "\"chunked\"" }, CODINGS_MALFORMED },
    { { "chunked\v" }, CODINGS_MALFORMED },
    { { "gzip, ;a, chunked" }, CODINGS_MALFORMED },
};

START_TEST(test_codings)
{
    struct field fields[FIELDS_MAX];
    struct request r = request_of(fields, FIELD_TRANSFER_ENCODING, codings[_i].values);

    ck_assert_int_eq(framing_codings(&r), codings[_i].want);
}
END_TEST

static const struct {
    const char *values[FIELDS_MAX];
    enum length want;
    uint64_t length;
} lengths[] = {
    { { NULL }, LENGTH_ABSENT, 0 },
    { { "0" }, LENGTH_ZERO, 0 },
    { { "000" }, LENGTH_ZERO, 0 },
    { { "5" }, LENGTH_SOME, 5 },
    { { "\t005 " }, LENGTH_SOME, 5 },
    { { "9223372036854775807" }, LENGTH_SOME, INT64_MAX },
    { { "9223372036854775808" }, LENGTH_OVERFLOW, 0 },
    { { "18446744073709551616" }, LENGTH_OVERFLOW, 0 },
    { { "99999999999999999999999999999999" }, LENGTH_OVERFLOW, 0 },
    { { "" }, LENGTH_MALFORMED, 0 },
    { { "+5" }, LENGTH_MALFORMED, 0 },
    { { "-5" }, LENGTH_MALFORMED, 0 },
    { { "0x5" }, LENGTH_MALFORMED, 0 },
    { { "5 5" }, LENGTH_MALFORMED, 0 },
    { { "5, 5" }, LENGTH_MALFORMED, 0 },
    { { "5_0" }, LENGTH_MALFORMED, 0 },
    { { "5", "5" }, LENGTH_REPEATED, 0 },
    { { "5", "6" }, LENGTH_REPEATED, 0 },
    { { "x", "5" }, LENGTH_REPEATED, 0 },
};

START_TEST(test_lengths)
{
    struct field fields[FIELDS_MAX];
    struct request r = request_of(fields, FIELD_CONTENT_LENGTH, lengths[_i].values);
    uint64_t got = 4711;

    ck_assert_int_eq(framing_length(&r, &got), lengths[_i].want);
    if (lengths[_i].want == LENGTH_ZERO || lengths[_i].want == LENGTH_SOME)
        ck_assert_uint_eq(got, lengths[_i].length);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("framing");
    TCase *t = tcase_create("framing");

    tcase_add_test(t, test_requests);
    tcase_add_test(t, test_responses);
    tcase_add_loop_test(t, test_codings, 0, array_len(codings));
    tcase_add_loop_test(t, test_lengths, 0, array_len(lengths));
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
