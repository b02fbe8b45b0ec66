/*
 * packed.h - the routes of a mux in the form that serves: read only, small, near together. For
 * mux.c alone.
 *
 * Trees of nodes in one array of 8-byte words. A run of literals that nothing branches off is the
 * text of one node. All that is below a node follows it, so a small part of the tree is one
 * piece of memory; larger sets of children are found by a hash table, small ones by a byte of their
 * hash each; so a match touches about as many lines of memory as nodes. Methods are numbers in the
 * node (tree.h), and captures are noted on the way: the patterns are not looked at.
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
struct tree_node;

/*
 * First every tree gets its place (root->at) behind the *words that are taken, PACKED_BEFORE at
 * first; then, in an array of as many words and PACKED_BEHIND, each is written. `numbers` are those
 * of the methods from METHOD_OTHER on, in place of what the tree has. -EOVERFLOW: over 2^32 words.
 */
#define PACKED_BEFORE 1
#define PACKED_BEHIND 1
int packed_place(struct tree_node *root, uint64_t *words) MUST_USE;
void packed_write(uint64_t *words, const struct tree_node *root, const uint16_t *numbers);

enum hit {
    HIT_EXACT, /* the path, or a path that ends in '/' with an empty tail */
    HIT_TAIL,  /* a tail that is not empty */
    HIT_SLASH, /* not the path, but path + "/" */
};

/* Where the walk may go on: at the wildcard child, the end, or the tail of a node. */
struct way {
    uint32_t node, at;
    uint16_t n_captures;
    uint16_t step;
};

struct walk {
    const uint64_t *words;
    struct str path; /* without the final slash */
    bool slash;      /* whether it had one */
    uint32_t root;   /* to begin at; 0: begun, or there is none */
    /* What was met last. */
    const struct packed *node;
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
    w->root = 0;
    w->n_ways = 0;
}
/* From this tree on; 0: an empty one. */
static inline void walk_from(struct walk *w, uint32_t root)
{
    w->root = root;
}
/* Goes on to the next node whose routes of one kind of end match the path, whatever their methods;
 * false behind the last. */
bool walk_next(struct walk *w);

/* The routes met, one by one from *at = 0 on: the code in *ret_code, and what mux_add() was given.
 * NULL behind the last. */
void *walk_route(const struct walk *w, size_t *at, uint16_t *ret_code);
/* The first of them that serves the method, or NULL. */
void *walk_route_for(const struct walk *w, unsigned method);

#endif
