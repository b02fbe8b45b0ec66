/* dict_test.c - every key is found at every size, and none that is not there. */
#include "mux/dict.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

START_TEST(keys_are_found)
{
    enum { N = 3000 };
    static struct str keys[2 * N];
    static int values[N];
    struct arena arena;
    struct dict d = { .n = 0 };

    arena_init(&arena, MIB(16));
    for (int i = 0; i < 2 * N; i++)
        keys[i] = arena_printf(&arena, "%d", i);
    ck_assert_ptr_null(dict_get(&d, keys[0]));
    for (size_t n = 0; n < N; n++) {
        ck_assert_int_eq(dict_add(&d, keys[n], &values[n], &arena), 0);
        for (size_t i = n > 40 ? n - 40 : 0; i < n + 40; i++)
            ck_assert_ptr_eq(dict_get(&d, keys[i]), i <= n ? &values[i] : NULL);
    }
    size_t seen = 0;
    for (size_t at = 0; dict_next(&d, &at) != NULL; seen++)
        ;
    ck_assert_uint_eq(seen, N);
    for (size_t i = 0; i < 2 * N; i++)
        ck_assert_ptr_eq(dict_get(&d, keys[i]), i < N ? &values[i] : NULL);
    arena_done(&arena);
}
END_TEST

START_TEST(empty_and_binary_keys)
{
    static const struct str keys[] = {
        { "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "a", 1 }, { "a\0", 2 }
    };
    struct arena arena;
    struct dict d = { .n = 0 };

    arena_init(&arena, MIB(1));
    for (size_t i = 0; i < array_len(keys); i++)
        ck_assert_int_eq(dict_add(&d, keys[i], (void *)&keys[i], &arena), 0);
    for (size_t i = 0; i < array_len(keys); i++)
        ck_assert_ptr_eq(dict_get(&d, keys[i]), &keys[i]);
    ck_assert_ptr_eq(dict_get(&d, STR_EMPTY), &keys[0]);
    arena_done(&arena);
}
END_TEST

START_TEST(without_memory_it_stays_as_it_was)
{
    static char bytes[200];
    struct arena arena;
    struct dict d = { .n = 0 };
    size_t n = 0;

    arena_init(&arena, KIB(2));
    while (n < sizeof bytes && dict_add(&d, str_make(bytes, n), &bytes[n], &arena) == 0)
        n++;
    ck_assert(n > 0 && n < sizeof bytes);
    ck_assert_uint_eq(d.n, n);
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_ptr_eq(dict_get(&d, str_make(bytes, i)), i < n ? &bytes[i] : NULL);
    arena_done(&arena);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mux/dict");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_test(tc, keys_are_found);
    tcase_add_test(tc, empty_and_binary_keys);
    tcase_add_test(tc, without_memory_it_stays_as_it_was);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
