/*
 * listing.c - see listing.h: what is in the directory, and in which order. The text of it is made
 * by listing_form.c. listing_ask(): any thread; the rest: a worker.
 */
#include "handler/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/listing_form.h"
#include "http/accept.h"

#define HEAD_MAX KIB(256) /* of a listing: what is neither names nor rows */

/* ---- what is asked for */

static bool wants_json(const struct request *q)
{
    struct acceptance html = accept_type(q, STR("text/html"));
    struct acceptance json = accept_type(q, STR("application/json"));

    return json.quality > html.quality ||
           (json.quality == html.quality && json.quality > 0 && json.named && !html.named);
}

void listing_ask(struct listing *l, const struct request *q)
{
    struct str query = q->query;

    l->json = wants_json(q);
    l->sort = LISTING_NAME;
    l->descending = false;
    while (q->has_query && query.p != NULL) {
        struct str piece = str_cut(&query, '&');
        if (str_eq(piece, STR("format=json")))
            l->json = true;
        else if (str_eq(piece, STR("format=html")))
            l->json = false;
        else if (str_eq(piece, STR("sort=name")))
            l->sort = LISTING_NAME;
        else if (str_eq(piece, STR("sort=size")))
            l->sort = LISTING_SIZE;
        else if (str_eq(piece, STR("sort=time")))
            l->sort = LISTING_TIME;
        else if (str_eq(piece, STR("order=asc")))
            l->descending = false;
        else if (str_eq(piece, STR("order=desc")))
            l->descending = true;
    }
}

struct str listing_type(const struct listing *l)
{
    return l->json ? STR("application/json") : STR("text/html; charset=utf-8");
}

/* ---- reading */

static bool may_be_listed(const struct listing *l, struct str name)
{
    if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
        return false;
    return name.p[0] != '.' || l->dotfiles || str_eq(name, STR(".well-known"));
}

/* What a link leads to, as a request for it would find it. */
static bool follow(const struct listing *l, struct str name, struct stat *ret)
{
    char path[PATH_MAX];

    if (l->dir.n + name.n >= sizeof path)
        return false;
    if (l->dir.n != 0)
        memcpy(path, l->dir.p, l->dir.n);
    memcpy(path + l->dir.n, name.p, name.n + 1);
    int fd = lookup_open(l->tree, path, O_PATH, false);
    if (fd < 0)
        return false;
    bool found = fstat(fd, ret) == 0;
    close(fd);
    return found;
}

/* Whether it can be fetched; nothing is opened that may hold the opener, and nothing mounted. */
static bool look_at(const struct listing *l, int dirfd, struct str name, struct stat *ret)
{
    if (fstatat(dirfd, name.p, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return false;
    if (S_ISLNK(ret->st_mode) && !follow(l, name, ret))
        return false;
    return S_ISREG(ret->st_mode) || S_ISDIR(ret->st_mode);
}

/* -ENOBUFS: it does not fit. */
static int add_entry(struct contents *f, struct str name, const struct stat *st)
{
    struct entry e = { .name_at = buf_len(&f->names),
                       .name_n = name.n,
                       .directory = S_ISDIR(st->st_mode),
                       .modified = st->st_mtim.tv_sec };
    size_t length = name.n * FORM_NAME_MAX + FORM_ROW_MAX;

    if (f->n == LISTING_ENTRIES_MAX || f->length + length > LISTING_MAX - HEAD_MAX)
        return -ENOBUFS;
    if (!e.directory)
        e.size = (uint64_t)max_of(st->st_size, (off_t)0);
    int r = buf_add_str(&f->names, name);
    if (r == 0)
        r = buf_add(&f->entries, &e, sizeof e);
    f->length += length;
    f->n += r == 0;
    f->n_directories += r == 0 && e.directory;
    return r;
}

static int read_entries(const struct listing *l, int dirfd, DIR *d, struct contents *f)
{
    struct stat st;

    for (size_t looked_at = 0;; looked_at++) {
        errno = 0;
        const struct dirent *entry = readdir(d);
        if (entry == NULL)
            return -errno;
        struct str name = str_of(entry->d_name);
        if (looked_at < LISTING_LOOKED_AT_MAX &&
            (!may_be_listed(l, name) || !look_at(l, dirfd, name, &st)))
            continue;
        int r = looked_at < LISTING_LOOKED_AT_MAX ? add_entry(f, name, &st) : -ENOBUFS;
        f->truncated = r == -ENOBUFS;
        if (r < 0)
            return f->truncated ? 0 : r;
    }
}

static int read_directory(const struct listing *l, int dirfd, struct contents *f)
{
    int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

    if (d == NULL) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return -error;
    }
    rewinddir(d); /* the place in it is shared with dirfd */
    int r = read_entries(l, dirfd, d, f);
    closedir(d);
    return r;
}

/* ---- the order */

/* Takes the number s begins with; without leading zeros. */
static struct str take_digits(struct str *s)
{
    size_t from = 0, to;

    while (from + 1 < s->n && s->p[from] == '0' && ascii_digit((unsigned char)s->p[from + 1]))
        from++;
    for (to = from; to < s->n && ascii_digit((unsigned char)s->p[to]); to++)
        ;
    struct str digits = str_make(s->p + from, to - from);
    *s = str_from(*s, to);
    return digits;
}

/* "a2" before "A10"; a total order of different names. */
static int compare_names(struct str a, struct str b)
{
    struct str x = a, y = b;

    while (x.n != 0 && y.n != 0) {
        unsigned char c = (unsigned char)*x.p, d = (unsigned char)*y.p;
        if (ascii_digit(c) && ascii_digit(d)) {
            struct str m = take_digits(&x), n = take_digits(&y);
            int r = m.n != n.n ? (m.n < n.n ? -1 : 1) : str_cmp(m, n);
            if (r != 0)
                return r;
            continue;
        }
        if (ascii_lower(c) != ascii_lower(d))
            return ascii_lower(c) < ascii_lower(d) ? -1 : 1;
        x = str_from(x, 1);
        y = str_from(y, 1);
    }
    if (x.n != 0 || y.n != 0)
        return x.n != 0 ? 1 : -1;
    return str_cmp(a, b);
}

struct order {
    const struct listing *listing;
    const struct contents *contents;
};

static int compare(const void *left, const void *right, void *arg)
{
    const struct entry *a = left, *b = right;
    const struct order *o = arg;
    int r = 0;

    if (a->directory != b->directory)
        return a->directory ? -1 : 1;
    if (o->listing->sort == LISTING_SIZE && a->size != b->size)
        r = a->size < b->size ? -1 : 1;
    else if (o->listing->sort == LISTING_TIME && a->modified != b->modified)
        r = a->modified < b->modified ? -1 : 1;
    if (r == 0) {
        r = compare_names(contents_name(o->contents, a), contents_name(o->contents, b));
        if (o->listing->sort != LISTING_NAME)
            return r;
    }
    return o->listing->descending ? -r : r;
}

int listing_make(const struct listing *l, int dirfd, struct buf *out)
{
    struct contents f = { .n = 0 };
    struct order order = { l, &f };

    buf_init(&f.names, LISTING_MAX);
    buf_init(&f.entries, LISTING_ENTRIES_MAX * sizeof(struct entry));
    int r = read_directory(l, dirfd, &f);
    if (r == 0) {
        if (f.n > 1)
            qsort_r(buf_at(&f.entries), f.n, sizeof(struct entry), compare, &order);
        r = l->json ? form_json(l, &f, out) : form_html(l, &f, out);
    }
    buf_done(&f.entries);
    buf_done(&f.names);
    return r;
}
