/*
 * scan.c - see scan.h. A recursive descent of bounded depth; one token ahead.
 *
 * An error within a value is reported and the scan goes on; after one in the structure what
 * follows would be guesswork, so it ends the scan of the file.
 */
#include "config/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "config/lex.h"

struct opener {
    size_t at; /* of its bracket */
    char close;
};

struct scanner {
    struct lexer lex;
    struct token token; /* the one looked at */
    bool token_bad;     /* the lexer complained about it */
    struct scan *out;
    uint32_t *by_name; /* open addressing: nodes by parent and name; 0 is free */
    size_t by_name_size, n_names;
    struct opener open[SCAN_DEPTH_MAX];
    unsigned depth;
    size_t suspect; /* a bracket whose end is indented as if it were another's; or SIZE_MAX */
    size_t suspect_end;
    bool no_memory;
};

#define complain(sc, at_, width_, ...) lex_error(&(sc)->lex, (at_), (width_), __VA_ARGS__)

/* Reports about the current token, and is false: the scan ends. */
#define fail_at_token(sc, ...) (complain((sc), (sc)->token.at, (sc)->token.len, __VA_ARGS__), false)

static bool value(struct scanner *sc, uint32_t self);

static struct str text_of(const struct scanner *sc, size_t at, size_t len)
{
    return str_make(sc->lex.source->text + at, len);
}

/* For messages: the token, without the rest of a long one. */
static struct str token_text(const struct scanner *sc)
{
    return text_of(sc, sc->token.at, min_of(sc->token.len, (size_t)40));
}

static bool next(struct scanner *sc)
{
    unsigned errors = sc->lex.report->errors;

    sc->token = lex_next(&sc->lex);
    sc->token_bad = sc->lex.report->errors != errors;
    return sc->token.kind != TOKEN_BROKEN;
}

static bool is(const struct scanner *sc, char punctuation)
{
    return sc->token.kind == (enum token_kind)(unsigned char)punctuation;
}

static bool add_node(struct scanner *sc, struct node node)
{
    struct scan *out = sc->out;

    if (out->n == SCAN_NODES_MAX)
        return fail_at_token(sc, "more than %d values in one file", SCAN_NODES_MAX);
    if (out->n == out->cap) {
        size_t cap = out->cap ? out->cap * 2 : 256;
        struct node *more = realloc(out->nodes, cap * sizeof *more);
        if (more == NULL) {
            sc->no_memory = true;
            return false;
        }
        out->nodes = more;
        out->cap = cap;
    }
    if (out->n != 0)
        out->nodes[node.parent].n++;
    out->nodes[out->n++] = node;
    return true;
}

static struct str node_name(const struct scanner *sc, const struct node *n)
{
    return text_of(sc, n->name_at, n->name_len);
}

#define NAMES_FEW 16

static size_t name_slot(const struct scanner *sc, uint32_t node)
{
    const struct node *n = &sc->out->nodes[node];
    struct str name = node_name(sc, n);
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ n->parent;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 29;
    size_t slot = (size_t)h & (sc->by_name_size - 1);
    for (uint32_t other; (other = sc->by_name[slot]) != 0;
         slot = (slot + 1) & (sc->by_name_size - 1)) {
        const struct node *o = &sc->out->nodes[other];
        if (o->parent == n->parent && str_eq(node_name(sc, o), name))
            break;
    }
    return slot;
}

static bool grow_names(struct scanner *sc)
{
    size_t old_size = sc->by_name_size, size = old_size ? old_size * 2 : 256;
    uint32_t *old = sc->by_name, *slots = calloc(size, sizeof *slots);

    if (slots == NULL) {
        sc->no_memory = true;
        return false;
    }
    sc->by_name = slots;
    sc->by_name_size = size;
    for (size_t i = 0; i < old_size; i++)
        if (old[i] != 0)
            slots[name_slot(sc, old[i])] = old[i];
    free(old);
    return true;
}

/* *ret_first: the node in the table with this name, which may be the one given. */
static bool enter_name(struct scanner *sc, uint32_t node, uint32_t *ret_first)
{
    if (sc->n_names * 2 >= sc->by_name_size && !grow_names(sc))
        return false;
    uint32_t *slot = &sc->by_name[name_slot(sc, node)];
    if (*slot == 0) {
        *slot = node;
        sc->n_names++;
    }
    *ret_first = *slot;
    return true;
}

/* Small groups are searched one by one: most groups are, and all of them would make a large table.
 */
static bool first_of_name(struct scanner *sc, uint32_t self, uint32_t *ret_first)
{
    const struct node *nodes = sc->out->nodes, *n = &nodes[self];
    struct str name = node_name(sc, n);
    bool few = nodes[n->parent].n <= NAMES_FEW;

    *ret_first = self;
    if (nodes[n->parent].n <= NAMES_FEW + 1) {
        for (uint32_t i = n->parent + 1; i < self; i = nodes[i].end) {
            if (few && str_eq(node_name(sc, &nodes[i]), name)) {
                *ret_first = i;
                return true;
            }
            if (!few && !enter_name(sc, i, ret_first))
                return false;
        }
    }
    return few || enter_name(sc, self, ret_first);
}

/* libconfig refuses the second of a name without telling the first. */
static bool check_name(struct scanner *sc, uint32_t self)
{
    uint32_t first;

    if (!first_of_name(sc, self, &first))
        return false;
    if (first != self) {
        struct node *nodes = sc->out->nodes;
        complain(sc, nodes[self].name_at, nodes[self].name_len,
                 "there is another \"%.*s\" in this group",
                 str_fmt(str_head(node_name(sc, &nodes[first]), 40)));
        text_note(sc->lex.source, sc->lex.report, nodes[first].name_at, nodes[first].name_len,
                  "the first is here");
        nodes[self].bad = true;
    }
    return true;
}

/* ---- brackets */

#define INDENTATION_MAX 200 /* is looked at */

/* Blanks and tabs that begin the line of `at`. */
static size_t indentation(const struct scanner *sc, size_t at)
{
    const char *text = sc->lex.source->text, *end = memrchr(text, '\n', at);
    const char *line = end ? end + 1 : text;
    size_t n = 0;

    while (line + n < text + at && n < INDENTATION_MAX && (line[n] == ' ' || line[n] == '\t'))
        n++;
    return n;
}

/* The same; SIZE_MAX when other bytes stand before `at`. */
static size_t indentation_of_first(const struct scanner *sc, size_t at)
{
    const char *text = sc->lex.source->text;
    size_t n = 0;

    while (n < at && n < INDENTATION_MAX && (text[at - n - 1] == ' ' || text[at - n - 1] == '\t'))
        n++;
    return n == at || text[at - n - 1] == '\n' ? n : SIZE_MAX;
}

static bool open_bracket(struct scanner *sc, char close)
{
    if (sc->depth == SCAN_DEPTH_MAX)
        return fail_at_token(sc, "nested deeper than %d levels", SCAN_DEPTH_MAX);
    sc->open[sc->depth++] = (struct opener){ sc->token.at, close };
    return true;
}

static void close_bracket(struct scanner *sc)
{
    const struct opener *o = &sc->open[--sc->depth];
    size_t here = indentation_of_first(sc, sc->token.at);

    if (sc->suspect == SIZE_MAX && here != SIZE_MAX && here != indentation(sc, o->at)) {
        sc->suspect = o->at;
        sc->suspect_end = sc->token.at;
    }
}

static bool is_closer(const struct scanner *sc)
{
    return is(sc, '}') || is(sc, ']') || is(sc, ')');
}

/* The token is the end of the file or a closing bracket that fits nothing. */
static bool unbalanced(struct scanner *sc)
{
    if (sc->depth == 0) {
        complain(sc, sc->token.at, 1, "this \"%.*s\" closes nothing", str_fmt(token_text(sc)));
        if (sc->suspect != SIZE_MAX)
            text_note(sc->lex.source, sc->lex.report, sc->suspect_end, 1,
                      "by the indentation this one may be too many");
        return false;
    }

    const struct opener *o = &sc->open[sc->depth - 1];
    char c = sc->lex.source->text[o->at];
    if (sc->token.kind != TOKEN_END) {
        complain(sc, o->at, 1, "this \"%c\" needs a \"%c\" before the next \"%.*s\"", c, o->close,
                 str_fmt(token_text(sc)));
        text_note(sc->lex.source, sc->lex.report, sc->token.at, 1, "which is here");
    } else if (sc->suspect != SIZE_MAX) {
        complain(sc, sc->suspect, 1,
                 "a closing \"%c\" is missing; by the indentation it is the one of this \"%c\"",
                 o->close, sc->lex.source->text[sc->suspect]);
    } else {
        complain(sc, o->at, 1, "this \"%c\" is never closed", c);
    }
    return false;
}

/* ---- values */

static bool closed(struct scanner *sc, uint32_t self)
{
    struct node *n = &sc->out->nodes[self];

    n->len = (uint32_t)(sc->token.at + 1) - n->at;
    close_bracket(sc);
    return next(sc);
}

static bool is_plain(enum node_kind kind)
{
    return kind >= NODE_STRING;
}

/* An array's values are plain and of one type. False only ends the scan. */
static void check_element(struct scanner *sc, uint32_t list, uint32_t first, uint32_t self)
{
    struct node *nodes = sc->out->nodes, *n = &nodes[self];
    unsigned errors = sc->lex.report->errors;

    if (nodes[list].kind != NODE_ARRAY)
        return;
    if (!is_plain(n->kind)) {
        complain(sc, n->at, 1, "[ ] holds plain values only; for groups write ( )");
        nodes[list].bad = true;
    } else if (n->kind != nodes[first].kind && is_plain(nodes[first].kind)) {
        complain(sc, n->at, n->len, "all values in [ ] must be of the type of the first");
    }
    n->bad = n->bad || sc->lex.report->errors != errors;
}

static bool names_element(const struct scanner *sc)
{
    const char *behind = sc->lex.source->text + sc->lex.at;

    behind += strspn(behind, " \t");
    return sc->token.kind == TOKEN_WORD && (*behind == '=' || *behind == ':');
}

static bool skip_name(struct scanner *sc, uint32_t list)
{
    complain(sc, sc->token.at, sc->token.len,
             "what has a name stands in a group { }, not in a list or an array");
    sc->out->nodes[list].bad = true;
    return next(sc) && next(sc);
}

/* On a line of its own begins `name =`: the list ends there, without its bracket. */
static bool member_follows(const struct scanner *sc, uint32_t list)
{
    const struct node *nodes = sc->out->nodes;

    return names_element(sc) && nodes[nodes[list].parent].kind == NODE_GROUP &&
           indentation_of_first(sc, sc->token.at) != SIZE_MAX;
}

static bool never_closed(struct scanner *sc, uint32_t list)
{
    const struct opener *o = &sc->open[--sc->depth];

    complain(sc, o->at, 1, "this \"%c\" is never closed", sc->lex.source->text[o->at]);
    text_note(sc->lex.source, sc->lex.report, sc->token.at, sc->token.len,
              "it should be before this");
    sc->out->nodes[list].bad = true;
    return true;
}

/* `( value, ... )` or `[ value, ... ]`; the token is the opening bracket. */
static bool elements(struct scanner *sc, uint32_t self, char close)
{
    uint32_t first = 0;

    if (!open_bracket(sc, close) || !next(sc))
        return false;
    while (!is(sc, close)) {
        uint32_t element = (uint32_t)sc->out->n;
        if (sc->token.kind == TOKEN_END || is_closer(sc))
            return unbalanced(sc);
        if (is(sc, ',') || is(sc, ';') || is(sc, '=') || is(sc, ':'))
            return fail_at_token(sc, "a value should stand here, not \"%.*s\"",
                                 str_fmt(token_text(sc)));
        if (names_element(sc) && !skip_name(sc, self))
            return false;
        if (!add_node(sc, (struct node){ .parent = self }) || !value(sc, element))
            return false;
        first = first ? first : element;
        check_element(sc, self, first, element);
        if (is(sc, close))
            break;
        if (sc->token.kind == TOKEN_END || is_closer(sc))
            return unbalanced(sc);
        if (member_follows(sc, self))
            return never_closed(sc, self);
        if (!is(sc, ',')) {
            complain(sc, sc->token.at, sc->token.len,
                     is(sc, ';') ? "values in a list are separated by \",\", not \";\""
                                 : "missing comma between the values");
            if (is(sc, ';') && !next(sc))
                return false;
            continue;
        }
        struct token comma = sc->token;
        if (!next(sc))
            return false;
        if (is(sc, close))
            complain(sc, comma.at, 1, "no comma may stand behind the last value");
    }
    return closed(sc, self);
}

/* The string ends right before other text: its end is elsewhere. Goes on behind the value. */
static bool quote_inside(struct scanner *sc, uint32_t self)
{
    struct node *n = &sc->out->nodes[self];
    struct str string = text_of(sc, n->at, n->len);
    const char *text = sc->lex.source->text;

    if (str_chr(string, ';') < string.n || str_chr(string, '{') < string.n) {
        complain(sc, n->at, n->len,
                 "the end of this string is missing: it goes on to the next quote");
        return false;
    }
    complain(sc, sc->token.at - 1, 1, "a quote inside of a string is written \\\"");
    n->bad = true;
    sc->lex.at = sc->token.at + strcspn(text + sc->token.at, ";\n}])");
    return next(sc);
}

/* One string, or several that are joined: fine in a group, a lost comma in a list. */
static bool strings(struct scanner *sc, uint32_t self)
{
    enum node_kind around = sc->out->nodes[sc->out->nodes[self].parent].kind;

    for (;;) {
        size_t behind = sc->token.at + sc->token.len;
        if (!next(sc))
            return false;
        if (sc->token.at == behind &&
            (sc->token.kind == TOKEN_WORD || sc->token.kind == TOKEN_NUMBER ||
             sc->token.kind == TOKEN_JUNK))
            return quote_inside(sc, self);
        if (sc->token.kind != TOKEN_STRING)
            return true;
        struct str between = text_of(sc, behind, sc->token.at - behind);
        bool same_line = str_chr(between, '\n') == between.n;
        if (around != NODE_GROUP)
            complain(sc, sc->token.at, sc->token.len, "missing comma between strings");
        else if (same_line)
            complain(sc, sc->token.at, sc->token.len,
                     "two strings side by side; several values are written [ \"a\", \"b\" ]");
        if (around != NODE_GROUP || same_line || sc->token_bad)
            sc->out->nodes[self].bad = true;
        sc->out->nodes[self].joined = true;
    }
}

/* `name =`, and then the next member. */
static bool value_forgotten(const struct scanner *sc, const struct node *n)
{
    const char *behind = sc->lex.source->text + sc->token.at + sc->token.len;

    behind += strspn(behind, " \t");
    return n->name_len != 0 && (*behind == '=' || *behind == ':');
}

/* The token belongs to what follows. */
static bool no_value(struct scanner *sc, struct node *n)
{
    const char *behind = sc->lex.source->text + n->name_at + n->name_len;
    bool group = behind[strspn(behind, " \t")] == ':' && sc->token.kind == TOKEN_WORD;

    n->bad = true;
    n->len = 1;
    complain(sc, n->name_at, n->name_len,
             group ? "\"%.*s\" has no value; a group stands in braces:  %.*s: { ... }"
                   : "\"%.*s\" has no value",
             str_fmt(str_head(node_name(sc, n), 40)), str_fmt(str_head(node_name(sc, n), 40)));
    return n->name_len > 0 && sc->token.kind != TOKEN_END;
}

static bool word(struct scanner *sc, struct node *n)
{
    struct str text = token_text(sc);
    static const char *const swap[] = { "yes", "no", "on", "off" };

    if (str_ieq(text, STR("true")) || str_ieq(text, STR("false"))) {
        n->kind = NODE_BOOL;
        return next(sc);
    }
    for (size_t i = 0; i < array_len(swap); i++)
        if (str_ieq(text, str_of(swap[i]))) {
            complain(sc, sc->token.at, sc->token.len,
                     "write %s, without quotes (or \"%s\", where this is text)",
                     i % 2 == 0 ? "true" : "false", swap[i]);
            n->bad = true;
            return next(sc);
        }
    if (value_forgotten(sc, n))
        return no_value(sc, n);
    text = lex_bare(&sc->lex, &sc->token);
    n->len = (uint32_t)sc->token.len;
    n->bad = true;
    complain(sc, sc->token.at, sc->token.len,
             text.p != sc->lex.source->text + sc->token.at
                 ? "text stands in plain double quotes: \"%.*s\""
                 : "text needs quotes: \"%.*s\"",
             str_fmt(str_head(text, 40)));
    return next(sc);
}

static bool number(struct scanner *sc, struct node *n)
{
    const char *why = NULL;

    n->kind = lex_number(text_of(sc, sc->token.at, sc->token.len), &why) ? NODE_FLOAT : NODE_INT;
    if (why != NULL) {
        struct str text = lex_bare(&sc->lex, &sc->token);
        n->bad = true;
        complain(sc, sc->token.at, sc->token.len, why, str_fmt(str_head(text, 40)));
    }
    return next(sc);
}

static bool members(struct scanner *sc, uint32_t self);

static bool any_value(struct scanner *sc, uint32_t self)
{
    struct node *n = &sc->out->nodes[self]; /* until the next node is added */

    n->at = (uint32_t)sc->token.at;
    n->len = (uint32_t)sc->token.len;
    n->kind = NODE_STRING;
    n->bad = n->bad || sc->token_bad;
    switch ((int)sc->token.kind) {
    case TOKEN_STRING:
        return strings(sc, self);
    case TOKEN_NUMBER:
        return number(sc, n);
    case TOKEN_WORD:
    case TOKEN_JUNK:
        return word(sc, n);
    case '{':
        n->kind = NODE_GROUP;
        return open_bracket(sc, '}') && next(sc) && members(sc, self) && closed(sc, self);
    case '(':
        n->kind = NODE_LIST;
        return elements(sc, self, ')');
    case '[':
        n->kind = NODE_ARRAY;
        return elements(sc, self, ']');
    default:
        if (n->name_len == 0)
            return fail_at_token(sc, "a value should stand here, not \"%.*s\"",
                                 str_fmt(token_text(sc)));
        return no_value(sc, n);
    }
}

/* The token begins the value of node `self`; afterwards it is the one behind the value. */
static bool value(struct scanner *sc, uint32_t self)
{
    bool ok = any_value(sc, self);

    sc->out->nodes[self].end = (uint32_t)sc->out->n;
    return ok;
}

/* ---- groups */

/* What stands in place of a name and is none, and what to write instead. */
static void bad_name(struct scanner *sc, struct token token, struct str text)
{
    struct str shown = str_head(text, 40);
    size_t n = text.n > 0 && (unsigned char)((text.p[0] | 0x20) - 'a') < 26;

    while (n > 0 && n < text.n &&
           (ascii_digit((unsigned char)text.p[n]) || text.p[n] == '-' || text.p[n] == '_' ||
            (unsigned char)((text.p[n] | 0x20) - 'a') < 26))
        n++;
    if (str_starts(text, STR("<<<<<<<")))
        complain(sc, token.at, token.len,
                 "this marks a conflict that git left to you; keep one of its sides");
    else if (str_starts(text, STR("--")))
        complain(sc, token.at, token.len, "a comment begins with \"#\"");
    else if (n > 0 && n == text.n)
        complain(sc, token.at, token.len, "a name stands without quotes: %.*s", str_fmt(shown));
    else if (text.n > 0 && (text.p[0] == '/' || text.p[0] == '~'))
        complain(sc, token.at, token.len,
                 "%.*s cannot be a name; a path stands in  match = \"...\"  of a route with a name",
                 str_fmt(shown));
    else if (str_chr(text, '.') < text.n && str_chr(text, '/') == text.n && text.n > 2)
        complain(sc, token.at, token.len,
                 "%.*s cannot be a name, which has no \".\"; a host stands in  "
                 "hosts = \"...\"  of a site with a name",
                 str_fmt(shown));
    else
        complain(sc, token.at, token.len,
                 "a name should stand here, not \"%.*s\"; names have small letters, digits "
                 "and \"-\", a letter first",
                 str_fmt(shown));
}

static bool member(struct scanner *sc, uint32_t group, bool named);

/* The token is no name. What is followed by a value is taken for one, so that the scan goes on. */
static bool no_name(struct scanner *sc, uint32_t group)
{
    bool first = sc->out->n == 1;

    if (sc->token.kind == TOKEN_STRING) {
        struct str text = text_of(sc, sc->token.at + 1, sc->token.len - 2);
        bad_name(sc, sc->token, text);
        return member(sc, group, false);
    }
    const char *before = sc->lex.source->text + sc->token.at;
    if (sc->token.kind == TOKEN_NUMBER && sc->token.at > 2 && before[-1] == ',' &&
        ascii_digit((unsigned char)before[-2])) {
        complain(sc, sc->token.at - 1, 1, "no comma stands between the digits of a number");
        return member(sc, group, false);
    }
    if (sc->token.kind == TOKEN_NUMBER || sc->token.kind == TOKEN_JUNK) {
        struct str text = lex_bare_name(&sc->lex, &sc->token);
        bad_name(sc, sc->token, text);
        return member(sc, group, false);
    }
    if (is(sc, ';') || is(sc, ','))
        return fail_at_token(sc, "one \"%.*s\" too many%s", str_fmt(token_text(sc)),
                             first ? "; a comment begins with \"#\"" : "");
    if (is(sc, '{') || is(sc, '(') || is(sc, '['))
        return fail_at_token(sc,
                             first ? "the file begins with a name, as in  routes: { ... },  not "
                                     "with \"%.*s\""
                                   : "a name and \":\" are missing before this \"%.*s\"",
                             str_fmt(token_text(sc)));
    if (is_closer(sc))
        return unbalanced(sc);
    return fail_at_token(sc, "a name should stand here, not \"%.*s\"", str_fmt(token_text(sc)));
}

/* Behind "=": one more of them, or the rest of "=>". */
static bool skip_second_equals(struct scanner *sc)
{
    const char *text = sc->lex.source->text;

    if (!is(sc, '=') && !is(sc, ':') &&
        !(sc->token.kind == TOKEN_JUNK && text[sc->token.at] == '>'))
        return true;
    complain(sc, sc->token.at, sc->token.len, "one \"=\" or \":\" is enough");
    return next(sc);
}

/* Passes over the bare words of  root /srv/www;  as other servers have it. */
static bool bare_words(struct scanner *sc, struct node *n)
{
    bool ok = true;

    n->kind = NODE_STRING;
    n->at = (uint32_t)sc->token.at;
    n->len = (uint32_t)sc->token.len;
    n->bad = true;
    n->end = (uint32_t)sc->out->n;
    do {
        lex_bare(&sc->lex, &sc->token);
        ok = next(sc);
    } while (ok && (sc->token.kind == TOKEN_WORD || sc->token.kind == TOKEN_NUMBER ||
                    sc->token.kind == TOKEN_JUNK || sc->token.kind == TOKEN_STRING));
    return ok;
}

/* Unmistakably. */
static bool begins_value(const struct scanner *sc)
{
    return sc->token.kind == TOKEN_STRING || is(sc, '{') || is(sc, '(') || is(sc, '[');
}

/* Behind the name stands no "=". */
static bool no_equals(struct scanner *sc, uint32_t self)
{
    struct node *n = &sc->out->nodes[self];
    struct str name = str_head(node_name(sc, n), 40);
    struct str between = text_of(sc, n->name_at, sc->token.at - n->name_at);
    bool same_line = str_chr(between, '\n') == between.n;

    if (sc->token.kind == TOKEN_JUNK && strchr("+-", text_of(sc, sc->token.at, 1).p[0]) != NULL)
        return fail_at_token(sc, "\"=\" stands alone:  %.*s = ...;", str_fmt(name));
    if (is(sc, ';') || is(sc, ',') || is(sc, '}'))
        complain(sc, n->name_at, n->name_len,
                 "\"%.*s\" has no value; a group without options is written  %.*s: { }",
                 str_fmt(name), str_fmt(name));
    else
        complain(sc, n->name_at, n->name_len, "\"=\" or \":\" is missing behind \"%.*s\"",
                 str_fmt(name));
    n->bad = !begins_value(sc);
    if (!n->bad)
        return true;
    if (!same_line || sc->token.kind == TOKEN_END)
        return false;
    if (sc->token.kind == TOKEN_WORD || sc->token.kind == TOKEN_NUMBER ||
        sc->token.kind == TOKEN_JUNK)
        return bare_words(sc, n);
    return is(sc, ';') || is(sc, ',') || is(sc, '}');
}

/* `name = value;` The token is the name, or with `named` false what was refused as one. */
static bool member(struct scanner *sc, uint32_t group, bool named)
{
    const char *text = sc->lex.source->text;
    uint32_t self = (uint32_t)sc->out->n;

    if (named && strchr(" \t\r\n=:;,{}[]()\"#/+", text[sc->lex.at]) == NULL &&
        lex_false_blank(text + sc->lex.at) == 0) {
        struct str name = lex_bare_name(&sc->lex, &sc->token);
        bad_name(sc, sc->token, name);
        named = false;
    }
    struct str name = text_of(sc, sc->token.at, sc->token.len);
    if (str_ieq(name, STR("true")) || str_ieq(name, STR("false")))
        return fail_at_token(sc, "\"%.*s\" is a value and cannot be a name", str_fmt(name));
    if (!add_node(sc, (struct node){ .parent = group,
                                     .name_at = (uint32_t)sc->token.at,
                                     .name_len = (uint32_t)sc->token.len,
                                     .kind = NODE_STRING,
                                     .at = (uint32_t)sc->token.at,
                                     .len = 1,
                                     .end = self + 1,
                                     .bad = !named }) ||
        (named && !check_name(sc, self)) || !next(sc))
        return false;
    bool given = is(sc, '=') || is(sc, ':');
    if (given && (!next(sc) || !skip_second_equals(sc)))
        return false;
    if (!given && named && !no_equals(sc, self))
        return false;
    if ((given || begins_value(sc)) && !value(sc, self))
        return false;
    if (!is(sc, ';') && !is(sc, ','))
        return given || named;
    return next(sc);
}

/* Up to the group's "}", or to the end of the file for the root. */
static bool members(struct scanner *sc, uint32_t self)
{
    unsigned depth = sc->depth;

    while (depth == 0 ? sc->token.kind != TOKEN_END : !is(sc, '}')) {
        if (sc->token.kind == TOKEN_END)
            return unbalanced(sc);
        if (sc->token.kind == TOKEN_WORD ? !member(sc, self, true) : !no_name(sc, self))
            return false;
    }
    return true;
}

int scan(const struct text *s, struct report *r, struct scan *ret)
{
    struct scanner sc = { .out = ret, .suspect = SIZE_MAX };

    *ret = (struct scan){ .nodes = NULL };
    lex_init(&sc.lex, s, r);
    bool whole = add_node(&sc, (struct node){ .kind = NODE_GROUP }) && next(&sc) && members(&sc, 0);
    free(sc.by_name);
    if (whole)
        ret->nodes[0].end = (uint32_t)ret->n;
    if (sc.no_memory || !whole) {
        scan_done(ret);
        return sc.no_memory ? -ENOMEM : -EINVAL;
    }
    return sc.lex.bad ? -EBADMSG : 0;
}

void scan_done(struct scan *scan_)
{
    if (scan_ == NULL)
        return;
    free(scan_->nodes);
    *scan_ = (struct scan){ .nodes = NULL };
}
