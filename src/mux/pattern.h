/*
 * pattern.h - route patterns: "[METHOD ][HOST]/path", Go's ServeMux (1.22) spelling.
 *
 *   /x       exactly /x            /x/       /x/ and all below it
 *   /{id}    one segment           /{rest...}  the tail, also an empty one
 *   /x/{$}   exactly /x/
 *
 * HOST is a name, or "*.example.org" (one or more labels in front). METHOD is any token. The
 * literal segments are kept in the normal form of a request's path (http/path.h), so matching
 * compares bytes. "{{" and "}}" do not exist here; a brace elsewhere is an error.
 * A parsed pattern is immutable; any thread.
 */
#ifndef MUXD_MUX_PATTERN_H
#define MUXD_MUX_PATTERN_H

#include "base/arena.h"
#include "http/method.h"

#define PATTERN_SEGMENTS_MAX 256 /* more are refused; bounds the recursion over patterns */

enum segment_kind {
    SEGMENT_LITERAL,
    SEGMENT_WILDCARD, /* {name}: one segment, not empty */
    SEGMENT_REST,     /* {name...}, or a final slash (then the name is empty): last only */
    SEGMENT_END,      /* {$}: only the final slash itself: last only */
};

struct segment {
    enum segment_kind kind;
    struct str text; /* LITERAL: in normal form; WILDCARD, REST: the name */
};

struct pattern {
    struct str text; /* as written */
    bool has_method;
    enum method method;
    struct str method_token;
    struct str host; /* lower case; without "*." if host_is_wildcard; empty: any host of the site */
    bool host_is_wildcard;
    struct segment *segments;
    size_t n_segments;
    size_t n_names; /* named WILDCARD and REST segments */
};

/*
 * Parses `text` into memory of `arena`. 0; -ENOMEM; -EINVAL with *ret_why a sentence without the
 * pattern ("a wildcard must be a whole segment") and *ret_at the byte of `text` it is about.
 * Refused: no '/', a path that is not clean (".", "..", "//"), a bad escape, a bad host (upper
 * case, a port), a method that is no token, wildcard faults, a duplicate name, too many segments.
 */
int pattern_parse(struct str text, struct arena *arena, struct pattern *ret, const char **ret_why,
                  size_t *ret_at) MUST_USE;

/* The path up to the first segment that is not a literal, as a request's normal path has it:
 * "/a/b/" for /a/b/ and /a/b/{x}, "/x" for /x. In the arena. */
struct str pattern_prefix(const struct pattern *p, struct arena *arena);

enum relation {
    RELATION_DISJOINT,     /* no request matches both */
    RELATION_EQUAL,        /* the same requests */
    RELATION_MORE_GENERAL, /* a matches all that b matches, and more */
    RELATION_MORE_SPECIFIC,
    RELATION_OVERLAPS, /* some requests match both, some only the one, some only the other */
};
enum relation pattern_compare_paths(const struct pattern *a, const struct pattern *b);
enum relation pattern_compare_methods(const struct pattern *a, const struct pattern *b);
enum relation pattern_compare_hosts(const struct pattern *a, const struct pattern *b);

/* Whether the two may not stand in one site: the same pattern twice (EQUAL in host, path and
 * method), or with the same host paths that overlap although a method may match both. */
bool pattern_conflict(const struct pattern *a, const struct pattern *b);

#endif
