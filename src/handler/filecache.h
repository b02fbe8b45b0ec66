/*
 * filecache.h - what a loop knows of files: small ones with their content, of larger ones an open
 * descriptor, both with the fields of their responses ready. For files.c alone.
 *
 * What is known is used for the time a route says (`cache`), then the file is looked at again; if
 * it is the same version, what is known goes on. The memory is bounded; what was not used for the
 * longest time goes first. Descriptors are kept no longer than they may be used: a file that was
 * deleted does not stay on the disk for a cache's sake.
 *
 * What no cache has, or not any more, is memory of the exchanges that send it, and charged so.
 *
 * A cache is its loop's. A found is counted without atomics: whoever holds the exchange that has
 * it, or the loop.
 */
#ifndef MUXD_HANDLER_FILECACHE_H
#define MUXD_HANDLER_FILECACHE_H

#include "base/list.h"
#include "handler/handler.h"
#include "handler/lookup.h"
#include "http/request.h"

/* What was asked, of whom. */
struct found_key {
    uint64_t tree;   /* of the route's options; unique in the process */
    struct str name; /* below the root, as in the request's path; of the fallback: empty */
    unsigned want;   /* which codings, in which order; WANT_ANY: there is but the plain file */
    bool fallback;
};

#define WANT_ANY 0
#define FOUND_FIELDS_MAX 8

/* A file that was found, and what its responses say of it. Immutable but for the cache's part. */
struct found {
    struct version version;
    bool young;        /* as in struct lookup, */
    unsigned siblings; /* and this */
    enum coding coding;
    struct file *file; /* or NULL: */
    char *content;     /* all of it */
    int64_t modified;  /* seconds since 1970 */
    struct str etag;
    struct str type; /* Content-Type */
    /* The first of them are for a 304, too. */
    struct field fields[FOUND_FIELDS_MAX];
    size_t n_fields, n_validating;
    /* The cache's. */
    struct found_key key;
    uint64_t hash;
    struct found *next; /* in its chain */
    struct list by_use, by_file;
    int64_t until; /* clock_mono(): then it is to be looked at again */
    int64_t used;
    size_t bytes;
    struct budget *memory; /* or NULL */
    unsigned refs;
    bool cached, charged; /* to `memory`; never both */
    char text[];
};

struct found_about {
    struct found_key key;
    struct str type;
    bool no_cache;         /* Cache-Control: no-cache, Vary: Accept; as a fallback has */
    int64_t wall;          /* seconds */
    struct budget *memory; /* of exchanges; or NULL */
};

/* From a lookup that has a file or content, which it takes over. One reference; NULL: no memory. */
struct found *found_new(struct lookup *l, const struct found_about *about);
struct found *found_ref(struct found *f);
void found_unref(struct found *f); /* NULL is fine */
/* If no cache has it: false, it is past the bound on memory. */
bool found_charge(struct found *f);

struct filecache;
struct filecache *filecache_new(void);
void filecache_free(struct filecache *c);
/* Lets go what is past its time. Whether it is to be called again, in about a second. */
bool filecache_tick(struct filecache *c, int64_t now);
/* A reference of the cache's, or NULL. It may be past its time, `until` says. */
struct found *filecache_find(struct filecache *c, const struct found_key *key, int64_t now);
/* In place of what is there under that key. Takes a reference of its own. Not if it would take
 * more than `max` in all. `fresh`: how long it may be used without a look, ns. */
void filecache_put(struct filecache *c, struct found *f, struct local_max max, int64_t now,
                   int64_t fresh);
/* It is not so any more. NULL is fine, and so is one that is not there any more. */
void filecache_drop(struct filecache *c, struct found *f);

#endif
