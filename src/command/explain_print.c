/* explain_print.c - an explanation as text and as JSON. The thread of main(). */
#include <stdio.h>

#include "command/columns.h"
#include "command/explain.h"
#include "command/jsonw.h"
#include "command/value.h"
#include "http/status.h"

/* ---- text */

/* A label, in a column of its own, and what follows on its line. */
static void label(const char *name)
{
    printf("%-11s", name);
}

static void print_listeners(const struct explanation *e)
{
    label("listener");
    columns_text(e->listener->name);
    printf(", ");
    columns_text(e->listener->address_text);
    for (size_t i = 0; i < e->n_same; i++) {
        printf("%s", i == 0 ? "; the same on " : ", ");
        columns_text(e->same[i]->name);
    }
    putchar('\n');
    if (e->n_differ == 0)
        return;
    label("");
    printf("otherwise on ");
    for (size_t i = 0; i < e->n_differ; i++) {
        printf("%s", i == 0 ? "" : ", ");
        columns_text(e->differ[i]->name);
    }
    printf(": see --listener\n");
}

static void print_request(const struct explanation *e)
{
    const struct request *r = &e->ask.request;

    label("request");
    columns_text(e->method);
    putchar(' ');
    columns_text(e->url);
    if (e->ask.host.p == NULL)
        printf(", no host");
    else if (e->ask.status == 0) {
        printf(", host ");
        columns_text(r->host);
    }
    putchar('\n');
    struct str sent = str_head(r->target, str_chr(r->target, '?'));
    if (e->ask.status != 0 || r->path.n == 0 || str_eq(sent, r->path))
        return;
    label("path");
    columns_text(r->path);
    putchar('\n');
}

static void print_site(struct subject *s, const struct explanation *e)
{
    const struct site *site = e->decision.site;

    label("site");
    if (site == NULL) {
        puts(e->ask.request.host.n == 0
                 ? "the request names no host (-H 'Host: name'), and no site here is a catch-all"
                 : "none has this host on this listener, and none is its catch-all");
        return;
    }
    columns_text(site->name);
    printf(", %s", e->site_by);
    if (!str_eq(e->site_host, STR("*"))) {
        putchar(' ');
        columns_text(e->site_host);
    }
    printf("  ");
    columns_text(subject_place(s, site->place));
    putchar('\n');
}

static void print_candidates(struct subject *s, const struct explanation *e)
{
    struct columns c;

    if (e->n_candidates == 0 && e->decision.verdict != VERDICT_NO_ROUTE)
        return;
    if (e->n_candidates == 0) {
        label("routes");
        printf("none has a pattern for this path\n");
        return;
    }
    columns_init(&c, &s->scratch);
    for (size_t i = 0; i < e->n_candidates; i++) {
        const struct candidate *k = &e->candidates[i];
        struct str cells[] = { k->wins ? STR(">") : STR(" "), k->route->name,
                               pattern_text(&k->route->pattern), str_of(k->why),
                               subject_place(s, k->route->place) };
        columns_add(&c, cells, array_len(cells));
    }
    columns_print(&c, "routes     ");
}

static void print_captures(struct subject *s, const struct explanation *e)
{
    const struct route *r = mux_route(&e->match);
    struct str name;
    size_t n = 0;
    struct columns c;

    if (r == NULL)
        return;
    columns_init(&c, &s->scratch);
    for (size_t at = 0; pattern_next_name(&r->pattern, &at, &name);) {
        struct str cells[] = { name, value_quote(e->match.captures[n++], &s->scratch) };
        columns_add(&c, cells, array_len(cells));
    }
    columns_print(&c, "captures   ");
}

/* What is between the client and that answer. */
static void print_doors(const struct filters *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].kind->by_client)
            printf("%s%s", n++ == 0 ? ", if " : " and ", f->v[i].kind->name);
    if (n > 0)
        printf(" let%s the client in", n == 1 ? "s" : "");
}

static void print_answer(const struct explanation *e)
{
    const struct request *r = &e->ask.request;
    unsigned status = e->ask.status ? e->ask.status : e->decision.status;
    const char *reason = e->ask.status ? e->ask.reason : e->decision.reason;

    label("answer");
    printf("%u ", status);
    columns_text(status_reason(status));
    if (e->location.p != NULL) {
        printf(", to ");
        columns_text(e->location);
        printf(r->path_cleaned ? ", the path without empty and dot segments"
                               : ", as only the path with the slash has a route of its own");
    }
    if (e->allow.p != NULL) {
        printf(", Allow: ");
        columns_text(e->allow);
    }
    if (reason != NULL)
        printf(", reason=%s", reason);
    if (e->ask.status == 0 && e->decision.site != NULL)
        print_doors(&e->decision.site->filters);
    putchar('\n');
}

static void print_options(struct subject *s, struct columns *c, const char *group,
                          const struct explain_option *shown, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool plain = group != NULL && strcmp(group, shown[i].name) == 0;
        struct str cells[] = { i == 0 && group ? str_of(group) : STR(""),
                               plain ? STR("") : str_of(shown[i].name), shown[i].value,
                               shown[i].place ? subject_place(s, *shown[i].place)
                                              : STR("default") };
        size_t from = group == NULL;
        columns_add(c, cells + from, array_len(cells) - from);
    }
    if (n == 0 && group != NULL) {
        struct str cell = str_of(group);
        columns_add(c, &cell, 1);
    }
}

/* Where no route answers, those that see responses, or who asks. */
static void print_filters(struct subject *s, const struct filters *f, bool unrouted)
{
    struct explain_option shown[EXPLAIN_OPTIONS_MAX];
    struct columns c;

    columns_init(&c, &s->scratch);
    for (size_t i = 0; i < f->n; i++)
        if (!unrouted || f->v[i].kind->respond != NULL || f->v[i].kind->by_client)
            print_options(s, &c, f->v[i].kind->name, shown, explain_filter(s, &f->v[i], shown));
    columns_print(&c, "filters    ");
}

static void print_route(struct subject *s, const struct explanation *e)
{
    const struct route *r = mux_route(&e->match);
    struct explain_option shown[EXPLAIN_OPTIONS_MAX];
    struct str deed = explain_deed(e, &s->scratch);
    struct columns c;

    if (deed.p != NULL) {
        label("answer");
        columns_text(deed);
        print_doors(&r->filters);
        putchar('\n');
    }
    struct filter_use handler = { .kind = &(struct filter_kind){ .name = r->kind->name,
                                                                 .options = r->kind->options },
                                  .conf = r->conf };
    columns_init(&c, &s->scratch);
    print_options(s, &c, r->kind->name, shown, explain_filter(s, &handler, shown));
    columns_print(&c, "handler    ");
    print_filters(s, &r->filters, false);
    columns_init(&c, &s->scratch);
    print_options(s, &c, NULL, shown, explain_limits(s, r, shown));
    columns_print(&c, "limits     ");
}

void explain_print(struct subject *s, const struct explanation *e)
{
    print_request(e);
    if (e->ask.status == 0) {
        print_listeners(e);
        print_site(s, e);
        print_candidates(s, e);
        print_captures(s, e);
    }
    if (e->ask.status == 0 && e->decision.verdict == VERDICT_ROUTE)
        print_route(s, e);
    else
        print_answer(e);
    if (e->ask.status == 0 && e->decision.verdict != VERDICT_ROUTE && e->decision.site != NULL)
        print_filters(s, &e->decision.site->filters, true);
}

/* ---- JSON */

static const char *verdict_name(const struct explanation *e)
{
    static const char *const names[] = {
        [VERDICT_ROUTE] = "route",
        [VERDICT_REDIRECT] = "redirect",
        [VERDICT_OTHER_METHOD] = "other_method",
        [VERDICT_NO_ROUTE] = "no_route",
        [VERDICT_UNKNOWN_HOST] = "unknown_host",
        [VERDICT_UNSUPPORTED] = "unsupported",
        [VERDICT_SERVER] = "server",
    };

    return e->ask.status ? "refused" : names[e->decision.verdict];
}

static void put_listeners(const char *key, const struct conf_listener **v, size_t n)
{
    jsonw_open(key, '[');
    for (size_t i = 0; i < n; i++)
        jsonw_str(NULL, v[i]->name);
    jsonw_close(']');
}

static void put_place(const struct place *p)
{
    jsonw_str("file", str_of(p ? p->file : NULL));
    jsonw_int("line", p ? p->line : 0);
}

static void put_candidates(const struct explanation *e)
{
    jsonw_open("candidates", '[');
    for (size_t i = 0; i < e->n_candidates; i++) {
        const struct candidate *c = &e->candidates[i];
        jsonw_open(NULL, '{');
        jsonw_str("route", c->route->name);
        jsonw_str("pattern", pattern_text(&c->route->pattern));
        jsonw_bool("wins", c->wins);
        jsonw_str("why", str_of(c->why));
        put_place(&c->route->place);
        jsonw_close('}');
    }
    jsonw_close(']');
}

static void put_captures(const struct explanation *e)
{
    const struct route *r = mux_route(&e->match);
    struct str name;
    size_t n = 0;

    jsonw_open("captures", '{');
    for (size_t at = 0; r != NULL && pattern_next_name(&r->pattern, &at, &name);)
        jsonw_named(name, e->match.captures[n++]);
    jsonw_close('}');
}

static void put_options(const char *key, const struct explain_option *shown, size_t n)
{
    jsonw_open(key, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_open(NULL, '{');
        jsonw_str("option", str_of(shown[i].name));
        jsonw_str("value", shown[i].value);
        put_place(shown[i].place);
        jsonw_close('}');
    }
    jsonw_close(']');
}

static void put_route(struct subject *s, const struct explanation *e)
{
    const struct route *r = mux_route(&e->match);
    struct explain_option shown[EXPLAIN_OPTIONS_MAX];

    jsonw_str("handler", str_of(r->kind->name));
    jsonw_str("does", explain_deed(e, &s->scratch));
    jsonw_open("filters", '[');
    for (size_t i = 0; i < r->filters.n; i++) {
        jsonw_open(NULL, '{');
        jsonw_str("filter", str_of(r->filters.v[i].kind->name));
        put_options("options", shown, explain_filter(s, &r->filters.v[i], shown));
        jsonw_close('}');
    }
    jsonw_close(']');
    put_options("limits", shown, explain_limits(s, r, shown));
}

void explain_print_json(struct subject *s, const struct explanation *e)
{
    const struct route *route = mux_route(&e->match);
    bool refused = e->ask.status != 0;
    unsigned status = refused ? e->ask.status : e->decision.status;

    jsonw_open(NULL, '{');
    jsonw_str("method", e->method);
    jsonw_str("url", e->url);
    jsonw_str("verdict", str_of(verdict_name(e)));
    if (status != 0)
        jsonw_int("status", status);
    jsonw_str("reason", str_of(refused ? e->ask.reason : e->decision.reason));
    if (!refused) {
        const struct site *site = e->decision.site;
        jsonw_str("host", e->ask.request.host);
        jsonw_str("path", e->ask.request.path);
        jsonw_str("listener", e->listener->name);
        put_listeners("same_on", e->same, e->n_same);
        put_listeners("differs_on", e->differ, e->n_differ);
        jsonw_str("site", site ? site->name : STR_EMPTY);
        jsonw_str("site_host", site ? e->site_host : STR_EMPTY);
        jsonw_str("route", route ? route->name : STR_EMPTY);
        jsonw_str("pattern", route ? pattern_text(&route->pattern) : STR_EMPTY);
        jsonw_str("location", e->location);
        jsonw_str("allow", e->allow);
        put_candidates(e);
        put_captures(e);
        if (e->decision.verdict == VERDICT_ROUTE)
            put_route(s, e);
    }
    jsonw_close('}');
    jsonw_end();
}
