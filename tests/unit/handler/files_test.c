/*
 * files_test.c - what is served from a directory, and what is not. Each test has a directory of its
 * own and ends with as many open descriptors as it began with. One thread.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fake_exchange.h"

#define CHANGED 1600000000 /* mtime of the files; Sun, 13 Sep 2020 12:26:40 GMT */

static struct fake_conf conf;
static struct exchange *x;
static char root[64];
static unsigned fds_before;

static unsigned open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static const char *below(const char *name)
{
    static char path[100];

    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void make_file(const char *name, const char *text)
{
    const struct timespec times[2] = { { CHANGED, 5 }, { CHANGED, 5 } };
    int fd = open(below(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
}

static void make_dir(const char *name)
{
    ck_assert_int_eq(mkdir(below(name), 0755), 0);
}
static void make_link(const char *to, const char *name)
{
    ck_assert_int_eq(symlink(to, below(name)), 0);
}

static void make_socket(const char *name)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%s", below(name));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void setup(void)
{
    fds_before = open_fds();
    strcpy(root, "/tmp/muxd-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(chmod(root, 0755), 0);
    make_file("a.txt", "0123456789");
    make_file("empty.css", "");
    make_file("noext", "x");
    make_file("100%.txt", "percent");
    make_file("a b.txt", "space");
    make_file(".secret", "secret");
    make_dir(".git");
    make_file(".git/config", "secret");
    make_dir(".well-known");
    make_file(".well-known/security.txt", "contact");
    make_file(".well-known/.secret", "secret");
    make_dir("dir");
    make_file("dir/index.html", "<p>dir");
    make_dir("bare");
    make_file("app.html", "<p>app");
    make_dir("odd");
    make_dir("odd/index.html");
    make_link("a.txt", "link.txt");
    make_link("dir", "linkdir");
    make_link("/etc/passwd", "passwd");
    make_link("../../../../../../etc/passwd", "passwd2");
    make_link("/", "slash");
    make_link("loop", "loop");
    ck_assert_int_eq(mkfifo(below("fifo"), 0644), 0);
    make_socket("socket");
    fake_conf_handler(&conf, "files");
    fake_conf_str(&conf, "root", root);
    x = fake_exchange_new();
    x->time_passes = true; /* files that were just made are waited for */
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&conf);
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_uint_eq(open_fds(), fds_before);
}

static void ready(void)
{
    ck_assert_msg(fake_conf_check(&conf) == 0, "%.*s", str_fmt(buf_str(&conf.reports)));
}

/* Another exchange, with the target "/s" + target. */
static void get(const char *method, const char *target)
{
    fake_exchange_request(x, method, target, "/s/");
}

static void run(void)
{
    fake_exchange_run(x, &conf, "files");
}

static void again(void)
{
    fake_exchange_free(x);
    x = fake_exchange_new();
    x->time_passes = true;
}

static const struct {
    const char *target;
    unsigned status;
    const char *body; /* or the reason */
} lookups[] = {
    { "/s/a.txt", 200, "0123456789" },
    { "/s/a.txt?q", 200, "0123456789" },
    { "/s/link.txt", 200, "0123456789" },
    { "/s/empty.css", 200, "" },
    { "/s/noext", 200, "x" },
    { "/s/a%20b.txt", 200, "space" },
    { "/s/100%25.txt", 200, "percent" },
    { "/s/dir/", 200, "<p>dir" },
    { "/s/linkdir/", 200, "<p>dir" },
    { "/s/dir/index.html", 200, "<p>dir" },
    { "/s/x/../a.txt", 200, "0123456789" },
    { "/s/.well-known/security.txt", 200, "contact" },
    { "/s/none", 404, "no_file" },
    { "/s/none/", 404, "no_file" },
    { "/s/", 404, "no_file" },
    { "/s/bare/", 404, "no_file" },
    { "/s/odd/", 404, "no_file" },
    { "/s/a.txt/", 404, "no_file" },
    { "/s/a.txt/b", 404, "no_file" },
    { "/s/dir%2Findex.html", 404, "no_file" },
    { "/s/..%2f..%2fetc%2fpasswd", 404, "no_file" },
    { "/s/.secret", 404, "no_file" },
    { "/s/%2esecret", 404, "no_file" },
    { "/s/.git", 404, "no_file" },
    { "/s/.git/config", 404, "no_file" },
    { "/s/.well-known/.secret", 404, "no_file" },
    { "/s/.well-knownx", 404, "no_file" },
    { "/s/passwd", 404, "outside_root" },
    { "/s/passwd2", 404, "outside_root" },
    { "/s/slash", 404, "outside_root" },
    { "/s/slash/etc/passwd", 404, "outside_root" },
    { "/s/loop", 404, "outside_root" },
    { "/s/fifo", 404, "not_a_file" },
    { "/s/socket", 404, "not_a_file" },
};

START_TEST(lookup)
{
    ready();
    get("GET", lookups[_i].target);
    run();
    ck_assert_uint_eq(x->response.status, lookups[_i].status);
    if (x->response.status == 200)
        ck_assert_str_eq(fake_exchange_text(x), lookups[_i].body);
    else
        ck_assert_str_eq(x->reason, lookups[_i].body);
}
END_TEST

START_TEST(fields_of_a_file)
{
    ready();
    get("GET", "/s/a.txt");
    run();
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/plain; charset=utf-8");
    ck_assert_str_eq(fake_exchange_value(x, "Last-Modified"), "Sun, 13 Sep 2020 12:26:40 GMT");
    ck_assert_str_eq(fake_exchange_value(x, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(fake_exchange_value(x, "Accept-Ranges"), "bytes");
    ck_assert_ptr_null(fake_exchange_value(x, "Cache-Control"));
    ck_assert_ptr_null(fake_exchange_value(x, "Content-Range"));
    ck_assert_uint_eq(x->body_length, 10);
    ck_assert_int_eq(x->body_kind, FAKE_BODY_BYTES);
    const char *etag = fake_exchange_value(x, "ETag");
    ck_assert(etag[0] == '"' && etag[strlen(etag) - 1] == '"' && strchr(etag + 1, '"')[1] == '\0');
}
END_TEST

/* HEAD is answered as GET; the server leaves the body out. */
START_TEST(head)
{
    ready();
    get("HEAD", "/s/a.txt");
    fake_exchange_field(x, "Range", "bytes=0-1");
    run();
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_uint_eq(x->body_length, 10);
    ck_assert_str_eq(fake_exchange_text(x), "");
}
END_TEST

/* The tag changes with what the file is, and with nothing else. */
START_TEST(etags)
{
    char first[64];

    ready();
    get("GET", "/s/a.txt");
    run();
    snprintf(first, sizeof first, "%s", fake_exchange_value(x, "ETag"));
    again();
    get("GET", "/s/link.txt");
    run();
    ck_assert_str_eq(fake_exchange_value(x, "ETag"), first);
    const struct timespec times[2] = { { CHANGED, 6 }, { CHANGED, 6 } };
    ck_assert_int_eq(utimensat(AT_FDCWD, below("a.txt"), times, 0), 0);
    again();
    get("GET", "/s/a.txt");
    run();
    ck_assert_str_ne(fake_exchange_value(x, "ETag"), first);
}
END_TEST

START_TEST(not_modified)
{
    char etag[64];

    ready();
    get("GET", "/s/a.txt");
    run();
    snprintf(etag, sizeof etag, "%s", fake_exchange_value(x, "ETag"));
    again();
    get("GET", "/s/a.txt");
    fake_exchange_field(x, "If-None-Match", etag);
    fake_exchange_field(x, "Range", "bytes=0-1");
    run();
    ck_assert_uint_eq(x->response.status, 304);
    ck_assert_str_eq(fake_exchange_value(x, "ETag"), etag);
    ck_assert_ptr_null(fake_exchange_value(x, "Content-Type"));
    ck_assert_int_eq(x->body_kind, FAKE_BODY_NONE);
    again();
    get("GET", "/s/a.txt");
    fake_exchange_field(x, "If-Modified-Since", "Sun, 13 Sep 2020 12:26:40 GMT");
    run();
    ck_assert_uint_eq(x->response.status, 304);
}
END_TEST

START_TEST(precondition_failed)
{
    ready();
    get("GET", "/s/a.txt");
    fake_exchange_field(x, "If-Match", "\"other\"");
    run();
    ck_assert_uint_eq(x->response.status, 412);
    ck_assert_ptr_null(fake_exchange_value(x, "ETag"));
}
END_TEST

static const struct {
    const char *target, *range;
    unsigned status;
    const char *content_range, *body;
} ranges[] = {
    { "/s/a.txt", "bytes=0-3", 206, "bytes 0-3/10", "0123" },
    { "/s/a.txt", "bytes=8-", 206, "bytes 8-9/10", "89" },
    { "/s/a.txt", "bytes=-3", 206, "bytes 7-9/10", "789" },
    { "/s/a.txt", "bytes=0-99", 206, "bytes 0-9/10", "0123456789" },
    { "/s/a.txt", "bytes=10-", 416, "bytes */10", NULL },
    { "/s/empty.css", "bytes=0-", 416, "bytes */0", NULL },
    { "/s/a.txt", "bytes=0-1,3-4", 206, "bytes 0-4/10", "01234" },
    { "/s/a.txt", "bytes=0-7,3-9", 200, NULL, "0123456789" },
    { "/s/a.txt", "lines=0-1", 200, NULL, "0123456789" },
    { "/s/a.txt", "bytes=x", 200, NULL, "0123456789" },
};

START_TEST(range)
{
    ready();
    get("GET", ranges[_i].target);
    fake_exchange_field(x, "Range", ranges[_i].range);
    run();
    ck_assert_uint_eq(x->response.status, ranges[_i].status);
    if (ranges[_i].content_range == NULL)
        ck_assert_ptr_null(fake_exchange_value(x, "Content-Range"));
    else
        ck_assert_str_eq(fake_exchange_value(x, "Content-Range"), ranges[_i].content_range);
    if (ranges[_i].body != NULL)
        ck_assert_str_eq(fake_exchange_text(x), ranges[_i].body);
}
END_TEST

START_TEST(if_range)
{
    ready();
    get("GET", "/s/a.txt");
    fake_exchange_field(x, "Range", "bytes=0-3");
    fake_exchange_field(x, "If-Range", "\"other\"");
    run();
    ck_assert_uint_eq(x->response.status, 200);
    ck_assert_str_eq(fake_exchange_text(x), "0123456789");
}
END_TEST

/* A time to come is given as now, and one before 1970 as its begin. */
START_TEST(odd_times)
{
    struct timespec times[2] = { { x->time + 1000, 0 }, { x->time + 1000, 0 } };

    ready();
    ck_assert_int_eq(utimensat(AT_FDCWD, below("a.txt"), times, 0), 0);
    get("GET", "/s/a.txt");
    run();
    ck_assert_str_eq(fake_exchange_value(x, "Last-Modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
    times[1].tv_sec = -5;
    ck_assert_int_eq(utimensat(AT_FDCWD, below("a.txt"), times, 0), 0);
    again();
    get("GET", "/s/a.txt");
    run();
    ck_assert_str_eq(fake_exchange_value(x, "Last-Modified"), "Thu, 01 Jan 1970 00:00:00 GMT");
}
END_TEST

START_TEST(methods)
{
    ready();
    get("OPTIONS", "/s/none");
    run();
    ck_assert_uint_eq(x->response.status, 204);
    ck_assert_str_eq(fake_exchange_value(x, "Allow"), "GET, HEAD, OPTIONS");
    again();
    get("POST", "/s/a.txt");
    run();
    ck_assert_uint_eq(x->response.status, 405);
    ck_assert_str_eq(fake_exchange_value(x, "Allow"), "GET, HEAD, OPTIONS");
    again();
    get("get", "/s/a.txt");
    run();
    ck_assert_uint_eq(x->response.status, 405);
}
END_TEST

static const struct {
    const char *target, *location;
} slashes[] = {
    { "/s/dir", "/s/dir/" },
    { "/s/dir?a=b/c", "/s/dir/?a=b/c" },
    { "/s/linkdir?", "/s/linkdir/?" },
    { "/s/a%0ab", "/s/a%0Ab/" },
};

START_TEST(directory_without_slash)
{
    ready();
    make_dir("a\nb");
    get("GET", slashes[_i].target);
    run();
    ck_assert_uint_eq(x->response.status, 301);
    ck_assert_str_eq(fake_exchange_value(x, "Location"), slashes[_i].location);
}
END_TEST

START_TEST(several_indexes)
{
    fake_conf_strs(&conf, "index", "index.php", "a-much-longer-name.html", "index.html", NULL);
    ready();
    get("GET", "/s/dir/");
    run();
    ck_assert_str_eq(fake_exchange_text(x), "<p>dir");
    make_file("dir/a-much-longer-name.html", "<p>first");
    again();
    get("GET", "/s/dir/");
    run();
    ck_assert_str_eq(fake_exchange_text(x), "<p>first");
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/html; charset=utf-8");
}
END_TEST

START_TEST(no_index)
{
    fake_conf_strs(&conf, "index", NULL);
    ready();
    get("GET", "/s/dir/");
    run();
    ck_assert_uint_eq(x->response.status, 404);
}
END_TEST

#define BROWSER "text/html,application/xhtml+xml,*/*;q=0.8"

static const struct {
    const char *method, *target, *accept;
    unsigned status;
} fallbacks[] = {
    { "GET", "/s/users/7", BROWSER, 200 },         { "HEAD", "/s/users/7", BROWSER, 200 },
    { "GET", "/s/users/", BROWSER, 200 },          { "GET", "/s/", BROWSER, 200 },
    { "GET", "/s/a.txt/x", BROWSER, 200 },         { "GET", "/s/users/john.doe", BROWSER, 200 },
    { "GET", "/s/bare/", BROWSER, 200 },           { "POST", "/s/users/7", BROWSER, 405 },
    { "GET", "/s/users/7", "*/*", 404 },           { "GET", "/s/users/7", "application/json", 404 },
    { "GET", "/s/users/7", "text/html;q=0", 404 }, { "GET", "/s/users/7", NULL, 404 },
    { "GET", "/s/app.js", BROWSER, 404 },          { "GET", "/s/.env", BROWSER, 404 },
    { "GET", "/s/passwd", BROWSER, 404 },          { "GET", "/s/dir", BROWSER, 301 },
};

START_TEST(fallback)
{
    fake_conf_str(&conf, "fallback", "/app.html");
    ready();
    ck_assert_uint_eq(conf.warnings, 0);
    get(fallbacks[_i].method, fallbacks[_i].target);
    if (fallbacks[_i].accept != NULL)
        fake_exchange_field(x, "Accept", fallbacks[_i].accept);
    run();
    ck_assert_uint_eq(x->response.status, fallbacks[_i].status);
    if (x->response.status != 200)
        return;
    ck_assert_str_eq(fake_exchange_value(x, "Cache-Control"), "no-cache");
    ck_assert_str_eq(fake_exchange_value(x, "Vary"), "Accept");
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/html; charset=utf-8");
    ck_assert_uint_eq(x->body_length, 6);
}
END_TEST

/* Where there is a file, the fallback changes nothing. */
START_TEST(fallback_not_needed)
{
    fake_conf_str(&conf, "fallback", "app.html");
    ready();
    get("GET", "/s/dir/");
    fake_exchange_field(x, "Accept", BROWSER);
    run();
    ck_assert_str_eq(fake_exchange_text(x), "<p>dir");
    ck_assert_ptr_null(fake_exchange_value(x, "Cache-Control"));
}
END_TEST

START_TEST(own_types)
{
    fake_conf_strs(&conf, "types", "text/x-own txt", NULL);
    ready();
    get("GET", "/s/a.txt");
    run();
    ck_assert_str_eq(fake_exchange_value(x, "Content-Type"), "text/x-own; charset=utf-8");
}
END_TEST

START_TEST(long_name)
{
    static char target[8000];

    memset(target, 'a', sizeof target - 1);
    memcpy(target, "/s/", 3);
    ready();
    get("GET", target);
    run();
    ck_assert_uint_eq(x->response.status, 404);
}
END_TEST

/* A name not seen before, and what may stand beside the fallback, is in no cache of the kernel. */
START_TEST(pool_runs)
{
    fake_conf_str(&conf, "fallback", "app.html");
    ready();
    get("GET", "/s/never-seen");
    fake_exchange_field(x, "Accept", BROWSER);
    run();
    ck_assert_uint_eq(x->offloads, 2);
    ck_assert_str_eq(fake_exchange_text(x), "<p>app");
}
END_TEST

START_TEST(pool_refuses)
{
    fake_conf_str(&conf, "fallback", "app.html");
    ready();
    x->pool = FAKE_POOL_REFUSES;
    get("GET", "/s/never-seen");
    fake_exchange_field(x, "Accept", BROWSER);
    run();
    ck_assert_uint_eq(x->response.status, 503);
    ck_assert_str_eq(x->reason, "pool_full");
}
END_TEST

START_TEST(pool_abandons) /* teardown() sees whether the file was closed */
{
    make_file("large", "");
    ck_assert_int_eq(truncate(below("large"), 1000000), 0); /* not to be kept in memory */
    usleep(60000);                                          /* it is not young any more */
    ready();
    x->pool = FAKE_POOL_ABANDONS;
    get("GET", "/s/large");
    run();
    ck_assert(x->stuck);
    ck_assert_uint_gt(open_fds(), fds_before + 1); /* the root, and the file */
}
END_TEST

START_TEST(on_a_worker)
{
    fake_conf_str(&conf, "fallback", "app.html");
    ready();
    x->worker = true;
    get("GET", "/s/never-seen");
    fake_exchange_field(x, "Accept", BROWSER);
    run();
    ck_assert_int_eq(x->last, STEP_DONE);
    ck_assert_str_eq(fake_exchange_text(x), "<p>app");
}
END_TEST

START_TEST(no_permission)
{
    bool is_root = geteuid() == 0;

    ready();
    make_dir("closed");
    ck_assert_int_eq(chmod(below("closed"), 0711), 0);
    make_file("closed/index.html", "<p>index");
    make_file("unreadable", "x");
    ck_assert_int_eq(chmod(below("unreadable"), is_root ? 0600 : 0), 0);
    if (is_root)
        ck_assert_int_eq(seteuid(65534), 0);
    get("GET", "/s/unreadable");
    run();
    ck_assert_uint_eq(x->response.status, 403);
    /* A directory that may be searched, but not read. */
    again();
    get("GET", "/s/closed");
    run();
    ck_assert_uint_eq(x->response.status, 301);
    again();
    get("GET", "/s/closed/");
    run();
    ck_assert_str_eq(fake_exchange_text(x), "<p>index");
    if (is_root)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(no_descriptors)
{
    struct rlimit old, none;

    ready();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    get("GET", "/s/a.txt");
    run();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_uint_eq(x->response.status, 503);
    ck_assert_str_eq(x->reason, "no_descriptors");
}
END_TEST

/* From here on, this process runs on a kernel without openat2(2). */
static bool take_openat2_away(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = array_len(code), .filter = code };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* There is no other way to open, so the request is refused; and the config says so. */
START_TEST(no_openat2)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (!take_openat2_away())
            _exit(2);
        fake_conf_check(&conf);
        get("GET", "/s/a.txt");
        run();
        _exit(conf.errors == 0 && fake_conf_reported(&conf, "no openat2(2)") &&
                      x->response.status == 503 && strcmp(x->reason, "no_openat2") == 0
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

static const struct {
    const char *target, *field, *value;
    unsigned status;
} with_little_memory[] = {
    { "/s/a.txt", "Range", "bytes=0-3", 206 },
    { "/s/a.txt", "Range", "bytes=10-", 416 },
    { "/s/dir?q", NULL, NULL, 301 },
    { "/s/none/", "Accept", BROWSER, 200 },
};

/* Whatever allocation fails, the answer is a 503 and no descriptor is lost. */
START_TEST(without_memory)
{
    fake_conf_str(&conf, "fallback", "app.html");
    ready();
    for (size_t bytes = 0, done = 0; done < 3; bytes += 16) {
        ck_assert_uint_lt(bytes, 4096);
        again();
        fake_exchange_memory(x, bytes);
        get("GET", with_little_memory[_i].target);
        if (with_little_memory[_i].field != NULL)
            fake_exchange_field(x, with_little_memory[_i].field, with_little_memory[_i].value);
        run();
        if (x->response.status == with_little_memory[_i].status)
            done++;
        else
            ck_assert_uint_eq(x->response.status, 503);
    }
}
END_TEST

static const struct {
    const char *option, *value, *report;
} refused[] = {
    { "root", "/no/such/directory", "No such file or directory" },
    { "root", "relative", "cannot open \"/nowhere/relative\"" },
    { "root", "/etc/passwd", "Not a directory" },
    { "root", "", "must name a directory" },
    { "fallback", "/", "must name a file" },
    { "fallback", "", "must name a file" },
    { "fallback", "dir/", "must name a file" },
};

START_TEST(refusals)
{
    fake_conf_str(&conf, refused[_i].option, refused[_i].value);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert_msg(fake_conf_reported(&conf, refused[_i].report), "%.*s",
                  str_fmt(buf_str(&conf.reports)));
}
END_TEST

START_TEST(refused_lists)
{
    fake_conf_strs(&conf, "index", "ok.html", "", "../x", NULL);
    fake_conf_strs(&conf, "types", "text/plain txt", "nonsense", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 3);
}
END_TEST

START_TEST(single_path)
{
    conf.check.prefix = STR("/favicon.ico");
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "files serves a directory"));
}
END_TEST

START_TEST(warnings)
{
    fake_conf_str(&conf, "root", "/../");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert(fake_conf_reported(&conf, "warning: root: "));
    fake_conf_str(&conf, "root", root);
    fake_conf_str(&conf, "fallback", "/none.html");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert(fake_conf_reported(&conf, "warning: fallback: cannot open \"none.html\""));
    fake_conf_str(&conf, "fallback", "/passwd");
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert(fake_conf_reported(&conf, "cannot open \"passwd\" below the root"));
}
END_TEST

START_TEST(relative_root)
{
    conf.check.base = STR("/tmp");
    fake_conf_str(&conf, "root", root + strlen("/tmp/"));
    ready();
    get("GET", "/s/a.txt");
    run();
    ck_assert_uint_eq(x->response.status, 200);
}
END_TEST

static const struct {
    const char *method, *target, *text;
} explained[] = {
    { "GET", "/s/a%20b/c", "the file /nowhere/else/a b/c" },
    { "HEAD", "/s/100%25", "the file /nowhere/else/100%" },
    { "GET", "/s/", "the file /nowhere/else/index.html or a.txt" },
    { "GET", "/s/dir/", "the file /nowhere/else/dir/index.html or a.txt" },
    { "GET", "/s/.git", "404, as names that begin with a dot are not served" },
    { "GET", "/s/a%2Fb", "404, as no file name has a slash in it" },
    { "POST", "/s/a", "405, as files are for GET and HEAD" },
    { "OPTIONS", "/s/a", "204 without a body" },
};

/* Without a look at the files: there is no such directory. */
START_TEST(explain)
{
    struct routed r;

    fake_conf_str(&conf, "root", "else");
    fake_conf_strs(&conf, "index", "index.html", "a.txt", NULL);
    fake_conf_check(&conf);
    get(explained[_i].method, explained[_i].target);
    exchange_routed(x, &r);
    const struct handler_kind *k = handler_find(STR("files"));
    ck_assert_str_eq(k->explain(conf.conf, &r, &x->arena).p, explained[_i].text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/files");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, lookup, 0, array_len(lookups));
    tcase_add_test(tc, fields_of_a_file);
    tcase_add_test(tc, head);
    tcase_add_test(tc, etags);
    tcase_add_test(tc, not_modified);
    tcase_add_test(tc, precondition_failed);
    tcase_add_loop_test(tc, range, 0, array_len(ranges));
    tcase_add_test(tc, if_range);
    tcase_add_test(tc, odd_times);
    tcase_add_test(tc, methods);
    tcase_add_loop_test(tc, directory_without_slash, 0, array_len(slashes));
    tcase_add_test(tc, several_indexes);
    tcase_add_test(tc, no_index);
    tcase_add_loop_test(tc, fallback, 0, array_len(fallbacks));
    tcase_add_test(tc, fallback_not_needed);
    tcase_add_test(tc, own_types);
    tcase_add_test(tc, long_name);
    tcase_add_test(tc, pool_runs);
    tcase_add_test(tc, pool_refuses);
    tcase_add_test(tc, pool_abandons);
    tcase_add_test(tc, on_a_worker);
    tcase_add_test(tc, no_permission);
    tcase_add_test(tc, no_descriptors);
    tcase_add_test(tc, no_openat2);
    tcase_add_loop_test(tc, without_memory, 0, array_len(with_little_memory));
    tcase_add_loop_test(tc, refusals, 0, array_len(refused));
    tcase_add_test(tc, refused_lists);
    tcase_add_test(tc, single_path);
    tcase_add_test(tc, warnings);
    tcase_add_test(tc, relative_root);
    tcase_add_loop_test(tc, explain, 0, array_len(explained));
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
