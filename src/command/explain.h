/*
 * explain.h - all that is known about one request, before it is shown. Between explain.c, which
 * finds out, and explain_print.c. The thread of main().
 */
#ifndef MUXD_COMMAND_EXPLAIN_H
#define MUXD_COMMAND_EXPLAIN_H

#include "command/ask.h"
#include "command/command.h"
#include "config/decide.h"

struct candidate {
    const struct route *route;
    bool wins;
    const char *why; /* or why not */
};

struct explanation {
    struct ask ask;
    struct str method, url; /* as given */
    const struct conf_listener *listener;
    /* The other ones, by whether they answer the same; none if one was asked for. */
    const struct conf_listener **same, **differ;
    size_t n_same, n_differ;
    /* Unless the request is refused before. */
    struct decision decision;
    struct mux_match match;
    struct str site_host;   /* of the site's, the one by which it was found */
    const char *site_by;    /* "exact host", "wildcard", "catch-all" */
    struct candidate *candidates; /* the most specific first */
    size_t n_candidates;
    struct str location, allow; /* {NULL, 0}: none */
};

void explain_print(struct subject *s, const struct explanation *e);
void explain_print_json(struct subject *s, const struct explanation *e);

/* What the handler would do, in words; or {NULL, 0}. */
struct str explain_deed(const struct explanation *e, struct arena *arena);

/* A bound on the request, and where it is from. */
struct explain_limit {
    const char *name;
    struct str value, origin;
};
#define EXPLAIN_LIMITS_MAX 16
size_t explain_limits(struct subject *s, const struct route *r,
                      struct explain_limit limits[EXPLAIN_LIMITS_MAX]);

#endif
