/*
 * access_fuzz.c - whatever a request is made of, its log line is one line: in the combined format
 * of printable ASCII with its six quotes, in JSON an object by a strict reader of its own. And what
 * the line says, read back, is what the request had, up to where it is cut.
 *
 * The input: 40 bytes of numbers, then strings, each behind two bytes of its length (the high bit
 * of which repeats it eight times).
 */
#include <stdlib.h>

#include "http/access.h"
#include "tests/support/server/require.h"

#define CUT_MIN 500 /* bytes of a value that may end in "..." instead of its end */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- reading back */

/* A value as it was before it was escaped. */
struct value {
    char bytes[ACCESS_LINE_MAX];
    size_t n, escaped; /* bytes of it now, and in the line */
};

/* The bytes of the UTF-8 character in front, or 0. */
static size_t character(struct str s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)s.p[0];
    size_t len = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t v = first & (0xFFu >> (len + 1));

    if (len <= 1)
        return len;
    if (first >= 0xF8 || s.n < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)s.p[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | ((unsigned char)s.p[i] & 0x3Fu);
    }
    return v >= least[len] && v <= 0x10FFFF && (v < 0xD800 || v > 0xDFFF) ? len : 0;
}

/* Takes `got` off the front of `want`; in JSON a byte that is no UTF-8 reads as U+FFFD. */
static bool is_begin(struct str got, struct str *want, bool json)
{
    while (want->n > 0 && got.n > 0) {
        size_t n = json ? character(*want) : 1;
        struct str c = n > 0 ? str_head(*want, n) : STR("\xEF\xBF\xBD");
        if (!str_starts(got, c))
            return false;
        got = str_from(got, c.n);
        *want = str_from(*want, max_of(n, (size_t)1));
    }
    return got.n == 0;
}

static void same(const struct value *v, struct str want, bool json)
{
    struct str got = str_make(v->bytes, v->n), rest = want;

    if (is_begin(got, &rest, json) && rest.n == 0)
        return;
    require(v->escaped >= CUT_MIN && str_ends(got, STR("...")));
    require(is_begin(str_head(got, got.n - 3), &want, json));
}

static void add(struct value *v, char c)
{
    require(v->n < sizeof v->bytes);
    v->bytes[v->n++] = c;
}

/* ---- a reader of JSON: p is moved on; p[n] is a line feed, which is in no value */

static uint32_t take_hex(const unsigned char **p)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++) {
        int digit = ascii_hex(*(*p)++);
        require(digit >= 0);
        v = v * 16 + (uint32_t)digit;
    }
    return v;
}

static void take_escape(const unsigned char **p, struct value *v)
{
    unsigned char c = *++*p;

    ++*p;
    if (c != 'u') {
        require(c == '"' || c == '\\');
        add(v, (char)c);
        return;
    }
    uint32_t u = take_hex(p);
    require(u < 0x20 || u == 0x7F || u == 0xFFFD);
    if (u < 0x80) {
        add(v, (char)u);
    } else {
        add(v, '\xEF');
        add(v, '\xBF');
        add(v, '\xBD');
    }
}

static void take_string(const unsigned char **p, struct value *v)
{
    require(*(*p)++ == '"');
    const unsigned char *begin = *p;
    v->n = 0;
    while (**p != '"') {
        if (**p == '\\') {
            take_escape(p, v);
            continue;
        }
        /* The line feed behind all ends a character that is cut short. */
        size_t n = character(str_make((const char *)*p, 4));
        require(n > 0 && **p >= 0x20 && **p != 0x7F);
        for (size_t i = 0; i < n; i++)
            add(v, (char)*(*p)++);
    }
    v->escaped = (size_t)(*p - begin);
    (*p)++;
}

static void take_number(const unsigned char **p)
{
    const unsigned char *begin = *p;

    while (ascii_digit(**p))
        (*p)++;
    require(*p > begin && (*begin != '0' || *p == begin + 1));
    if (**p == '.') {
        require(ascii_digit(*++*p));
        while (ascii_digit(**p))
            (*p)++;
    }
}

static void check_member(struct str name, const struct value *v, const struct access_record *r)
{
    const struct {
        const char *name;
        struct str want;
    } members[] = { { "peer", r->peer },       { "host", r->host },
                    { "method", r->method },   { "target", r->target },
                    { "raw", r->raw },         { "site", r->site },
                    { "route", r->route },     { "reason", r->reason },
                    { "referer", r->referer }, { "user_agent", r->user_agent } };

    for (size_t i = 0; i < array_len(members); i++)
        if (str_eq(name, str_of(members[i].name)))
            same(v, members[i].want, true);
}

static void check_json(const char *line, size_t n, const struct access_record *r)
{
    static struct value name, v;
    const unsigned char *p = (const unsigned char *)line;

    require(*p++ == '{');
    for (;;) {
        take_string(&p, &name);
        require(*p++ == ':');
        if (*p == '"') {
            take_string(&p, &v);
            check_member(str_make(name.bytes, name.n), &v, r);
        } else {
            take_number(&p);
        }
        if (*p != ',')
            break;
        p++;
    }
    require(*p++ == '}' && p == (const unsigned char *)line + n);
}

/* ---- the combined format */

static void unescape(struct str s, struct value *v)
{
    *v = (struct value){ .n = 0, .escaped = s.n };
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') {
            add(v, s.p[i]);
            continue;
        }
        require(i + 3 < s.n && s.p[i + 1] == 'x');
        int high = ascii_hex((unsigned char)s.p[i + 2]), low = ascii_hex((unsigned char)s.p[i + 3]);
        require(high >= 0 && low >= 0);
        add(v, (char)(high << 4 | low));
        i += 3;
    }
}

static void check_combined(const char *line, size_t n, const struct access_record *r)
{
    static struct value v;
    struct str rest = str_make(line, n), quoted[7];
    size_t i = 0;

    for (size_t k = 0; k < n; k++)
        require(line[k] >= ' ' && line[k] <= '~');
    while (rest.p != NULL) {
        require(i < array_len(quoted));
        quoted[i++] = str_cut(&rest, '"');
    }
    require(i == array_len(quoted)); /* quotes are behind 0, 1, ... 5 */
    for (i = 0; i < array_len(quoted); i++)
        unescape(quoted[i], &v);
    unescape(quoted[3], &v);
    same(&v, r->referer.n > 0 ? r->referer : STR("-"), false);
    unescape(quoted[5], &v);
    same(&v, r->user_agent.n > 0 ? r->user_agent : STR("-"), false);
    if (r->method.n == 0) {
        unescape(quoted[1], &v);
        same(&v, r->raw.n > 0 ? r->raw : STR("-"), false);
    }
}

/* ---- the record */

static struct str take_text(struct str *rest, char **copies)
{
    if (rest->n < 2)
        return STR_EMPTY;
    size_t n = (unsigned char)rest->p[0] | ((size_t)(unsigned char)rest->p[1] << 8);
    size_t times = n & 0x8000 ? 8 : 1;
    *rest = str_from(*rest, 2);
    n = min_of(n & 0x7fff, rest->n);
    *copies = malloc(n * times + 1); /* a read behind the end is seen */
    require(*copies != NULL);
    for (size_t i = 0; i < times && n; i++)
        memcpy(*copies + i * n, rest->p, n);
    *rest = str_from(*rest, n);
    struct str s = str_make(realloc(*copies, max_of(n * times, (size_t)1)), n * times);
    require(s.p != NULL);
    *copies = (char *)(uintptr_t)s.p;
    return s;
}

static void try(enum access_format format, const struct access_record *r)
{
    struct access_clock clock = { 0 };
    char *line = malloc(ACCESS_LINE_MAX);

    require(line != NULL);
    size_t n = access_format(format, r, &clock, line, ACCESS_LINE_MAX);
    require(n > 0 && n <= ACCESS_LINE_MAX && memchr(line, '\n', n) == line + n - 1);
    if (format == ACCESS_JSON)
        check_json(line, n - 1, r);
    else
        check_combined(line, n - 1, r);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct access_record r = { 0 };
    struct str *const texts[] = { &r.method,     &r.target, &r.peer,  &r.host,   &r.referer,
                                  &r.user_agent, &r.site,   &r.route, &r.reason, &r.raw };
    char *copies[array_len(texts)] = { NULL };
    uint64_t numbers[5];

    if (size < sizeof numbers)
        return 0;
    memcpy(numbers, data, sizeof numbers);
    r.time = (int64_t)numbers[0];
    r.duration = (int64_t)numbers[1];
    r.bytes = numbers[2];
    r.id = numbers[3];
    r.status = (unsigned)(numbers[4] & 0xffff);
    r.version_minor = (unsigned)(numbers[4] >> 16 & 0xff);
    struct str rest = str_from(str_make((const char *)data, size), sizeof numbers);
    for (size_t i = 0; i < array_len(texts); i++)
        *texts[i] = take_text(&rest, &copies[i]);
    try(ACCESS_COMBINED, &r);
    try(ACCESS_JSON, &r);
    for (size_t i = 0; i < array_len(copies); i++)
        free(copies[i]);
    return 0;
}
