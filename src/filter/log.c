/*
 * log.c - what the access log says of a route's requests. log_request() sets it early, for those
 * that end without a response; log_respond() is for what no route answers. log_check(): the
 * loader's thread; the rest: the exchange's loop.
 */
#include "filter/filter.h"
#include "handler/template.h"

struct log_conf {
    bool access;
    struct str note;
    struct template compiled; /* of `note`; log_check() */
};

static const struct option log_options[] = {
    OPT_BOOL(struct log_conf, access, "access", true,
             "Whether the requests are in the access log."),
    OPT_STR(struct log_conf, note, "note", NULL,
            "Text for their lines, with variables: the member \"note\" in the format json, in the "
            "other one note=\"...\" at the end. Without it there is none."),
    OPT_END
};

static void log_check(struct option_check *c, void *conf)
{
    const struct log_conf *outer = c->outer;
    struct log_conf *l = conf;

    if (outer != NULL && l->note.p == outer->note.p) /* what it says, it says of its own level */
        l->compiled = outer->compiled;
    else if (l->note.n > 0)
        template_compile(c, "note", l->note, TEMPLATE_PLAIN, &l->compiled);
}

static bool log_same(const void *a, const void *b)
{
    const struct log_conf *l = a, *m = b;

    return template_same(&l->compiled, &m->compiled);
}

static void tell(struct exchange *x, const struct log_conf *l, const struct routed *routed)
{
    struct str note = STR_EMPTY;

    if (l->access && l->note.n > 0)
        note = template_expand(&l->compiled, routed, exchange_arena(x));
    exchange_log(x, l->access, note);
}

static enum step log_request(struct exchange *x)
{
    struct routed routed;

    exchange_routed(x, &routed);
    tell(x, exchange_conf(x), &routed);
    return STEP_NEXT;
}

static void log_respond(struct exchange *x, const void *conf)
{
    struct routed routed;

    exchange_routed(x, &routed);
    if (routed.pattern == NULL)
        tell(x, conf, &routed);
}

FILTER_KIND(log, .order = 10, .size = sizeof(struct log_conf), .options = log_options,
            .check = log_check, .same = log_same, .request = log_request, .respond = log_respond,
            .about = "Says what the access log tells of the requests.");
