/*
 * template.h - text of the config with variables, "/new/{id}?from={host}": compiled when the config
 * is loaded, filled in for each request, escaped for the place where it lands.
 *
 *   {NAME}  a wildcard of the route's pattern; it hides a fixed name
 *   {rest}  the path behind the literal prefix of the match
 *   {path}  {host} (without port)  {query} (without '?')  {uri} (path and query, encoded)
 *   {{ }}   the braces themselves
 *
 * Names and places are judged at load: what is unknown, and what no escape makes harmless where it
 * stands, is an error. Templates are immutable; any thread expands them.
 */
#ifndef MUXD_HANDLER_TEMPLATE_H
#define MUXD_HANDLER_TEMPLATE_H

#include "base/option.h"
#include "http/request.h"
#include "mux/pattern.h"

/* A request and what routing found for it. */
struct routed {
    const struct request *request;
    const struct pattern *pattern; /* NULL: no route; then there is nothing below */
    struct str prefix;             /* literal, of the pattern's path */
    const struct str *captures;    /* as many as the pattern has names, in their order */
};

/* Where the text lands; "encoded" is percent-encoded, "decoded" that "%2F" and "%25", which a path
 * in normal form keeps, are their bytes. */
enum template_use {
    /* A Location. In the path of it encoded, slashes of {rest} and {path} kept; behind '?' and '#'
     * all but the unreserved is, except {query} right behind '?' or '&'. In the authority only
     * {host} may stand. It never begins with "//" or "/\". */
    TEMPLATE_URI,
    /* HTML and XML: decoded, & < > " ' escaped, malformed UTF-8 and controls become U+FFFD; in
     * attributes that are URIs encoded, {query} there as with URI. */
    TEMPLATE_HTML,
    /* JSON and JavaScript, inside of a string there: decoded, escaped so that it ends neither the
     * string nor a script element around it; valid UTF-8. */
    TEMPLATE_JSON,
    TEMPLATE_PLAIN, /* decoded; any byte but NUL */
    /* The value of a header field: encoded all but the unreserved and '/'; {host} as it came, {uri}
     * and {query} but for what separates parameters. */
    TEMPLATE_FIELD,
};

struct template_piece;

struct template
{
    struct str text; /* constant: the whole; braces undoubled */
    struct template_piece *pieces;
    size_t n_pieces;
    enum template_use use;
    bool constant;
    bool needs_host; /* URI: {host} is of its authority; with an empty one it names nobody */
    bool has_query;  /* URI: it has a '?', {uri} or {query} */
};

/*
 * With variables it has at most 64 KiB. `text` must live as long as c->arena. false: what is wrong
 * was reported about `option`, and *ret is `text` as a constant.
 */
bool template_compile(struct option_check *c, const char *option, struct str text,
                      enum template_use use, struct template *ret);

/* In the arena; a constant is not copied. Never NULL but without memory: {NULL, 0}. */
struct str template_expand(const struct template *t, const struct routed *r, struct arena *a);

/* Whether both give the same for every request. */
bool template_same(const struct template *a, const struct template *b);

/* The path behind the prefix, in normal form (http/path.h); empty without a route. */
struct str routed_rest(const struct routed *r);

#endif
