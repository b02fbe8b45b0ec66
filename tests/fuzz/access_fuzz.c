/*
 * access_fuzz.c - whatever a request is made of, its log line is one line: in the combined format
 * of printable ASCII with its six quotes, in JSON an object by a strict reader of its own.
 *
 * The input: 40 bytes of numbers, then strings, each behind two bytes of its length (the high bit
 * of which repeats it eight times).
 */
#include <stdlib.h>

#include "http/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool cond)
{
    if (!cond)
        abort();
}

/* ---- a reader of JSON: p is moved on; p[n] is a line feed, which is in no value */

static uint32_t take_hex(const unsigned char **p)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++) {
        int digit = ascii_hex(*(*p)++);
        must(digit >= 0);
        v = v * 16 + (uint32_t)digit;
    }
    return v;
}

/* One character of more than one byte, by its value. */
static void take_wide(const unsigned char **p)
{
    unsigned char first = *(*p)++;
    unsigned more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    uint32_t v = first & (0x3Fu >> more);

    must(first >= 0xC0 && first < 0xF8);
    for (unsigned i = 0; i < more; i++, (*p)++) {
        must((**p & 0xC0) == 0x80);
        v = v << 6 | (**p & 0x3Fu);
    }
    must(v >= least[more] && v <= 0x10FFFF && (v < 0xD800 || v > 0xDFFF));
}

static void take_string(const unsigned char **p)
{
    must(*(*p)++ == '"');
    while (**p != '"') {
        if (**p == '\\') {
            (*p)++;
            unsigned char c = *(*p)++;
            must(c == '"' || c == '\\' || c == 'u');
            if (c == 'u') {
                uint32_t v = take_hex(p);
                must(v < 0x20 || v == 0x7F || v == 0xFFFD);
            }
        } else if (**p >= 0x80) {
            take_wide(p);
        } else {
            must(**p >= 0x20 && **p != 0x7F);
            (*p)++;
        }
    }
    (*p)++;
}

static void take_number(const unsigned char **p)
{
    const unsigned char *begin = *p;

    while (ascii_digit(**p))
        (*p)++;
    must(*p > begin && (*begin != '0' || *p == begin + 1));
    if (**p == '.') {
        must(ascii_digit(*++*p));
        while (ascii_digit(**p))
            (*p)++;
    }
}

static void check_json(const char *line, size_t n)
{
    const unsigned char *p = (const unsigned char *)line;

    must(*p++ == '{');
    for (;;) {
        take_string(&p);
        must(*p++ == ':');
        if (*p == '"')
            take_string(&p);
        else
            take_number(&p);
        if (*p != ',')
            break;
        p++;
    }
    must(*p++ == '}' && p == (const unsigned char *)line + n);
}

static void check_combined(const char *line, size_t n)
{
    unsigned quotes = 0;

    for (size_t i = 0; i < n; i++) {
        must(line[i] >= ' ' && line[i] <= '~');
        quotes += line[i] == '"';
        if (line[i] != '\\')
            continue;
        must(i + 3 < n && line[i + 1] == 'x' && ascii_hex((unsigned char)line[i + 2]) >= 0 &&
             ascii_hex((unsigned char)line[i + 3]) >= 0);
    }
    must(quotes == 6);
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
    must(*copies != NULL);
    for (size_t i = 0; i < times && n; i++)
        memcpy(*copies + i * n, rest->p, n);
    *rest = str_from(*rest, n);
    struct str s = str_make(realloc(*copies, max_of(n * times, (size_t)1)), n * times);
    must(s.p != NULL);
    *copies = (char *)(uintptr_t)s.p;
    return s;
}

static void try(enum access_format format, const struct access_record *r)
{
    struct access_clock clock = { 0 };
    char *line = malloc(ACCESS_LINE_MAX);

    must(line != NULL);
    size_t n = access_format(format, r, &clock, line, ACCESS_LINE_MAX);
    must(n > 0 && n <= ACCESS_LINE_MAX && memchr(line, '\n', n) == line + n - 1);
    if (format == ACCESS_JSON)
        check_json(line, n - 1);
    else
        check_combined(line, n - 1);
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
