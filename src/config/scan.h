/*
 * scan.h - the grammar of libconfig read ahead of libconfig, for what it does not tell: the exact
 * place of each name and value, where an unclosed string or bracket begins, and the traps it
 * walks into silently (joined strings, octal-looking and wrapped numbers, "\x00", @include).
 *
 * The nodes stand in the order of the text. That is the order of a walk through libconfig's tree
 * (parents first), so the one array gives each setting its place. What passes the scan, libconfig
 * accepts; the other way round the scan is stricter. One thread.
 */
#ifndef MUXD_CONFIG_SCAN_H
#define MUXD_CONFIG_SCAN_H

#include "config/text.h"

#define SCAN_DEPTH_MAX 16      /* groups, lists and arrays in each other */
#define SCAN_NODES_MAX 2000000 /* in one file */

enum node_kind { NODE_GROUP, NODE_LIST, NODE_ARRAY, NODE_STRING, NODE_INT, NODE_FLOAT, NODE_BOOL };

struct node {
    uint32_t parent;            /* its index; of the root: 0 */
    uint32_t name_at, name_len; /* name_len 0: the root, or an element */
    uint32_t at, len;           /* of the value's first token; of what has brackets, up to the
                                   closing one; the root: 0, 0 */
    uint32_t end;               /* index of the first node that is not below it */
    uint32_t n;                 /* of its members or elements; of a STRING see values.c */
    enum node_kind kind : 8;
    bool bad;    /* its value was complained about: it is given, but unusable */
    bool joined; /* a STRING of several, on lines of their own */
};

struct scan {
    struct node *nodes; /* [0] is the root group */
    size_t n, cap;
};

/* 0; -EBADMSG: errors were reported, but the structure is whole, and *ret has it with the bad nodes
 * marked; -EINVAL: reported, and nothing is in *ret; -ENOMEM likewise. */
int scan(const struct text *s, struct report *r, struct scan *ret) MUST_USE;
void scan_done(struct scan *scan);

#endif
