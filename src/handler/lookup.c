/* lookup.c - see lookup.h. The owner's thread: a loop, or a worker it was lent to. */
#include "handler/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define RACES_MAX 8
/* A file that changes all the time is waited for so often, then taken as it is; and if it changes
 * even while it is read, tried so often. */
#define WAITS_MAX 4
#define TRIES_MAX 8
/* Waits are of few different lengths, as timers want them. */
#define WAIT_STEP (FILE_YOUNG / 5)

static const struct {
    struct str name, suffix;
} codings[] = {
    [CODING_BR] = { { "br", 2 }, { ".br", 3 } },
    [CODING_ZSTD] = { { "zstd", 4 }, { ".zst", 4 } },
    [CODING_GZIP] = { { "gzip", 4 }, { ".gz", 3 } },
};
#define SUFFIX_MAX 4

struct str coding_name(enum coding coding)
{
    check(coding < CODING_PLAIN);
    return codings[coding].name;
}

enum coding coding_of(struct str name)
{
    for (size_t i = 0; i < array_len(codings); i++)
        if (str_eq(name, codings[i].name))
            return (enum coding)i;
    return N_CODINGS;
}

int lookup_open(const struct tree *tree, const char *name, uint64_t flags, bool cached)
{
    static const uint64_t policy[] = {
        [SYMLINKS_INSIDE] = RESOLVE_BENEATH,
        [SYMLINKS_NEVER] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
        [SYMLINKS_ANY] = 0,
    };
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = policy[tree->symlinks] | RESOLVE_NO_MAGICLINKS,
    };

    /* Other file systems that are mounted below may be of a kind that waits; and that of the root
     * may be one whose open() waits although the name is cached. */
    if (cached && tree->way == FILE_REMOTE)
        return -EAGAIN;
    if (cached)
        how.resolve |= RESOLVE_CACHED | RESOLVE_NO_XDEV;
    /* Without RESOLVE_CACHED, EAGAIN means that a rename came between; it need not come again. */
    for (int races = 0;;) {
        long fd = syscall(SYS_openat2, tree->root_fd, name, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        /* EINVAL: a kernel before 5.12 has no RESOLVE_CACHED. */
        if (cached && (errno == EXDEV || errno == EINVAL))
            return -EAGAIN;
        if (errno != EINTR && (errno != EAGAIN || cached || races++ == RACES_MAX))
            return -errno;
    }
}

int lookup_init(struct lookup *l, const struct tree *tree, struct str file, struct arena *arena)
{
    size_t longest = 0;

    for (size_t i = 0; i < tree->index.n; i++)
        longest = max_of(longest, tree->index.v[i].n);
    *l = (struct lookup){ .tree = tree, .given = file, .coding = CODING_PLAIN };
    l->name = arena_alloc(arena, file.n + longest + SUFFIX_MAX + 1);
    return l->name ? 0 : -ENOMEM;
}

void lookup_done(struct lookup *l)
{
    if (l == NULL)
        return;
    free(l->content);
    l->content = NULL;
    file_unref(l->file);
    l->file = NULL;
}

/* A directory that may be searched but not read is one nevertheless. */
static bool is_directory(struct lookup *l, bool cached)
{
    int fd = lookup_open(l->tree, l->name, O_PATH | O_DIRECTORY, cached);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* What l->name leads to: 0 and a descriptor of a regular file, which *st describes. */
static int open_regular(struct lookup *l, bool cached, int *ret_fd, struct stat *st)
{
    int fd = lookup_open(l->tree, l->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, cached);

    if (fd < 0)
        return fd == -EACCES && is_directory(l, cached) ? -EISDIR : fd;
    int r = fstat(fd, st) < 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(st->st_mode))
        r = S_ISDIR(st->st_mode) ? -EISDIR : -ENODEV;
    if (r < 0)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

static size_t put_name(struct lookup *l, size_t at, struct str piece)
{
    if (piece.n)
        memcpy(l->name + at, piece.p, piece.n);
    l->name[at + piece.n] = '\0';
    return at + piece.n;
}

/* What a name that leads to no file, or through one, comes to. */
static bool is_missing(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG;
}

/* Leaves the name of the file in l->name. */
static int open_given(struct lookup *l, bool cached, int *ret_fd, struct stat *st)
{
    int r = -ENOENT;

    put_name(l, 0, l->given);
    if (l->given.n && !str_ends(l->given, STR("/")))
        return open_regular(l, cached, ret_fd, st);
    for (size_t i = 0; i < l->tree->index.n && is_missing(r); i++) {
        put_name(l, l->given.n, l->tree->index.v[i]);
        r = open_regular(l, cached, ret_fd, st);
        if (r == -EISDIR)
            r = -ENOENT;
    }
    return r;
}

static bool is_older(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* The files beside l->name that hold it coded; in place of *fd that which the client wants most. */
static int choose(struct lookup *l, bool cached, int *fd, struct stat *st)
{
    const struct stat plain = *st;
    size_t n = strlen(l->name);
    unsigned best = 0;

    for (enum coding c = 0; c < CODING_PLAIN; c++) {
        struct stat coded;
        int coded_fd;
        if (!l->tree->coded[c])
            continue;
        put_name(l, n, codings[c].suffix);
        int r = open_regular(l, cached, &coded_fd, &coded);
        l->name[n] = '\0';
        if (r == -EAGAIN)
            return r;
        if (r < 0) /* one that cannot be had is as good as none */
            continue;
        bool valid = !is_older(&coded, &plain);
        l->siblings |= (unsigned)valid << c;
        if (!valid || l->rank[c] <= best) {
            close(coded_fd);
            continue;
        }
        close(*fd);
        *fd = coded_fd;
        *st = coded;
        l->coding = c;
        best = l->rank[c];
    }
    return 0;
}

/* ns until it is old enough; 0: it is, or its clock is not ours. */
static int64_t young_for(const struct stat *st)
{
    int64_t changed = (int64_t)st->st_ctim.tv_sec * NSEC_PER_SEC + st->st_ctim.tv_nsec;
    int64_t age = clock_wall() - changed;

    return age >= 0 && age < FILE_YOUNG ? FILE_YOUNG - age / WAIT_STEP * WAIT_STEP : 0;
}

static struct version version_of(const struct stat *st)
{
    return (struct version){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

/* As young_for(); `before` is what was looked at last. A file that is truncated is empty some time
 * before its times tell, so one is only taken for empty that was so before. */
static int64_t wait_for(const struct version *now, const struct version *before,
                        const struct stat *st)
{
    int64_t wait = young_for(st);

    return wait == 0 && now->size == 0 && !version_same(now, before) ? FILE_YOUNG : wait;
}

/* All of a small file. */
static int read_content(struct lookup *l, bool cached)
{
    size_t n = (size_t)l->version.size, at = 0;
    char *content = malloc(max_of(n, (size_t)1));

    if (content == NULL)
        return -ENOMEM;
    while (at < n) {
        ssize_t r = (cached ? file_read_now : file_read)(l->file, content + at, n - at, at);
        if (r <= 0) {
            free(content);
            return r < 0 ? (int)r : -EBUSY; /* it is being cut short */
        }
        at += (size_t)r;
    }
    if (file_changed(l->file)) {
        free(content);
        return -EBUSY;
    }
    l->content = content;
    file_unref(l->file);
    l->file = NULL;
    return 0;
}

/* Takes fd over. */
static int take(struct lookup *l, bool cached, int fd, const struct stat *st)
{
    const struct version before = l->version;

    l->version = version_of(st);
    l->unchanged =
        l->known != NULL && version_same(&l->version, l->known) && l->siblings == l->known_siblings;
    if (l->unchanged) {
        close(fd);
        return 0;
    }
    int64_t wait = wait_for(&l->version, &before, st);
    l->young = wait > 0;
    if (l->young && l->tries < WAITS_MAX) {
        l->wait = wait;
        close(fd);
        return -EBUSY;
    }
    /* With `cached` it is not beyond a mount, whatever device it names, as overlayfs has many. */
    bool here = cached || st->st_dev == l->tree->root_device;
    l->file = file_new(fd, st, here ? l->tree->way : file_way_of(fd), l->tree->steady);
    if (l->file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    return (uint64_t)st->st_size <= CONTENT_MAX ? read_content(l, cached) : 0;
}

static int run_once(struct lookup *l, bool cached)
{
    struct stat st;
    int fd;

    l->wait = 0;
    l->siblings = 0;
    l->coding = CODING_PLAIN;
    int r = open_given(l, cached, &fd, &st);
    if (r < 0)
        return r;
    r = choose(l, cached, &fd, &st);
    if (r < 0) {
        close(fd);
        return r;
    }
    return take(l, cached, fd, &st);
}

void lookup_run(struct lookup *l, bool cached)
{
    l->error = run_once(l, cached);
    if (l->error != 0 || l->unchanged)
        lookup_done(l);
    if (l->error != -EBUSY)
        return;
    if (++l->tries > TRIES_MAX)
        l->wait = 0;
    else if (l->wait == 0)
        l->wait = FILE_YOUNG;
}
