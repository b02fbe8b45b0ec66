/*
 * exchange_api.c - the plain part of handler/handler.h: what the request says, what the response
 * shall be. Runs on whoever holds the exchange: its loop, or the worker it is lent to. The
 * functions that wait or hand over are in exchange.c and lend.c.
 */
#include "server/exchange.h"

const struct request *exchange_request(const struct exchange *x)
{
    return &x->request;
}

struct str exchange_rest(const struct exchange *x)
{
    return str_from(x->request.path, x->route->prefix.n);
}

struct str exchange_capture(const struct exchange *x, struct str name)
{
    struct str known;

    for (size_t i = 0, at = 0; pattern_next_name(&x->route->pattern, &at, &known); i++)
        if (str_eq(known, name))
            return x->match.captures[i];
    return STR_EMPTY;
}

struct str exchange_peer(const struct exchange *x)
{
    struct exchange *mine = (struct exchange *)x; /* a cache; the caller holds the exchange */

    if (x->peer[0] == '\0')
        conn_peer_text(x->conn, mine->peer);
    return str_of(x->peer);
}

struct str exchange_route_name(const struct exchange *x)
{
    return x->route ? x->route->name : STR_EMPTY;
}

int64_t exchange_time(const struct exchange *x)
{
    return x->wall / NSEC_PER_SEC;
}

/* A worker has `response` and never looks at `reply`, which is the loop's; to a filter on the loop
 * the response is the one about to be sent, be it the late one of a lent exchange. */
struct response *exchange_response(struct exchange *x)
{
    if (exchange_on_worker(x))
        return &x->response;
    return x->reply != NULL ? x->reply : &x->response;
}

struct arena *exchange_arena(struct exchange *x)
{
    return exchange_response(x)->arena;
}

const void *exchange_conf(const struct exchange *x)
{
    return x->conf;
}

void exchange_set_state(struct exchange *x, void *state)
{
    x->step_state = state;
}

void *exchange_state(const struct exchange *x)
{
    return x->step_state;
}

/* As with exchange_response(). */
static void set_body(struct exchange *x, struct body body)
{
    struct body *to = exchange_on_worker(x) || x->reply == NULL ? &x->body : x->reply_body;

    exchange_body_drop(x, to);
    *to = body;
}

void exchange_body_bytes(struct exchange *x, struct str bytes)
{
    set_body(x, (struct body){ .kind = BODY_KIND_BYTES, .length = bytes.n, .bytes = bytes });
}

void exchange_body_file(struct exchange *x, int fd, uint64_t offset, uint64_t length)
{
    set_body(x,
             (struct body){ .kind = BODY_KIND_FILE, .length = length, .fd = fd, .offset = offset });
}

void exchange_body_source(struct exchange *x, struct source *s, uint64_t length)
{
    set_body(x, (struct body){ .kind = BODY_KIND_SOURCE, .length = length, .source = s });
}
