/* request_test.c - fields by number and by name. */
#include "http/request.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_ids)
{
    for (unsigned id = 0; id < FIELD_COUNT; id++) {
        char upper[64];
        struct str name = field_name((enum field_id)id);
        ck_assert_int_eq(field_id_of(name), id);
        for (size_t i = 0; i < name.n; i++)
            upper[i] = (char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i]);
        ck_assert_int_eq(field_id_of(str_make(upper, name.n)), id);
    }
    ck_assert_int_eq(field_id_of(STR("Hos")), FIELD_OTHER);
    ck_assert_int_eq(field_id_of(STR("Hosts")), FIELD_OTHER);
    ck_assert_int_eq(field_id_of(STR("Hose")), FIELD_OTHER);
    ck_assert_int_eq(field_id_of(STR_EMPTY), FIELD_OTHER);
    ck_assert_int_eq(field_id_of(str_make("x", 64)), FIELD_OTHER);
}
END_TEST

START_TEST(test_lookup)
{
    struct field fields[] = {
        { STR("A"), STR("1"), FIELD_OTHER },
        { STR("Host"), STR("2"), FIELD_HOST },
        { STR("a"), STR("3"), FIELD_OTHER },
    };
    struct request r = { .fields = fields, .n_fields = 3, .known = 1u << FIELD_HOST };

    ck_assert_ptr_eq(request_field(&r, FIELD_HOST), &fields[1]);
    ck_assert_ptr_eq(request_field_named(&r, STR("host")), &fields[1]);
    ck_assert_ptr_eq(request_field_named(&r, STR("a")), &fields[0]);
    ck_assert_ptr_null(request_field(&r, FIELD_DATE));
    ck_assert_ptr_null(request_field_named(&r, STR("date")));
    ck_assert_ptr_null(request_field_named(&r, STR("b")));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("request");
    TCase *t = tcase_create("request");

    tcase_add_test(t, test_ids);
    tcase_add_test(t, test_lookup);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
