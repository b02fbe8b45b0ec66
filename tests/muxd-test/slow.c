/*
 * slow.c - test_slow_check: a config that takes its time to load. Its check() runs on whatever
 * thread loads the config; a load that is given up goes on waiting there.
 */
#include "tally.h"

struct slow {
    struct str fifo;
};

static struct tally slow_work = { .name = "slow-check" };

static void slow_check(struct option_check *c, void *conf)
{
    struct slow *s = conf;

    s->fifo = option_path(c, s->fifo);
    tally_start(&slow_work);
    gate_wait(s->fifo);
    tally_finish(&slow_work);
}

static enum step slow_handle(struct exchange *x)
{
    return answer(x, "loaded\n");
}

static const struct option slow_options[] = {
    OPT_STR(struct slow, fifo, "fifo", REQUIRED,
            "The check of the config waits until it is opened for writing."),
    OPT_END
};
HANDLER_KIND(test_slow_check, .size = sizeof(struct slow), .options = slow_options,
             .check = slow_check, .handle = slow_handle,
             .about = "Keeps the loading of a config until it is released.");
