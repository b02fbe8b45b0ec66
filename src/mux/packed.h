/*
 * packed.h - the routes of a mux in the form that serves: read only, small. For mux.c alone.
 *
 * Nodes in one array of 8-byte words. A large config repeats itself: below thousands of resources
 * stand the same few paths and methods. So a node does not know what leads to it nor which routes
 * are its own, and equal nodes, with all that is below them, are kept once; likewise the texts of
 * segments. What differs is counted on the way: routes are numbered as a walk over the whole tree
 * meets them, an edge says how many come before those of its child, and the sum is the number of
 * a node's first route. Methods are numbers in the node (tree.h), and captures are noted on the
 * way: neither the patterns nor anything else that exists once a route is looked at.
 *
 * An edge to a literal child stands for the run of literals that nothing branches off, so that is
 * in no node either, and a host whose routes are as others' costs its edge alone. Children are
 * found in a table by the hash of the segment; an edge has what the next one is looked up with, and
 * where a segment ends is known from the path, so a level costs one access to memory that waits for
 * another.
 *
 * The walk meets the most specific route first: at every node the literal child holds the more
 * specific ones, then the wildcard child, then the tail. It keeps the places where it may
 * go on elsewhere, of which each node on the way is one at most, and takes no memory. It visits a
 * node at most once, and a second one of the same depth only where the config has both a literal
 * and a wildcard for the same segment; so a path costs its length, times the ways in which the
 * config's wildcards and literals combine to match its beginning - a number the client cannot
 * raise beyond what the config wrote out. Without such siblings, or with them where the literal's
 * routes match, it is one node a branch of the tree.
 *
 * Packed by one thread, then immutable: any thread.
 */
#ifndef MUXD_MUX_PACKED_H
#define MUXD_MUX_PACKED_H

#include "mux/code.h"
#include "mux/pattern.h"

#define PACKED_CAPTURES_MAX 16 /* wildcards on the way to one route, its tail included */

struct packed;

/* A tree that is packed: its root, the number of its first route, and where the text stands that
 * leads to the root (to that of hosts, none). The node 0: it is empty. */
struct packed_tree {
    uint32_t node, first, name;
};

/* So many words behind the last are read, and mean nothing: behind a name or a table. */
#define PACKED_BEHIND 3

enum hit {
    HIT_EXACT, /* the path, or a path that ends in '/' with an empty tail */
    HIT_TAIL,  /* a tail that is not empty */
    HIT_SLASH, /* not the path, but path + "/" */
};

/* Where the walk may go on: at the wildcard child, the end, or the tail of a node. */
struct way {
    uint32_t node, first, at;
    uint16_t n_captures;
    uint16_t step;
};

struct walk {
    const uint64_t *words;
    struct str path; /* without the final slash */
    bool slash;      /* whether it had one */
    struct {
        uint32_t node, first; /* to begin at; node 0: begun, or there is none */
        struct str text;      /* which the path begins with */
    } root;
    /* What was met last. */
    const struct packed *node;
    uint32_t first; /* number of its first route */
    enum end_kind end;
    enum hit hit;
    uint32_t tail; /* where the tail begins in the path */
    uint32_t n_captures;
    struct {
        uint32_t begin, end;
    } captures[PACKED_CAPTURES_MAX];
    uint32_t n_ways;
    struct way ways[PATTERN_SEGMENTS_MAX + 1];
};

/* `path` begins with '/'. */
static inline void walk_init(struct walk *w, const uint64_t *words, struct str path)
{
    w->words = words;
    w->slash = path.p[path.n - 1] == '/';
    w->path = str_make(path.p, path.n - w->slash);
    w->root.node = 0;
    w->n_ways = 0;
}
/* From this tree on. */
void walk_from(struct walk *w, struct packed_tree root);
/* From the tree of that host on; false: there is none. */
bool walk_from_host(struct walk *w, struct packed_tree hosts, struct str host);
/* Goes on to the next node whose routes of one kind of end match the path, whatever their methods;
 * false behind the last. */
bool walk_next(struct walk *w);

#define WALK_NO_ROUTE UINT32_MAX
/* The numbers of the routes met, one by one from *at = 0 on, with their codes. WALK_NO_ROUTE behind
 * the last. */
uint32_t walk_route(const struct walk *w, size_t *at, uint16_t *ret_code);
/* The first of them that serves the method, or WALK_NO_ROUTE. */
uint32_t walk_route_for(const struct walk *w, unsigned method);

#endif
