/*
 * target.h - request-target and authority (RFC 9112 section 3.2, RFC 3986 section 3.2). Pure.
 *
 * Stricter than RFC 3986 in one point: a host name is letters, digits, "-", ".", "_" and "~" only.
 * Escapes and sub-delims in it would let two spellings name one host.
 *
 * Functions return NULL, or the reason of the refusal as head.h's parser gives it: all are 400
 * but target_no_memory.
 */
#ifndef MUXD_HTTP_TARGET_H
#define MUXD_HTTP_TARGET_H

#include "base/arena.h"
#include "http/request.h"

extern const char target_no_memory[];

/* From r->method and r->target, whose bytes head_scan() has checked: form, path, path_cleaned,
 * has_query, query; and for the absolute and authority forms host and port. */
const char *target_parse(struct request *r, struct arena *arena) MUST_USE;

/* "host", "host:port", "[v6]:port", for a Host field or the like: *ret_host in lower case, which
 * is a slice of `s` if that was so; both may be empty. */
const char *target_authority(struct str s, struct arena *arena, struct str *ret_host,
                             struct str *ret_port) MUST_USE;

/* What stands behind "http://" or "https://", in any case; {NULL, 0} if `uri` begins with neither.
 */
struct str target_behind_scheme(struct str uri);

#endif
