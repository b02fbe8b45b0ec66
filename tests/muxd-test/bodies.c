/* bodies.c - handlers that read or make bodies: slowly, too many, in pieces, or not to the end. */
#include <errno.h>
#include <pthread.h>

#include "tally.h"

#define PERIOD 65536 /* of the pattern; lib/text.py makes the same */

static void fill(unsigned char *to, size_t n, uint64_t from)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t at = (from + i) % PERIOD;
        to[i] = (unsigned char)(at ^ at >> 8);
    }
}

static uint32_t crc32_add(uint32_t crc, const unsigned char *p, size_t n)
{
    crc = ~crc;
    while (n-- > 0) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

/* ---- test_slurp: reads the body, on a worker (run = "pool") or on the loop */

struct slurp {
    int64_t piece;
    struct str fifo;
};
struct slurp_state {
    uint64_t bytes;
    uint32_t crc;
};

static struct tally slurp_work = { .name = "slurp" };

static enum step slurp_on(struct exchange *x)
{
    const struct slurp *conf = exchange_conf(x);
    struct slurp_state *state = exchange_state(x);
    unsigned char buf[4096];
    ssize_t n;

    while ((n = exchange_read(x, buf, (size_t)conf->piece)) > 0) {
        state->crc = crc32_add(state->crc, buf, (size_t)n);
        state->bytes += (uint64_t)n;
    }
    if (n == -EAGAIN)
        return exchange_await_body(x, slurp_on);
    if (n < 0)
        tally_say(&slurp_work, "failed %s", strerrorname_np((int)-n));
    if (n < 0)
        return exchange_read_failed(x, (int)n);
    return answer(x, "%llu %08x\n", (unsigned long long)state->bytes, state->crc);
}

static enum step slurp_handle(struct exchange *x)
{
    const struct slurp *conf = exchange_conf(x);
    struct slurp_state *state = arena_zalloc(exchange_arena(x), sizeof *state);

    if (state == NULL)
        return exchange_fail(x, 503, "no_memory");
    exchange_set_state(x, state);
    tally_request(&slurp_work, x); /* while it awaits its body it may never go on */
    gate_wait(conf->fifo);
    return slurp_on(x);
}

static void slurp_check(struct option_check *c, void *conf)
{
    struct slurp *s = conf;

    if (s->fifo.n > 0)
        s->fifo = option_path(c, s->fifo);
}

static const struct option slurp_options[] = {
    OPT_INT(struct slurp, piece, "piece", 4096, 1, 4096, "Bytes read at once."),
    OPT_STR(struct slurp, fifo, "fifo", NULL, "Waits for it first."), OPT_END
};
HANDLER_KIND(test_slurp, .size = sizeof(struct slurp), .options = slurp_options,
             .check = slurp_check, .handle = slurp_handle,
             .about = "Reads the request body and answers with its length and CRC-32.");

/* ---- test_flood: writes from a worker; the route says run = "pool" */

enum flood_end { FLOOD_ABORTS, FLOOD_FAILS, FLOOD_DIES };

struct flood {
    int64_t bytes, piece, abort_at;
    int64_t end; /* enum flood_end */
    struct str fifo;
};

static struct tally flood_work = { .name = "flood" };
static struct tally flood_requests = { .name = "flood-request", .quiet = true };

static enum step flood_end(struct exchange *x, const struct flood *conf)
{
    gate_wait(conf->fifo);
    tally_finish(&flood_work);
    if (conf->end == FLOOD_FAILS)
        return exchange_fail(x, 500, "test");
    if (conf->end == FLOOD_DIES)
        pthread_exit(NULL);
    exchange_abort(x);
    return STEP_DONE;
}

static enum step flood_handle(struct exchange *x)
{
    const struct flood *conf = exchange_conf(x);
    uint64_t bytes = (uint64_t)conf->bytes, at = 0;
    unsigned char buf[4096];
    int r = 0;

    tally_request(&flood_requests, x);
    tally_start(&flood_work);
    exchange_response(x)->status = 200;
    while (at < bytes && r == 0) {
        size_t n = (size_t)min_of(bytes - at, (uint64_t)conf->piece);
        if (conf->abort_at > 0 && at >= (uint64_t)conf->abort_at - 1)
            return flood_end(x, conf);
        fill(buf, n, at);
        r = exchange_write(x, buf, n);
        at += n;
    }
    if (r < 0)
        tally_say(&flood_work, "stopped %s", strerrorname_np(-r));
    tally_finish(&flood_work);
    return STEP_DONE;
}

static void flood_check(struct option_check *c, void *conf)
{
    struct flood *f = conf;

    if (f->fifo.n > 0)
        f->fifo = option_path(c, f->fifo);
}

static const char *const flood_ends[] = { "aborts", "fails", "dies", NULL };

static const struct option flood_options[] = {
    OPT_SIZE(struct flood, bytes, "bytes", "1M", 0, INT64_MAX, "Of the body."),
    OPT_INT(struct flood, piece, "piece", 4096, 1, 4096, "Bytes written at once."),
    OPT_SIZE(struct flood, abort_at, "abort_at", "0", 0, INT64_MAX,
             "Aborts before that byte, the first being 1; 0: never."),
    OPT_ENUM(struct flood, end, "end", "aborts", flood_ends, "How: by exchange_fail(), ..."),
    OPT_STR(struct flood, fifo, "fifo", NULL, "Waits for it before the abort."),
    OPT_END
};
HANDLER_KIND(test_flood, .size = sizeof(struct flood), .options = flood_options,
             .check = flood_check, .handle = flood_handle, .about = "Writes a body from a worker.");

/* ---- test_source: a body that is pulled, on the loop */

struct pieces {
    int64_t bytes, piece, fail_at, end_at;
    bool known, again;
};
struct pieces_source {
    struct source source;
    uint64_t at;
    bool rested;
};

static struct tally source_work = { .name = "source", .quiet = true };

static ssize_t source_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    struct pieces_source *p = container_of(s, struct pieces_source, source);
    const struct pieces *conf = exchange_conf(x);

    if (conf->again && !p->rested) {
        p->rested = true;
        exchange_resume(x);
        return -EAGAIN;
    }
    p->rested = false;
    if (conf->fail_at > 0 && p->at >= (uint64_t)conf->fail_at)
        return -EIO;
    if (conf->end_at > 0 && p->at >= (uint64_t)conf->end_at)
        return 0;
    n = (size_t)min_of((uint64_t)min_of(n, (size_t)conf->piece), (uint64_t)conf->bytes - p->at);
    fill(buf, n, p->at);
    p->at += n;
    return (ssize_t)n;
}

static void source_done(struct source *s, struct exchange *x)
{
    (void)s;
    (void)x;
    tally_finish(&source_work);
}

static enum step source_handle(struct exchange *x)
{
    const struct pieces *conf = exchange_conf(x);
    struct pieces_source *p = arena_zalloc(exchange_arena(x), sizeof *p);

    if (p == NULL)
        return exchange_fail(x, 503, "no_memory");
    p->source.pull = source_pull;
    p->source.done = source_done;
    tally_start(&source_work);
    exchange_response(x)->status = 200;
    exchange_body_source(x, &p->source, conf->known ? (uint64_t)conf->bytes : BODY_LENGTH_UNKNOWN);
    return STEP_DONE;
}

static const struct option source_options[] = {
    OPT_SIZE(struct pieces, bytes, "bytes", "100", 0, INT64_MAX, "Of the body."),
    OPT_INT(struct pieces, piece, "piece", 4096, 1, 1 << 20, "Bytes given at once, at most."),
    OPT_SIZE(struct pieces, fail_at, "fail_at", "0", 0, INT64_MAX, "Fails there; 0: never."),
    OPT_SIZE(struct pieces, end_at, "end_at", "0", 0, INT64_MAX,
             "Ends there, whatever was told; 0: never."),
    OPT_BOOL(struct pieces, known, "known", true, "The length is told beforehand."),
    OPT_BOOL(struct pieces, again, "again", false, "Every other pull gives nothing yet."),
    OPT_END
};
HANDLER_KIND(test_source, .size = sizeof(struct pieces), .options = source_options,
             .handle = source_handle, .about = "Gives a body that is pulled.");
