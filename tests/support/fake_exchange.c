/* fake_exchange.c - see fake_exchange.h. One thread, but for what it says there. */
#include "support/fake_exchange.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "event/file.h"
#include "http/path.h"

/* ---- the request */

const struct request *exchange_request(const struct exchange *x)
{
    return &x->request;
}

struct str exchange_rest(const struct exchange *x)
{
    return str_from(x->request.path, x->prefix.n);
}

void exchange_routed(const struct exchange *x, struct routed *ret)
{
    *ret = (struct routed){ .request = &x->request,
                            .pattern = &x->pattern,
                            .prefix = x->prefix,
                            .captures = x->match.captures };
}

struct str exchange_peer(const struct exchange *x)
{
    return x->peer;
}

size_t exchange_peer_address(const struct exchange *x, unsigned char ret[16])
{
    memcpy(ret, x->address, x->address_n);
    return x->address_n;
}

enum step exchange_bound_body(struct exchange *x, uint64_t max)
{
    x->body_max = max;
    return x->request.body_length != BODY_LENGTH_UNKNOWN && x->request.body_length > max
               ? exchange_fail(x, 413, "body_too_large")
               : STEP_NEXT;
}

void exchange_bound_time(struct exchange *x, int64_t time)
{
    x->time_max = time;
}

void *exchange_shared(const struct exchange *x)
{
    return x->shared;
}

void exchange_log(struct exchange *x, bool wanted, struct str note)
{
    x->unlogged = !wanted;
    x->note = note;
}

struct str exchange_route_name(const struct exchange *x)
{
    return x->route;
}

int64_t exchange_time(const struct exchange *x)
{
    return x->time;
}

int64_t exchange_now(const struct exchange *x)
{
    return clock_mono() + x->ahead;
}

/* Whether something new came: another piece, or what stands behind the last. */
static bool body_arrives(struct exchange *x)
{
    if (x->arrived > x->n_pieces)
        return false;
    x->arrived++;
    return true;
}

ssize_t exchange_read(struct exchange *x, void *buf, size_t n)
{
    x->reads++;
    if (atomic_load(&x->cancelled))
        return -ECANCELED;
    for (;;) {
        while (x->piece < x->n_pieces && x->at == x->pieces[x->piece].n) {
            x->piece++;
            x->at = 0;
        }
        if (x->piece < x->arrived || x->n_pieces == 0)
            break;
        if (!x->worker || !body_arrives(x))
            return -EAGAIN;
    }
    if (x->piece == x->n_pieces)
        return x->body_error;
    struct str left = str_from(x->pieces[x->piece], x->at);
    n = min_of(n, left.n);
    if (x->read_size)
        n = min_of(n, x->read_size);
    memcpy(buf, left.p, n);
    x->at += n;
    return (ssize_t)n;
}

enum step exchange_read_failed(struct exchange *x, int error)
{
    switch (-error) {
    case ETIMEDOUT:
        return exchange_fail(x, 408, "body_timeout");
    case EMSGSIZE:
        return exchange_fail(x, 413, "body_size");
    case EBADMSG:
        return exchange_fail(x, 400, "body_malformed");
    default:
        check(error == -ECANCELED);
        return exchange_fail(x, 400, "cancelled");
    }
}

/* ---- the response */

static void drop_parts(struct fake_parts *p)
{
    file_unref(p->file);
    *p = (struct fake_parts){ .n = 0 };
}

static void drop_body(struct exchange *x)
{
    drop_parts(&x->parts);
    if (x->source != NULL && x->source->done != NULL)
        x->source->done(x->source, x);
    x->source = NULL;
    x->body_kind = FAKE_BODY_NONE;
    x->body_length = 0;
}

struct response *exchange_response(struct exchange *x)
{
    check(!x->head_sent);
    return &x->response;
}

void exchange_body_bytes(struct exchange *x, struct str bytes)
{
    drop_body(x);
    x->body_kind = FAKE_BODY_BYTES;
    x->parts = (struct fake_parts){ .one.bytes = bytes, .n = 1 };
    x->body_length = bytes.n;
}

void exchange_body_file(struct exchange *x, struct file *f, uint64_t offset, uint64_t length)
{
    check(f != NULL);
    drop_body(x);
    x->body_kind = FAKE_BODY_FILE;
    x->parts = (struct fake_parts){ .file = f, .one = { STR_EMPTY, offset, length }, .n = 1 };
    x->body_length = length;
}

void exchange_body_parts(struct exchange *x, struct file *f, const struct part *parts, size_t n)
{
    drop_body(x);
    x->body_kind = FAKE_BODY_FILE;
    x->parts = (struct fake_parts){ .file = f, .v = parts, .n = n };
    for (size_t i = 0; i < n; i++) {
        check(parts[i].length == 0 || f != NULL);
        x->body_length += parts[i].bytes.n + parts[i].length;
    }
}

void exchange_body_source(struct exchange *x, struct source *s, uint64_t length)
{
    check(s != NULL && s->pull != NULL);
    drop_body(x);
    x->body_kind = FAKE_BODY_SOURCE;
    x->source = s;
    x->body_length = length;
}

uint64_t exchange_body_length(const struct exchange *x)
{
    return x->body_length;
}

/* As source.pull; up to the next border. */
static ssize_t read_parts(struct fake_parts *p, void *buf, size_t n)
{
    for (; p->at < p->n; p->at++, p->done = 0) {
        const struct part *part = p->v != NULL ? &p->v[p->at] : &p->one;
        ssize_t r;
        if (p->done < part->bytes.n) {
            struct str left = str_from(part->bytes, (size_t)p->done);
            r = (ssize_t)min_of(n, left.n);
            memcpy(buf, left.p, (size_t)r);
        } else if (p->done - part->bytes.n < part->length) {
            uint64_t at = p->done - part->bytes.n;
            r = file_read(p->file, buf, (size_t)min_of((uint64_t)n, part->length - at),
                          part->offset + at);
            if (r <= 0)
                return -ENODATA;
        } else {
            continue;
        }
        p->done += (uint64_t)r;
        return r;
    }
    return 0;
}

static ssize_t taken_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    (void)s;
    return read_parts(&x->taken, buf, n);
}

static void taken_done(struct source *s, struct exchange *x)
{
    (void)s;
    drop_parts(&x->taken);
}

struct source *exchange_take_body(struct exchange *x)
{
    struct source *s = x->source;

    if (x->body_kind == FAKE_BODY_NONE)
        return NULL;
    if (x->body_kind != FAKE_BODY_SOURCE) {
        x->taken = x->parts;
        x->parts = (struct fake_parts){ .n = 0 };
        x->taken_source = (struct source){ .pull = taken_pull, .done = taken_done };
        s = &x->taken_source;
    }
    x->source = NULL;
    x->body_kind = FAKE_BODY_NONE;
    x->body_length = 0;
    return s;
}

int exchange_write(struct exchange *x, const void *bytes, size_t n)
{
    check(x->worker);
    if (atomic_load(&x->cancelled))
        return -ECANCELED;
    check(x->response.status != 0);
    x->head_sent = true;
    check(buf_add(&x->body, bytes, n) == 0);
    return 0;
}

void exchange_abort(struct exchange *x)
{
    check(x->worker);
    x->aborted = true;
}

enum step exchange_fail(struct exchange *x, unsigned status, const char *reason)
{
    check(status >= 400 && reason != NULL && !x->head_sent);
    drop_body(x);
    response_init(&x->response, &x->arena);
    x->response.status = status;
    x->reason = reason;
    exchange_body_bytes(x, STR("failed\n"));
    return STEP_DONE;
}

/* ---- memory and flow */

struct arena *exchange_arena(struct exchange *x)
{
    return &x->arena;
}

const void *exchange_conf(const struct exchange *x)
{
    return x->conf;
}

void exchange_set_state(struct exchange *x, void *state)
{
    x->state = state;
}

void *exchange_state(const struct exchange *x)
{
    return x->state;
}

enum step exchange_offload(struct exchange *x, void (*work)(struct exchange *x), step_fn *then)
{
    check(x->then == NULL && x->work == NULL);
    x->offloads++;
    if (x->worker) {
        work(x);
        return then(x);
    }
    if (x->pool == FAKE_POOL_REFUSES)
        return exchange_fail(x, 503, "pool_full");
    x->work = work;
    x->then = then;
    return STEP_OFFLOAD;
}

enum step exchange_later(struct exchange *x, step_fn *then)
{
    check(x->then == NULL && !x->worker);
    x->laters++;
    x->then = then;
    return STEP_LATER;
}

enum step exchange_wait(struct exchange *x, struct wait wait)
{
    x->wait = wait;
    return exchange_later(x, wait.then);
}

enum step exchange_await_body(struct exchange *x, step_fn *then)
{
    check(x->then == NULL && !x->worker);
    x->laters++;
    x->awaits_body = true;
    x->then = then;
    return STEP_LATER;
}

void exchange_want_body(struct exchange *x)
{
    (void)x;
}

void exchange_resume(struct exchange *x)
{
    atomic_fetch_add(&x->resumes, 1);
    atomic_store(&x->resumed, true);
}

bool exchange_cancelled(const struct exchange *x)
{
    return atomic_load(&x->cancelled);
}

int exchange_task(struct exchange *x, void (*work)(void *arg), void *arg)
{
    check(!x->worker && x->head_sent);
    if (x->task_busy)
        return -EBUSY;
    x->tasks++;
    work(arg);
    atomic_store(&x->resumed, true);
    return 0;
}

bool exchange_has_task(const struct exchange *x)
{
    (void)x; /* they are over at once */
    return false;
}

/* ---- what a loop keeps */

void *exchange_local(struct exchange *x)
{
    if (x->worker || x->kind->local_new == NULL)
        return NULL;
    if (x->local == NULL)
        x->local = x->kind->local_new();
    return x->local;
}

struct local_max exchange_local_max(const struct exchange *x)
{
    return (struct local_max){ .bytes = x->local_max, .files = 256 };
}

struct stats *exchange_stats(const struct exchange *x)
{
    return x->worker ? NULL : (struct stats *)&x->stats;
}

/* ---- running */

/* Calls what a step asked for until it is DONE or NEXT, or waits for what will not come. */
static enum step settle(struct exchange *x, enum step step)
{
    while (step == STEP_OFFLOAD || step == STEP_LATER) {
        check(x->then != NULL && (step == STEP_OFFLOAD) == (x->work != NULL));
        if (step == STEP_OFFLOAD) {
            x->work(x);
            x->work = NULL;
            if (x->pool == FAKE_POOL_ABANDONS) {
                x->then = NULL;
                x->stuck = true;
                return step;
            }
        } else if (x->time_passes && x->wait.late != NULL && x->wait.withdraw(x)) {
            const struct timespec time = { .tv_nsec = x->wait.time };
            nanosleep(&time, NULL);
            x->then = x->wait.late;
            x->wait.late = NULL;
        } else if (x->awaits_body ? !body_arrives(x) : !atomic_exchange(&x->resumed, false)) {
            x->stuck = true;
            return step;
        }
        x->awaits_body = false;
        step_fn *then = x->then;
        x->then = NULL;
        step = then(x);
        if (arena_failed(&x->arena) && step != STEP_DONE)
            break;
    }
    check(x->then == NULL || arena_failed(&x->arena));
    /* What the caller of a step does: a response that lacks something is not sent. */
    if (arena_failed(&x->arena) && !x->head_sent && x->reason == NULL)
        step = exchange_fail(x, 503, "no_memory");
    return step;
}

static void pull_parts(struct exchange *x)
{
    char piece[4096];
    ssize_t n;

    while ((n = read_parts(&x->parts, piece, sizeof piece)) > 0)
        check(buf_add(&x->body, piece, (size_t)n) == 0);
    x->aborted = n < 0;
}

static void pull_source(struct exchange *x)
{
    char *part = malloc(x->pull_size);

    check(part != NULL);
    for (;;) {
        ssize_t n = x->source->pull(x->source, x, part, x->pull_size);
        if (n == -EAGAIN && (atomic_exchange(&x->resumed, false) || body_arrives(x)))
            continue;
        if (n == -EAGAIN) {
            x->stuck = true;
            free(part);
            return;
        }
        check(n <= (ssize_t)x->pull_size);
        if (n <= 0) {
            x->aborted = n < 0;
            break;
        }
        check(buf_add(&x->body, part, (size_t)n) == 0);
    }
    free(part);
    if (!x->aborted && x->body_length != BODY_LENGTH_UNKNOWN)
        check(buf_len(&x->body) == x->body_length);
}

static void pull_body(struct exchange *x)
{
    bool wanted = status_has_body(x->response.status) && x->request.method != METHOD_HEAD;

    /* On a worker the handler has returned; the loop pulls. */
    x->worker = false;
    if (wanted && (x->body_kind == FAKE_BODY_BYTES || x->body_kind == FAKE_BODY_FILE))
        pull_parts(x);
    else if (wanted && x->body_kind == FAKE_BODY_SOURCE)
        pull_source(x);
    if (x->stuck)
        return;
    if (x->source != NULL && x->source->done != NULL)
        x->source->done(x->source, x);
    x->source = NULL;
    drop_parts(&x->parts);
    drop_parts(&x->taken);
}

static void finish(struct exchange *x, enum step step)
{
    x->last = step;
    if (x->stuck)
        return;
    check(step == STEP_DONE && x->response.status >= 200 && x->response.status <= 599);
    for (size_t i = 0; i < x->n_filters && !x->head_sent; i++)
        if (x->filters[i].kind->respond != NULL)
            x->filters[i].kind->respond(x, x->filters[i].conf);
    if (arena_failed(&x->arena) && !x->head_sent && x->reason == NULL)
        exchange_fail(x, 503, "no_memory");
    x->head_sent = true;
    pull_body(x);
}

void fake_exchange_run(struct exchange *x, const struct fake_conf *conf, const char *kind)
{
    const struct handler_kind *k = handler_find(str_of(kind));
    enum step step = STEP_NEXT;

    check(k != NULL && x->request.target.n);
    x->kind = k;
    for (size_t i = 0; i < x->n_filters && step == STEP_NEXT; i++) {
        x->conf = x->filters[i].conf;
        x->state = NULL;
        if (x->filters[i].kind->request != NULL)
            step = settle(x, x->filters[i].kind->request(x));
    }
    x->conf = conf->conf;
    x->state = NULL;
    if (step == STEP_NEXT) {
        step = k->handle(x);
        check(step != STEP_NEXT);
        step = settle(x, step);
    }
    finish(x, step);
}

void fake_exchange_continue(struct exchange *x)
{
    check(x->stuck);
    x->stuck = false;
    if (x->head_sent)
        pull_body(x);
    else
        finish(x, settle(x, x->last));
}

/* ---- what a test says */

struct exchange *fake_exchange_new(void)
{
    struct exchange *x = calloc(1, sizeof *x);

    check(x != NULL);
    arena_init(&x->arena, MIB(1));
    arena_init(&x->request_arena, MIB(1));
    response_init(&x->response, &x->arena);
    buf_init(&x->body, MIB(16));
    x->request.fields = x->fields;
    x->request.host = STR("example.org");
    x->peer = STR("192.0.2.1:4711");
    x->route = STR("test");
    x->time = 1700000000;
    x->pull_size = 4096;
    x->local_max = MIB(1);
    return x;
}

void fake_exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    drop_body(x);
    drop_parts(&x->taken);
    if (x->local != NULL)
        x->kind->local_free(x->local);
    arena_done(&x->arena);
    arena_done(&x->request_arena);
    buf_done(&x->body);
    free(x->arena_first);
    free(x);
}

void fake_exchange_memory(struct exchange *x, size_t bytes)
{
    bytes &= ~(size_t)15;
    arena_done(&x->arena);
    free(x->arena_first);
    x->arena_first = aligned_alloc(16, max_of(bytes, (size_t)16));
    check(x->arena_first != NULL);
    arena_init_in(&x->arena, x->arena_first, bytes, 0);
}

void fake_exchange_request(struct exchange *x, const char *method, const char *target,
                           const char *prefix)
{
    struct request *q = &x->request;
    struct str query = str_of(target);
    struct str raw = str_cut(&query, '?');
    char *path = arena_alloc(&x->request_arena, raw.n + 1);

    q->method_token = str_of(method);
    q->method = method_of(q->method_token);
    q->target = str_of(target);
    q->has_query = query.p != NULL;
    q->query = query;
    check(path != NULL && path_clean(raw, path, &q->path, &q->path_cleaned) == 0);
    check(str_starts(q->path, str_of(prefix)));
    x->prefix = str_of(prefix);
}

void fake_exchange_pattern(struct exchange *x, const char *pattern)
{
    const struct request *q = &x->request;
    struct arena *a = &x->request_arena;
    struct mux *mux = mux_new(a);
    const char *why;
    size_t at;
    void *other;

    check(mux != NULL && pattern_parse(str_of(pattern), a, &x->pattern, &why, &at) == 0);
    check(mux_add(mux, &x->pattern, x, &other) == 0 && mux_seal(mux) == 0);
    mux_match(mux, q->method, q->method_token, q->host, q->path, &x->match);
    check(mux_route(&x->match) == x);
    x->prefix = pattern_prefix(&x->pattern);
}

void fake_exchange_field(struct exchange *x, const char *name, const char *value)
{
    struct request *q = &x->request;

    check(q->n_fields < FAKE_FIELDS_MAX);
    struct field *f = &x->fields[q->n_fields++];
    f->name = arena_str(&x->request_arena, str_of(name));
    f->value = arena_str(&x->request_arena, str_of(value));
    f->id = field_id_of(f->name);
    if (f->id != FIELD_OTHER)
        q->known |= UINT64_C(1) << f->id;
}

void fake_exchange_piece(struct exchange *x, struct str piece)
{
    check(x->n_pieces < FAKE_PIECES_MAX && piece.n);
    x->pieces[x->n_pieces++] = piece;
    x->request.has_body = true;
    x->request.body_length += piece.n;
}

void fake_exchange_chunked(struct exchange *x)
{
    x->request.has_body = true;
    x->request.body_length = BODY_LENGTH_UNKNOWN;
}

void fake_exchange_filter(struct exchange *x, const char *kind, const struct fake_conf *conf)
{
    const struct filter_kind *k = filter_find(str_of(kind));

    check(k != NULL && x->n_filters < FAKE_FILTERS_MAX);
    x->filters[x->n_filters].kind = k;
    x->filters[x->n_filters++].conf = conf->conf;
}

const char *fake_exchange_value(struct exchange *x, const char *name)
{
    const struct field *f = response_field(&x->response, str_of(name));

    return f ? arena_str(&x->request_arena, f->value).p : NULL;
}

const char *fake_exchange_text(struct exchange *x)
{
    return arena_str(&x->request_arena, buf_str(&x->body)).p;
}
