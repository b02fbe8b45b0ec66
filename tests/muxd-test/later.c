/*
 * later.c - test_later: answers when another thread says so. The note is shared by that thread and
 * the exchange; whoever is second frees it. `exchange` is NULL once the exchange is gone; the
 * mutex keeps it alive while the thread resumes it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tally.h"

struct later_conf {
    int64_t time;
};

struct note {
    pthread_mutex_t mutex;
    struct exchange *exchange;
    int64_t time;
    bool resumed, shared;
};

static struct tally later_work = { .name = "later" };
static struct tally later_requests = { .name = "later-request", .quiet = true };

static void note_drop(struct note *note, struct exchange **exchange)
{
    bool last;

    pthread_mutex_lock(&note->mutex);
    if (exchange != NULL)
        *exchange = NULL;
    last = !note->shared;
    note->shared = false;
    pthread_mutex_unlock(&note->mutex);
    if (last) {
        pthread_mutex_destroy(&note->mutex);
        free(note);
    }
}

static void note_exchange_gone(void *arg)
{
    struct note *note = arg;

    note_drop(note, &note->exchange);
}

static void *later_thread(void *arg)
{
    struct note *note = arg;
    struct timespec t = { .tv_sec = (time_t)(note->time / NSEC_PER_SEC),
                          .tv_nsec = (long)(note->time % NSEC_PER_SEC) };

    tally_start(&later_work);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0)
        ;
    pthread_mutex_lock(&note->mutex);
    note->resumed = true;
    if (note->exchange != NULL)
        exchange_resume(note->exchange);
    else
        tally_say(&later_work, "cancelled");
    pthread_mutex_unlock(&note->mutex);
    note_drop(note, NULL);
    tally_finish(&later_work);
    return NULL;
}

/* Also called when request body arrives. */
static enum step later_on(struct exchange *x)
{
    struct note *note = exchange_state(x);
    bool resumed;

    pthread_mutex_lock(&note->mutex);
    resumed = note->resumed;
    pthread_mutex_unlock(&note->mutex);
    return resumed ? answer(x, "later\n") : exchange_later(x, later_on);
}

static enum step later_handle(struct exchange *x)
{
    const struct later_conf *conf = exchange_conf(x);
    struct note *note = calloc(1, sizeof *note);
    pthread_t thread;

    if (note == NULL)
        return exchange_fail(x, 503, "no_memory");
    tally_request(&later_requests, x);
    pthread_mutex_init(&note->mutex, NULL);
    note->exchange = x;
    note->time = conf->time;
    note->shared = true;
    exchange_set_state(x, note);
    if (pthread_create(&thread, NULL, later_thread, note) != 0) {
        note->shared = false;
        note_drop(note, NULL);
        return exchange_fail(x, 503, "no_thread");
    }
    pthread_detach(thread);
    if (arena_on_reset(exchange_arena(x), note_exchange_gone, note) < 0) {
        note_exchange_gone(note);
        return exchange_fail(x, 503, "no_memory");
    }
    return exchange_later(x, later_on);
}

static const struct option later_options[] = { OPT_TIME(struct later_conf, time, "time", "10ms", 0,
                                                        3600 * NSEC_PER_SEC, "How much later."),
                                               OPT_END };
HANDLER_KIND(test_later, .size = sizeof(struct later_conf), .options = later_options,
             .handle = later_handle, .about = "Answers when another thread says so.");
