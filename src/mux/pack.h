/*
 * pack.h - makes of the trees that routes are added to (tree.h) the form that serves (packed.h).
 * For mux.c alone. The loader's thread.
 */
#ifndef MUXD_MUX_PACK_H
#define MUXD_MUX_PACK_H

#include "mux/packed.h"
#include "mux/tree.h"

/* While trees are packed. `words` and `parts` are from malloc. */
struct packing {
    uint64_t *words; /* `n` of `cap` are in use; [0] is none of a node's */
    size_t n, cap;
    struct part *parts; /* what stands in `words`, by hash; at most half full */
    size_t n_parts, cap_parts;
    const uint16_t
        *numbers;  /* of the methods from METHOD_OTHER on, in place of what the tree has */
    void **routes; /* what mux_add() was given, by number; room for all */
    uint32_t n_routes;
};

/* What is below `root`; `hosts`: whose children are hosts, each the root of a tree of its own, for
 * walk_from_host(). 0; -ENOMEM; -EOVERFLOW: over 2^32 words. */
int packing_add(struct packing *p, struct tree_node *root, bool hosts,
                struct packed_tree *ret) MUST_USE;
void packing_done(struct packing *p);

#endif
