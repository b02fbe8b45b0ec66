/*
 * context.h - where in the text of a template a variable stands: what escape it needs there, or
 * that it may not stand there. For template.c alone. Reads the literal text as it goes by, just
 * well enough to tell the places apart; what it misjudges becomes an error, not a hole. The
 * loader's thread.
 */
#ifndef MUXD_HANDLER_CONTEXT_H
#define MUXD_HANDLER_CONTEXT_H

#include "handler/template.h"

enum variable {
    VARIABLE_NONE,
    VARIABLE_CAPTURE,
    VARIABLE_REST,
    VARIABLE_HOST,
    VARIABLE_PATH,
    VARIABLE_URI,
    VARIABLE_QUERY,
};

enum escape {
    ESCAPE_NONE,
    ESCAPE_PATH,      /* percent; stay: what a path may have, slashes too */
    ESCAPE_COMPONENT, /* percent; stay: the unreserved */
    ESCAPE_SEGMENTS,  /* percent; stay: the unreserved, and slashes */
    ESCAPE_PARAMETER, /* percent: what separates parameters in a field value */
    ESCAPE_HTML,
    ESCAPE_JSON,
};

struct context {
    struct option_check *check;
    const char *option;
    enum template_use use;
    int state;        /* of the grammar of `use` */
    char last;        /* the byte before, or 0 behind a variable */
    size_t authority; /* what stood in it */
    bool has_query, needs_host;
};

void context_begin(struct context *p, struct option_check *c, const char *option,
                   enum template_use use);
/* These three: false: it was reported. */
bool context_text(struct context *p, struct str literal);
bool context_variable(struct context *p, struct str name, enum variable v, enum escape *ret);
bool context_end(struct context *p);

#endif
