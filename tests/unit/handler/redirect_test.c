/* redirect_test.c - where a redirect leads, and which targets are refused. One thread. */
#include <check.h>
#include <stdlib.h>

#include "support/fake_exchange.h"

static struct fake_conf conf;
static struct exchange *x;

static void setup(void)
{
    fake_conf_handler(&conf, "redirect");
    x = fake_exchange_new();
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
}

static const struct {
    const char *to, *target, *prefix, *location;
} maps[] = {
    { "/new/", "/old/a/b?q=1", "/old/", "/new/a/b?q=1" },
    { "/new/", "/old/", "/old/", "/new/" },
    { "/new/", "/old/a/", "/old/", "/new/a/" },
    { "/new/", "/old/?", "/old/", "/new/?" },
    { "/new", "/old/a/b?q=1", "/old/", "/new?q=1" },
    { "/new?x=1", "/old/a?q=1", "/old/", "/new?x=1" },
    { "/new/?x=1", "/old/a?q=1", "/old/", "/new/a?x=1" },
    { "/new/#top", "/old/a?q=1", "/old/", "/new/a?q=1#top" },
    { "/new#a?b", "/old/a?q=1", "/old/", "/new?q=1#a?b" },
    { "https://www.example.org/", "/a?q", "/", "https://www.example.org/a?q" },
    { "HTTP://www.example.org:8080", "/a?q", "/", "HTTP://www.example.org:8080?q" },
    { "https://[::1]/x/", "/a", "/", "https://[::1]/x/a" },
    /* What was decoded is encoded again; an encoded slash stays in its segment. */
    { "/new/", "/old/a%20b%0d%0aX:%20y", "/old/", "/new/a%20b%0D%0AX:%20y" },
    { "/new/", "/old/%2fa%25", "/old/", "/new/%2Fa%25" },
    { "/new/", "/old/%3f%23", "/old/", "/new/%3F%23" },
    /* Never "//" or "/\" at the begin. */
    { "/", "/old/%5cevil.example", "/old/", "/%5Cevil.example" },
    { "/", "/old//evil.example", "/old/", "/evil.example" },
    { "/", "/old/%2fevil.example", "/old/", "/%2Fevil.example" },
    { "/", "/old/%2f%2fevil.example", "/old/", "/%2F%2Fevil.example" },
};

START_TEST(location)
{
    fake_conf_str(&conf, "to", maps[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_request(x, "GET", maps[_i].target, maps[_i].prefix);
    fake_exchange_run(x, &conf, "redirect");
    ck_assert_uint_eq(x->response.status, 308);
    ck_assert_str_eq(fake_exchange_value(x, "Location"), maps[_i].location);
    ck_assert_str_eq(fake_exchange_text(x), "308 Permanent Redirect\n");
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/plain; charset=utf-8");
}
END_TEST

/* Of a route "/u/{id}/{more...}". */
static const struct {
    const char *to, *target, *location;
} filled[] = {
    { "/new/{id}", "/u/7/a/b", "/new/7" },
    { "/new/{id}?all", "/u/7/a?q=1", "/new/7?all" },
    { "/new/{id}", "/u/7/a?q=1", "/new/7?q=1" },
    { "/new/{id}/{more}#{id}", "/u/7/a?q=1", "/new/7/a?q=1#7" },
    { "/new/{id}/", "/u/7/a/b", "/new/7/" }, /* with a variable it does not keep the rest */
    { "/new/?{id}", "/u/7/a/b", "/new/?7" },
    { "/new/{rest}", "/u/7/a/b?q", "/new/7/a/b?q" },
    { "/new?from={path}", "/u/7/%20?q", "/new?from=%2Fu%2F7%2F%20" },
    { "/new?{query}&a=b", "/u/7/?q=1", "/new?q=1&a=b" },
    { "/new/{query}", "/u/7/?q=1", "/new/q%3D1" },
    { "https://{host}{uri}", "/u/7/a%2Fb?q=%20", "https://example.org/u/7/a%2Fb?q=%20" },
    { "https://{host}:8443{path}", "/u/7/?q", "https://example.org:8443/u/7/?q" },
    { "https://login.example/?to={uri}", "/u/7/?a&b",
      "https://login.example/?to=%2Fu%2F7%2F%3Fa%26b" },
    { "https://{host}", "/u/7/", "https://example.org" },
    { "{path}x", "/u/7/?q", "/u/7/x?q" },
    { "{uri}", "/u/7/?q", "/u/7/?q" },
    { "/{more}", "/u/7/%2f%2fevil.example", "/%2F%2Fevil.example" },
    { "/{more}", "/u/7/%5cevil.example", "/%5Cevil.example" },
    { "/{more}/{id}", "/u/evil.example/", "/evil.example" },
    { "/{path}", "/u/7/", "/u/7/" },
    { "/x/{id}", "/u/%0d%0aSet-Cookie:%20a=b/", "/x/%0D%0ASet-Cookie:%20a=b" },
};

static void name_wildcards(void)
{
    static const struct str names[] = { { "id", 2 }, { "more", 4 } };

    conf.check.names = (struct strs){ names, 2 };
}

START_TEST(variables)
{
    name_wildcards();
    fake_conf_str(&conf, "to", filled[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_request(x, "GET", filled[_i].target, "/");
    fake_exchange_pattern(x, "/u/{id}/{more...}");
    fake_exchange_run(x, &conf, "redirect");
    ck_assert_uint_eq(x->response.status, 308);
    ck_assert_str_eq(fake_exchange_value(x, "Location"), filled[_i].location);
    ck_assert_str_eq(fake_exchange_text(x), "308 Permanent Redirect\n");
}
END_TEST

/* A request of HTTP/1.0 may have no host. */
START_TEST(without_host)
{
    fake_conf_str(&conf, "to", "https://{host}/");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    x->request.host = STR_EMPTY;
    fake_exchange_request(x, "GET", "/", "/");
    fake_exchange_run(x, &conf, "redirect");
    ck_assert_uint_eq(x->response.status, 400);
    ck_assert_str_eq(x->reason, "no_host");
}
END_TEST

static const struct {
    const char *target, *text;
} explained[] = {
    { "/old/a?q", "308 to https://example.org/new/a?q" },
    { "/old/", "308 to https://example.org/new/" },
};

START_TEST(explain)
{
    struct routed r;

    fake_conf_str(&conf, "to", "https://{host}/new/{rest}");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_request(x, "GET", explained[_i].target, "/old/");
    exchange_routed(x, &r);
    const struct handler_kind *k = handler_find(STR("redirect"));
    ck_assert_str_eq(k->explain(conf.conf, &r, &x->arena).p, explained[_i].text);
    x->request.host = STR_EMPTY;
    ck_assert_str_eq(k->explain(conf.conf, &r, &x->arena).p, "400, as the request names no host");
}
END_TEST

static const struct {
    const char *to, *report;
} refused[] = {
    { "", "must begin with" },
    { "new/", "must begin with" },
    { "ftp://example.org/", "must begin with" },
    { "javascript:alert(1)", "must begin with" },
    { "//evil.example/", "names another host" },
    { "/\\evil.example/", "may not stand in a URI" },
    { "https://", "names no host" },
    { "https:///x", "names no host" },
    { "https://:80/x", "names no host" },
    { "https://a@b/", "user name" },
    { "/a b", "byte 0x20" },
    { "/a\r\nX: y", "byte 0x0d" },
    { "/\xc3\xa4", "byte 0xc3" },
    { "/%zz", "two hex digits" },
    { "/%2", "two hex digits" },
    { "/{nothing}", "{nothing} is unknown" },
    { "{rest}", "may not begin a target" },
    { "{host}/", "may not begin a target" },
    { "{query}", "may not begin a target" },
    { "//{host}/", "names another host" },
    { "https://{rest}", "{rest} may not stand in the host" },
    { "/a#{", "a single \"{\"" },
};

START_TEST(refusals)
{
    fake_conf_str(&conf, "to", refused[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "error: to: "));
    ck_assert(fake_conf_reported(&conf, refused[_i].report));
}
END_TEST

START_TEST(statuses)
{
    for (int64_t status = 301; status <= 308; status++) {
        unsigned errors = conf.errors;
        fake_conf_str(&conf, "to", "/new");
        fake_conf_int(&conf, "status", status);
        bool good = status <= 303 || status >= 307;
        ck_assert_uint_eq(fake_conf_check(&conf) - errors, good ? 0 : 1);
    }
}
END_TEST

static const char *const back[] = {
    "/old/",
    "/old/{rest}",
    "{path}",
    "{uri}",
    "{path}?a",
    "http://{host}{uri}",
    "http://{host}/old/",
};

START_TEST(to_itself)
{
    conf.check.prefix = STR("/old/");
    fake_conf_str(&conf, "to", back[_i]);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert_uint_eq(conf.warnings, 1);
    ck_assert(fake_conf_reported(&conf, "leads back to this route"));
}
END_TEST

static const struct {
    const char *to, *warning;
} doubtful[] = {
    { "https://{host}/", "this answers for any host" },
    { "/$request_uri", "\"$\" begins no variable here, {name} is one" },
    { "https://example.org/{path}", "{path} begins with a slash of its own" },
};

START_TEST(doubts)
{
    conf.check.any_host = true;
    fake_conf_str(&conf, "to", doubtful[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert_uint_eq(conf.warnings, 1);
    ck_assert(fake_conf_reported(&conf, doubtful[_i].warning));
}
END_TEST

static const struct {
    const char *to, *location;
} wants[] = { { "/new/", "/new/a?q" }, { "/new{uri}#{rest}", "/new/old/a?q#a" } };

/* Whatever allocation fails, the answer is a 503. */
START_TEST(without_memory)
{
    size_t bytes = 0;

    fake_conf_str(&conf, "to", wants[_i].to);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    for (unsigned status = 503; status == 503; bytes += 16) {
        ck_assert_uint_lt(bytes, 4096);
        fake_exchange_free(x);
        x = fake_exchange_new();
        fake_exchange_memory(x, bytes);
        fake_exchange_request(x, "GET", "/old/a?q", "/old/");
        fake_exchange_run(x, &conf, "redirect");
        status = x->response.status;
        ck_assert(status == 503 || status == 308);
    }
    ck_assert_uint_gt(bytes, 64);
    ck_assert_str_eq(fake_exchange_value(x, "Location"), wants[_i].location);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/redirect");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, location, 0, array_len(maps));
    tcase_add_loop_test(tc, refusals, 0, array_len(refused));
    tcase_add_test(tc, statuses);
    tcase_add_loop_test(tc, to_itself, 0, array_len(back));
    tcase_add_loop_test(tc, doubts, 0, array_len(doubtful));
    tcase_add_loop_test(tc, variables, 0, array_len(filled));
    tcase_add_test(tc, without_host);
    tcase_add_loop_test(tc, explain, 0, array_len(explained));
    tcase_add_loop_test(tc, without_memory, 0, array_len(wants));
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
