/*
 * lex.c - see lex.h. Where libconfig's versions differ (escapes, number forms, strings over
 * several lines) only what all of them read alike is taken.
 */
#include "config/lex.h"

#include "base/utf8.h"

void lex_init(struct lexer *l, const struct text *s, struct report *r)
{
    *l = (struct lexer){ .source = s, .report = r };
}

void lex_error(struct lexer *l, size_t at, size_t width, const char *fmt, ...)
{
    struct place place = text_place(l->source, at, width);
    va_list ap;

    l->bad = true;
    va_start(ap, fmt);
    report_vadd(l->report, true, place, text_line(l->source, place.line), fmt, ap);
    va_end(ap);
}

enum {
    BLANK = 1,
    LETTER = 2,
    WORD = 4, /* letters, too */
    PUNCTUATION = 8,
    IN_STRING = 16, /* what does not stand for itself there */
};

static const uint8_t classes[256] = {
    ['\0'] = IN_STRING,
    ['\t'] = BLANK,
    ['\n'] = BLANK | IN_STRING,
    ['\r'] = BLANK,
    [' '] = BLANK,
    ['"'] = IN_STRING,
    ['\\'] = IN_STRING,
    ['A' ... 'Z'] = LETTER | WORD,
    ['a' ... 'z'] = LETTER | WORD,
    ['0' ... '9'] = WORD,
    ['-'] = WORD,
    ['_'] = WORD,
    ['*'] = WORD,
    ['{'] = PUNCTUATION,
    ['}'] = PUNCTUATION,
    ['['] = PUNCTUATION,
    [']'] = PUNCTUATION,
    ['('] = PUNCTUATION,
    [')'] = PUNCTUATION,
    ['='] = PUNCTUATION,
    [':'] = PUNCTUATION,
    [';'] = PUNCTUATION,
    [','] = PUNCTUATION,
};

static bool is(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

static struct token broken(void)
{
    return (struct token){ .kind = TOKEN_BROKEN };
}

size_t lex_false_blank(const char *p)
{
    static const char *const blanks[] = { "\xC2\xA0",     "\xE2\x80\x8B", "\xE2\x80\xAF",
                                          "\xE2\x80\x8D", "\xE3\x80\x80", "\xEF\xBB\xBF" };

    for (size_t i = 0; i < array_len(blanks); i++)
        if (strncmp(p, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    return 0;
}

/* Blanks and comments. False: a comment without an end. */
static bool skip(struct lexer *l)
{
    const char *text = l->source->text; /* ends in NUL */

    for (;;) {
        char c = text[l->at];
        if (is(c, BLANK)) {
            l->at++;
        } else if (c == '#' || (c == '/' && text[l->at + 1] == '/')) {
            struct str rest = str_make(text + l->at, l->source->n - l->at);
            l->at += str_chr(rest, '\n');
        } else if (c == '/' && text[l->at + 1] == '*') {
            const char *end = strstr(text + l->at + 2, "*/");
            if (end == NULL) {
                lex_error(l, l->at, 2, "this comment is never closed by \"*/\"");
                return false;
            }
            l->at = (size_t)(end + 2 - text);
        } else if ((unsigned char)c >= 0x80 && lex_false_blank(text + l->at) > 0) {
            if (!l->blank_told)
                lex_error(l, l->at, lex_false_blank(text + l->at),
                          "an invisible character that is no plain blank stands here; write plain "
                          "blanks, everywhere in this file");
            l->blank_told = true;
            l->at += lex_false_blank(text + l->at);
        } else {
            return true;
        }
    }
}

/* The backslash at `at`: how many bytes the escape takes. */
static size_t escape(struct lexer *l, size_t at)
{
    const char *p = l->source->text + at;

    if (p[1] == 'x' || p[1] == 'X') {
        int high = ascii_hex((unsigned char)p[2]);
        int low = high < 0 ? -1 : ascii_hex((unsigned char)p[3]);
        if (low < 0)
            lex_error(l, at, 2, "\\x needs two hexadecimal digits");
        else if (high == 0 && low == 0)
            lex_error(l, at, 4, "no string may hold a NUL byte");
        else
            return 4;
        return 2;
    }
    if (p[1] != '\0' && strchr("nrtf\\\"", p[1]) != NULL)
        return 2;
    lex_error(l, at, 1, "unknown escape; for a backslash write \"\\\\\"");
    return 1;
}

/* The string at `from` has no end on its line. Where an earlier one of the line lacks its own, all
 * behind it is turned inside out: the first whose end touches what follows is the culprit. */
static void unclosed(struct lexer *l, size_t from)
{
    const char *text = l->source->text;
    size_t at = from;

    while (at > 0 && text[at - 1] != '\n')
        at--;
    for (size_t begin; at < from; at++) {
        if (text[at] == '#')
            break;
        if (text[at] != '"')
            continue;
        begin = at;
        for (at++; at < from && text[at] != '"'; at++)
            at += text[at] == '\\';
        if (at < from && strchr(" \t\r\n;,)]}", text[at + 1]) == NULL) {
            lex_error(l, begin, at + 1 - begin,
                      "the end of this string is missing: it goes on to the next quote");
            return;
        }
    }
    lex_error(l, from, 1, "this string is not closed on its line (\\n writes a line break)");
}

static struct token string(struct lexer *l)
{
    const char *text = l->source->text;
    size_t from = l->at;

    for (size_t at = from + 1; at < l->source->n && text[at] != '\n';) {
        while (!is(text[at], IN_STRING)) /* the NUL behind the text is */
            at++;
        if (text[at] == '"') {
            l->at = at + 1;
            return (struct token){ TOKEN_STRING, from, l->at - from };
        }
        if (text[at] == '\\' && text[at + 1] != '\n' && text[at + 1] != '\r')
            at += escape(l, at);
        else if (text[at] != '\n')
            at++;
    }
    unclosed(l, from);
    return broken();
}

/* A quote that is not a plain one: its bytes, or 0. */
static size_t foreign_quote(const char *p)
{
    static const char *const quotes[] = { "'",
                                          "`",
                                          "\xE2\x80\x98",
                                          "\xE2\x80\x99",
                                          "\xE2\x80\x9A",
                                          "\xE2\x80\x9C",
                                          "\xE2\x80\x9D",
                                          "\xE2\x80\x9E",
                                          "\xC2\xAB",
                                          "\xC2\xBB" };

    for (size_t i = 0; i < array_len(quotes); i++)
        if (strncmp(p, quotes[i], strlen(quotes[i])) == 0)
            return strlen(quotes[i]);
    return 0;
}

/* Up to one of the `ends`, which are what may stand behind. */
static size_t bare_end(const struct lexer *l, size_t at, const char *ends)
{
    const char *text = l->source->text;

    while (at < l->source->n && strchr(ends, text[at]) == NULL && lex_false_blank(text + at) == 0)
        at++;
    return at;
}

static bool begins_number(const char *p)
{
    if (*p == '-' || *p == '+')
        p++;
    if (*p == '.')
        p++;
    return ascii_digit((unsigned char)*p);
}

static size_t number_end(const struct lexer *l, size_t at)
{
    const char *text = l->source->text;

    while (is(text[at], WORD) || text[at] == '.' || text[at] == '+' || text[at] == '%')
        at++;
    return at;
}

struct token lex_next(struct lexer *l)
{
    const char *text = l->source->text;

    if (!skip(l))
        return broken();
    size_t from = l->at;
    char c = text[from];
    struct token t = { TOKEN_JUNK, from, 1 };
    if (from >= l->source->n) {
        t.kind = TOKEN_END;
    } else if (c == '"') {
        return string(l);
    } else if (c == '@') {
        bool include = str_starts(str_make(text + from, l->source->n - from), STR("@include"));
        lex_error(l, from, include ? 8 : 1,
                  include ? "@include is not supported; write  include = [ \"sites.d/*.conf\" ];"
                            "  outside of all groups"
                          : "\"@\" can only stand within quotes");
        return broken();
    } else if (is(c, PUNCTUATION)) {
        t.kind = (enum token_kind)(unsigned char)c;
    } else if (begins_number(text + from)) {
        t.kind = TOKEN_NUMBER;
        t.len = number_end(l, from) - from;
    } else if (is(c, LETTER) || c == '*') {
        t.kind = TOKEN_WORD;
        while (is(text[from + t.len], WORD))
            t.len++;
    } else {
        t.len = max_of(utf8_len(text + from, l->source->n - from), (size_t)1);
    }
    l->at = from + t.len;
    return t;
}

/* Behind the other foreign quote on the line, or 0. */
static size_t quoted_end(const struct lexer *l, size_t at)
{
    const char *text = l->source->text;

    while (at < l->source->n && text[at] != '\n') {
        size_t quote = foreign_quote(text + at);
        if (quote > 0)
            return at + quote;
        at++;
    }
    return 0;
}

static struct str bare(struct lexer *l, struct token *token, const char *ends)
{
    const char *text = l->source->text;
    size_t quote = foreign_quote(text + token->at), end = 0;

    if (quote > 0)
        end = quoted_end(l, token->at + quote);
    bool whole = end != 0;
    if (!whole) {
        end = bare_end(l, token->at + token->len, ends);
        if (text[end] == '"') /* the first quote was forgotten */
            end++;
    }
    token->len = end - token->at;
    l->at = end;
    struct str inner = str_make(text + token->at, token->len);
    if (whole) {
        inner = str_from(inner, quote);
        while (inner.n > 0 && foreign_quote(inner.p + --inner.n) == 0)
            ;
    } else if (inner.n > 0 && inner.p[inner.n - 1] == '"') {
        inner.n--;
    }
    return inner;
}

struct str lex_bare(struct lexer *l, struct token *token)
{
    return bare(l, token, " \t\r\n;,{}[]()\"#");
}

struct str lex_bare_name(struct lexer *l, struct token *token)
{
    return bare(l, token, " \t\r\n;,{}[]()\"#=:");
}

static size_t digits(struct str s, size_t at)
{
    while (at < s.n && ascii_digit((unsigned char)s.p[at]))
        at++;
    return at;
}

bool lex_number(struct str text, const char **ret_why)
{
    size_t sign = text.p[0] == '-' || text.p[0] == '+';
    size_t whole = digits(text, sign), end = whole;
    bool is_float = false;

    if (end < text.n && text.p[end] == '.') {
        is_float = true;
        end = digits(text, end + 1);
        if (end < text.n && ascii_lower((unsigned char)text.p[end]) == 'e') {
            size_t exponent = end + 1;
            if (exponent < text.n && (text.p[exponent] == '-' || text.p[exponent] == '+'))
                exponent++;
            end = digits(text, exponent);
            if (end == exponent)
                end = 0; /* an exponent without digits: refused below */
        }
    }
    bool based = text.n > sign + 2 && text.p[sign] == '0' &&
                 strchr("xob", ascii_lower((unsigned char)text.p[sign + 1])) != NULL;
    if (based)
        *ret_why = "%.*s: numbers are written in decimal";
    else if (end < text.n && text.p[end] == '_')
        *ret_why = "%.*s: the digits of a number stand together";
    else if (end != text.n || whole == sign)
        *ret_why = "this is no plain number; with a unit, or as text, it needs quotes: \"%.*s\"";
    else if (!is_float && text.n > sign + 1 && text.p[sign] == '0')
        *ret_why = "%.*s begins with 0: write the number without it, a file mode in quotes";
    return is_float;
}
