/* context.c - see context.h. The loader's thread. */
#include "handler/context.h"

#include "http/chars.h"
#include "http/target.h"

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
    option_error(p->check, p->option, "the URI names no host; that of the request is {host}");
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

static bool uri_text(struct context *p, struct str s)
{
    if (!check_uri_bytes(p, s))
        return false;
    if (p->state == URI_BEGIN) {
        struct str rest = target_behind_scheme(s);
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
    if (p->state == URI_AUTHORITY && !is_path && str_eq(name, STR("host"))) {
        option_error(p->check, p->option,
                     "{host} is a wildcard of the pattern here, which may not stand in the host of "
                     "a target; under another name it would not hide the request's host");
        return false;
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
    if (p->state == URI_BEGIN && !is_path) { /* a path has a slash in front, a wildcard has not */
        option_error(p->check, p->option,
                     "{%.*s}%s may not begin a target, as it could be another host's; put a \"/\" "
                     "before it",
                     str_fmt(name), v == VARIABLE_CAPTURE ? ", a wildcard of the pattern," : "");
        return false;
    }
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

/* ---- HTML and XML */

enum { HTML_TEXT, HTML_TAG, HTML_RAW };

static bool is_letter(char c)
{
    return (unsigned char)(ascii_lower((unsigned char)c) - 'a') < 26;
}

static bool is_space(char c)
{
    return c != '\0' && strchr(" \t\r\n\f", c) != NULL;
}

static bool begins(struct str s, const char *word)
{
    return str_ieq(str_head(s, strlen(word)), str_of(word));
}

/* s.p[at] opens the value of which attribute? Its name stands in `s` too, for no variable may stand
 * between. */
static enum attribute attribute_at(struct str s, size_t at)
{
    static const char *const uris[] = { "href",       "src",    "action", "formaction",
                                        "xlink:href", "poster", "data",   "background" };

    while (at > 0 && (is_space(s.p[at - 1]) || s.p[at - 1] == '='))
        at--;
    size_t end = at;
    while (at > 0 && !is_space(s.p[at - 1]) && strchr("\"'/<=", s.p[at - 1]) == NULL)
        at--;
    struct str name = str_make(s.p + at, end - at);
    if (begins(name, "on") || str_ieq(name, STR("style")) || str_ieq(name, STR("srcdoc")))
        return ATTRIBUTE_CODE;
    if (str_ieq(name, STR("content")))
        return ATTRIBUTE_CONTENT;
    for (size_t i = 0; i < array_len(uris); i++)
        if (str_ieq(name, str_of(uris[i])))
            return ATTRIBUTE_URI;
    return ATTRIBUTE_TEXT;
}

/* A '<', with what is behind it. */
static void html_open(struct context *p, struct str s)
{
    char next = s.n > 1 ? s.p[1] : '\0';

    if (p->state == HTML_RAW) {
        if (next != '/' || !begins(str_from(s, 2), p->raw))
            return;
        p->raw = NULL;
    } else if (begins(str_from(s, 1), "script")) {
        p->raw = "script";
    } else if (begins(str_from(s, 1), "style")) {
        p->raw = "style";
    }
    /* Before a space, say, it is text. */
    if (s.n == 1 || is_letter(next) || strchr("/!?", next) != NULL)
        p->state = HTML_TAG;
    p->quote = '\0';
}

static bool html_text(struct context *p, struct str s)
{
    char last = '\0'; /* that is no space */

    if (p->rooted && s.p[0] == '/') {
        option_error(
            p->check, p->option,
            "the variable behind the first slash of this URI may be empty, and then \"//\" "
            "names another host; begin it with a name, as in \"/x/{rest}/\"");
        return false;
    }
    p->rooted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (p->quote != '\0') {
            if (c == p->quote)
                p->quote = '\0';
        } else if (p->state != HTML_TAG) {
            if (c == '<')
                html_open(p, str_from(s, i));
        } else if (c == '>') {
            p->state = p->raw != NULL ? HTML_RAW : HTML_TEXT;
        } else if ((c == '"' || c == '\'') && last == '=') {
            p->quote = c;
            p->attribute = attribute_at(s, i);
            p->value = str_from(s, i + 1);
        }
        if (!is_space(c))
            last = c;
    }
    return true;
}

enum script { SCRIPT_NONE, SCRIPT_BEGUN, SCRIPT_WHOLE };

/* Is `s`, at the begin of a URI, that of one which is run or shown as a page of its own? A browser
 * passes over spaces and controls. BEGUN: what follows decides, as behind nothing at all. */
static enum script script_in(struct str s)
{
    static const char *const schemes[] = { "javascript:", "vbscript:", "data:" };
    enum script ret = SCRIPT_NONE;

    for (size_t k = 0; k < array_len(schemes); k++) {
        const char *scheme = schemes[k];
        size_t i = 0;
        while (i < s.n && *scheme != '\0') {
            unsigned char c = (unsigned char)s.p[i];
            if (c > ' ' && ascii_lower(c) != *scheme)
                break;
            scheme += c > ' ';
            i++;
        }
        if (*scheme == '\0')
            return SCRIPT_WHOLE;
        if (i == s.n)
            ret = SCRIPT_BEGUN;
    }
    return ret;
}

/* The value of a "content", as of <meta http-equiv="refresh" content="0; url=/">. */
static bool is_refresh(struct str value)
{
    struct str s = str_trim(value);

    return s.n > 0 && ascii_digit((unsigned char)s.p[0]) &&
           min_of(str_chr(s, ';'), str_chr(s, ',')) < s.n;
}

static bool may_be_empty(const struct option_check *c, struct str name, enum variable v)
{
    return v == VARIABLE_REST ||
           (v == VARIABLE_CAPTURE && c->tail && str_eq(name, c->names.v[c->names.n - 1]));
}

static bool html_variable(struct context *p, struct str name, enum variable v, enum escape *ret)
{
    bool is_path = v == VARIABLE_PATH || v == VARIABLE_URI;
    bool in_tag = p->state == HTML_TAG, in_uri = in_tag && p->attribute == ATTRIBUTE_URI;
    const char *why = NULL;
    /* Behind another variable it was judged there. */
    enum script script = in_uri && p->value.p != NULL ? script_in(p->value) : SCRIPT_NONE;

    if (p->state == HTML_RAW)
        why = "may not stand in a script or style, where no escape is safe; put it into the value "
              "of a data- attribute, which the script can read";
    else if (in_tag && p->quote == '\0')
        why = "may stand in a tag only within quotes, as in title=\"{name}\"";
    else if (in_tag && p->attribute == ATTRIBUTE_CODE)
        why = "may not stand in an attribute that is a script, a style or a page of its own";
    else if (in_tag && p->attribute == ATTRIBUTE_CONTENT && is_refresh(p->value))
        why = "may not stand in a refresh; the handler `redirect` leads elsewhere";
    else if (script == SCRIPT_WHOLE)
        why = "may not stand in a URI that is a script or a page of its own";
    else if (script == SCRIPT_BEGUN && !is_path)
        why = "may not begin a URI, as it could be \"javascript:...\"; put a \"/\" before it, or "
              "scheme and host";
    else if (in_uri && (p->last == '/' || p->rooted) && is_path)
        why = "begins with a slash of its own; leave out the one before it";
    if (why != NULL)
        option_error(p->check, p->option, "{%.*s} %s", str_fmt(name), why);
    /* A path is no URI once it is decoded: "/%2Fexample.org"; nor is a query in its place. */
    bool as_it_came = v == VARIABLE_HOST || v == VARIABLE_URI ||
                      (v == VARIABLE_QUERY && (p->last == '?' || p->last == '&'));
    *ret = in_uri && !as_it_came ? ESCAPE_SEGMENTS : ESCAPE_HTML;
    p->rooted = in_uri && may_be_empty(p->check, name, v) &&
                (p->rooted || (p->value.p != NULL && str_eq(str_trim(p->value), STR("/"))));
    p->value = STR_EMPTY;
    return why == NULL;
}

/* ---- JSON and JavaScript */

static void script_text(struct context *p, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_quote = c == '"' || c == '\'' || c == '`';
        if (p->escaped)
            p->escaped = false;
        else if (p->quote != '\0' && c == '\\')
            p->escaped = true;
        else if (p->quote == '\0' && is_quote)
            p->quote = c;
        else if (c == p->quote || (c == '\n' && p->quote != '`'))
            p->quote = '\0';
    }
}

static bool script_variable(struct context *p, struct str name)
{
    if (p->quote != '\0' && !p->escaped)
        return true;
    option_error(p->check, p->option,
                 "{%.*s} may stand only within a string here, as in \"\\\"{%.*s}\\\"\"",
                 str_fmt(name), str_fmt(name));
    return false;
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

    if (literal.n == 0 || p->failed)
        return !p->failed;
    if (p->use == TEMPLATE_URI)
        ok = uri_text(p, literal);
    else if (p->use == TEMPLATE_HTML)
        ok = html_text(p, literal);
    else if (p->use == TEMPLATE_JSON)
        script_text(p, literal);
    p->last = literal.p[literal.n - 1];
    if (p->use == TEMPLATE_HTML && str_ends(literal, STR("&amp;")))
        p->last = '&';
    p->failed = !ok;
    return ok;
}

/* In a field value. */
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
    if (p->failed)
        return false;
    switch (p->use) {
    case TEMPLATE_URI:
        ok = uri_variable(p, name, v, ret);
        break;
    case TEMPLATE_HTML:
        ok = html_variable(p, name, v, ret);
        break;
    case TEMPLATE_JSON:
        *ret = ESCAPE_JSON;
        ok = script_variable(p, name);
        break;
    case TEMPLATE_FIELD:
        *ret = field_escape(v);
        break;
    case TEMPLATE_PLAIN:
        break;
    }
    p->last = '\0';
    p->failed = !ok;
    return ok;
}

bool context_end(struct context *p)
{
    if (!p->failed && p->use == TEMPLATE_URI && p->state == URI_AUTHORITY && p->authority == 0)
        return no_host(p);
    return !p->failed;
}
