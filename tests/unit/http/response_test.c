/* response_test.c - fields of a response: what is taken, replaced, refused. */
#include "http/response.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST(test_add_and_order)
{
    struct arena arena;
    struct response r;
    char names[40][16];

    arena_init(&arena, MIB(1));
    response_init(&r, &arena);
    ck_assert_uint_eq(r.status, 0);
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "X-%d", i);
        ck_assert_int_eq(response_add(&r, str_of(names[i]), STR("v")), 0);
    }
    ck_assert_uint_eq(r.n_fields, 40);
    for (size_t i = 0; i < 40; i++)
        ck_assert(str_eq(r.fields[i].name, str_of(names[i])));
    ck_assert_int_eq(response_add(&r, STR("content-type"), STR("text/plain")), 0);
    ck_assert_ptr_eq(response_field(&r, STR("x-7")), &r.fields[7]);
    ck_assert_ptr_null(response_field(&r, STR("x-40")));
    arena_done(&arena);
}
END_TEST

START_TEST(test_set_and_remove)
{
    struct arena arena;
    struct response r;

    arena_init(&arena, MIB(1));
    response_init(&r, &arena);
    response_remove(&r, STR("A"));
    ck_assert_int_eq(response_set(&r, STR("A"), STR("1")), 0);
    ck_assert_int_eq(response_add(&r, STR("B"), STR("2")), 0);
    ck_assert_int_eq(response_add(&r, STR("a"), STR("3")), 0);
    ck_assert_int_eq(response_add(&r, STR("C"), STR("4")), 0);
    ck_assert_int_eq(response_add(&r, STR("A"), STR("5")), 0);
    ck_assert_int_eq(response_set(&r, STR("a"), STR("6")), 0);
    ck_assert_uint_eq(r.n_fields, 3);
    ck_assert(str_eq(r.fields[0].name, STR("a")) && str_eq(r.fields[0].value, STR("6")));
    ck_assert(str_eq(r.fields[1].name, STR("B")) && str_eq(r.fields[2].name, STR("C")));
    ck_assert_int_eq(response_set(&r, STR("B"), STR("\n")), -EINVAL);
    ck_assert(str_eq(r.fields[1].value, STR("2")));
    response_remove(&r, STR("b"));
    ck_assert_uint_eq(r.n_fields, 2);
    ck_assert_ptr_null(response_field(&r, STR("B")));
    ck_assert(str_eq(r.fields[1].name, STR("C")));
    arena_done(&arena);
}
END_TEST

START_TEST(test_check)
{
    static const char *const framing[] = { "Content-Length", "transfer-encoding",
                                           "CONNECTION",     "Date",
                                           "Keep-Alive",     "Upgrade",
                                           "Trailer",        "te" };
    static const char *const names[] = { "", "a b", "a:", "a\r\nb", "\xc3\xbc", "a(b)", " a" };
    static const struct str values[] = {
        { "a\r\nB: c", 7 }, { "a\n", 2 }, { "\0", 1 }, { "a\x01", 2 }, { "\x7f", 1 }
    };

    for (size_t i = 0; i < array_len(framing); i++)
        ck_assert_int_eq(response_check(str_of(framing[i]), STR("1")), -EINVAL);
    for (size_t i = 0; i < array_len(names); i++)
        ck_assert_int_eq(response_check(str_of(names[i]), STR("1")), -EINVAL);
    for (size_t i = 0; i < array_len(values); i++)
        ck_assert_int_eq(response_check(STR("A"), values[i]), -EINVAL);
    ck_assert_int_eq(response_check(STR("A"), STR_EMPTY), 0);
    ck_assert_int_eq(response_check(STR("X-A_b!"), STR("a\t b\xff")), 0);
    ck_assert_int_eq(response_check(STR("Tea"), STR("1")), 0);
}
END_TEST

START_TEST(test_no_memory)
{
    struct arena arena;
    struct response r;
    _Alignas(16) static char room[8 * sizeof(struct field)];

    arena_init_in(&arena, room, sizeof room, 0);
    response_init(&r, &arena);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(response_add(&r, STR("A"), STR("b")), 0);
    ck_assert_int_eq(response_add(&r, STR("A"), STR("b")), -ENOMEM);
    ck_assert(arena_failed(&arena));
    ck_assert_uint_eq(r.n_fields, 8);
    ck_assert_int_eq(response_set(&r, STR("A"), STR("c")), 0);
    ck_assert_uint_eq(r.n_fields, 1);
    arena_done(&arena);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("response");
    TCase *t = tcase_create("response");

    tcase_add_test(t, test_add_and_order);
    tcase_add_test(t, test_set_and_remove);
    tcase_add_test(t, test_check);
    tcase_add_test(t, test_no_memory);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
