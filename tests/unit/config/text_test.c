/* text_test.c - reading files: what is refused without hanging, bytes, places. */
#include "config/text.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "unit/config/kinds.h"
#include "unit/config/tree.h"

static struct text text;
static const char *why;

static int read_it(const char *name)
{
    return text_read(&text, tree_path(name), TEXT_FILE_MAX, &why);
}

START_TEST(kinds_of_files)
{
    ck_assert_int_eq(read_it("none"), -ENOENT);
    ck_assert_str_eq(why, "No such file or directory");
    ck_assert_int_eq(read_it("."), -EINVAL);
    ck_assert_str_eq(why, "it is a directory");
    ck_assert_int_eq(mkfifo(tree_path("fifo"), 0600), 0);
    ck_assert_int_eq(read_it("fifo"), -EINVAL); /* and does not wait for a writer */
    ck_assert_str_eq(why, "it is not a regular file");
    ck_assert_int_eq(text_read(&text, "/dev/zero", TEXT_FILE_MAX, &why), -EINVAL);
    ck_assert_int_eq(text_read(&text, "/dev/tty", TEXT_FILE_MAX, &why) < 0, 1);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    strcpy(un.sun_path, tree_path("sock"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    ck_assert_int_lt(read_it("sock"), 0);
    close(fd);
    ck_assert_int_eq(symlink("none", tree_path("link")), 0);
    ck_assert_int_eq(read_it("link"), -ENOENT);
    /* size 0 by stat, yet it has contents */
    ck_assert_int_eq(text_read(&text, "/proc/self/status", TEXT_FILE_MAX, &why), 0);
    ck_assert_uint_gt(text.n, 100);
    text_done(&text);
}
END_TEST

START_TEST(sizes)
{
    tree_write("a", STR("12345"));
    ck_assert_int_eq(text_read(&text, tree_path("a"), 4, &why), -EFBIG);
    ck_assert_int_eq(text_read(&text, tree_path("a"), 5, &why), 0);
    ck_assert_str_eq(text.text, "12345\n"); /* the last line has its end */
    ck_assert_uint_eq(text.n, 6);
    text_done(&text);
    ck_assert_int_eq(truncate(tree_path("a"), TEXT_FILE_MAX), 0);
    ck_assert_int_eq(read_it("a"), 0);
    text_done(&text);
    ck_assert_int_eq(truncate(tree_path("a"), TEXT_FILE_MAX + 1), 0);
    ck_assert_int_eq(read_it("a"), -EFBIG);
    ck_assert_str_eq(why, "it is over 16 MiB");
    tree_write("a", STR(""));
    ck_assert_int_eq(read_it("a"), 0);
    ck_assert_uint_eq(text.n, 0);
    ck_assert_uint_eq(text.n_lines, 1);
    text_done(&text);
    text_done(&text);
    text_done(NULL);
}
END_TEST

static bool good(struct str bytes)
{
    report_init(&tree_report, &tree_arena);
    ck_assert_int_eq(text_from_bytes(&text, "t", bytes), 0);
    bool ok = text_check(&text, &tree_report);
    ck_assert_int_eq(ok, tree_report.errors == 0);
    text_done(&text);
    return ok;
}

START_TEST(bytes)
{
    ck_assert(good(STR("")));
    ck_assert(good(STR("a\tb\r\nc\n")));
    ck_assert(good(STR("\xEF\xBB\xBF"
                       "a")));
    ck_assert(good(STR("\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF")));
    static const struct str bad[] = {
        { "a\0b", 3 },
        { "\a", 1 },
        { "\x7F", 1 },
        { "a\rb", 3 },
        { "\f", 1 },
        { "\xFF", 1 },
        { "\xC3", 1 },
        { "\xC0\x80", 2 },
        { "\xE0\x80\x80", 3 },
        { "\xED\xA0\x80", 3 },
        { "\xF4\x90\x80\x80", 4 },
        { "\xF0\x9F\x98", 3 },
        { "\x80", 1 },
        { "\xE2\x28\xA1", 3 },
        { "\xF5\x80\x80\x80", 4 },
    };
    for (size_t i = 0; i < array_len(bad); i++)
        ck_assert_msg(!good(bad[i]), "bytes %zu", i);
    ck_assert(!good(STR("a\nbc\ad")));
    ck_assert_str_eq(tree_messages(), "2:3 control character 0x07\n");
    char many[200];
    memset(many, '\a', sizeof many);
    ck_assert(!good(str_make(many, sizeof many)));
    ck_assert_uint_eq(tree_report.errors, 10); /* enough is enough */
}
END_TEST

START_TEST(places)
{
    ck_assert_int_eq(text_from_bytes(&text, "d/t",
                                     STR("\xEF\xBB\xBF"
                                         "ab\r\n\ncd")),
                     0);
    ck_assert_str_eq(text.name, "d/t");
    ck_assert(str_eq(text.dir, STR("d")));
    ck_assert_uint_eq(text.n_lines, 4); /* the last is empty */
    struct place p = text_place(&text, 1, 2);
    ck_assert_uint_eq(p.line, 1);
    ck_assert_uint_eq(p.col, 2);
    ck_assert_uint_eq(p.width, 2);
    p = text_place(&text, 6, 0);
    ck_assert_uint_eq(p.line, 3);
    ck_assert_uint_eq(p.col, 2);
    ck_assert_uint_eq(p.width, 1);
    ck_assert(str_eq(text_line(&text, 1), STR("ab")));
    ck_assert(str_eq(text_line(&text, 2), STR("")));
    ck_assert(str_eq(text_line(&text, 3), STR("cd")));
    ck_assert(str_eq(text_line(&text, 4), STR("")));
    ck_assert_ptr_null(text_line(&text, 5).p);
    ck_assert_ptr_null(text_line(&text, 0).p);
    text_done(&text);
    ck_assert_int_eq(text_from_bytes(&text, "/t", STR("")), 0);
    ck_assert(str_eq(text.dir, STR("")));
    text_done(&text);
    ck_assert_int_eq(text_from_bytes(&text, "t", STR("")), 0);
    ck_assert(str_eq(text.dir, STR(".")));
    text_done(&text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("text");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, tree_begin, tree_end);
    tcase_add_test(t, kinds_of_files);
    tcase_add_test(t, sizes);
    tcase_add_test(t, bytes);
    tcase_add_test(t, places);
    suite_add_tcase(s, t);
    return tree_main(s);
}
