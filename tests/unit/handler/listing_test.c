/*
 * listing_test.c - what of a directory is listed, in which order, and as which bytes. Each test has
 * a directory of its own, "root" in it, and ends with as many open descriptors as it began with.
 * One thread.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/listing.h"
#include "support/fake_exchange.h"

#define CHANGED 1600000000 /* mtime of the files; 2020-09-13T12:26:40Z */

static char top[64];
static int root;
static struct tree tree;
static struct listing l;
static struct buf out;
static unsigned fds_before;

static unsigned open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void make_file(const char *name, off_t size)
{
    const struct timespec times[2] = { { CHANGED, 5 }, { CHANGED, 5 } };
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, size), 0);
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
}

static void touch(const char *name, int64_t seconds)
{
    const struct timespec times[2] = { { seconds, 0 }, { seconds, 0 } };

    ck_assert_int_eq(utimensat(root, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_dir(const char *name)
{
    ck_assert_int_eq(mkdirat(root, name, 0755), 0);
    touch(name, CHANGED);
}

static void make_link(const char *to, const char *name)
{
    ck_assert_int_eq(symlinkat(to, root, name), 0);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void setup(void)
{
    char path[100];

    fds_before = open_fds();
    strcpy(top, "/tmp/muxd-listing-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(path, sizeof path, "%s/root", top);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root, 0);
    tree = (struct tree){ .root_fd = root };
    l = (struct listing){ .path = STR("/"), .dir = STR(""), .tree = &tree };
    buf_init(&out, LISTING_MAX);
}

static void teardown(void)
{
    close(root);
    buf_done(&out);
    nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_uint_eq(open_fds(), fds_before);
}

/* The listing as text, of "root" or of `dir` in it. */
static const char *list(void)
{
    int fd = l.dir.n == 0 ? root : openat(root, l.dir.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    buf_done(&out);
    ck_assert_int_eq(listing_make(&l, fd, &out), 0);
    ck_assert_uint_le(buf_len(&out), LISTING_MAX);
    ck_assert_int_eq(buf_add(&out, "", 1), 0);
    if (fd != root)
        close(fd);
    return buf_at(&out);
}

static void has(const char *what)
{
    ck_assert_msg(strstr(list(), what) != NULL, "no %s in\n%s", what, buf_at(&out));
}

static void lacks(const char *what)
{
    ck_assert_msg(strstr(list(), what) == NULL, "%s in\n%s", what, buf_at(&out));
}

static unsigned count(const char *text, const char *what)
{
    size_t size = strlen(what);
    unsigned n = 0;

    /* Not strstr(), which in sanitizer builds looks at the whole rest of the text each time. */
    for (const char *at = text; (at = strchr(at, what[0])) != NULL; at++)
        n += strncmp(at, what, size) == 0;
    return n;
}

/* The links of the page, or of the JSON, in order, with blanks between. */
static const char *links(void)
{
    static char text[1000];
    const char *before = l.json ? "\"href\":\"" : "row\"><a href=\"";
    size_t n = 0;

    text[0] = '\0';
    for (const char *at = list(); (at = strstr(at, before)) != NULL;) {
        at += strlen(before);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n ? " " : "",
                              (int)strcspn(at, "\""), at);
    }
    return text;
}

/* ---- names */

/* A name, its link, how it is shown, and its string of JSON. */
static const struct {
    const char *name, *link, *shown, *json;
} names[] = {
    { "a.txt", "a.txt", "a.txt", "a.txt" },
    { "a b", "a%20b", "a b", "a b" },
    { "  two", "%20%20two", "\xe2\x90\xa3\xe2\x90\xa3two", "  two" },
    { " ", "%20", "\xe2\x90\xa3", " " },
    { "x  y ", "x%20%20y%20", "x  y\xe2\x90\xa3", "x  y " },
    { "\"q\"'", "%22q%22%27", "\"q\"'", "\\\"q\\\"'" },
    { "<b>&amp;", "%3Cb%3E%26amp%3B", "&lt;b&gt;&amp;amp;", "<b>&amp;" },
    { "100%", "100%25", "100%", "100%" },
    { "%2e%2e", "%252e%252e", "%2e%2e", "%2e%2e" },
    { "a?b#c", "a%3Fb%23c", "a?b#c", "a?b#c" },
    { "javascript:alert(1)", "javascript%3Aalert%281%29", "javascript:alert(1)",
      "javascript:alert(1)" },
    { "back\\slash", "back%5Cslash", "back\\slash", "back\\\\slash" },
    { "\xc3\xa4", "%C3%A4", "\xc3\xa4", "\xc3\xa4" },
    { "line\nfeed\t", "line%0Afeed%09",
      "line\xe2\x90\x8a"
      "feed\xe2\x90\x89",
      "line\\u000afeed\\u0009" },
    { "esc\x1b[m\x7f", "esc%1B%5Bm%7F", "esc\xe2\x90\x9b[m\xe2\x90\xa1", "esc\\u001b[m\\u007f" },
    { "c1\xc2\x9b", "c1%C2%9B", "c1\xef\xbf\xbd", "c1\\u009b" },
    { "bad\xff\xc0\xaf", "bad%FF%C0%AF", "bad\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
      "bad\\ufffd\\ufffd\\ufffd" },
    { "x\xe2\x80\xaegpj.exe", "x%E2%80%AEgpj.exe", "x\xef\xbf\xbdgpj.exe", "x\xe2\x80\xaegpj.exe" },
    { "x\xe2\x81\xa6y", "x%E2%81%A6y", "x\xef\xbf\xbdy", "x\xe2\x81\xa6y" },
    { "x\xe2\x80\x8by", "x%E2%80%8By", "x\xe2\x80\x8by", "x\xe2\x80\x8by" },
};

START_TEST(hostile)
{
    char want[300];

    make_file(names[_i].name, 3);
    snprintf(want, sizeof want, "<a href=\"%s\"><bdi>%s</bdi></a></th><td title=\"3 bytes\">3 B<",
             names[_i].link, names[_i].shown);
    has(want);
    l.json = true;
    snprintf(want, sizeof want,
             "\n{\"name\":\"%s\",\"href\":\"%s\",\"type\":\"file\",\"size\":3,"
             "\"modified\":\"2020-09-13T12:26:40Z\"}]",
             names[_i].json, names[_i].link);
    has(want);

    /* The same as a directory one is in. */
    char dir[100];
    l.json = false;
    ck_assert_int_eq(unlinkat(root, names[_i].name, 0), 0);
    make_dir(names[_i].name);
    snprintf(want, sizeof want, "<a href=\"%s/\"><bdi>%s</bdi>/</a></th><td></td>", names[_i].link,
             names[_i].shown);
    has(want);
    snprintf(dir, sizeof dir, "/%s/", names[_i].name);
    l.path = str_of(dir);
    l.dir = str_from(l.path, 1);
    if (strchr(names[_i].name, ' ') == NULL) {
        snprintf(want, sizeof want, "<title>/%s/</title>", names[_i].shown);
        has(want);
    }
    snprintf(want, sizeof want, "<h1><a href=\"../\"><bdi>/</bdi></a><wbr><bdi>%s</bdi>/</h1>",
             names[_i].shown);
    has(want);
}
END_TEST

START_TEST(longest)
{
    char name[256];

    for (int c = 0; c < 2; c++) {
        memset(name, c ? '\x01' : '&', 255);
        name[255] = '\0';
        make_file(name, 0);
    }
    ck_assert_uint_eq(count(list(), "%01"), 255);
    ck_assert_uint_eq(count(buf_at(&out), "&amp;&"), 254);
}
END_TEST

/* ---- what is listed */

START_TEST(shown)
{
    int secret = openat(root, "../secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    close(secret);
    make_file("a", 1);
    make_file(".env", 1);
    make_file("..b", 1);
    make_dir(".git");
    make_dir(".well-known");
    make_dir("d");
    make_link("a", "in");
    make_link("d", "dir");
    make_link("../secret", "out");
    make_link("/etc/passwd", "abs");
    make_link("..", "up");
    make_link("none", "broken");
    make_link("loop", "loop");
    make_link("../a", "d/up");
    make_link("../../secret", "d/out");
    ck_assert_int_eq(mkfifoat(root, "fifo", 0644), 0);
    ck_assert_str_eq(links(), ".well-known/ d/ dir/ a in");
    tree.symlinks = SYMLINKS_NEVER;
    ck_assert_str_eq(links(), ".well-known/ d/ a");
    tree.symlinks = SYMLINKS_ANY;
    ck_assert_str_eq(links(), ".well-known/ d/ dir/ up/ a abs in out");
    l.dotfiles = true;
    tree.symlinks = SYMLINKS_NEVER;
    ck_assert_str_eq(links(), ".git/ .well-known/ d/ ..b .env a");

    tree.symlinks = SYMLINKS_INSIDE;
    l.path = STR("/s/d/");
    l.dir = STR("d/");
    ck_assert_str_eq(links(), "../ up");
    has("<h1><a href=\"../\"><bdi>/s/</bdi></a><wbr><bdi>d</bdi>/</h1>");
    l.json = true;
    ck_assert_str_eq(links(), "up");
    has("{\"path\":\"/s/d/\",\"entries\":[\n");
    tree.symlinks = SYMLINKS_NEVER;
    ck_assert_str_eq(list(), "{\"path\":\"/s/d/\",\"entries\":[],\"truncated\":false}\n");
}
END_TEST

START_TEST(empty)
{
    has("<p>There is nothing to show in this directory.</p>");
    lacks("<table>");
    lacks("../");
    make_dir("d");
    l.path = STR("/d/");
    l.dir = STR("d/");
    has("<p><a href=\"../\">../</a></p>");
}
END_TEST

START_TEST(deep)
{
    ck_assert_int_eq(mkdirat(root, "a", 0755), 0);
    ck_assert_int_eq(mkdirat(root, "a/b", 0755), 0);
    l.path = STR("/a/b/");
    l.dir = STR("a/b/");
    has("<h1><a href=\"../../\"><bdi>/</bdi></a><wbr><a href=\"../\"><bdi>a</bdi></a>/<wbr>"
        "<bdi>b</bdi>/</h1>");
}
END_TEST

/* ---- the order */

START_TEST(order)
{
    make_file("a10", 5);
    make_file("a2", 5);
    make_file("A3", 1);
    make_file("a02", 7);
    make_file("a", 0);
    make_file("a99999999999999999999999", 0);
    make_file("b", 3);
    make_file("10", 0);
    make_file("9", 0);
    make_dir("z");
    make_dir("y");
    touch("b", CHANGED - 1);
    touch("y", CHANGED + 1);
    touch("10", CHANGED + 1);
    ck_assert_str_eq(links(), "y/ z/ 9 10 a a02 a2 A3 a10 a99999999999999999999999 b");
    l.descending = true;
    ck_assert_str_eq(links(), "z/ y/ b a99999999999999999999999 a10 A3 a2 a02 a 10 9");
    l.sort = LISTING_SIZE;
    ck_assert_str_eq(links(), "y/ z/ a02 a2 a10 b A3 9 10 a a99999999999999999999999");
    l.descending = false;
    ck_assert_str_eq(links(), "y/ z/ 9 10 a a99999999999999999999999 A3 b a2 a10 a02");
    l.sort = LISTING_TIME;
    ck_assert_str_eq(links(), "z/ y/ b 9 a a02 a2 A3 a10 a99999999999999999999999 10");
}
END_TEST

START_TEST(columns)
{
    make_file("a", 1);
    has("<th scope=\"col\" aria-sort=\"ascending\">"
        "<a href=\"?sort=name&amp;order=desc\">Name</a></th>"
        "<th scope=\"col\"><a href=\"?sort=size&amp;order=desc\">Size</a></th>"
        "<th scope=\"col\"><a href=\"?sort=time&amp;order=desc\">Modified</a></th>");
    l.sort = LISTING_SIZE;
    l.descending = true;
    has("<th scope=\"col\"><a href=\"?sort=name&amp;order=asc\">Name</a></th>"
        "<th scope=\"col\" aria-sort=\"descending\">"
        "<a href=\"?sort=size&amp;order=asc\">Size</a></th>");
    has("<caption>0 directories, 1 file. Times are UTC.</caption>");
}
END_TEST

/* ---- sizes and times */

static const struct {
    off_t size;
    const char *text;
} sizes[] = {
    { 0, "0 bytes\">0 B" },
    { 1, "1 byte\">1 B" },
    { 1023, "1023 bytes\">1023 B" },
    { 1024, "1024 bytes\">1.0 KiB" },
    { 1500, "1500 bytes\">1.5 KiB" },
    { 10 * 1024 - 52, "10188 bytes\">9.9 KiB" },
    { 10 * 1024 - 51, "10189 bytes\">10 KiB" },
    { 1468006, "1468006 bytes\">1.4 MiB" },
    { 1047961, "1047961 bytes\">1023 KiB" },
    { 1048500, "1048500 bytes\">1.0 MiB" },
    { 5368709120, "5368709120 bytes\">5.0 GiB" },
};

START_TEST(size)
{
    make_file("a", sizes[_i].size);
    has(sizes[_i].text);
}
END_TEST

START_TEST(times)
{
    make_file("a", 0);
    has("<time datetime=\"2020-09-13T12:26:40Z\">2020-09-13<span> 12:26</span></time>");
    touch("a", -1);
    has("1969-12-31T23:59:59Z");
    touch("a", 4102444800);
    has("2100-01-01T00:00:00Z");
    l.json = true;
    has("\"modified\":\"2100-01-01T00:00:00Z\"");
}
END_TEST

/* ---- bounds */

static void make_many(unsigned n, const char *format)
{
    char name[256];

    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, format, i);
        ck_assert_int_eq(mknodat(root, name, S_IFREG | 0644, 0), 0);
    }
}

START_TEST(many)
{
    make_many(LISTING_ENTRIES_MAX, "file %u.txt");
    ck_assert_uint_eq(count(list(), "<th scope=\"row\">"), LISTING_ENTRIES_MAX);
    lacks("There is more");
    has("0 directories, 10000 files.");
    l.json = true;
    has("],\"truncated\":false}\n");
    make_file("one more", 0);
    ck_assert_uint_eq(count(list(), "\"name\":"), LISTING_ENTRIES_MAX);
    has("],\"truncated\":true}\n");
    l.json = false;
    ck_assert_uint_eq(count(list(), "<th scope=\"row\">"), LISTING_ENTRIES_MAX);
    has("<p>There is more in this directory than is listed here.</p>\n<table>\n");
}
END_TEST

/* The longest names, of bytes that take most, in their thousands: a part, within the bound. */
START_TEST(large)
{
    char format[256];

    memset(format, '&', sizeof format);
    strcpy(format + 250, "%05u");
    make_many(4000, format);
    has("There is more in this directory");
    ck_assert_uint_gt(count(list(), "<th scope=\"row\">"), 2500);
    memset(format, '\x01', 250);
    make_many(4000, format);
    l.json = true;
    has("],\"truncated\":true}\n");
    ck_assert_uint_gt(count(list(), "\"name\":"), 2500);
}
END_TEST

/* Whatever is in the way of the output, descriptors and memory come back. */
START_TEST(no_room)
{
    make_many(100, "%u");
    for (size_t max = 0; max < KIB(20); max += 777) {
        struct buf small;
        buf_init(&small, max);
        int r = listing_make(&l, root, &small);
        ck_assert_int_eq(r, buf_len(&small) == 0 || r < 0 ? -ENOBUFS : 0);
        buf_done(&small);
    }
    ck_assert_int_eq(listing_make(&l, -1, &out), -EBADF);
    int file = openat(root, "1", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(listing_make(&l, file, &out), -ENOTDIR);
    close(file);
    /* Gone meanwhile: nothing is in it. */
    make_dir("d");
    int fd = openat(root, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(unlinkat(root, "d", AT_REMOVEDIR), 0);
    ck_assert_int_eq(listing_make(&l, fd, &out), 0);
    close(fd);
}
END_TEST

/* ---- what is asked for */

static const struct {
    const char *target, *accept;
    bool json;
    enum listing_sort sort;
    bool descending;
} asks[] = {
    { "/", NULL, false, LISTING_NAME, false },
    { "/?", NULL, false, LISTING_NAME, false },
    { "/?sort=size&order=desc", NULL, false, LISTING_SIZE, true },
    { "/?order=asc&sort=time", NULL, false, LISTING_TIME, false },
    { "/?order=desc&sort=name&order=asc", NULL, false, LISTING_NAME, false },
    { "/?sort=sise&order=down&x&=&&", NULL, false, LISTING_NAME, false },
    { "/?SORT=size", NULL, false, LISTING_NAME, false },
    { "/?format=json", NULL, true, LISTING_NAME, false },
    { "/?format=json", "text/html", true, LISTING_NAME, false },
    { "/?format=html", "application/json", false, LISTING_NAME, false },
    { "/?format=xml", "application/json", true, LISTING_NAME, false },
    { "/", "application/json", true, LISTING_NAME, false },
    { "/", "application/json;q=0.9, text/html;q=0.8", true, LISTING_NAME, false },
    { "/", "text/html, application/json", false, LISTING_NAME, false },
    { "/", "application/json, */*", true, LISTING_NAME, false },
    { "/", "*/*", false, LISTING_NAME, false },
    { "/", "text/html,application/xhtml+xml,*/*;q=0.8", false, LISTING_NAME, false },
    { "/", "image/png", false, LISTING_NAME, false },
};

START_TEST(ask)
{
    struct exchange *x = fake_exchange_new();

    fake_exchange_request(x, "GET", asks[_i].target, "/");
    if (asks[_i].accept)
        fake_exchange_field(x, "Accept", asks[_i].accept);
    l.descending = true;
    l.sort = LISTING_SIZE;
    listing_ask(&l, &x->request);
    ck_assert_int_eq(l.json, asks[_i].json);
    ck_assert_int_eq(l.sort, asks[_i].sort);
    ck_assert_int_eq(l.descending, asks[_i].descending);
    ck_assert(str_starts(listing_type(&l), l.json ? STR("application/json") : STR("text/html")));
    fake_exchange_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/listing");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, hostile, 0, array_len(names));
    tcase_add_test(tc, longest);
    tcase_add_test(tc, shown);
    tcase_add_test(tc, empty);
    tcase_add_test(tc, deep);
    tcase_add_test(tc, order);
    tcase_add_test(tc, columns);
    tcase_add_loop_test(tc, size, 0, array_len(sizes));
    tcase_add_test(tc, times);
    tcase_add_test(tc, many);
    tcase_add_test(tc, large);
    tcase_add_test(tc, no_room);
    tcase_add_loop_test(tc, ask, 0, array_len(asks));
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
