/*
 * template_fuzz.c - texts with variables, filled in from any request. The input: a byte for the
 * use, then the text, the target of the request and its Host, each ended by NUL.
 *
 * What is compiled never lets the request's bytes end what they stand in: a line, a host, a
 * parameter, a tag, a string.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "handler/template.h"
#include "http/chars.h"
#include "http/response.h"
#include "http/target.h"
#include "tests/support/server/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct arena arena;
    struct option_check check;
    unsigned errors;
    struct request request;
    struct pattern pattern;
    struct str captures[2];
    struct routed routed;
};

static void report(struct option_check *c, bool error, const char *option, const char *fmt,
                   va_list ap)
{
    struct input *in = container_of(c, struct input, check);
    char text[1024];

    require(option != NULL && vsnprintf(text, sizeof text, fmt, ap) > 0);
    in->errors += error;
}

/* Of a route whose pattern is "/{id}/{more...}". false: no such request reaches it. */
static bool read_request(struct input *in, struct str target, struct str host)
{
    struct request *q = &in->request;
    struct str port;

    q->method = METHOD_GET;
    q->target = target;
    if (target.n == 0 || target.p[0] != '/' ||
        chars_run(target.p, 0, target.n, CHAR_TARGET) != target.n ||
        target_parse(q, &in->arena) != NULL ||
        target_authority(host, &in->arena, &q->host, &port) != NULL)
        return false;
    in->routed = (struct routed){ q, &in->pattern, STR("/"), in->captures };
    in->captures[1] = routed_rest(&in->routed);
    in->captures[0] = str_cut(&in->captures[1], '/');
    return true;
}

static size_t count(struct str s, const char *bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] != '\0' && strchr(bytes, s.p[i]) != NULL;
    return n;
}

static size_t authority_end(struct str s)
{
    return min_of(str_chr(s, '/'), min_of(str_chr(s, '?'), str_chr(s, '#')));
}

/* "https://a.{host}:1{uri}" leads to a. + host + :1, whatever the rest. */
static void look_at_authority(struct input *in, struct str text, struct str uri)
{
    struct str want = str_from(text, str_chr(text, '/') + 2), has;
    const char *path;

    has = str_from(uri, str_chr(uri, '/') + 2);
    has = str_head(has, authority_end(has));
    want = str_head(want, authority_end(want));
    if ((path = memmem(want.p, want.n, "{path}", 6)) != NULL)
        want.n = (size_t)(path - want.p);
    if ((path = memmem(want.p, want.n, "{uri}", 5)) != NULL)
        want.n = (size_t)(path - want.p);
    require(has.n < uri.n && count(has, "@\\") == 0);
    while (want.n > 0) {
        bool is_host = str_starts(want, STR("{host}"));
        struct str part = is_host ? in->request.host : str_head(want, 1);
        require(str_starts(has, part));
        has = str_from(has, part.n);
        want = str_from(want, is_host ? 6 : 1);
    }
    require(has.n == 0);
}

static void look_at_uri(struct input *in, const struct template *t, struct str text, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        require(s.p[i] > ' ' && s.p[i] < 0x7f);
    if (!t->constant)
        require(!str_starts(s, STR("//")) && !str_starts(s, STR("/\\")));
    if (str_ieq(str_head(text, 7), STR("http://")) || str_ieq(str_head(text, 8), STR("https://")))
        look_at_authority(in, text, s);
    if (!t->has_query)
        require(str_chr(s, '?') > str_chr(s, '#') || str_chr(s, '?') == s.n);
}

static void look_at_field(struct str text, struct str s)
{
    if (response_check(STR("X"), text) == 0)
        require(response_check(STR("X"), s) == 0);
    require(count(s, ";,\"\\<>\r\n \t") == count(text, ";,\"\\<>\r\n \t"));
}

static void look_at_utf8(struct str text, struct str s)
{
    for (size_t i = 0, n; i < text.n; i += n)
        if ((n = utf8_len(text.p + i, text.n - i)) == 0)
            return;
    for (size_t i = 0, n; i < s.n; i += n)
        require((n = utf8_len(s.p + i, s.n - i)) != 0);
}

/* All variables and nothing else. */
static void look_at_html(struct str s)
{
    static const struct str entities[] = {
        { "&amp;", 5 }, { "&lt;", 4 }, { "&gt;", 4 }, { "&quot;", 6 }, { "&#39;", 5 },
    };

    require(count(s, "<>\"'") == 0);
    for (size_t i = 0; i < s.n; i++) {
        bool known = s.p[i] != '&';
        for (size_t k = 0; k < array_len(entities); k++)
            known |= str_starts(str_from(s, i), entities[k]);
        require(known);
        require((unsigned char)s.p[i] >= ' ' || count(str_make(s.p + i, 1), "\t\r\n") == 1);
    }
}

/* A JSON string, and nothing in it that means something to JavaScript or HTML. */
static void look_at_json(struct str s)
{
    require(s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"');
    s = str_make(s.p + 1, s.n - 2);
    require(count(s, "<>&'`$") == 0);
    require(memmem(s.p, s.n, "\xe2\x80\xa8", 3) == NULL);
    require(memmem(s.p, s.n, "\xe2\x80\xa9", 3) == NULL);
    while (s.n > 0) {
        size_t n = 1;
        require((unsigned char)s.p[0] >= ' ' && s.p[0] != '"' && s.p[0] != 0x7f);
        if (s.p[0] == '\\') {
            require(s.n > 1 && strchr("\"\\u", s.p[1]) != NULL);
            n = s.p[1] == 'u' ? 6 : 2;
            require(s.n >= n);
            for (size_t i = 2; i < n; i++)
                require(ascii_hex((unsigned char)s.p[i]) >= 0);
        }
        s = str_from(s, n);
    }
}

static struct str fill(struct input *in, struct str text, enum template_use use, struct template *t)
{
    require(template_compile(&in->check, "option", text, use, t));
    struct str s = template_expand(t, &in->routed, &in->arena);
    require(s.p != NULL);
    return s;
}

static void look_at_all_variables(struct input *in)
{
    struct template t;
    struct str s = fill(in, STR("{id}{more}{rest}{host}{path}{uri}{query}"), TEMPLATE_HTML, &t);

    look_at_html(s);
    look_at_utf8(STR(""), s);
    s = fill(in, STR("\"{id}{more}{rest}{host}{path}{uri}{query}\""), TEMPLATE_JSON, &t);
    look_at_json(s);
    look_at_utf8(STR(""), s);
    s = fill(in, STR("<a href=\"{path}\">"), TEMPLATE_HTML, &t);
    require(!str_starts(s, STR("<a href=\"//")) && str_chr(s, '\\') == s.n);
}

static void look_at(struct input *in, struct str text, enum template_use use)
{
    struct template t, again;
    bool ok = template_compile(&in->check, "option", text, use, &t);

    require(ok == (in->errors == 0));
    if (!ok) {
        require(t.constant && str_eq(t.text, text));
        return;
    }
    struct str s = template_expand(&t, &in->routed, &in->arena);
    require(s.p != NULL);
    require(str_eq(fill(in, text, use, &again), s) && template_same(&t, &again));
    if (t.constant)
        require(s.n <= text.n && s.p == t.text.p);
    if (use == TEMPLATE_URI && (!t.needs_host || in->request.host.n > 0))
        look_at_uri(in, &t, text, s);
    else if (use == TEMPLATE_FIELD)
        look_at_field(text, s);
    else if (use == TEMPLATE_HTML)
        require(count(s, "<>\"'") == count(text, "<>\"'"));
    else if (use == TEMPLATE_JSON)
        require(count(s, "<>&'`$") == count(text, "<>&'`$"));
    if (use == TEMPLATE_HTML || use == TEMPLATE_JSON)
        look_at_utf8(text, s);
    if (use != TEMPLATE_PLAIN)
        require(memchr(s.p, '\0', s.n) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str names[] = { { "id", 2 }, { "more", 4 } };
    struct input in = { .check = { .report = report, .in_route = true, .names = { names, 2 } } };

    if (size == 0)
        return 0;
    char *bytes = malloc(size);
    require(bytes != NULL);
    memcpy(bytes, data, size);
    arena_init(&in.arena, MIB(64));
    in.check.arena = &in.arena;
    struct str rest = str_make(bytes + 1, size - 1);
    struct str text = str_cut(&rest, '\0'), target = str_cut(&rest, '\0');
    struct str host = str_cut(&rest, '\0');
    if (read_request(&in, target, host)) {
        look_at_all_variables(&in);
        look_at(&in, text, (enum template_use)(bytes[0] & 7) % (TEMPLATE_FIELD + 1));
    }
    arena_done(&in.arena);
    free(bytes);
    return 0;
}
