/* change.c - see change.h. The main thread. */
#include "server/change.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/complain.h"

/* For a log that was replaced, to be written to its end. */
#define LOG_LAST (10 * NSEC_PER_SEC)
/* For one that is wanted again; the main thread waits. */
#define LOG_SHORT (100 * NSEC_PER_MSEC)
#define LOGS_ENDING_MAX 4 /* of them, when another is started */
/* Of the daemon's own end, for the writer to say what it could not write. */
#define LOG_MARGIN (50 * NSEC_PER_MSEC)

/* ---- listeners */

static struct listener *find_listener(const struct list *among, const struct sock_addr *address)
{
    list_each (l, among, struct listener, node)
        if (l->last == NULL && sock_same(&l->address, address))
            return l;
    return NULL;
}

static const struct conf_listener *find_conf(const struct config *c, const struct listener *l)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        if (sock_same(&c->listeners[i].address, &l->address))
            return &c->listeners[i];
    return NULL;
}

static bool have_overlap(const struct list *among, const struct sock_addr *address)
{
    list_each (l, among, struct listener, node)
        if (l->last == NULL && sock_overlap(&l->address, address))
            return true;
    return false;
}

static void listener_free(struct listener *l)
{
    listener_close(l);
    list_remove(&l->node);
    config_unref(l->last);
    free(l);
}

static void complain(const struct conf_listener *conf, int error)
{
    complain_at(&conf->place, "listener %.*s: cannot listen on %.*s: %s", str_fmt(conf->name),
                str_fmt(conf->address_text), listener_error(conf, error));
}

static int open_listener(struct change *c, const struct conf_listener *conf)
{
    struct listener *l = calloc(1, sizeof *l);
    bool beside =
        have_overlap(&c->listeners, &conf->address) || have_overlap(&c->opened, &conf->address);

    int r = l == NULL ? -ENOMEM : listener_open(l, conf, c->n_engines, beside);
    if (r < 0) {
        complain(conf, r);
        free(l);
        return r;
    }
    list_push_back(&c->opened, &l->node);
    return 0;
}

/* All that fail are told. */
static int open_listeners(struct change *c, unsigned *errors)
{
    int first = 0;

    for (size_t i = 0; i < c->to->n_listeners; i++) {
        const struct conf_listener *conf = &c->to->listeners[i];
        if (find_listener(&c->listeners, &conf->address) != NULL)
            continue;
        int r = open_listener(c, conf);
        *errors += r < 0;
        first = first < 0 ? first : r;
    }
    return first;
}

/* Each socket in its engine, or a shared one in all of them. */
static int make_acceptors(struct change *c)
{
    list_each (l, &c->opened, struct listener, node)
        for (unsigned e = 0; e < c->n_engines; e++)
            for (unsigned i = 0; i < l->n_fds; i++)
                if ((l->shared || i == e) && engine_will_accept(&c->engines[e], l, i) < 0)
                    return -ENOMEM;
    return 0;
}

static void log_listener(const struct listener *l)
{
    char text[SOCK_TEXT_MAX];

    listener_text(l, text);
    log_info("listener %.*s: %s", str_fmt(l->conf->name), text);
}

/* What `to` has not is given up; what it has is known by its words from now on. */
static void settle_listeners(struct change *c)
{
    list_each (l, &c->listeners, struct listener, node) {
        if (l->last != NULL)
            continue;
        const struct conf_listener *conf = find_conf(c->to, l);
        if (conf != NULL) {
            l->conf = conf;
            continue;
        }
        l->last = config_ref(c->config);
        listener_hide(l);
        log_info("listener %.*s: closing", str_fmt(l->conf->name));
    }
    list_each (l, &c->opened, struct listener, node)
        log_listener(l);
    list_splice_back(&c->listeners, &c->opened);
}

/* ---- the change */

/* Those whose writer has ended by then are freed. */
static bool end_logs(struct change *c, int64_t until)
{
    bool all = true;

    list_each_safe (log, &c->ending, struct accesslog, node) {
        list_remove(&log->node);
        if (accesslog_end(log, until)) {
            c->n_ending--;
            continue;
        }
        list_push_front(&c->ending, &log->node);
        all = false;
    }
    return all;
}

/* Nobody adds to it any more. Its writer goes on by itself with what is left. */
static void end_log(struct change *c, struct accesslog *log)
{
    if (log == NULL)
        return;
    accesslog_stop(log, clock_mono() + LOG_LAST);
    list_push_back(&c->ending, &log->node);
    c->n_ending++;
    (void)end_logs(c, clock_mono());
}

static bool is_ending(const struct change *c, const char *path)
{
    list_each (old, &c->ending, struct accesslog, node)
        if (strcmp(old->path, path) == 0)
            return true;
    return false;
}

/* Each log that hangs holds a thread and its memory; and two writers of one pipe would cut each
 * other's lines. */
static int start_log(struct change *c, struct accesslog *log, unsigned *errors)
{
    int r = 0;

    (void)end_logs(c, clock_mono());
    if (is_ending(c, log->path)) /* just now, most likely */
        (void)end_logs(c, clock_mono() + LOG_SHORT);
    if (c->n_ending >= LOGS_ENDING_MAX)
        r = -EBUSY;
    else if (is_ending(c, log->path))
        r = -EALREADY;
    if (r == 0)
        return accesslog_start(log);
    accesslog_complain(&c->to->access, r);
    ++*errors;
    return r;
}

static void undo(struct change *c)
{
    if (c->to_log != c->log)
        end_log(c, c->to_log);
    c->to_log = NULL;
    for (unsigned e = 0; e < c->n_engines; e++)
        engine_will_not_accept(&c->engines[e]);
    list_each_safe (l, &c->opened, struct listener, node)
        listener_free(l);
    config_unref(c->to);
    c->to = NULL;
    registry_tidy(&c->registry);
}

int change_prepare(struct change *c, struct config *to, struct accesslog *log, unsigned *ret_errors)
{
    check(c->to == NULL && c->n_switching == 0);
    *ret_errors = 0;
    c->to = to;
    c->to_log = log == NULL && c->config != NULL && accesslog_same(&c->config->access, &to->access)
                    ? c->log
                    : log;
    int r = log != NULL ? start_log(c, log, ret_errors) : 0;
    if (r == 0)
        r = registry_prepare(&c->registry, to);
    if (r == 0) /* late: who connects to one that is given up again is reset */
        r = open_listeners(c, ret_errors);
    if (r == 0)
        r = make_acceptors(c);
    if (r < 0 && *ret_errors == 0) {
        log_error("cannot serve the config: %s", strerrordesc_np(-r));
        ++*ret_errors;
    }
    if (r < 0)
        undo(c);
    return r;
}

void change_commit(struct change *c, bool running)
{
    log_set_level(c->to->log_level);
    registry_apply(&c->registry, c->to);
    settle_listeners(c);
    c->from = c->config;
    c->config = c->to;
    c->to = NULL;
    c->from_log = c->log != c->to_log ? c->log : NULL;
    c->log = c->to_log;
    c->to_log = NULL;
    c->n_switching = c->n_engines;
    for (unsigned e = 0; e < c->n_engines; e++) {
        c->engines[e].next = c->config;
        c->engines[e].next_log = c->log;
        if (running) {
            loop_post(&c->engines[e].loop, &c->engines[e].switch_letter);
            continue;
        }
        engine_switch(&c->engines[e]);
        (void)change_switched(c);
    }
}

bool change_switched(struct change *c)
{
    if (--c->n_switching > 0)
        return false;
    config_unref(c->from);
    c->from = NULL;
    end_log(c, c->from_log);
    c->from_log = NULL;
    return true;
}

void change_acceptor_gone(struct acceptor *a)
{
    struct listener *l = a->listener;

    free(a);
    if (--l->n_acceptors == 0)
        listener_free(l);
}

void change_look(struct change *c)
{
    accesslog_look(c->log);
    accesslog_look(c->from_log);
    list_each (log, &c->ending, struct accesslog, node)
        accesslog_look(log);
    registry_tidy(&c->registry);
    (void)end_logs(c, clock_mono());
}

/* ---- life */

void change_hide_listeners(struct change *c)
{
    list_each (l, &c->listeners, struct listener, node)
        listener_hide(l);
}

void change_init(struct change *c, struct loop *loop, struct engine *engines, unsigned n)
{
    *c = (struct change){ .engines = engines, .n_engines = n };
    registry_init(&c->registry, loop, n);
    list_init(&c->listeners);
    list_init(&c->opened);
    list_init(&c->ending);
}

bool change_end_logs(struct change *c, int64_t deadline)
{
    for (unsigned e = 0; e < c->n_engines; e++)
        c->engines[e].accesslog = NULL;
    end_log(c, c->from_log);
    end_log(c, c->log);
    c->from_log = c->log = NULL;
    list_each (log, &c->ending, struct accesslog, node)
        accesslog_stop(log, deadline - LOG_MARGIN);
    bool all = end_logs(c, deadline);
    list_each (log, &c->ending, struct accesslog, node)
        log_warning("access log %s: its writer does not come back", accesslog_name(log));
    return all;
}

void change_end(struct change *c)
{
    config_unref(c->from);
    config_unref(c->config);
    c->from = c->config = NULL;
}

void change_done(struct change *c)
{
    check(list_empty(&c->listeners)); /* gone with their acceptors */
    registry_done(&c->registry);
}
