/* template_test.c - what each variable becomes wherever it may stand, and where it may not. One
 * thread. */
#include <check.h>
#include <stdlib.h>

#include "http/path.h"
#include "support/fake_exchange.h"

static struct fake_conf conf; /* for its struct option_check */
static struct exchange *x;

static void setup(void)
{
    fake_conf_handler(&conf, "respond");
    x = fake_exchange_new();
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
}

static void name_wildcards(const char *a, const char *b)
{
    struct str *v = arena_array(&conf.arena, 2, sizeof *v);
    size_t n = 0;

    ck_assert_ptr_nonnull(v);
    if (a != NULL)
        v[n++] = str_of(a);
    if (b != NULL)
        v[n++] = str_of(b);
    conf.check.names = (struct strs){ v, n };
    conf.check.tail = n > 0 && str_eq(v[n - 1], STR("more"));
}

static struct template compile(const char *text, enum template_use use)
{
    struct template t;

    ck_assert_msg(template_compile(&conf.check, "to", str_of(text), use, &t), "%s: %.*s", text,
                  str_fmt(buf_str(&conf.reports)));
    return t;
}

static const char *expand(const struct template *t)
{
    struct routed r;

    exchange_routed(x, &r);
    struct str s = template_expand(t, &r, &x->arena);
    ck_assert_ptr_nonnull(s.p);
    return arena_str(&x->arena, s).p;
}

#define PATTERN "/a/{id}/{more...}"

/* A request for which every variable is something else. */
static const struct {
    enum template_use use;
    const char *text, *target, *want;
} fills[] = {
    { TEMPLATE_PLAIN, "{id}|{more}|{rest}|{host}|{path}|{uri}|{query}", "/a/1/b/c?x=y",
      "1|b/c|1/b/c|example.org|/a/1/b/c|/a/1/b/c?x=y|x=y" },
    { TEMPLATE_PLAIN, "{id}", "/a/%3Cb%3E%0A/", "<b>\n" },
    { TEMPLATE_PLAIN, "{id} {path}", "/a/b%2Fc%25d/", "b/c%d /a/b/c%d/" },
    { TEMPLATE_PLAIN, "{uri}", "/a/b%2fc%25%20/?%20", "/a/b%2Fc%25%20/?%20" },
    { TEMPLATE_PLAIN, "{more}.", "/a/1/", "." },
    { TEMPLATE_PLAIN, "{query}.{uri}", "/a/1/?", "./a/1/?" },
    { TEMPLATE_PLAIN, "{query}.{uri}", "/a/1/", "./a/1/" },
    { TEMPLATE_PLAIN, "{{{id}}}", "/a/1/", "{1}" },
    { TEMPLATE_PLAIN, "{{id}} }} {{ {id}", "/a/1/", "{id} } { 1" },

    { TEMPLATE_URI, "/{id}/{more}", "/a/1/b/c", "/1/b/c" },
    { TEMPLATE_URI, "/{id}", "/a/%20%3F%23%22%3C%5C%0D%0A%ff/", "/%20%3F%23%22%3C%5C%0D%0A%FF" },
    { TEMPLATE_URI, "/{id}", "/a/%2f%25%3a@!/", "/%2F%25:@!" },
    { TEMPLATE_URI, "/x?{id}", "/a/%2f%25&=%3d;+/", "/x?%2F%25%26%3D%3D%3B%2B" },
    { TEMPLATE_URI, "/x?more={more}", "/a/1/b/c", "/x?more=b%2Fc" },
    { TEMPLATE_URI, "/x#{id}", "/a/%23%0a/", "/x#%23%0A" },
    { TEMPLATE_URI, "/x?{query}", "/a/1/?a=b&c=%20", "/x?a=b&c=%20" },
    { TEMPLATE_URI, "/x?y=1&{query}", "/a/1/?a=b&c", "/x?y=1&a=b&c" },
    { TEMPLATE_URI, "/x?q={query}", "/a/1/?a=b&c=%20", "/x?q=a%3Db%26c%3D%2520" },
    { TEMPLATE_URI, "/x?to={uri}", "/a/%20/?b&c", "/x?to=%2Fa%2F%2520%2F%3Fb%26c" },
    { TEMPLATE_URI, "/x?host={host}", "/a/1/", "/x?host=example.org" },
    { TEMPLATE_URI, "/x/{query}", "/a/1/?a/b", "/x/a%2Fb" },
    { TEMPLATE_URI, "/x/{host}", "/a/1/", "/x/example.org" },
    { TEMPLATE_URI, "https://{host}{uri}", "/a/1/?q", "https://example.org/a/1/?q" },
    { TEMPLATE_URI, "https://www.{host}:8443{path}", "/a/1/?q",
      "https://www.example.org:8443/a/1/" },
    { TEMPLATE_URI, "HTTP://{host}/{rest}", "/a/1/2", "HTTP://example.org/1/2" },
    { TEMPLATE_URI, "https://{host}?{query}", "/a/1/?q", "https://example.org?q" },
    { TEMPLATE_URI, "https://x.example{path}", "/a/%5c@evil/", "https://x.example/a/%5C@evil/" },
    { TEMPLATE_URI, "https://x.example/{id}", "/a/@evil.example/",
      "https://x.example/@evil.example" },
    { TEMPLATE_URI, "{uri}{id}", "/a/&/?q", "/a/&/?q%26" },
    { TEMPLATE_URI, "{path}/x", "/a/1/b", "/a/1/b/x" },
    /* Never another host. */
    { TEMPLATE_URI, "/{path}", "/a/1/", "/a/1/" },
    { TEMPLATE_URI, "//{path}", "/a/1/", "/a/1/" },
    { TEMPLATE_URI, "/{more}/evil.example", "/a/1/", "/evil.example" },
    { TEMPLATE_URI, "/{id}", "/a/%2fevil.example/", "/%2Fevil.example" },
    { TEMPLATE_URI, "/{id}", "/a/%5cevil.example/", "/%5Cevil.example" },
    { TEMPLATE_URI, "/{more}", "/a/1/%5cevil.example/", "/%5Cevil.example/" },

    { TEMPLATE_HTML, "<p>{id}", "/a/%3Cb%3E%26%22'/", "<p>&lt;b&gt;&amp;&quot;&#39;" },
    { TEMPLATE_HTML, "{id}", "/a/b%2Fc%25d/", "b/c%d" },
    { TEMPLATE_HTML, "{id}", "/a/%c3%a4%c3%e2%82/",
      "\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    { TEMPLATE_HTML, "{id}", "/a/%c3%2f/", "\xef\xbf\xbd/" },
    { TEMPLATE_HTML, "{id}", "/a/%1b$B%7f%09%0a%01/",
      "\xef\xbf\xbd$B\xef\xbf\xbd\t\n\xef\xbf\xbd" },
    { TEMPLATE_HTML, "<a title=\"{id}\">{query}</a>", "/a/%22/?'&",
      "<a title=\"&quot;\">&#39;&amp;</a>" },
    { TEMPLATE_HTML, "<a href='{uri}'>", "/a/1'/?b&c", "<a href='/a/1&#39;/?b&amp;c'>" },
    { TEMPLATE_HTML, "<a href=' {path}{id}'>", "/a/1/", "<a href=' /a/1/1'>" },
    { TEMPLATE_HTML, "<a href='mailto:{id}'>", "/a/1/", "<a href='mailto:1'>" },
    { TEMPLATE_HTML, "<meta content='1 {id}'>", "/a/1/", "<meta content='1 1'>" },
    { TEMPLATE_HTML, "<a href='{path}'>", "/a/%2f%5c'/", "<a href='/a/%2F%5C%27/'>" },
    { TEMPLATE_HTML, "<a href='/x?{query}'>", "/a/1/?b&c:d", "<a href='/x?b&amp;c:d'>" },
    { TEMPLATE_HTML, "<a href='/x?y&{query}'>", "/a/1/?b/c", "<a href='/x?y&b/c'>" },
    { TEMPLATE_HTML, "<a href='/x?y&amp;{query}'>", "/a/1/?b/c", "<a href='/x?y&amp;b/c'>" },
    { TEMPLATE_HTML, "<a href='/{id}/x'>", "/a/1/", "<a href='/1/x'>" },
    { TEMPLATE_HTML, "<a href='/{more}'>", "/a/1/", "<a href='/'>" },
    { TEMPLATE_HTML, "<a href='/x/{more}/{id}'>", "/a/1/", "<a href='/x//1'>" },
    { TEMPLATE_HTML, "<a href='/x/{query}'>", "/a/1/?b&c", "<a href='/x/b%26c'>" },
    { TEMPLATE_HTML, "<a href = \"/x/{id}\">", "/a/%2fy:/", "<a href = \"/x/%2Fy%3A\">" },
    { TEMPLATE_HTML, "1 < 2 {id} <br> {id}", "/a/1/", "1 < 2 1 <br> 1" },
    { TEMPLATE_HTML, "<script>a<'b'</script>{id}", "/a/1/", "<script>a<'b'</script>1" },
    { TEMPLATE_HTML, "<!-- it's --><p>{id}", "/a/1/", "<!-- it's --><p>1" },

    { TEMPLATE_JSON, "\"{id}\"", "/a/%22%5c%0a%01%7f/", "\"\\\"\\\\\\u000a\\u0001\\u007f\"" },
    { TEMPLATE_JSON, "\"{id}\"", "/a/%3C%2fscript%3E&'/",
      "\"\\u003c/script\\u003e\\u0026\\u0027\"" },
    { TEMPLATE_JSON, "`{id}`", "/a/$%7b1%7d%60/", "`\\u0024{1}\\u0060`" },
    { TEMPLATE_JSON, "\"{id}\"", "/a/%e2%80%a8%e2%80%a9%e2%80%aa/",
      "\"\\u2028\\u2029\xe2\x80\xaa\"" },
    { TEMPLATE_JSON, "\"{id}\"", "/a/%ff%c3%a4%c3/", "\"\\ufffd\xc3\xa4\\ufffd\"" },
    { TEMPLATE_JSON, "\"{id}\"", "/a/%e2%2f%80/", "\"\\ufffd/\\ufffd\"" },
    { TEMPLATE_JSON, "{{\"a\\\"\": '{more}'}}", "/a/1/b%25/c", "{\"a\\\"\": 'b%/c'}" },

    { TEMPLATE_FIELD, "{id}", "/a/%0d%0aX:%20y%22;,=%ff/", "%0D%0AX%3A%20y%22%3B%2C%3D%FF" },
    { TEMPLATE_FIELD, "{path}", "/a/b%2Fc%25d/", "/a/b%2Fc%25d/" },
    { TEMPLATE_FIELD, "<https://{host}{uri}>; rel=\"x\"", "/a/1/?b=c&d",
      "<https://example.org/a/1/?b=c&d>; rel=\"x\"" },
    { TEMPLATE_FIELD, "{uri}", "/a/;,/?a;b,c\\", "/a/%3B%2C/?a%3Bb%2Cc%5C" },
    { TEMPLATE_FIELD, "{query}", "/a/1/?a;b,c\\d%20", "a%3Bb%2Cc%5Cd%20" },
};

START_TEST(fill)
{
    fake_exchange_request(x, "GET", fills[_i].target, "/");
    fake_exchange_pattern(x, PATTERN);
    name_wildcards("id", "more");
    struct template t = compile(fills[_i].text, fills[_i].use);
    ck_assert(!t.constant);
    ck_assert_str_eq(expand(&t), fills[_i].want);
}
END_TEST

static const struct {
    enum template_use use;
    const char *text, *want;
} constants[] = {
    { TEMPLATE_PLAIN, "", "" },
    { TEMPLATE_PLAIN, "a%2Fb<>\r\n\xff", "a%2Fb<>\r\n\xff" },
    { TEMPLATE_PLAIN, "{{}}", "{}" },
    { TEMPLATE_JSON, "{{\"a\": {{}}}}", "{\"a\": {}}" },
    { TEMPLATE_HTML, "<script>f({{a: 1}})</script>", "<script>f({a: 1})</script>" },
    { TEMPLATE_FIELD, "a; b=\"c\"", "a; b=\"c\"" },
    { TEMPLATE_URI, "https://example.org/?a#b", "https://example.org/?a#b" },
    { TEMPLATE_URI, "?a=b", "?a=b" },
};

START_TEST(constant)
{
    struct template t = compile(constants[_i].text, constants[_i].use);
    struct routed r;

    ck_assert(t.constant);
    exchange_routed(x, &r);
    ck_assert_ptr_eq(template_expand(&t, &r, &x->arena).p, t.text.p);
    ck_assert_str_eq(expand(&t), constants[_i].want);
}
END_TEST

static const struct {
    enum template_use use;
    const char *text, *report;
} refused[] = {
    { TEMPLATE_PLAIN, "{", "a single \"{\"; write \"{{\"" },
    { TEMPLATE_HTML, "<a href='/{more}/{id}'>", "may be empty, and then" },
    { TEMPLATE_HTML, "<a href=' /{rest}/x'>", "may be empty, and then" },
    { TEMPLATE_HTML, "<a href='/{more}{path}'>", "begins with a slash of its own" },
    { TEMPLATE_PLAIN, "a { b }", "a single \"{\"; write \"{{\"" },
    { TEMPLATE_PLAIN, "{\"a\": 1}", "a single \"{\"; write \"{{\"" },
    { TEMPLATE_PLAIN, "{1}", "a single \"{\"" },
    { TEMPLATE_PLAIN, "{$}", "a single \"{\"" },
    { TEMPLATE_PLAIN, "{{{", "a single \"{\"" },
    { TEMPLATE_PLAIN, "}", "a single \"}\"; write \"}}\"" },
    { TEMPLATE_PLAIN, "{id}}", "a single \"}\"" },
    { TEMPLATE_PLAIN, "{}", "names nothing" },
    { TEMPLATE_PLAIN, "a {id", "\"{id\" has no \"}\" behind it" },
    { TEMPLATE_PLAIN, "{id {id}", "a single \"{\"" },
    { TEMPLATE_PLAIN, "{more...}", "{more...} stands in the pattern only; here it is {more}" },
    { TEMPLATE_PLAIN, "{isd}",
      "{isd} is unknown (did you mean {id}?); known here: {id}, {more}, {rest}, {host}, {path}, "
      "{uri} and {query}" },
    { TEMPLATE_PLAIN, "{pth}", "(did you mean {path}?)" },
    { TEMPLATE_PLAIN, "{ID}", "{ID} is unknown" },
    { TEMPLATE_PLAIN, "{remote_addr}", "{remote_addr} is unknown; known here: {id}," },
    { TEMPLATE_URI, "/a b", "byte 0x20 may not stand in a URI" },
    { TEMPLATE_URI, "/{{id}}", "byte 0x7b may not stand in a URI; write it as %7B" },
    { TEMPLATE_URI, "/\\", "byte 0x5c" },
    { TEMPLATE_URI, "/%{id}", "'%' must be followed by two hex digits" },
    { TEMPLATE_URI, "/%4{id}", "'%' must be followed by two hex digits" },
    { TEMPLATE_URI, "https://{id}/", "{id} may not stand in the host" },
    { TEMPLATE_URI, "https://x.{query}/", "{query} may not stand in the host" },
    { TEMPLATE_URI, "https://x.example{rest}", "{rest} may not stand in the host" },
    { TEMPLATE_URI, "https://x:80{id}", "{id} may not stand in the host" },
    { TEMPLATE_URI, "https://{uri}", "names no host" },
    { TEMPLATE_URI, "https://{path}", "names no host" },
    { TEMPLATE_URI, "https:///{id}", "names no host" },
    { TEMPLATE_URI, "https://?{id}", "names no host" },
    { TEMPLATE_URI, "https://", "names no host" },
    { TEMPLATE_URI, "https://:80{uri}", "names no host" },
    { TEMPLATE_URI, "https://a@{host}/", "a user name may not stand" },
    { TEMPLATE_URI, "https://{host}@b/", "a user name may not stand" },
    { TEMPLATE_HTML, "<script>var a = '{id}'</script>", "{id} may not stand in a script or style" },
    { TEMPLATE_HTML, "<SCRIPT src=x>{id}", "{id} may not stand in a script or style" },
    { TEMPLATE_HTML, "<style>a{{b:{id}}}</style>", "{id} may not stand in a script or style" },
    { TEMPLATE_HTML, "<script></scrip>{id}", "{id} may not stand in a script or style" },
    { TEMPLATE_HTML, "<a href={uri}>", "only within quotes" },
    { TEMPLATE_HTML, "<a title='x' {id}>", "only within quotes" },
    { TEMPLATE_HTML, "<{id}>", "only within quotes" },
    { TEMPLATE_HTML, "</{id}>", "only within quotes" },
    { TEMPLATE_HTML, "<!-- {id} -->", "only within quotes" },
    { TEMPLATE_HTML, "<a onclick=\"f('{id}')\">",
      "may not stand in an attribute that is a script" },
    { TEMPLATE_HTML, "<a STYLE = 'x:{id}'>", "may not stand in an attribute that is a script" },
    { TEMPLATE_URI, "{id}/x", "{id}, a wildcard of the pattern, may not begin a target" },
    { TEMPLATE_URI, "{more}", "{more}, a wildcard of the pattern, may not begin a target" },
    { TEMPLATE_URI, "{rest}", "{rest} may not begin a target" },
    { TEMPLATE_HTML, "<a href=\"{id}\">", "{id} may not begin a URI" },
    { TEMPLATE_HTML, "<img src='{query}'>", "{query} may not begin a URI" },
    { TEMPLATE_HTML, "<a href=\" \n{id}\">", "{id} may not begin a URI" },
    { TEMPLATE_HTML, "<a href='Java{id}'>", "{id} may not begin a URI" },
    { TEMPLATE_HTML, "<a href=\"javascript:f('{id}')\">", "a URI that is a script" },
    { TEMPLATE_HTML, "<a href='java\tscript:{path}'>", "a URI that is a script" },
    { TEMPLATE_HTML, "<iframe src='data:text/html,{id}'>", "a URI that is a script" },
    { TEMPLATE_HTML, "<meta http-equiv=refresh content='0; url={id}'>", "in a refresh" },
    { TEMPLATE_HTML, "<a href='/{path}'>", "a slash of its own" },
    { TEMPLATE_JSON, "{id}", "only within a string here, as in \"\\\"{id}\\\"\"" },
    { TEMPLATE_JSON, "{{\"a\": {id}}}", "only within a string" },
    { TEMPLATE_JSON, "\"\\{id}\"", "only within a string" },
    { TEMPLATE_JSON, "\"a\\\"\"{id}", "only within a string" },
    { TEMPLATE_JSON, "// it's\n{id}", "only within a string" },
};

START_TEST(refusal)
{
    struct template t;

    name_wildcards("id", "more");
    ck_assert(!template_compile(&conf.check, "to", str_of(refused[_i].text), refused[_i].use, &t));
    ck_assert_uint_eq(conf.errors, 1);
    ck_assert_msg(fake_conf_reported(&conf, refused[_i].report), "%.*s",
                  str_fmt(buf_str(&conf.reports)));
    ck_assert(t.constant);
}
END_TEST

/* So long a text could not be filled in for any request. */
START_TEST(too_long)
{
    static char text[KIB(64) + 2];
    struct template t;

    memset(text, 'x', sizeof text);
    ck_assert(template_compile(&conf.check, "to", str_make(text, sizeof text), TEMPLATE_PLAIN, &t));
    memcpy(text, "{uri}", 5);
    ck_assert(template_compile(&conf.check, "to", str_make(text, KIB(64)), TEMPLATE_PLAIN, &t));
    ck_assert(!t.constant);
    ck_assert(
        !template_compile(&conf.check, "to", str_make(text, KIB(64) + 1), TEMPLATE_PLAIN, &t));
    ck_assert(t.constant);
    ck_assert(fake_conf_reported(&conf, "at most 65536 bytes, not 65537"));
}
END_TEST

START_TEST(all_unknown_names_are_told)
{
    struct template t;

    ck_assert(!template_compile(&conf.check, "to", STR("{a} {host} {b}"), TEMPLATE_PLAIN, &t));
    ck_assert_uint_eq(conf.errors, 2);
}
END_TEST

START_TEST(a_wildcard_hides_a_fixed_name)
{
    fake_exchange_request(x, "GET", "/1/2/3", "/");
    fake_exchange_pattern(x, "/{host}/{rest...}");
    name_wildcards("host", "rest");
    struct template t = compile("{host} {rest}", TEMPLATE_PLAIN);
    ck_assert_str_eq(expand(&t), "1 2/3");
    ck_assert(!template_compile(&conf.check, "to", STR("{x}"), TEMPLATE_PLAIN, &t));
    ck_assert(fake_conf_reported(&conf, "known here: {host}, {rest}, {path}, {uri} and {query}"));
    /* Nor may it stand where the name may. */
    ck_assert(!template_compile(&conf.check, "to", STR("http://{host}/"), TEMPLATE_URI, &t));
    ck_assert(fake_conf_reported(&conf, "{host} is a wildcard of the pattern here"));
    /* "https:/evil.example" is a path to us, and another host to browsers. */
    name_wildcards("path", "uri");
    ck_assert(!template_compile(&conf.check, "to", STR("{path}"), TEMPLATE_URI, &t));
    ck_assert(fake_conf_reported(&conf, "{path}, a wildcard of the pattern, may not begin"));
    ck_assert(!template_compile(&conf.check, "to", STR("{uri}"), TEMPLATE_URI, &t));
    compile("/{path}", TEMPLATE_URI);
}
END_TEST

START_TEST(outside_of_a_route)
{
    struct template t;

    conf.check.in_route = false;
    ck_assert(!template_compile(&conf.check, "to", STR("{id}"), TEMPLATE_PLAIN, &t));
    ck_assert(fake_conf_reported(&conf, "{id} is unknown: wildcards, and {rest}, are those of a "
                                        "route, and this stands outside of one; known here: "
                                        "{host}, {path}, {uri} and {query}"));
    ck_assert(!template_compile(&conf.check, "to", STR("{rest}"), TEMPLATE_PLAIN, &t));
    t = compile("{host} {path} {uri} {query}", TEMPLATE_PLAIN);
    fake_exchange_request(x, "GET", "/a?b", "/");
    struct routed r = { .request = &x->request };
    ck_assert_str_eq(template_expand(&t, &r, &x->arena).p, "example.org /a /a?b b");
}
END_TEST

/* A pattern that was refused is complained about by itself. */
START_TEST(any_name)
{
    conf.check.any_name = true;
    compile("/{whatever}", TEMPLATE_URI);
}
END_TEST

/* The path of "OPTIONS *" is empty, and no authority runs into what follows it. */
START_TEST(no_path)
{
    struct template t = compile("http://{host}{path}x", TEMPLATE_URI);

    x->request.path = STR_EMPTY;
    ck_assert_str_eq(expand(&t), "http://example.org/x");
    t = compile("http://{host}{uri}x", TEMPLATE_URI);
    ck_assert_str_eq(expand(&t), "http://example.org/x");
    t = compile("{path}{uri}", TEMPLATE_PLAIN);
    ck_assert_str_eq(expand(&t), "");
}
END_TEST

START_TEST(what_a_uri_has)
{
    struct template t = compile("https://{host}/a", TEMPLATE_URI);

    ck_assert(t.needs_host && !t.has_query);
    t = compile("/{host}", TEMPLATE_URI);
    ck_assert(!t.needs_host && !t.has_query);
    t = compile("/a?b", TEMPLATE_URI);
    ck_assert(t.has_query);
    t = compile("/a#?b", TEMPLATE_URI);
    ck_assert(!t.has_query);
    t = compile("{uri}", TEMPLATE_URI);
    ck_assert(t.has_query);
    t = compile("/a/{query}", TEMPLATE_URI);
    ck_assert(t.has_query);
    t = compile("{path}", TEMPLATE_URI);
    ck_assert(!t.has_query);
}
END_TEST

START_TEST(any_host)
{
    conf.check.any_host = true;
    compile("/{host}?{host}", TEMPLATE_URI);
    compile("{host}", TEMPLATE_PLAIN);
    ck_assert_uint_eq(conf.warnings, 0);
    compile("http://{host}/", TEMPLATE_URI);
    ck_assert_uint_eq(conf.warnings, 1);
    ck_assert(fake_conf_reported(&conf, "chooses where {host} leads"));
}
END_TEST

START_TEST(two_slashes)
{
    compile("/x{path}", TEMPLATE_URI);
    ck_assert_uint_eq(conf.warnings, 0);
    compile("https://example.org/{uri}", TEMPLATE_URI);
    ck_assert_uint_eq(conf.warnings, 1);
    ck_assert(fake_conf_reported(&conf, "{uri} begins with a slash of its own"));
}
END_TEST

START_TEST(same)
{
    static const struct {
        const char *text;
        enum template_use use;
    } all[] = {
        { "a", TEMPLATE_PLAIN },     { "b", TEMPLATE_PLAIN },       { "a{id}", TEMPLATE_PLAIN },
        { "b{id}", TEMPLATE_PLAIN }, { "a{more}", TEMPLATE_PLAIN }, { "a{host}", TEMPLATE_PLAIN },
        { "a{id}", TEMPLATE_FIELD }, { "{id}a", TEMPLATE_PLAIN },   { "", TEMPLATE_PLAIN },
    };

    name_wildcards("id", "more");
    for (size_t i = 0; i < array_len(all); i++)
        for (size_t j = 0; j < array_len(all); j++) {
            struct template a = compile(all[i].text, all[i].use);
            struct template b = compile(all[j].text, all[j].use);
            ck_assert(template_same(&a, &b) == (i == j));
        }
}
END_TEST

START_TEST(without_memory)
{
    struct template t = compile("{uri} {path}", TEMPLATE_PLAIN);
    struct routed r;
    struct str s = STR_EMPTY;

    for (size_t bytes = 0; s.p == NULL; bytes += 16) {
        ck_assert_uint_lt(bytes, 1024);
        fake_exchange_free(x);
        x = fake_exchange_new();
        fake_exchange_memory(x, bytes);
        fake_exchange_request(x, "GET", "/a?q", "/");
        exchange_routed(x, &r);
        s = template_expand(&t, &r, &x->arena);
        ck_assert(s.p != NULL || arena_failed(&x->arena));
    }
    ck_assert_str_eq(s.p, "/a?q /a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/template");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, fill, 0, array_len(fills));
    tcase_add_loop_test(tc, constant, 0, array_len(constants));
    tcase_add_loop_test(tc, refusal, 0, array_len(refused));
    tcase_add_test(tc, too_long);
    tcase_add_test(tc, all_unknown_names_are_told);
    tcase_add_test(tc, a_wildcard_hides_a_fixed_name);
    tcase_add_test(tc, outside_of_a_route);
    tcase_add_test(tc, any_name);
    tcase_add_test(tc, no_path);
    tcase_add_test(tc, what_a_uri_has);
    tcase_add_test(tc, any_host);
    tcase_add_test(tc, two_slashes);
    tcase_add_test(tc, same);
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
