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
#include "server/server.h"
#include "tests/support/server/stage.h"
#include "tests/support/server/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Of the sanitizers; NULL without them. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

#define HOUR (3600 * NSEC_PER_SEC)
#define HANG (20 * NSEC_PER_SEC) /* real time; nothing here waits for time */
#define ASKED_MAX 1024
#define WHOLE SIZE_MAX

#define require(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "conn_fuzz.c:%d: not so: %s\n", __LINE__, #cond);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- the server around the engine */

struct server {
    struct loop loop;
    struct config *config;
    struct pool *pool;
};

static struct server server;

struct loop *server_loop(struct server *s)
{
    return &s->loop;
}

struct pool *server_pool(struct server *s, const struct conf_pool *conf)
{
    require(conf->index == 0);
    return s->pool;
}

struct pool_share *server_share(struct server *s, const struct route *route)
{
    (void)s;
    (void)route;
    return NULL;
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
    "limits: { request_line = \"200\"; header = \"600\"; fields = 8; body = \"3000\"; }\n"
    "pools: { default: { threads = 1; queue = 4; queue_time = \"30m\"; idle = \"24h\"; } }\n"
    "routes: {\n"
    "  a:      { match = \"/a\";      respond: { body = \"alpha\\n\"; } }\n"
    "  b:      { match = \"/b\";      respond: { status = 201; body = \"bravo\\n\"; } }\n"
    "  none:   { match = \"/none\";   respond: { status = 204; } }\n"
    "  post:   { match = \"POST /post\"; respond: { body = \"posted\\n\"; } }\n"
    "  r:      { match = \"/r\";      redirect: { to = \"/a\"; status = 307; } }\n"
    "  bytes:  { match = \"/bytes\";  try_bytes: { size = \"20000\"; } }\n"
    "  file:   { match = \"/file\";   try_file: { size = \"20000\"; } }\n"
    "  source: { match = \"/source\"; try_source: { size = \"20000\"; stutter = true; } }\n"
    "  length: { match = \"/length\"; try_source: { size = \"20000\"; bounded = true; } }\n"
    "  echo:   { match = \"/echo\";   try_echo: {} }\n"
    "  read:   { match = \"/read\";   try_read: {} }\n"
    "  off:    { match = \"/off\";    try_offload: {} }\n"
    "  off2:   { match = \"/off2\";   run = \"pool\"; try_offload: {} }\n"
    "  work:   { match = \"/work\";   run = \"pool\"; try_worker: { size = \"0\"; } }\n"
    "  pour:   { match = \"/pour\";   run = \"pool\"; try_worker: { size = \"100000\"; } }\n"
    "  later:  { match = \"/later\";  try_later: {} }\n"
    "  die:    { match = \"/die\";    try_die: { size = \"0\"; } }\n"
    "  cut:    { match = \"/cut\";    try_die: { size = \"1000\"; } }\n"
    "}\n";

static void load_config(void)
{
    char path[] = "/tmp/muxd-conn-fuzz-XXXXXX";
    struct arena arena;
    struct report report;
    int fd = mkstemp(path);

    require(fd >= 0 && write(fd, config_text, sizeof config_text - 1) > 0);
    arena_init(&arena, MIB(1));
    report_init(&report, &arena);
    int r = config_load(path, &report, &server.config);
    list_each (item, &report.items, struct report_item, node)
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

    require(pool_submit(server.pool, &job) == 0);
    for (struct pool_stats ps = { .idle = 0 };; sched_yield()) {
        pool_stats(server.pool, 0, &ps);
        if (ps.idle > 0)
            return ps.died;
    }
}

/* Once in the process. */
static void set_up(void)
{
    struct pool_conf conf = { .threads = 1, .queue = 4, .idle = 24 * HOUR };

    if (server.config != NULL)
        return;
    log_init(LOG_LEVEL_ERROR);
    load_config();
    require(loop_init(&server.loop) == 0);
    server.pool = pool_new("fuzz", &conf);
    require(server.pool != NULL);
    (void)settle_pool();
}

/* ---- the peer, as the transport sees it */

static struct peer {
    struct buf in, out;
    size_t taken;              /* of `in` */
    size_t recv_max, send_max; /* bytes a call */
    size_t window;             /* bytes that can be sent */
    bool stutter, made_up;     /* each second call says EAGAIN; the last one did */
    bool ended, reset;         /* by the peer */
    bool blocked;              /* a send said EAGAIN */
    bool shut, closed;         /* by us */
    uint64_t moved;            /* calls that did something */
} peer;

static int peer_open(struct transport_state *t)
{
    (void)t;
    return 0;
}

/* An error to return, or 0. */
static int before_call(void)
{
    require(!peer.closed);
    if (peer.reset)
        return -ECONNRESET;
    peer.made_up = peer.stutter && !peer.made_up;
    return peer.made_up ? -EAGAIN : 0;
}

static ssize_t peer_recv(struct transport_state *t, void *buf, size_t n)
{
    int r = before_call();

    (void)t;
    require(n > 0);
    if (r < 0)
        return r;
    n = min_of(min_of(n, peer.recv_max), buf_len(&peer.in) - peer.taken);
    if (n == 0)
        return peer.ended ? 0 : -EAGAIN;
    memcpy(buf, buf_at(&peer.in) + peer.taken, n);
    peer.taken += n;
    peer.moved++;
    return (ssize_t)n;
}

/* How much of n bytes can be sent now; 0: nothing. */
static size_t portion(size_t n)
{
    require(!peer.shut && n > 0);
    n = min_of(min_of(n, peer.send_max), peer.window);
    peer.window -= peer.window == WHOLE ? 0 : n;
    peer.blocked = n == 0;
    peer.moved += n > 0;
    return n;
}

static ssize_t peer_sendv(struct transport_state *t, const struct iovec *iov, int n_iov, bool more)
{
    size_t all = 0;
    int r = before_call();

    (void)t;
    (void)more;
    for (int i = 0; i < n_iov; i++)
        all += iov[i].iov_len;
    if (r < 0)
        return r;
    all = portion(all);
    size_t left = all;
    for (int i = 0; i < n_iov && left > 0; i++) {
        size_t n = min_of(left, iov[i].iov_len);
        require(buf_add(&peer.out, iov[i].iov_base, n) == 0);
        left -= n;
    }
    return all > 0 ? (ssize_t)all : -EAGAIN;
}

static ssize_t peer_sendfile(struct transport_state *t, int fd, off_t *offset, size_t n)
{
    int r = before_call();

    (void)t;
    if (r < 0)
        return r;
    n = portion(n);
    if (n == 0)
        return -EAGAIN;
    require(buf_room(&peer.out, n) == 0);
    ssize_t done = pread(fd, buf_tail(&peer.out), n, *offset);
    require(done >= 0);
    buf_added(&peer.out, (size_t)done);
    *offset += done;
    return done;
}

static size_t peer_pending(const struct transport_state *t)
{
    (void)t;
    return peer.made_up ? 1 : 0;
}

static int peer_shutdown(struct transport_state *t)
{
    (void)t;
    require(!peer.shut && !peer.closed);
    peer.shut = true;
    return peer.reset ? -ENOTCONN : 0;
}

static void peer_close(struct transport_state *t)
{
    (void)t;
    require(!peer.closed);
    peer.closed = true;
}

static struct transport transport = {
    .name = "fuzz",
    .open = peer_open,
    .recv = peer_recv,
    .sendv = peer_sendv,
    .pending = peer_pending,
    .shutdown = peer_shutdown,
    .close = peer_close,
};

/* ---- turns */

static struct engine engine;
static struct conn *conn;
static struct job blocker;
static _Atomic bool blocked; /* the worker, by `blocker` */
static bool disturbed;       /* time-outs, drain, a reset: answers may be missing */

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

    return h != NULL && h->x.on_worker ? &h->x : NULL;
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

static void open_gate(void)
{
    stage_open();
    await_worker();
}

static void open_window(size_t n)
{
    peer.window = n == WHOLE || peer.window == WHOLE ? n : peer.window + n;
    if (peer.blocked && peer.window > 0)
        event(EPOLLOUT);
}

/* In a turn timers come after what is ready. */
static void pass_time(int64_t length)
{
    disturbed = true;
    turn();
    timers_expire(&engine.loop.timers, engine.loop.now + length + NSEC_PER_SEC);
}

static void reset(void)
{
    disturbed = true;
    peer.reset = true;
    event(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

static void finish_sending(void)
{
    peer.ended = true;
    event(EPOLLIN | EPOLLRDHUP | (peer.shut ? EPOLLHUP : 0));
}

static void act(char c)
{
    switch (c) {
    case '.': /* what was sent so far arrives; a turn */
        break;
    case '1': /* short counts from now on */
    case '7':
        transport.short_recv_is_empty = false;
        peer.recv_max = peer.send_max = (size_t)(c - '0');
        break;
    case '9':
        peer.recv_max = peer.send_max = WHOLE;
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
        open_window(WHOLE);
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
    case 'S': /* wake-ups without a reason */
        event(0);
        event(EPOLLIN | EPOLLOUT);
        break;
    default:
        break;
    }
}

static void send_bytes(struct str bytes)
{
    if (bytes.n == 0 || peer.ended || peer.reset)
        return;
    require(buf_add_str(&peer.in, bytes) == 0);
    event(EPOLLIN);
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
    open_window(WHOLE);
    open_gate();
    do
        settle();
    while (stage_resume() > 0);
}

/* ---- what came back */

enum kind { FIXED, BYTES, ECHO, READ, JOB, WORKER, LATER, DIES, CUT };

static const struct expected {
    struct str path;
    enum kind kind;
    unsigned status;
    struct str body; /* FIXED */
    size_t size;
} expected[] = {
    { STR("/a"), FIXED, 200, STR("alpha\n"), 0 },
    { STR("/b"), FIXED, 201, STR("bravo\n"), 0 },
    { STR("/none"), FIXED, 204, STR(""), 0 },
    { STR("/r"), FIXED, 307, STR("307 Temporary Redirect\n"), 0 },
    { STR("/bytes"), BYTES, 200, STR(""), 20000 },
    { STR("/file"), BYTES, 200, STR(""), 20000 },
    { STR("/source"), BYTES, 200, STR(""), 20000 },
    { STR("/length"), BYTES, 200, STR(""), 20000 },
    { STR("/echo"), ECHO, 200, STR(""), 0 },
    { STR("/read"), READ, 200, STR(""), 0 },
    { STR("/off"), JOB, 200, STR("worked\n"), 0 },
    { STR("/off2"), JOB, 200, STR("worked\n"), 0 },
    { STR("/work"), WORKER, 200, STR(""), 0 },
    { STR("/pour"), WORKER, 200, STR(""), 100000 },
    { STR("/later"), LATER, 200, STR("later\n"), 0 },
    { STR("/die"), DIES, 500, STR(""), 0 },
    { STR("/cut"), CUT, 200, STR(""), 1000 },
};

static const struct expected *expected_of(const struct asked *a)
{
    for (size_t i = 0; i < array_len(expected); i++)
        if (a->state != ASKED_BAD_HEAD && a->state != ASKED_PART && !a->request.path_cleaned &&
            a->request.form != TARGET_AUTHORITY && str_eq(a->request.path, expected[i].path))
            return &expected[i];
    return NULL;
}

/* `size` bytes of the stage, then `rest`, of which the end may be missing unless `whole`. */
static void check_bytes(struct str body, size_t size, struct str rest, bool whole)
{
    for (size_t i = 0; i < body.n && i < size; i++)
        require(body.p[i] == STAGE_BYTE);
    require(str_starts(rest, str_from(body, size)));
    require(!whole || body.n == size + rest.n);
}

/* A response that is no error of the way: the one its route gives. */
static void check_route(const struct expected *e, const struct asked *a, const struct reply *r,
                        bool whole)
{
    struct str query = wire_field(r, STR("X-Query"));
    bool head = a->request.method == METHOD_HEAD;

    require(r->status == e->status);
    if (e->kind != FIXED)
        require(str_eq(query, a->request.query.n > 0 ? a->request.query : STR("-")));
    if (head) {
        require(r->body.n == 0);
        return;
    }
    switch (e->kind) {
    case FIXED:
    case JOB:
    case LATER:
        require(str_starts(e->body, r->body) && (!whole || r->body.n == e->body.n));
        break;
    case BYTES:
        check_bytes(r->body, e->size, STR_EMPTY, whole);
        break;
    case ECHO:
    case WORKER:
        /* A body without an end of its own is not known to be whole. */
        whole = whole && !r->until_close;
        require(!whole || a->state == ASKED_WHOLE);
        check_bytes(r->body, e->size, a->body, whole);
        break;
    case READ:
        require(a->state == ASKED_WHOLE && (!whole || str_starts(r->body, STR("read "))));
        break;
    case CUT:
        require(!whole || r->until_close);
        check_bytes(r->body, e->size, STR_EMPTY, false);
        break;
    case DIES:
        break;
    }
}

static void check_reply(const struct asked *a, const struct reply *r, bool whole)
{
    const struct expected *e = expected_of(a);

    if (disturbed && r->status == 408) { /* some of it was not yet read */
        require(r->close);
        return;
    }
    if (a->state == ASKED_BAD_HEAD) {
        require(r->status == a->status && r->close);
        return;
    }
    require(a->state != ASKED_PART);
    if (a->info.framing == FRAMING_LENGTH && a->info.length > 3000) {
        require(r->status == 413 && r->close);
        return;
    }
    if (e == NULL) {
        require(r->status >= 200 && r->status < 502);
        return;
    }
    switch (r->status) {
    case 400:
    case 413:
        require(e->kind == READ && a->state != ASKED_WHOLE);
        break;
    case 503:
    case 504:
        require((e->kind == JOB || e->kind >= WORKER) && disturbed);
        break;
    default:
        if (e->kind == DIES || (e->kind == WORKER && r->status == 500)) {
            require(r->status == 500 && (e->kind == DIES || a->state != ASKED_WHOLE || disturbed));
            break;
        }
        check_route(e, a, r, whole);
    }
}

/* Whether a response may end before its end although nothing disturbed it. */
static bool may_be_cut(const struct asked *a)
{
    const struct expected *e = expected_of(a);

    return e != NULL &&
           (e->kind == CUT || (a->state != ASKED_WHOLE && (e->kind == ECHO || e->kind == WORKER)));
}

static void check_replies(struct arena *arena)
{
    struct asked *asked = arena_array(arena, ASKED_MAX, sizeof *asked);
    struct str rest = buf_str(&peer.out);
    bool over = false;
    size_t i = 0;

    require(asked != NULL);
    size_t n = wire_split(buf_str(&peer.in), server.config, arena, asked, ASKED_MAX);
    for (; i < n && rest.n > 0 && !over; i++) {
        bool head = asked[i].state < ASKED_BAD_HEAD && asked[i].request.method == METHOD_HEAD;
        struct reply r;
        enum reply_result result = wire_reply(&rest, head, arena, &r);
        require(result != REPLY_BAD);
        if (result == REPLY_CUT) {
            require(disturbed || may_be_cut(&asked[i]) ||
                    (asked[i].state == ASKED_HEAD && !peer.closed) || r.status == 100);
            if (r.status >= 200 && r.head.n > 0)
                check_reply(&asked[i], &r, false);
            return;
        }
        check_reply(&asked[i], &r, true);
        over = r.close;
    }
    require(n == ASKED_MAX || rest.n == 0);
    if (disturbed || over || i == n)
        return;
    /* Unanswered, and rightly so: not complete, or cut before its first byte. */
    require(asked[i].state == ASKED_PART || asked[i].state == ASKED_HEAD || may_be_cut(&asked[i]) ||
            n == ASKED_MAX);
}

/* ---- one input */

static void run(struct str script, struct arena *arena)
{
    int fd =
        timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); /* never ready: events are the script's */
    struct sockaddr_in from = { .sin_family = AF_INET };

    require(fd >= 0 && engine_init(&engine, &server, 0, server.config) == 0);
    conn =
        conn_open(&engine, fd, &server.config->listeners[0], (struct sockaddr *)&from, sizeof from);
    require(conn != NULL);
    event(EPOLLOUT);
    play(script);
    let_go();
    check_replies(arena);
    reset();
    open_gate();
    do
        settle();
    while (stage_resume() > 0);
    require(engine.n_conns == 0 && list_empty(&engine.conns) && peer.closed);
    require(stats_read(&engine.stats, accepted) == 1 && stats_read(&engine.stats, closed) == 1);
    require(engine.loop.timers.n_set == 0 && stage_alive() == 0);
    engine_done(&engine);
    loop_turn(&server.loop, 0); /* the letter at the end of a drain */
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
    peer = (struct peer){ .recv_max = WHOLE, .send_max = WHOLE, .window = WHOLE };
    buf_init(&peer.in, MIB(64));
    buf_init(&peer.out, MIB(64));
    disturbed = false;
    transport.short_recv_is_empty = true;
    transport.sendfile = peer_sendfile;
    if (str_starts(script, STR("~F"))) { /* no sendfile */
        transport.sendfile = NULL;
        script = str_from(script, 2);
    }
    transport_plain = &transport;
    arena_init(&arena, MIB(256));
    run(script, &arena);
    arena_done(&arena);
    buf_done(&peer.in);
    buf_done(&peer.out);
    /* Of a thread that died something is left until the next dies, and joins it. */
    if (settle_pool() == died && __sanitizer_get_current_allocated_bytes != NULL)
        require(__sanitizer_get_current_allocated_bytes() == before);
    return 0;
}
