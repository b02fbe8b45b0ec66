/* accept_test.c - how much a client wants a media type or a content coding. One thread. */
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

static const struct {
    const char *accept[3];
    const char *coding;
    unsigned quality;
} codings[] = {
    { { NULL }, "identity", 1 },
    { { NULL }, "gzip", 0 },
    { { "gzip" }, "gzip", 1000 },
    { { "GZip" }, "gzip", 1000 },
    { { "gzip" }, "identity", 1 },
    { { "gzip" }, "br", 0 },
    { { "x-gzip" }, "gzip", 1000 },
    { { "gzip;q=0.3" }, "x-gzip", 300 },
    { { "X-Compress" }, "compress", 1000 },
    { { "x-br" }, "br", 0 },
    { { "gzi, gzipp, g" }, "gzip", 0 },
    { { "" }, "gzip", 0 },
    { { "" }, "identity", 1 },
    { { "gzip, deflate, br, zstd" }, "zstd", 1000 },
    { { "gzip;q=0.5, br" }, "gzip", 500 },
    { { "gzip;q=0.5, br" }, "br", 1000 },
    { { "gzip ; q=0.5 ,br\t;\tQ=0.25" }, "br", 250 },
    { { "deflate", "br;q=0.7", "gzip;q=0.2" }, "gzip", 200 },
    { { "deflate", "br;q=0.7", "gzip;q=0.2" }, "br", 700 },
    /* "*" is what is not named, identity too. */
    { { "*" }, "br", 1000 },
    { { "*" }, "identity", 1000 },
    { { "*;q=0" }, "gzip", 0 },
    { { "*;q=0" }, "identity", 0 },
    { { "*;q=0.5, gzip;q=0.1" }, "gzip", 100 },
    { { "gzip;q=0.1, *;q=0.5" }, "gzip", 100 },
    { { "gzip;q=0.1, *;q=0.5" }, "identity", 500 },
    { { "gzip;q=0", "*" }, "gzip", 0 },
    { { "*;q=0, identity;q=0.5" }, "identity", 500 },
    { { "identity;q=0.5, *;q=0" }, "identity", 500 },
    { { "identity;q=0" }, "identity", 0 },
    { { "identity;q=0" }, "gzip", 0 },
    { { "identity;q=0, *" }, "gzip", 1000 },
    { { "Identity" }, "identity", 1000 },
    { { "x-identity;q=0" }, "identity", 1 },
    /* The first of the same name counts, malformed ones do not. */
    { { "gzip;q=0.2, gzip;q=0.8" }, "gzip", 200 },
    { { "gzip;q=0.2, x-gzip;q=0.8" }, "gzip", 200 },
    { { "gzip;q=2" }, "gzip", 0 },
    { { "gzip;q=-1" }, "gzip", 0 },
    { { "gzip;q=" }, "gzip", 0 },
    { { "gzip;q" }, "gzip", 0 },
    { { "gzip;q=0.1234" }, "gzip", 0 },
    { { "gzip;q=.5" }, "gzip", 0 },
    { { "gzip;q=1.001, *;q=0.4" }, "gzip", 400 },
    { { "identity;q=x" }, "identity", 1 },
    { { "gzip;q=0.000" }, "gzip", 0 },
    { { "gzip;q=0.001" }, "gzip", 1 },
    { { "gzip;q=1.000" }, "gzip", 1000 },
    { { "gzip;level=9" }, "gzip", 1000 },
    { { ", ,gzip,," }, "gzip", 1000 },
    { { "\"gzip\"" }, "gzip", 0 },
    { { "x=\"a, gzip\"" }, "gzip", 0 },
    { { "gzip br" }, "gzip", 0 },
};

static struct exchange *request_with(const char *const *lines, size_t n)
{
    struct exchange *x = fake_exchange_new();

    for (size_t i = 0; i < n && lines[i]; i++)
        fake_exchange_field(x, "Accept-Encoding", lines[i]);
    return x;
}

static unsigned encoding_quality(struct exchange *x, const char *coding)
{
    struct str name = str_of(coding);
    unsigned quality;

    accept_encodings(&x->request, &name, 1, &quality);
    return quality;
}

START_TEST(encoding)
{
    struct exchange *x = request_with(codings[_i].accept, array_len(codings[_i].accept));

    ck_assert_uint_eq(encoding_quality(x, codings[_i].coding), codings[_i].quality);
    fake_exchange_free(x);
}
END_TEST

enum { BR = 0, ZSTD = 1, GZIP = 2, NONE = -1 };

static const struct {
    const char *accept[2];
    unsigned there;
    int want;
} choices[] = {
    { { NULL }, 7, NONE },
    { { "" }, 7, NONE },
    { { "gzip, deflate, br, zstd" }, 7, BR },
    { { "gzip, deflate, br, zstd" }, 6, ZSTD },
    { { "gzip, deflate, br, zstd" }, 4, GZIP },
    { { "gzip, deflate, br, zstd" }, 0, NONE },
    { { "gzip, deflate" }, 3, NONE },
    { { "gzip", "br" }, 7, BR },
    { { "x-gzip" }, 7, GZIP },
    { { "gzip;q=0.5, br" }, 7, BR },
    { { "gzip;q=0.5, br" }, 4, GZIP },
    { { "gzip, br;q=0.5" }, 7, GZIP },
    { { "gzip, br;q=0.5" }, 3, BR },
    { { "gzip;q=0.001" }, 7, GZIP },
    { { "gzip;q=0" }, 7, NONE },
    { { "*" }, 7, BR },
    { { "*" }, 0, NONE },
    { { "*;q=0" }, 7, NONE },
    { { "*;q=0, gzip;q=0.1" }, 7, GZIP },
    { { "*, br;q=0" }, 7, ZSTD },
    /* Identity where it is liked better, behind all that is liked as well. */
    { { "identity, gzip;q=0.9" }, 7, NONE },
    { { "identity, gzip" }, 7, GZIP },
    { { "identity;q=0.5, gzip;q=0.5, br;q=0.4" }, 7, GZIP },
    { { "*, gzip;q=0.5" }, 4, NONE },
    /* Where only others than what there is are acceptable. */
    { { "identity;q=0" }, 7, NONE },
    { { "identity;q=0, gzip;q=0.1" }, 7, GZIP },
    { { "identity;q=0, gzip" }, 3, NONE },
    { { "identity;q=0, *;q=0.2" }, 2, ZSTD },
    { { "gzip;q=2, br;q=x" }, 7, NONE },
    { { "gzip;q=2, zstd;q=0.1" }, 7, ZSTD },
};

START_TEST(choice)
{
    static const struct str names[] = { STR("br"), STR("zstd"), STR("gzip") };
    struct exchange *x = request_with(choices[_i].accept, array_len(choices[_i].accept));

    ck_assert_int_eq(accept_best_encoding(&x->request, names, array_len(names), choices[_i].there),
                     choices[_i].want);
    fake_exchange_free(x);
}
END_TEST

/* As many codings as there may be; the bit of each is its own. */
START_TEST(choice_of_many)
{
    const struct str names[ACCEPT_CODINGS_MAX] = { STR("a"), STR("b"), STR("c"), STR("d"),
                                                   STR("e"), STR("f"), STR("g"), STR("h") };
    struct exchange *x = fake_exchange_new();

    fake_exchange_field(x, "Accept-Encoding", "*;q=0.5, h, c");
    ck_assert_int_eq(accept_best_encoding(&x->request, names, array_len(names), 0xff), 2);
    ck_assert_int_eq(accept_best_encoding(&x->request, names, array_len(names), 0xfb), 7);
    for (int i = 0; i < ACCEPT_CODINGS_MAX; i++)
        ck_assert_int_eq(accept_best_encoding(&x->request, names, array_len(names), 1u << i), i);
    ck_assert_int_eq(accept_best_encoding(&x->request, names, 0, 0xff), NONE);
    fake_exchange_free(x);
}
END_TEST

START_TEST(encoding_bounded)
{
    struct exchange *x = fake_exchange_new();
    char list[ACCEPT_MAX + 1];

    memset(list, ',', sizeof list);
    memcpy(list, "gzip", 4);
    list[ACCEPT_MAX] = '\0';
    fake_exchange_field(x, "Accept-Encoding", list);
    fake_exchange_field(x, "Accept-Encoding", "br, *;q=0");
    ck_assert_uint_eq(encoding_quality(x, "gzip"), 1000);
    ck_assert_uint_eq(encoding_quality(x, "br"), 0);
    ck_assert_uint_eq(encoding_quality(x, "identity"), 1);
    fake_exchange_free(x);

    x = fake_exchange_new();
    memset(list, ',', sizeof list - 1);
    char longer[sizeof list + 10];
    snprintf(longer, sizeof longer, "gzip%s", list);
    fake_exchange_field(x, "Accept-Encoding", longer);
    ck_assert_uint_eq(encoding_quality(x, "gzip"), 0);
    ck_assert_uint_eq(encoding_quality(x, "identity"), 1);
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
    tcase_add_loop_test(tc, encoding, 0, array_len(codings));
    tcase_add_loop_test(tc, choice, 0, array_len(choices));
    tcase_add_test(tc, choice_of_many);
    tcase_add_test(tc, encoding_bounded);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
