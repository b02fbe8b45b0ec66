/* budget_test.c - a bound on memory in sum, and those who charge it: buffers, arenas. */
#include "base/budget.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

static struct budget of(size_t max)
{
    struct budget b;

    atomic_init(&b.used, 0);
    atomic_init(&b.max, max);
    return b;
}

static size_t used(const struct budget *b)
{
    return atomic_load(&b->used);
}

START_TEST(takes_up_to_the_bound)
{
    struct budget b = of(10);

    ck_assert(budget_take(&b, 4));
    ck_assert(!budget_is_full(&b, 6));
    ck_assert(budget_is_full(&b, 7));
    ck_assert(!budget_take(&b, 7));
    ck_assert_uint_eq(used(&b), 4);
    ck_assert(budget_take(&b, 6));
    ck_assert(!budget_take(&b, 1));
    ck_assert(budget_take(&b, 0));
    budget_give(&b, 10);
    ck_assert_uint_eq(used(&b), 0);
    ck_assert(!budget_take(&b, SIZE_MAX));
    ck_assert_uint_eq(used(&b), 0);
}
END_TEST

START_TEST(a_smaller_bound_refuses_until_enough_is_given)
{
    struct budget b = of(10);

    ck_assert(budget_take(&b, 8));
    atomic_store(&b.max, 4);
    ck_assert(budget_is_full(&b, 0));
    ck_assert(!budget_take(&b, 1));
    budget_give(&b, 6);
    ck_assert(budget_take(&b, 2));
    ck_assert(!budget_take(&b, 1));
}
END_TEST

START_TEST(none_is_no_bound)
{
    ck_assert(budget_take(NULL, SIZE_MAX));
    budget_give(NULL, SIZE_MAX);
}
END_TEST

START_TEST(buf_is_charged_for_its_capacity)
{
    struct budget b = of(1000);
    struct buf buf = { .max = 10000, .budget = &b };

    ck_assert_int_eq(buf_add(&buf, "abc", 3), 0);
    ck_assert_uint_eq(used(&b), buf.cap);
    ck_assert_int_eq(buf_room(&buf, 300), 0);
    ck_assert_uint_eq(used(&b), buf.cap);
    ck_assert_int_eq(buf_room(&buf, 5000), -ENOMEM);
    ck_assert(str_eq(buf_str(&buf), STR("abc")));
    ck_assert_uint_eq(used(&b), buf.cap);
    buf_done(&buf);
    ck_assert_uint_eq(used(&b), 0);
    ck_assert_int_eq(buf_add(&buf, "abc", 3), 0); /* it is still charged there */
    ck_assert_uint_gt(used(&b), 0);
    buf_done(&buf);
}
END_TEST

START_TEST(arena_is_charged_for_its_blocks)
{
    static _Alignas(16) char first[64];
    struct budget b = of(3000);
    struct arena a;

    arena_init_in(&a, first, sizeof first, MIB(1));
    arena_charge(&a, &b);
    ck_assert_ptr_nonnull(arena_alloc(&a, 64));
    ck_assert_uint_eq(used(&b), 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 64));
    ck_assert_uint_gt(used(&b), 1024);
    ck_assert_ptr_null(arena_alloc(&a, 4000));
    ck_assert(arena_failed(&a));
    ck_assert_uint_lt(used(&b), 2000);
    arena_reset(&a);
    ck_assert_uint_eq(used(&b), 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1500)); /* it is still charged there */
    ck_assert_uint_gt(used(&b), 1500);
    arena_done(&a);
    ck_assert_uint_eq(used(&b), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/budget");
    TCase *tc = tcase_create("budget");
    SRunner *r = srunner_create(s);

    tcase_add_test(tc, takes_up_to_the_bound);
    tcase_add_test(tc, a_smaller_bound_refuses_until_enough_is_given);
    tcase_add_test(tc, none_is_no_bound);
    tcase_add_test(tc, buf_is_charged_for_its_capacity);
    tcase_add_test(tc, arena_is_charged_for_its_blocks);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
