/* pattern_test.c - the parser, the relations of two patterns, and Go's facts on both. */
#include "mux/pattern.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "go_facts.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, MIB(4));
}

static void teardown(void)
{
    arena_done(&arena);
}

static struct pattern parse(const char *text)
{
    struct pattern p;
    const char *why = NULL;
    size_t at = 0;

    if (pattern_parse(str_of(text), &arena, &p, &why, &at) != 0)
        ck_abort_msg("%s: at %zu: %s", text, at, why);
    return p;
}

/* "GET|shop|a {id} rest..." : method, host, and the segments in a spelling of their own. */
static const char *describe(const struct pattern *p)
{
    struct str s = arena_printf(&arena, "%.*s|%s%.*s|", str_fmt(pattern_method(p)),
                                p->host_is_wildcard ? "*." : "", str_fmt(pattern_host(p)));

    struct segment segment;
    size_t n = 0;

    for (size_t at = 0; pattern_next(p, &at, &segment); n++) {
        static const char *const around[][2] = {
            { "[", "]" }, { "{", "}" }, { "", "..." }, { "$", "" }
        };
        const char *const *form = around[segment.kind];
        s = arena_printf(&arena, "%s%s%.*s%s", s.p, form[0], str_fmt(segment.text), form[1]);
    }
    ck_assert_uint_eq(n, p->n_segments);
    return s.p;
}

static const struct {
    const char *text, *parsed;
    size_t n_names;
} good[] = {
    { "/", "||...", 0 },
    { "/a", "||[a]", 0 },
    { "/a/", "||[a]...", 0 },
    { "/path/to/something", "||[path][to][something]", 0 },
    { "/{w1}/lit/{w2}", "||{w1}[lit]{w2}", 2 },
    { "/{w1}/lit/{w2}/", "||{w1}[lit]{w2}...", 2 },
    { "example.com/", "|example.com|...", 0 },
    { "GET /", "GET||...", 0 },
    { "POST example.com/foo/{w}", "POST|example.com|[foo]{w}", 1 },
    { "/{$}", "||$", 0 },
    { "DELETE example.com/a/{foo12}/{$}", "DELETE|example.com|[a]{foo12}$", 1 },
    { "/foo/{$}", "||[foo]$", 0 },
    { "/{a}/foo/{rest...}", "||{a}[foo]rest...", 2 },
    { "GET\t  /", "GET||...", 0 },
    { "POST \t  example.com/foo/{w}", "POST|example.com|[foo]{w}", 1 },
    { "DELETE    \texample.com/a/{foo12}/{$}", "DELETE|example.com|[a]{foo12}$", 1 },
    { "/%61%62/%7b/%25", "||[ab][{][%25]", 0 },
    { "/a%2fb%2Fc/x%25y", "||[a%2Fb%2Fc][x%25y]", 0 },
    { "/%e2%82%ac/\xe2\x82\xac", "||[\xe2\x82\xac][\xe2\x82\xac]", 0 },
    { "/a%20b/%0a", "||[a b][\n]", 0 },
    { "/.../.a/a.", "||[...][.a][a.]", 0 },
    { "/a\\b:c;d=e,f@g", "||[a\\b:c;d=e,f@g]", 0 },
    { "PURGE /x", "PURGE||[x]", 0 },
    { "get /x", "get||[x]", 0 },
    { "M-SEARCH *.example.org/x", "M-SEARCH|*.example.org|[x]", 0 },
    { "*.a/", "|*.a|...", 0 },
    { "127.0.0.1/", "|127.0.0.1|...", 0 },
    { "[::1]/x", "|[::1]|[x]", 0 },
    { "[::ffff:1.2.3.4]/", "|[::ffff:1.2.3.4]|...", 0 },
    { "x_y.a-b.c1/", "|x_y.a-b.c1|...", 0 },
    { "a b.c/", "a|b.c|...", 0 },
    { "/{_}/{_1}", "||{_}{_1}", 2 },
};

START_TEST(parses)
{
    struct pattern p = parse(good[_i].text);

    ck_assert_str_eq(describe(&p), good[_i].parsed);
    ck_assert_uint_eq(p.n_names, good[_i].n_names);
    ck_assert(str_eq(pattern_text(&p), str_of(good[_i].text)));
    ck_assert_int_eq(p.has_method, pattern_method(&p).n > 0);
    ck_assert_int_eq(p.method, method_of(pattern_method(&p)));
}
END_TEST

/* Where and why; Go's 21 and those that muxd refuses beyond. */
static const struct {
    const char *text;
    size_t at;
    const char *why; /* a part of it */
} bad[] = {
    { "", 0, "is empty" },
    { "A=B /", 0, "one word" },
    { " ", 1, "begins with '/'" },
    { "/{w}x", 1, "whole segment" },
    { "/x{w}", 1, "whole segment" },
    { "/{wx", 1, "whole segment" },
    { "/a/{/}/c", 3, "whole segment" },
    { "/a/{%61}/c", 3, "letters, digits" },
    { "/{a$}", 1, "letters, digits" },
    { "/{}", 1, "needs a name" },
    { "POST a.com/x/{}/y", 13, "needs a name" },
    { "/{...}", 1, "needs a name" },
    { "/{$...}", 1, "letters, digits" },
    { "/{$}/", 1, "only at the end" },
    { "/{$}/x", 1, "only at the end" },
    { "/abc/{$}/x", 5, "only at the end" },
    { "/{a...}/", 1, "only at the end" },
    { "/{a...}/x", 1, "only at the end" },
    { "{a}/b", 0, "begins with '/'" },
    { "/a/{x}/b/{x...}", 9, "only once" },
    { "GET //", 5, "empty segment" },
    /* Go accepts these, though no request, or no clean one, can match them. */
    { "//", 1, "empty segment" },
    { "/foo///./../bar", 5, "empty segment" },
    { "a.com/foo//", 10, "empty segment" },
    { "/%61%62/%7b/%", 12, "two hex digits" },
    { "/a/./b", 3, "\".\"" },
    { "/a/..", 3, "\"..\"" },
    { "/a/%2e%2E/b", 3, "\"..\"" },
    { "/a%2", 2, "two hex digits" },
    { "/a%zz", 2, "two hex digits" },
    { "/a%00b", 2, "NUL" },
    { "/a}", 2, "brace" },
    { "/{a}}", 1, "letters, digits" },
    { "/{{a}", 1, "letters, digits" },
    { "/{a}{b}", 1, "whole segment" },
    { "/{1a}", 1, "no digit first" },
    { "/{a-b}", 1, "letters, digits" },
    { "/{a....}", 1, "three dots" },
    { "/a?b=c", 2, "no query" },
    { "/a#b", 2, "no fragment" },
    { "/a b", 2, "%20" },
    { "GET /a b", 6, "%20" },
    { "/a/b ", 4, "%20" },
    { "/a\x7f", 2, "control" },
    { "/a\nb", 2, "control" },
    { " /a", 0, "begin with a space" },
    { "example.com", 0, "begins with '/'" },
    { "GET", 0, "begins with '/'" },
    { "GET ", 4, "begins with '/'" },
    { "GET/x", 3, "stands a space" },
    { "Example.com/", 0, "lower case" },
    { "exAmple.com/", 2, "lower case" },
    { "GET a.com:80/", 9, "port" },
    { "a..b/", 2, "empty label" },
    { "a.b./", 4, "empty label" },
    { ".a/", 0, "empty label" },
    { "*./", 2, "empty label" },
    { "*/", 0, "'*' in a host" },
    { "a.*.b/", 2, "'*' in a host" },
    { "*a.b/", 0, "'*' in a host" },
    { "*.*.b/", 2, "'*' in a host" },
    { "a$b/", 1, "may not stand in a host" },
    { "k\xc3\xa4se.de/", 1, "may not stand in a host" },
    { "[::1/", 0, "']'" },
    { "[::G]/", 3, "may not stand" },
    { "[::F]/", 3, "lower case" },
    { "*.[::1]/", 2, "may not stand in a host" },
};

START_TEST(refuses)
{
    struct pattern p;
    const char *why = NULL;
    size_t at = SIZE_MAX;
    int r = pattern_parse(str_of(bad[_i].text), &arena, &p, &why, &at);

    ck_assert_int_eq(r, -EINVAL);
    ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s: %s", bad[_i].text, why);
    ck_assert_msg(at == bad[_i].at, "%s: at %zu: %s", bad[_i].text, at, why);
}
END_TEST

START_TEST(long_ones)
{
    char text[2000];
    struct pattern p;
    const char *why;
    size_t at;

    for (size_t i = 0; i < PATTERN_SEGMENTS_MAX + 1; i++)
        memcpy(text + 2 * i, "/a", 2);
    ck_assert_int_eq(pattern_parse(str_make(text, 2 * PATTERN_SEGMENTS_MAX), &arena, &p, &why, &at),
                     0);
    ck_assert_uint_eq(p.n_segments, PATTERN_SEGMENTS_MAX);
    ck_assert_int_eq(
        pattern_parse(str_make(text, 2 * PATTERN_SEGMENTS_MAX + 2), &arena, &p, &why, &at),
        -EINVAL);

    memset(text, 'a', sizeof text);
    text[64] = '/';
    ck_assert_int_eq(pattern_parse(str_make(text, 65), &arena, &p, &why, &at), -EINVAL);
    ck_assert_int_eq(pattern_parse(str_make(text + 1, 64), &arena, &p, &why, &at), 0);
    text[64] = 'a';
    for (size_t i = 1; i < 256; i += 2)
        text[i] = '.';
    text[253] = '/';
    ck_assert_int_eq(pattern_parse(str_make(text, 254), &arena, &p, &why, &at), 0);
    text[253] = '.';
    text[255] = '/';
    ck_assert_int_eq(pattern_parse(str_make(text, 256), &arena, &p, &why, &at), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "253"));

    struct str longest = { arena_zalloc(&arena, PATTERN_TEXT_MAX + 2), PATTERN_TEXT_MAX };
    memset((char *)(uintptr_t)longest.p, 'a', PATTERN_TEXT_MAX + 1);
    *(char *)(uintptr_t)longest.p = '/';
    ck_assert_int_eq(pattern_parse(longest, &arena, &p, &why, &at), 0);
    ck_assert(str_eq(pattern_prefix(&p), longest));
    longest.n++;
    ck_assert_int_eq(pattern_parse(longest, &arena, &p, &why, &at), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "65535"));
}
END_TEST

START_TEST(the_text_is_a_copy)
{
    char text[] = "GET a.b/x/{id}";
    struct pattern p = parse(text);

    memset(text, '!', sizeof text - 1);
    ck_assert_str_eq(describe(&p), "GET|a.b|[x]{id}");
}
END_TEST

START_TEST(no_memory)
{
    for (size_t max = 0; max < 4096; max += 512) {
        struct arena small;
        struct pattern p;
        const char *why;
        size_t at;

        arena_init(&small, max);
        struct str text = STR("/a%20a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/a/b/c/d/e");
        int r = pattern_parse(text, &small, &p, &why, &at);
        ck_assert(r == 0 || r == -ENOMEM);
        ck_assert_int_eq(r == 0, !arena_failed(&small));
        if (max == 0)
            ck_assert_int_eq(r, -ENOMEM);
        arena_done(&small);
    }
}
END_TEST

static const char *const prefixes[][2] = {
    { "/", "/" },           { "/x", "/x" },
    { "/a/b/", "/a/b/" },   { "/a/b/{x}", "/a/b/" },
    { "/a/{x}/b", "/a/" },  { "/{x}", "/" },
    { "/{$}", "/" },        { "/a/{$}", "/a/" },
    { "/a/{r...}", "/a/" }, { "GET h/a%2fb", "/a%2Fb" },
    { "/a%20b/", "/a b/" },
};

START_TEST(prefix)
{
    struct pattern p = parse(prefixes[_i][0]);
    struct str s = pattern_prefix(&p);

    ck_assert(str_eq(s, str_of(prefixes[_i][1])));
}
END_TEST

static enum relation inverse(enum relation r)
{
    return r == RELATION_MORE_GENERAL    ? RELATION_MORE_SPECIFIC
           : r == RELATION_MORE_SPECIFIC ? RELATION_MORE_GENERAL
                                         : r;
}

START_TEST(go_says_of_paths)
{
    struct pattern a = parse(go_paths[_i].a), b = parse(go_paths[_i].b);

    ck_assert_int_eq(pattern_compare_paths(&a, &b), go_paths[_i].relation);
    ck_assert_int_eq(pattern_compare_paths(&b, &a), inverse(go_paths[_i].relation));
}
END_TEST

START_TEST(go_says_of_methods)
{
    struct pattern a = parse(go_methods[_i].a), b = parse(go_methods[_i].b);

    ck_assert_int_eq(pattern_compare_methods(&a, &b), go_methods[_i].relation);
    ck_assert_int_eq(pattern_compare_methods(&b, &a), inverse(go_methods[_i].relation));
}
END_TEST

START_TEST(go_says_of_pairs)
{
    struct pattern a = parse(go_pairs[_i].a), b = parse(go_pairs[_i].b);
    bool conflict = go_pairs[_i].verdict == CONFLICTS;

    ck_assert_int_eq(pattern_conflict(&a, &b), conflict);
    ck_assert_int_eq(pattern_conflict(&b, &a), conflict);
}
END_TEST

static const struct go_relation hosts[] = {
    { "/", "/", RELATION_EQUAL },
    { "/", "a.b/", RELATION_MORE_GENERAL },
    { "/", "*.b/", RELATION_MORE_GENERAL },
    { "a.b/", "a.b/", RELATION_EQUAL },
    { "a.b/", "c.b/", RELATION_DISJOINT },
    { "a.b/", "b/", RELATION_DISJOINT },
    { "*.b/", "a.b/", RELATION_MORE_GENERAL },
    { "*.b/", "c.a.b/", RELATION_MORE_GENERAL },
    { "*.b/", "b/", RELATION_DISJOINT },
    { "*.b/", "ab/", RELATION_DISJOINT },
    { "*.b/", "*.b/", RELATION_EQUAL },
    { "*.b/", "*.c/", RELATION_DISJOINT },
    { "*.b/", "*.a.b/", RELATION_MORE_GENERAL },
    { "*.b/", "*.ab/", RELATION_DISJOINT },
    { "*.a.b/", "*.c.b/", RELATION_DISJOINT },
    { "*.a.b/", "a.b/", RELATION_DISJOINT },
};

START_TEST(relation_of_hosts)
{
    struct pattern a = parse(hosts[_i].a), b = parse(hosts[_i].b);

    ck_assert_int_eq(pattern_compare_hosts(&a, &b), hosts[_i].relation);
    ck_assert_int_eq(pattern_compare_hosts(&b, &a), inverse(hosts[_i].relation));
}
END_TEST

static const struct go_relation methods[] = {
    { "GET /", "POST /", RELATION_DISJOINT },  { "/", "PURGE /", RELATION_MORE_GENERAL },
    { "PURGE /", "PURGE /", RELATION_EQUAL },  { "PURGE /", "LINK /", RELATION_DISJOINT },
    { "HEAD /", "POST /", RELATION_DISJOINT }, { "get /", "GET /", RELATION_DISJOINT },
};

START_TEST(relation_of_methods)
{
    struct pattern a = parse(methods[_i].a), b = parse(methods[_i].b);

    ck_assert_int_eq(pattern_compare_methods(&a, &b), methods[_i].relation);
    ck_assert_int_eq(pattern_compare_methods(&b, &a), inverse(methods[_i].relation));
}
END_TEST

static const struct go_pair pairs[] = {
    { "/{a}/x", "/y/{b}", CONFLICTS },
    { "GET /{a}/x", "POST /y/{b}", FINE },
    { "GET /{a}/x", "HEAD /y/{b}", CONFLICTS },
    { "a.b/{a}/x", "/y/{b}", FINE },
    { "a.b/{a}/x", "*.b/y/{b}", FINE },
    { "*.b/{a}/x", "*.b/y/{b}", CONFLICTS },
    { "GET /", "/api/", FINE },
    { "GET /a", "GET /a", CONFLICTS },
    { "GET /a", "/a", FINE },
    { "GET /a", "HEAD /a", FINE },
    { "PURGE /a", "PURGE /a", CONFLICTS },
    { "/a%20b", "/%61%20%62", CONFLICTS },
    { "/{a}/{b}", "/{c}/{d}", CONFLICTS },
};

START_TEST(conflicts)
{
    struct pattern a = parse(pairs[_i].a), b = parse(pairs[_i].b);

    ck_assert_int_eq(pattern_conflict(&a, &b), pairs[_i].verdict == CONFLICTS);
    ck_assert_int_eq(pattern_conflict(&b, &a), pairs[_i].verdict == CONFLICTS);
}
END_TEST

#define ADD_TABLE(tc, test, table) tcase_add_loop_test(tc, test, 0, (int)array_len(table))

int main(void)
{
    Suite *s = suite_create("mux/pattern");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    ADD_TABLE(tc, parses, good);
    ADD_TABLE(tc, refuses, bad);
    tcase_add_test(tc, long_ones);
    tcase_add_test(tc, the_text_is_a_copy);
    tcase_add_test(tc, no_memory);
    ADD_TABLE(tc, prefix, prefixes);
    ADD_TABLE(tc, go_says_of_paths, go_paths);
    ADD_TABLE(tc, go_says_of_methods, go_methods);
    ADD_TABLE(tc, go_says_of_pairs, go_pairs);
    ADD_TABLE(tc, relation_of_hosts, hosts);
    ADD_TABLE(tc, relation_of_methods, methods);
    ADD_TABLE(tc, conflicts, pairs);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
