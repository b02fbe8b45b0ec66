/*
 * later.c - test_later: answers when another thread says so. The exchange lives until it is
 * resumed, whatever its client does; so the thread needs nothing but its address.
 */
#include <pthread.h>

#include "base/clock.h"
#include "tally.h"

struct later_conf {
    int64_t time;
    struct str fifo;
};

struct later_state {
    pthread_t thread;
    struct exchange *exchange;
    const struct later_conf *conf;
};

static struct tally later_work = { .name = "later" };
static struct tally later_requests = { .name = "later-request", .quiet = true };

static void *later_thread(void *arg)
{
    struct later_state *state = arg;
    struct timespec t = { .tv_sec = (time_t)(state->conf->time / NSEC_PER_SEC),
                          .tv_nsec = (long)(state->conf->time % NSEC_PER_SEC) };

    tally_start(&later_work);
    gate_wait(state->conf->fifo);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0)
        ;
    tally_finish(&later_work);
    exchange_resume(state->exchange);
    return NULL;
}

static void later_join(void *arg)
{
    struct later_state *state = arg;

    if (state->exchange != NULL)
        pthread_join(state->thread, NULL);
}

static enum step later_answer(struct exchange *x)
{
    return answer(x, "later\n");
}

static enum step later_handle(struct exchange *x)
{
    struct later_state *state = arena_zalloc(exchange_arena(x), sizeof *state);

    if (state == NULL || arena_on_reset(exchange_arena(x), later_join, state) < 0)
        return exchange_fail(x, 503, "no_memory");
    tally_request(&later_requests, x);
    state->exchange = x;
    state->conf = exchange_conf(x);
    if (pthread_create(&state->thread, NULL, later_thread, state) != 0) {
        state->exchange = NULL;
        return exchange_fail(x, 503, "no_thread");
    }
    return exchange_later(x, later_answer);
}

static void later_check(struct option_check *c, void *conf)
{
    struct later_conf *l = conf;

    if (l->fifo.n > 0)
        l->fifo = option_path(c, l->fifo);
}

static const struct option later_options[] = {
    OPT_TIME(struct later_conf, time, "time", "10ms", 0, 3600 * NSEC_PER_SEC, "How much later."),
    OPT_STR(struct later_conf, fifo, "fifo", NULL, "Waits for it first."), OPT_END
};
HANDLER_KIND(test_later, .size = sizeof(struct later_conf), .options = later_options,
             .check = later_check, .handle = later_handle,
             .about = "Answers when another thread says so.");
