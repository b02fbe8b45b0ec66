/* reload.c - see reload.h. The main thread, but for load(). */
#include "server/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/thread.h"
#include "server/complain.h"
#include "server/notify.h"

#define TRIM_AFTER (NSEC_PER_SEC / 2)

/* ---- what is said */

static const char *file_of(const struct reload *r)
{
    return r->change->config->file.p;
}

/* When the config that is served was loaded; with the day, unless it is today. */
static const char *since(struct reload *r)
{
    time_t now = (time_t)(clock_wall() / NSEC_PER_SEC);
    struct tm then, today;

    localtime_r(&r->served_since, &then);
    localtime_r(&now, &today);
    bool same = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    strftime(r->since, sizeof r->since, same ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
    return r->since;
}

static void served(struct reload *r)
{
    r->served_since = (time_t)(clock_wall() / NSEC_PER_SEC);
    snprintf(r->status, sizeof r->status, "serving the config loaded at %s", since(r));
}

/* Whatever came of it: the service is ready, with this config or that. */
static void over(struct reload *r)
{
    notify_ready();
    if (r->again) {
        r->again = false;
        reload_ask(r);
    }
}

static void fail(struct reload *r, const char *why)
{
    snprintf(r->status, sizeof r->status, "reload failed: %s; the config loaded at %s serves on",
             why, since(r));
    log_error("%s", r->status);
    notify_status("%s", r->status);
    over(r);
}

static void fail_with(struct reload *r, unsigned errors, unsigned warnings)
{
    char why[COMPLAIN_SUM_MAX];

    fail(r, complain_sum(errors, warnings, why));
}

/* ---- the loader */

static void *load(void *arg)
{
    struct reload *r = arg;

    pthread_setname_np(pthread_self(), "muxd-loader");
    r->result = config_load(r->before->file.p, &(struct load_options){ .before = r->before },
                            &r->report, &r->config);
    if (r->result == 0 && !accesslog_same(&r->before->access, &r->config->access))
        r->log_error = accesslog_new(&r->config->access, r->change->n_engines, &r->log);
    loop_post(r->loop, &r->loaded);
    sem_post(&r->ended);
    return NULL;
}

/* Takes back what the loader had. */
static struct config *take(struct reload *r)
{
    struct config *config = r->config;

    pthread_join(r->thread, NULL); /* it has posted its last letter */
    (void)sem_trywait(&r->ended);
    loop_timer_clear(r->loop, &r->deadline);
    config_unref(r->before);
    r->before = r->config = NULL;
    r->loading = false;
    return config;
}

static void too_late(struct timer *t)
{
    struct reload *r = container_of(t, struct reload, deadline);
    char why[512];

    if (r->stopping)
        return;
    r->given_up = true;
    snprintf(why, sizeof why, "%.400s could not be loaded within %d s", file_of(r),
             (int)(RELOAD_DEADLINE / NSEC_PER_SEC));
    fail(r, why);
}

/* What is not going to be served. */
static void discard(struct reload *r, struct config *config)
{
    config_unref(config);
    (void)accesslog_end(r->log, 0); /* never started */
    arena_done(&r->arena);
}

/* The part of a load that this process cannot follow. */
static void warn_of_loops(const struct reload *r, const struct config *config)
{
    if (config->loops != r->change->n_engines)
        log_warning("loops: %u stay until a restart", r->change->n_engines);
}

static void loaded(struct letter *l)
{
    struct reload *r = container_of(l, struct reload, loaded);
    struct config *config = take(r);
    unsigned errors = 0;

    if (r->stopping) {
        discard(r, config);
        return;
    }
    if (r->given_up) {
        r->given_up = false;
        log_warning("the load that was given up came back after %" PRId64 " s; it changes nothing",
                    (clock_mono() - r->began) / NSEC_PER_SEC);
        discard(r, config);
        return;
    }
    complain_report(&r->report);
    unsigned warnings = r->report.warnings;
    arena_done(&r->arena);
    if (r->result == -ENOMEM) {
        fail(r, "not enough memory");
    } else if (r->result < 0) {
        fail_with(r, r->report.errors, warnings);
    } else if (r->log_error < 0) {
        accesslog_complain(&config->access, r->log_error);
        config_unref(config);
        fail_with(r, 1, warnings);
    } else if (warn_of_loops(r, config), change_prepare(r->change, config, r->log, &errors) < 0) {
        fail_with(r, errors, warnings);
    } else {
        change_commit(r->change, true);
    }
}

/* What parsing took, and the old config had, goes back to the system. It locks one heap after the
 * other; those of the loops are small. */
static void trim(struct timer *t UNUSED)
{
    malloc_trim(0);
}

void reload_begin(struct reload *r)
{
    served(r);
    (void)loop_timer(r->loop, &r->trim, TRIM_AFTER);
}

void reload_switched(struct reload *r)
{
    const struct config *c = r->change->config;

    if (r->stopping)
        return;
    served(r);
    (void)loop_timer(r->loop, &r->trim, TRIM_AFTER);
    int64_t us = (clock_mono() - r->began) / 1000;
    log_notice("reloaded %s in %" PRId64 ".%" PRId64
               " ms: %zu listeners, %zu sites (%zu kept), %zu routes",
               c->file.p, us / 1000, us % 1000 / 100, c->n_listeners, c->n_sites, c->n_kept,
               c->n_routes);
    notify_status("%s", r->status);
    over(r);
}

/* ---- asking */

void reload_ask(struct reload *r)
{
    if (r->stopping) {
        log_notice("HUP: stopping, nothing is reloaded");
        return;
    }
    if (r->given_up) {
        notify_reloading();
        log_error("reload refused: the load that began %" PRId64 " s ago still hangs",
                  (clock_mono() - r->began) / NSEC_PER_SEC);
        notify_ready();
        return;
    }
    if (r->loading || r->change->n_switching > 0) {
        r->again = true;
        return;
    }
    notify_reloading();
    r->began = clock_mono();
    arena_init(&r->arena, COMPLAIN_MEMORY);
    report_init(&r->report, &r->arena);
    r->before = config_ref(r->change->config);
    r->config = NULL;
    r->log = NULL;
    r->log_error = 0;
    int error = thread_start(&r->thread, 0, load, r);
    if (error < 0) {
        config_unref(r->before);
        r->before = NULL;
        fail(r, strerrordesc_np(-error));
        return;
    }
    r->loading = true;
    (void)loop_timer(r->loop, &r->deadline, RELOAD_DEADLINE);
}

/* ---- life */

void reload_init(struct reload *r, struct loop *loop, struct change *change)
{
    *r = (struct reload){ .loop = loop, .change = change };
    timer_init(&r->deadline, too_late);
    timer_init(&r->trim, trim);
    r->loaded.deliver = loaded;
    check(sem_init(&r->ended, 0, 0) == 0);
}

void reload_look(const struct reload *r)
{
    int64_t since = clock_mono() - r->began;

    if (r->change->n_switching > 0 && since > RELOAD_DEADLINE)
        log_warning("%u loops have not taken up the new config for %" PRId64
                    " s: something holds them up",
                    r->change->n_switching, since / NSEC_PER_SEC);
}

void reload_stop(struct reload *r)
{
    r->stopping = true;
    r->again = false;
}

bool reload_end(struct reload *r, int64_t deadline)
{
    struct timespec until = { .tv_sec = deadline / NSEC_PER_SEC,
                              .tv_nsec = deadline % NSEC_PER_SEC };

    while (r->loading && sem_clockwait(&r->ended, CLOCK_MONOTONIC, &until) < 0)
        if (errno != EINTR)
            return false;
    return true;
}
