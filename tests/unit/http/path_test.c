/* path_test.c - cleaning, encoding, file names. */
#include "http/path.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

struct row {
    const char *raw;
    const char *path; /* NULL: refused */
    bool cleaned;
};

static const struct row rows[] = {
    { "", "/", false },
    { "/", "/", false },
    { "/a", "/a", false },
    { "/a/", "/a/", false },
    { "/a/b", "/a/b", false },
    { "/a/b/", "/a/b/", false },
    { "//", "/", true },
    { "///", "/", true },
    { "//a", "/a", true },
    { "/a//b", "/a/b", true },
    { "/a//", "/a/", true },
    { "/.", "/", true },
    { "/./", "/", true },
    { "/..", "/", true },
    { "/../", "/", true },
    { "/../..", "/", true },
    { "/../../etc/passwd", "/etc/passwd", true },
    { "/a/.", "/a/", true },
    { "/a/./", "/a/", true },
    { "/a/./b", "/a/b", true },
    { "/a/..", "/", true },
    { "/a/../", "/", true },
    { "/a/../b", "/b", true },
    { "/a/b/..", "/a/", true },
    { "/a/b/../", "/a/", true },
    { "/a/b/../..", "/", true },
    { "/a/b/../../..", "/", true },
    { "/a/b/../../../c", "/c", true },
    { "/a/./../b/.//c", "/b/c", true },
    { "/a//..", "/", true },
    { "/%2e", "/", true },
    { "/%2E%2e", "/", true },
    { "/a/%2e%2E/b", "/b", true },
    { "/a/.%2e/b", "/b", true },
    { "/a/%2e./b", "/b", true },
    { "/%2e%2e%2f", "/..%2F", false },
    { "/%2e%2e%2fetc", "/..%2Fetc", false },
    { "/...", "/...", false },
    { "/.a", "/.a", false },
    { "/..a", "/..a", false },
    { "/a.", "/a.", false },
    { "/a..", "/a..", false },
    { "/%2e%2e%2e", "/...", false },
    { "/a%2fb", "/a%2Fb", false },
    { "/a%2Fb", "/a%2Fb", false },
    { "/%2f", "/%2F", false },
    { "/%2f/", "/%2F/", false },
    { "/%25", "/%25", false },
    { "/%2541", "/%2541", false },
    { "/%252e%252e/", "/%252e%252e/", false },
    { "/%252f", "/%252f", false },
    { "/%41%5a%7A", "/AZz", false },
    { "/%20%09%01%7f", "/ \t\001\177", false },
    { "/%3f%23", "/?#", false },
    { "/%C3%BC", "/\xc3\xbc", false },
    { "/%c0%ae%c0%ae/", "/\xc0\xae\xc0\xae/", false },
    { "/%5c..%5c", "/\\..\\", false },
    { "/;a=b,(c)!$&'*+:@~", "/;a=b,(c)!$&'*+:@~", false },
    { "/[]^`{|}", "/[]^`{|}", false },
    { "a", NULL, false },
    { "*", NULL, false },
    { "/%", NULL, false },
    { "/%4", NULL, false },
    { "/%4/", NULL, false },
    { "/%g0", NULL, false },
    { "/%0g", NULL, false },
    { "/%%41", NULL, false },
    { "/%00", NULL, false },
    { "/a/%00/..", NULL, false },
    { "/ ", NULL, false },
    { "/a\tb", NULL, false },
    { "/a?b", NULL, false },
    { "/a#b", NULL, false },
    { "/\\a", NULL, false },
    { "/\"", NULL, false },
    { "/<", NULL, false },
    { "/a>", NULL, false },
    { "/\x7f", NULL, false },
    { "/\xc3\xbc", NULL, false },
    { "/a/\n/..", NULL, false },
};

START_TEST(test_clean)
{
    const struct row *c = &rows[_i];
    size_t n = strlen(c->raw);
    char *raw = malloc(n + 1), *out = malloc(n + 1); /* no byte more: a sanitizer watches */
    struct str path;
    bool cleaned = !c->cleaned;

    memcpy(raw, c->raw, n);
    int e = path_clean(str_make(raw, n), out, &path, &cleaned);
    if (c->path == NULL) {
        ck_assert_int_eq(e, -EINVAL);
    } else {
        ck_assert_int_eq(e, 0);
        ck_assert_msg(str_eq(path, str_of(c->path)), "%s: %.*s", c->raw, str_fmt(path));
        ck_assert_int_eq(cleaned, c->cleaned);
    }
    free(out);
    free(raw);
}
END_TEST

START_TEST(test_nul)
{
    char out[8];
    struct str path;
    bool cleaned;

    ck_assert_int_eq(path_clean(STR("/a\0b"), out, &path, &cleaned), -EINVAL);
}
END_TEST

START_TEST(test_encode)
{
    static const char *const pairs[][2] = {
        { "/", "/" },
        { "", "" },
        { "/a/b/", "/a/b/" },
        { "/a b", "/a%20b" },
        { "/\xc3\xbc", "/%C3%BC" },
        { "/a%2Fb%25c", "/a%2Fb%25c" },
        { "/100%", "/100%25" },
        { "/%2f%41", "/%252f%2541" },
        { "/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@" },
        { "/\"<>\\^`{|}?#[]", "/%22%3C%3E%5C%5E%60%7B%7C%7D%3F%23%5B%5D" },
        { "/a\r\nSet-Cookie: b", "/a%0D%0ASet-Cookie:%20b" },
        { "//evil.example/a//b", "/evil.example/a//b" },
        { "////", "/" },
        { "/\\evil.example", "/%5Cevil.example" },
        { "/\x7f\x01", "/%7F%01" },
    };
    struct arena arena;

    arena_init(&arena, MIB(1));
    for (size_t i = 0; i < array_len(pairs); i++) {
        struct str s = path_encode(&arena, str_of(pairs[i][0]));
        ck_assert_str_eq(s.p, pairs[i][1]);
        ck_assert_uint_eq(s.n, strlen(pairs[i][1]));
    }
    arena_done(&arena);
    arena_init(&arena, 0);
    ck_assert_ptr_null(path_encode(&arena, STR("/a")).p);
    arena_done(&arena);
}
END_TEST

START_TEST(test_to_file)
{
    struct arena arena;
    struct str file;

    arena_init(&arena, MIB(1));
    ck_assert_int_eq(path_to_file(&arena, STR("a/b c"), &file), 0);
    ck_assert_str_eq(file.p, "a/b c");
    ck_assert_int_eq(path_to_file(&arena, STR("100%25%25.txt"), &file), 0);
    ck_assert_str_eq(file.p, "100%%.txt");
    ck_assert_uint_eq(file.n, 9);
    ck_assert_int_eq(path_to_file(&arena, STR("%252F"), &file), 0);
    ck_assert_str_eq(file.p, "%2F");
    ck_assert_int_eq(path_to_file(&arena, STR(""), &file), 0);
    ck_assert_str_eq(file.p, "");
    ck_assert_int_eq(path_to_file(&arena, STR("a%2Fb"), &file), -EINVAL);
    ck_assert_int_eq(path_to_file(&arena, STR("a\0b"), &file), -EINVAL);
    ck_assert_int_eq(path_to_file(&arena, STR("a%"), &file), -EINVAL);
    arena_done(&arena);
    arena_init(&arena, 0);
    ck_assert_int_eq(path_to_file(&arena, STR("a"), &file), -ENOMEM);
    arena_done(&arena);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("path");
    TCase *t = tcase_create("path");

    tcase_add_loop_test(t, test_clean, 0, array_len(rows));
    tcase_add_test(t, test_nul);
    tcase_add_test(t, test_encode);
    tcase_add_test(t, test_to_file);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
