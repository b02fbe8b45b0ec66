/*
 * limits.c - bounds of a route's requests: of the body, of the time, and how many there may be at
 * once. Those past that number wait in a queue of the route's own, first come first served.
 *
 * What the loops share of a route is behind its lock, which only routes with such a number take,
 * and nobody waits under. A request takes part by a ticket in its arena, and leaves by the arena's
 * reset, however it ends. Who leaves hands its place to the first who waits. limits_check(): the
 * loader's thread; the rest: the exchange's loop.
 */
#include <pthread.h>

#include "base/check.h"
#include "base/list.h"
#include "filter/filter.h"

struct limits_conf {
    int64_t body; /* bytes; -1: as for all */
    int64_t time; /* ns; 0: as for all */
    int64_t requests, queue, queue_time;
};

#define DAY (24 * 3600 * NSEC_PER_SEC)

static const struct option limits_options[] = {
    OPT_SIZE_OR(struct limits_conf, body, "body", -1, 0, INT64_MAX,
                "Of a request body, in place of \"body\" of the section limits; a larger one gets "
                "413."),
    OPT_TIME(struct limits_conf, time, "time", NULL, NSEC_PER_MSEC, DAY,
             "For the handler to begin its response, in place of \"handler\" of the section "
             "timeouts; then the client gets 504. In a pool it does not begin anew while a body is "
             "taken in, so that slow uploads do not hold its threads for longer."),
    OPT_INT(struct limits_conf, requests, "requests", 0, 0, 1000000,
            "Requests of the route at once, each until the last byte of its answer is sent; said "
            "in a site, of each of its routes. 0: no bound."),
    OPT_INT(
        struct limits_conf, queue, "queue", 0, 0, 1000000,
        "How many requests past that number may wait for their turn; further ones get 503. "
        "One whose client is seen to be gone leaves; who only ends its own direction waits on."),
    OPT_TIME(struct limits_conf, queue_time, "queue_time", "5s", NSEC_PER_MSEC, DAY,
             "How long a request may wait for its turn; then it gets 503."),
    OPT_END
};

/* Of all versions of the route. */
struct turns {
    pthread_mutex_t lock;
    unsigned running, waiting;
    struct list queue; /* struct ticket */
};

enum ticket_state { TICKET_WAITING, TICKET_RUNNING, TICKET_GONE };

struct ticket {
    struct turns *turns;
    struct exchange *exchange;
    struct list node;
    unsigned requests;       /* the bound, of this request's version */
    enum ticket_state state; /* under the lock */
};

static void limits_check(struct option_check *c, void *conf)
{
    const struct limits_conf *outer = c->outer;
    struct limits_conf *l = conf;

    /* A site may say for routes that have `requests`. */
    if (c->in_route && l->queue > 0 && l->requests == 0 &&
        (outer == NULL || outer->queue != l->queue))
        option_warning(c, "queue", "nothing waits here without a number of `requests`");
}

static size_t limits_shared(const void *conf)
{
    const struct limits_conf *l = conf;

    return l->requests > 0 ? sizeof(struct turns) : 0;
}

/* Under the lock: whose turn it is now, or NULL. The exchange is told when the lock is free; it
 * lives until then, for it can not be withdrawn any more. */
static struct exchange *next_turn(struct turns *t)
{
    if (t->waiting == 0)
        return NULL;
    struct ticket *first = list_first(&t->queue, struct ticket, node);
    if (t->running >= first->requests)
        return NULL;
    list_remove(&first->node);
    t->waiting--;
    t->running++;
    first->state = TICKET_RUNNING;
    return first->exchange;
}

/* After a change of the bound there may be turns for several. */
static void give_turns(struct turns *t)
{
    struct exchange *next;

    do {
        pthread_mutex_lock(&t->lock);
        next = next_turn(t);
        pthread_mutex_unlock(&t->lock);
        if (next != NULL)
            exchange_resume(next);
    } while (next != NULL);
}

/* The request is over. */
static void leave(void *arg)
{
    struct ticket *ticket = arg;
    struct turns *t = ticket->turns;

    pthread_mutex_lock(&t->lock);
    check(ticket->state != TICKET_WAITING); /* it was withdrawn, or had its turn */
    bool ran = ticket->state == TICKET_RUNNING;
    t->running -= ran;
    pthread_mutex_unlock(&t->lock);
    if (ran)
        give_turns(t);
}

static bool withdraw(struct exchange *x)
{
    struct ticket *ticket = exchange_state(x);
    struct turns *t = ticket->turns;

    pthread_mutex_lock(&t->lock);
    bool waited = ticket->state == TICKET_WAITING;
    if (waited) {
        list_remove(&ticket->node);
        t->waiting--;
        ticket->state = TICKET_GONE;
    }
    pthread_mutex_unlock(&t->lock);
    if (waited) /* those behind may have a larger bound */
        give_turns(t);
    return waited;
}

static enum step has_turn(struct exchange *x UNUSED)
{
    return STEP_NEXT;
}

static enum step waited_too_long(struct exchange *x)
{
    return exchange_fail(x, 503, "route_queue_time");
}

/* Under the lock. */
static enum ticket_state enter(struct turns *t, struct ticket *ticket, int64_t queue)
{
    if (t->waiting == 0 && t->running < ticket->requests) {
        t->running++;
        return TICKET_RUNNING;
    }
    if (t->waiting >= queue)
        return TICKET_GONE;
    if (t->queue.next == NULL) /* it was zeroed, as all that is shared */
        list_init(&t->queue);
    list_push_back(&t->queue, &ticket->node);
    t->waiting++;
    return TICKET_WAITING;
}

static enum step take_turn(struct exchange *x, const struct limits_conf *l)
{
    struct turns *t = exchange_shared(x);
    struct ticket *ticket = arena_zalloc(exchange_arena(x), sizeof *ticket);

    if (ticket == NULL)
        return exchange_fail(x, 503, "no_memory");
    *ticket = (struct ticket){
        .turns = t, .exchange = x, .requests = (unsigned)l->requests, .state = TICKET_GONE
    };
    if (arena_on_reset(exchange_arena(x), leave, ticket) < 0)
        return exchange_fail(x, 503, "no_memory");
    exchange_set_state(x, ticket);
    pthread_mutex_lock(&t->lock);
    enum ticket_state state = ticket->state = enter(t, ticket, l->queue);
    pthread_mutex_unlock(&t->lock);
    switch (state) {
    case TICKET_RUNNING:
        return STEP_NEXT;
    case TICKET_GONE:
        return exchange_fail(x, 503, "route_busy");
    case TICKET_WAITING:
        break;
    }
    return exchange_wait(x, (struct wait){ .then = has_turn,
                                           .late = waited_too_long,
                                           .withdraw = withdraw,
                                           .time = l->queue_time });
}

static enum step limits_request(struct exchange *x)
{
    const struct limits_conf *l = exchange_conf(x);

    if (l->time > 0)
        exchange_bound_time(x, l->time);
    if (l->body >= 0 && exchange_bound_body(x, (uint64_t)l->body) == STEP_DONE)
        return STEP_DONE;
    return l->requests > 0 ? take_turn(x, l) : STEP_NEXT;
}

FILTER_KIND(limits, .order = 40, .size = sizeof(struct limits_conf), .options = limits_options,
            .check = limits_check, .shared = limits_shared, .request = limits_request,
            .about = "Bounds the body, the time and the number of the route's requests.");
