/*
 * golden_test.c - what a likely mistake looks like to its maker: tests/golden/NAME.conf against
 * NAME.err, the whole text. "{handlers}" in an .err stands for the handler kinds of this program.
 * With MUXD_GOLDEN_WRITE set in the environment the .err files are written anew, for reading.
 */
#include <check.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "unit/config/kinds.h"

#define DIR_ "tests/golden"

static glob_t found;

static struct str handlers(struct arena *a)
{
    struct str list = STR_EMPTY;
    const struct handler_kind *k;

    for (size_t i = 0; (k = handler_at(i)) != NULL; i++)
        list = arena_printf(a, "%.*s%s%s", str_fmt(list), list.n ? ", " : "", k->name);
    return list;
}

/* `s` with the first `from` of each run replaced. */
static struct str replaced(struct arena *a, struct str s, struct str from, struct str to)
{
    struct str out = STR_EMPTY;

    for (;;) {
        const char *hit = s.n ? memmem(s.p, s.n, from.p, from.n) : NULL;
        size_t n = hit ? (size_t)(hit - s.p) : s.n;
        out = arena_printf(a, "%.*s%.*s", str_fmt(out), str_fmt(str_head(s, n)));
        if (hit == NULL)
            return out;
        out = arena_printf(a, "%.*s%.*s", str_fmt(out), str_fmt(to));
        s = str_from(s, n + from.n);
    }
}

static struct str all_text(struct report *r, struct arena *a)
{
    struct str text = STR_EMPTY;

    report_sort(r);
    list_each (item, &r->items, struct report_item, node) {
        struct str one = report_text(item, true, a);
        ck_assert(one.p != NULL);
        text = arena_printf(a, "%.*s%.*s", str_fmt(text), str_fmt(one));
    }
    return text;
}

static struct str file_text(const char *name, struct arena *a)
{
    char *p = arena_alloc(a, KIB(64));
    FILE *f = fopen(name, "r");

    ck_assert_msg(f != NULL, "%s is missing", name);
    size_t n = fread(p, 1, KIB(64), f);
    fclose(f);
    return str_make(p, n);
}

START_TEST(golden)
{
    const char *conf = found.gl_pathv[_i];
    char err[256];
    struct arena a;
    struct report r;
    struct config *c;

    snprintf(err, sizeof err, "%.*serr", (int)strlen(conf) - 4, conf);
    ck_assert_int_eq(chdir(DIR_), 0);
    arena_init(&a, MIB(16));
    report_init(&r, &a);
    int error = config_load(conf, NULL, &r, &c);
    ck_assert_int_eq(error, r.errors ? -EINVAL : 0);
    ck_assert_uint_gt(r.errors + r.warnings, 0);
    struct str got = all_text(&r, &a);
    config_unref(c);
    ck_assert_int_eq(greet_alive, 0);

    if (getenv("MUXD_GOLDEN_WRITE") != NULL) {
        FILE *f = fopen(err, "w");
        ck_assert(f != NULL);
        got = replaced(&a, got, handlers(&a), STR("{handlers}"));
        fwrite(got.p, 1, got.n, f);
        fclose(f);
    } else {
        struct str want = replaced(&a, file_text(err, &a), STR("{handlers}"), handlers(&a));
        ck_assert_msg(str_eq(got, want), "%s\n--- got\n%.*s--- expected\n%.*s", conf, str_fmt(got),
                      str_fmt(want));
    }
    arena_done(&a);
}
END_TEST

/* README.md has a row for each file, in the order of the files, and no other. */
START_TEST(table)
{
    struct arena a;

    arena_init(&a, MIB(1));
    struct str rest = file_text(DIR_ "/README.md", &a);
    const char *rule = memmem(rest.p, rest.n, "| --- | --- |\n", 14);
    ck_assert_ptr_nonnull(rule);
    rest = str_from(rest, (size_t)(rule + 14 - rest.p));
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct str name = str_of(found.gl_pathv[i]), row = str_cut(&rest, '\n');
        struct str want = arena_printf(&a, "| %.*s | ", (int)name.n - 5, name.p);
        ck_assert_msg(str_starts(row, want), "expected: %.*s\ngot: %.*s", str_fmt(want),
                      str_fmt(row));
    }
    ck_assert_uint_eq(rest.n, 0);
    arena_done(&a);
}
END_TEST

int main(void)
{
    char top[4096];
    Suite *s = suite_create("golden");
    TCase *t = tcase_create("mistakes");

    if (getcwd(top, sizeof top) == NULL || chdir(DIR_) < 0 ||
        glob("*.conf", 0, NULL, &found) != 0 || chdir(top) < 0) {
        fprintf(stderr, "golden_test: no " DIR_ " here; run it from the top of the tree\n");
        return 1;
    }
    tcase_add_loop_test(t, golden, 0, (int)found.gl_pathc);
    tcase_add_test(t, table);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    globfree(&found);
    return failed ? 1 : 0;
}
