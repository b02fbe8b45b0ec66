/*
 * bind.h - a group of settings into a struct, by its option table. One thread.
 */
#ifndef MUXD_CONFIG_BIND_H
#define MUXD_CONFIG_BIND_H

#include "base/option.h"
#include "config/file.h"

/*
 * Sets all of the table's members of *into: to the default, or as they are in `outer` (a struct of
 * the same table, of an outer level; or NULL), then to what `group` says, checked for type and
 * range; strings are copied to `arena`. Reports what is wrong, unknown and missing keys
 * too, and goes on. `more` (NULL-terminated, or NULL) are keys that may stand there as well; they
 * are the caller's, even if the table knows them. 0 or -ENOMEM; errors are the report's.
 */
int bind_group(struct setting group, struct report *r, const struct option *table,
               const char *const *more, const void *outer, void *into,
               struct arena *arena) MUST_USE;

/* The same where `value` stands for a group with the table's one option. */
int bind_plain(struct setting value, struct report *r, const struct option *table,
               const void *outer, void *into, struct arena *arena) MUST_USE;

/* What stands there, for "expected ..., got %s" messages; in `buf`. */
#define BIND_GOT_MAX 80
const char *bind_got(struct setting s, char *buf);

#endif
