/*
 * lex.h - the tokens of a config file, cut exactly where libconfig cuts them, or refused. Private
 * to scan.c. One thread.
 */
#ifndef MUXD_CONFIG_LEX_H
#define MUXD_CONFIG_LEX_H

#include "config/text.h"

/* Punctuation is its own byte. */
enum token_kind {
    TOKEN_END = 0,
    TOKEN_WORD = 256, /* [A-Za-z*][-A-Za-z0-9_*]* */
    TOKEN_STRING,     /* with its quotes */
    TOKEN_NUMBER,     /* what begins as one; see lex_number() */
    TOKEN_JUNK,       /* one character that begins nothing */
    TOKEN_BROKEN,     /* reported already; the end */
};

struct token {
    enum token_kind kind;
    size_t at, len;
};

struct lexer {
    const struct text *source;
    struct report *report;
    size_t at;
    bool bad; /* an error was reported */
    bool blank_told;
};

void lex_init(struct lexer *l, const struct text *s, struct report *r);
struct token lex_next(struct lexer *l);
/* Widens the last token to the whole of what stands there unquoted, to report it in one piece.
 * Returns the text without quotes of another kind around it. */
struct str lex_bare(struct lexer *l, struct token *token);
/* The same for what stands in place of a name: it ends at "=" and ":", too. */
struct str lex_bare_name(struct lexer *l, struct token *token);
/* What looks like a blank at `p` and is none: its bytes, or 0. */
size_t lex_false_blank(const char *p);
/* True for a float. *ret_why: a format with one "%.*s" for the number, when it is refused. */
bool lex_number(struct str text, const char **ret_why);
void lex_error(struct lexer *l, size_t at, size_t width, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
