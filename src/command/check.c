/*
 * check.c - `muxd check`: what is wrong with a config, for people or, with --json, for programs.
 * The thread of main().
 */
#include <stdio.h>
#include <sysexits.h>

#include "command/command.h"
#include "command/jsonw.h"

static void put_place(const struct place *p)
{
    jsonw_str("file", str_of(p->file));
    jsonw_int("line", p->line);
    jsonw_int("column", p->col);
    jsonw_int("width", p->width);
}

static void print_message(const struct report_item *item)
{
    jsonw_open(NULL, '{');
    put_place(&item->place);
    jsonw_str("level", item->error ? STR("error") : STR("warning"));
    jsonw_str("text", item->text);
    jsonw_str("source", item->source);
    if (item->note != NULL) {
        jsonw_open("note", '{');
        put_place(&item->note->place);
        jsonw_str("text", item->note->text);
        jsonw_str("source", item->note->source);
        jsonw_close('}');
    }
    jsonw_close('}');
}

static void print_json(struct subject *s, const char *file, bool ok)
{
    const struct config *c = s->config;

    report_sort(&s->report);
    jsonw_open(NULL, '{');
    jsonw_str("file", str_of(file));
    jsonw_bool("ok", ok);
    jsonw_int("errors", s->report.errors);
    jsonw_int("warnings", s->report.warnings);
    jsonw_int("listeners", c ? (int64_t)c->n_listeners : 0);
    jsonw_int("sites", c ? (int64_t)c->n_sites : 0);
    jsonw_int("routes", c ? (int64_t)c->n_routes : 0);
    jsonw_open("messages", '[');
    list_each (item, &s->report.items, struct report_item, node)
        print_message(item);
    jsonw_close(']');
    jsonw_close('}');
    jsonw_end();
}

/* What a reload leaves as it is: --reload, and on_error = "keep". */
static void print_set_aside(const struct config *c)
{
    for (size_t i = 0; i < c->set_aside.n; i++)
        printf("%.*s: has errors; a reload leaves its sites as they were\n",
               str_fmt(c->set_aside.v[i]));
}

int command_check(const struct arguments *args)
{
    struct subject s;
    unsigned flags = SUBJECT_WARN;

    if (args->strict)
        flags |= SUBJECT_STRICT;
    if (args->json)
        flags |= SUBJECT_SILENT;
    if (args->reload)
        flags |= SUBJECT_RELOAD;
    int status = subject_load(&s, args->file, flags);
    if (args->json && status != EX_OSERR)
        print_json(&s, args->file, status == EX_OK);
    else if (args->json)
        fprintf(stderr, "%s: not enough memory\n", args->file);
    else if (status == EX_OK) {
        print_set_aside(s.config);
        const struct config *c = s.config;
        printf("%s: ok: %zu listener%s, %zu site%s, %zu route%s\n", args->file, c->n_listeners,
               str_plural(c->n_listeners), c->n_sites, str_plural(c->n_sites), c->n_routes,
               str_plural(c->n_routes));
    }
    subject_done(&s);
    return status;
}
