/*
 * json.h - bytes from outside as the inside of a JSON string (RFC 8259): always valid JSON in
 * valid UTF-8, whatever they are. Pure; any thread.
 */
#ifndef MUXD_BASE_JSON_H
#define MUXD_BASE_JSON_H

#include "base/str.h"

#define JSON_CHAR_MAX 6

/* Takes the first character off *s, which is not empty, and writes it to `out`, escaped where it
 * must be, or a terminal would obey it: at most JSON_CHAR_MAX bytes. A byte that is not UTF-8
 * becomes U+FFFD. Returns the bytes written. */
size_t json_take(struct str *s, char *out);

#endif
