/*
 * lookup.h - from a name to an open file below a directory, and never outside of it.
 *
 * Every name is resolved by openat2(2) from a descriptor of the root that is held since the config
 * was loaded; where the kernel has no openat2(2) every lookup fails with -ENOSYS, there is no other
 * way to open. Only regular files are opened for long: O_NONBLOCK keeps a FIFO or a device from
 * holding the opener until fstat(2) has told what it is.
 *
 * What is found is of one version of the file. A file that was changed in the last FILE_YOUNG may
 * be changed again without its times telling, as clocks of file systems tick; so it is waited for.
 * From then on every change shows in its times. One that changes all the time is taken young. An
 * empty one is waited for whatever its times are: where one is truncated, they are set last.
 *
 * A struct tree is filled by the loader's thread and constant afterwards. A struct lookup has one
 * owner at a time; lookup_run() touches nothing but it and the tree.
 */
#ifndef MUXD_HANDLER_LOOKUP_H
#define MUXD_HANDLER_LOOKUP_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/option.h"
#include "event/file.h"

#define FILE_YOUNG (50 * NSEC_PER_MSEC) /* several ticks of any kernel */
#define CONTENT_MAX KIB(128)            /* files up to that size are read into memory */

enum symlinks { SYMLINKS_INSIDE, SYMLINKS_NEVER, SYMLINKS_ANY };

/* Content codings (RFC 9110 section 8.4.1) of which files may stand beside the plain one. */
enum coding { CODING_BR, CODING_ZSTD, CODING_GZIP, CODING_PLAIN, N_CODINGS };

struct tree {
    int root_fd;           /* O_PATH */
    dev_t root_device;     /* what it is on, */
    enum file_way way;     /* and what that does to who reads there */
    int64_t symlinks;      /* enum symlinks */
    bool steady;           /* its files are replaced, never written in place */
    struct strs index;     /* file names to try in a directory */
    bool coded[N_CODINGS]; /* those whose files are looked for */
};

/* What tells one version of a file from another. */
struct version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

static inline bool time_same(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}
static inline bool version_same(const struct version *a, const struct version *b)
{
    return a->inode == b->inode && a->device == b->device && a->size == b->size &&
           time_same(a->modified, b->modified) && time_same(a->changed, b->changed);
}

struct lookup {
    const struct tree *tree;
    struct str given; /* the name asked for, below the root */
    char *name;       /* the candidate that was tried last; room for every one */
    /* The caller's to set: how much the client prefers each coding to the plain file, 0: it does
     * not; and what was found the last time, or NULL: content of that version is not read again. */
    uint8_t rank[CODING_PLAIN];
    const struct version *known;
    unsigned known_siblings;
    /* Set by lookup_run(). */
    int error;      /* 0: a regular file. -EISDIR: a directory, and `given` does not end in a
                       slash. -ENODEV: something else. -EBUSY: see `wait`. Other -errno. */
    int64_t wait;   /* -EBUSY: ns until it is to be run again; 0: that was often enough */
    unsigned tries; /* how often it was so */
    struct version version;
    bool young;         /* the same version may be another content: it cannot be `known` later */
    enum coding coding; /* of the file that was chosen */
    unsigned siblings;  /* bit 1 << coding: there is such a file */
    bool unchanged;     /* it is the version that is `known`: no content, no file */
    char *content;      /* all of it, from malloc(); or NULL: `file` has it */
    struct file *file;  /* or NULL */
};

/* `file` lives as long as the lookup. 0 or -ENOMEM. */
int lookup_init(struct lookup *l, const struct tree *tree, struct str file,
                struct arena *arena) MUST_USE;
/* Gives back what was not taken (set to NULL). NULL is fine. */
void lookup_done(struct lookup *l);

/*
 * Tries `given`, or if it is empty or ends in a slash the index files in it; then the files beside
 * it that hold its content coded, are not older, and that the client wants more.
 * With `cached` it never waits: -EAGAIN if that does not suffice, then it is to be called once
 * more, without, where it may block.
 */
void lookup_run(struct lookup *l, bool cached);

/* openat2(2) below the root, close-on-exec. A descriptor or -errno; with `cached` -EAGAIN. */
int lookup_open(const struct tree *tree, const char *name, uint64_t flags, bool cached);

/* "br", "zstd", "gzip"; N_CODINGS: none of them. */
struct str coding_name(enum coding coding);
enum coding coding_of(struct str name);

#endif
