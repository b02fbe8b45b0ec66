/*
 * mux.h - the routes of one site as a tree, and the decision for a request:
 *
 *   Of the routes whose method, host and path all match, the most specific host wins, then the
 *   most specific path, then the most specific method.
 *
 * Order of adding never matters. Matching allocates nothing and takes time in proportion to
 * the path, whatever the number of routes (tree.h says what wildcards add). Built by one thread,
 * then immutable: any thread.
 */
#ifndef MUXD_MUX_MUX_H
#define MUXD_MUX_MUX_H

#include "http/request.h"
#include "mux/pattern.h"

struct mux;

#define MUX_CAPTURES_MAX 16 /* named wildcards in one pattern; more is refused at load */

struct mux_match {
    void *route; /* what mux_add() was given, or NULL */
    const struct pattern *pattern;
    struct str captures[MUX_CAPTURES_MAX]; /* slices of the path, in the order of the names */
    bool add_slash;                        /* redirect to path + "/"; then there is no route */
    bool other_method; /* no route and no add_slash, but one with another method: 405 */
};

/* All memory comes from `arena`; there is nothing to free. NULL without memory. */
struct mux *mux_new(struct arena *arena);
/*
 * `pattern` must outlive the mux. 0; -ENOMEM; -E2BIG (captures); -EEXIST: it conflicts, and
 * *ret_other is the route it conflicts with.
 */
int mux_add(struct mux *m, const struct pattern *pattern, void *route, void **ret_other) MUST_USE;

/*
 * Decides. `host` without port, lower case, may be empty; `path` in normal form (request.path; the
 * empty one of the authority and asterisk forms matches nothing); the method by number and token
 * (METHOD_OTHER).
 *
 * GET routes serve HEAD too. add_slash and other_method are Go's: a match is exact unless the tail
 * of its pattern took something ("/" and "/a/{r...}" match /a/b, but not exactly). When path does
 * not end in '/', its best route with this method is not an exact match or there is none, and
 * that of path + "/" is one, add_slash is set: so /x leads to /x/ although "/" matches it.
 * other_method also counts the routes of path + "/".
 */
void mux_match(const struct mux *m, enum method method, struct str method_token, struct str host,
               struct str path, struct mux_match *ret);

/* The value of `Allow` for a path whose match said other_method: every method some route has for
 * it (or for path + "/"), sorted by enum method, other tokens behind; GET brings HEAD. In the
 * arena. {NULL, 0} without memory. */
struct str mux_allow(const struct mux *m, struct str host, struct str path, struct arena *arena);

#endif
