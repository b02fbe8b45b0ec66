/*
 * mux.h - the routes of one site, and the decision for a request:
 *
 *   Of the routes whose method, host and path all match, the most specific host wins, then the
 *   most specific path, then the most specific method.
 *
 * Order of adding never matters. Matching allocates nothing and takes time in proportion to
 * the path, whatever the number of routes (packed.h says what wildcards add). Routes are added by
 * one thread, which then seals the mux; from then on it is immutable and answers: any thread.
 */
#ifndef MUXD_MUX_MUX_H
#define MUXD_MUX_MUX_H

#include "http/request.h"
#include "mux/packed.h"
#include "mux/pattern.h"

struct mux;

#define MUX_CAPTURES_MAX PACKED_CAPTURES_MAX /* named wildcards in one pattern; more is refused */
#define MUX_METHODS_MAX 8192 /* methods that enum method does not know, in one mux; likewise */

struct mux_match {
    void *const *route; /* where the mux keeps what mux_add() was given, or NULL; mux_route() */
    bool add_slash;     /* redirect to path + "/"; then there is no route */
    bool other_method;  /* no route and no add_slash, but one with another method: 405 */
    /* Of a route: slices of the path, in the order of its pattern's names; no more than these are
     * set. */
    struct str captures[MUX_CAPTURES_MAX];
};

/* What the mux keeps comes from `arena`, what it needs until it is sealed from malloc: nothing is
 * to be freed. NULL without memory. */
struct mux *mux_new(struct arena *arena);
/*
 * `pattern` must outlive the mux; `route` is not NULL. 0; -ENOMEM: then the mux is good for
 * nothing; and with the mux as it was: -E2BIG (captures); -ENOSPC (methods); -EEXIST: it conflicts,
 * and *ret_other is the route it conflicts with.
 */
int mux_add(struct mux *m, const struct pattern *pattern, void *route, void **ret_other) MUST_USE;
/* Once, behind the last route. 0; -ENOMEM; -EOVERFLOW: the routes would take 32 GiB. */
int mux_seal(struct mux *m) MUST_USE;

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

/* The route, or NULL. A large mux does not read what it keeps of one route alone, which is in no
 * cache, but asks for it: so it is not waited for as long as nobody comes here. */
static inline void *mux_route(const struct mux_match *m)
{
    return m->route != NULL ? *m->route : NULL;
}

/* The value of `Allow` for a path whose match said other_method: every method some route has for
 * it (or for path + "/"), sorted by enum method, other tokens behind; GET brings HEAD. In the
 * arena. {NULL, 0} without memory. */
struct str mux_allow(const struct mux *m, struct str host, struct str path, struct arena *arena);

/* The routes whose host and path match, whatever their methods, the most specific first; those of
 * one host and path by their methods as pattern_order() has them. */
struct mux_candidates {
    struct walk walk;
    const struct mux *mux;
    struct str host;
    size_t host_at; /* behind the dots that trees of suffixes were looked for */
    bool any_host;  /* the tree of the patterns without a host is still to come */
    size_t route;   /* at the node that was met last */
};
void mux_candidates(const struct mux *m, struct str host, struct str path,
                    struct mux_candidates *ret);
/* NULL behind the last. *ret_slash: it does not match the path, but path + "/". */
void *mux_candidates_next(struct mux_candidates *c, bool *ret_slash);

#endif
