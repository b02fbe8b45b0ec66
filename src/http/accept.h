/* accept.h - how much a client wants a media type or a content coding (RFC 9110 sections 12.5.1 and
 * 12.5.3). Pure; any thread. */
#ifndef MUXD_HTTP_ACCEPT_H
#define MUXD_HTTP_ACCEPT_H

#include "http/request.h"

#define ACCEPT_MAX KIB(2)    /* bytes of such fields that are looked at, in each call anew */
#define ACCEPT_CODINGS_MAX 8 /* that one call compares, and identity */

struct acceptance {
    unsigned quality; /* in thousandths; 0: not acceptable */
    bool named;       /* by a range without a wildcard */
};

/* What all Accept fields of the request say of `type`, such as "text/html": the most specific range
 * that covers it counts. Parameters other than q are not looked at. Without an Accept field
 * anything is as good. A malformed range counts as absent, and so do the first field that goes past
 * ACCEPT_MAX and those behind it. */
struct acceptance accept_type(const struct request *r, struct str type);

/*
 * What all Accept-Encoding fields say of n <= ACCEPT_CODINGS_MAX + 1 codings, such as "gzip" or
 * "identity", into quality[n], in thousandths; 0: not acceptable. A name counts before "*"; x-gzip
 * is gzip. What is malformed or goes past the bound is taken as by accept_type(). "identity" is
 * acceptable, the least of all (1), unless it or "*" says otherwise. Without such a field any
 * coding would be, but who sends none hardly decodes any: so none is but identity.
 */
void accept_encodings(const struct request *r, const struct str *codings, size_t n,
                      unsigned *quality);

/*
 * The index of the coding to answer with, of n <= ACCEPT_CODINGS_MAX in the server's order, of
 * which those exist whose bit (1 << index) is set in `there`; -1: none, identity. The highest
 * quality wins, then the server's order, identity last. If nothing is acceptable it is identity,
 * not a 406: section 12.4.1 leaves that to the server, and a client that sent "identity;q=0" can
 * make more of the plain bytes than of an error.
 */
int accept_best_encoding(const struct request *r, const struct str *codings, size_t n,
                         unsigned there);

#endif
