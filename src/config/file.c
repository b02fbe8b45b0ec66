/*
 * file.c - see file.h. Everything libconfig must not see was refused by text_check() and scan()
 * before it is given the text; what it adds are the values of strings, and a second opinion.
 */
#include "config/file.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>

static bool same_kind(int type, enum node_kind kind)
{
    switch (kind) {
    case NODE_GROUP:
        return type == CONFIG_TYPE_GROUP;
    case NODE_LIST:
        return type == CONFIG_TYPE_LIST;
    case NODE_ARRAY:
        return type == CONFIG_TYPE_ARRAY;
    case NODE_STRING:
        return type == CONFIG_TYPE_STRING;
    case NODE_INT:
        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    case NODE_FLOAT:
        return type == CONFIG_TYPE_FLOAT;
    case NODE_BOOL:
        return type == CONFIG_TYPE_BOOL;
    }
    return false;
}

/* Takes the strings of `s` and all below it; *at is its node, and then the one behind the last.
 * False when the two readings differ. The depth is bounded by SCAN_DEPTH_MAX. */
static bool take_strings(struct file *f, const config_setting_t *s, size_t *at)
{
    if (*at >= f->scan.n)
        return false;
    struct node *n = &f->scan.nodes[(*at)++];
    const char *name = config_setting_name(s);

    if (!same_kind(config_setting_type(s), n->kind) ||
        !str_eq(str_of(name), str_make(f->source.text + n->name_at, n->name_len)))
        return false;
    if (n->kind == NODE_STRING)
        n->text = config_setting_get_string(s);
    if (n->kind > NODE_ARRAY)
        return n->kind != NODE_STRING || n->text != NULL;
    unsigned count = (unsigned)config_setting_length(s);
    if (count != n->n)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!take_strings(f, config_setting_get_elem(s, i), at))
            return false;
    return true;
}

static int parse(struct file *f, struct report *r)
{
    size_t at = 0;

    f->parsed = malloc(sizeof *f->parsed);
    if (f->parsed == NULL)
        return -ENOMEM;
    config_init(f->parsed);
    if (!config_read_string(f->parsed, f->source.text)) {
        unsigned line = (unsigned)max_of(config_error_line(f->parsed), 0);
        const char *why = config_error_text(f->parsed);
        report_add(r, true, (struct place){ .file = f->source.name, .line = line },
                   text_line(&f->source, line), "%s", why ? why : "syntax error");
        return -EINVAL;
    }
    if (!take_strings(f, config_root_setting(f->parsed), &at) || at != f->scan.n) {
        at = min_of(at, f->scan.n);
        text_report(&f->source, r, true, f->scan.nodes[at ? at - 1 : 0].at, 1,
                    "libconfig reads this in another way than muxd");
        return -EINVAL;
    }
    return 0;
}

static char unescaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'f':
        return '\f';
    default:
        return c;
    }
}

/*
 * The strings as far as they are needed to find what else is wrong in a file that has errors and
 * will not be used: of joined strings the first, "\xHH" as it stands.
 */
static int read_strings(struct file *f)
{
    char *to = f->strings = malloc(f->source.n + f->scan.n + 1);

    if (to == NULL)
        return -ENOMEM;
    for (struct node *n = f->scan.nodes; n < f->scan.nodes + f->scan.n; n++) {
        if (n->kind != NODE_STRING)
            continue;
        const char *from = f->source.text + n->at + 1, *end = from + (n->len < 2 ? 0 : n->len - 2);
        n->text = to;
        for (; !n->bad && from < end; from++) {
            bool escape = *from == '\\' && from + 1 < end && from[1] != 'x';
            *to++ = escape ? unescaped(*++from) : *from;
        }
        *to++ = '\0';
    }
    return 0;
}

int file_parse(struct file *f, struct report *r)
{
    unsigned errors = r->errors;
    int ret = text_check(&f->source, r) ? scan(&f->source, r, &f->scan) : -EINVAL;

    if (ret == -EBADMSG)
        ret = read_strings(f);
    else if (ret == 0)
        ret = parse(f, r);
    f->errors += r->errors - errors;
    return ret;
}

void file_done(struct file *f)
{
    if (f == NULL)
        return;
    if (f->parsed != NULL)
        config_destroy(f->parsed);
    free(f->parsed);
    f->parsed = NULL;
    free(f->strings);
    f->strings = NULL;
    scan_done(&f->scan);
    text_done(&f->source);
}

struct setting file_root(struct file *f)
{
    return (struct setting){ f, f->scan.nodes };
}

static const struct setting none = { NULL, NULL };

struct setting setting_first(struct setting parent)
{
    if (parent.node == NULL || parent.node->n == 0)
        return none;
    return (struct setting){ parent.file, parent.node + 1 };
}

struct setting setting_next(struct setting s)
{
    const struct node *nodes = s.file->scan.nodes;

    if (s.node->end >= nodes[s.node->parent].end)
        return none;
    return (struct setting){ s.file, &nodes[s.node->end] };
}

struct setting setting_get(struct setting group, struct str name)
{
    if (!setting_is(group, NODE_GROUP))
        return none;
    for (struct setting s = setting_first(group); s.node != NULL; s = setting_next(s))
        if (str_eq(setting_name(s), name))
            return s;
    return none;
}

struct str setting_name(struct setting s)
{
    return str_make(s.file->source.text + s.node->name_at, s.node->name_len);
}

struct str setting_text(struct setting s)
{
    return str_of(s.node->text);
}

struct str setting_token(struct setting s)
{
    return str_make(s.file->source.text + s.node->at, s.node->len);
}

struct place setting_place(struct setting s, enum setting_part part)
{
    const struct node *n = s.node;

    if (part == AT_NAME && n->name_len != 0)
        return text_place(&s.file->source, n->name_at, n->name_len);
    return text_place(&s.file->source, n->at, n->len);
}

void setting_spoil(struct setting s)
{
    s.file->scan.nodes[s.node - s.file->scan.nodes].bad = true;
}

void setting_vreport(struct setting s, struct report *r, bool error, struct place place,
                     const char *fmt, va_list ap)
{
    if (s.node->bad)
        return;
    unsigned errors = r->errors; /* they may be muted */
    report_vadd(r, error, place, text_line(&s.file->source, place.line), fmt, ap);
    s.file->errors += r->errors - errors;
}

void setting_error(struct setting s, struct report *r, enum setting_part part, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    setting_vreport(s, r, true, setting_place(s, part), fmt, ap);
    va_end(ap);
}

void setting_warning(struct setting s, struct report *r, enum setting_part part, const char *fmt,
                     ...)
{
    va_list ap;

    va_start(ap, fmt);
    setting_vreport(s, r, false, setting_place(s, part), fmt, ap);
    va_end(ap);
}
