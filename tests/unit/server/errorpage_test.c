/* errorpage_test.c - the forms of an error, which of them a request gets, and what is left of one
 * without memory. One thread. */
#include "server/errorpage.h"

#include <check.h>
#include <stdlib.h>

#define FIELDS_MAX 4
#define STR_(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static struct exchange *x;
static struct field fields[FIELDS_MAX];
static struct arena arena;
static struct response res;
static struct body body;

static void setup(void)
{
    x = calloc(1, sizeof *x);
    ck_assert_ptr_nonnull(x);
    x->id = UINT64_C(0x00c0ffee12345678);
    x->request.method_token = STR("GET");
    x->request.fields = fields;
    arena_init(&arena, MIB(1));
    body = (struct body){ .kind = BODY_KIND_NONE };
}

static void teardown(void)
{
    arena_done(&arena);
    free(x);
}

static void accept_field(const char *value)
{
    fields[x->request.n_fields++] = (struct field){ STR("Accept"), str_of(value), FIELD_ACCEPT };
    x->request.known |= UINT64_C(1) << FIELD_ACCEPT;
}

static void make(unsigned status)
{
    errorpage_make(x, status, "some_reason", &arena, &res, &body);
}

static void expect_body(const char *want)
{
    ck_assert_int_eq(body.kind, BODY_KIND_BYTES);
    ck_assert_uint_eq(body.length, body.bytes.n);
    ck_assert_msg(str_eq(body.bytes, str_of(want)), "%.*s", str_fmt(body.bytes));
}

static void expect_field(const char *name, const char *want)
{
    const struct field *f = response_field(&res, str_of(name));

    if (want == NULL) {
        ck_assert_ptr_null(f);
        return;
    }
    ck_assert_ptr_nonnull(f);
    ck_assert_msg(str_eq(f->value, str_of(want)), "%.*s", str_fmt(f->value));
}

START_TEST(test_text)
{
    make(404);
    ck_assert_uint_eq(res.status, 404);
    ck_assert_str_eq(res.reason, "some_reason");
    expect_body("404 Not Found\nid=00c0ffee12345678\n");
    expect_field("Content-Type", "text/plain; charset=utf-8");
    expect_field("Vary", "Accept");
    expect_field("Retry-After", NULL);
}
END_TEST

START_TEST(test_json)
{
    accept_field("application/json");
    make(503);
    expect_body("{\"status\":503,\"error\":\"Service Unavailable\",\"id\":\"00c0ffee12345678\"}\n");
    expect_field("Content-Type", "application/json");
    expect_field("Retry-After", "1");
}
END_TEST

START_TEST(test_html)
{
    accept_field("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    make(431);
    expect_field("Content-Type", "text/html; charset=utf-8");
    ck_assert(str_starts(body.bytes, STR("<!DOCTYPE html>\n<html lang=\"en\">\n")));
    ck_assert(str_ends(body.bytes, STR("</html>\n")));
    const char *text = arena_str(&arena, body.bytes).p;
    ck_assert_ptr_nonnull(strstr(text, "<title>431 Request Header Fields Too Large</title>"));
    ck_assert_ptr_nonnull(strstr(text, "<h1>431 Request Header Fields Too Large</h1>"));
    ck_assert_ptr_nonnull(strstr(text, "00c0ffee12345678"));
    ck_assert_ptr_nonnull(strstr(text, "content=\"light dark\""));
    ck_assert_ptr_null(strstr(text, "http:"));
    ck_assert_ptr_null(strstr(text, "src="));
    ck_assert_ptr_null(strstr(text, "href="));
}
END_TEST

#define TEXT "text/plain; charset=utf-8"
#define HTML "text/html; charset=utf-8"
#define JSON "application/json"

static const struct {
    const char *accept, *type;
} choices[] = {
    { "*/*", TEXT },
    { "", TEXT },
    { "text/*", TEXT },
    { "text/html", HTML },
    { "TEXT/HTML", HTML },
    { "text/html, */*", HTML },
    { "text/html;q=0.9, */*", TEXT },
    { "application/*", JSON },
    { "application/json, text/plain, */*", JSON },
    { "text/html, application/json;q=0.9", HTML },
    { "text/html;q=0.9, application/json", JSON },
    { "text/plain;q=0, */*", HTML },
    { "text/plain;q=0.1, text/html;q=0.2, application/json;q=0.3", JSON },
    { "text/plain;q=0.3, text/html;q=0.2, application/json;q=0.1", TEXT },
    { "image/avif,image/webp,image/*;q=0.8", TEXT }, /* none of it is had */
    { "text/html;q=0, application/json;q=0, text/plain;q=0", TEXT },
    { "text/html;q=2", TEXT },
    { ";;,,\"", TEXT },
};

START_TEST(test_choice)
{
    accept_field(choices[_i].accept);
    make(404);
    expect_field("Content-Type", choices[_i].type);
}
END_TEST

START_TEST(test_unregistered)
{
    accept_field("application/json");
    make(599);
    expect_body("{\"status\":599,\"error\":\"\",\"id\":\"00c0ffee12345678\"}\n");
    x->request.n_fields = 0;
    x->request.known = 0;
    make(599);
    expect_body("599\nid=00c0ffee12345678\n");
}
END_TEST

START_TEST(test_redirect)
{
    accept_field("text/html");
    make(308);
    expect_body("308 Permanent Redirect\n");
    expect_field("Content-Type", TEXT);
    expect_field("Vary", NULL);
}
END_TEST

START_TEST(test_without_body)
{
    make(304);
    ck_assert_uint_eq(res.status, 304);
    ck_assert_int_eq(body.kind, BODY_KIND_NONE);
    ck_assert_uint_eq(res.n_fields, 0);
}
END_TEST

/* A head that was refused: what it may have accepted is not known. */
START_TEST(test_refused_head)
{
    x->raw = STR("GET /");
    make(400);
    expect_body("400 Bad Request\nid=00c0ffee12345678\n");
    expect_field("Vary", NULL);
}
END_TEST

/* ---- pages of a site */

static struct error_page pages[] = {
    { 404, 404, STR_("text/html; charset=utf-8"), STR_("text/html"), STR_("one") },
    { 404, 404, STR_("application/json"), STR_("application/json"), STR_("two") },
    { 400, 499, STR_("text/plain; charset=utf-8"), STR_("text/plain"), STR_("three") },
    { 400, 599, STR_("image/svg+xml"), STR_("image/svg+xml"), STR_("four") },
};

static const struct {
    unsigned status;
    const char *accept, *body; /* NULL: none; a built-in one */
} page_choices[] = {
    { 404, NULL, "one" },
    { 404, "*/*", "one" },
    { 404, "text/html", "one" },
    { 404, "application/json", "two" },
    { 404, "application/json, text/plain, */*", "two" },
    { 404, "application/json;q=0.5, */*;q=0.6", "one" },
    { 404, "text/plain", "three" },
    { 404, "text/html;q=0.8, text/plain", "three" },
    { 404, "text/html, text/plain", "one" },
    { 404, "image/*", "four" },
    { 404, "image/png", NULL },
    { 405, NULL, "three" },
    { 405, "text/html", NULL },
    { 405, "text/html;q=0.1, image/svg+xml;q=0.2", "four" },
    { 500, NULL, "four" },
    { 500, "application/json", NULL },
    { 500, "*/*;q=0", NULL },
    { 500, "application/json, text/plain, */*", NULL },
    { 500, "text/html;q=0.9, */*;q=0.9", NULL },
    { 500, "text/css, */*;q=0.9", "four" },
};

START_TEST(test_pages)
{
    struct error_pages of_site = { .v = pages, .n = array_len(pages) };
    struct site site = { .pages = &of_site };
    bool own = false;

    x->site = &site;
    if (page_choices[_i].accept != NULL)
        accept_field(page_choices[_i].accept);
    make(page_choices[_i].status);
    ck_assert_uint_eq(res.status, page_choices[_i].status);
    expect_field("Vary", "Accept");
    for (size_t i = 0; i < array_len(pages); i++)
        if (body.bytes.p == pages[i].body.p) {
            ck_assert_str_eq(page_choices[_i].body, pages[i].body.p);
            expect_field("Content-Type", pages[i].type.p);
            own = true;
        }
    ck_assert_int_eq(own, page_choices[_i].body != NULL);
    x->site = NULL;
}
END_TEST

/* The late arena: its first block has room for the fields and the text form. */
START_TEST(test_late)
{
    static _Alignas(16) char first[EXCHANGE_LATE_SIZE];

    arena_done(&arena);
    arena_init_in(&arena, first, sizeof first, 0);
    make(503);
    expect_body("503 Service Unavailable\nid=00c0ffee12345678\n");
    expect_field("Retry-After", "1");
    ck_assert(!arena_failed(&arena));

    arena_reset(&arena);
    accept_field("text/html");
    body = (struct body){ .kind = BODY_KIND_NONE };
    make(503);
    ck_assert_int_eq(body.kind, BODY_KIND_NONE); /* the page has no room: it goes without */
    ck_assert_uint_eq(res.status, 503);
    expect_field("Content-Type", NULL);
    expect_field("Retry-After", "1");
}
END_TEST

START_TEST(test_no_memory)
{
    static _Alignas(16) char first[16];

    arena_done(&arena);
    arena_init_in(&arena, first, sizeof first, 0);
    make(504);
    ck_assert_uint_eq(res.status, 504);
    ck_assert_str_eq(res.reason, "some_reason");
    ck_assert_int_eq(body.kind, BODY_KIND_NONE);
    ck_assert_uint_eq(res.n_fields, 0);
    ck_assert(arena_failed(&arena));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("errorpage");
    TCase *t = tcase_create("errorpage");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_text);
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_html);
    tcase_add_loop_test(t, test_choice, 0, array_len(choices));
    tcase_add_test(t, test_unregistered);
    tcase_add_test(t, test_redirect);
    tcase_add_test(t, test_without_body);
    tcase_add_test(t, test_refused_head);
    tcase_add_loop_test(t, test_pages, 0, array_len(page_choices));
    tcase_add_test(t, test_late);
    tcase_add_test(t, test_no_memory);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
