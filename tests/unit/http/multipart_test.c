/* multipart_test.c - the body of several ranges, put together and read again. One thread. */
#include "http/multipart.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct arena arena;
static struct multipart m;

static void setup(void)
{
    arena_init(&arena, KIB(16));
}

static void teardown(void)
{
    arena_done(&arena);
}

/* What follows "boundary=", which a reader may not have to unquote (RFC 2046 section 5.1.1). */
static struct str boundary(void)
{
    const struct str front = STR("multipart/byteranges; boundary=");

    ck_assert(str_starts(m.type, front));
    struct str b = str_from(m.type, front.n);
    ck_assert_uint_ge(b.n, 1);
    ck_assert_uint_le(b.n, 70);
    for (size_t i = 0; i < b.n; i++)
        ck_assert_int_ge(ascii_hex((unsigned char)b.p[i]), 0);
    return b;
}

START_TEST(two)
{
    const struct ranges r = { 2, { { 500, 100 }, { 0, 1 } } };
    const char *text = "--%s\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Range: bytes 500-599/1000\r\n\r\n"
                       "[100]"
                       "\r\n--%s\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Range: bytes 0-0/1000\r\n\r\n"
                       "[1]"
                       "\r\n--%s--\r\n";

    ck_assert_int_eq(multipart_init(&m, &arena, &r, STR("text/plain; charset=utf-8"), 1000, 1), 0);
    struct str body = arena_printf(&arena, "%.*s[100]%.*s[1]%.*s", str_fmt(m.text[0]),
                                   str_fmt(m.text[1]), str_fmt(m.text[2]));
    struct str rest = body, b = boundary(), want = str_of(text);
    while (want.n > 0) {
        struct str expected = str_starts(want, STR("%s")) ? b : str_head(want, 1);
        ck_assert_msg(str_starts(rest, expected), "\"%.*s\" in \"%.*s\"", str_fmt(rest),
                      str_fmt(body));
        rest = str_from(rest, expected.n);
        want = str_from(want, str_starts(want, STR("%s")) ? 2 : 1);
    }
    ck_assert_uint_eq(rest.n, 0);
    ck_assert_uint_eq(m.length, body.n - 8 + 101);
}
END_TEST

START_TEST(no_type)
{
    const struct ranges r = { 1, { { 7, 3 } } };

    ck_assert_int_eq(multipart_init(&m, &arena, &r, STR_EMPTY, 10, 1), 0);
    struct str b = boundary();
    struct str text =
        arena_printf(&arena, "--%.*s\r\nContent-Range: bytes 7-9/10\r\n\r\n", str_fmt(b));
    ck_assert(str_eq(text, m.text[0]));
    ck_assert_uint_eq(m.length, m.text[0].n + 3 + m.text[1].n);
}
END_TEST

/* Numbers next to each other give boundaries that have little in common. */
START_TEST(boundaries)
{
    const struct ranges r = { 1, { { 0, 1 } } };
    char before[16] = "";

    for (uint64_t seed = 1; seed < 100; seed++) {
        unsigned same = 0;
        arena_reset(&arena);
        ck_assert_int_eq(multipart_init(&m, &arena, &r, STR_EMPTY, 1, seed), 0);
        struct str b = boundary();
        ck_assert_uint_eq(b.n, sizeof before);
        for (size_t i = 0; i < b.n; i++)
            same += b.p[i] == before[i];
        ck_assert_uint_le(same, 8);
        memcpy(before, b.p, b.n);
    }
}
END_TEST

START_TEST(largest)
{
    struct ranges r = { 2, { { 0, 1 }, { UINT64_MAX - 2, 1 } } };

    ck_assert_int_eq(multipart_init(&m, &arena, &r, STR("a/b"), UINT64_MAX, 0), 0);
    ck_assert_uint_eq(m.length, 2 + m.text[0].n + m.text[1].n + m.text[2].n);
    /* The ranges fit, but not with what stands around them. */
    r.v[1] = (struct range){ 1, UINT64_MAX - 2 };
    ck_assert_int_eq(multipart_init(&m, &arena, &r, STR("a/b"), UINT64_MAX, 0), -EOVERFLOW);
    r.v[1].length = INT64_MAX - 1;
    ck_assert_int_eq(multipart_init(&m, &arena, &r, STR("a/b"), INT64_MAX, 0), 0);
    ck_assert_uint_gt(m.length, INT64_MAX);
}
END_TEST

/* Whatever there is no memory for. */
START_TEST(without_memory)
{
    struct ranges r = { .n = RANGES_MAX };
    char first[256] __attribute__((aligned(16)));

    for (size_t i = 0; i < RANGES_MAX; i++)
        r.v[i] = (struct range){ i * 100, 1 };
    for (size_t room = 16; room <= sizeof first; room += 16) {
        struct arena small;
        arena_init_in(&small, first, room, 0);
        ck_assert_int_eq(multipart_init(&m, &small, &r, STR("text/css"), 10000, 0), -ENOMEM);
        arena_done(&small);
    }
    ck_assert_int_eq(multipart_init(&m, &arena, &r, STR("text/css"), 10000, 0), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http/multipart");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, two);
    tcase_add_test(tc, no_type);
    tcase_add_test(tc, boundaries);
    tcase_add_test(tc, largest);
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
