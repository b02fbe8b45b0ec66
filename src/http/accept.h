/* accept.h - how much a client wants a media type (RFC 9110 section 12.5.1). Pure; any thread. */
#ifndef MUXD_HTTP_ACCEPT_H
#define MUXD_HTTP_ACCEPT_H

#include "http/request.h"

#define ACCEPT_MAX KIB(2) /* bytes of such fields that are looked at, for each type anew */

struct acceptance {
    unsigned quality; /* in thousandths; 0: not acceptable */
    bool named;       /* by a range without a wildcard */
};

/* What all Accept fields of the request say of `type`, such as "text/html": the most specific range
 * that covers it counts. Parameters other than q are not looked at. Without an Accept field
 * anything is as good. A malformed range counts as absent, and so do the first field that goes past
 * ACCEPT_MAX and those behind it. */
struct acceptance accept_type(const struct request *r, struct str type);

#endif
