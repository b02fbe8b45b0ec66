/*
 * compress.c - compresses bodies on their way to clients that take it. compress_check(): the
 * loader's thread; the rest: the exchange's loop, but work(), which may run on a worker.
 *
 * A loop compresses few bytes at a time, as many as take less than a millisecond whatever they are;
 * more goes to the pool, piece by piece. A body of known length that is no longer than that is
 * compressed at once, and its new length is known. Whatever is compressed has the weak form of its
 * ETag, so that a handler need not know of the two forms: If-None-Match compares weakly, If-Range
 * and If-Match strongly.
 */
#include <errno.h>
#include <limits.h>

#include "base/check.h"
#include "filter/codec.h"
#include "filter/filter.h"
#include "http/accept.h"
#include "http/chars.h"

/* What a loop takes on at a time, up to LEVEL_QUICK and above it. */
#define QUICK KIB(16)
#define QUICK_HARD KIB(4)
#define LEVEL_QUICK 5
#define PIECE KIB(32)
#define CODECS_MAX 4

struct compress {
    struct strs encodings, types;
    int64_t min, level;
    const struct codec *codecs[CODECS_MAX]; /* of `encodings`, those built in */
    size_t n_codecs;
};

static const struct option compress_options[] = {
    OPT_STRS(struct compress, encodings, "encodings", NULL,
             "Which of \"zstd\", \"br\" and \"gzip\" may be used, the best first: of those that "
             "the client wants most, the first is taken. Without it all that are built in (see "
             "muxd -V), in this order; with [ ] nothing is compressed."),
    OPT_STRS(struct compress, types, "types",
             "text/* +json +xml application/json application/javascript application/xml "
             "application/x-javascript application/x-ndjson application/yaml application/wasm "
             "application/vnd.ms-fontobject font/ttf font/otf image/bmp image/x-icon "
             "image/vnd.microsoft.icon",
             "Content-Types whose bodies are compressed: \"text/html\", all of a kind as in "
             "\"text/*\", those that end in \"+json\", or \"*/*\"."),
    OPT_SIZE(struct compress, min, "min", "1K", 0, MIB(1024),
             "Bodies known to be shorter are sent as they are."),
    OPT_INT(struct compress, level, "level", 5, 1, CODEC_LEVEL_MAX,
            "How hard to try: 1 is fastest, 9 makes the least bytes."),
    OPT_END
};

/* ---- when the config is loaded */

static void add_codec(struct compress *conf, const struct codec *codec)
{
    if (codec != NULL && conf->n_codecs < CODECS_MAX)
        conf->codecs[conf->n_codecs++] = codec;
}

static void check_encoding(struct option_check *c, struct compress *conf, size_t i)
{
    struct str name = conf->encodings.v[i];
    const char *const *known = codec_names;

    while (*known != NULL && !str_ieq(name, str_of(*known)))
        known++;
    if (*known == NULL) {
        option_error_in(c, "encodings", i, "\"%.*s\" is none of \"zstd\", \"br\" and \"gzip\"",
                        str_fmt(name));
        return;
    }
    for (size_t k = 0; k < i; k++)
        if (str_ieq(name, conf->encodings.v[k])) {
            option_error_in(c, "encodings", i, "\"%.*s\" is there twice", str_fmt(name));
            return;
        }
    if (codec_find(name) == NULL)
        option_warning_in(c, "encodings", i, "this muxd is built without %s", *known);
    add_codec(conf, codec_find(name));
}

/* "a/b", "a/" "*", "*" "/" "*" or "+b" */
static bool is_type(struct str s)
{
    size_t slash = str_chr(s, '/');

    if (str_starts(s, STR("+")))
        return http_is_token(s) && s.n > 1;
    return http_is_token(str_head(s, slash)) && http_is_token(str_from(s, slash + 1)) &&
           (!str_is(str_head(s, slash), "*") || str_is(s, "*/*"));
}

static void compress_check(struct option_check *c, void *conf)
{
    struct compress *p = conf;
    const struct compress *outer = c->outer;
    /* What it says, it says of its own level. */
    bool own_encodings = outer == NULL || p->encodings.v != outer->encodings.v;
    bool own_types = outer == NULL || p->types.v != outer->types.v;

    p->n_codecs = 0;
    if (p->encodings.v == NULL)
        for (const char *const *name = codec_names; *name != NULL; name++)
            add_codec(p, codec_find(str_of(*name)));
    for (size_t i = 0; i < p->encodings.n; i++)
        if (own_encodings)
            check_encoding(c, p, i);
        else
            add_codec(p, codec_find(p->encodings.v[i]));
    for (size_t i = 0; i < p->types.n && own_types; i++)
        if (!is_type(p->types.v[i]))
            option_error_in(c, "types", i,
                            "\"%.*s\" is not spelled as \"text/html\", \"text/*\" or \"+json\"",
                            str_fmt(p->types.v[i]));
}

/* ---- what is compressed */

static bool covers(struct str pattern, struct str type)
{
    if (pattern.p[0] == '+')
        return type.n > pattern.n && str_ieq(str_from(type, type.n - pattern.n), pattern);
    if (str_is(pattern, "*/*"))
        return true;
    if (str_ends(pattern, STR("/*")))
        return type.n >= pattern.n &&
               str_ieq(str_head(type, pattern.n - 1), str_head(pattern, pattern.n - 1));
    return str_ieq(type, pattern);
}

static bool is_wanted_type(const struct compress *conf, struct str content_type)
{
    struct str type = str_trim(str_head(content_type, str_chr(content_type, ';')));

    for (size_t i = 0; i < conf->types.n; i++)
        if (covers(conf->types.v[i], type))
            return true;
    return false;
}

/* Whether a field of that name has `member` in its list. */
static bool lists(const struct response *r, struct str name, const char *member)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_ieq(r->fields[i].name, name))
            for (struct str rest = r->fields[i].value; rest.p != NULL;)
                if (str_ieq(str_trim(str_cut(&rest, ',')), str_of(member)))
                    return true;
    return false;
}

/* Whether the response would be compressed for a client that takes it. A part of a file stays one:
 * what a range counts is the file's own bytes. */
static bool is_compressible(const struct exchange *x, const struct response *r,
                            const struct compress *conf)
{
    const struct field *type = response_field(r, STR("Content-Type"));
    uint64_t length = exchange_body_length(x);

    return conf->n_codecs > 0 && status_has_body(r->status) && r->status != 206 && length > 0 &&
           length >= (uint64_t)conf->min && type != NULL && is_wanted_type(conf, type->value) &&
           response_field(r, STR("Content-Encoding")) == NULL &&
           response_field(r, STR("Content-Range")) == NULL &&
           !lists(r, STR("Cache-Control"), "no-transform");
}

/* ---- what it says in the head; without memory the response is replaced: arena_failed() */

static void add_vary(struct response *r)
{
    if (lists(r, STR("Vary"), "Accept-Encoding") || lists(r, STR("Vary"), "*"))
        return;
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_ieq(r->fields[i].name, STR("Vary"))) {
            r->fields[i].value =
                arena_printf(r->arena, "%.*s, Accept-Encoding", str_fmt(r->fields[i].value));
            return;
        }
    response_add_checked(r, STR("Vary"), STR("Accept-Encoding"));
}

/* The ETag's weak form; empty if it has none. */
static struct str weak_tag(struct response *r)
{
    const struct field *f = response_field(r, STR("ETag"));

    if (f == NULL || !str_starts(f->value, STR("\"")))
        return STR_EMPTY;
    return arena_printf(r->arena, "W/%.*s", str_fmt(f->value));
}

static void weaken_tag(struct response *r)
{
    struct str weak = weak_tag(r);

    if (weak.n)
        response_set(r, STR("ETag"), weak);
}

/* Whoever names the weak form has what was compressed. Tags hold no quotes, so one that is found is
 * a whole one. */
static void not_modified(const struct request *q, struct response *r)
{
    struct str weak = STR_EMPTY;

    if (!(q->known >> FIELD_IF_NONE_MATCH & 1) || (weak = weak_tag(r)).n == 0)
        return;
    for (size_t i = 0; i < q->n_fields; i++) {
        struct str value = q->fields[i].value;
        if (q->fields[i].id == FIELD_IF_NONE_MATCH &&
            memmem(value.p, value.n, weak.p, weak.n) != NULL) {
            response_set(r, STR("ETag"), weak);
            return;
        }
    }
}

/* ---- the body */

#define COMPRESSOR_MAGIC 0xc0de5513u

/* While a task runs work(), it is the worker's. */
struct compressor {
    uint32_t magic;
    struct source source; /* the response's body */
    struct source *from;  /* what was its body */
    uint64_t left;        /* bytes to come from there, or BODY_LENGTH_UNKNOWN */
    const struct codec *codec;
    void *state;
    struct budget *memory;
    size_t quick;       /* bytes that the loop may take on at a time */
    enum codec_how how; /* what is to become of the piece in `in` */
    bool working;       /* on that piece */
    bool holding;       /* the codec has taken pieces that it need not have put out */
    bool loop_only;     /* the pool cannot be waited for */
    bool rest;          /* the loop has had its share of work in this turn */
    int error;
    size_t in_at, in_n, out_at, out_n;
    char in[PIECE], out[PIECE];
};

static void compressor_free(struct compressor *c, struct exchange *x)
{
    if (c->from != NULL && c->from->done != NULL)
        c->from->done(c->from, x);
    c->codec->free(c->state);
    codec_unalloc(c->memory, c);
}

/* The next piece: as much as there is without waiting. 0, or what pull() shall say. */
static int collect(struct compressor *c, struct exchange *x)
{
    size_t most = c->loop_only ? c->quick : PIECE;

    while (c->left > 0 && c->in_n < most) {
        size_t n = (size_t)min_of((uint64_t)(most - c->in_n), c->left);
        ssize_t r = c->from->pull(c->from, x, c->in + c->in_n, n);
        /* One that has it read in the pool will soon have more. */
        if (r == -EAGAIN && ((c->in_n == 0 && !c->holding) || exchange_has_task(x)))
            return -EAGAIN;
        if (r == -EAGAIN) {
            c->how = CODEC_FLUSH;
            c->working = true;
            return 0;
        }
        if (r == 0 && c->left == BODY_LENGTH_UNKNOWN)
            c->left = 0;
        else if (r <= 0)
            return c->error = r < 0 ? (int)r : -EIO;
        c->in_n += (size_t)r;
        if (c->left != BODY_LENGTH_UNKNOWN)
            c->left -= (uint64_t)r;
    }
    c->how = c->left == 0 ? CODEC_END : CODEC_MORE;
    c->working = true;
    return 0;
}

/* Until the piece is done, or `out` is full, or a loop that has to do it all has had its share. */
static void work(void *arg)
{
    struct compressor *c = arg;
    size_t n = c->in_n - c->in_at, part = c->loop_only ? min_of(n, c->quick) : n;
    struct codec_io io = { c->in + c->in_at, part, c->out, sizeof c->out };
    int r = c->codec->run(c->state, &io, part < n ? CODEC_MORE : c->how);

    c->out_at = 0;
    c->out_n = sizeof c->out - io.out_n;
    c->in_at += part - io.in_n;
    if (r < 0)
        c->error = r;
    if (r != 1 || part < n)
        return;
    c->working = false;
    c->holding = c->how == CODEC_MORE;
    c->in_at = c->in_n = 0;
}

/* Here, if that is quick, else in the pool. 0, or what pull() shall say. */
static int do_work(struct compressor *c, struct exchange *x)
{
    if (!c->loop_only && (c->holding || c->in_n - c->in_at > c->quick)) {
        int r = exchange_task(x, work, c);
        if (r == 0)
            return -EAGAIN;
        if (r != -EBUSY)
            return c->error = r;
        c->loop_only = true;
    }
    if (c->rest) {
        c->rest = false;
        exchange_resume(x);
        return -EAGAIN;
    }
    work(c);
    c->rest = c->loop_only && (c->working || c->how == CODEC_MORE);
    return 0;
}

static ssize_t pull(struct source *source, struct exchange *x, void *buf, size_t n)
{
    struct compressor *c = container_of(source, struct compressor, source);
    int r = 0;

    check_magic(c, COMPRESSOR_MAGIC);
    while (c->out_at == c->out_n) {
        if (c->error < 0)
            return c->error;
        if (!c->working && c->how == CODEC_END)
            return 0;
        if (!c->working)
            r = collect(c, x);
        if (r == 0)
            r = do_work(c, x);
        if (r < 0)
            return r;
    }
    n = min_of(n, c->out_n - c->out_at);
    memcpy(buf, c->out + c->out_at, n);
    c->out_at += n;
    return (ssize_t)n;
}

static void done(struct source *source, struct exchange *x)
{
    compressor_free(container_of(source, struct compressor, source), x);
}

/* NULL: no memory, or no body. */
static struct compressor *compressor_new(struct exchange *x, const struct codec *codec,
                                         unsigned level)
{
    struct budget *memory = exchange_arena(x)->budget;
    uint64_t length = exchange_body_length(x);
    struct compressor *c = codec_alloc(memory, sizeof *c);

    if (c == NULL)
        return NULL;
    memset(c, 0, offsetof(struct compressor, in));
    c->magic = COMPRESSOR_MAGIC;
    c->source = (struct source){ .pull = pull, .done = done };
    c->left = length;
    c->codec = codec;
    c->memory = memory;
    c->quick = level <= LEVEL_QUICK ? QUICK : QUICK_HARD;
    c->state = codec->new (level, length, memory);
    if (c->state != NULL)
        c->from = exchange_take_body(x);
    if (c->from == NULL) {
        compressor_free(c, x);
        return NULL;
    }
    return c;
}

/* The body is in `in`, whole: what is shorter becomes the body. true: it is compressed. */
static bool replace_whole(struct compressor *c, struct exchange *x)
{
    struct str body = str_make(c->in, c->in_n);

    work(c);
    bool smaller = c->error == 0 && !c->working && c->out_n < body.n;
    if (smaller)
        body = str_make(c->out, c->out_n);
    body = arena_str(exchange_arena(x), body);
    compressor_free(c, x);
    exchange_body_bytes(x, body);
    return smaller;
}

static ssize_t pull_nothing(struct source *source, struct exchange *x, void *buf, size_t n)
{
    (void)source, (void)x, (void)buf, (void)n;
    return 0;
}

/* false: the body is as it was. */
static bool compress_body(struct exchange *x, const struct codec *codec, unsigned level)
{
    static struct source nothing = { .pull = pull_nothing };

    if (exchange_request(x)->method == METHOD_HEAD) {
        exchange_body_source(x, &nothing, BODY_LENGTH_UNKNOWN);
        return true;
    }
    struct compressor *c = compressor_new(x, codec, level);
    if (c == NULL)
        return false;
    if (c->left <= c->quick && collect(c, x) == 0 && c->how == CODEC_END)
        return replace_whole(c, x);
    exchange_body_source(x, &c->source, BODY_LENGTH_UNKNOWN);
    return true;
}

/* NULL: the client takes none, or wants it as it is. */
static const struct codec *choose(const struct request *q, const struct compress *conf)
{
    struct str names[CODECS_MAX];

    for (size_t i = 0; i < conf->n_codecs; i++)
        names[i] = str_of(conf->codecs[i]->name);
    int best = accept_best_encoding(q, names, conf->n_codecs, UINT_MAX);
    return best < 0 ? NULL : conf->codecs[best];
}

static void compress_respond(struct exchange *x, const void *conf)
{
    const struct compress *p = conf;
    struct response *r = exchange_response(x);

    /* Whether the 200 would be compressible is not known here (RFC 9110 sections 15.3.7, 15.4.5).
     */
    if (p->n_codecs > 0 && (r->status == 304 || r->status == 206))
        add_vary(r);
    if (r->status == 304)
        not_modified(exchange_request(x), r);
    if (!is_compressible(x, r, p))
        return;
    add_vary(r);
    const struct codec *codec = choose(exchange_request(x), p);
    if (codec == NULL || !compress_body(x, codec, (unsigned)p->level))
        return;
    response_add_checked(r, STR("Content-Encoding"), str_of(codec->name));
    response_remove(r, STR("Accept-Ranges"));
    weaken_tag(r);
}

static bool compress_changes(const void *conf, struct str field)
{
    (void)conf;
    return str_ieq(field, STR("Vary")) || str_ieq(field, STR("ETag")) ||
           str_ieq(field, STR("Content-Encoding")) || str_ieq(field, STR("Accept-Ranges"));
}

FILTER_KIND(compress, .order = 95, .size = sizeof(struct compress), .options = compress_options,
            .check = compress_check, .respond = compress_respond, .changes = compress_changes,
            .about = "Compresses bodies for the clients that say they take it.");
