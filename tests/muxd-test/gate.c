/*
 * gate.c - test_gate, a filter with a step of its own: answers, or goes on, at once, from a worker,
 * or when another thread says so. What it finds of its options after the wait stands in the answer,
 * so that a scenario sees whose they are.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "filter/filter.h"
#include "tally.h"

enum { GATE_INLINE, GATE_OFFLOAD, GATE_LATER };
static const char *const gate_ways[] = { "inline", "offload", "later", NULL };

struct gate {
    int64_t way;
    int64_t number;
    bool open;
};

static struct tally gate_work = { .name = "gate" };

static enum step gate_decide(struct exchange *x)
{
    const struct gate *g = exchange_conf(x);

    if (exchange_state(x) != g)
        return exchange_fail(x, 500, "state_lost");
    if (g->open) {
        response_add(exchange_response(x), STR("X-Gate"),
                     arena_printf(exchange_arena(x), "%" PRId64, g->number));
        return STEP_NEXT;
    }
    answer(x, "closed %" PRId64 "\n", g->number);
    exchange_response(x)->status = 403;
    return STEP_DONE;
}

static void gate_work_run(struct exchange *x)
{
    (void)x;
    tally_start(&gate_work);
    tally_finish(&gate_work);
}

static void *gate_thread(void *arg)
{
    tally_start(&gate_work);
    tally_finish(&gate_work);
    exchange_resume(arg);
    return NULL;
}

static void gate_join(void *arg)
{
    pthread_join(*(pthread_t *)arg, NULL);
}

static enum step gate_request(struct exchange *x)
{
    const struct gate *g = exchange_conf(x);

    if (exchange_state(x) != NULL)
        return exchange_fail(x, 500, "state_of_another");
    exchange_set_state(x, (void *)g);
    if (g->way == GATE_OFFLOAD)
        return exchange_offload(x, gate_work_run, gate_decide);
    if (g->way == GATE_INLINE)
        return gate_decide(x);
    pthread_t *thread = arena_alloc(exchange_arena(x), sizeof *thread);
    if (thread == NULL || pthread_create(thread, NULL, gate_thread, x) != 0)
        return exchange_fail(x, 503, "no_thread");
    if (arena_on_reset(exchange_arena(x), gate_join, thread) < 0)
        abort();
    return exchange_later(x, gate_decide);
}

static const struct option gate_options[] = {
    OPT_ENUM(struct gate, way, "way", "inline", gate_ways, "Where it decides."),
    OPT_INT(struct gate, number, "number", 0, 0, 1000, "Told in the answer."),
    OPT_BOOL(struct gate, open, "open", true, "Whether the handler is reached."), OPT_END
};
FILTER_KIND(test_gate, .order = 5, .size = sizeof(struct gate), .options = gate_options,
            .request = gate_request, .about = "Lets through, or not.");
