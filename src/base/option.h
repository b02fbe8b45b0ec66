/*
 * option.h - one table per config section says everything about its options:
 * where the value lands, type, range, default, and the text of the manual.
 * The loader (config/bind.c), the manual and the sample config (tools/muxd-doc.c) all read it.
 *
 *   struct redirect { struct str to; int64_t status; };
 *   static const struct option redirect_options[] = {
 *       OPT_STR(struct redirect, to, "to", REQUIRED, "Target; ..."),
 *       OPT_INT(struct redirect, status, "status", 308, 300, 399, "Status of the reply."),
 *       OPT_END };
 *
 * The macros check at compile time that the member has the type's C type.
 * Tables are constant; any thread.
 */
#ifndef MUXD_BASE_OPTION_H
#define MUXD_BASE_OPTION_H

#include "base/arena.h"
#include "base/str.h"

enum option_type {
    OPTION_BOOL, /* true / false              -> bool */
    OPTION_INT,  /* integer                   -> int64_t */
    OPTION_STR,  /* string                    -> struct str, NUL-terminated, {NULL, 0} if unset */
    OPTION_TIME, /* "30s"                     -> int64_t, ns */
    OPTION_SIZE, /* "10M"                     -> int64_t, bytes */
    OPTION_ENUM, /* one of `choices`          -> int64_t, the index */
    OPTION_STRS, /* [ "a", "b" ] or "a"       -> struct strs */
};

struct strs {
    const struct str *v; /* each NUL-terminated */
    size_t n;
};

struct option {
    const char *name; /* NULL ends the table */
    enum option_type type;
    size_t offset;
    const char *def;  /* the default as a config would spell it; of STRS words with a blank
                         between; NULL: none; REQUIRED */
    int64_t def_int;  /* INT, BOOL: the default; others: what stands for none, if `def` is NULL */
    int64_t min, max; /* INT; TIME in ns and SIZE in bytes, as numbers */
    const char *const *choices; /* ENUM: NULL-terminated */
    bool is_path; /* STR; of each of STRS what stands behind its first blank: a file's name, which
                     starts at the directory of the config file if it is relative */
    const char *about; /* one or more sentences for muxd.conf(5), plain text; shows unit and range
                          only where the table does not */
};

/* As a default: the option must be given. Compared by address. */
extern const char option_required[];
#define REQUIRED option_required

/* The offset, and an error at compile time if the member is not of that C type. */
#define OPTION_AT(S, member, ctype)                                                                \
    (offsetof(S, member) + 0 * sizeof(char[_Generic(((S *)0)->member, ctype : 1, default : -1)]))
#define OPTION_ROW(S, member, ctype, type_, key, ...)                                              \
    {                                                                                              \
        .name = key, .type = type_, .offset = OPTION_AT(S, member, ctype), __VA_ARGS__             \
    }

#define OPT_BOOL(S, member, key, def_, about_)                                                     \
    OPTION_ROW(S, member, bool, OPTION_BOOL, key, .def_int = def_, .about = about_)
#define OPT_INT(S, member, key, def_, min_, max_, about_)                                          \
    OPTION_ROW(S, member, int64_t, OPTION_INT, key, .def_int = def_, .min = min_, .max = max_,     \
               .about = about_)
#define OPT_STR(S, member, key, def_, about_)                                                      \
    OPTION_ROW(S, member, struct str, OPTION_STR, key, .def = def_, .about = about_)
#define OPT_PATH(S, member, key, def_, about_)                                                     \
    OPTION_ROW(S, member, struct str, OPTION_STR, key, .def = def_, .is_path = true,               \
               .about = about_)
#define OPT_TIME(S, member, key, def_, min_, max_, about_)                                         \
    OPTION_ROW(S, member, int64_t, OPTION_TIME, key, .def = def_, .min = min_, .max = max_,        \
               .about = about_)
#define OPT_SIZE(S, member, key, def_, min_, max_, about_)                                         \
    OPTION_ROW(S, member, int64_t, OPTION_SIZE, key, .def = def_, .min = min_, .max = max_,        \
               .about = about_)
/* Without a default that a config could spell: `none` stands for it. */
#define OPT_SIZE_OR(S, member, key, none, min_, max_, about_)                                      \
    OPTION_ROW(S, member, int64_t, OPTION_SIZE, key, .def_int = none, .min = min_, .max = max_,    \
               .about = about_)
#define OPT_ENUM(S, member, key, def_, choices_, about_)                                           \
    OPTION_ROW(S, member, int64_t, OPTION_ENUM, key, .def = def_, .choices = choices_,             \
               .about = about_)
#define OPT_ENUM_OR(S, member, key, none, choices_, about_)                                        \
    OPTION_ROW(S, member, int64_t, OPTION_ENUM, key, .def_int = none, .choices = choices_,         \
               .about = about_)
#define OPT_STRS(S, member, key, def_, about_)                                                     \
    OPTION_ROW(S, member, struct strs, OPTION_STRS, key, .def = def_, .about = about_)
#define OPT_END                                                                                    \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/*
 * What the `check` function of a handler or filter kind is given. It runs on the loader's thread
 * after the table was applied, completes the struct (opens a root, compiles a value) and reports
 * what is wrong with it; `option` names the option to point at, or NULL for the section.
 */
struct option_check {
    struct arena *arena; /* the site's; lives as long as the struct */
    struct str base; /* directory of the config file; relative paths start here; no final slash */
    struct str
        prefix;      /* routes: the literal prefix of the pattern's path, "/" or "/a/b/" or "/x" */
    size_t element;  /* of a list option: which one the report is about, from 1; 0: all of it */
    struct str word; /* of the value: what the report is about; empty: all of it */
    bool in_route;   /* or of a site, or the top level */
    struct strs names; /* the wildcards of the route's pattern, in order */
    bool tail;         /* the last of them is {name...}, which may be empty */
    bool any_name;     /* the pattern was refused, so its names are not judged */
    bool any_host;     /* a request may name any host, not only such as the config knows */
    const void *outer; /* filters: what the struct began with, that of the level around; or NULL */
    void **shared;     /* handlers: for what the routes of a site share, in the arena; NULL first */
    void (*report)(struct option_check *c, bool error, const char *option, const char *fmt,
                   va_list ap) PRINTF_LIKE(4, 0);
};

void option_error(struct option_check *c, const char *option, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void option_warning(struct option_check *c, const char *option, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* About the i-th string (from 0) of an OPTION_STRS. */
void option_error_in(struct option_check *c, const char *option, size_t i, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void option_warning_in(struct option_check *c, const char *option, size_t i, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* An absolute path as it is, another below c->base; NUL-terminated, in the arena. */
struct str option_path(struct option_check *c, struct str path);

/* Sets every member to its default, STRS and STR without one to empty; REQUIRED ones too. 0, or
 * -EINVAL when a default in the table does not parse (a bug; a test loads all tables). */
int option_defaults(const struct option *table, void *into, struct arena *arena) MUST_USE;

/* The table's members of *into become those of *from; what they point to is shared. */
void option_copy(const struct option *table, void *into, const void *from);

/* Whether two structs filled by the table say the same. */
bool option_same(const struct option *table, const void *a, const void *b);

#endif
