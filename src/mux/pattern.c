/*
 * pattern.c - see pattern.h: the parser, and how two patterns relate.
 *
 * The loader's thread writes, any reads.
 */
#include "mux/pattern.h"

#include <errno.h>

#define HOST_MAX 253 /* RFC 1035 section 2.3.4, as text */
#define LABEL_MAX 63

/* One call of pattern_parse(). */
struct parse {
    struct pattern *p;
    struct arena *arena;
    char *out; /* where the decoded path goes on, or NULL: it has no escapes */
    struct str names[PATTERN_SEGMENTS_MAX];
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
    return str_make(ps->p->text + from, to - from);
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

static bool is_upper(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 'A' || s.p[i] > 'Z')
            return false;
    return s.n > 0;
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
    if (!p->has_method && is_upper(host))
        return refuse(ps, end, "a host is written in lower case; a method has a space behind it");
    if (str_starts(host, STR("*."))) {
        p->host_is_wildcard = true;
        host = str_from(host, 2);
        at += 2;
    }
    p->host_at = (uint16_t)at;
    p->host_n = (uint16_t)host.n;
    if (host.n > 0 && host.p[0] == '[' && !p->host_is_wildcard)
        return parse_ip_literal(ps, at, host);
    return parse_host_name(ps, at, host);
}

/* What stands in braces, at text[at..]. */
static int parse_wildcard(struct parse *ps, size_t at, struct str raw, bool last)
{
    static const char no_segment[] = "a wildcard is a whole segment, as in \"/{name}/\": nothing "
                                     "may stand in front of it or behind it";
    struct pattern *p = ps->p;

    if (raw.n < 2 || raw.p[0] != '{' || raw.p[raw.n - 1] != '}')
        return refuse(ps, at, no_segment);

    struct str name = str_make(raw.p + 1, raw.n - 2);
    if (str_chr(name, '{') < name.n && str_chr(name, '}') < str_chr(name, '{'))
        return refuse(ps, at, no_segment);
    if (str_eq(name, STR("$")))
        return last ? 0 : refuse(ps, at, "{$} stands only at the end of a pattern");
    if (str_ends(name, STR("..."))) {
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
    for (size_t i = 0; i < p->n_names; i++)
        if (str_eq(ps->names[i], name))
            return refuse(ps, at, "a wildcard's name stands only once in a pattern");
    ps->names[p->n_names++] = name;
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

static bool is_plain(unsigned char c)
{
    return c > ' ' && c != '%' && c != '}' && c != '?' && c != '#' && c != 0x7f;
}

/* A segment without '{', at text[at..], not empty. */
static int parse_literal(struct parse *ps, size_t at, struct str raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (likely(is_plain(c)))
            continue;
        int escaped = c == '%' ? escaped_byte(raw, i) : -1;
        if (c == '%' && escaped < 0)
            return refuse(ps, at + i, "a '%' is followed by two hex digits; itself it is \"%25\"");
        if (escaped == 0)
            return refuse(ps, at + i, "no path has a NUL");
        if (c == '}')
            return refuse(ps, at + i, "a brace is part of a wildcard; itself it is %7B or %7D");
        if (c == '?' || c == '#')
            return refuse(ps, at + i, "a pattern has no query and no fragment, only a path");
        if (c != '%')
            return refuse(ps, at + i, "a space or control byte in a path is written as \"%20\"");
    }
    struct str text = raw;
    if (ps->out != NULL)
        text = str_make(ps->out, decode(raw, ps->out));
    if (str_eq(text, STR(".")) || str_eq(text, STR("..")))
        return refuse(ps, at, "the path has a \".\" or \"..\" segment; requests come without them");
    if (ps->out != NULL)
        ps->out += text.n;
    return 0;
}

/* A segment that has a '{'. */
static int parse_braces(struct parse *ps, size_t at, struct str raw, bool last)
{
    int r = parse_wildcard(ps, at, raw, last);

    if (ps->out != NULL) {
        memcpy(ps->out, raw.p, raw.n);
        *ps->out = '\0';
        ps->out += raw.n;
    }
    return r;
}

/* Where the first segment that is no literal begins, or the end. */
static size_t prefix_end(const struct pattern *p)
{
    size_t at = 0, end = p->path_n;
    struct segment s;

    for (size_t before = 0; pattern_next(p, &at, &s); before = at)
        if (s.kind != SEGMENT_LITERAL) {
            end = before + 1;
            break;
        }
    return end;
}

/* The path is text[at..], its first byte '/'. */
static int parse_path(struct parse *ps, size_t at)
{
    struct pattern *p = ps->p;
    struct str path = text_range(ps, at, p->text_n), rest = str_from(path, 1);
    size_t begin = at;
    char *copy = NULL;

    p->path = path.p;
    p->path_n = (uint16_t)path.n;
    if (str_chr(path, '%') < path.n) {
        ps->out = copy = arena_alloc(ps->arena, path.n);
        if (copy == NULL)
            return -ENOMEM;
    }
    while (rest.p != NULL) {
        struct str raw = str_cut(&rest, '/');
        bool last = rest.p == NULL;
        int r = 0;

        at = (size_t)(raw.p - p->text);
        if (p->n_segments == PATTERN_SEGMENTS_MAX)
            return refuse(ps, begin, "a pattern has at most 256 segments");
        if (ps->out != NULL)
            *ps->out++ = '/';
        if (raw.n == 0 && !last)
            r = refuse(ps, at,
                       "the path has an empty segment (\"//\"); requests come without them");
        else if (str_chr(raw, '{') < raw.n)
            r = parse_braces(ps, at, raw, last);
        else if (raw.n > 0)
            r = parse_literal(ps, at, raw);
        if (r < 0)
            return r;
        p->n_segments++;
    }
    if (copy != NULL) {
        p->path = copy;
        p->path_n = (uint16_t)(ps->out - copy);
        p->decoded = true;
    }
    p->prefix_n = (uint16_t)prefix_end(p);
    return 0;
}

static int parse_all(struct parse *ps)
{
    struct pattern *p = ps->p;
    struct str text = pattern_text(p);
    size_t blank = 0, at = 0;

    if (text.n == 0)
        return refuse(ps, 0, "the pattern is empty; the one for all paths is \"/\"");
    while (blank < text.n && !is_blank(text.p[blank]))
        blank++;
    if (blank < text.n) {
        struct str token = str_head(text, blank);
        at = blank;
        while (at < text.n && is_blank(text.p[at]))
            at++;
        p->has_method = true;
        p->method = (uint8_t)method_of(token);
        /* In "/a b" the space is the path's. */
        if (str_chr(token, '/') < blank)
            return refuse(ps, blank, "a space or control byte in a path is written as \"%20\"");
        if (blank > 0 && !http_is_token(token))
            return refuse(ps, 0, "a method is one word such as GET; each of several needs a route");
    }
    size_t slash = at + str_chr(str_from(text, at), '/');
    if (slash == text.n)
        return refuse(ps, at, "the pattern has no path, which begins with '/'");
    if (p->has_method && blank == 0)
        return refuse(ps, 0, "a pattern does not begin with a space");
    int r = parse_host(ps, at, slash);
    return r < 0 ? r : parse_path(ps, slash);
}

int pattern_parse(struct str text, struct arena *arena, struct pattern *ret, const char **ret_why,
                  size_t *ret_at)
{
    struct parse ps; /* `names` is not worth clearing */

    ps.p = ret;
    ps.arena = arena;
    ps.out = NULL;
    *ret = (struct pattern){ .method = METHOD_OTHER };
    if (text.n > PATTERN_TEXT_MAX) {
        *ret_why = "a pattern has at most 65535 bytes";
        *ret_at = 0;
        return -EINVAL;
    }
    ret->text = arena_str(arena, text).p;
    if (ret->text == NULL)
        return -ENOMEM;
    ret->text_n = (uint16_t)text.n;
    int r = parse_all(&ps);
    if (r == -EINVAL) {
        *ret_why = ps.why;
        *ret_at = ps.why_at;
    }
    return r;
}

struct str pattern_method(const struct pattern *p)
{
    size_t n = 0;

    while (p->has_method && !is_blank(p->text[n]))
        n++;
    return str_make(p->text, n);
}

bool pattern_next(const struct pattern *p, size_t *at, struct segment *ret)
{
    if (*at == p->path_n)
        return false;
    struct str rest = str_make(p->path + *at + 1, p->path_n - *at - 1);
    struct str text = str_head(rest, str_chr(rest, '/'));

    *at += 1 + text.n;
    ret->kind = text.n == 0 ? SEGMENT_REST : SEGMENT_LITERAL;
    if (text.n > 0 && text.p[0] == (p->decoded ? '\0' : '{')) {
        text = str_make(text.p + 1, text.n - 2);
        ret->kind = SEGMENT_WILDCARD;
        if (text.p[0] == '$') {
            ret->kind = SEGMENT_END;
            text.n = 0;
        } else if (text.p[text.n - 1] == '.') {
            ret->kind = SEGMENT_REST;
            text.n -= 3;
        }
    }
    ret->text = text;
    return true;
}

bool pattern_next_name(const struct pattern *p, size_t *at, struct str *ret)
{
    struct segment s;

    while (pattern_next(p, at, &s))
        if (s.kind == SEGMENT_WILDCARD || (s.kind == SEGMENT_REST && s.text.n > 0)) {
            *ret = s.text;
            return true;
        }
    return false;
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
    struct segment sa, sb;

    for (size_t at = 0, bt = 0;;) {
        const struct segment *s = pattern_next(a, &at, &sa) ? &sa : NULL;
        const struct segment *t = pattern_next(b, &bt, &sb) ? &sb : NULL;

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
    if (a->method == b->method &&
        (a->method != METHOD_OTHER || str_eq(pattern_method(a), pattern_method(b))))
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
    struct str of_a = pattern_host(a), of_b = pattern_host(b);

    if (!a->host_is_wildcard || (b->host_is_wildcard && of_b.n == of_a.n))
        return a->host_is_wildcard == b->host_is_wildcard && str_eq(of_a, of_b);
    return of_b.n > of_a.n && str_ends(of_b, of_a) && of_b.p[of_b.n - of_a.n - 1] == '.';
}

enum relation pattern_compare_hosts(const struct pattern *a, const struct pattern *b)
{
    bool covers_b = a->host_n == 0 || (b->host_n > 0 && host_covers(a, b));
    bool covers_a = b->host_n == 0 || (a->host_n > 0 && host_covers(b, a));

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

static int order_hosts(const struct pattern *a, const struct pattern *b)
{
    int rank_a = a->host_n == 0 ? 2 : a->host_is_wildcard;
    int rank_b = b->host_n == 0 ? 2 : b->host_is_wildcard;

    if (rank_a != rank_b)
        return rank_a - rank_b;
    if (rank_a == 1 && a->host_n != b->host_n)
        return b->host_n - a->host_n;
    return str_cmp(pattern_host(a), pattern_host(b));
}

/* Two paths without conflict and one common path first differ where the one is wider. */
static int order_paths(const struct pattern *a, const struct pattern *b)
{
    /* The end of a path is what no segment is; {$} likewise, behind the slash. */
    static const int rank[] = {
        [SEGMENT_LITERAL] = 2, [SEGMENT_WILDCARD] = 3, [SEGMENT_END] = 1, [SEGMENT_REST] = 4
    };
    struct segment s, t;

    for (size_t at = 0, bt = 0;;) {
        bool more_a = pattern_next(a, &at, &s), more_b = pattern_next(b, &bt, &t);
        int rank_a = more_a ? rank[s.kind] : 0, rank_b = more_b ? rank[t.kind] : 0;

        if (rank_a != rank_b)
            return rank_a - rank_b;
        if (!more_a)
            return 0;
        int r = s.kind == SEGMENT_LITERAL ? str_cmp(s.text, t.text) : 0;
        if (r != 0)
            return r;
    }
}

int pattern_order_methods(const struct pattern *a, const struct pattern *b)
{
    if (!a->has_method || !b->has_method)
        return b->has_method - a->has_method;
    if (a->method == METHOD_OTHER && b->method == METHOD_OTHER)
        return str_cmp(pattern_method(a), pattern_method(b));
    if (a->method != b->method && (a->method == METHOD_HEAD || b->method == METHOD_HEAD))
        return a->method == METHOD_HEAD ? -1 : 1;
    return a->method - b->method;
}

int pattern_order(const struct pattern *a, const struct pattern *b)
{
    int r = order_hosts(a, b);

    if (r == 0)
        r = order_paths(a, b);
    return r != 0 ? r : pattern_order_methods(a, b);
}
