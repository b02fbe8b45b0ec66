/*
 * lookup.h - from a name to an open file below a directory, and never outside of it.
 *
 * Every name is resolved by openat2(2) with RESOLVE_BENEATH from a descriptor of the root that is
 * held since the config was loaded. Where the kernel has no openat2(2) every lookup fails with
 * -ENOSYS; there is no other way to open. Only regular files are opened for long: O_NONBLOCK
 * keeps a FIFO or a device from holding the opener until fstat(2) has told what it is.
 *
 * A struct tree is filled by the loader's thread and constant afterwards. A struct lookup has one
 * owner at a time; lookup_run() touches nothing but it and the tree.
 */
#ifndef MUXD_HANDLER_LOOKUP_H
#define MUXD_HANDLER_LOOKUP_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/option.h"

struct tree {
    int root_fd;         /* O_PATH */
    struct strs index;   /* file names to try in a directory */
    struct str fallback; /* a name below the root, NUL-terminated; or empty */
};

struct lookup {
    const struct tree *tree;
    struct str given;   /* the name asked for, below the root */
    char *name;         /* the candidate that was tried last; room for every one */
    bool may_fall_back; /* the caller's to set */
    /* Set by lookup_run(). */
    int error; /* 0: fd is a regular file, described by st. -EISDIR: a directory, and `given` does
                  not end in a slash. -ENODEV: something else. Other -errno. */
    int fd;    /* or -1 */
    bool fell_back;
    struct stat st;
};

/* `file` lives as long as the lookup. 0 or -ENOMEM. */
int lookup_init(struct lookup *l, const struct tree *tree, struct str file,
                struct arena *arena) MUST_USE;
/* Closes fd unless it was taken (set to -1). NULL is fine. */
void lookup_done(struct lookup *l);

/*
 * Tries `given`, or if it is empty or ends in a slash the index files in it, then the fallback.
 * With `cached` it does no I/O for names: -EAGAIN (or -EINVAL, from a kernel before 5.12) if
 * that does not suffice; then it is to be called once more, without, where it may block.
 */
void lookup_run(struct lookup *l, bool cached);

/* openat2(2) below root_fd, close-on-exec. A descriptor or -errno. */
int lookup_open(int root_fd, const char *name, uint64_t flags, bool cached);

#endif
