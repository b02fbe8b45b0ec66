/* root.c - see root.h. The loader's thread. */
#include "handler/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOKED_AT 16 /* so that many different ones cost no n^2 */

static const char *const unfit[] = { "/",    "/etc", "/home", "/root", "/proc",
                                     "/sys", "/dev", "/boot", "/run",  "/var" };

static void close_root(void *arg)
{
    close((int)(intptr_t)arg);
}

static void look_at(struct root *r)
{
    struct stat root, top;

    if (faccessat(AT_FDCWD, r->path.p, X_OK, AT_EACCESS) < 0)
        r->no_entry = errno;
    r->way = file_way_of(r->fd);
    if (fstat(r->fd, &root) < 0)
        return;
    r->device = root.st_dev;
    r->inode = root.st_ino;
    for (size_t i = 0; i < array_len(unfit) && r->holds == NULL; i++)
        if (stat(unfit[i], &top) == 0 && root.st_dev == top.st_dev && root.st_ino == top.st_ino)
            r->holds = unfit[i];
}

static struct root *open_root(struct option_check *c, struct str given)
{
    struct str path = option_path(c, given);
    struct root *r = arena_zalloc(c->arena, sizeof *r);
    int fd = -1;

    if (r == NULL || path.p == NULL)
        goto no_memory;
    fd = open(path.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        option_error(c, "root", "cannot open \"%.*s\": %s", str_fmt(path), strerror(errno));
        return NULL;
    }
    if (arena_on_reset(c->arena, close_root, (void *)(intptr_t)fd) < 0) {
        close(fd);
        goto no_memory;
    }
    *r = (struct root){ *c->shared, given, c->base, path, .fd = fd, .way = FILE_REMOTE };
    *c->shared = r;
    look_at(r);
    return r;
no_memory:
    option_error(c, "root", "%s", strerror(ENOMEM));
    return NULL;
}

const struct root *root_find(struct option_check *c, struct str given)
{
    const struct root *r = *c->shared;

    if (given.n == 0) {
        option_error(c, "root", "must name a directory");
        return NULL;
    }
    for (int i = 0; r != NULL && i < LOOKED_AT; i++, r = r->older)
        if (str_eq(r->given, given) && str_eq(r->base, c->base))
            return r;
    return open_root(c, given);
}

void root_judge(struct option_check *c, const struct root *r)
{
    if (r->no_entry != 0)
        option_warning(c, "root", "uid %u, who looks now, may not enter it: %s", geteuid(),
                       strerror(r->no_entry));
    if (r->holds != NULL)
        option_warning(c, "root", "%s holds %s", r->holds,
                       r->holds == unfit[0] ? "every file of the machine"
                                            : "what is not for everyone");
}
