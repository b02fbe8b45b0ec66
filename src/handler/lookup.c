/* lookup.c - see lookup.h. The owner's thread: a loop, or a worker it was lent to. */
#include "handler/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RACES_MAX 8

int lookup_open(int root_fd, const char *name, uint64_t flags, bool cached)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (cached ? RESOLVE_CACHED : 0u),
    };

    /* Without RESOLVE_CACHED, EAGAIN means that a rename came between; it need not come again. */
    for (int races = 0;;) {
        long fd = syscall(SYS_openat2, root_fd, name, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno != EINTR && (errno != EAGAIN || cached || races++ == RACES_MAX))
            return -errno;
    }
}

int lookup_init(struct lookup *l, const struct tree *tree, struct str file, struct arena *arena)
{
    size_t longest = 0;

    for (size_t i = 0; i < tree->index.n; i++)
        longest = max_of(longest, tree->index.v[i].n);
    *l = (struct lookup){ .tree = tree, .given = file, .fd = -1 };
    l->name = arena_alloc(arena, max_of(file.n + longest, tree->fallback.n) + 1);
    return l->name ? 0 : -ENOMEM;
}

void lookup_done(struct lookup *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* A directory that may be searched but not read is one nevertheless. */
static bool is_directory(int root_fd, const char *name, bool cached)
{
    int fd = lookup_open(root_fd, name, O_PATH | O_DIRECTORY, cached);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static int open_regular(struct lookup *l, bool cached)
{
    int root_fd = l->tree->root_fd;
    int r = 0, fd = lookup_open(root_fd, l->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, cached);

    if (fd < 0)
        return fd == -EACCES && is_directory(root_fd, l->name, cached) ? -EISDIR : fd;
    if (fstat(fd, &l->st) < 0)
        r = -errno;
    else if (!S_ISREG(l->st.st_mode))
        r = S_ISDIR(l->st.st_mode) ? -EISDIR : -ENODEV;
    if (r < 0)
        close(fd);
    else
        l->fd = fd;
    return r;
}

static int try(struct lookup *l, struct str head, struct str tail, bool cached)
{
    if (head.n)
        memcpy(l->name, head.p, head.n);
    if (tail.n)
        memcpy(l->name + head.n, tail.p, tail.n);
    l->name[head.n + tail.n] = '\0';
    return open_regular(l, cached);
}

/* What a name that leads to no file, or through one, comes to. */
static bool is_missing(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG;
}

static int try_given(struct lookup *l, bool cached)
{
    int r = -ENOENT;

    if (l->given.n && !str_ends(l->given, STR("/")))
        return try(l, l->given, STR_EMPTY, cached);
    for (size_t i = 0; i < l->tree->index.n && is_missing(r); i++) {
        r = try(l, l->given, l->tree->index.v[i], cached);
        if (r == -EISDIR)
            r = -ENOENT;
    }
    return r;
}

void lookup_run(struct lookup *l, bool cached)
{
    l->error = try_given(l, cached);
    l->fell_back = is_missing(l->error) && l->may_fall_back && l->tree->fallback.n;
    if (l->fell_back) {
        l->error = try(l, l->tree->fallback, STR_EMPTY, cached);
        if (l->error == -EISDIR)
            l->error = -ENOENT;
    }
}
