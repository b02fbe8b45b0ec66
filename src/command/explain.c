/*
 * explain.c - `muxd explain`: what answers a request, and why. The request goes through the
 * server's parser and decide(); what else is told of it is found out here. The thread of main().
 */
#include "command/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "command/value.h"
#include "handler/template.h"

/* ---- candidates */

static bool serves(const struct pattern *p, const struct request *r)
{
    return !p->has_method || str_eq(pattern_method(p), r->method_token) ||
           (p->method == METHOD_GET && r->method == METHOD_HEAD);
}

/* What each candidate is, the winner being known, or NULL. */
static const char *why(const struct explanation *e, const struct route *r, bool exact)
{
    const struct route *winner = mux_route(&e->match);

    if (r == winner)
        return e->decision.verdict == VERDICT_ROUTE ? "wins" : "wins once the path is clean";
    if (!serves(&r->pattern, &e->ask.request))
        return "other method";
    if (!exact)
        return e->match.add_slash ? "the redirect leads to it" : "needs a slash at the end";
    if (winner == NULL)
        return "the redirect leads to a more specific path";
    if (pattern_compare_hosts(&r->pattern, &winner->pattern) != RELATION_EQUAL)
        return "less specific host";
    if (pattern_compare_paths(&r->pattern, &winner->pattern) != RELATION_EQUAL)
        return "less specific path";
    return "less specific method";
}

/* All routes that match but for the method, and those that do with a slash behind the path. */
static bool find_candidates(struct explanation *e, struct arena *arena)
{
    const struct request *r = &e->ask.request;
    const struct site *s = e->decision.site;
    enum verdict d = e->decision.verdict;
    struct mux_candidates all;
    const struct route *route;
    bool slash;

    if (d == VERDICT_UNKNOWN_HOST || d == VERDICT_UNSUPPORTED || d == VERDICT_SERVER)
        return true;
    e->candidates = arena_array(arena, max_of(s->n_routes, (size_t)1), sizeof *e->candidates);
    if (e->candidates == NULL)
        return false;
    mux_candidates(s->mux, r->host, r->path, &all);
    while ((route = mux_candidates_next(&all, &slash)) != NULL)
        e->candidates[e->n_candidates++] =
            (struct candidate){ route, route == mux_route(&e->match), why(e, route, !slash) };
    return true;
}

/* ---- the site */

static void find_host(struct explanation *e)
{
    const struct site *s = e->decision.site;
    struct str host = e->ask.request.host;

    e->site_host = STR("*");
    e->site_by = "catch-all";
    for (size_t i = 0; s != NULL && i < s->hosts.n; i++) {
        struct str h = s->hosts.v[i];
        if (str_eq(h, host)) {
            e->site_host = h;
            e->site_by = "exact host";
            return;
        }
        if (str_starts(h, STR("*.")) && str_ends(host, str_from(h, 1)) &&
            (h.n > e->site_host.n || e->site_host.n == 1)) {
            e->site_host = h;
            e->site_by = "wildcard";
        }
    }
}

/* ---- what counts for the route's requests */

struct str explain_deed(const struct explanation *e, struct arena *arena)
{
    const struct route *r = mux_route(&e->match);

    if (e->decision.verdict != VERDICT_ROUTE || r->kind->explain == NULL)
        return STR_EMPTY;
    struct routed routed = { .request = &e->ask.request,
                             .pattern = &r->pattern,
                             .prefix = pattern_prefix(&r->pattern),
                             .captures = e->match.captures };
    return r->kind->explain(r->conf, &routed, arena);
}

static bool is_shown(const struct explain_option *shown, size_t n, const struct option *o)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(shown[i].name, o->name) == 0)
            return true;
    return false;
}

size_t explain_filter(struct subject *s, const struct filter_use *use,
                      struct explain_option shown[EXPLAIN_OPTIONS_MAX])
{
    size_t n = 0;

    enum origin_level level;

    for (const void *own = use->conf; own != NULL; own = origins_outer(&s->origins, own, &level))
        for (const struct option *o = use->kind->options; o != NULL && o->name != NULL; o++) {
            const struct place *p = origins_find(&s->origins, own, o);
            if (p == NULL || n == EXPLAIN_OPTIONS_MAX ||
                (use->kind->merge == NULL && is_shown(shown, n, o)))
                continue;
            shown[n++] = (struct explain_option){ o->name, value_text(o, own, &s->scratch), p };
        }
    return n;
}

/* The option of the route's filter `limits`, if it is given there. */
static bool own_limit(struct subject *s, const struct route *r, const char *name,
                      struct explain_option *ret)
{
    struct explain_option shown[EXPLAIN_OPTIONS_MAX];

    for (size_t i = 0; i < r->filters.n; i++) {
        if (strcmp(r->filters.v[i].kind->name, "limits") != 0)
            continue;
        size_t n = explain_filter(s, &r->filters.v[i], shown);
        for (size_t j = 0; j < n; j++)
            if (strcmp(shown[j].name, name) == 0) {
                *ret = shown[j];
                return true;
            }
    }
    return false;
}

static struct explain_option of_section(struct subject *s, const struct option *table,
                                        const char *name, const void *own)
{
    const struct option *o = value_option(table, name);

    return (struct explain_option){ name, value_text(o, own, &s->scratch),
                                    origins_find(&s->origins, own, o) };
}

size_t explain_limits(struct subject *s, const struct route *r,
                      struct explain_option shown[EXPLAIN_OPTIONS_MAX])
{
    static const char *const more[] = { "requests", "queue", "queue_time" };
    struct config *c = s->config;
    size_t n = 0;

    if (!own_limit(s, r, "body", &shown[n]))
        shown[n] = of_section(s, limits_options, "body", &c->limits);
    shown[n++].name = "body";
    if (!own_limit(s, r, "time", &shown[n]))
        shown[n] = of_section(s, timeouts_options, "handler", &c->timeouts);
    shown[n++].name = "time";
    for (size_t i = 0; i < array_len(more); i++)
        n += own_limit(s, r, more[i], &shown[n]);
    struct route_conf conf = value_route(r);
    for (const struct option *o = route_options; o->name != NULL; o++) {
        const struct place *p = origins_find(&s->origins, r, o);
        if (p != NULL && strcmp(o->name, "match") != 0)
            shown[n++] = (struct explain_option){ o->name, value_text(o, &conf, &s->scratch), p };
    }
    return n;
}

/* ---- asking */

static bool same_answer(const struct decision *a, const struct mux_match *m,
                        const struct decision *b, const struct mux_match *n)
{
    return a->verdict == b->verdict && a->site == b->site && m->route == n->route &&
           m->add_slash == n->add_slash;
}

static bool decide_all(struct explanation *e, struct subject *s, struct arena *arena, bool only_one)
{
    const struct config *c = s->config;
    const struct request *r = &e->ask.request;

    e->decision = decide(e->listener, r, &e->match);
    e->same = arena_array(arena, c->n_listeners, sizeof(struct conf_listener *));
    e->differ = arena_array(arena, c->n_listeners, sizeof(struct conf_listener *));
    if (e->same == NULL || e->differ == NULL)
        return false;
    for (size_t i = 0; i < c->n_listeners && !only_one; i++) {
        struct mux_match match;
        if (&c->listeners[i] == e->listener)
            continue;
        struct decision d = decide(&c->listeners[i], r, &match);
        if (same_answer(&d, &match, &e->decision, &e->match))
            e->same[e->n_same++] = &c->listeners[i];
        else
            e->differ[e->n_differ++] = &c->listeners[i];
    }
    if (e->decision.verdict == VERDICT_REDIRECT)
        e->location = decide_location(&e->match, r, arena);
    if (e->decision.verdict == VERDICT_OTHER_METHOD)
        e->allow = decide_allow(&e->decision, r, arena);
    find_host(e);
    return find_candidates(e, arena);
}

/* Answers one request. What is wrong with the command line, or NULL. */
static const char *explain(struct subject *s, const struct arguments *args, struct str method,
                           struct str url, const char *const *fields, size_t n_fields)
{
    const struct config *c = s->config;
    struct explanation e = { .method = method, .url = url, .listener = &c->listeners[0] };

    if (args->listener != NULL)
        e.listener = subject_listener(s, str_of(args->listener));
    const char *wrong =
        ask_make(&e.ask, method, url, fields, n_fields, &c->head_limits, &s->scratch);
    if (wrong == NULL && e.ask.status == 0 &&
        !decide_all(&e, s, &s->scratch, args->listener != NULL))
        wrong = "not enough memory";
    if (wrong == NULL && args->json)
        explain_print_json(s, &e);
    else if (wrong == NULL)
        explain_print(s, &e);
    return wrong;
}

/* Each line: METHOD URL [HOST]. */
static const char *explain_lines(struct subject *s, const struct arguments *args)
{
    const char *wrong = NULL;
    size_t size = 0, number = 0;
    char *line = NULL;
    ssize_t n;

    while (wrong == NULL && (n = getline(&line, &size, stdin)) > 0) {
        const char *fields[COMMAND_FIELDS_MAX + 1];
        struct str words[3], rest = str_trim(str_make(line, (size_t)n - (line[n - 1] == '\n')));
        size_t n_words = 0, n_fields = args->n_fields;

        number++;
        memcpy(fields, args->fields, sizeof args->fields);
        while (rest.n != 0 && n_words < array_len(words)) {
            words[n_words++] = str_cut(&rest, ' ');
            rest = str_trim(rest);
        }
        if (n_words == 0)
            continue;
        if (n_words == 1 || rest.n != 0) {
            wrong =
                arena_printf(&s->arena, "line %zu: it is not spelled METHOD URL [HOST]", number).p;
            break;
        }
        struct str host =
            n_words == 3 ? arena_printf(&s->scratch, "Host: %.*s", str_fmt(words[2])) : STR_EMPTY;
        if (host.p != NULL)
            fields[n_fields++] = host.p;
        wrong = explain(s, args, words[0], words[1], fields, n_fields);
        if (wrong != NULL)
            wrong = arena_printf(&s->arena, "line %zu: %s", number, wrong).p;
        arena_reset(&s->scratch);
    }
    free(line);
    return wrong;
}

static const char *no_listener(struct subject *s)
{
    struct str text = STR("there is no such listener; there are");

    for (size_t i = 0; i < s->config->n_listeners; i++)
        text = arena_printf(&s->arena, "%.*s%s %.*s", str_fmt(text), i > 0 ? "," : "",
                            str_fmt(s->config->listeners[i].name));
    return text.n > 0 ? text.p : "not enough memory";
}

int command_explain(const struct arguments *args)
{
    bool lines = strcmp(args->words[0], "-") == 0 && args->n_words == 1;
    const char *wrong = NULL;
    struct subject s;

    if (!lines && args->n_words != 2) {
        fprintf(stderr, "muxd: explain: expected METHOD URL, or -\n");
        return EX_USAGE;
    }
    int status = subject_load(&s, args->file, SUBJECT_ORIGINS);
    if (status == EX_OK && args->listener != NULL &&
        subject_listener(&s, str_of(args->listener)) == NULL)
        wrong = no_listener(&s);
    else if (status == EX_OK && lines)
        wrong = explain_lines(&s, args);
    else if (status == EX_OK)
        wrong = explain(&s, args, str_of(args->words[0]), str_of(args->words[1]), args->fields,
                        args->n_fields);
    if (wrong != NULL) {
        fprintf(stderr, "muxd: explain: %s\n", wrong);
        status = EX_USAGE;
    }
    subject_done(&s);
    return status;
}
