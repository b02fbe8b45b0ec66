/*
 * exchange_api.c - the plain part of handler/handler.h: what the request says, what the response
 * shall be. Runs on whoever holds the exchange: its loop, or the worker it is lent to. The
 * functions that wait or hand over are in exchange.c and lend.c.
 */
#include "base/check.h"
#include "base/clock.h"
#include "handler/template.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/filebody.h"
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

int64_t exchange_now(const struct exchange *x)
{
    return exchange_on_worker(x) ? clock_mono() : loop_now(&x->engine->loop);
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
static struct body *body_of(struct exchange *x)
{
    return exchange_on_worker(x) || x->reply == NULL ? &x->body : x->reply_body;
}

static void set_body(struct exchange *x, struct body body)
{
    struct body *to = body_of(x);

    exchange_body_drop(x, to);
    *to = body;
}

void exchange_body_bytes(struct exchange *x, struct str bytes)
{
    set_body(x, (struct body){ .kind = BODY_KIND_BYTES, .length = bytes.n, .bytes = bytes });
}

void exchange_body_file(struct exchange *x, struct file *f, uint64_t offset, uint64_t length)
{
    set_body(x, (struct body){ .kind = BODY_KIND_PARTS,
                               .length = length,
                               .file = f,
                               .n_parts = 1,
                               .one = { .offset = offset, .length = length } });
}

void exchange_body_parts(struct exchange *x, struct file *f, const struct part *parts, size_t n)
{
    uint64_t length = 0;

    for (size_t i = 0; i < n; i++)
        length += parts[i].bytes.n + parts[i].length;
    set_body(
        x,
        (struct body){
            .kind = BODY_KIND_PARTS, .length = length, .file = f, .parts = parts, .n_parts = n });
}

void exchange_body_source(struct exchange *x, struct source *s, uint64_t length)
{
    set_body(x, (struct body){ .kind = BODY_KIND_SOURCE, .length = length, .source = s });
}

uint64_t exchange_body_length(const struct exchange *x)
{
    const struct body *b = body_of((struct exchange *)x);

    return b->kind == BODY_KIND_NONE ? 0 : b->length;
}

static ssize_t taken_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    (void)s;
    return filebody_read(x, &x->taken, buf, n);
}

static void taken_done(struct source *s, struct exchange *x)
{
    (void)s;
    exchange_body_drop(x, &x->taken);
}

/* A response is taken from once by each filter, and all but the first find a source: one is enough.
 */
struct source *exchange_take_body(struct exchange *x)
{
    struct body *b = body_of(x), was = *b;

    b->kind = BODY_KIND_NONE;
    switch (was.kind) {
    case BODY_KIND_NONE:
        return NULL;
    case BODY_KIND_SOURCE:
        return was.source;
    case BODY_KIND_BYTES:
        was.one = (struct part){ .bytes = was.bytes };
        was.n_parts = 1;
        was.kind = BODY_KIND_PARTS;
        break;
    case BODY_KIND_PARTS:
        break;
    }
    check(x->taken.kind == BODY_KIND_NONE);
    x->taken = was;
    x->taken_source = (struct source){ .pull = taken_pull, .done = taken_done };
    return &x->taken_source;
}
