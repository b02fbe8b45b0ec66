/*
 * root.h - the directories that `files` serves from, opened when the config is loaded. Routes of a
 * site share them: it may have thousands of routes, and few roots. The loader's thread; constant
 * afterwards.
 */
#ifndef MUXD_HANDLER_ROOT_H
#define MUXD_HANDLER_ROOT_H

#include <sys/types.h>

#include "base/option.h"
#include "event/file.h"

struct root {
    struct root *older;
    struct str given, base; /* base: while the config is loaded */
    struct str path;
    int fd; /* O_PATH; closed with the arena of the site */
    dev_t device;
    ino_t inode;
    enum file_way way;
    int no_entry;      /* errno, to whom looks now; or 0 */
    const char *holds; /* a directory that is not for everyone, and that it is; or NULL */
};

/* The root that the option `root` names, opened if it was not yet. NULL: reported. */
const struct root *root_find(struct option_check *c, struct str given);
/* Warns of what should not be served as a whole, or cannot. */
void root_judge(struct option_check *c, const struct root *r);

#endif
