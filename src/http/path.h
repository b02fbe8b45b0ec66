/*
 * path.h - the decoded, cleaned form of a path (see request.h), and back. Pure.
 */
#ifndef MUXD_HTTP_PATH_H
#define MUXD_HTTP_PATH_H

#include "base/arena.h"

/*
 * Decodes `raw` (a path as sent; begins with '/' or is empty) into `out`, which has room for
 * raw.n + 1 bytes, removing empty and dot segments. *ret_cleaned tells whether any were removed
 * (an empty raw path is "/" and does not count). 0, or -EINVAL: a bad escape, %00 or NUL, a raw
 * byte that may not stand in a path (controls, space, '?', '#'; bytes over 0x7f).
 */
int path_clean(struct str raw, char *out, struct str *ret, bool *ret_cleaned) MUST_USE;

/* The inverse, for a Location: percent-encodes what RFC 3986 does not let stand in a path (keeps
 * "%2F" and "%25"), and never begins with "//" or "/\". {NULL, 0} without memory. */
struct str path_encode(struct arena *a, struct str path);

/* The byte that stands encoded at the begin of `s`, of a path in normal form, which is not empty:
 * '/' or '%'; or 0: there is a plain byte. */
char path_kept_escape(struct str s);

/* One path segment or tail to a file name: "%2F" is refused (-EINVAL: no file name has a slash),
 * "%25" becomes '%'. NUL-terminated in the arena. */
int path_to_file(struct arena *a, struct str path, struct str *ret) MUST_USE;

#endif
