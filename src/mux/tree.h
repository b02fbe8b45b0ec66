/*
 * tree.h - the routes of one host as a tree over the segments of their paths. For mux.c alone.
 *
 * A node stands for the segments that lead to it from the root; each node but the root is a
 * literal or the wildcard child of its parent. Routes hang where their last segment ends: at
 * `exact` (no slash behind), `end` ({$}) or `rest`. Two routes of one tree whose paths overlap have
 * disjoint methods (tree_conflict() is asked first); so of the routes that match one request each
 * two are ordered, and at every node the literal child holds the more specific ones, then the
 * wildcard child, then `rest`: a walk in that order meets the most specific one first.
 *
 * The walk climbs by parent pointers and needs no stack and no memory. It visits a node at most
 * once, and a second one of the same depth only where the config has both a literal and a wildcard
 * for the same segment; so a path costs its length, times the ways in which the config's
 * wildcards and literals combine to match its beginning - a number the client cannot raise beyond
 * what the config wrote out. Without such siblings, or with them where the literal's routes match,
 * it is one node a segment.
 *
 * Built by one thread, then immutable: any thread.
 */
#ifndef MUXD_MUX_TREE_H
#define MUXD_MUX_TREE_H

#include "mux/dict.h"
#include "mux/pattern.h"

struct route {
    struct route *next; /* of the same path: HEAD first, without a method last */
    const struct pattern *pattern;
    void *user; /* what mux_add() was given */
};

struct node {
    struct node *parent;
    struct dict literals; /* of struct node */
    struct node *wildcard;
    struct route *exact, *end, *rest;
    /* Of this node and all below it, so that the search for conflicts can leave it out: */
    uint32_t methods; /* see tree.c */
    bool wide;        /* some route has a wildcard or tail behind the way to here */
    /* The literal children that are wide. */
    struct node *wide_children, *next_wide;
};

enum hit {
    HIT_EXACT, /* the path, or a path that ends in '/' with an empty tail */
    HIT_TAIL,  /* a tail that is not empty */
    HIT_SLASH, /* not the path, but path + "/" */
};

struct walk {
    const struct node *node; /* NULL: done */
    struct str path;         /* without the final slash */
    bool slash;              /* whether it had one */
    size_t at;               /* bytes of the path that lead to `node` */
    int step;
};

/* `path` begins with '/'. */
struct walk walk_begin(const struct node *root, struct str path);
/* The next routes (a list) whose path matches, whatever their methods; NULL behind the last. */
const struct route *walk_next(struct walk *w, enum hit *ret_hit);

/* The first of the list that serves the method, or NULL. */
const struct route *route_for(const struct route *list, enum method method, struct str token);

/* A route of the tree that may not stand beside `p`, or NULL. */
const struct route *tree_conflict(struct node *root, const struct pattern *p);
/* Only when there is no conflict. 0 or -ENOMEM, and the tree matches as before. */
int tree_add(struct node *root, const struct pattern *p, void *user, struct arena *arena) MUST_USE;

#endif
