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
 *
 * There is one for each route, so it is small: all text is in one copy of what was written, and
 * segments are found anew by who asks for them. A parsed pattern is immutable; any thread.
 */
#ifndef MUXD_MUX_PATTERN_H
#define MUXD_MUX_PATTERN_H

#include "base/arena.h"
#include "http/method.h"

#define PATTERN_SEGMENTS_MAX 256 /* more are refused; bounds the recursion over patterns */
#define PATTERN_TEXT_MAX 65535   /* bytes; likewise */

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
    const char *text; /* as written */
    const char *path; /* in `text`, or a copy with its escapes decoded, in which a wildcard begins
                         with a NUL, since a literal may begin with a brace */
    uint16_t text_n, path_n;
    uint16_t host_at, host_n;
    uint16_t prefix_n;
    uint16_t n_segments;
    uint16_t n_names; /* named WILDCARD and REST segments */
    uint8_t method;   /* enum method; METHOD_OTHER also without one */
    bool has_method : 1;
    bool host_is_wildcard : 1;
    bool decoded : 1; /* `path` is a copy */
};

/*
 * Parses `text` into memory of `arena`. 0; -ENOMEM; -EINVAL with *ret_why a sentence without the
 * pattern ("a wildcard must be a whole segment") and *ret_at the byte of `text` it is about.
 * Refused: no '/', a path that is not clean (".", "..", "//"), a bad escape, a bad host (upper
 * case, a port), a method that is no token, wildcard faults, a duplicate name, too many segments or
 * bytes.
 */
int pattern_parse(struct str text, struct arena *arena, struct pattern *ret, const char **ret_why,
                  size_t *ret_at) MUST_USE;

/* As written. */
static inline struct str pattern_text(const struct pattern *p)
{
    return str_make(p->text, p->text_n);
}
/* Lower case; without "*." if host_is_wildcard; empty: any host of the site. */
static inline struct str pattern_host(const struct pattern *p)
{
    return str_make(p->text + p->host_at, p->host_n);
}
/* The token; empty: any method. */
struct str pattern_method(const struct pattern *p);
/* The path up to the first segment that is not a literal, as a request's normal path has it:
 * "/a/b/" for /a/b/ and /a/b/{x}, "/x" for /x. */
static inline struct str pattern_prefix(const struct pattern *p)
{
    return str_make(p->path, p->prefix_n);
}
/* The segments one by one: for (size_t at = 0; pattern_next(p, &at, &segment);) */
bool pattern_next(const struct pattern *p, size_t *at, struct segment *ret);
/* The names of its wildcards one by one, in order; likewise. */
bool pattern_next_name(const struct pattern *p, size_t *at, struct str *ret);

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

/*
 * For lists, as qsort() wants it: of two of one site that match one request, the one that wins is
 * first. Else by their text: hosts (exact ones, then wildcards, longest first, then none), paths
 * (segment by segment; literals, then wildcards, then tails), methods (HEAD first, none last). 0:
 * the same but for names.
 */
int pattern_order(const struct pattern *a, const struct pattern *b);
/* By their methods alone. */
int pattern_order_methods(const struct pattern *a, const struct pattern *b);

/* Whether the two may not stand in one site: the same pattern twice (EQUAL in host, path and
 * method), or with the same host paths that overlap although a method may match both. */
bool pattern_conflict(const struct pattern *a, const struct pattern *b);

#endif
