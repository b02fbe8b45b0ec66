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

static struct tally later_work = { .name = "later" };
static struct tally later_requests = { .name = "later-request", .quiet = true };

static void *later_thread(void *arg)
{
    struct exchange *x = arg;
    const struct later_conf *conf = exchange_state(x);
    struct timespec t = { .tv_sec = (time_t)(conf->time / NSEC_PER_SEC),
                          .tv_nsec = (long)(conf->time % NSEC_PER_SEC) };

    tally_start(&later_work);
    gate_wait(conf->fifo);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0)
        ;
    tally_finish(&later_work);
    exchange_resume(x);
    return NULL;
}

static enum step later_answer(struct exchange *x)
{
    return answer(x, "later\n");
}

static enum step later_handle(struct exchange *x)
{
    pthread_t thread;

    tally_request(&later_requests, x);
    /* The state is all the thread looks at: it is there before the thread is. */
    exchange_set_state(x, (void *)exchange_conf(x));
    if (pthread_create(&thread, NULL, later_thread, x) != 0)
        return exchange_fail(x, 503, "no_thread");
    pthread_detach(thread);
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
