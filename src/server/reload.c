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
#define COMPUTES_MIN (20 * NSEC_PER_MSEC) /* in RELOAD_DEADLINE; a load that hangs takes none */
#define LARGE_BLOCK KIB(256)
#define HEAP_SPARE MIB(1)
#define REFUSED_MAX 300
#define ASIDE_FILES 3 /* that are named */
#define ASIDE_MAX 800 /* of the text about them: 250 for each, and how many more there are */

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

/* What became of one file: the first of its sites is named. */
static size_t add_aside(const struct config *c, struct str file, char *buf, size_t size)
{
    struct str first = STR_EMPTY;
    size_t n = 0;
    int len;

    for (size_t i = 0; i < c->n_sites; i++)
        if (str_eq(str_of(c->sites[i]->place.file), file) && n++ == 0)
            first = c->sites[i]->name;
    file = str_head(file, 100);
    if (n == 0)
        len = snprintf(buf, size, "%.*s is left out", str_fmt(file));
    else if (n == 1)
        len = snprintf(buf, size, "%.*s is as it was (%.*s)", str_fmt(file), str_fmt(first));
    else
        len = snprintf(buf, size, "%.*s is as it was (%.*s and %zu more)", str_fmt(file),
                       str_fmt(first), n - 1);
    return (size_t)len;
}

/* " with 2 errors", and "; a.conf is as it was (shop), b.conf is left out"; or nothing at all. */
static void aside_text(const struct reload *r, char *ret_errors, char *ret_files)
{
    const struct config *c = r->change->config;
    size_t n = 0;

    ret_errors[0] = ret_files[0] = '\0';
    if (r->errors == 0)
        return;
    snprintf(ret_errors, COMPLAIN_SUM_MAX, " with %u error%s", r->errors,
             r->errors == 1 ? "" : "s");
    for (size_t i = 0; i < min_of(c->set_aside.n, (size_t)ASIDE_FILES); i++) {
        n += (size_t)snprintf(ret_files + n, ASIDE_MAX - n, i ? ", " : "; ");
        n += add_aside(c, c->set_aside.v[i], ret_files + n, ASIDE_MAX - n);
    }
    if (c->set_aside.n > ASIDE_FILES)
        snprintf(ret_files + n, ASIDE_MAX - n, ", and %zu more files",
                 c->set_aside.n - ASIDE_FILES);
}

static void served(struct reload *r)
{
    char errors[COMPLAIN_SUM_MAX], files[ASIDE_MAX];

    aside_text(r, errors, files);
    r->served_since = (time_t)(clock_wall() / NSEC_PER_SEC);
    snprintf(r->status, sizeof r->status, "serving the config loaded at %s%s%s", since(r), errors,
             files);
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

/* `refused`: why on_error = "keep" did not help, or empty. */
static void fail_with(struct reload *r, unsigned errors, unsigned warnings, const char *refused)
{
    char sum[COMPLAIN_SUM_MAX], why[REFUSED_MAX + 100];

    snprintf(why, sizeof why, "%s%s%s", complain_sum(errors, warnings, sum),
             *refused ? "; nothing is kept: " : "", refused);
    fail(r, why);
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

/* Whether the load took CPU since this was asked last, or has ended. */
static bool computes(struct reload *r)
{
    struct timespec t;
    clockid_t clock;
    int64_t before = r->computed;

    if (pthread_getcpuclockid(r->thread, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return true;
    r->computed = t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
    return r->computed - before >= COMPUTES_MIN;
}

static void too_late(struct timer *t)
{
    struct reload *r = container_of(t, struct reload, deadline);
    int64_t took = clock_mono() - r->began;
    char why[512];

    if (r->stopping)
        return;
    if (took < RELOAD_MAX && computes(r)) {
        (void)loop_timer(r->loop, &r->deadline, RELOAD_DEADLINE);
        return;
    }
    r->given_up = true;
    snprintf(why, sizeof why, "%.400s could not be loaded within %" PRId64 " s", file_of(r),
             (took + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
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
    unsigned told = r->report.errors, warnings = r->report.warnings;
    char refused[REFUSED_MAX];
    snprintf(refused, sizeof refused, "%.*s", str_fmt(r->report.refused));
    arena_done(&r->arena);
    if (r->result == -ENOMEM) {
        fail(r, "not enough memory");
    } else if (r->result < 0) {
        fail_with(r, told, warnings, refused);
    } else if (r->log_error < 0) {
        accesslog_complain(&config->access, r->log_error);
        config_unref(config);
        fail_with(r, told + 1, warnings, "");
    } else if (warn_of_loops(r, config), change_prepare(r->change, config, r->log, &errors) < 0) {
        fail_with(r, told + errors, warnings, "");
    } else {
        r->errors = told;
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
    char errors[COMPLAIN_SUM_MAX], files[ASIDE_MAX];
    aside_text(r, errors, files);
    log_line(r->errors != 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE,
             "reloaded %s%s in %" PRId64 ".%" PRId64
             " ms: %zu listener%s, %zu site%s (%zu kept), %zu route%s%s",
             c->file.p, errors, us / 1000, us % 1000 / 100, c->n_listeners,
             str_plural(c->n_listeners), c->n_sites, str_plural(c->n_sites), c->n_kept, c->n_routes,
             str_plural(c->n_routes), files);
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
    if (r->change->config->is_text) {
        log_notice("HUP: there is no file to reload");
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
    r->computed = 0;
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
    /* What a config of many routes takes is mapped by itself and gone when it is freed: malloc
     * would learn to keep such sizes, and malloc_trim() gives back nothing from the end of a
     * thread's heap. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    mallopt(M_TRIM_THRESHOLD, HEAP_SPARE);
    *r = (struct reload){ .loop = loop, .change = change };
    timer_init(&r->deadline, too_late);
    timer_init(&r->trim, trim);
    r->loaded.deliver = loaded;
    check(sem_init(&r->ended, 0, 0) == 0);
}

void reload_look(const struct reload *r)
{
    int64_t took = clock_mono() - r->began;

    if (r->change->n_switching > 0 && took > RELOAD_DEADLINE)
        log_warning("%u loops have not taken up the new config for %" PRId64
                    " s: something holds them up",
                    r->change->n_switching, took / NSEC_PER_SEC);
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
