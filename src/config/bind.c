/*
 * bind.c - see bind.h. Numbers are read from the text itself, as libconfig wraps large ones
 * silently. One thread.
 */
#include "config/bind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "config/guess.h"
#include "config/origins.h"

#define LISTED_MAX 24 /* names that an error lists in full */
#define LIST_MAX 512

const char *bind_got(struct setting s, char *buf)
{
    struct str token = setting_token(s);

    switch (s.node->kind) {
    case NODE_GROUP:
        return "a group { }";
    case NODE_LIST:
        return "a list ( )";
    case NODE_ARRAY:
        return "an array [ ]";
    default:
        break;
    }
    if (token.n <= 60)
        snprintf(buf, BIND_GOT_MAX, "%.*s", str_fmt(token));
    else
        snprintf(buf, BIND_GOT_MAX, "%.*s...", str_fmt(str_head(token, 56)));
    return buf;
}

static bool is_one_of(struct str name, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (str_is(name, *names))
            return true;
    return false;
}

/* ---- one value */

static void expected(struct setting s, struct report *r, const char *what)
{
    char got[BIND_GOT_MAX];

    setting_error(s, r, AT_VALUE, "expected %s, got %s", what, bind_got(s, got));
}

static bool in_range(const struct option *o, int64_t v)
{
    if (o->min == 0 && o->max == 0)
        return true;
    return v >= o->min && v <= o->max;
}

static const char *number_text(int64_t v, char *buf)
{
    snprintf(buf, 24, "%" PRId64, v);
    return buf;
}

static void out_of_range(struct setting s, struct report *r, const struct option *o,
                         const char *what, const char *(*text)(int64_t, char *))
{
    char low[24], high[24], want[96];

    if (o->max == INT64_MAX)
        snprintf(want, sizeof want, "%s of at least %s", what, text(o->min, low));
    else
        snprintf(want, sizeof want, "%s from %s to %s", what, text(o->min, low),
                 text(o->max, high));
    expected(s, r, want);
}

static void bind_int(struct setting s, struct report *r, const struct option *o, int64_t *ret)
{
    if (!setting_is(s, NODE_INT)) {
        expected(s, r,
                 s.node->kind == NODE_STRING ? "a whole number without quotes" : "a whole number");
        return;
    }
    /* The scan let only decimal digits with a sign pass; a byte that ends them follows. */
    errno = 0;
    long long v = strtoll(setting_token(s).p, NULL, 10);
    if (errno == ERANGE && o->min == 0 && o->max == 0)
        expected(s, r, "a smaller number");
    else if (errno == ERANGE || !in_range(o, v))
        out_of_range(s, r, o, "a number", number_text);
    else
        *ret = v;
}

/* TIME and SIZE: a string with a unit. */
static void bind_quantity(struct setting s, struct report *r, const struct option *o, int64_t *ret)
{
    bool is_time = o->type == OPTION_TIME;
    const char *sample = is_time ? "a time such as \"30s\"" : "a size such as \"10M\"";
    char got[BIND_GOT_MAX], meant[GUESS_MAX];
    int64_t v = 0;

    struct str text = setting_is(s, NODE_STRING) ? setting_text(s) : setting_token(s);
    int error = -EINVAL;
    if (setting_is(s, NODE_STRING))
        error = is_time ? str_duration(text, &v) : str_size(text, &v);
    if (error == -EINVAL && s.node->kind > NODE_ARRAY && guess_quantity(text, o, meant))
        setting_error(s, r, AT_VALUE, "expected %s, got %s (did you mean \"%s\"?)", sample,
                      bind_got(s, got), meant);
    else if (error == -EINVAL)
        expected(s, r, sample);
    else if (error < 0 && (o->max == 0 || o->max == INT64_MAX))
        expected(s, r, is_time ? "a shorter time" : "a smaller size");
    else if (error < 0 || !in_range(o, v))
        out_of_range(s, r, o, is_time ? "a time" : "a size",
                     is_time ? str_duration_text : str_size_text);
    else
        *ret = v;
}

static void bind_enum(struct setting s, struct report *r, const struct option *o, int64_t *ret)
{
    char got[BIND_GOT_MAX], want[256];
    size_t n = 0;

    for (int64_t i = 0; o->choices[i] != NULL; i++) {
        if (setting_is(s, NODE_STRING) && str_eq(setting_text(s), str_of(o->choices[i]))) {
            *ret = i;
            return;
        }
        if (n < sizeof want)
            n += (size_t)snprintf(want + n, sizeof want - n, "%s\"%s\"",
                                  i == 0                      ? ""
                                  : o->choices[i + 1] == NULL ? " or "
                                                              : ", ",
                                  o->choices[i]);
    }
    const char *near = setting_is(s, NODE_STRING) ? guess_name(setting_text(s), o->choices) : NULL;
    if (near != NULL)
        setting_error(s, r, AT_VALUE, "expected %s, got %s (did you mean \"%s\"?)", want,
                      bind_got(s, got), near);
    else
        expected(s, r, want);
}

static int bind_strs(struct setting s, struct report *r, struct strs *ret, struct arena *arena)
{
    bool alone = setting_is(s, NODE_STRING);
    size_t n = alone ? 1 : setting_count(s);

    if (!alone && !setting_is(s, NODE_ARRAY) && !setting_is(s, NODE_LIST)) {
        expected(s, r, "strings such as [ \"a\", \"b\" ]");
        return 0;
    }
    if (alone && s.node->joined)
        setting_warning(s, r, AT_VALUE,
                        "these strings are joined to one; several values are written "
                        "[ \"a\", \"b\" ]");
    struct str *v = arena_array(arena, max_of(n, (size_t)1), sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    *ret = (struct strs){ v, 0 };
    for (struct setting e = alone ? s : setting_first(s); e.node != NULL; e = setting_next(e)) {
        if (!setting_is(e, NODE_STRING)) {
            expected(e, r, "a string in quotes");
            setting_spoil(s);
        } else {
            v[ret->n] = arena_str(arena, setting_text(e));
            if (v[ret->n++].p == NULL)
                return -ENOMEM;
        }
        if (alone)
            break;
    }
    return 0;
}

static void expected_string(struct setting s, struct report *r, const struct option *o)
{
    char got[BIND_GOT_MAX];

    if (setting_is(s, NODE_INT) && strcmp(o->name, "address") == 0)
        setting_error(s, r, AT_VALUE,
                      "expected a string in quotes, got %s (did you mean \"*:%s\"?)",
                      bind_got(s, got), got);
    else
        expected(s, r, "a string in quotes");
}

static int bind_value(struct setting s, struct report *r, const struct option *o, void *at,
                      struct arena *arena)
{
    switch (o->type) {
    case OPTION_BOOL:
        if (!setting_is(s, NODE_BOOL))
            expected(s, r, "true or false without quotes");
        else
            *(bool *)at = ascii_lower((unsigned char)setting_token(s).p[0]) == 't';
        return 0;
    case OPTION_INT:
        bind_int(s, r, o, at);
        return 0;
    case OPTION_STR:
        if (!setting_is(s, NODE_STRING)) {
            expected_string(s, r, o);
            return 0;
        }
        *(struct str *)at = arena_str(arena, setting_text(s));
        return ((struct str *)at)->p ? 0 : -ENOMEM;
    case OPTION_TIME:
    case OPTION_SIZE:
        bind_quantity(s, r, o, at);
        return 0;
    case OPTION_ENUM:
        bind_enum(s, r, o, at);
        return 0;
    case OPTION_STRS:
        return bind_strs(s, r, at, arena);
    }
    return 0;
}

/* ---- a group */

static const struct option *option_find(const struct option *table, struct str name)
{
    for (; table->name != NULL; table++)
        if (str_is(name, table->name))
            return table;
    return NULL;
}

static void list_names(char *buf, size_t size, const char *const *names)
{
    size_t n = 0;

    buf[0] = '\0';
    for (size_t i = 0; names[i] != NULL && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "", names[i]);
}

/* A key that neither the table nor `more` knows. Returns the one that was meant, or NULL. */
static const char *unknown(struct setting key, struct report *r, const struct option *table,
                           const char *const *more)
{
    struct str name = str_head(setting_name(key), 60);
    const char *names[128] = { NULL };
    size_t n = 0;
    char text[LIST_MAX];

    for (const struct option *o = table; o->name != NULL && n + 1 < array_len(names); o++)
        if (!is_one_of(str_of(o->name), more))
            names[n++] = o->name;
    for (; more != NULL && *more != NULL && n + 1 < array_len(names); more++)
        names[n++] = *more;
    const char *lacking = guess_absent(name);
    if (lacking != NULL) {
        setting_error(key, r, AT_NAME, "unknown key \"%.*s\"; muxd has no %s, see muxd-migrate(7)",
                      str_fmt(name), lacking);
        return NULL;
    }
    const char *meant = guess_name(name, names);
    if (meant == NULL)
        meant = guess_habit(name, names);
    if (meant != NULL) {
        setting_error(key, r, AT_NAME, "unknown key \"%.*s\" (did you mean \"%s\"?)", str_fmt(name),
                      meant);
    } else if (guess_home(name, table, text)) {
        setting_error(key, r, AT_NAME, "%s", text);
    } else if (n == 0 || n > LISTED_MAX) {
        setting_error(key, r, AT_NAME, "unknown key \"%.*s\"%s", str_fmt(name),
                      n ? "" : "; this group has no options");
    } else {
        list_names(text, sizeof text, names);
        setting_error(key, r, AT_NAME, "unknown key \"%.*s\"; known here: %s", str_fmt(name), text);
    }
    return meant;
}

/* What the members are where nothing is said. */
static int bind_unsaid(const struct option *table, const void *outer, void *into,
                       struct arena *arena)
{
    if (outer != NULL) {
        option_copy(table, into, outer);
        return 0;
    }
    int error = option_defaults(table, into, arena);
    check(error != -EINVAL); /* a default in the table */
    return error;
}

static int bind_option(struct setting s, struct report *r, const struct option *o, void *into,
                       struct arena *arena)
{
    unsigned errors = r->errors;
    int error = bind_value(s, r, o, (char *)into + o->offset, arena);

    if (r->errors != errors)
        setting_spoil(s);
    if (error < 0 || s.file->origins == NULL)
        return error;
    return origins_add(s.file->origins, into, o, setting_place(s, AT_NAME));
}

int bind_plain(struct setting value, struct report *r, const struct option *table,
               const void *outer, void *into, struct arena *arena)
{
    int error = bind_unsaid(table, outer, into, arena);

    return error < 0 ? error : bind_option(value, r, table, into, arena);
}

int bind_group(struct setting group, struct report *r, const struct option *table,
               const char *const *more, const void *outer, void *into, struct arena *arena)
{
    uint64_t meant = 0; /* of the table's options: those that an unknown key should have been */
    int error = bind_unsaid(table, outer, into, arena);

    if (error < 0)
        return error;
    for (struct setting s = setting_first(group); s.node != NULL; s = setting_next(s)) {
        struct str name = setting_name(s);
        if (is_one_of(name, more))
            continue;
        const struct option *o = option_find(table, name);
        if (o == NULL) {
            const char *option = unknown(s, r, table, more);
            for (o = table; o->name != NULL; o++)
                if (o->name == option && o - table < 64)
                    meant |= UINT64_C(1) << (o - table);
            continue;
        }
        error = bind_option(s, r, o, into, arena);
        if (error < 0)
            return error;
    }
    for (const struct option *o = table; o->name != NULL && outer == NULL; o++)
        if (o->def == REQUIRED && setting_get(group, str_of(o->name)).node == NULL &&
            (o - table >= 64 || !(meant & UINT64_C(1) << (o - table))))
            setting_error(group, r, AT_NAME, "\"%s\" is missing here", o->name);
    return 0;
}
