/* blocking.c - handlers that keep a worker: asleep, waiting for a FIFO, or dying in it. */
#include <pthread.h>

#include "base/clock.h"
#include "tally.h"

/* ---- test_sleep */

struct nap {
    int64_t time;
};

static struct tally sleep_work = { .name = "sleep" };
static struct tally sleep_requests = { .name = "sleep-request", .quiet = true };

static void sleep_run(struct exchange *x)
{
    const struct nap *conf = exchange_conf(x);
    struct timespec t = { .tv_sec = (time_t)(conf->time / NSEC_PER_SEC),
                          .tv_nsec = (long)(conf->time % NSEC_PER_SEC) };

    tally_start(&sleep_work);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0)
        ;
    if (exchange_cancelled(x))
        tally_say(&sleep_work, "cancelled");
    tally_finish(&sleep_work);
}

static enum step sleep_answer(struct exchange *x)
{
    return answer(x, "slept\n");
}

static enum step sleep_handle(struct exchange *x)
{
    tally_request(&sleep_requests, x);
    return exchange_offload(x, sleep_run, sleep_answer);
}

static const struct option sleep_options[] = {
    OPT_TIME(struct nap, time, "time", "10ms", 0, 3600 * NSEC_PER_SEC, "How long."), OPT_END
};
HANDLER_KIND(test_sleep, .size = sizeof(struct nap), .options = sleep_options,
             .handle = sleep_handle, .about = "Sleeps in the pool, then answers.");

/* ---- test_block */

struct block {
    struct str fifo;
};

static struct tally block_work = { .name = "block" };
static struct tally block_requests = { .name = "block-request", .quiet = true };

static void block_run(struct exchange *x)
{
    const struct block *conf = exchange_conf(x);

    tally_start(&block_work);
    gate_wait(conf->fifo);
    if (exchange_cancelled(x))
        tally_say(&block_work, "cancelled");
    tally_finish(&block_work);
}

static enum step block_answer(struct exchange *x)
{
    return answer(x, "released\n");
}

static enum step block_handle(struct exchange *x)
{
    tally_request(&block_requests, x);
    return exchange_offload(x, block_run, block_answer);
}

static void block_check(struct option_check *c, void *conf)
{
    struct block *b = conf;

    b->fifo = option_path(c, b->fifo);
}

static const struct option block_options[] = {
    OPT_STR(struct block, fifo, "fifo", REQUIRED, "Waits until it is opened for writing."), OPT_END
};
HANDLER_KIND(test_block, .size = sizeof(struct block), .options = block_options,
             .check = block_check, .handle = block_handle,
             .about = "Keeps a worker until it is released, then answers.");

/* ---- test_stall: what no handler may do */

static struct tally stall_work = { .name = "stall" };

static enum step stall_handle(struct exchange *x)
{
    const struct block *conf = exchange_conf(x);

    tally_start(&stall_work);
    gate_wait(conf->fifo);
    tally_finish(&stall_work);
    return answer(x, "released\n");
}

HANDLER_KIND(test_stall, .size = sizeof(struct block), .options = block_options,
             .check = block_check, .handle = stall_handle,
             .about = "Keeps its whole loop until it is released, then answers.");

/* ---- test_die */

static void die_run(struct exchange *x)
{
    (void)x;
    pthread_exit(NULL);
}

static enum step die_handle(struct exchange *x)
{
    return exchange_offload(x, die_run, sleep_answer);
}

HANDLER_KIND(test_die, .handle = die_handle, .about = "Ends the worker's thread.");
