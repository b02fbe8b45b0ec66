/* origins_test.c - where values were given: found by struct and option, moved, and by level. */
#include "config/origins.h"

#include <check.h>
#include <stdlib.h>

#include "config/options.h"

#define MANY 1000

static struct arena arena;
static struct origins origins;

static void setup(void)
{
    arena_init(&arena, MIB(1));
    origins_init(&origins, &arena);
}

static void teardown(void)
{
    origins_done(&origins);
    arena_done(&arena);
}

static struct place at(const char *file, unsigned line)
{
    return (struct place){ .file = file, .line = line };
}

START_TEST(test_find)
{
    static char owners[MANY];
    char file[] = "a.conf";

    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(origins_add(&origins, &owners[i], &pool_options[0], at(file, i + 1)), 0);
        ck_assert_int_eq(origins_add(&origins, &owners[i], &pool_options[2], at(file, i + 2)), 0);
    }
    memcpy(file, "gone  ", 6); /* names are copied */
    for (unsigned i = 0; i < MANY; i++) {
        const struct place *p = origins_find(&origins, &owners[i], &pool_options[2]);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq(p->line, i + 2);
        ck_assert_str_eq(p->file, "a.conf");
        ck_assert_ptr_null(origins_find(&origins, &owners[i], &pool_options[1]));
    }
    ck_assert_ptr_null(origins_find(&origins, &arena, &pool_options[0]));
}
END_TEST

START_TEST(test_move)
{
    static char temporary, first, second;

    ck_assert_int_eq(origins_add(&origins, &temporary, &pool_options[0], at("a", 1)), 0);
    origins_move(&origins, &temporary, &first);
    ck_assert_int_eq(origins_add(&origins, &temporary, &pool_options[0], at("a", 2)), 0);
    ck_assert_int_eq(origins_add(&origins, &temporary, &pool_options[1], at("a", 3)), 0);
    origins_move(&origins, &temporary, &second);
    ck_assert_uint_eq(origins_find(&origins, &first, &pool_options[0])->line, 1);
    ck_assert_uint_eq(origins_find(&origins, &second, &pool_options[0])->line, 2);
    ck_assert_uint_eq(origins_find(&origins, &second, &pool_options[1])->line, 3);
    ck_assert_ptr_null(origins_find(&origins, &first, &pool_options[1]));
    ck_assert_ptr_null(origins_find(&origins, &temporary, &pool_options[0]));
}
END_TEST

START_TEST(test_levels)
{
    enum origin_level level;
    static char top, route;

    ck_assert_int_eq(origins_add_level(&origins, &top, ORIGIN_TOP, NULL), 0);
    ck_assert_int_eq(origins_add_level(&origins, &route, ORIGIN_ROUTE, &top), 0);
    ck_assert_ptr_eq(origins_outer(&origins, &route, &level), &top);
    ck_assert_int_eq(level, ORIGIN_ROUTE);
    ck_assert_ptr_null(origins_outer(&origins, &top, &level));
    ck_assert_int_eq(level, ORIGIN_TOP);
    ck_assert_ptr_null(origins_find(&origins, &top, &pool_options[0]));
}
END_TEST

/* A server asks for none of it. */
START_TEST(test_none)
{
    static char owner;

    ck_assert_int_eq(origins_add(NULL, &owner, &pool_options[0], at("a", 1)), 0);
    ck_assert_int_eq(origins_add_level(NULL, &owner, ORIGIN_SITE, NULL), 0);
    origins_move(NULL, &owner, &origins);
    ck_assert_ptr_null(origins_find(&origins, &owner, &pool_options[0]));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("origins");
    Suite *s = suite_create("origins");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_find);
    tcase_add_test(t, test_move);
    tcase_add_test(t, test_levels);
    tcase_add_test(t, test_none);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
