/*
 * echo.c - tells the client what it sent: a description of the request, or the request body as it
 * came. Neither holds the body in memory. What a description quotes cannot be taken for more than
 * text: JSON strings are escaped, bytes that are not UTF-8 become U+FFFD there; in plain text
 * control bytes become \xNN. The exchange's loop or worker; sources on the loop; it never blocks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/json.h"
#include "handler/handler.h"
#include "http/accept.h"

enum { ECHO_DESCRIBE, ECHO_BODY };
static const char *const echo_modes[] = { "describe", "body", NULL };

struct echo {
    int64_t mode;
};

static const struct option echo_options[] = {
    OPT_ENUM(struct echo, mode, "mode", "describe", echo_modes,
             "\"describe\" answers with the request's method, target, path, query, host, peer, "
             "route, fields and the number of bytes in its body, as text or, if Accept prefers it, "
             "as JSON. This shows what clients, and proxies before the server, have sent, "
             "credentials among it. \"body\" streams the body of the request back as it arrives, "
             "with its Content-Type."),
    OPT_END
};

#define ECHO_MAGIC 0xec40ec40u

struct echo_state {
    uint32_t magic;
    struct source source;
    uint64_t total; /* body bytes read, ECHO_DESCRIBE */
    /* ECHO_BODY: the begin of the body, read before the head is sent, so that a body that is
     * refused is answered with a status, and a client that waits for 100 (Continue) gets it. */
    struct str first; /* what is left of first_bytes */
    char first_bytes[512];
};

/* ---- writing: twice the same, the first time (p is NULL) only to learn the length */

struct out {
    char *p;
    size_t n;
};

static void put(struct out *o, struct str s)
{
    if (o->p != NULL && s.n)
        memcpy(o->p + o->n, s.p, s.n);
    o->n += s.n;
}

static void put_text(struct out *o, struct str s)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char escape[] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
        if (c < 0x20 || c == 0x7f)
            put(o, str_make(escape, sizeof escape));
        else
            put(o, str_make(s.p + i, 1));
    }
}

static void put_json(struct out *o, struct str s)
{
    char c[JSON_CHAR_MAX];

    put(o, STR("\""));
    while (s.n)
        put(o, str_make(c, json_take(&s, c)));
    put(o, STR("\""));
}

/* ---- describing */

struct description {
    struct {
        struct str name, value;
    } rows[7];
    size_t n_rows;
    char total[24];
    const struct request *request;
};

static void add_row(struct description *d, struct str name, struct str value)
{
    check(d->n_rows < array_len(d->rows));
    d->rows[d->n_rows].name = name;
    d->rows[d->n_rows++].value = value;
}

static void put_description(struct out *o, const struct description *d)
{
    const struct request *q = d->request;

    for (size_t i = 0; i < d->n_rows; i++) {
        put(o, d->rows[i].name);
        put(o, STR(": "));
        put_text(o, d->rows[i].value);
        put(o, STR("\n"));
    }
    put(o, STR("body: "));
    put(o, str_of(d->total));
    put(o, STR(" bytes\n\n"));
    for (size_t i = 0; i < q->n_fields; i++) {
        put_text(o, q->fields[i].name);
        put(o, STR(": "));
        put_text(o, q->fields[i].value);
        put(o, STR("\n"));
    }
}

static void put_json_description(struct out *o, const struct description *d)
{
    const struct request *q = d->request;

    put(o, STR("{"));
    for (size_t i = 0; i < d->n_rows; i++) {
        put_json(o, d->rows[i].name);
        put(o, STR(":"));
        put_json(o, d->rows[i].value);
        put(o, STR(","));
    }
    put(o, STR("\"body\":"));
    put(o, str_of(d->total));
    put(o, STR(",\"fields\":["));
    for (size_t i = 0; i < q->n_fields; i++) {
        put(o, i ? STR(",[") : STR("["));
        put_json(o, q->fields[i].name);
        put(o, STR(","));
        put_json(o, q->fields[i].value);
        put(o, STR("]"));
    }
    put(o, STR("]}\n"));
}

/* Fields of both kinds of answer: it is made for one client, and not to be guessed at. */
static void answer(struct response *r)
{
    r->status = 200;
    response_add_checked(r, STR("X-Content-Type-Options"), STR("nosniff"));
    response_add_checked(r, STR("Cache-Control"), STR("no-store"));
}

static enum step describe(struct exchange *x, uint64_t total)
{
    const struct request *q = exchange_request(x);
    struct response *r = exchange_response(x);
    struct description d = { .request = q };
    struct out o = { NULL, 0 };
    bool json =
        accept_type(q, STR("application/json")).quality > accept_type(q, STR("text/plain")).quality;
    void (*const put_all)(struct out *, const struct description *) =
        json ? put_json_description : put_description;

    add_row(&d, STR("method"), q->method_token);
    add_row(&d, STR("target"), q->target);
    add_row(&d, STR("path"), q->path);
    if (q->has_query)
        add_row(&d, STR("query"), q->query);
    add_row(&d, STR("host"), q->host);
    add_row(&d, STR("peer"), exchange_peer(x));
    add_row(&d, STR("route"), exchange_route_name(x));
    snprintf(d.total, sizeof d.total, "%" PRIu64, total);
    put_all(&o, &d);
    o = (struct out){ arena_alloc(exchange_arena(x), o.n), 0 };
    if (o.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    put_all(&o, &d);
    answer(r);
    response_add_checked(r, STR("Content-Type"),
                         json ? STR("application/json") : STR("text/plain; charset=utf-8"));
    response_add_checked(r, STR("Vary"), STR("Accept"));
    exchange_body_bytes(x, str_make(o.p, o.n));
    return STEP_DONE;
}

static enum step count_body(struct exchange *x)
{
    struct echo_state *s = exchange_state(x);
    char part[KIB(8)];
    ssize_t n;

    while ((n = exchange_read(x, part, sizeof part)) > 0)
        s->total += (uint64_t)n;
    if (n == -EAGAIN)
        return exchange_await_body(x, count_body);
    return n < 0 ? exchange_read_failed(x, (int)n) : describe(x, s->total);
}

/* ---- streaming */

static ssize_t pull(struct source *source, struct exchange *x, void *buf, size_t n)
{
    struct echo_state *s = container_of(source, struct echo_state, source);

    check_magic(s, ECHO_MAGIC);
    if (s->first.n == 0)
        return exchange_read(x, buf, n);
    n = min_of(n, s->first.n);
    memcpy(buf, s->first.p, n);
    s->first = str_from(s->first, n);
    return (ssize_t)n;
}

static enum step send_body(struct exchange *x)
{
    struct echo_state *s = exchange_state(x);
    const struct request *q = exchange_request(x);
    const struct field *type = request_field(q, FIELD_CONTENT_TYPE);
    struct response *r = exchange_response(x);
    ssize_t n = exchange_read(x, s->first_bytes, sizeof s->first_bytes);

    if (n == -EAGAIN)
        return exchange_await_body(x, send_body);
    if (n < 0)
        return exchange_read_failed(x, (int)n);
    answer(r);
    if (type != NULL)
        response_add(r, STR("Content-Type"), type->value);
    if (n > 0) {
        s->first = str_make(s->first_bytes, (size_t)n);
        exchange_body_source(x, &s->source, q->body_length);
    }
    return STEP_DONE;
}

static enum step echo_handle(struct exchange *x)
{
    const struct echo *conf = exchange_conf(x);
    struct echo_state *s = arena_alloc(exchange_arena(x), sizeof *s);

    if (s == NULL)
        return exchange_fail(x, 503, "no_memory");
    s->magic = ECHO_MAGIC;
    s->source = (struct source){ .pull = pull };
    s->total = 0;
    s->first = STR_EMPTY;
    exchange_set_state(x, s);
    return conf->mode == ECHO_BODY ? send_body(x) : count_body(x);
}

static struct str echo_explain(const void *conf, const struct routed *r, struct arena *a)
{
    const struct echo *echo = conf;

    (void)r, (void)a;
    return echo->mode == ECHO_BODY ? STR("200, the body of the request")
                                   : STR("200, a description of the request");
}

HANDLER_KIND(echo, .size = sizeof(struct echo), .options = echo_options, .handle = echo_handle,
             .explain = echo_explain,
             .about = "Tells the client what it sent; for tests of clients and proxies.");
