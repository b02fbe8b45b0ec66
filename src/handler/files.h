/*
 * files.h - the inside of the `files` kind: its options as files.c fills them, and what
 * files_reply.c answers by them. Filled by the loader's thread, constant afterwards.
 */
#ifndef MUXD_HANDLER_FILES_H
#define MUXD_HANDLER_FILES_H

#include "handler/handler.h"
#include "handler/lookup.h"
#include "handler/mime.h"

struct files {
    struct str root;
    struct tree tree;
    struct str fallback;
    struct strs types;
    struct str charset;
    bool listing, dotfiles, immutable;
    struct strs precompressed;
    int64_t max_age; /* ns; -1: not said */
    struct str cache_control;
    int64_t cache; /* ns */
    /* Set by files_check(). */
    uint64_t id;     /* unique in the process: whose files the caches know */
    struct str path; /* of the root, as it was opened */
    ino_t root_inode;
    struct mime_table own_types;
    struct str lasting; /* Cache-Control of a 200; empty: none */
    struct str passing; /* of a part of a file: never immutable */
};

/* Whether a path below the root has a name that begins with a dot, but for ".well-known". */
bool files_has_dot_name(struct str path);

/* struct handler_kind.handle */
enum step files_reply(struct exchange *x);

#endif
