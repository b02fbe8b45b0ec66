/*
 * headers.c - sets, adds and removes fields of the response. The field lines are taken apart,
 * checked and joined with those of the level around when the config is loaded; a response costs a
 * walk over its fields for each name, and a value with variables its expansion. headers_check(),
 * headers_merge(): the loader's thread; headers_respond(): the exchange's loop.
 */
#include "filter/filter.h"
#include "handler/template.h"

#define VALUE_MAX 8192 /* clients and proxies refuse longer fields */

enum { PRESET_UNSAID = -1, PRESET_NONE, PRESET_SECURE };
static const char *const presets[] = { "none", "secure", NULL };

struct line {
    struct str name;
    struct template value;
    bool preset; /* gives way to whatever else is said about the name */
};

struct lines {
    struct line *v;
    size_t n;
};

struct headers {
    struct strs set, add, remove;
    int64_t preset;
    /* Of this level and those around it: what is done. In `sets` a name stands once. */
    struct strs removes;
    struct lines sets, adds;
    bool varies; /* a value has variables */
};

static const struct option headers_options[] = {
    OPT_STRS(struct headers, set, "set", NULL,
             "Fields, each spelled \"Name: value\", that replace what the response has by that "
             "name. A value may hold variables."),
    OPT_STRS(struct headers, add, "add", NULL,
             "Fields, each spelled \"Name: value\", that are put beside what the response has by "
             "that name, such as a further Set-Cookie. A value may hold variables."),
    OPT_STRS(struct headers, remove, "remove", NULL,
             "Names of fields that are taken off the response. This is done first."),
    OPT_ENUM_OR(
        struct headers, preset, "preset", PRESET_UNSAID, presets,
        "\"secure\" sets fields that make browsers more careful: X-Content-Type-Options: "
        "nosniff, Referrer-Policy: strict-origin-when-cross-origin, X-Frame-Options: "
        "SAMEORIGIN, Permissions-Policy: camera=(), geolocation=(), microphone=(), "
        "payment=(), usb=(), and Cross-Origin-Opener-Policy: same-origin. Those of which set, "
        "add or remove say something, here or further in, are left out. \"none\" takes "
        "those away that a preset further out sets."),
    OPT_END
};

#define FIELD_LINE(name_, value_)                                                                  \
    {                                                                                              \
        .name = { name_, sizeof name_ - 1 }, .preset = true, .value = {                            \
            .text = { value_, sizeof value_ - 1 },                                                 \
            .use = TEMPLATE_FIELD,                                                                 \
            .constant = true                                                                       \
        }                                                                                          \
    }
static const struct line secure[] = {
    FIELD_LINE("X-Content-Type-Options", "nosniff"),
    FIELD_LINE("Referrer-Policy", "strict-origin-when-cross-origin"),
    FIELD_LINE("X-Frame-Options", "SAMEORIGIN"),
    FIELD_LINE("Permissions-Policy",
               "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    FIELD_LINE("Cross-Origin-Opener-Policy", "same-origin"),
};

/* response_check(), and says which of its conditions failed. */
static bool check_field(struct option_check *c, const char *option, struct str name,
                        struct str value)
{
    if (response_check(name, value) == 0)
        return true;
    if (!http_is_token(name))
        option_error(c, option, "\"%.*s\" is not a field name", str_fmt(name));
    else if (response_check(name, STR("")) < 0)
        option_error(c, option, "%.*s is set by the server alone", str_fmt(name));
    else
        option_error(c, option, "the value of %.*s holds a control byte", str_fmt(name));
    return false;
}

static bool has_name(const struct lines *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++)
        if (str_ieq(in->v[i].name, name))
            return true;
    return false;
}

static bool has_str(const struct strs *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++)
        if (str_ieq(in->v[i], name))
            return true;
    return false;
}

/* false: it was reported. */
static bool compile_line(struct option_check *c, const char *option, struct str text,
                         struct line *ret)
{
    struct str value = text;
    struct str name = str_cut(&value, ':');

    if (value.p == NULL) {
        option_error(c, option, "\"%.*s\" is not spelled \"Name: value\"", str_fmt(text));
        return false;
    }
    value = str_trim(value);
    if (!check_field(c, option, name, value))
        return false;
    if (value.n > VALUE_MAX) {
        option_error(c, option, "%.*s has a value of %zu bytes; at most %d are sensible",
                     str_fmt(name), value.n, VALUE_MAX);
        return false;
    }
    *ret = (struct line){ .name = name };
    if (!template_compile(c, option, value, TEMPLATE_FIELD, &ret->value))
        return false;
    if (!ret->value.constant && (str_ieq(name, STR("Location")) || str_ieq(name, STR("Refresh")))) {
        option_error(c, option, "%.*s may not hold variables; the handler `redirect` has them",
                     str_fmt(name));
        return false;
    }
    return true;
}

static struct lines compile_lines(struct option_check *c, const char *option, struct strs texts,
                                  bool once, size_t room)
{
    struct lines lines = { arena_array(c->arena, texts.n + room, sizeof *lines.v), 0 };

    for (size_t i = 0; i < texts.n && lines.v != NULL; i++) {
        struct line line;
        c->element = i + 1;
        if (!compile_line(c, option, texts.v[i], &line))
            continue;
        if (once && has_name(&lines, line.name))
            option_error(c, option, "%.*s is set twice; use `add` for the second",
                         str_fmt(line.name));
        lines.v[lines.n++] = line;
    }
    c->element = 0;
    return lines;
}

static bool any_varies(const struct lines *in)
{
    for (size_t i = 0; i < in->n; i++)
        if (!in->v[i].value.constant)
            return true;
    return false;
}

static void headers_check(struct option_check *c, void *conf)
{
    struct headers *h = conf;
    size_t n_presets = h->preset == PRESET_SECURE ? array_len(secure) : 0;

    h->sets = compile_lines(c, "set", h->set, true, n_presets);
    h->adds = compile_lines(c, "add", h->add, false, 0);
    h->removes = h->remove;
    for (size_t i = 0; i < h->remove.n; i++) {
        c->element = i + 1;
        check_field(c, "remove", h->remove.v[i], STR(""));
    }
    c->element = 0;
    for (size_t i = 0; i < n_presets && h->sets.v != NULL; i++)
        if (!has_name(&h->sets, secure[i].name) && !has_name(&h->adds, secure[i].name) &&
            !has_str(&h->removes, secure[i].name))
            h->sets.v[h->sets.n++] = secure[i];
    h->varies = any_varies(&h->sets) || any_varies(&h->adds);
}

/* Those of `outer` of which `inner` says nothing, then `own`. A preset gives way to an `add` and
 * to the preset "none", too. */
static struct lines join_lines(struct option_check *c, const struct lines *outer,
                               const struct headers *inner, const struct lines *own)
{
    struct lines all = { arena_array(c->arena, outer->n + own->n, sizeof *all.v), 0 };

    if (all.v == NULL)
        return all;
    for (size_t i = 0; i < outer->n; i++) {
        const struct line *line = &outer->v[i];
        if (!has_str(&inner->remove, line->name) && !has_name(&inner->sets, line->name) &&
            !(line->preset && (inner->preset == PRESET_NONE || has_name(&inner->adds, line->name))))
            all.v[all.n++] = *line;
    }
    for (size_t i = 0; i < own->n; i++)
        all.v[all.n++] = own->v[i];
    return all;
}

static void headers_merge(struct option_check *c, const void *outer, void *conf)
{
    const struct headers *o = outer;
    struct headers *h = conf;
    struct str *removes = arena_array(c->arena, o->removes.n + h->remove.n, sizeof *removes);
    struct lines sets = join_lines(c, &o->sets, h, &h->sets);
    struct lines adds = join_lines(c, &o->adds, h, &h->adds);
    size_t n = 0;

    for (size_t i = 0; i < o->removes.n && removes != NULL; i++)
        removes[n++] = o->removes.v[i];
    for (size_t i = 0; i < h->remove.n && removes != NULL; i++)
        removes[n++] = h->remove.v[i];
    h->removes = (struct strs){ removes, n };
    h->sets = sets;
    h->adds = adds;
    h->varies = any_varies(&sets) || any_varies(&adds);
}

static bool same_lines(const struct lines *a, const struct lines *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->v[i].name, b->v[i].name) || !template_same(&a->v[i].value, &b->v[i].value))
            return false;
    return true;
}

static bool headers_same(const void *a, const void *b)
{
    const struct headers *h = a, *g = b;

    if (h->removes.n != g->removes.n)
        return false;
    for (size_t i = 0; i < h->removes.n; i++)
        if (!str_eq(h->removes.v[i], g->removes.v[i]))
            return false;
    return same_lines(&h->sets, &g->sets) && same_lines(&h->adds, &g->adds);
}

/* Without memory a field is missing, and the response is replaced: arena_failed(). */
static void add_line(struct response *r, const struct line *line, const struct routed *routed)
{
    struct str value = template_expand(&line->value, routed, r->arena);

    if (line->value.constant)
        response_add_checked(r, line->name, value);
    else if (value.p != NULL)
        response_add(r, line->name, value);
}

static void headers_respond(struct exchange *x, const void *conf)
{
    const struct headers *h = conf;
    struct response *r = exchange_response(x);
    struct routed routed;

    if (h->varies)
        exchange_routed(x, &routed);
    for (size_t i = 0; i < h->removes.n; i++)
        response_remove(r, h->removes.v[i]);
    for (size_t i = 0; i < h->sets.n; i++) {
        response_remove(r, h->sets.v[i].name);
        add_line(r, &h->sets.v[i], &routed);
    }
    for (size_t i = 0; i < h->adds.n; i++)
        add_line(r, &h->adds.v[i], &routed);
}

static bool headers_changes(const void *conf, struct str field)
{
    const struct headers *h = conf;

    return has_str(&h->removes, field) || has_name(&h->sets, field) || has_name(&h->adds, field);
}

FILTER_KIND(headers, .order = 90, .size = sizeof(struct headers), .options = headers_options,
            .check = headers_check, .merge = headers_merge, .same = headers_same,
            .respond = headers_respond, .changes = headers_changes,
            .about = "Sets, adds and removes fields of the response, of error answers too.");
