/*
 * respond.c - a fixed answer. All is decided when the config is loaded, so that a request costs one
 * field and one pointer. respond_check(): the loader's thread; respond_handle(): the exchange's
 * loop or worker; it never blocks.
 */
#include "handler/handler.h"

struct respond {
    int64_t status;
    struct str body; /* empty where the status has none */
    struct str type;
};

static const struct option respond_options[] = {
    OPT_INT(struct respond, status, "status", 200, 200, 599, "Status of the reply."),
    OPT_STR(
        struct respond, body, "body", "",
        "Body of the reply, sent as it stands here. Must be empty with status 204, 205 and 304, "
        "which have none."),
    OPT_STR(struct respond, type, "type", "text/plain; charset=utf-8",
            "Content-Type of the body. Not sent when the body is empty, or when this is \"\"."),
    OPT_END
};

static void respond_check(struct option_check *c, void *conf)
{
    struct respond *r = conf;
    unsigned status = (unsigned)r->status;

    if (r->body.n && (!status_has_body(status) || status == 205))
        option_error(c, "body", "a reply with status %u has no body", status);
    if (response_check(STR("Content-Type"), r->type) < 0)
        option_error(c, "type", "not a field value: it holds a control byte");
}

static enum step respond_handle(struct exchange *x)
{
    const struct respond *conf = exchange_conf(x);
    struct response *r = exchange_response(x);

    r->status = (unsigned)conf->status;
    if (conf->body.n) {
        if (conf->type.n)
            response_add_checked(r, STR("Content-Type"), conf->type);
        exchange_body_bytes(x, conf->body);
    }
    return STEP_DONE;
}

HANDLER_KIND(respond, .size = sizeof(struct respond), .options = respond_options,
             .check = respond_check, .handle = respond_handle,
             .about = "Answers every request with the same status and body.");
