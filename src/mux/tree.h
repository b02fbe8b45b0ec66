/*
 * tree.h - the routes of a mux while they are added: trees of segments, and the search for
 * conflicts. For mux.c and pack.c, which makes of it what serves; then it is thrown away.
 *
 * A node stands for the segments that lead to it from its root; it is a literal or the wildcard
 * child of its parent. Routes hang where their last segment ends: exactly (no slash behind), at the
 * end ({$}), or as its rest. Two routes of one tree whose paths overlap have disjoint methods
 * (tree_conflict() is asked first); so of the routes that match one request each two are ordered.
 *
 * All in one arena, which the caller gives back. The loader's thread.
 */
#ifndef MUXD_MUX_TREE_H
#define MUXD_MUX_TREE_H

#include "mux/code.h"
#include "mux/pattern.h"

struct tree_route {
    struct tree_route *next; /* by kind of end, then as pattern_order_methods() says */
    const struct pattern *pattern;
    void *user; /* what mux_add() was given */
    uint16_t code;
};

struct tree_node {
    struct tree_node *parent;
    struct tree_node *literals, *next; /* its literal children; the next one of the parent's */
    struct tree_node *latest; /* of them, made or gone through: mostly the next route's, too */
    struct tree_node *wildcard;
    struct tree_route *routes;
    struct str text; /* a literal's */
    uint32_t hash;   /* of `text` */
    uint32_t n_literals : 31;
    /* Of this node and all below it, so that the search for conflicts can leave it out: */
    bool wide : 1;    /* some route has a wildcard or tail behind the way to here */
    uint64_t methods; /* see tree.c */
    struct tree_node *wide_literals, *next_wide;
    /* What its literal children have below them, merged, once they were looked at often. */
    struct tree_node *merged;
    uint32_t looks, size; /* children that were looked at; routes that are below */
    /* pack.c's: where the node and its name are, and the rest of the edge to it (node.h). */
    uint32_t at, name_at, before;
    uint8_t table;
    bool apart;
};

/* Nodes by parent and text. */
struct tree {
    struct arena *arena;
    struct tree_node **slots;
    size_t n, cap;
};

/* A pattern taken apart. */
struct split {
    const struct pattern *pattern;
    uint16_t code;
    size_t n;
    size_t wide_end; /* behind its last wildcard or tail; 0: there is none */
    struct segment v[PATTERN_SEGMENTS_MAX];
};
void split_pattern(struct split *s, const struct pattern *p, unsigned method_code);

/* The literal child; NULL: there is none, or no memory to make it. */
struct tree_node *tree_get(const struct tree *t, const struct tree_node *parent, struct str text);
struct tree_node *tree_make(struct tree *t, struct tree_node *parent, struct str text);

/* A route below the root that may not stand beside `s`, or NULL. */
const struct tree_route *tree_conflict(struct tree *t, struct tree_node *root,
                                       const struct split *s);
/* Only when there is no conflict. 0 or -ENOMEM; then the tree is good for nothing. */
int tree_add(struct tree *t, struct tree_node *root, const struct split *s, void *user) MUST_USE;

#endif
