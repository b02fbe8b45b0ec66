/*
 * scan_test.c - the scan against libconfig itself: what passes the scan, libconfig reads the same
 * way, node by node (file_parse() compares); and each trap of libconfig is caught, at its place.
 */
#include "config/file.h"
#include "unit/config/kinds.h"
#include "unit/config/tree.h"

static struct file file;

/* 0: read without an error; else errors were reported, whether or not a tree is there. */
static int parse(const char *text)
{
    report_init(&tree_report, &tree_arena);
    memset(&file, 0, sizeof file);
    ck_assert_int_eq(text_from_bytes(&file.source, "t", str_of(text)), 0);
    int r = file_parse(&file, &tree_report);
    ck_assert(r == 0 || (r == -EINVAL && tree_report.errors > 0));
    return tree_report.errors > 0 ? -EINVAL : r;
}

static void good(const char *text)
{
    ck_assert_msg(parse(text) == 0, "%s\n%s", text, tree_messages());
    file_done(&file);
}

/* The first message begins with `message` ("LINE:COL text"). */
static void bad(const char *text, const char *message)
{
    ck_assert_msg(parse(text) == -EINVAL, "%s", text);
    const char *got = tree_messages();
    ck_assert_msg(strncmp(got, message, strlen(message)) == 0, "%s\nexpected: %s\ngot: %s", text,
                  message, got);
    file_done(&file);
}

START_TEST(accepted)
{
    good("");
    good("  # only a comment");
    good("a = 1; // which ends with the file");
    good("a = 1");
    good("a=1;b:2,c = 3\nd = 4 e = -5; f = +6; g = 0;");
    good("a = 1.5; b = -0.5e3; c = 2.; d = true; e = FALSE; f = \"\";");
    good("a: { }; b = ( ); c = [ ]; d: { e: { f = ( [ 1, 2 ], { g = 1 }, \"x\" ) } }");
    good("a = \"x\"\n\"y\"\n  \"z\";");
    good("a = \"\\n\\r\\t\\f\\\\\\\"\\x41\\xfF\"; b = \"# // /* @include\";");
    good("/* a = { */ a = 1; // b = [\n# c = \"\nd = 2 /**/; /***/");
    good("* = 1; *a-b_c* = 2; A1 = 3; truex = true; false-1 = false;");
    good("a = [ \"x\", \"y\" ]; b = [ 1, 2 ]; c = [ true, false ]; d = [ 1.5, 2.5 ];");
    good("a\n:\n{\nb\n=\n1\n}\n");
    good("a = ((((((((((((((((1))))))))))))))));");
}
END_TEST

START_TEST(tree)
{
    ck_assert_int_eq(parse("a = \"x\"\n\"y\"; b: { c = ( 1, { d = true } ); e = 2 }\nf = [ ];"), 0);
    struct setting root = file_root(&file), b, c, d;
    ck_assert_uint_eq(root.node->n, 3);
    struct setting a = setting_first(root);
    ck_assert(str_eq(setting_text(a), STR("xy")));
    ck_assert(str_eq(setting_token(a), STR("\"x\"")));
    b = setting_next(a);
    ck_assert(str_eq(setting_name(b), STR("b")));
    ck_assert(setting_is(b, NODE_GROUP));
    c = setting_get(b, STR("c"));
    ck_assert_uint_eq(c.node->n, 2);
    d = setting_get(setting_next(setting_first(c)), STR("d"));
    ck_assert(setting_is(d, NODE_BOOL));
    ck_assert_uint_eq(setting_place(d, AT_NAME).col, 22);
    ck_assert_uint_eq(setting_place(d, AT_VALUE).col, 26);
    ck_assert_uint_eq(setting_place(setting_first(c), AT_NAME).col, 17); /* an element's value */
    ck_assert_ptr_null(setting_next(d).node);
    ck_assert_ptr_null(setting_get(b, STR("d")).node);
    ck_assert_ptr_null(setting_get(a, STR("d")).node);
    struct setting f = setting_next(b);
    ck_assert_uint_eq(setting_place(f, AT_NAME).line, 3);
    ck_assert_ptr_null(setting_first(f).node);
    ck_assert_ptr_null(setting_next(f).node);
    file_done(&file);
    file_done(NULL);
}
END_TEST

/* ---- the traps of libconfig */

START_TEST(trap_include)
{
    bad("@include \"x\"", "1:1 @include is not supported");
    bad("a = 1;\n \t@include \"/\"", "2:3 @include is not supported");
    bad("a: {\n@include \"/etc\"\n}", "2:1 @include is not supported");
    bad("a = 1; @include \"x\"", "1:8 @include is not supported");
    bad("a = (\n@include \"x\"\n)", "2:1 @include is not supported");
    bad("/* */@include \"/\"", "1:6 @include is not supported");
    bad("@x", "1:1 \"@\" can only stand within quotes");
    /* harmless: libconfig acts on it neither in a comment nor in a string */
    good("# @include \"/\"\n/*\n@include \"/\"\n  @include \"/nowhere\"\n*/ a = 1;");
    good("a = \"@include \\\"/\\\"\";\nb =\n\"@include\";");
}
END_TEST

START_TEST(trap_strings)
{
    bad("a = [ \"x\" \"y\" ];", "1:11 missing comma between strings");
    bad("a = [ \"x\"\n \"y\", \"z\" \"w\" ];", "2:2 missing comma between strings\n2:11 missing");
    bad("a = ( \"x\" \"y\" );", "1:11 missing comma between strings");
    bad("a = [ 1 2 ];", "1:9 missing comma between the values");
    bad("a = \"x;\nb = 1;", "1:5 this string is not closed on its line");
    bad("a = \"x;\r\nb = 1;", "1:5 this string is not closed on its line");
    bad("a = \"x", "1:5 this string is not closed on its line");
    bad("a = \"x\\", "1:5 this string is not closed on its line");
    bad("a = \"x\\\"", "1:5 this string is not closed on its line");
    bad("a = \"x\\\ny\"", "1:5 this string is not closed on its line");
    bad("a = \"\\x00\"", "1:6 no string may hold a NUL byte");
    bad("a = \"\\x4\"", "1:6 \\x needs two hexadecimal digits");
    bad("a = \"\\.php\"", "1:6 unknown escape");
    bad("a = \"\\a\"", "1:6 unknown escape");
}
END_TEST

START_TEST(trap_commas)
{
    bad("a = [ 1, ];", "1:8 no comma may stand behind the last value");
    bad("a = ( { }, );", "1:10 no comma may stand behind the last value");
    bad("a = [ , ];", "1:7 a value should stand here");
    bad("a = [ 1,, 2 ];", "1:9 a value should stand here");
    bad("a = [ 1; 2 ];", "1:8 values in a list are separated by");
    bad("a = ( b = 1 );", "1:7 what has a name stands in a group");
}
END_TEST

START_TEST(trap_numbers)
{
    bad("a = 0644;", "1:5 0644 begins with 0");
    bad("a = -01;", "1:5 -01 begins with 0");
    bad("a = 0x1F;", "1:5 0x1F: numbers are written in decimal");
    bad("a = 0b101;", "1:5 0b101: numbers are written in decimal");
    bad("a = 10L;",
        "1:5 this is no plain number; with a unit, or as text, it needs quotes: \"10L\"");
    bad("a = 10m;",
        "1:5 this is no plain number; with a unit, or as text, it needs quotes: \"10m\"");
    bad("a = 10m = 5;", "1:5 this is no plain number"); /* libconfig: a = 10, m = 5 */
    bad("a = 1.5e;", "1:5 this is no plain number");
    bad("a = 1.2.3;", "1:5 this is no plain number");
    bad("a = .5;", "1:5 this is no plain number");
    bad("a = +;", "1:5 text needs quotes");
    bad("a = 50%;",
        "1:5 this is no plain number; with a unit, or as text, it needs quotes: \"50%\"");
    bad("a = 10.0.0.1:80;",
        "1:5 this is no plain number; with a unit, or as text, it needs quotes: \"10.0.0.1:80\"");
    /* that it is out of range, the binder says: bind_test.c */
    ck_assert_int_eq(parse("a = 99999999999999999999;"), 0);
    ck_assert(str_eq(setting_token(setting_first(file_root(&file))), STR("99999999999999999999")));
    file_done(&file);
}
END_TEST

START_TEST(trap_booleans)
{
    static const char *const words[] = { "yes", "no", "on", "off", "Yes", "OFF" };
    for (size_t i = 0; i < array_len(words); i++)
        bad(arena_printf(&tree_arena, "a = %s;", words[i]).p, "1:5 write ");
    bad("a = nope;", "1:5 text needs quotes: \"nope\"");
    bad("a = /srv/www;", "1:5 text needs quotes: \"/srv/www\"");
    bad("true = 1;", "1:1 \"true\" is a value");
}
END_TEST

START_TEST(trap_duplicates)
{
    bad("a = 1;\nb = 2;\na = 3;", "3:1 there is another \"a\" in this group, at t:1:1");
    bad("g: { a = 1; a: { } }", "1:13 there is another \"a\" in this group");
    good("a: { a: { a = 1; } b: { a = 2; } }");
}
END_TEST

START_TEST(trap_nesting)
{
    bad("a = (((((((((((((((((1)))))))))))))))));", "1:21 nested deeper than 16 levels");
    char deep[60001];
    memset(deep, '(', sizeof deep);
    memcpy(deep, "a=", 2);
    deep[60000] = '\0';
    bad(deep, "1:19 nested deeper than 16 levels");
}
END_TEST

START_TEST(balance)
{
    bad("a: {", "1:4 this \"{\" is never closed");
    bad("a: { b = [ 1, 2", "1:10 this \"[\" is never closed");
    bad("a: { b = [ 1, 2 }", "1:10 this \"[\" needs a \"]\" before the next \"}\", at t:1:17");
    bad("a = ( 1 ]", "1:5 this \"(\" needs a \")\" before");
    bad("a = 1; }", "1:8 this \"}\" closes nothing");
    bad("a: {\n  b: {\n    c = 1;\n  d: {\n  }\n}\n", "2:6 a closing \"}\" is missing");
    bad("a = 1; /* b", "1:8 this comment is never closed");
    bad("/*/", "1:1 this comment is never closed");
}
END_TEST

START_TEST(structure)
{
    bad("a", "1:1 \"=\" or \":\" is missing behind \"a\"");
    bad("a { }", "1:1 \"=\" or \":\" is missing");
    bad("a.b = 1", "1:1 a.b cannot be a name");
    bad("a = ;", "1:1 \"a\" has no value");
    bad("a =", "1:1 \"a\" has no value");
    bad("a =\nb = 1;", "1:1 \"a\" has no value");
    bad("a: { b = }", "1:6 \"b\" has no value");
    bad("a = = 1", "1:5 one \"=\"");
    bad(";", "1:1 one \";\" too many");
    bad("a = 1;;", "1:7 one \";\" too many");
    bad("\"a\" = 1;", "1:1 a name stands without quotes: a");
    bad("404: { }", "1:1 a name should stand here, not \"404\"; names have");
    bad("{ }", "1:1 the file begins with a name");
    bad("_a = 1;", "1:1 a name should stand here, not \"_a\"");
    bad("a = \xE2\x82\xAC;", "1:5 text needs quotes: \"\xE2\x82\xAC\"");
    bad("\xE2\x82\xAC = 1;", "1:1 a name should stand here");
    bad("a = [ { } ];", "1:7 [ ] holds plain values only");
    bad("a = [ 1, \"x\" ];", "1:10 all values in [ ] must be of the type of the first");
    bad("a = [ 1, 1.5 ];", "1:10 all values in [ ]");
}
END_TEST

/* They are read piece by piece, and name by name compared with each other. */
START_TEST(many_members)
{
    enum { N = 20000 };
    char *text = malloc(MIB(1)), name[16];
    size_t n = 0;

    ck_assert(text != NULL);
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, "a%d = \"%d\\n\"; # %d\n", i, i, i);
    ck_assert_int_eq(parse(text), 0);
    struct setting s = setting_first(file_root(&file));
    for (int i = 0; i < N; i++, s = setting_next(s)) {
        n = (size_t)sprintf(name, "%d\n", i);
        ck_assert(str_eq(setting_text(s), str_make(name, n)));
    }
    ck_assert_ptr_null(s.node);
    file_done(&file);
    strcat(text, "a17 = 1; a3 = 2;");
    bad(text, "20001:1 there is another \"a17\" in this group, at t:18:1\n"
              "20001:10 there is another \"a3\" in this group, at t:4:1");
    free(text);
}
END_TEST

/* What is too large for one piece, in each other. */
START_TEST(large_values)
{
    char *text = malloc(MIB(2));
    size_t n = 0;

    ck_assert(text != NULL);
    n += (size_t)sprintf(text + n, "first = 1; large: { l = ( // of groups\n");
    for (int g = 0; g < 500; g++) {
        n += (size_t)sprintf(text + n, "%s{ g = \"%d\"\n\"\"; a = [ \"x",
                             g ? " /* , */ , # ,\n" : "", g);
        n += (size_t)sprintf(text + n, "%0*d\" ]; m: ( ( ", g == 250 ? 50000 : 5, 0);
        for (int i = 0; i < (g % 100 == 0 ? 201 : 2); i++)
            n += (size_t)sprintf(text + n, "%s1.%d", i ? "," : "", i);
        n += (size_t)sprintf(text + n, " ) # )\n, {}, [ ] ) }");
    }
    sprintf(text + n, "\n ) }, last = \"\\\\\"; # end");
    ck_assert_int_eq(parse(text), 0);
    struct setting root = file_root(&file);
    struct setting s = setting_first(setting_get(setting_get(root, STR("large")), STR("l")));
    for (int g = 0; g < 500; g++, s = setting_next(s)) {
        char name[16];
        n = (size_t)sprintf(name, "%d", g);
        ck_assert(str_eq(setting_text(setting_get(s, STR("g"))), str_make(name, n)));
        struct setting m = setting_get(s, STR("m"));
        ck_assert_uint_eq(setting_first(m).node->n, g % 100 == 0 ? 201 : 2);
        ck_assert_uint_eq(m.node->n, 3);
    }
    ck_assert_ptr_null(s.node);
    ck_assert(str_eq(setting_text(setting_get(root, STR("last"))), STR("\\")));
    file_done(&file);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scan");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, tree_begin, tree_end);
    tcase_add_test(t, accepted);
    tcase_add_test(t, tree);
    tcase_add_test(t, trap_include);
    tcase_add_test(t, trap_strings);
    tcase_add_test(t, trap_commas);
    tcase_add_test(t, trap_numbers);
    tcase_add_test(t, trap_booleans);
    tcase_add_test(t, trap_duplicates);
    tcase_add_test(t, trap_nesting);
    tcase_add_test(t, balance);
    tcase_add_test(t, structure);
    tcase_add_test(t, many_members);
    tcase_add_test(t, large_values);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return tree_main(s);
}
