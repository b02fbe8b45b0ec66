/* failing.c - handlers that fail: with a status, without memory, after setting other things. */
#include "tally.h"

struct failing {
    int64_t status;
};

static enum step fail_handle(struct exchange *x)
{
    const struct failing *conf = exchange_conf(x);

    /* What was set before must not be seen. */
    (void)!response_add(exchange_response(x), STR("X-Before"), STR("1"));
    exchange_body_bytes(x, STR("before"));
    return exchange_fail(x, (unsigned)conf->status, "test");
}

static const struct option fail_options[] = {
    OPT_INT(struct failing, status, "status", 500, 400, 599, "Of the answer."), OPT_END
};
HANDLER_KIND(test_fail, .size = sizeof(struct failing), .options = fail_options,
             .handle = fail_handle, .about = "Fails.");

static enum step nomem_handle(struct exchange *x)
{
    while (arena_alloc(exchange_arena(x), 1000) != NULL)
        ;
    exchange_response(x)->status = 200;
    return STEP_DONE;
}

HANDLER_KIND(test_nomem, .handle = nomem_handle, .about = "Uses up the exchange's memory.");

/* A handler that forgets the status. */
static enum step nothing_handle(struct exchange *x)
{
    (void)x;
    return STEP_DONE;
}

HANDLER_KIND(test_nothing, .handle = nothing_handle, .about = "Sets no response.");
