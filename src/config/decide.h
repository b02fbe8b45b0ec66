/*
 * decide.h - which site and route answer a request, or what the server answers in their place. The
 * server and `muxd explain` both ask here, so that they cannot differ. Pure: no memory but an
 * arena's, no lock; any thread.
 */
#ifndef MUXD_CONFIG_DECIDE_H
#define MUXD_CONFIG_DECIDE_H

#include "config/config.h"

enum verdict {
    VERDICT_ROUTE,        /* match.route answers */
    VERDICT_REDIRECT,     /* to the cleaned path, with a slash behind it if match.add_slash */
    VERDICT_OTHER_METHOD, /* 405 with decide_allow() */
    VERDICT_NO_ROUTE,
    VERDICT_UNKNOWN_HOST, /* no site, so none of what follows was looked at */
    VERDICT_UNSUPPORTED,  /* CONNECT and TRACE */
    VERDICT_SERVER,       /* OPTIONS *: about the server as a whole */
};

struct decision {
    enum verdict verdict;
    struct site *site;  /* NULL: UNKNOWN_HOST */
    unsigned status;    /* of the answer; 0: ROUTE */
    const char *reason; /* as exchange_fail() takes it, or NULL */
};

/* For a request that came in at `l`. *ret_match is set in any case: of REDIRECT, it is that of the
 * cleaned path. */
struct decision decide(const struct conf_listener *l, const struct request *r,
                       struct mux_match *ret_match);
/* REDIRECT: the Location. {NULL, 0} without memory. */
struct str decide_location(const struct mux_match *m, const struct request *r, struct arena *arena);
/* OTHER_METHOD: the value of Allow. Likewise. */
struct str decide_allow(const struct decision *d, const struct request *r, struct arena *arena);

#endif
