/*
 * values.c - see values.h. Everything libconfig must not see was refused by text_check() and scan()
 * before it is given the text; what it adds are the values of strings, and a second opinion.
 *
 * It builds a tree of ten times the text's size, and takes n^2 time for n members of a group. So it
 * is given the text in pieces, members or elements that stand side by side, and its tree is gone
 * before the next; of what is too large for a piece it is given what is in it. Nearly all strings
 * are what stands between their quotes: only of others is the value kept.
 */
#include "config/values.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>

#define PIECE_BYTES KIB(64) /* past it a piece has one value alone */
#define PIECE_MEMBERS 200   /* of a group */
#define STRINGS_MAX MIB(64)

struct reader {
    struct file *file;
    struct report *report;
    struct buf piece;
};

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

/* `value` becomes that of the string `n`. */
static int set_string(struct file *f, struct node *n, struct str value)
{
    if (str_eq(value, file_quoted(f, n)))
        return 0;
    if (f->strings.max == 0)
        buf_init(&f->strings, STRINGS_MAX);
    n->n = (uint32_t)buf_len(&f->strings) + 1;
    int r = buf_add_str(&f->strings, value);
    return r == 0 ? buf_add(&f->strings, "", 1) : r;
}

/* Compares `s` and all below it with the nodes from *at on; *at is then the one behind the last.
 * The depth is bounded by SCAN_DEPTH_MAX. -EINVAL: the two readings differ. */
static int compare(struct reader *rd, const config_setting_t *s, size_t *at)
{
    struct file *f = rd->file;

    if (*at >= f->scan.n)
        return -EINVAL;
    struct node *n = &f->scan.nodes[(*at)++];
    if (!same_kind(config_setting_type(s), n->kind) ||
        !str_eq(str_of(config_setting_name(s)), str_make(f->source.text + n->name_at, n->name_len)))
        return -EINVAL;
    if (n->kind == NODE_STRING) {
        const char *value = config_setting_get_string(s);
        return value ? set_string(f, n, str_of(value)) : -EINVAL;
    }
    if (n->kind > NODE_ARRAY)
        return 0;
    unsigned count = (unsigned)config_setting_length(s);
    int r = count == n->n ? 0 : -EINVAL;
    for (unsigned i = 0; i < count && r == 0; i++)
        r = compare(rd, config_setting_get_elem(s, i), at);
    return r;
}

/* ---- pieces */

static size_t begin_of(const struct node *n)
{
    return n->name_len ? n->name_at : n->at;
}

/* Where the text of `child` ends: of an element exactly, of a member with what may stand behind. */
static size_t end_of(const struct file *f, const struct node *parent, const struct node *child)
{
    const struct node *nodes = f->scan.nodes;

    if (parent->kind != NODE_GROUP)
        return child->at + child->len;
    if (child->end < parent->end)
        return nodes[child->end].name_at;
    return parent == nodes ? f->source.n : parent->at + parent->len - 1;
}

/* `behind`: the node behind the last in the piece. */
static int compare_piece(struct reader *rd, const config_t *parsed, bool listed, size_t first,
                         size_t behind)
{
    const config_setting_t *s = config_root_setting(parsed);
    size_t at = first;
    int r = 0;

    if (listed)
        s = config_setting_get_elem(s, 0);
    for (unsigned i = 0; r == 0 && i < (unsigned)config_setting_length(s); i++)
        r = at < behind ? compare(rd, config_setting_get_elem(s, i), &at) : -EINVAL;
    if (r == 0 && at != behind)
        r = -EINVAL;
    if (r == -EINVAL)
        text_report(&rd->file->source, rd->report, true, rd->file->scan.nodes[at - (at > first)].at,
                    1, "libconfig reads this in another way than muxd");
    return r;
}

static int read_piece(struct reader *rd, const struct node *parent, size_t first, size_t last)
{
    struct file *f = rd->file;
    const struct node *from = &f->scan.nodes[first], *to = &f->scan.nodes[last];
    const char *begin = f->source.text + begin_of(from);
    bool listed = parent->kind == NODE_LIST;
    struct str text = str_make(begin, (size_t)(f->source.text + end_of(f, parent, to) - begin));
    config_t parsed;

    buf_take(&rd->piece, buf_len(&rd->piece));
    int r = listed ? buf_add_str(&rd->piece, STR("x=(")) : 0;
    if (r == 0)
        r = buf_add_str(&rd->piece, text);
    if (r == 0) /* a comment must not end with the text */
        r = listed ? buf_add(&rd->piece, "\n)", 3) : buf_add(&rd->piece, "\n", 2);
    if (r < 0)
        return -ENOMEM;
    config_init(&parsed);
    if (config_read_string(&parsed, buf_at(&rd->piece))) {
        r = compare_piece(rd, &parsed, listed, first, to->end);
    } else {
        unsigned line = text_place(&f->source, begin_of(from), 1).line - 1;
        const char *why = config_error_text(&parsed);
        line += (unsigned)max_of(config_error_line(&parsed), 0);
        report_add(rd->report, true, (struct place){ .file = f->source.name, .line = line },
                   text_line(&f->source, line), "%s", why ? why : "syntax error");
        r = -EINVAL;
    }
    config_destroy(&parsed);
    return r;
}

static bool is_large(const struct node *n)
{
    return (n->kind == NODE_GROUP && n->n > PIECE_MEMBERS) ||
           (n->kind <= NODE_LIST && n->len > PIECE_BYTES);
}

/* All that is in the group or list `self`. */
static int read_within(struct reader *rd, size_t self)
{
    struct node *nodes = rd->file->scan.nodes, *parent = &nodes[self];
    size_t first = self + 1, last = first, n = 0;
    int r = 0;

    for (size_t i = first; i < parent->end && r == 0; i = nodes[i].end) {
        bool large = is_large(&nodes[i]);
        if (n != 0 && (large || (parent->kind == NODE_GROUP && n == PIECE_MEMBERS) ||
                       nodes[i].at + nodes[i].len - begin_of(&nodes[first]) > PIECE_BYTES)) {
            r = read_piece(rd, parent, first, last);
            n = 0;
        }
        if (r == 0 && large)
            r = read_within(rd, i);
        if (large)
            continue;
        if (n++ == 0)
            first = i;
        last = i;
    }
    return r == 0 && n != 0 ? read_piece(rd, parent, first, last) : r;
}

int values_read(struct file *f, struct report *r)
{
    struct reader rd = { .file = f, .report = r };

    buf_init(&rd.piece, TEXT_FILE_MAX + 16);
    int ret = read_within(&rd, 0);
    buf_done(&rd.piece);
    return ret;
}

/* ---- without libconfig */

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

static int guess(struct file *f, struct node *n, struct str quoted)
{
    char *value = malloc(quoted.n), *to = value;

    if (value == NULL)
        return -ENOMEM;
    for (const char *from = quoted.p, *end = from + quoted.n; from < end; from++) {
        bool escape = *from == '\\' && from + 1 < end && from[1] != 'x';
        *to++ = escape ? unescaped(*++from) : *from;
    }
    int r = set_string(f, n, str_make(value, (size_t)(to - value)));
    free(value);
    return r;
}

int values_guess(struct file *f)
{
    int r = 0;

    for (struct node *n = f->scan.nodes; n < f->scan.nodes + f->scan.n && r == 0; n++) {
        struct str quoted = n->kind == NODE_STRING && !n->bad ? file_quoted(f, n) : STR_EMPTY;
        if (str_chr(quoted, '\\') < quoted.n)
            r = guess(f, n, quoted);
    }
    return r;
}
