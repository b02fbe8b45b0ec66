/*
 * tree.h - a directory of config files for one test, and loading from it. Included once in a
 * program, after kinds.h.
 */
#ifndef TESTS_UNIT_CONFIG_TREE_H
#define TESTS_UNIT_CONFIG_TREE_H

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

static char tree_dir[64];
static struct arena tree_arena;
static struct report tree_report;
static struct config *tree_config;

static void tree_begin(void)
{
    strcpy(tree_dir, "/tmp/muxd-config-XXXXXX");
    ck_assert(mkdtemp(tree_dir) != NULL);
    arena_init(&tree_arena, MIB(64));
    report_init(&tree_report, &tree_arena);
    tree_config = NULL;
}

static int tree_remove(const char *path, const struct stat *st UNUSED, int flag UNUSED,
                       struct FTW *f UNUSED)
{
    return remove(path);
}

static void tree_end(void)
{
    config_unref(tree_config);
    arena_done(&tree_arena);
    nftw(tree_dir, tree_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static UNUSED const char *tree_path(const char *name)
{
    return arena_printf(&tree_arena, "%s/%s", tree_dir, name).p;
}

static UNUSED void tree_write(const char *name, struct str text)
{
    FILE *f = fopen(tree_path(name), "w");

    ck_assert(f != NULL);
    ck_assert_uint_eq(fwrite(text.p, 1, text.n, f), text.n);
    ck_assert_int_eq(fclose(f), 0);
}

static UNUSED void tree_mkdir(const char *name)
{
    ck_assert_int_eq(mkdir(tree_path(name), 0755), 0);
}

/* Drops the last config and report first. */
static UNUSED int tree_load(const char *name)
{
    config_unref(tree_config);
    tree_config = NULL;
    report_init(&tree_report, &tree_arena);
    int r = config_load(tree_path(name), NULL, &tree_report, &tree_config);
    ck_assert_int_eq(r != 0, tree_config == NULL);
    ck_assert_int_eq(r == -EINVAL, tree_report.errors != 0);
    return r;
}

static UNUSED int tree_text(const char *text)
{
    tree_write("muxd.conf", str_of(text));
    return tree_load("muxd.conf");
}

/* The messages, one a line, "LINE:COL text", with a note "LINE:COL text, at FILE:LINE:COL". */
static UNUSED const char *tree_messages(void)
{
    struct str all = arena_printf(&tree_arena, "%s", "");

    report_sort(&tree_report);
    list_each (item, &tree_report.items, struct report_item, node) {
        const struct report_note *n = item->note;
        struct str at = STR_EMPTY;
        if (n != NULL)
            at = arena_printf(&tree_arena, ", at %s:%u:%u", n->place.file ? n->place.file : "?",
                              n->place.line, n->place.col);
        all = arena_printf(&tree_arena, "%.*s%u:%u %.*s%.*s\n", str_fmt(all), item->place.line,
                           item->place.col, str_fmt(item->text), str_fmt(at));
    }
    return all.p;
}

static UNUSED void tree_ok(const char *text)
{
    int r = tree_text(text);

    ck_assert_msg(r == 0, "%s", tree_messages());
}

/* It does not load, and some message contains `part`. */
static UNUSED void tree_bad(const char *text, const char *part)
{
    ck_assert_int_eq(tree_text(text), -EINVAL);
    ck_assert_msg(strstr(tree_messages(), part) != NULL, "expected: %s\ngot: %s", part,
                  tree_messages());
}

static UNUSED int tree_main(Suite *s)
{
    SRunner *sr = srunner_create(s);

    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

#endif
