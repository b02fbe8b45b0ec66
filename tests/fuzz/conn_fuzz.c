/*
 * conn_fuzz.c - a whole connection: an engine, its pool and a transport whose peer follows a
 * script. The input is what the peer sends, taken as it stands, but for two bytes that begin with
 * '~' and are an event (see act() for the list). What came back is then compared with the requests
 * that were sent: well-formed responses, each to its request, in order, none after a close; and if
 * nothing was cut or timed out, none is missing. In the end no memory and no exchange is left.
 *
 * The engine has no thread: its turns are run here, one for each event. Time passes only by events;
 * whatever could depend on how fast the worker is, is waited for.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/conn.h"
#include "server/engine.h"
#include "server/h1.h"
#include "server/registry.h"
#include "server/server.h"
#include "tests/support/server/peer.h"
#include "tests/support/server/replies.h"
#include "tests/support/server/require.h"
#include "tests/support/server/stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Of the sanitizers; NULL without them. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

#define QUEUE 2 /* of config_text */
#define HOUR (3600 * NSEC_PER_SEC)
#define HANG (10 * NSEC_PER_SEC) /* real time; nothing here waits for time */

/* ---- the clock, moved on by events; the linker has everybody read it here */

static _Atomic time_t ahead; /* seconds */

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    int r = __real_clock_gettime(id, t);

    if (r == 0 && id == CLOCK_MONOTONIC)
        t->tv_sec += atomic_load(&ahead);
    return r;
}

/* ---- the server around the engine */

struct server {
    struct loop loop;
    struct config *config;
    struct registry registry;
    struct pool *pool; /* its only one */
};

static struct server server;
static struct bounds bounds;

struct loop *server_loop(struct server *s)
{
    return &s->loop;
}

void server_engine_switched(struct letter *l)
{
    (void)l;
}

void server_ask_for_room(struct engine *asker)
{
    (void)asker;
}

void server_acceptor_gone(struct letter *l)
{
    (void)l;
}

void server_engine_deaf(struct letter *l)
{
    (void)l;
}

void server_engine_ended(struct letter *l)
{
    (void)l;
}

static const char config_text[] =
    "loops = 1;\n"
    "listeners: { http: { address = \"unix:@muxd-conn-fuzz\"; } }\n"
    "timeouts: { header = \"1h\"; body = \"2h\"; write = \"3h\"; handler = \"4h\"; idle = \"5h\"; "
    "}\n"
    "limits: { request_line = \"200\"; header = \"600\"; fields = 8; body = \"300K\"; }\n"
    "pools: { default: { threads = 1; queue = 2; queue_time = \"30m\"; idle = \"24h\"; } }\n";

static void load_config(void)
{
    char path[] = "/tmp/muxd-conn-fuzz-XXXXXX";
    struct arena arena;
    struct report report;
    int fd = mkstemp(path);

    require(fd >= 0 && dprintf(fd, "%s%s", config_text, replies_routes) > 0);
    arena_init(&arena, MIB(1));
    report_init(&report, &arena);
    int r = config_load(path, NULL, &report, &server.config);
    list_each (item, &report.items, struct report_item, node)
        if (item->error)
            fprintf(stderr, "%.*s", str_fmt(report_text(item, true, &arena)));
    require(r == 0);
    arena_done(&arena);
    close(fd);
    unlink(path);
}

static void nothing(struct job *job)
{
    (void)job;
}

/* One worker, idle: a new one if the last died. How many ever died. */
static uint64_t settle_pool(void)
{
    static struct job job = { .run = nothing, .done = nothing, .name = "nothing" };

    while (pool_submit(server.pool, &job) < 0)
        sched_yield(); /* the queue is full, but nobody holds up the worker */
    for (struct pool_stats ps = { .idle = 0 };; sched_yield()) {
        pool_stats(server.pool, 0, &ps);
        if (ps.idle > 0)
            return ps.died;
    }
}

/* Joins the thread that died last. */
static void end_pool(void)
{
    require(registry_end_pools(&server.registry, clock_mono() + 10 * NSEC_PER_SEC));
}

/* Once in the process. */
static void set_up(void)
{
    if (server.config != NULL)
        return;
    log_init(LOG_LEVEL_ERROR);
    load_config();
    require(bounds_init(&bounds) == 0);
    require(loop_init(&server.loop) == 0);
    registry_init(&server.registry, &server.loop, 1);
    require(registry_prepare(&server.registry, server.config) == 0);
    registry_apply(&server.registry, server.config);
    server.pool = list_first(&server.registry.pools, struct workers, node)->pool;
    require(atexit(end_pool) == 0);
    (void)settle_pool();
}

/* ---- turns */

static struct engine engine;
static struct conn *conn;
static struct job blocker;
static struct job fillers[QUEUE];
static _Atomic bool blocked; /* the worker, by `blocker` */
static bool crowded;         /* `fillers` were used */
static bool disturbed;       /* time-outs, drain, a reset: answers may be missing */
static bool squeezed;        /* memory, or the pool, was full for a while: some may be 503 */

/* NULL once its memory is gone. */
static struct conn *alive(void)
{
    return engine.n_conns > 0 ? conn : NULL;
}

static void event(uint32_t events)
{
    struct conn *c = alive();

    if (c == NULL || !watch_is_on(&c->watch))
        return;
    c->watch.events |= events;
    loop_ready(&engine.loop, &c->watch);
}

/* The exchange that a worker has, or NULL. */
static struct exchange *lent(void)
{
    struct conn *c = alive();
    struct h1 *h = c != NULL ? c->proto_data : NULL;

    return h != NULL && h->x.lent ? &h->x : NULL;
}

/* Whether the worker that has x cannot go on by itself. */
static bool worker_waits(struct exchange *x)
{
    if (stage_waiting() > 0)
        return stage_is_shut();
    switch (x->state) {
    case EXCHANGE_LENT:
    case EXCHANGE_STREAMING:
        break;
    default:
        return false;
    }
    if (stage_worker() == STAGE_READS)
        return x->in != NULL && !x->in_fed && stream_loop_room(x->in) == KIB(64);
    return stage_worker() == STAGE_WRITES && x->state == EXCHANGE_STREAMING &&
           stream_loop_avail(x->out) > KIB(56);
}

/* Until the worker, if there is work for it, is done or waits for an event. */
static void await_worker(void)
{
    int64_t end = clock_mono() + HANG;

    for (struct exchange *x; (x = lent()) != NULL && !worker_waits(x);) {
        sched_yield();
        loop_turn(&engine.loop, 0);
        require(clock_mono() < end);
    }
    while (atomic_load(&blocked) && !stage_is_shut())
        sched_yield();
}

static void turn(void)
{
    loop_turn(&engine.loop, 0);
    await_worker();
}

/* Turns until nothing moves by itself any more. */
static void settle(void)
{
    int64_t end = clock_mono() + HANG;

    for (int quiet = 0; quiet < 3; quiet++) {
        uint64_t before = peer.moved;
        unsigned thens = stage_thens();
        turn();
        if (peer.moved != before || stage_thens() != thens || !list_empty(&engine.loop.ready) ||
            !list_empty(&engine.loop.laters))
            quiet = -1;
        require(clock_mono() < end);
    }
}

/* ---- the script */

static void blocker_run(struct job *job)
{
    (void)job;
    stage_pass();
}

static void blocker_done(struct job *job)
{
    (void)job;
    atomic_store(&blocked, false);
}

/* Keeps the worker busy, so that jobs queue, until the gate is opened. */
static void block_worker(void)
{
    if (atomic_load(&blocked) || lent() != NULL)
        return;
    stage_shut();
    atomic_store(&blocked, true);
    blocker = (struct job){ .run = blocker_run, .done = blocker_done, .name = "blocker" };
    if (pool_submit(server.pool, &blocker) < 0)
        atomic_store(&blocked, false);
}

/* And the queue full. */
static void fill_queue(void)
{
    block_worker();
    if (!atomic_load(&blocked) || crowded)
        return;
    crowded = disturbed = squeezed = true;
    for (size_t i = 0; i < array_len(fillers); i++) {
        fillers[i] = (struct job){ .run = nothing, .done = nothing, .name = "filler" };
        (void)!pool_submit(server.pool, &fillers[i]);
    }
}

static void open_gate(void)
{
    stage_open();
    await_worker();
}

static void open_window(size_t n)
{
    peer.window = n == PEER_ALL || peer.window == PEER_ALL ? n : peer.window + n;
    if (peer.blocked && peer.window > 0)
        event(EPOLLOUT);
}

/* In a turn timers come after what is ready. */
static void pass_time(int64_t length)
{
    disturbed = true;
    turn();
    atomic_fetch_add(&ahead, length / NSEC_PER_SEC + 1);
    turn();
}

static void reset(void)
{
    disturbed = true;
    peer.reset = true;
    event(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

/* Nobody gets more buffers than there are now. */
static void squeeze(void)
{
    disturbed = squeezed = true;
    atomic_store(&bounds.memory.max, 0);
}

static void relax(void)
{
    atomic_store(&bounds.memory.max, (size_t)server.config->limits.buffers);
}

static void finish_sending(void)
{
    peer.ended = true;
    event(EPOLLIN | EPOLLRDHUP | (peer.shut ? EPOLLHUP : 0));
}

static void send_bytes(struct str bytes)
{
    if (bytes.n == 0 || peer.ended || peer.reset)
        return;
    require(buf_add_str(&peer.in, bytes) == 0);
    event(EPOLLIN);
}

/* More of a body than fits into an input: n bytes, perhaps as a chunk. */
static void send_filler(size_t n, bool chunk)
{
    static char filler[KIB(100)];
    char line[32];
    int len = snprintf(line, sizeof line, "%zx\r\n", n);

    memset(filler, 'x', n);
    if (chunk)
        send_bytes(str_make(line, (size_t)len));
    send_bytes(str_make(filler, n));
    if (chunk)
        send_bytes(STR("\r\n"));
}

static void act(char c)
{
    switch (c) {
    case '.': /* what was sent so far arrives; a turn */
        break;
    case '1': /* short counts from now on */
    case '7':
        peer_portion((size_t)(c - '0'));
        break;
    case '9':
        peer_portion(PEER_ALL);
        break;
    case 's': /* calls may find nothing although there is something */
        peer.stutter = true;
        break;
    case 'b': /* the peer stops reading */
        peer.window = 0;
        break;
    case 'w': /* it reads a little */
        open_window(1000);
        break;
    case 'u': /* it reads on */
        open_window(PEER_ALL);
        break;
    case 'x':
        send_filler(KIB(4), false);
        break;
    case 'X':
        send_filler(KIB(100), false);
        break;
    case 'c':
        send_filler(KIB(4), true);
        break;
    case 'C':
        send_filler(KIB(100), true);
        break;
    case 'f': /* it has sent all */
        finish_sending();
        break;
    case 'r':
        reset();
        break;
    case 'g': /* jobs stop at the gate */
        stage_shut();
        break;
    case 'G':
        open_gate();
        break;
    case 'q': /* jobs stay in the queue */
        block_worker();
        break;
    case 'p': /* and others stand before it */
        fill_queue();
        break;
    case 'l':
        (void)stage_resume();
        break;
    case 'Q': /* time: of the queue, and others in the order of their length */
        pass_time(HOUR / 2);
        break;
    case 'h':
        pass_time(HOUR);
        break;
    case 'B':
        pass_time(2 * HOUR);
        break;
    case 'W':
        pass_time(3 * HOUR);
        break;
    case 'H':
        pass_time(4 * HOUR);
        break;
    case 'i':
        pass_time(5 * HOUR);
        break;
    case 'd':
        disturbed = true;
        if (!engine.draining)
            loop_post(&engine.loop, &engine.drain_letter);
        break;
    case 'm': /* memory is short, and comes back */
        squeeze();
        break;
    case 'M':
        relax();
        break;
    case 'S': /* wake-ups without a reason */
        event(0);
        event(EPOLLIN | EPOLLOUT);
        break;
    default:
        break;
    }
}

static void play(struct str script)
{
    while (script.n > 0) {
        size_t n = str_chr(script, '~');
        send_bytes(str_head(script, n));
        script = str_from(script, n + 1);
        if (script.n == 0)
            break;
        act(script.p[0]);
        turn();
        script = str_from(script, 1);
    }
    turn();
}

/* Everything that was waited for happens. */
static void let_go(void)
{
    peer.stutter = false;
    relax();
    open_window(PEER_ALL);
    open_gate();
    do
        settle();
    while (stage_resume() > 0);
}

/* ---- one input */

/* Every request is handled once and comes to one end; so do heads that are refused, which count as
 * malformed, as do bodies, or for want of memory. */
static void check_counters(unsigned begun)
{
    const struct stats *s = &engine.stats;
    uint64_t requests = stats_read(s, requests);
    uint64_t refused = stats_read(s, malformed) + stats_read(s, refused_buffers);
    uint64_t ends = stats_read(s, answered) + stats_read(s, cut) + stats_read(s, unanswered);

    require(stats_read(s, accepted) == 1 && stats_read(s, closed) == 1);
    require(ends >= requests && ends <= requests + refused && refused <= 1);
    require(begun <= requests);
}

static void run(struct str script, struct arena *arena)
{
    int fd =
        timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); /* never ready: events are the script's */
    struct sockaddr_in from = { .sin_family = AF_INET };

    struct acceptor acceptor = { .engine = &engine, .conf = &server.config->listeners[0] };
    unsigned begun = stage_begun();

    require(fd >= 0 && engine_init(&engine, &server, &bounds, 0) == 0);
    engine.next = server.config;
    engine_switch(&engine);
    require(bounds_enter(&bounds, &server.config->limits, (struct sockaddr *)&from) == ADMIT);
    require(conn_open(&acceptor, fd, (struct sockaddr *)&from, sizeof from, false) == 0);
    conn = list_first(&engine.idle, struct conn, node);
    event(EPOLLOUT);
    play(script);
    let_go();
    struct replies_fate fate = {
        .disturbed = disturbed,
        .squeezed = squeezed,
        .closed = peer.closed,
        .ended = (peer.shut || (peer.closed && !peer.reset)) && !stats_read(&engine.stats, aborted),
    };
    replies_check(buf_str(&peer.in), buf_str(&peer.out), server.config, fate, arena);
    reset();
    open_gate();
    do
        settle();
    while (stage_resume() > 0);
    require(engine.n_conns == 0 && list_empty(&engine.conns) && list_empty(&engine.idle) &&
            peer.closed);
    check_counters(stage_begun() - begun);
    require(engine.loop.timers.n_set == 0 && stage_alive() == 0);
    engine_done(&engine);
    require(atomic_load(&bounds.connections) == 0 && atomic_load(&bounds.memory.used) == 0);
    loop_turn(&server.loop, 0); /* the letter at the end of a drain */
}

/* What a thread that is about to rest has in hand may come back a moment later. Less is no leak: a
 * thread that died in an earlier input may be gone only now. */
static void require_allocated(size_t want)
{
    int64_t end = clock_mono() + HANG;

    while (__sanitizer_get_current_allocated_bytes() > want) {
        require(clock_mono() < end);
        sched_yield();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str script = str_make((const char *)data, size);
    size_t before = 0;
    struct arena arena;

    set_up();
    uint64_t died = settle_pool();
    if (__sanitizer_get_current_allocated_bytes != NULL)
        before = __sanitizer_get_current_allocated_bytes();
    peer_init();
    disturbed = squeezed = crowded = false;
    if (str_starts(script, STR("~F"))) { /* no sendfile */
        peer_without_sendfile();
        script = str_from(script, 2);
    }
    transport_plain = &peer_transport;
    arena_init(&arena, MIB(256));
    run(script, &arena);
    atomic_store(&ahead, 0);
    arena_done(&arena);
    peer_done();
    /* Of a thread that died something is left until the next dies, and joins it. */
    if (settle_pool() == died && __sanitizer_get_current_allocated_bytes != NULL)
        require_allocated(before);
    return 0;
}
