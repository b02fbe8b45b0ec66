/*
 * template.c - see template.h. Compiling: the loader's thread; it makes pieces, each with the
 * escape that its place wants (context.h). Expanding: any thread; the output is measured first,
 * then written.
 */
#include "handler/template.h"

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "handler/context.h"
#include "http/chars.h"
#include "http/path.h"

struct template_piece {
    enum variable variable;
    enum escape escape;
    size_t capture;  /* VARIABLE_CAPTURE */
    struct str text; /* VARIABLE_NONE */
};

static const struct {
    struct str name;
    enum variable variable;
    bool of_route;
} fixed[] = {
    { { "rest", 4 }, VARIABLE_REST, true },    { { "host", 4 }, VARIABLE_HOST, false },
    { { "path", 4 }, VARIABLE_PATH, false },   { { "uri", 3 }, VARIABLE_URI, false },
    { { "query", 5 }, VARIABLE_QUERY, false },
};

/* ---- compiling */

struct compiler {
    struct option_check *check;
    const char *option;
    struct template *t;
    struct context context;
    char *bytes;             /* all literal text, without the doubling of braces */
    size_t n_bytes, literal; /* the literal that is being read begins there */
};

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((unsigned char)(ascii_lower(c) - 'a') >= 26 && c != '_' && (i == 0 || !ascii_digit(c)))
            return false;
    }
    return s.n > 0;
}

static bool find_variable(const struct option_check *c, struct str name, struct template_piece *ret)
{
    for (size_t i = 0; i < c->names.n; i++)
        if (str_eq(c->names.v[i], name)) {
            *ret = (struct template_piece){ .variable = VARIABLE_CAPTURE, .capture = i };
            return true;
        }
    for (size_t i = 0; i < array_len(fixed); i++)
        if (str_eq(fixed[i].name, name) && (c->in_route || !fixed[i].of_route)) {
            *ret = (struct template_piece){ .variable = fixed[i].variable };
            return true;
        }
    *ret = (struct template_piece){ .variable = VARIABLE_REST };
    return c->any_name;
}

/* With variables: it is put together in the memory of an exchange, which is little. */
#define VARIABLE_TEXT_MAX KIB(64)

#define NAMES_MAX                                                                                  \
    32 /* a pattern has fewer wildcards (MUX_CAPTURES_MAX), and some names are fixed */

/* What may stand in braces, the wildcards first; NULL-terminated names, and as text. */
static struct str known_names(struct option_check *c, const char *ret[NAMES_MAX])
{
    struct str list = STR("");
    size_t n = 0;

    for (size_t i = 0; i < c->names.n && n + array_len(fixed) + 1 < NAMES_MAX; i++)
        ret[n++] = arena_str(c->arena, c->names.v[i]).p;
    for (size_t i = 0; i < array_len(fixed); i++) {
        struct template_piece found;
        if (find_variable(c, fixed[i].name, &found) && found.variable != VARIABLE_CAPTURE)
            ret[n++] = fixed[i].name.p;
    }
    ret[n] = NULL;
    for (size_t i = 0; i < n; i++)
        list = arena_printf(c->arena, "%.*s%s{%s}", str_fmt(list),
                            i == 0      ? ""
                            : i + 1 < n ? ", "
                                        : " and ",
                            ret[i] ? ret[i] : "");
    return list;
}

static void unknown_name(struct compiler *k, struct str name)
{
    struct option_check *c = k->check;
    const char *names[NAMES_MAX];
    struct str list = known_names(c, names);
    const char *near = str_nearest(name, names);
    struct str shown = str_head(name, 64);

    if (near != NULL)
        option_error(c, k->option, "{%.*s} is unknown (did you mean {%s}?); known here: %.*s",
                     str_fmt(shown), near, str_fmt(list));
    else if (!c->in_route)
        option_error(c, k->option,
                     "{%.*s} is unknown: wildcards, and {rest}, are those of a route, and this "
                     "stands outside of one; known here: %.*s",
                     str_fmt(shown), str_fmt(list));
    else
        option_error(c, k->option, "{%.*s} is unknown; known here: %.*s", str_fmt(shown),
                     str_fmt(list));
}

/* About "{...}" in which there is no name. */
static void bad_braces(struct compiler *k, struct str inner, bool closed)
{
    struct option_check *c = k->check;
    struct str name = str_ends(inner, STR("...")) ? str_head(inner, inner.n - 3) : STR_EMPTY;

    if (closed && inner.n == 0)
        option_error(c, k->option,
                     "\"{}\" names nothing; a variable is {name}, and \"{{}}\" are the two braces "
                     "themselves");
    else if (closed && is_name(name))
        option_error(c, k->option, "{%.*s...} stands in the pattern only; here it is {%.*s}",
                     str_fmt(name), str_fmt(name));
    else if (!closed && is_name(inner))
        option_error(c, k->option, "\"{%.*s\" has no \"}\" behind it", str_fmt(inner));
    else
        option_error(c, k->option, "a single \"{\"; write \"{{\" for the brace itself");
}

static bool end_literal(struct compiler *k)
{
    struct template *t = k->t;
    struct str text = str_make(k->bytes + k->literal, k->n_bytes - k->literal);

    k->literal = k->n_bytes;
    if (text.n == 0)
        return true;
    t->pieces[t->n_pieces++] = (struct template_piece){ .variable = VARIABLE_NONE, .text = text };
    return context_text(&k->context, text);
}

/* rest->p[0] is a brace. Takes it, or the variable. false: nothing behind it makes sense. */
static bool take_brace(struct compiler *k, struct str *rest, bool *ok)
{
    char brace = rest->p[0];
    size_t n = 1;
    struct template_piece piece;

    if (rest->n > 1 && rest->p[1] == brace) {
        k->bytes[k->n_bytes++] = brace;
        *rest = str_from(*rest, 2);
        return true;
    }
    if (brace == '}') {
        option_error(k->check, k->option, "a single \"}\"; write \"}}\" for the brace itself");
        return false;
    }
    while (n < rest->n && rest->p[n] != '}' && rest->p[n] != '{')
        n++;
    struct str name = str_make(rest->p + 1, n - 1);
    bool closed = n < rest->n && rest->p[n] == '}';
    *ok &= end_literal(k);
    if (closed)
        k->check->word = str_head(*rest, n + 1);
    if (!closed || !is_name(name)) {
        bad_braces(k, name, closed);
        k->check->word = STR_EMPTY;
        return false;
    }
    if (find_variable(k->check, name, &piece)) {
        *ok &= context_variable(&k->context, name, piece.variable, &piece.escape);
        k->t->pieces[k->t->n_pieces++] = piece;
    } else {
        unknown_name(k, name);
        k->context.failed = true;
        *ok = false;
    }
    k->check->word = STR_EMPTY;
    *rest = str_from(*rest, n + 1);
    return true;
}

/* All of it, into pieces. */
static bool take_all(struct compiler *k, struct str text)
{
    bool ok = true;

    for (struct str rest = text; rest.n > 0;) {
        size_t n = min_of(str_chr(rest, '{'), str_chr(rest, '}'));
        memcpy(k->bytes + k->n_bytes, rest.p, n);
        k->n_bytes += n;
        rest = str_from(rest, n);
        if (rest.n > 0 && !take_brace(k, &rest, &ok))
            return false;
    }
    ok &= end_literal(k);
    return context_end(&k->context) && ok;
}

static size_t count_braces(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '{' || s.p[i] == '}';
    return n;
}

bool template_compile(struct option_check *c, const char *option, struct str text,
                      enum template_use use, struct template *ret)
{
    size_t braces = count_braces(text);
    struct compiler k = { .check = c, .option = option, .t = ret };

    if (text.p == NULL)
        text = STR("");
    *ret = (struct template){ .text = text, .use = use, .constant = true };
    context_begin(&k.context, c, option, use);
    if (braces == 0) {
        bool ok = context_text(&k.context, text) && context_end(&k.context);
        ret->has_query = k.context.has_query;
        return ok;
    }
    k.bytes = arena_alloc(c->arena, text.n);
    ret->pieces = arena_array(c->arena, braces + 1, sizeof *ret->pieces);
    if (k.bytes == NULL || ret->pieces == NULL) {
        option_error(c, option, "not enough memory");
        return false;
    }
    bool ok = take_all(&k, text);
    bool constant = true;
    for (size_t i = 0; i < ret->n_pieces; i++)
        constant &= ret->pieces[i].variable == VARIABLE_NONE;
    if (ok && constant)
        ret->text = str_make(k.bytes, k.n_bytes);
    if (ok && !constant && text.n > VARIABLE_TEXT_MAX) {
        option_error(c, option, "a text with variables has at most %zu bytes, not %zu",
                     VARIABLE_TEXT_MAX, text.n);
        ok = false;
    }
    ret->constant = !ok || constant;
    ret->has_query = k.context.has_query;
    ret->needs_host = k.context.needs_host;
    return ok;
}

bool template_same(const struct template *a, const struct template *b)
{
    if (a->constant || b->constant)
        return a->constant == b->constant && str_eq(a->text, b->text);
    if (a->use != b->use || a->n_pieces != b->n_pieces)
        return false;
    for (size_t i = 0; i < a->n_pieces; i++) {
        const struct template_piece *p = &a->pieces[i], *q = &b->pieces[i];
        if (p->variable != q->variable || p->escape != q->escape || p->capture != q->capture ||
            !str_eq(p->text, q->text))
            return false;
    }
    return true;
}

/* ---- expanding */

struct out {
    char *p; /* NULL: only its length is wanted */
    size_t n;
};

static void put(struct out *o, struct str s)
{
    if (o->p != NULL && s.n)
        memcpy(o->p + o->n, s.p, s.n);
    o->n += s.n;
}

static bool stays(enum escape e, unsigned char c)
{
    switch (e) {
    case ESCAPE_PATH:
        return http_chars[c] & CHAR_URI;
    case ESCAPE_COMPONENT:
        return http_chars[c] & CHAR_HOST;
    case ESCAPE_SEGMENTS:
        return c == '/' || (http_chars[c] & CHAR_HOST);
    case ESCAPE_PARAMETER:
        return c != ';' && c != ',' && c != '\\';
    default:
        return true;
    }
}

static bool is_percent(enum escape e)
{
    return e == ESCAPE_PATH || e == ESCAPE_COMPONENT || e == ESCAPE_SEGMENTS ||
           e == ESCAPE_PARAMETER;
}

static void put_percent(struct out *o, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    const char escape[] = { '%', hex[c >> 4], hex[c & 15] };

    put(o, str_make(escape, sizeof escape));
}

#define REPLACEMENT STR("\xef\xbf\xbd") /* U+FFFD */

/* The first character of *s. Controls would be malformed in XML, and ESC may switch a browser that
 * guesses to another character set. */
static void put_html(struct out *o, struct str *s)
{
    unsigned char c = (unsigned char)s->p[0];
    size_t n = utf8_len(s->p, s->n);
    struct str as = str_head(*s, n);

    if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
        as = REPLACEMENT;
    else if (c == '&')
        as = STR("&amp;");
    else if (c == '<')
        as = STR("&lt;");
    else if (c == '>')
        as = STR("&gt;");
    else if (c == '"')
        as = STR("&quot;");
    else if (c == '\'')
        as = STR("&#39;");
    put(o, as);
    *s = str_from(*s, max_of(n, (size_t)1));
}

/* The first character of *s. More than JSON asks for: what ends other strings of JavaScript or a
 * script element, begins ${...} in one, or ends a line there. */
static void put_json(struct out *o, struct str *s)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s->p[0];
    char text[JSON_CHAR_MAX];

    if (str_starts(*s, STR("\xe2\x80\xa8")) || str_starts(*s, STR("\xe2\x80\xa9"))) {
        put(o, s->p[2] == '\xa8' ? STR("\\u2028") : STR("\\u2029"));
        *s = str_from(*s, 3);
    } else if (c != '\0' && strchr("<>&'`$", c) != NULL) {
        const char escape[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        put(o, str_make(escape, sizeof escape));
        *s = str_from(*s, 1);
    } else {
        put(o, str_make(text, json_take(s, text)));
    }
}

/* `path`: in normal form, so that two escapes stand for bytes. */
static void put_value(struct out *o, enum escape e, struct str s, bool path)
{
    while (s.n > 0) {
        char kept = path ? path_kept_escape(s) : '\0';
        struct str one = str_make(&kept, 1);
        if (kept != '\0')
            s = str_from(s, 3);
        if (is_percent(e)) {
            unsigned char c = (unsigned char)(kept ? kept : s.p[0]);
            if (kept || !stays(e, c))
                put_percent(o, c);
            else
                put(o, str_head(s, 1));
            s = kept ? s : str_from(s, 1);
        } else if (e == ESCAPE_HTML) {
            put_html(o, kept ? &one : &s);
        } else if (e == ESCAPE_JSON) {
            put_json(o, kept ? &one : &s);
        } else {
            put(o, kept ? one : str_head(s, 1));
            s = kept ? s : str_from(s, 1);
        }
    }
}

struct str routed_rest(const struct routed *r)
{
    return r->pattern != NULL ? str_from(r->request->path, r->prefix.n) : STR_EMPTY;
}

/* {NULL, 0} without memory. */
static struct str uri_of(const struct request *q, struct arena *a)
{
    struct str path = path_encode(a, q->path);

    if (path.p == NULL || !q->has_query)
        return path;
    return arena_printf(a, "%.*s?%.*s", str_fmt(path), str_fmt(q->query));
}

struct expansion {
    const struct template *t;
    const struct routed *routed;
    struct str uri; /* if the template has it */
};

static void put_piece(struct out *o, const struct expansion *x, const struct template_piece *p)
{
    const struct request *q = x->routed->request;
    struct str path = q->path;

    /* The path of "*" is empty; nothing but a slash ends an authority safely. */
    if (path.n == 0 && x->t->use == TEMPLATE_URI)
        path = STR("/");
    switch (p->variable) {
    case VARIABLE_NONE:
        put(o, p->text);
        break;
    case VARIABLE_CAPTURE:
        check(x->routed->captures != NULL);
        put_value(o, p->escape, x->routed->captures[p->capture], true);
        break;
    case VARIABLE_REST:
        put_value(o, p->escape, routed_rest(x->routed), true);
        break;
    case VARIABLE_HOST:
        put_value(o, p->escape, q->host, false);
        break;
    case VARIABLE_PATH:
        put_value(o, p->escape, path, true);
        break;
    case VARIABLE_URI:
        put_value(o, p->escape, x->uri, false);
        break;
    case VARIABLE_QUERY:
        put_value(o, p->escape, q->query, false);
        break;
    }
}

struct str template_expand(const struct template *t, const struct routed *r, struct arena *a)
{
    struct expansion x = { .t = t, .routed = r };
    struct out o = { NULL, 0 };

    if (t->constant)
        return t->text;
    for (size_t i = 0; i < t->n_pieces && x.uri.p == NULL; i++)
        if (t->pieces[i].variable == VARIABLE_URI && (x.uri = uri_of(r->request, a)).p == NULL)
            return STR_EMPTY;
    if (x.uri.n == 0 && t->use == TEMPLATE_URI)
        x.uri = STR("/");
    for (size_t i = 0; i < t->n_pieces; i++)
        put_piece(&o, &x, &t->pieces[i]);
    char *bytes = arena_alloc(a, o.n + 1);
    if (bytes == NULL)
        return STR_EMPTY;
    o = (struct out){ bytes, 0 };
    for (size_t i = 0; i < t->n_pieces; i++)
        put_piece(&o, &x, &t->pieces[i]);
    bytes[o.n] = '\0';
    struct str s = str_make(bytes, o.n);
    /* "/{path}", or a wildcard that took nothing, would name another host. */
    while (t->use == TEMPLATE_URI && str_starts(s, STR("//")))
        s = str_from(s, 1);
    return s;
}
