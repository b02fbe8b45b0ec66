/*
 * context.h - where in the text of a template a variable stands: what escape it needs there, or
 * that it may not stand there, because none would do. For template.c alone.
 *
 * The literal text is read as it goes by, as far as it takes to tell such places apart in what
 * people write into a config; it is no parser of HTML or JavaScript (a comment or regular
 * expression with a quote in it is one too many). The loader's thread.
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

enum attribute { ATTRIBUTE_TEXT, ATTRIBUTE_URI, ATTRIBUTE_CONTENT, ATTRIBUTE_CODE };

struct context {
    struct option_check *check;
    const char *option;
    enum template_use use;
    int state;   /* in a URI, or in HTML */
    bool failed; /* it was reported; what follows is not judged */
    char last;   /* the byte before; 0 at the begin and behind a variable */
    /* URI */
    size_t authority; /* what stands in it so far */
    bool has_query, needs_host;
    /* HTML, JSON */
    char quote;               /* that is open, or 0 */
    bool escaped;             /* a backslash stands before, in quotes */
    enum attribute attribute; /* whose value is in quotes */
    struct str value;         /* its begin, as far as no variable stands before; or NULL */
    bool rooted;              /* "/" and what may be empty: a slash next could name a host */
    const char *raw;          /* the element whose text is no HTML, or NULL */
};

void context_begin(struct context *p, struct option_check *c, const char *option,
                   enum template_use use);
/* These three: false: it was reported, now or before. */
bool context_text(struct context *p, struct str literal);
bool context_variable(struct context *p, struct str name, enum variable v, enum escape *ret);
bool context_end(struct context *p);

#endif
