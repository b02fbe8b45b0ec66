/*
 * guess.h - what the author of a mistake may have meant, for messages. One thread.
 */
#ifndef MUXD_CONFIG_GUESS_H
#define MUXD_CONFIG_GUESS_H

#include "base/option.h"

#define GUESS_MAX 256 /* bytes for any of the texts */

/* The one of `names` (NULL-terminated) that was probably meant, or NULL. */
const char *guess_name(struct str word, const char *const *names);
/* For a key: what other programs call by it goes by that name here, if it is one of `names`. */
/* What muxd has none of, if the key asks for that: "proxies"; or NULL. */
const char *guess_absent(struct str key);
const char *guess_habit(struct str key, const char *const *names);
/* A time or a size in the one spelling that is read, from another that is clear; in `buf` without
 * quotes. False: it is not. */
bool guess_quantity(struct str text, const struct option *o, char *buf);
/* The message for a key that stands in a group of `table` and is known elsewhere, in `buf`; false:
 * it is not. */
bool guess_home(struct str key, const struct option *table, char *buf);

#endif
