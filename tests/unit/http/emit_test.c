/* emit_test.c - response heads, byte for byte. */
#include "http/emit.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static void expect(const struct response *r, struct emit how, const char *want)
{
    size_t room = emit_head_size(r);
    char *out = malloc(room); /* no byte more: a sanitizer watches */
    size_t n = emit_head(out, r, &how);

    ck_assert_uint_le(n, room);
    ck_assert_msg(str_eq(str_make(out, n), str_of(want)), "%.*s", (int)n, out);
    free(out);
}

START_TEST(test_head)
{
    struct arena arena;
    struct response r;

    arena_init(&arena, MIB(1));
    response_init(&r, &arena);
    r.status = 204;
    expect(&r, (struct emit){ .framing = FRAMING_NONE }, "HTTP/1.1 204 No Content\r\n\r\n");
    r.status = 200;
    expect(&r, (struct emit){ .framing = FRAMING_LENGTH, .date = DATE "x" },
           "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n");
    ck_assert_int_eq(response_add(&r, STR("Content-Type"), STR("text/plain")), 0);
    ck_assert_int_eq(response_add(&r, STR("X-Empty"), STR_EMPTY), 0);
    expect(&r,
           (struct emit){
               .framing = FRAMING_LENGTH, .length = UINT64_MAX, .date = DATE, .keep_alive = true },
           "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 18446744073709551615\r\n"
           "Content-Type: text/plain\r\nX-Empty: \r\nConnection: keep-alive\r\n\r\n");
    expect(&r, (struct emit){ .framing = FRAMING_CHUNKED, .date = DATE, .close = true },
           "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nTransfer-Encoding: chunked\r\n"
           "Content-Type: text/plain\r\nX-Empty: \r\nConnection: close\r\n\r\n");
    expect(&r, (struct emit){ .framing = FRAMING_NONE, .close = true, .keep_alive = true },
           "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Empty: \r\nConnection: close\r\n\r\n");
    arena_done(&arena);
}
END_TEST

START_TEST(test_every_code)
{
    struct response r;
    char want[128];

    response_init(&r, NULL);
    for (unsigned code = 100; code <= 999; code++) {
        r.status = code;
        struct str reason = status_reason(code);
        snprintf(want, sizeof want, "HTTP/1.1 %u %.*s\r\nContent-Length: 1234567890\r\n\r\n", code,
                 str_fmt(reason));
        expect(&r, (struct emit){ .framing = FRAMING_LENGTH, .length = 1234567890 }, want);
    }
}
END_TEST

START_TEST(test_lengths)
{
    struct response r;
    char want[128];

    response_init(&r, NULL);
    r.status = 299;
    for (uint64_t n = 1; n != 0; n = n > UINT64_MAX / 7 ? 0 : n * 7) {
        snprintf(want, sizeof want, "HTTP/1.1 299 \r\nContent-Length: %" PRIu64 "\r\n\r\n", n);
        expect(&r, (struct emit){ .framing = FRAMING_LENGTH, .length = n }, want);
    }
}
END_TEST

START_TEST(test_chunk_size)
{
    static const uint64_t sizes[] = { 0,     1,      9,          10,      15,         16,
                                      255,   256,    4096,       0x1a2b,  UINT32_MAX, INT64_MAX,
                                      65535, 100000, UINT64_MAX, 1u << 20 };

    for (size_t i = 0; i < array_len(sizes); i++) {
        char out[EMIT_CHUNK_MAX], want[32];
        size_t n = emit_chunk_size(out, sizes[i]);
        snprintf(want, sizeof want, "%" PRIx64 "\r\n", sizes[i]);
        ck_assert(str_eq(str_make(out, n), str_of(want)));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("emit");
    TCase *t = tcase_create("emit");

    tcase_add_test(t, test_head);
    tcase_add_test(t, test_every_code);
    tcase_add_test(t, test_lengths);
    tcase_add_test(t, test_chunk_size);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
