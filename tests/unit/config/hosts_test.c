/* hosts_test.c - host patterns and their table; table.c by the way, with many keys. */
#include "config/hosts.h"

#include <stdio.h>

#include "unit/config/kinds.h"
#include "unit/config/tree.h"

static struct site sites[8];
static struct host_table table;

static int add(const char *pattern, int site, struct site **other)
{
    return host_add(&table, &tree_arena, str_of(pattern), &sites[site], other);
}
static int find(const char *host)
{
    struct site *s = host_find(&table, str_of(host));

    return s ? (int)(s - sites) : -1;
}

START_TEST(precedence)
{
    struct site *other;

    memset(&table, 0, sizeof table);
    ck_assert_int_eq(find("example.com"), -1);
    ck_assert_int_eq(add("example.com", 0, &other), 0);
    ck_assert_int_eq(add("*.example.com", 1, &other), 0);
    ck_assert_int_eq(add("*.shop.example.com", 2, &other), 0);
    ck_assert_int_eq(add("a.shop.example.com", 3, &other), 0);
    ck_assert_int_eq(add("[::1]", 4, &other), 0);
    ck_assert_int_eq(add("*.com", 5, &other), 0);
    ck_assert_int_eq(find("example.com"), 0);
    ck_assert_int_eq(find("www.example.com"), 1);
    ck_assert_int_eq(find("a.b.c.example.com"), 1);
    ck_assert_int_eq(find("shop.example.com"), 1); /* a wildcard needs a label in front */
    ck_assert_int_eq(find("b.shop.example.com"), 2);
    ck_assert_int_eq(find("x.y.shop.example.com"), 2);
    ck_assert_int_eq(find("a.shop.example.com"), 3);
    ck_assert_int_eq(find("x.a.shop.example.com"), 2);
    ck_assert_int_eq(find("[::1]"), 4);
    ck_assert_int_eq(find("xexample.com"), 5);
    ck_assert_int_eq(find("com"), -1);
    ck_assert_int_eq(find(".com"), -1);
    ck_assert_int_eq(find(""), -1);
    ck_assert_int_eq(find("example.org"), -1);
    ck_assert_int_eq(add("*.example.com", 7, &other), -EEXIST);
    ck_assert_ptr_eq(other, &sites[1]);
    ck_assert_int_eq(add("example.com", 7, &other), -EEXIST);
    ck_assert_ptr_eq(other, &sites[0]);
}
END_TEST

START_TEST(many)
{
    struct site *other;
    char name[32];

    memset(&table, 0, sizeof table);
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%sh%d.example.com", i % 3 ? "" : "*.", i);
        struct str kept = arena_str(&tree_arena, str_of(name));
        ck_assert_int_eq(host_add(&table, &tree_arena, kept, &sites[i % 8], &other), 0);
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%sh%d.example.com", i % 3 ? "" : "x.y.", i);
        ck_assert_int_eq(find(name), i % 8);
    }
    ck_assert_int_eq(find("h20001.example.com"), -1);
}
END_TEST

START_TEST(no_memory)
{
    struct arena small;
    struct site *other;
    char names[200][16];
    int r = 0, n = 0;

    memset(&table, 0, sizeof table);
    arena_init(&small, 1024);
    for (; n < 200 && r == 0; n++) {
        snprintf(names[n], sizeof names[n], "h%d", n);
        r = host_add(&table, &small, str_of(names[n]), &sites[1], &other);
    }
    ck_assert_int_eq(r, -ENOMEM);
    for (int i = 0; i < n - 1; i++)
        ck_assert_int_eq(find(names[i]), 1); /* what was in it stays */
    arena_done(&small);
}
END_TEST

START_TEST(spelling)
{
    static const char *const good[] = {
        "a",     "A.Example.COM", "*.example.com",         "*",     "127.0.0.1",
        "[::1]", "[2001:db8::1]", "xn--bcher-kva.example", "a-b.c", "under_score.org",
    };
    static const char *const bad[] = {
        "",         "a..b", ".a",  "a.",        "*.",   "*a.org", "a.*.org", "*.*.org", "a:80",
        "http://a", "a/b",  "a b", "b\xC3\xBC", "[::1", "[]",     "[x]",     "a,b",     "**",
    };
    char lower[512], label[80];

    for (size_t i = 0; i < array_len(good); i++)
        ck_assert_msg(host_check(str_of(good[i]), lower) == NULL, "%s", good[i]);
    for (size_t i = 0; i < array_len(bad); i++)
        ck_assert_msg(host_check(str_of(bad[i]), lower) != NULL, "%s", bad[i]);
    ck_assert_ptr_null(host_check(STR("A.Example"), lower));
    ck_assert(memcmp(lower, "a.example", 9) == 0);
    memset(label, 'a', sizeof label);
    ck_assert_ptr_null(host_check(str_make(label, 63), lower));
    ck_assert_ptr_nonnull(host_check(str_make(label, 64), lower));
    char name[300];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    ck_assert_ptr_null(host_check(str_make(name, 253), lower));
    ck_assert_ptr_nonnull(host_check(str_make(name, 255), lower));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hosts");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, tree_begin, tree_end);
    tcase_add_test(t, precedence);
    tcase_add_test(t, many);
    tcase_add_test(t, no_memory);
    tcase_add_test(t, spelling);
    suite_add_tcase(s, t);
    return tree_main(s);
}
