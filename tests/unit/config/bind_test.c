/* bind_test.c - one group into a struct: defaults, each type, ranges, what errors say. */
#include "config/bind.h"

#include <stdatomic.h>

#include "base/check.h"
#include "config/options.h"
#include "unit/config/kinds.h"
#include "unit/config/tree.h"

static struct greet g;
static struct file file;

/* Binds the members of `text` by greet's table. */
static unsigned bind_text(const char *text, const char *const *more)
{
    report_init(&tree_report, &tree_arena);
    memset(&file, 0, sizeof file);
    ck_assert_int_eq(text_from_bytes(&file.source, "t", str_of(text)), 0);
    ck_assert_int_eq(file_parse(&file, &tree_report), 0);
    ck_assert_int_eq(
        bind_group(file_root(&file), &tree_report, greet_options, more, NULL, &g, &tree_arena), 0);
    file_done(&file);
    return tree_report.errors;
}

static void says(const char *text, const char *message)
{
    char whole[256];

    ck_assert_uint_eq(bind_text(text, NULL), 1);
    snprintf(whole, sizeof whole, "%s\n", message);
    ck_assert_str_eq(tree_messages(), whole);
}

START_TEST(defaults)
{
    ck_assert_uint_eq(bind_text("to = \"x\";", NULL), 0);
    ck_assert(str_eq(g.to, STR("x")));
    ck_assert_ptr_null(g.file.p);
    ck_assert_int_eq(g.times, 1);
    ck_assert_int_eq(g.style, 1);
    ck_assert_int_eq(g.delay, NSEC_PER_SEC);
    ck_assert_int_eq(g.size, 1024);
    ck_assert(!g.loud);
    ck_assert_uint_eq(g.words.n, 1);
    ck_assert(str_eq(g.words.v[0], STR("hello")));
}
END_TEST

START_TEST(values)
{
    ck_assert_uint_eq(
        bind_text("to = \"a\\n\\x42\"\n\"c\"; file = \"\"; times = +7; style = \"warm\";"
                  "delay = \"2m\"; size = \"3K\"; loud = TRUE;"
                  "words = [ \"a\", \"\" ];",
                  NULL),
        0);
    ck_assert(str_eq(g.to, STR("a\nBc")));
    ck_assert_int_eq(g.to.p[g.to.n], '\0');
    ck_assert(g.file.p != NULL && g.file.n == 0); /* set, and empty */
    ck_assert_int_eq(g.times, 7);
    ck_assert_int_eq(g.style, 2);
    ck_assert_int_eq(g.delay, 120 * NSEC_PER_SEC);
    ck_assert_int_eq(g.size, 3072);
    ck_assert(g.loud);
    ck_assert_uint_eq(g.words.n, 2);
    ck_assert(str_eq(g.words.v[0], STR("a")));
    ck_assert(g.words.v[1].p != NULL && g.words.v[1].n == 0);

    ck_assert_uint_eq(bind_text("to = \"x\"; words = \"one\"; loud = False; times = 100;", NULL),
                      0);
    ck_assert_uint_eq(g.words.n, 1);
    ck_assert(!g.loud);
    ck_assert_uint_eq(bind_text("to = \"x\"; words = ( \"a\", \"b\", \"c\" );", NULL), 0);
    ck_assert_uint_eq(g.words.n, 3);
    ck_assert_uint_eq(bind_text("to = \"x\"; words = [ ];", NULL), 0);
    ck_assert_uint_eq(g.words.n, 0);
}
END_TEST

/* What is nearly a time or a size is shown as it should be; what is not clear is not. */
START_TEST(nearly)
{
    static const struct {
        const char *value, *meant;
    } cases[] = {
        { "delay = \"5 minutes\"", "5m" }, { "delay = \"2 hours\"", NULL }, /* out of range */
        { "delay = \"1m 30s\"", "90s" },   { "delay = \"1m30\"", NULL },
        { "delay = \"0.5s\"", "500ms" },   { "delay = \"0.0000001s\"", NULL },
        { "delay = \"1e3\"", NULL },       { "delay = \"-5s\"", NULL },
        { "delay = \"\"", NULL },          { "delay = \"9999999999999999999999 sec\"", NULL },
        { "delay = 1.5", "1500ms" },       { "delay = true", NULL },
        { "size = \"10kB\"", "10K" },      { "size = \"1.5K \"", "1536" },
        { "size = 2048", "2K" },           { "size = \"10MB\"", NULL },
        { "size = \"1M1K\"", NULL },
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct str text = arena_printf(&tree_arena, "to = \"x\"; %s;", cases[i].value);
        struct str hint = arena_printf(&tree_arena, "(did you mean \"%s\"?)",
                                       cases[i].meant ? cases[i].meant : "");
        ck_assert_uint_eq(bind_text(text.p, NULL), 1);
        const char *got = strstr(tree_messages(), "(did you mean");
        ck_assert_msg(cases[i].meant ? got && strncmp(got, hint.p, hint.n) == 0 : got == NULL,
                      "%s: %s", text.p, tree_messages());
    }
}
END_TEST

START_TEST(wrong_types)
{
    says("to = 5;", "1:6 expected a string in quotes, got 5");
    says("to = { };", "1:6 expected a string in quotes, got a group { }");
    says("to = \"x\"; times = \"7\";", "1:19 expected a whole number without quotes, got \"7\"");
    says("to = \"x\"; times = 1.5;", "1:19 expected a whole number, got 1.5");
    says("to = \"x\"; loud = 1;", "1:18 expected true or false without quotes, got 1");
    says("to = \"x\"; delay = 30;",
         "1:19 expected a time such as \"30s\", got 30 (did you mean \"30s\"?)");
    says("to = \"x\"; delay = \"30 sec\";",
         "1:19 expected a time such as \"30s\", got \"30 sec\" (did you mean \"30s\"?)");
    says("to = \"x\"; size = \"1Q\";", "1:18 expected a size such as \"10M\", got \"1Q\"");
    says("to = \"x\"; size = [ 1 ];", "1:18 expected a size such as \"10M\", got an array [ ]");
    says("to = \"x\"; words = 1;", "1:19 expected strings such as [ \"a\", \"b\" ], got 1");
    says("to = \"x\"; words = ( \"a\", 2 );", "1:26 expected a string in quotes, got 2");
    says("to = \"x\"; style = \"polit\";", "1:19 expected \"plain\", \"polite\" or \"warm\", got "
                                           "\"polit\" (did you mean \"polite\"?)");
    says("to = \"x\"; style = true;", "1:19 expected \"plain\", \"polite\" or \"warm\", got true");
}
END_TEST

START_TEST(ranges)
{
    says("to = \"x\"; times = 0;", "1:19 expected a number from 1 to 100, got 0");
    says("to = \"x\"; times = -1;", "1:19 expected a number from 1 to 100, got -1");
    /* libconfig 1.5 reads these as 80, 1 and -1 */
    says("to = \"x\"; times = 4294967376;", "1:19 expected a number from 1 to 100, got 4294967376");
    says("to = \"x\"; times = 18446744073709551617;",
         "1:19 expected a number from 1 to 100, got 18446744073709551617");
    says("to = \"x\"; times = 99999999999999999999;",
         "1:19 expected a number from 1 to 100, got 99999999999999999999");
    says("to = \"x\"; delay = \"2h\";", "1:19 expected a time from 1ms to 1h, got \"2h\"");
    says("to = \"x\"; delay = \"9999999999d\";",
         "1:19 expected a time from 1ms to 1h, got \"9999999999d\"");
    says("to = \"x\"; size = \"0\";", "1:18 expected a size from 1 to 1M, got \"0\"");
    says("to = \"x\"; size = \"2M\";", "1:18 expected a size from 1 to 1M, got \"2M\"");
}
END_TEST

START_TEST(keys)
{
    static const char *const more[] = { "extra", "times", NULL };

    says("", "1:1 \"to\" is missing here");
    says("to = \"x\"; stlye = \"warm\";", "1:11 unknown key \"stlye\" (did you mean \"style\"?)");
    says("to = \"x\"; qqqqq = 1;", "1:11 unknown key \"qqqqq\"; known here: to, file, times, "
                                   "style, delay, size, loud, words");
    /* keys of the caller, even those of the table */
    ck_assert_uint_eq(bind_text("to = \"x\"; extra = 1; times = \"no number\";", more), 0);
    ck_assert_int_eq(g.times, 1);
    ck_assert_uint_eq(bind_text("to = \"x\"; exrta = 1;", more), 1);
    ck_assert_str_eq(tree_messages(), "1:11 unknown key \"exrta\" (did you mean \"extra\"?)\n");
}
END_TEST

START_TEST(all_errors_at_once)
{
    ck_assert_uint_eq(bind_text("times = 0;\nloud = 2;\nwords = [ 1, 2 ];\nx = 1;", NULL), 6);
}
END_TEST

START_TEST(long_values_are_cut)
{
    char text[600] = "times = \"";
    memset(text + strlen(text), 'a', 400);
    strcat(text, "\"; to = \"x\";");
    ck_assert_uint_eq(bind_text(text, NULL), 1);
    ck_assert_uint_lt(strlen(tree_messages()), 160);
}
END_TEST

/* Every table of the config itself: its defaults parse and lie within its ranges. */
START_TEST(own_tables)
{
    _Alignas(16) char into[4096];

    for (const struct config_section *s = config_sections; s->name != NULL; s++) {
        ck_assert_int_eq(option_defaults(s->options, into, &tree_arena), 0);
        ck_assert(s->about != NULL);
        for (const struct option *o = s->options; o->name != NULL; o++) {
            ck_assert(o->about != NULL && o->about[0] != '\0');
            if (o->type != OPTION_INT && o->type != OPTION_TIME && o->type != OPTION_SIZE)
                continue;
            int64_t v = *(int64_t *)(void *)(into + o->offset);
            ck_assert_msg(o->min == o->max || (v >= o->min && v <= o->max), "%s %s", s->name,
                          o->name);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bind");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, tree_begin, tree_end);
    tcase_add_test(t, defaults);
    tcase_add_test(t, values);
    tcase_add_test(t, wrong_types);
    tcase_add_test(t, nearly);
    tcase_add_test(t, ranges);
    tcase_add_test(t, keys);
    tcase_add_test(t, all_errors_at_once);
    tcase_add_test(t, long_values_are_cut);
    tcase_add_test(t, own_tables);
    suite_add_tcase(s, t);
    return tree_main(s);
}
