/*
 * listing.h - a directory as a page of HTML, or as JSON: what of it may be fetched, no other names.
 *
 * Not listed are "." and "..", what is neither a regular file nor a directory, names that begin
 * with a dot (but ".well-known"), and symbolic links that the policy does not follow or that lead
 * to nothing. A name goes into a link as its exact bytes, percent-encoded. Shown, what is not UTF-8
 * and what would turn the order of text around becomes U+FFFD, and other controls become visible.
 *
 * listing_make() may block: a worker. It touches nothing but its arguments.
 */
#ifndef MUXD_HANDLER_LISTING_H
#define MUXD_HANDLER_LISTING_H

#include "base/buf.h"
#include "handler/lookup.h"
#include "http/request.h"

#define LISTING_MAX MIB(8)           /* bytes of a listing; what `out` has to be able to hold */
#define LISTING_ENTRIES_MAX 10000    /* that are listed */
#define LISTING_LOOKED_AT_MAX 100000 /* names that are read */
/* For Content-Security-Policy: a listing has a style of its own, and nothing else. */
#define LISTING_POLICY                                                                             \
    STR("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")

enum listing_sort { LISTING_NAME, LISTING_SIZE, LISTING_TIME };

struct listing {
    struct str path; /* of the directory in the URL, plain (path_to_file()): '/' at both ends */
    struct str dir;  /* its end: what is below the root; empty, or ends in '/' */
    const struct tree *tree; /* where links are followed, as it says */
    bool dotfiles;           /* are listed, too */
    /* Set by listing_ask(). */
    bool json;
    enum listing_sort sort;
    bool descending;
};

/*
 * What the client asks for: `format` ("html", "json"), `sort` ("name", "size", "time") and `order`
 * ("asc", "desc") of the query, where other values count as absent; without a format the Accept
 * fields say (so the answer varies by them).
 */
void listing_ask(struct listing *l, const struct request *q);

/* For Content-Type. */
struct str listing_type(const struct listing *l);

/*
 * Writes the listing of `dirfd`, which can be read and stays the caller's, behind what is in `out`.
 * Directories come first, and names in the order of the numbers in them. A directory too large for
 * the bounds above is listed in part, and the listing says so. 0; -ENOBUFS, -ENOMEM; or
 * -errno of reading the directory. Then `out` holds a part that is good for nothing.
 */
int listing_make(const struct listing *l, int dirfd, struct buf *out) MUST_USE;

#endif
