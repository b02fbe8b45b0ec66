/* accesslog.c - see accesslog.h. */
#include "server/accesslog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/spool.h"
#include "server/complain.h"
#include "server/engine.h"
#include "server/exchange.h"

#define CLIENT_LEFT 499 /* as nginx has it: no response was sent */
#define HUNG_AFTER (5 * NSEC_PER_SEC)

const char *accesslog_name(const struct accesslog *a)
{
    return a->path[0] != '\0' ? a->path : "stdout";
}

/* The writer's thread. */
static void tell(void *arg, enum spool_event event, int error, uint64_t dropped)
{
    const struct accesslog *a = arg;

    switch (event) {
    case SPOOL_FAILED:
        log_warning("access log %s: %s; requests go on, and their lines are lost once the buffers "
                    "are full",
                    accesslog_name(a), strerrordesc_np(error));
        break;
    case SPOOL_RESUMED:
        log_info("access log %s: written again; %" PRIu64 " lines were lost", accesslog_name(a),
                 dropped);
        break;
    case SPOOL_DROPPED:
        log_warning("access log %s: %" PRIu64 " lines were lost: they were not written in time",
                    accesslog_name(a), dropped);
        break;
    case SPOOL_REOPEN_FAILED:
        log_warning("access log %s: cannot open it anew: %s; the old file is written to",
                    accesslog_name(a), strerrordesc_np(error));
        break;
    }
}

int accesslog_new(const struct conf_access *conf, unsigned n_loops, struct accesslog **ret)
{
    bool to_stdout = str_eq(conf->path, ACCESS_STDOUT);

    *ret = NULL;
    if (conf->path.n == 0)
        return 0;
    struct accesslog *a = calloc(1, sizeof *a + conf->path.n + 1);
    if (a == NULL)
        return -ENOMEM;
    if (!to_stdout)
        memcpy(a->path, conf->path.p, conf->path.n);
    list_init(&a->node);
    struct spool_conf how = {
        .path = to_stdout ? NULL : a->path, .producers = n_loops, .tell = tell, .arg = a
    };
    int r = spool_new(&how, &a->spool);
    if (r < 0)
        free(a);
    else
        *ret = a;
    return r;
}

void accesslog_complain(const struct conf_access *conf, int error)
{
    complain_at(&conf->place, "access_log: cannot open %.*s: %s", str_fmt(conf->path),
                error == -ENXIO      ? "nobody reads that FIFO, or it is a socket"
                : error == -EBUSY    ? "too many logs before it are still being written"
                : error == -EALREADY ? "its last lines are still being written; reload once more"
                                     : strerrordesc_np(-error));
}

int accesslog_start(struct accesslog *a)
{
    return spool_start(a->spool);
}

bool accesslog_same(const struct conf_access *a, const struct conf_access *b)
{
    return str_eq(a->path, b->path);
}

static struct str field_of(const struct request *q, enum field_id id)
{
    const struct field *f = request_field(q, id);

    return f != NULL ? f->value : STR_EMPTY;
}

void accesslog_add(struct accesslog *a, struct exchange *x, const char *cut)
{
    const struct request *q = &x->request;
    struct engine *e = x->engine;
    char line[ACCESS_LINE_MAX];
    bool client_left = cut != NULL && str_eq(str_of(cut), STR("client_left"));
    struct access_record r = {
        .time = x->wall,
        .duration = clock_mono() - x->began,
        .peer = exchange_peer(x),
        .method = q->method_token,
        .target = q->target,
        .host = q->host,
        .version_minor = x->version_minor,
        .raw = x->raw,
        .status = x->status == 0 && client_left ? CLIENT_LEFT : x->status,
        .bytes = x->sent,
        .referer = field_of(q, FIELD_REFERER),
        .user_agent = field_of(q, FIELD_USER_AGENT),
        .site = x->site != NULL ? x->site->name : STR_EMPTY,
        .route = x->route != NULL ? x->route->name : STR_EMPTY,
        .note = x->note,
        .id = x->id,
    };

    if (cut != NULL)
        r.reason = str_of(cut);
    else if (x->reply != NULL && x->reply->reason != NULL)
        r.reason = str_of(x->reply->reason);
    size_t n = access_format(e->config->access.format, &r, &e->log_clock, line, sizeof line);
    (void)spool_add(a->spool, e->index, line, n); /* it counts what finds no room */
}

void accesslog_reopen(struct accesslog *a)
{
    if (a != NULL)
        spool_reopen(a->spool);
}

void accesslog_look(struct accesslog *a)
{
    struct spool_stats s;

    if (a == NULL)
        return;
    spool_stats(a->spool, &s);
    if (s.hung_for > HUNG_AFTER && !a->hung)
        log_warning("access log %s: writing hangs since %" PRId64 " s; requests go on, %" PRIu64
                    " lines were lost",
                    accesslog_name(a), s.hung_for / NSEC_PER_SEC, s.dropped);
    a->hung = s.hung_for > HUNG_AFTER;
}

void accesslog_stop(struct accesslog *a, int64_t deadline)
{
    spool_stop(a->spool, deadline);
}

bool accesslog_end(struct accesslog *a, int64_t until)
{
    if (a == NULL)
        return true;
    if (!spool_end(a->spool, until))
        return false;
    free(a);
    return true;
}
