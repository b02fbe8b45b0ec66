/* context.c - see context.h. The loader's thread. */
#include "handler/context.h"

#include "http/chars.h"

/* ---- URIs */

enum { URI_BEGIN, URI_AUTHORITY, URI_PATH, URI_QUERY, URI_FRAGMENT };

/* What RFC 3986 lets stand in a URI. */
static bool is_uri_byte(unsigned char c)
{
    return ascii_digit(c) || (unsigned char)(ascii_lower(c) - 'a') < 26 ||
           (c != '\0' && strchr("-._~:/?#[]@!$&'()*+,;=%", c) != NULL);
}

/* An escape is whole within one literal: a variable never completes it. */
static bool check_uri_bytes(struct context *p, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (!is_uri_byte(b)) {
            option_error(p->check, p->option,
                         "byte 0x%02x may not stand in a URI; write it as %%%02X", b, b);
            return false;
        }
        if (b == '%' && (s.n - i < 3 || ascii_hex((unsigned char)s.p[i + 1]) < 0 ||
                         ascii_hex((unsigned char)s.p[i + 2]) < 0)) {
            option_error(p->check, p->option, "'%%' must be followed by two hex digits");
            return false;
        }
    }
    return true;
}

static bool no_host(struct context *p)
{
    option_error(p->check, p->option, "the URI names no host");
    return false;
}

static bool authority_byte(struct context *p, char c)
{
    if (c == '@') {
        option_error(p->check, p->option, "a user name may not stand in the target of a redirect");
        return false;
    }
    if (c == ':' && p->authority == 0)
        return no_host(p);
    if (c == '/' || c == '?' || c == '#') {
        if (p->authority == 0)
            return no_host(p);
        p->state = URI_PATH;
    } else {
        p->authority++;
    }
    return true;
}

/* What stands behind "http://" or "https://"; {NULL, 0} if `to` begins with neither. */
static struct str behind_scheme(struct str to)
{
    static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < array_len(schemes); i++)
        if (str_ieq(str_head(to, schemes[i].n), schemes[i]))
            return str_from(to, schemes[i].n);
    return STR_EMPTY;
}

static bool uri_text(struct context *p, struct str s)
{
    if (!check_uri_bytes(p, s))
        return false;
    if (p->state == URI_BEGIN) {
        struct str rest = behind_scheme(s);
        p->state = rest.p != NULL ? URI_AUTHORITY : URI_PATH;
        if (rest.p != NULL)
            s = rest;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (p->state == URI_AUTHORITY && !authority_byte(p, c))
            return false;
        if (c == '#' && p->state != URI_FRAGMENT) {
            p->state = URI_FRAGMENT;
        } else if (c == '?' && p->state == URI_PATH) {
            p->state = URI_QUERY;
            p->has_query = true;
        }
    }
    return true;
}

static bool uri_host(struct context *p)
{
    if (p->check->any_host)
        option_warning(p->check, p->option,
                       "this answers for any host, so whoever makes the request, or a link to it, "
                       "chooses where {host} leads; give the site `hosts`, or write the host out");
    p->authority++;
    p->needs_host = true;
    return true;
}

static bool uri_variable(struct context *p, struct str name, enum variable v, enum escape *ret)
{
    bool is_path = v == VARIABLE_PATH || v == VARIABLE_URI;

    if (p->state == URI_AUTHORITY && v == VARIABLE_HOST) {
        *ret = ESCAPE_NONE;
        return uri_host(p);
    }
    if (p->state == URI_AUTHORITY && !is_path) {
        option_error(p->check, p->option,
                     "{%.*s} may not stand in the host of a target, only {host} may; a \"/\" "
                     "before it puts it into the path",
                     str_fmt(name));
        return false;
    }
    if (p->state == URI_AUTHORITY && p->authority == 0)
        return no_host(p);
    p->has_query |= v == VARIABLE_URI || v == VARIABLE_QUERY;
    if (p->state >= URI_QUERY) {
        bool whole =
            v == VARIABLE_QUERY && p->state == URI_QUERY && (p->last == '?' || p->last == '&');
        *ret = whole ? ESCAPE_NONE : ESCAPE_COMPONENT;
        return true;
    }
    if (is_path && p->last == '/')
        option_warning(p->check, p->option,
                       "{%.*s} begins with a slash of its own; leave out the one before it",
                       str_fmt(name));
    p->state = v == VARIABLE_URI ? URI_QUERY : URI_PATH; /* {uri} may have brought a '?' */
    *ret = v == VARIABLE_URI ? ESCAPE_NONE : v == VARIABLE_QUERY ? ESCAPE_COMPONENT : ESCAPE_PATH;
    return true;
}

/* ---- all of them */

void context_begin(struct context *p, struct option_check *c, const char *option,
                   enum template_use use)
{
    *p = (struct context){ .check = c, .option = option, .use = use };
}

bool context_text(struct context *p, struct str literal)
{
    bool ok = true;

    if (literal.n == 0)
        return true;
    if (p->use == TEMPLATE_URI)
        ok = uri_text(p, literal);
    p->last = literal.p[literal.n - 1];
    return ok;
}

static enum escape field_escape(enum variable v)
{
    switch (v) {
    case VARIABLE_HOST:
        return ESCAPE_NONE;
    case VARIABLE_URI:
    case VARIABLE_QUERY:
        return ESCAPE_PARAMETER;
    default:
        return ESCAPE_SEGMENTS;
    }
}

bool context_variable(struct context *p, struct str name, enum variable v, enum escape *ret)
{
    bool ok = true;

    *ret = ESCAPE_NONE;
    switch (p->use) {
    case TEMPLATE_URI:
        ok = uri_variable(p, name, v, ret);
        break;
    case TEMPLATE_HTML:
        *ret = ESCAPE_HTML;
        break;
    case TEMPLATE_JSON:
        *ret = ESCAPE_JSON;
        break;
    case TEMPLATE_FIELD:
        *ret = field_escape(v);
        break;
    case TEMPLATE_PLAIN:
        break;
    }
    p->last = '\0';
    return ok;
}

bool context_end(struct context *p)
{
    return p->use != TEMPLATE_URI || p->state != URI_AUTHORITY || p->authority > 0 || no_host(p);
}
