/* option.c - defaults of option tables, and reporting for checks. Any thread. */
#include "base/option.h"

#include <errno.h>

const char option_required[] = "(required)";

/* The default's words. */
static int set_strs(struct strs *to, struct str def, struct arena *arena)
{
    size_t n = 0;

    *to = (struct strs){ NULL, 0 };
    for (struct str rest = def; rest.p != NULL; n++)
        str_cut(&rest, ' ');
    if (n == 0)
        return 0;
    struct str *v = arena_array(arena, n, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    *to = (struct strs){ v, n };
    for (struct str rest = def; rest.p != NULL;) {
        *v = arena_str(arena, str_cut(&rest, ' '));
        if (v++->p == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int set_default(const struct option *o, void *at, struct arena *arena)
{
    const char *def = o->def == REQUIRED ? NULL : o->def;

    switch (o->type) {
    case OPTION_BOOL:
        *(bool *)at = o->def_int != 0;
        return 0;
    case OPTION_INT:
        *(int64_t *)at = o->def_int;
        return 0;
    case OPTION_STR:
        *(struct str *)at = str_of(def);
        return 0;
    case OPTION_TIME:
        *(int64_t *)at = o->def_int;
        return def ? str_duration(str_of(def), at) : 0;
    case OPTION_SIZE:
        *(int64_t *)at = o->def_int;
        return def ? str_size(str_of(def), at) : 0;
    case OPTION_ENUM:
        *(int64_t *)at = o->def_int;
        for (int64_t i = 0; def != NULL; i++) {
            if (o->choices[i] == NULL)
                return -EINVAL;
            if (strcmp(o->choices[i], def) == 0) {
                *(int64_t *)at = i;
                break;
            }
        }
        return 0;
    case OPTION_STRS:
        return set_strs(at, str_of(def), arena);
    }
    return -EINVAL;
}

int option_defaults(const struct option *table, void *into, struct arena *arena)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++) {
        int r = set_default(o, (char *)into + o->offset, arena);
        if (r < 0)
            return r;
    }
    return 0;
}

void option_copy(const struct option *table, void *into, const void *from)
{
    static const size_t sizes[] = {
        [OPTION_BOOL] = sizeof(bool),        [OPTION_INT] = sizeof(int64_t),
        [OPTION_STR] = sizeof(struct str),   [OPTION_TIME] = sizeof(int64_t),
        [OPTION_SIZE] = sizeof(int64_t),     [OPTION_ENUM] = sizeof(int64_t),
        [OPTION_STRS] = sizeof(struct strs),
    };

    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        memcpy((char *)into + o->offset, (const char *)from + o->offset, sizes[o->type]);
}

static bool same_value(const struct option *o, const void *a, const void *b)
{
    const struct strs *list_a = a, *list_b = b;

    switch (o->type) {
    case OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case OPTION_INT:
    case OPTION_TIME:
    case OPTION_SIZE:
    case OPTION_ENUM:
        return *(const int64_t *)a == *(const int64_t *)b;
    case OPTION_STR:
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    case OPTION_STRS:
        for (size_t i = 0; list_a->n == list_b->n && i < list_a->n; i++)
            if (!str_eq(list_a->v[i], list_b->v[i]))
                return false;
        /* `[ ]` is not the same as nothing. */
        return list_a->n == list_b->n && (list_a->v == NULL) == (list_b->v == NULL);
    }
    return false;
}

bool option_same(const struct option *table, const void *a, const void *b)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        if (!same_value(o, (const char *)a + o->offset, (const char *)b + o->offset))
            return false;
    return true;
}

void option_error(struct option_check *c, const char *option, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    c->report(c, true, option, fmt, ap);
    va_end(ap);
}

void option_warning(struct option_check *c, const char *option, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    c->report(c, false, option, fmt, ap);
    va_end(ap);
}

static void report_in(struct option_check *c, bool error, const char *option, size_t i,
                      const char *fmt, va_list ap)
{
    c->element = i + 1;
    c->report(c, error, option, fmt, ap);
    c->element = 0;
}

void option_error_in(struct option_check *c, const char *option, size_t i, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_in(c, true, option, i, fmt, ap);
    va_end(ap);
}

void option_warning_in(struct option_check *c, const char *option, size_t i, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_in(c, false, option, i, fmt, ap);
    va_end(ap);
}

struct str option_path(struct option_check *c, struct str path)
{
    if (path.n && path.p[0] == '/')
        return arena_str(c->arena, path);
    return arena_printf(c->arena, "%.*s/%.*s", str_fmt(c->base), str_fmt(path));
}
