/*
 * file.h - one parsed config file as a tree of settings that know their places. libconfig is
 * known to values.c alone. One thread.
 */
#ifndef MUXD_CONFIG_FILE_H
#define MUXD_CONFIG_FILE_H

#include "base/buf.h"
#include "base/list.h"
#include "config/scan.h"

struct origins;

struct file {
    struct list node;
    struct text source;
    struct scan scan;          /* the tree */
    struct buf strings;        /* values that are not what stands between quotes, each with a NUL */
    const struct file *parent; /* that includes it, or NULL */
    struct place included;     /* where */
    unsigned depth;            /* 0: the main file */
    unsigned errors;           /* that were reported about it */
    bool mixed;                /* included, and it has more than sites */
    bool set_aside;            /* on_error.c: its sites are those of the config before */
    struct origins *origins;   /* where bind_group() notes what the file gives, or NULL */
};

/* Parses f->source, which is filled. 0: there is a tree, although errors in values may have been
 * reported; -EINVAL: reported, and there is none; -ENOMEM. Errors are counted in f->errors. */
int file_parse(struct file *f, struct report *r) MUST_USE;
/* What stands between the quotes of a STRING: of joined ones, of the first. */
struct str file_quoted(const struct file *f, const struct node *n);
/* NULL is fine; the struct itself is the caller's. */
void file_done(struct file *f);

/* A value in a file; valid as long as that. `node` NULL: there is none. */
struct setting {
    struct file *file;
    const struct node *node;
};

static inline struct setting file_root(struct file *f)
{
    return (struct setting){ f, f->scan.nodes };
}
/* Members or elements. */
static inline size_t setting_count(struct setting s)
{
    return s.node != NULL && s.node->kind <= NODE_ARRAY ? s.node->n : 0;
}
/* In order; none behind the last. */
static inline struct setting setting_first(struct setting parent)
{
    if (setting_count(parent) == 0)
        return (struct setting){ NULL, NULL };
    return (struct setting){ parent.file, parent.node + 1 };
}
static inline struct setting setting_next(struct setting s)
{
    const struct node *nodes = s.file->scan.nodes;

    if (s.node->end >= nodes[s.node->parent].end)
        return (struct setting){ NULL, NULL };
    return (struct setting){ s.file, &nodes[s.node->end] };
}
/* Of a group. Takes time in proportion to its members. */
struct setting setting_get(struct setting group, struct str name);

/* What was complained about is nothing any more. */
static inline bool setting_is(struct setting s, enum node_kind kind)
{
    return s.node != NULL && s.node->kind == kind && !s.node->bad;
}
static inline struct str setting_name(struct setting s)
{
    return str_make(s.file->source.text + s.node->name_at, s.node->name_len);
}
struct str setting_text(struct setting s);  /* of a STRING; it holds no NUL */
struct str setting_token(struct setting s); /* the first token of the value, as written */

enum setting_part { AT_NAME, AT_VALUE }; /* the name of an element is its value */
/* An error about its value was reported: further ones about the same are not. */
void setting_spoil(struct setting s);
struct place setting_place(struct setting s, enum setting_part part);
/* Errors are counted in the file's `errors`. */
void setting_vreport(struct setting s, struct report *r, bool error, struct place place,
                     const char *fmt, va_list ap) PRINTF_LIKE(5, 0);
void setting_warning(struct setting s, struct report *r, enum setting_part part, const char *fmt,
                     ...) PRINTF_LIKE(4, 5);
void setting_error(struct setting s, struct report *r, enum setting_part part, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* A note on the last report, about another setting. */
void setting_note(struct setting s, struct report *r, enum setting_part part, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
