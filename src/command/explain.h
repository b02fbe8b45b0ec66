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
    struct str site_host;         /* of the site's, the one by which it was found */
    const char *site_by;          /* "exact host", "wildcard", "catch-all" */
    struct candidate *candidates; /* the most specific first */
    size_t n_candidates;
    struct str location, allow; /* {NULL, 0}: none */
};

/* What the handler would do, in words; or {NULL, 0}. */
struct str explain_deed(const struct explanation *e, struct arena *arena);

/*
 * An option that counts for the request: as spelled, and what gave it, NULL being the default. Of a
 * filter whose levels are joined, the same option may come once for each.
 */
struct explain_option {
    const char *name;
    struct str value;
    const struct place *place;
};
#define EXPLAIN_OPTIONS_MAX 64
/* Those of the filter that were given, the inner level first. Returns how many. */
size_t explain_filter(struct subject *s, const struct filter_use *use,
                      struct explain_option shown[EXPLAIN_OPTIONS_MAX]);
/* The bounds of the route's requests, given or not. */
size_t explain_limits(struct subject *s, const struct route *r,
                      struct explain_option shown[EXPLAIN_OPTIONS_MAX]);

/* explain_print.c */
void explain_print(struct subject *s, const struct explanation *e);
void explain_print_json(struct subject *s, const struct explanation *e);

#endif
