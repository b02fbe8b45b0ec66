/* fake_conf.c - see fake_conf.h. One thread. */
#include "support/fake_conf.h"

#include <stdio.h>

#include "base/check.h"

static void report(struct option_check *check, bool error, const char *option, const char *fmt,
                   va_list ap)
{
    struct fake_conf *c = container_of(check, struct fake_conf, check);
    char text[512];

    vsnprintf(text, sizeof text, fmt, ap);
    error ? c->errors++ : c->warnings++;
    check(buf_printf(&c->reports, "%s: %s: %s\n", error ? "error" : "warning",
                     option ? option : "-", text) == 0);
}

static void init(struct fake_conf *c, const struct option *options, size_t size,
                 void (*run_check)(struct option_check *c, void *conf))
{
    *c = (struct fake_conf){ .options = options, .run_check = run_check };
    arena_init(&c->arena, MIB(16));
    buf_init(&c->reports, MIB(1));
    c->check = (struct option_check){ .arena = &c->arena,
                                      .base = STR("/nowhere"),
                                      .prefix = STR("/"),
                                      .in_route = true,
                                      .report = report,
                                      .shared = &c->shared };
    c->conf = arena_alloc(&c->arena, max_of(size, (size_t)1));
    check(c->conf != NULL);
    memset(c->conf, 0xa5, size); /* what no default and no check() sets is garbage */
    check(option_defaults(options, c->conf, &c->arena) == 0);
}

void fake_conf_handler(struct fake_conf *c, const char *kind)
{
    const struct handler_kind *k = handler_find(str_of(kind));

    check(k != NULL);
    init(c, k->options, k->size, k->check);
}

void fake_conf_filter(struct fake_conf *c, const char *kind)
{
    const struct filter_kind *k = filter_find(str_of(kind));

    check(k != NULL);
    init(c, k->options, k->size, k->check);
}

void fake_conf_done(struct fake_conf *c)
{
    arena_done(&c->arena);
    buf_done(&c->reports);
}

static const struct option *find(const struct fake_conf *c, const char *name, enum option_type type)
{
    const struct option *o = c->options;

    while (o->name != NULL && strcmp(o->name, name) != 0)
        o++;
    check(o->name != NULL && o->type == type);
    return o;
}

static struct str copy(struct fake_conf *c, const char *value)
{
    struct str s = arena_str(&c->arena, str_of(value));

    check(s.p != NULL);
    return s;
}

void fake_conf_str(struct fake_conf *c, const char *option, const char *value)
{
    const struct option *o = find(c, option, OPTION_STR);

    *(struct str *)((char *)c->conf + o->offset) = copy(c, value);
}

void fake_conf_bool(struct fake_conf *c, const char *option, bool value)
{
    *(bool *)((char *)c->conf + find(c, option, OPTION_BOOL)->offset) = value;
}

static void set_number(struct fake_conf *c, const struct option *o, int64_t value)
{
    check((o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max));
    *(int64_t *)((char *)c->conf + o->offset) = value;
}

void fake_conf_int(struct fake_conf *c, const char *option, int64_t value)
{
    set_number(c, find(c, option, OPTION_INT), value);
}

void fake_conf_time(struct fake_conf *c, const char *option, int64_t ns)
{
    set_number(c, find(c, option, OPTION_TIME), ns);
}

void fake_conf_enum(struct fake_conf *c, const char *option, const char *choice)
{
    const struct option *o = find(c, option, OPTION_ENUM);
    int64_t i = 0;

    while (o->choices[i] != NULL && strcmp(o->choices[i], choice) != 0)
        i++;
    check(o->choices[i] != NULL);
    *(int64_t *)((char *)c->conf + o->offset) = i;
}

void fake_conf_strs(struct fake_conf *c, const char *option, ...)
{
    const struct option *o = find(c, option, OPTION_STRS);
    struct str *v = arena_array(&c->arena, 32, sizeof *v);
    size_t n = 0;
    va_list ap;

    check(v != NULL);
    va_start(ap, option);
    for (const char *value; (value = va_arg(ap, const char *)) != NULL;) {
        check(n < 32);
        v[n++] = copy(c, value);
    }
    va_end(ap);
    *(struct strs *)((char *)c->conf + o->offset) = (struct strs){ v, n };
}

unsigned fake_conf_check(struct fake_conf *c)
{
    if (c->run_check != NULL)
        c->run_check(&c->check, c->conf);
    return c->errors;
}

bool fake_conf_reported(const struct fake_conf *c, const char *text)
{
    struct str s = buf_str(&c->reports);

    return s.n && memmem(s.p, s.n, text, strlen(text)) != NULL;
}
