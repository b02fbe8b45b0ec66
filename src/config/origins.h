/*
 * origins.h - where each value of a config was given, for the commands that show it. bind_group()
 * notes it if the loader was asked to (struct load_options); a server never does. What is not found
 * here was not given: it has its default. One thread.
 */
#ifndef MUXD_CONFIG_ORIGINS_H
#define MUXD_CONFIG_ORIGINS_H

#include "base/option.h"
#include "config/report.h"

/* Where a filter stands: what is further in is bound over, or joined with, what is further out. */
enum origin_level { ORIGIN_TOP, ORIGIN_SITE, ORIGIN_ROUTE };

struct origin {
    const void *owner;           /* the struct that the option table fills */
    const struct option *option; /* NULL: this tells level and outer struct */
    struct place place;
    enum origin_level level;
    const void *outer;
};

struct origins {
    struct arena *arena; /* of file names, which outlive the loader */
    struct origin *v;
    size_t n, size;
    bool sorted;
    const char *kept_from, *kept; /* the last file name: the loader's, and ours */
};

void origins_init(struct origins *o, struct arena *arena);
void origins_done(struct origins *o);

/* NULL notes nothing. Names of files are told apart by address. 0 or -ENOMEM. */
int origins_add(struct origins *o, const void *owner, const struct option *option,
                struct place place) MUST_USE;
/* The struct is of that level; `outer`: that of the next one out which has one, or NULL. Likewise.
 */
int origins_add_level(struct origins *o, const void *owner, enum origin_level level,
                      const void *outer) MUST_USE;
/* What was added last, all of one owner, is about another struct. NULL is fine. */
void origins_move(struct origins *o, const void *from, const void *to);
/* NULL: it was not given, to this struct. Takes O(log n). */
const struct place *origins_find(struct origins *o, const void *owner, const struct option *option);
/* What origins_add_level() said; else NULL, and *ret_level is ORIGIN_ROUTE. Likewise. */
const void *origins_outer(struct origins *o, const void *owner, enum origin_level *ret_level);

#endif
