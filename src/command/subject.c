/*
 * subject.c - loads a config for a command, and says what is wrong with it: as text with the lines
 * it is about, or to the journal in records. The thread of main().
 */
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "command/command.h"
#include "command/value.h"
#include "server/complain.h"

#define MEMORY MIB(1024) /* a bound; what is taken follows from the config */

static void print_report(struct report *report)
{
    unsigned shown = 0;

    report_sort(report);
    list_each (item, &report->items, struct report_item, node) {
        struct str text = report_text(item, true, report->arena);
        fprintf(stderr, "%.*s", str_fmt(text));
        shown++;
    }
    if (report->dropped)
        fprintf(stderr, "and %u more\n", report->errors + report->warnings - shown);
}

static void warnings_are_errors(struct report *report)
{
    list_each (item, &report->items, struct report_item, node) {
        struct str text = arena_printf(report->arena, "%.*s [-W error]", str_fmt(item->text));
        if (!item->error && text.p != NULL)
            item->text = text;
        item->error = true;
    }
    report->errors += report->warnings;
    report->warnings = 0;
}

static void tell(struct report *report, const char *file, const char *end)
{
    if (log_is_journal()) { /* whose records have a level, and are one line each */
        complain_report(report);
        if (end != NULL)
            log_plain(LOG_LEVEL_ERROR, "%s: %s", file, end);
    } else {
        print_report(report);
        if (end != NULL)
            fprintf(stderr, "%s: %s\n", file, end);
    }
}

int subject_load(struct subject *s, const char *file, unsigned flags)
{
    struct str name = str_of(file);
    size_t slash = str_rchr(name, '/');
    char sum[COMPLAIN_SUM_MAX];
    const char *end = NULL;
    int status = EX_OK;

    arena_init(&s->arena, MEMORY);
    arena_init(&s->scratch, MEMORY);
    report_init(&s->report, &s->arena);
    origins_init(&s->origins, &s->arena);
    s->dir = slash < name.n ? str_head(name, slash + 1) : STR_EMPTY;
    static const struct config nothing; /* of what is served nothing is known */
    struct load_options options = { .before = flags & SUBJECT_RELOAD ? &nothing : NULL,
                                    .origins = flags & SUBJECT_ORIGINS ? &s->origins : NULL };
    int r = config_load(file, &options, &s->report, &s->config);
    if (flags & SUBJECT_STRICT)
        warnings_are_errors(&s->report);
    if (r == -ENOMEM) {
        status = EX_OSERR;
        end = "not enough memory";
    } else if (s->report.errors != 0) {
        status = r == 0 && !(flags & SUBJECT_STRICT) ? EX_OK : EX_CONFIG;
        end = complain_sum(s->report.errors, s->report.warnings, sum);
        if (r < 0 && s->report.refused.n != 0 && !(flags & SUBJECT_RELOAD))
            end = arena_printf(&s->arena, "%s; %.*s", end, str_fmt(s->report.refused)).p;
    }
    if (!(flags & SUBJECT_SILENT) && ((flags & SUBJECT_WARN) || status != EX_OK))
        tell(&s->report, file, end);
    return status;
}

void subject_done(struct subject *s)
{
    config_unref(s->config);
    origins_done(&s->origins);
    arena_done(&s->scratch);
    arena_done(&s->arena);
}

struct str subject_place(struct subject *s, struct place p)
{
    struct str file = str_of(p.file);

    if (file.n == 0)
        return STR("default");
    if (str_starts(file, s->dir))
        file = str_from(file, s->dir.n);
    if (p.line == 0)
        return file;
    return arena_printf(&s->scratch, "%.*s:%u", str_fmt(file), p.line);
}

struct str subject_origin(struct subject *s, const void *owner, const struct option *option)
{
    const struct place *p = origins_find(&s->origins, owner, option);

    return p ? subject_place(s, *p) : STR("default");
}

/* A path that begins at `dir`, which ends in a slash. */
static struct str moved(struct arena *a, struct str path, struct str dir)
{
    return path.n == 0 || path.p[0] == '/'
               ? path
               : arena_printf(a, "%.*s%.*s", str_fmt(dir), str_fmt(path));
}

struct str subject_value(struct subject *s, const struct option *o, const void *own,
                         const struct place *from)
{
    struct arena *a = &s->scratch;
    const struct strs *list = (const void *)((const char *)own + o->offset);
    struct str dir = str_of(from ? from->file : NULL), all = STR("[");

    if (str_starts(dir, s->dir))
        dir = str_from(dir, s->dir.n);
    dir = str_head(dir, str_rchr(dir, '/') < dir.n ? str_rchr(dir, '/') + 1 : 0);
    if (!o->is_path || dir.n == 0)
        return value_text(o, own, a);
    if (o->type == OPTION_STR)
        return value_quote(moved(a, *(const struct str *)((const char *)own + o->offset), dir), a);
    for (size_t i = 0; i < list->n; i++) {
        struct str path = list->v[i], first = str_cut(&path, ' ');
        path = moved(a, str_trim(path), dir);
        struct str one = arena_printf(a, "%.*s %.*s", str_fmt(first), str_fmt(path));
        all = arena_printf(a, "%.*s%s%.*s", str_fmt(all), i ? ", " : " ",
                           str_fmt(value_quote(one, a)));
    }
    return arena_printf(a, "%.*s ]", str_fmt(all));
}

struct conf_listener *subject_listener(const struct subject *s, struct str name)
{
    for (size_t i = 0; i < s->config->n_listeners; i++)
        if (str_eq(s->config->listeners[i].name, name))
            return &s->config->listeners[i];
    return NULL;
}
