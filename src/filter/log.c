/*
 * log.c - what the access log says of a route's requests. log_request() sets it early, for those
 * that end without a response; log_respond() is for what no route answers. The exchange's loop.
 */
#include "filter/filter.h"

struct log_conf {
    bool access;
};

static const struct option log_options[] = { OPT_BOOL(
                                                 struct log_conf, access, "access", true,
                                                 "Whether the requests are in the access log."),
                                             OPT_END };

static void log_respond(struct exchange *x, const void *conf)
{
    const struct log_conf *l = conf;

    exchange_log(x, l->access, STR_EMPTY);
}

static enum step log_request(struct exchange *x)
{
    log_respond(x, exchange_conf(x));
    return STEP_NEXT;
}

FILTER_KIND(log, .order = 10, .size = sizeof(struct log_conf), .options = log_options,
            .request = log_request, .respond = log_respond,
            .about = "Says what the access log tells of the requests.");
