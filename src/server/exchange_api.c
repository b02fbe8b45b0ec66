/*
 * exchange_api.c - the plain part of handler/handler.h: what the request says, what the response
 * shall be. Runs on whoever holds the exchange: its loop, or the worker it is lent to. The
 * functions that wait or hand over are in exchange.c and lend.c.
 */
#include "handler/template.h"
#include "server/exchange.h"
#include "server/registry.h"

const struct request *exchange_request(const struct exchange *x)
{
    return &x->request;
}

struct str exchange_rest(const struct exchange *x)
{
    return str_from(x->request.path, x->route->pattern.prefix_n);
}

void exchange_routed(const struct exchange *x, struct routed *ret)
{
    *ret = (struct routed){ .request = &x->request };
    if (x->route != NULL) {
        ret->pattern = &x->route->pattern;
        ret->prefix = pattern_prefix(&x->route->pattern);
        ret->captures = x->match.captures;
    }
}

struct str exchange_peer(const struct exchange *x)
{
    struct exchange *mine = (struct exchange *)x; /* a cache; the caller holds the exchange */

    if (x->peer[0] == '\0')
        conn_peer_text(x->conn, mine->peer);
    return str_of(x->peer);
}

size_t exchange_peer_address(const struct exchange *x, unsigned char ret[16])
{
    const struct sockaddr *sa = &x->conn->peer.sa;
    const struct in6_addr *in6 = &x->conn->peer.in6.sin6_addr;

    if (sa->sa_family == AF_INET) {
        memcpy(ret, &x->conn->peer.in.sin_addr, 4);
        return 4;
    }
    if (sa->sa_family != AF_INET6)
        return 0;
    bool mapped = IN6_IS_ADDR_V4MAPPED(in6);
    memcpy(ret, in6->s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    return mapped ? 4 : 16;
}

void exchange_bound_time(struct exchange *x, int64_t time)
{
    x->timeouts.handler = time;
    x->timed = true;
}

void *exchange_shared(const struct exchange *x)
{
    return route_shared(x->route->state, x->route->filters.v[x->next_filter - 1].kind);
}

void exchange_log(struct exchange *x, bool wanted, struct str note)
{
    x->unlogged = !wanted;
    x->note = note;
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
