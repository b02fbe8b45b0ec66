/*
 * respond.c - a fixed answer, but for the variables in its body. All else is decided when the
 * config is loaded, so that a request costs one field and one pointer. respond_check(): the
 * loader's thread; respond_handle(): the exchange's loop or worker; it never blocks.
 */
#include "handler/handler.h"
#include "handler/template.h"

struct respond {
    int64_t status;
    struct str body; /* empty where the status has none */
    struct str type;
    struct template compiled; /* `body`; set by respond_check() */
};

static const struct option respond_options[] = {
    OPT_INT(struct respond, status, "status", 200, 200, 599, "Status of the reply."),
    OPT_STR(struct respond, body, "body", "",
            "Body of the reply. It may hold variables, as in \"no shop {name}\\n\", which are "
            "escaped as its type demands; \"{{\" and \"}}\" are braces. Must be empty with status "
            "204, 205 and 304, which have none."),
    OPT_STR(struct respond, type, "type", "text/plain; charset=utf-8",
            "Content-Type of the body. Not sent when the body is empty, or when this is \"\"; then "
            "the body may not hold variables."),
    OPT_END
};

static bool is_one_of(struct str s, const struct str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(s, list[i]))
            return true;
    return false;
}

static bool ends_in(struct str s, struct str suffix)
{
    return s.n > suffix.n && str_ieq(str_from(s, s.n - suffix.n), suffix);
}

/* "text/html" of "text/html; charset=utf-8" */
static struct str media_type(struct str type)
{
    return str_trim(str_head(type, str_chr(type, ';')));
}

static enum template_use use_of(struct str type)
{
    static const struct str markup[] = {
        { "text/html", 9 },
        { "text/xml", 8 },
        { "application/xml", 15 },
        { "text/xsl", 8 },
    };
    static const struct str script[] = {
        { "application/json", 16 },         { "text/json", 9 },
        { "application/javascript", 22 },   { "text/javascript", 15 },
        { "application/x-javascript", 24 }, { "text/x-javascript", 17 },
        { "application/ecmascript", 22 },   { "text/ecmascript", 15 },
        { "application/x-ndjson", 20 },     { "text/jscript", 12 },
    };
    struct str media = media_type(type);

    if (is_one_of(media, markup, array_len(markup)) || ends_in(media, STR("+xml")))
        return TEMPLATE_HTML;
    if (is_one_of(media, script, array_len(script)) || ends_in(media, STR("+json")))
        return TEMPLATE_JSON;
    return TEMPLATE_PLAIN;
}

static void respond_check(struct option_check *c, void *conf)
{
    struct respond *r = conf;
    unsigned status = (unsigned)r->status;

    if (r->body.n && (!status_has_body(status) || status == 205))
        option_error(c, "body", "a reply with status %u has no body", status);
    if (response_check(STR("Content-Type"), r->type) < 0)
        option_error(c, "type", "not a field value: it holds a control byte");
    /* Of most bodies, which have no braces, it need not be known. */
    bool plain = str_chr(r->body, '{') == r->body.n && str_chr(r->body, '}') == r->body.n;
    enum template_use use = plain ? TEMPLATE_PLAIN : use_of(r->type);
    template_compile(c, "body", r->body, use, &r->compiled);
    if (!r->compiled.constant && r->type.n == 0)
        option_error(c, "type",
                     "a body with variables needs a type, which says how they are escaped");
}

static enum step respond_handle(struct exchange *x)
{
    const struct respond *conf = exchange_conf(x);
    struct response *r = exchange_response(x);
    struct str body = conf->compiled.text;

    if (!conf->compiled.constant) {
        struct routed routed;
        exchange_routed(x, &routed);
        body = template_expand(&conf->compiled, &routed, exchange_arena(x));
        if (body.p == NULL)
            return exchange_fail(x, 503, "no_memory");
        /* What the client said stands in it, so its type is not to be guessed at. */
        response_add_checked(r, STR("X-Content-Type-Options"), STR("nosniff"));
    }
    r->status = (unsigned)conf->status;
    if (body.n) {
        if (conf->type.n)
            response_add_checked(r, STR("Content-Type"), conf->type);
        exchange_body_bytes(x, body);
    }
    return STEP_DONE;
}

static bool respond_escapes(const void *conf)
{
    const struct respond *r = conf;

    return !r->compiled.constant;
}

static struct str respond_explain(const void *conf, const struct routed *r, struct arena *a)
{
    const struct respond *respond = conf;
    unsigned status = (unsigned)respond->status;
    struct str body = template_expand(&respond->compiled, r, a);
    struct str media = media_type(respond->type);

    if (body.p == NULL)
        return body;
    if (body.n == 0)
        return arena_printf(a, "%u without a body", status);
    return arena_printf(a, "%u, %zu byte%s%s%.*s", status, body.n, body.n == 1 ? "" : "s",
                        media.n ? " of " : "", str_fmt(media));
}

HANDLER_KIND(
    respond, .size = sizeof(struct respond), .options = respond_options, .check = respond_check,
    .handle = respond_handle, .explain = respond_explain, .escapes = respond_escapes,
    .about =
        "Answers every request with the same status, and the same body but for variables in it.");
