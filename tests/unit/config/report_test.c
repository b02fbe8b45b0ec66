/* report_test.c - the text of reports: caret, tabs, UTF-8, long lines, order, lack of memory. */
#include "config/report.h"

#include <check.h>
#include <stdlib.h>

static struct arena arena;
static struct report report;

static void setup(void)
{
    arena_init(&arena, MIB(4));
    report_init(&report, &arena);
}
static void teardown(void)
{
    arena_done(&arena);
}

static const char *last_text(bool caret)
{
    return report_text(list_last(&report.items, struct report_item, node), caret, &arena).p;
}
static struct place at(unsigned line, unsigned col, unsigned width)
{
    return (struct place){ "a.conf", line, col, width };
}

START_TEST(shape)
{
    report_add(&report, true, at(12, 9, 4), STR("        paht = \"/\";"), "unknown key \"%s\"",
               "paht");
    ck_assert_str_eq(last_text(true), "a.conf:12:9: error: unknown key \"paht\"\n"
                                      "   12 |         paht = \"/\";\n"
                                      "      |         ^~~~\n");
    ck_assert_str_eq(last_text(false), "a.conf:12:9: error: unknown key \"paht\"\n");
    ck_assert_uint_eq(report.errors, 1);
    ck_assert_uint_eq(report.warnings, 0);
}
END_TEST

START_TEST(without_place)
{
    report_add(&report, false, (struct place){ .file = "a.conf" }, STR_EMPTY, "hm");
    ck_assert_str_eq(last_text(true), "a.conf: warning: hm\n");
    report_add(&report, true, (struct place){ .file = NULL }, STR_EMPTY, "hm");
    ck_assert_str_eq(last_text(true), "error: hm\n");
    report_add(&report, true, (struct place){ "b", 3, 0, 0 }, STR("xyz"), "hm");
    ck_assert_str_eq(last_text(true), "b:3: error: hm\n    3 | xyz\n");
    ck_assert_uint_eq(report.warnings, 1);
}
END_TEST

START_TEST(note)
{
    report_note(&report, at(1, 1, 1), STR("a"), "about nothing");
    report_add(&report, true, at(2, 1, 1), STR("b = 2;"), "twice");
    report_note(&report, (struct place){ "b.conf", 1, 3, 5 }, STR("  b = 1;"), "the %s", "first");
    ck_assert_str_eq(last_text(true), "a.conf:2:1: error: twice\n"
                                      "    2 | b = 2;\n"
                                      "      | ^\n"
                                      "b.conf:1:3: note: the first\n"
                                      "    1 |   b = 1;\n"
                                      "      |   ^~~~~\n");
    ck_assert_str_eq(last_text(false), "a.conf:2:1: error: twice (b.conf:1:3: the first)\n");
    /* a muted report has no note, nor the one before it */
    report_add(&report, false, at(3, 1, 1), STR("c"), "alone");
    report.muted = true;
    report_add(&report, true, at(4, 1, 1), STR("d"), "muted");
    report_note(&report, at(1, 1, 1), STR("a"), "of the muted");
    ck_assert_str_eq(last_text(false), "a.conf:3:1: warning: alone\n");
}
END_TEST

START_TEST(columns)
{
    report_add(&report, true, at(1, 3, 1), STR("\t\tx"), "t");
    ck_assert_str_eq(last_text(true), "a.conf:1:3: error: t\n    1 | \t\tx\n      | \t\t^\n");
    /* "ü" has two bytes and one column on the screen, under the caret as well */
    report_add(&report, true, at(1, 4, 4), STR("\xC3\xBC \xC3\xBC\xC3\xBC x"), "u");
    ck_assert_str_eq(last_text(true), "a.conf:1:4: error: u\n    1 | \xC3\xBC \xC3\xBC\xC3\xBC x\n"
                                      "      |   ^~\n");
    /* behind the end of the line */
    report_add(&report, true, at(1, 4, 9), STR("abc"), "e");
    ck_assert_str_eq(last_text(true), "a.conf:1:4: error: e\n    1 | abc\n      |    ^\n");
}
END_TEST

START_TEST(no_control_reaches_the_terminal)
{
    report_add(&report, true, at(1, 1, 1), str_make("\033[31m\xFF\xC2\x9B\0z", 10), "%s",
               "\033]0;x\a");
    const char *text = last_text(true);
    ck_assert_ptr_null(strchr(text, '\033'));
    ck_assert_ptr_null(strchr(text, '\a'));
    ck_assert_ptr_null(strchr(text, '\xFF'));
    ck_assert_ptr_null(strstr(text, "\xC2\x9B"));
    ck_assert_ptr_nonnull(strstr(text, "?[31m???z\n"));
}
END_TEST

START_TEST(long_line)
{
    char *line = malloc(100000);
    memset(line, 'a', 100000);
    line[70000] = 'B';
    report_add(&report, true, at(1, 70001, 1), str_make(line, 100000), "m");
    const char *text = last_text(true);
    ck_assert_uint_lt(strlen(text), 400);
    const char *hit = strchr(text, 'B'), *caret = strchr(text, '^');
    ck_assert(hit != NULL && caret != NULL);
    const char *line2 = strchr(text, '\n') + 1, *line3 = strchr(line2, '\n') + 1;
    ck_assert_int_eq(hit - line2, caret - line3);
    free(line);
}
END_TEST

START_TEST(sorted)
{
    static const struct place places[] = {
        { "m", 9, 1, 1 }, { "i", 2, 2, 1 }, { "m", 1, 5, 1 },
        { "m", 1, 2, 1 }, { "i", 2, 1, 1 }, { "m", 0, 0, 1 },
    };
    for (size_t i = 0; i < array_len(places); i++)
        report_add(&report, true, places[i], STR_EMPTY, "%zu", i);
    report_add(&report, true, places[3], STR_EMPTY, "6");
    report_sort(&report);
    char order[16];
    size_t n = 0;
    list_each (item, &report.items, struct report_item, node)
        order[n++] = item->text.p[0];
    order[n] = '\0';
    ck_assert_str_eq(order, "5362041");
}
END_TEST

START_TEST(without_memory)
{
    struct arena small;
    arena_init(&small, 1024);
    report_init(&report, &small);
    for (int i = 0; i < 100; i++)
        report_add(&report, true, at(1, 1, 1), STR("some line of text"), "some message %d", i);
    ck_assert(report.dropped);
    ck_assert_uint_eq(report.errors, 100);
    report_sort(&report);
    arena_done(&small);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, shape);
    tcase_add_test(t, without_place);
    tcase_add_test(t, note);
    tcase_add_test(t, columns);
    tcase_add_test(t, no_control_reaches_the_terminal);
    tcase_add_test(t, long_line);
    tcase_add_test(t, sorted);
    tcase_add_test(t, without_memory);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
