/*
 * files_reply.c - answers requests for files.
 *
 * What the loop knows of a name and is not past its time is sent at once. Else the name is looked
 * up, inline with what the kernel has in its caches; only when that does not suffice does the
 * lookup go to the pool, lent with the exchange.
 *
 * work_*(): a worker. The rest: the exchange's loop, or its worker with `run = "pool"`, which has
 * no cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "handler/filecache.h"
#include "handler/files.h"
#include "handler/listing.h"
#include "handler/precondition.h"
#include "http/accept.h"
#include "http/date.h"
#include "http/multipart.h"
#include "http/path.h"

/* A request for what is not known, or not any more. */
struct search {
    struct lookup lookup;
    struct found_key key;
    struct found *known; /* past its time; or NULL */
    struct listing listing;
    struct buf page; /* of it */
    int listing_error;
};

static void unref_found(void *found)
{
    found_unref(found);
}

/* ---- answers without a file */

static enum step refuse(struct exchange *x, int error)
{
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return exchange_fail(x, 404, "no_file");
    case ELOOP:
    case EXDEV:
        return exchange_fail(x, 404, "outside_root");
    case ENODEV:
    case ENXIO: /* a socket */
        return exchange_fail(x, 404, "not_a_file");
    case EACCES:
    case EPERM:
        return exchange_fail(x, 403, "no_permission");
    case EMFILE:
    case ENFILE:
        return exchange_fail(x, 503, "no_descriptors");
    case ENOMEM:
        return exchange_fail(x, 503, "no_memory");
    case ENOSYS:
    case EINVAL: /* this kernel does not know one of the RESOLVE_ flags */
        return exchange_fail(x, 503, "no_openat2");
    case EAGAIN:
    case EBUSY:
        return exchange_fail(x, 503, "file_busy");
    default:
        return exchange_fail(x, 500, "file_error");
    }
}

static enum step other_method(struct exchange *x)
{
    struct response *r = exchange_response(x);
    enum step step = STEP_DONE;

    if (exchange_request(x)->method == METHOD_OPTIONS)
        r->status = 204;
    else
        step = exchange_fail(x, 405, "method_not_allowed");
    response_add_checked(r, STR("Allow"), STR("GET, HEAD, OPTIONS"));
    return step;
}

static enum step redirect_to_slash(struct exchange *x)
{
    const struct request *q = exchange_request(x);
    struct response *r = exchange_response(x);
    struct arena *a = exchange_arena(x);
    struct str path = path_encode(a, q->path);

    if (path.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    struct str to =
        arena_printf(a, "%.*s/%s%.*s", str_fmt(path), q->has_query ? "?" : "", str_fmt(q->query));
    if (to.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    r->status = 301;
    response_add_checked(r, STR("Content-Type"), STR("text/plain; charset=utf-8"));
    response_add(r, STR("Location"), to);
    exchange_body_bytes(x, STR("301 Moved Permanently\n"));
    return STEP_DONE;
}

/* ---- answers with a file */

/* Cache-Control and Expires, which stand for the file however it is answered (RFC 9110 section
 * 15.4.5); but a part of it is never said to be immutable. */
static void add_caching(struct exchange *x, const struct found *f)
{
    const struct files *conf = exchange_conf(x);
    struct response *r = exchange_response(x);
    struct str control = r->status == 206 ? conf->passing : conf->lasting;

    if (f->key.fallback || control.n == 0)
        return;
    response_add_checked(r, STR("Cache-Control"), control);
    if (conf->max_age < 0)
        return;
    char *date = arena_alloc(r->arena, HTTP_DATE_LEN);
    if (date == NULL)
        return; /* arena_failed() */
    date_format(exchange_time(x) + conf->max_age / NSEC_PER_SEC, date);
    response_add_checked(r, STR("Expires"), str_make(date, HTTP_DATE_LEN));
}

static enum step reply_range_none(struct exchange *x, uint64_t size)
{
    struct str value = arena_printf(exchange_arena(x), "bytes */%" PRIu64, size);
    enum step step = exchange_fail(x, 416, "range");

    if (value.p != NULL)
        response_add_checked(exchange_response(x), STR("Content-Range"), value);
    return step;
}

static void body_range(struct exchange *x, struct found *f, struct range range)
{
    if (f->content != NULL)
        exchange_body_bytes(x, str_make(f->content + range.first, (size_t)range.length));
    else
        exchange_body_file(x, file_ref(f->file), range.first, range.length);
}

static enum step reply_range(struct exchange *x, struct found *f, struct range range)
{
    struct response *r = exchange_response(x);
    struct str value = arena_printf(r->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.first,
                                    range.first + range.length - 1, (uint64_t)f->version.size);

    if (value.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    response_add_checked(r, STR("Content-Range"), value);
    body_range(x, f, range);
    return STEP_DONE;
}

/* As multipart/byteranges, each part with what stands before it. */
static enum step reply_ranges(struct exchange *x, struct found *f, const struct ranges *ranges)
{
    struct response *r = exchange_response(x);
    struct multipart *m = arena_alloc(r->arena, sizeof *m);
    struct part *parts = arena_array(r->arena, 2 * ranges->n + 1, sizeof *parts);
    size_t n = 0;

    if (m == NULL || parts == NULL ||
        multipart_init(m, r->arena, ranges, f->type, (uint64_t)f->version.size,
                       (uint64_t)clock_wall()) < 0)
        return exchange_fail(x, 503, "no_memory");
    for (size_t i = 0; i < ranges->n; i++) {
        const struct range *range = &ranges->v[i];
        parts[n].bytes = m->text[i];
        if (f->content != NULL) {
            parts[++n].bytes = str_make(f->content + range->first, (size_t)range->length);
        } else {
            parts[n].offset = range->first;
            parts[n].length = range->length;
        }
        n++;
    }
    parts[n++].bytes = m->text[ranges->n];
    response_set(r, STR("Content-Type"), m->type);
    exchange_body_parts(x, f->file != NULL ? file_ref(f->file) : NULL, parts, n);
    return STEP_DONE;
}

/* What is found lives as long as the exchange. */
static enum step reply(struct exchange *x, struct found *f)
{
    struct response *r = exchange_response(x);
    const struct request *q = exchange_request(x);
    const struct validators v = { f->etag, f->modified, exchange_time(x) };
    uint64_t size = (uint64_t)f->version.size;
    struct ranges ranges;

    switch (precondition_of(q, &v)) {
    case PRECONDITION_FAILED:
        return exchange_fail(x, 412, "precondition");
    case PRECONDITION_SAME:
        r->status = 304;
        response_add_all(r, f->fields, f->n_validating);
        add_caching(x, f);
        return STEP_DONE;
    case PRECONDITION_HOLDS:
        break;
    }
    const struct field *asked = precondition_range(q, &v);
    enum range_result result = asked ? range_parse(asked->value, size, &ranges) : RANGE_IGNORE;
    if (result == RANGE_NONE)
        return reply_range_none(x, size);
    r->status = result == RANGE_SOME ? 206 : 200;
    response_add_all(r, f->fields, f->n_fields);
    add_caching(x, f);
    if (result == RANGE_SOME && ranges.n > 1)
        return reply_ranges(x, f, &ranges);
    if (result == RANGE_SOME)
        return reply_range(x, f, ranges.v[0]);
    if (size > 0)
        body_range(x, f, (struct range){ .first = 0, .length = size });
    return STEP_DONE;
}

/* ---- what the loop knows */

/* Which of the codings that files are looked for the client prefers to the plain file, and in which
 * order; as a number, and in rank[] the more the better. */
static unsigned want_of(const struct request *q, const struct tree *tree, uint8_t *rank)
{
    struct str names[N_CODINGS];
    unsigned quality[N_CODINGS], want = 1; /* other than WANT_ANY */

    for (enum coding c = 0; c < CODING_PLAIN; c++)
        names[c] = coding_name(c);
    names[CODING_PLAIN] = STR("identity");
    accept_encodings(q, names, N_CODINGS, quality);
    for (enum coding c = 0; c < CODING_PLAIN; c++)
        if (!tree->coded[c])
            quality[c] = 0;
    for (enum coding c = 0; c < CODING_PLAIN; c++) {
        rank[c] = 0;
        if (quality[c] > 0 && quality[c] >= quality[CODING_PLAIN]) {
            rank[c] = 1;
            for (enum coding d = 0; d < CODING_PLAIN; d++)
                rank[c] = (uint8_t)(rank[c] + (quality[d] < quality[c] ||
                                               (quality[d] == quality[c] && d > c)));
        }
        want = want * 4 + rank[c];
    }
    return want;
}

static bool any_coded(const struct tree *tree)
{
    for (enum coding c = 0; c < CODING_PLAIN; c++)
        if (tree->coded[c])
            return true;
    return false;
}

/* What is known under the key, which gets its `want`; rank[] is that of want_of(). */
static struct found *recall(struct exchange *x, struct filecache *cache, struct found_key *key,
                            uint8_t *rank)
{
    const struct files *conf = exchange_conf(x);
    struct found *f = filecache_find(cache, key, exchange_now(x));

    if (f != NULL || !any_coded(&conf->tree))
        return f;
    key->want = want_of(exchange_request(x), &conf->tree, rank);
    return filecache_find(cache, key, exchange_now(x));
}

static bool is_fresh(struct exchange *x, const struct found *f)
{
    return exchange_now(x) < f->until && (f->file == NULL || file_is_current(f->file));
}

/* A reference that goes with the exchange. */
static bool hold(struct exchange *x, struct found *f)
{
    if (arena_on_reset(exchange_arena(x), unref_found, f) == 0)
        return true;
    found_unref(f);
    return false;
}

static enum step reply_known(struct exchange *x, struct found *f)
{
    exchange_count(x, file_cache_hits);
    if (!hold(x, found_ref(f)))
        return exchange_fail(x, 503, "no_memory");
    return reply(x, f);
}

/* ---- looking */

static enum step look(struct exchange *x, struct search *s);

static void work_look(struct exchange *x)
{
    struct search *s = exchange_state(x);

    lookup_run(&s->lookup, false);
}

static void search_done(void *search)
{
    struct search *s = search;

    lookup_done(&s->lookup);
    buf_done(&s->page);
}

/* For the name of the key, which is `file` below the root. NULL: no memory. */
static struct search *search_new(struct exchange *x, const struct found_key *key, struct str file,
                                 struct found *known, const uint8_t *rank)
{
    const struct files *conf = exchange_conf(x);
    struct arena *a = exchange_arena(x);
    struct search *s = arena_zalloc(a, sizeof *s);

    if (s == NULL || lookup_init(&s->lookup, &conf->tree, file, a) < 0 ||
        arena_on_reset(a, search_done, s) < 0)
        return NULL;
    s->key = *key;
    memcpy(s->lookup.rank, rank, sizeof s->lookup.rank);
    if (known != NULL && hold(x, found_ref(known))) {
        s->known = known;
        s->lookup.known = known->young ? NULL : &known->version;
        s->lookup.known_siblings = known->siblings;
    }
    return s;
}

/* The lookup has found a file. */
static enum step reply_found(struct exchange *x, struct search *s)
{
    const struct files *conf = exchange_conf(x);
    struct filecache *cache = exchange_local(x);
    struct lookup *l = &s->lookup;
    struct found *f = s->known;

    if (!l->unchanged) {
        struct found_about about = {
            .key = s->key,
            .type = mime_type(&conf->own_types, str_of(l->name)),
            .no_cache = s->key.fallback,
            .wall = exchange_time(x),
            .memory = exchange_arena(x)->budget,
        };
        if (l->siblings == 0)
            about.key.want = WANT_ANY;
        f = found_new(l, &about);
        if (f == NULL || !hold(x, f))
            return exchange_fail(x, 503, "no_memory");
        /* Its key may be another one, under which it would be found first for ever. */
        if (s->known != NULL)
            filecache_drop(cache, s->known);
    }
    /* Of a file whose every call may wait it could not be seen here whether it is what it was. */
    bool lasts = f->file == NULL || f->file->way != FILE_REMOTE;
    if (cache != NULL && conf->cache > 0 && lasts)
        filecache_put(cache, f, exchange_local_max(x), exchange_now(x), conf->cache);
    if (!found_charge(f))
        return exchange_fail(x, 503, "no_memory");
    return reply(x, f);
}

/* Whether the request is for a page of an application whose file answers for what is not there. */
static bool may_fall_back(struct exchange *x, const struct search *s)
{
    const struct files *conf = exchange_conf(x);

    if (conf->fallback.n == 0 || s->key.fallback || mime_is_asset(s->lookup.given))
        return false;
    struct acceptance html = accept_type(exchange_request(x), STR("text/html"));
    return html.named && html.quality > 0;
}

static enum step fall_back(struct exchange *x)
{
    const struct files *conf = exchange_conf(x);
    struct filecache *cache = exchange_local(x);
    struct found_key key = { .tree = conf->id, .fallback = true };
    uint8_t rank[CODING_PLAIN] = { 0 };
    struct found *f = cache != NULL ? recall(x, cache, &key, rank) : NULL;

    if (f != NULL && is_fresh(x, f))
        return reply_known(x, f);
    if (key.want == WANT_ANY)
        key.want = want_of(exchange_request(x), &conf->tree, rank);
    struct search *s = search_new(x, &key, conf->fallback, f, rank);
    return s != NULL ? look(x, s) : exchange_fail(x, 503, "no_memory");
}

static enum step miss(struct exchange *x, const struct search *s, int error)
{
    return may_fall_back(x, s) ? fall_back(x) : refuse(x, error);
}

static enum step look_again(struct exchange *x)
{
    return look(x, exchange_state(x));
}

static bool withdraw(struct exchange *x)
{
    (void)x;
    return true; /* nobody but the timer ends this wait */
}

static bool wants_time(const struct lookup *l)
{
    return l->error == -EBUSY && l->wait > 0;
}

static bool on_worker(const struct exchange *x)
{
    return exchange_stats(x) == NULL;
}

static enum step list(struct exchange *x, struct search *s);

static enum step looked(struct exchange *x)
{
    const struct files *conf = exchange_conf(x);
    struct search *s = exchange_state(x);
    struct filecache *cache = exchange_local(x);
    struct lookup *l = &s->lookup;

    if (wants_time(l) && !on_worker(x))
        return exchange_wait(
            x, (struct wait){
                   .then = look_again, .late = look_again, .withdraw = withdraw, .time = l->wait });
    if (cache != NULL && !l->unchanged)
        filecache_drop(cache, s->known);
    switch (-l->error) {
    case 0:
        return reply_found(x, s);
    case EISDIR:
        return s->key.fallback ? refuse(x, -ENOENT) : redirect_to_slash(x);
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        if (conf->listing && !s->key.fallback && (l->given.n == 0 || str_ends(l->given, STR("/"))))
            return list(x, s);
        return miss(x, s, l->error);
    default:
        return refuse(x, l->error);
    }
}

static enum step look(struct exchange *x, struct search *s)
{
    struct lookup *l = &s->lookup;

    exchange_set_state(x, s);
    if (on_worker(x)) {
        for (lookup_run(l, false); wants_time(l); lookup_run(l, false)) {
            const struct timespec pause = { .tv_nsec = l->wait };
            nanosleep(&pause, NULL);
        }
        return looked(x);
    }
    if (l->tries == 0)
        exchange_count(x, file_cache_misses);
    lookup_run(l, true);
    return l->error == -EAGAIN ? exchange_offload(x, work_look, looked) : looked(x);
}

/* ---- listings */

static void work_list(struct exchange *x)
{
    struct search *s = exchange_state(x);
    const struct files *conf = exchange_conf(x);
    const struct lookup *l = &s->lookup;
    struct str name = l->given.n ? l->given : STR(".");
    int fd = lookup_open(&conf->tree, name.p, O_RDONLY | O_DIRECTORY, false);

    if (fd < 0) {
        s->listing_error = fd;
        return;
    }
    s->listing_error = listing_make(&s->listing, fd, &s->page);
    close(fd);
}

static enum step listed(struct exchange *x)
{
    const struct search *s = exchange_state(x);
    struct response *r = exchange_response(x);

    if (s->listing_error == -ENOENT || s->listing_error == -ENOTDIR)
        return miss(x, s, s->listing_error);
    if (s->listing_error < 0)
        return refuse(x, s->listing_error);
    r->status = 200;
    response_add_checked(r, STR("Content-Type"), listing_type(&s->listing));
    response_add_checked(r, STR("X-Content-Type-Options"), STR("nosniff"));
    response_add_checked(r, STR("Content-Security-Policy"), LISTING_POLICY);
    response_add_checked(r, STR("Cache-Control"), STR("no-cache"));
    response_add_checked(r, STR("Vary"), STR("Accept"));
    exchange_body_bytes(x, buf_str(&s->page));
    return STEP_DONE;
}

static enum step list(struct exchange *x, struct search *s)
{
    const struct files *conf = exchange_conf(x);
    const struct request *q = exchange_request(x);
    struct str path;
    int r = path_to_file(exchange_arena(x), q->path, &path);

    if (r < 0)
        return refuse(x, r == -ENOMEM ? r : -ENOENT);
    s->listing = (struct listing){
        .path = path, .dir = s->lookup.given, .tree = &conf->tree, .dotfiles = conf->dotfiles
    };
    listing_ask(&s->listing, q);
    buf_init(&s->page, LISTING_MAX);
    s->page.budget = exchange_arena(x)->budget;
    return exchange_offload(x, work_list, listed);
}

/* ---- the request */

enum step files_reply(struct exchange *x)
{
    const struct files *conf = exchange_conf(x);
    enum method method = exchange_request(x)->method;
    struct filecache *cache = exchange_local(x);
    struct found_key key = { .tree = conf->id, .name = exchange_rest(x), .want = WANT_ANY };
    uint8_t rank[CODING_PLAIN] = { 0 };
    struct found *known = NULL;
    struct str file;

    if (method != METHOD_GET && method != METHOD_HEAD)
        return other_method(x);
    if (cache != NULL && conf->cache > 0) {
        known = recall(x, cache, &key, rank);
        if (known != NULL && is_fresh(x, known))
            return reply_known(x, known);
    }
    if (!conf->dotfiles && files_has_dot_name(key.name))
        return refuse(x, -ENOENT);
    int r = path_to_file(exchange_arena(x), key.name, &file);
    if (r < 0)
        return refuse(x, r == -ENOMEM ? r : -ENOENT);
    if (key.want == WANT_ANY && any_coded(&conf->tree))
        key.want = want_of(exchange_request(x), &conf->tree, rank);
    struct search *s = search_new(x, &key, file, known, rank);
    return s != NULL ? look(x, s) : exchange_fail(x, 503, "no_memory");
}
