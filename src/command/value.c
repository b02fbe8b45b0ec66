/* value.c - see value.h. The thread of main(). */
#include "command/value.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/utf8.h"

#define TEXT_MAX MIB(16) /* of one value */

static int add_quoted(struct buf *b, struct str s)
{
    int r = buf_add(b, "\"", 1);

    while (s.n != 0 && r == 0) {
        size_t n = utf8_len(s.p, s.n);
        unsigned char c = (unsigned char)s.p[0];
        const char *at = strchr("\"\\\n\t\r\f", c);
        if (c != '\0' && at != NULL)
            r = buf_printf(b, "\\%c", "\"\\ntrf"[at - "\"\\\n\t\r\f"]);
        else if (n == 0 || c < ' ' || c == 0x7f)
            r = buf_printf(b, "\\x%02x", c);
        else
            r = buf_add(b, s.p, n);
        s = str_from(s, max_of(n, (size_t)1));
    }
    return r == 0 ? buf_add(b, "\"", 1) : r;
}

static int add_list(struct buf *b, struct strs list)
{
    int r = buf_add_str(b, STR("[ "));

    for (size_t i = 0; i < list.n && r == 0; i++) {
        if (i > 0)
            r = buf_add_str(b, STR(", "));
        if (r == 0)
            r = add_quoted(b, list.v[i]);
    }
    return r == 0 ? buf_add_str(b, STR(" ]")) : r;
}

static int add_value(struct buf *b, const struct option *o, const void *at)
{
    char text[24];

    switch (o->type) {
    case OPTION_BOOL:
        return buf_add_str(b, *(const bool *)at ? STR("true") : STR("false"));
    case OPTION_INT:
        return buf_printf(b, "%" PRId64, *(const int64_t *)at);
    case OPTION_TIME:
        return buf_printf(b, "\"%s\"", str_duration_text(*(const int64_t *)at, text));
    case OPTION_SIZE:
        return buf_printf(b, "\"%s\"", str_size_text(*(const int64_t *)at, text));
    case OPTION_ENUM:
        return buf_printf(b, "\"%s\"", o->choices[*(const int64_t *)at]);
    case OPTION_STR:
        return add_quoted(b, *(const struct str *)at);
    case OPTION_STRS:
        return add_list(b, *(const struct strs *)at);
    }
    return 0;
}

/* Where nothing is the default, and it cannot be spelled. */
static bool is_unset(const struct option *o, const void *at)
{
    if (o->def != NULL && o->def != REQUIRED)
        return false;
    switch (o->type) {
    case OPTION_STR:
        return ((const struct str *)at)->p == NULL;
    case OPTION_STRS:
        return ((const struct strs *)at)->n == 0;
    case OPTION_TIME:
    case OPTION_SIZE:
    case OPTION_ENUM:
        return *(const int64_t *)at < o->min;
    default:
        return false;
    }
}

struct str value_text(const struct option *o, const void *own, struct arena *arena)
{
    const void *at = (const char *)own + o->offset;
    struct str text = STR_EMPTY;
    struct buf b;

    if (is_unset(o, at))
        return text;
    buf_init(&b, TEXT_MAX);
    if (add_value(&b, o, at) == 0)
        text = arena_str(arena, buf_str(&b));
    buf_done(&b);
    return text;
}

struct str value_quote(struct str s, struct arena *arena)
{
    struct str text = STR_EMPTY;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    if (add_quoted(&b, s) == 0)
        text = arena_str(arena, buf_str(&b));
    buf_done(&b);
    return text;
}

bool value_same(const struct option *o, const void *a, const void *b)
{
    const struct option alone[] = { *o, OPT_END };

    return option_same(alone, a, b);
}

const struct option *value_option(const struct option *table, const char *name)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

struct route_conf value_route(const struct route *r)
{
    return (struct route_conf){ .match = pattern_text(&r->pattern),
                                .run = r->run_in_pool ? ROUTE_RUN_POOL : ROUTE_RUN_LOOP,
                                .pool = r->pool,
                                .share = r->share };
}
