/*
 * jsonw.h - JSON to standard output, on one line. Whoever calls keeps opening and closing in step.
 * What cannot be written is noticed at the end, by main(). The thread of main().
 */
#ifndef MUXD_COMMAND_JSONW_H
#define MUXD_COMMAND_JSONW_H

#include "base/str.h"

/* `key` NULL: an element of an array, or the whole. */
void jsonw_open(const char *key, char bracket); /* '{' or '[' */
void jsonw_close(char bracket);                 /* '}' or ']' */
void jsonw_str(const char *key, struct str s);  /* {NULL, 0} is null */
void jsonw_int(const char *key, int64_t n);
void jsonw_bool(const char *key, bool b);
/* For keys that are not constants. */
void jsonw_named(struct str key, struct str s);
/* Behind the outermost bracket. */
void jsonw_end(void);

#endif
