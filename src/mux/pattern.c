/*
 * pattern.c - see pattern.h: the parser, and how two patterns relate.
 *
 * A pattern owns its bytes: pattern.text is a copy in the arena, and every other slice points into
 * it or, for a literal with escapes, into a decoded copy. The loader's thread writes, any reads.
 */
#include "mux/pattern.h"

#include <errno.h>

#define HOST_MAX 253 /* RFC 1035 section 2.3.4, as text */
#define LABEL_MAX 63

/* One call of pattern_parse(). */
struct parse {
    struct pattern *p;
    struct arena *arena;
    const char *why;
    size_t why_at;
};

static int refuse(struct parse *ps, size_t at, const char *why)
{
    ps->why = why;
    ps->why_at = at;
    return -EINVAL;
}

/* A slice of the pattern's text. */
static struct str text_range(const struct parse *ps, size_t from, size_t to)
{
    return str_make(ps->p->text.p + from, to - from);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_alpha(char c)
{
    unsigned char l = ascii_lower((unsigned char)c);

    return l >= 'a' && l <= 'z';
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && s.p[i] != '_' && (i == 0 || !ascii_digit((unsigned char)s.p[i])))
            return false;
    return s.n > 0;
}

/* The address in "[2001:db8::1]", at text[at..]. */
static int parse_ip_literal(struct parse *ps, size_t at, struct str host)
{
    if (host.n < 4 || host.p[host.n - 1] != ']')
        return refuse(ps, at, "an address in brackets ends in ']', right before the path");
    for (size_t i = 1; i < host.n - 1; i++) {
        char c = host.p[i];
        if (c >= 'A' && c <= 'F')
            return refuse(ps, at + i, "a host is written in lower case");
        if (ascii_hex((unsigned char)c) < 0 && c != ':' && c != '.')
            return refuse(ps, at + i, "this may not stand in an address in brackets");
    }
    return 0;
}

/* A name or IPv4 address at text[at..], not empty. */
static int parse_host_name(struct parse *ps, size_t at, struct str host)
{
    size_t label = 0; /* where the current one begins */

    for (size_t i = 0; i <= host.n; i++) {
        char c = i < host.n ? host.p[i] : '.';
        if (c == '.') {
            if (i == label)
                return refuse(ps, at + i, "a host has no empty label and no dot at its end");
            if (i - label > LABEL_MAX)
                return refuse(ps, at + label, "a label of a host has at most 63 bytes");
            label = i + 1;
        } else if (c >= 'A' && c <= 'Z') {
            return refuse(ps, at + i, "a host is written in lower case");
        } else if (c == ':') {
            return refuse(ps, at + i, "a host is written without a port; it matches any port");
        } else if (c == '*') {
            return refuse(ps, at + i,
                          "a '*' in a host stands only in front of it, as in \"*.example.org\"");
        } else if (!is_alpha(c) && !ascii_digit((unsigned char)c) && c != '-' && c != '_') {
            return refuse(ps, at + i, "this may not stand in a host");
        }
    }
    if (host.n > HOST_MAX)
        return refuse(ps, at, "a host has at most 253 bytes");
    return 0;
}

/* The host is text[at..end), where the path begins. */
static int parse_host(struct parse *ps, size_t at, size_t end)
{
    struct pattern *p = ps->p;
    struct str host = text_range(ps, at, end);

    if (host.n == 0)
        return 0;
    if (str_chr(host, '{') < host.n)
        return refuse(ps, at, "a host has no wildcard in braces; a path begins with '/'");
    if (!p->has_method && method_of(host) != METHOD_OTHER)
        return refuse(ps, end, "between the method and the path stands a space");
    if (str_starts(host, STR("*."))) {
        p->host_is_wildcard = true;
        host = str_from(host, 2);
        at += 2;
    }
    p->host = host;
    if (host.n > 0 && host.p[0] == '[' && !p->host_is_wildcard)
        return parse_ip_literal(ps, at, host);
    return parse_host_name(ps, at, host);
}

/* What stands in braces, at text[at..]. */
static int parse_wildcard(struct parse *ps, size_t at, struct str raw, bool last,
                          struct segment *ret)
{
    struct pattern *p = ps->p;

    if (raw.n < 2 || raw.p[0] != '{' || raw.p[raw.n - 1] != '}')
        return refuse(ps, at, "a wildcard must be a whole segment, as in \"/{name}/\"");

    struct str name = str_make(raw.p + 1, raw.n - 2);
    if (str_eq(name, STR("$"))) {
        if (!last)
            return refuse(ps, at, "{$} stands only at the end of a pattern");
        *ret = (struct segment){ SEGMENT_END, str_make(name.p, 0) };
        return 0;
    }
    bool rest = str_ends(name, STR("..."));
    if (rest) {
        name.n -= 3;
        if (!last)
            return refuse(ps, at, "a {name...} wildcard stands only at the end of a pattern");
    }
    if (name.n == 0)
        return refuse(ps, at, "a wildcard needs a name");
    if (str_chr(name, '.') < name.n || str_ends(name, STR("\xE2\x80\xA6")))
        return refuse(ps, at, "the rest of a path is {name...}, with three dots at the end");
    if (str_chr(name, ':') < name.n)
        return refuse(ps, at, "a wildcard is a name alone, without an expression");
    if (!is_name(name))
        return refuse(ps, at,
                      "a wildcard's name is made of letters, digits and '_', no digit first");
    for (size_t i = 0; i < p->n_segments; i++)
        if (p->segments[i].kind != SEGMENT_LITERAL && str_eq(p->segments[i].text, name))
            return refuse(ps, at, "a wildcard's name stands only once in a pattern");
    *ret = (struct segment){ rest ? SEGMENT_REST : SEGMENT_WILDCARD, name };
    p->n_names++;
    return 0;
}

/* The byte of the escape at raw[i], or -1: not two hex digits. */
static int escaped_byte(struct str raw, size_t i)
{
    int high = i + 1 < raw.n ? ascii_hex((unsigned char)raw.p[i + 1]) : -1;
    int low = i + 2 < raw.n ? ascii_hex((unsigned char)raw.p[i + 2]) : -1;

    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decodes raw into out, which has room for raw.n bytes; only "%2F" and "%25" stay (http/path.h). */
static size_t decode(struct str raw, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < raw.n; i++) {
        int c = raw.p[i] == '%' ? escaped_byte(raw, i) : -1;
        if (c == '/' || c == '%') {
            memcpy(out + n, c == '/' ? "%2F" : "%25", 3);
            n += 3;
        } else {
            out[n++] = c < 0 ? raw.p[i] : (char)c;
        }
        i += c < 0 ? 0 : 2;
    }
    return n;
}

/* A segment without '{', at text[at..], not empty. */
static int parse_literal(struct parse *ps, size_t at, struct str raw, struct segment *ret)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        int escaped = c == '%' ? escaped_byte(raw, i) : -1;
        if (c == '%' && escaped < 0)
            return refuse(ps, at + i, "a '%' is followed by two hex digits; itself it is \"%25\"");
        if (escaped == 0)
            return refuse(ps, at + i, "no path has a NUL");
        if (c == '}')
            return refuse(ps, at + i, "a brace is part of a wildcard; itself it is %7B or %7D");
        if (c == '?' || c == '#')
            return refuse(ps, at + i, "a pattern has no query and no fragment, only a path");
        if (c <= ' ' || c == 0x7f)
            return refuse(ps, at + i, "a space or control byte in a path is written as \"%20\"");
    }
    struct str text = raw;
    if (str_chr(raw, '%') < raw.n) {
        char *out = arena_alloc(ps->arena, raw.n);
        if (out == NULL)
            return -ENOMEM;
        text = str_make(out, decode(raw, out));
    }
    if (str_eq(text, STR(".")) || str_eq(text, STR("..")))
        return refuse(ps, at, "the path has a \".\" or \"..\" segment; requests come without them");
    *ret = (struct segment){ SEGMENT_LITERAL, text };
    return 0;
}

/* The path is text[at..], its first byte '/'. */
static int parse_path(struct parse *ps, size_t at)
{
    struct pattern *p = ps->p;
    struct str rest = str_from(p->text, at + 1);
    size_t slashes = 1;

    for (size_t i = 0; i < rest.n; i++)
        slashes += rest.p[i] == '/';
    if (slashes > PATTERN_SEGMENTS_MAX)
        return refuse(ps, at, "a pattern has at most 256 segments");
    p->segments = arena_array(ps->arena, slashes, sizeof *p->segments);
    if (p->segments == NULL)
        return -ENOMEM;

    while (rest.p != NULL) {
        struct str raw = str_cut(&rest, '/');
        bool last = rest.p == NULL;
        struct segment *s = &p->segments[p->n_segments];
        int r = 0;

        at = (size_t)(raw.p - p->text.p);
        if (raw.n == 0 && last)
            *s = (struct segment){ SEGMENT_REST, raw };
        else if (raw.n == 0)
            r = refuse(ps, at,
                       "the path has an empty segment (\"//\"); requests come without them");
        else if (str_chr(raw, '{') < raw.n)
            r = parse_wildcard(ps, at, raw, last, s);
        else
            r = parse_literal(ps, at, raw, s);
        if (r < 0)
            return r;
        p->n_segments++;
    }
    return 0;
}

static int parse_all(struct parse *ps)
{
    struct pattern *p = ps->p;
    size_t blank = 0, at = 0;

    if (p->text.n == 0)
        return refuse(ps, 0, "the pattern is empty; the one for all paths is \"/\"");
    while (blank < p->text.n && !is_blank(p->text.p[blank]))
        blank++;
    if (blank < p->text.n) {
        at = blank;
        while (at < p->text.n && is_blank(p->text.p[at]))
            at++;
        p->has_method = true;
        p->method_token = str_head(p->text, blank);
        p->method = method_of(p->method_token);
        /* In "/a b" the space is the path's. */
        if (str_chr(p->method_token, '/') < blank)
            return refuse(ps, blank, "a space or control byte in a path is written as \"%20\"");
        if (blank > 0 && !http_is_token(p->method_token))
            return refuse(ps, 0, "a method is one word such as GET; each of several needs a route");
    }
    size_t slash = at + str_chr(str_from(p->text, at), '/');
    if (slash == p->text.n)
        return refuse(ps, at, "the pattern has no path, which begins with '/'");
    if (p->has_method && blank == 0)
        return refuse(ps, 0, "a pattern does not begin with a space");
    int r = parse_host(ps, at, slash);
    return r < 0 ? r : parse_path(ps, slash);
}

int pattern_parse(struct str text, struct arena *arena, struct pattern *ret, const char **ret_why,
                  size_t *ret_at)
{
    struct parse ps = { .p = ret, .arena = arena };

    *ret = (struct pattern){ .text = arena_str(arena, text), .method = METHOD_OTHER };
    if (ret->text.p == NULL)
        return -ENOMEM;
    int r = parse_all(&ps);
    if (r == -EINVAL) {
        *ret_why = ps.why;
        *ret_at = ps.why_at;
    }
    return r;
}

struct str pattern_prefix(const struct pattern *p, struct arena *arena)
{
    size_t n = 0, literals = 0;

    while (literals < p->n_segments && p->segments[literals].kind == SEGMENT_LITERAL)
        n += 1 + p->segments[literals++].text.n;
    bool slash = literals < p->n_segments;
    char *out = arena_alloc(arena, n + slash + 1);
    if (out == NULL)
        return STR_EMPTY;
    n = 0;
    for (size_t i = 0; i < literals; i++) {
        out[n++] = '/';
        memcpy(out + n, p->segments[i].text.p, p->segments[i].text.n);
        n += p->segments[i].text.n;
    }
    if (slash)
        out[n++] = '/';
    out[n] = '\0';
    return str_make(out, n);
}

/* From what the two sides match alone, given that some request matches both. */
static enum relation relation_of(bool only_a, bool only_b)
{
    if (only_a && only_b)
        return RELATION_OVERLAPS;
    return only_a ? RELATION_MORE_GENERAL : only_b ? RELATION_MORE_SPECIFIC : RELATION_EQUAL;
}

/*
 * Segment by segment up to the first REST: where none of them is disjoint, a wider segment of a
 * lets a match a path that b does not (the other segments can be chosen for both), and likewise b.
 */
enum relation pattern_compare_paths(const struct pattern *a, const struct pattern *b)
{
    bool only_a = false, only_b = false;

    for (size_t i = 0;; i++) {
        const struct segment *s = i < a->n_segments ? &a->segments[i] : NULL;
        const struct segment *t = i < b->n_segments ? &b->segments[i] : NULL;

        if (s == NULL || t == NULL)
            return s == t ? relation_of(only_a, only_b) : RELATION_DISJOINT;
        if (s->kind == SEGMENT_REST || t->kind == SEGMENT_REST)
            return relation_of(only_a || t->kind != SEGMENT_REST,
                               only_b || s->kind != SEGMENT_REST);
        /* {$} is the end of a path, which no segment is. */
        if ((s->kind == SEGMENT_END) != (t->kind == SEGMENT_END))
            return RELATION_DISJOINT;
        if (s->kind == SEGMENT_LITERAL && t->kind == SEGMENT_LITERAL && !str_eq(s->text, t->text))
            return RELATION_DISJOINT;
        only_a |= s->kind == SEGMENT_WILDCARD && t->kind == SEGMENT_LITERAL;
        only_b |= t->kind == SEGMENT_WILDCARD && s->kind == SEGMENT_LITERAL;
    }
}

enum relation pattern_compare_methods(const struct pattern *a, const struct pattern *b)
{
    if (!a->has_method || !b->has_method)
        return relation_of(!a->has_method && b->has_method, !b->has_method && a->has_method);
    if (str_eq(a->method_token, b->method_token))
        return RELATION_EQUAL;
    if (a->method == METHOD_GET && b->method == METHOD_HEAD)
        return RELATION_MORE_GENERAL;
    if (a->method == METHOD_HEAD && b->method == METHOD_GET)
        return RELATION_MORE_SPECIFIC;
    return RELATION_DISJOINT;
}

/* Whether every host that b matches is one of a; a has a host. */
static bool host_covers(const struct pattern *a, const struct pattern *b)
{
    if (!a->host_is_wildcard || (b->host_is_wildcard && b->host.n == a->host.n))
        return a->host_is_wildcard == b->host_is_wildcard && str_eq(a->host, b->host);
    return b->host.n > a->host.n && str_ends(b->host, a->host) &&
           b->host.p[b->host.n - a->host.n - 1] == '.';
}

enum relation pattern_compare_hosts(const struct pattern *a, const struct pattern *b)
{
    bool covers_b = a->host.n == 0 || (b->host.n > 0 && host_covers(a, b));
    bool covers_a = b->host.n == 0 || (a->host.n > 0 && host_covers(b, a));

    return covers_a || covers_b ? relation_of(!covers_a, !covers_b) : RELATION_DISJOINT;
}

bool pattern_conflict(const struct pattern *a, const struct pattern *b)
{
    enum relation methods = pattern_compare_methods(a, b);

    if (methods == RELATION_DISJOINT || pattern_compare_hosts(a, b) != RELATION_EQUAL)
        return false;
    enum relation paths = pattern_compare_paths(a, b);
    return paths == RELATION_OVERLAPS || (paths == RELATION_EQUAL && methods == RELATION_EQUAL);
}
