/* file.c - see file.h: reading a file, and its values as settings. */
#include "config/file.h"

#include <errno.h>

#include "config/values.h"

int file_parse(struct file *f, struct report *r)
{
    unsigned errors = r->errors;
    int ret = text_check(&f->source, r) ? scan(&f->source, r, &f->scan) : -EINVAL;

    if (ret == -EBADMSG)
        ret = values_guess(f);
    else if (ret == 0)
        ret = values_read(f, r);
    f->errors += r->errors - errors;
    return ret;
}

void file_done(struct file *f)
{
    if (f == NULL)
        return;
    buf_done(&f->strings);
    scan_done(&f->scan);
    text_done(&f->source);
}

static const struct setting none = { NULL, NULL };

struct setting setting_get(struct setting group, struct str name)
{
    if (!setting_is(group, NODE_GROUP))
        return none;
    for (struct setting s = setting_first(group); s.node != NULL; s = setting_next(s))
        if (str_eq(setting_name(s), name))
            return s;
    return none;
}

struct str file_quoted(const struct file *f, const struct node *n)
{
    return n->len < 2 ? STR("") : str_make(f->source.text + n->at + 1, n->len - 2);
}

struct str setting_text(struct setting s)
{
    const struct node *n = s.node;

    return n->n != 0 ? str_of(buf_at(&s.file->strings) + n->n - 1) : file_quoted(s.file, n);
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
    return text_place(&s.file->source, n->at, n->kind > NODE_ARRAY ? n->len : 1);
}

void setting_spoil(struct setting s)
{
    s.file->scan.nodes[s.node - s.file->scan.nodes].bad = true;
}

void setting_vreport(struct setting s, struct report *r, bool error, struct place place,
                     const char *fmt, va_list ap)
{
    if (s.node->bad) {
        r->last = NULL; /* no note on what was reported before */
        return;
    }
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

void setting_note(struct setting s, struct report *r, enum setting_part part, const char *fmt, ...)
{
    struct place place = setting_place(s, part);
    va_list ap;

    va_start(ap, fmt);
    report_vnote(r, place, text_line(&s.file->source, place.line), fmt, ap);
    va_end(ap);
}
