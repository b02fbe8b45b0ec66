/* accept_test.c - how much a client wants a media type. One thread. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/accept.h"
#include "support/fake_exchange.h"

static const struct {
    const char *accept[2];
    const char *type;
    unsigned quality;
    bool named;
} rows[] = {
    { { NULL }, "text/html", 1000, false },
    { { "text/html" }, "text/html", 1000, true },
    { { "TEXT/HTML" }, "text/html", 1000, true },
    { { "text/html" }, "text/plain", 0, false },
    { { "*/*" }, "text/html", 1000, false },
    { { "text/*;q=0.5" }, "text/html", 500, false },
    { { "text/*" }, "texts/html", 0, false },
    { { "*/*;q=0.1, text/*;q=0.2, text/html;q=0.3" }, "text/html", 300, true },
    { { "text/html;q=0.3, text/*;q=0.2, */*;q=0.1" }, "text/css", 200, false },
    { { "text/html;q=0.3, text/*;q=0.2, */*;q=0.1" }, "image/png", 100, false },
    { { "text/html;q=0" }, "text/html", 0, true },
    { { "text/html ; level=1 ; Q = 0.25" }, "text/html", 250, true },
    { { "text/html;x=\"a,b;q=0\";q=0.5" }, "text/html", 500, true },
    { { "text/html;x=\"\\\",\", image/png" }, "image/png", 1000, true },
    { { "text/css", "text/html;q=0.7" }, "text/html", 700, true },
    { { "text/html;q=1.000" }, "text/html", 1000, true },
    { { "text/html;q=0.123" }, "text/html", 123, true },
    /* Malformed ones count as absent. */
    { { "text/html;q=1.001" }, "text/html", 0, false },
    { { "text/html;q=2" }, "text/html", 0, false },
    { { "text/html;q=0.1234" }, "text/html", 0, false },
    { { "text/html;q=" }, "text/html", 0, false },
    { { "text/html;q=-1, */*;q=0.5" }, "text/html", 500, false },
    { { "" }, "text/html", 0, false },
    { { ",;,\"," }, "text/html", 0, false },
    { { "*, text, /" }, "text/html", 0, false },
};

START_TEST(acceptance)
{
    struct exchange *x = fake_exchange_new();

    for (size_t i = 0; i < 2 && rows[_i].accept[i]; i++)
        fake_exchange_field(x, "Accept", rows[_i].accept[i]);
    struct acceptance a = accept_type(&x->request, str_of(rows[_i].type));
    ck_assert_uint_eq(a.quality, rows[_i].quality);
    ck_assert_int_eq(a.named, rows[_i].named);
    fake_exchange_free(x);
}
END_TEST

/* Who sends endless lists costs no more than others. */
START_TEST(bounded)
{
    struct exchange *x = fake_exchange_new();
    char list[ACCEPT_MAX + 1];

    memset(list, ',', sizeof list);
    memcpy(list, "text/html", 9);
    list[ACCEPT_MAX] = '\0';
    fake_exchange_field(x, "Accept", list);
    fake_exchange_field(x, "Accept", "*/*");
    ck_assert_uint_eq(accept_type(&x->request, STR("text/html")).quality, 1000);
    ck_assert_uint_eq(accept_type(&x->request, STR("text/css")).quality, 0);
    fake_exchange_free(x);

    x = fake_exchange_new();
    memset(list, ',', sizeof list);
    list[ACCEPT_MAX] = '\0';
    char longer[sizeof list + 10];
    snprintf(longer, sizeof longer, "text/html%s", list);
    fake_exchange_field(x, "Accept", longer);
    ck_assert_uint_eq(accept_type(&x->request, STR("text/html")).quality, 0);
    fake_exchange_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http/accept");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_loop_test(tc, acceptance, 0, array_len(rows));
    tcase_add_test(tc, bounded);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
