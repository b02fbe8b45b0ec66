/* stage.c - see stage.h. All that is counted stands under one mutex. */
#include "tests/support/server/stage.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "event/file.h"
#include "handler/handler.h"

#define LATER_MAX 64

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool shut;
static unsigned n_waiting, n_later, n_alive, n_begun, n_thens, n_cancelled;
static struct exchange *later[LATER_MAX];
static enum stage_wait worker;

static void lock(void)
{
    pthread_mutex_lock(&mutex);
}

/* After a change. */
static void unlock(void)
{
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void add(unsigned *count, int n)
{
    lock();
    *count += (unsigned)n;
    unlock();
}

static unsigned read_count(const unsigned *count)
{
    lock();
    unsigned n = *count;
    unlock();
    return n;
}

static void await(const unsigned *count, unsigned n)
{
    lock();
    while (*count != n)
        pthread_cond_wait(&changed, &mutex);
    unlock();
}

void stage_shut(void)
{
    lock();
    shut = true;
    unlock();
}

void stage_open(void)
{
    lock();
    shut = false;
    unlock();
}

bool stage_is_shut(void)
{
    lock();
    bool is = shut;
    unlock();
    return is;
}

void stage_await_waiting(unsigned n)
{
    await(&n_waiting, n);
}

unsigned stage_waiting(void)
{
    return read_count(&n_waiting);
}

void stage_await_later(unsigned n)
{
    await(&n_later, n);
}

void stage_await_cancelled(unsigned n)
{
    await(&n_cancelled, n);
}

void stage_await_alive(unsigned n)
{
    await(&n_alive, n);
}

unsigned stage_alive(void)
{
    return read_count(&n_alive);
}

unsigned stage_begun(void)
{
    return read_count(&n_begun);
}

unsigned stage_thens(void)
{
    return read_count(&n_thens);
}

unsigned stage_cancelled(void)
{
    return read_count(&n_cancelled);
}

enum stage_wait stage_worker(void)
{
    lock();
    enum stage_wait w = worker;
    unlock();
    return w;
}

bool stage_later_is_cancelled(void)
{
    lock();
    bool is = n_later > 0 && exchange_cancelled(later[0]);
    unlock();
    return is;
}

static void set_worker(enum stage_wait w)
{
    lock();
    worker = w;
    unlock();
}

unsigned stage_resume(void)
{
    lock();
    unsigned n = n_later;
    for (unsigned i = 0; i < n; i++)
        exchange_resume(later[i]);
    n_later = 0;
    unlock();
    return n;
}

void stage_pass(void)
{
    lock();
    n_waiting++;
    pthread_cond_broadcast(&changed);
    while (shut)
        pthread_cond_wait(&changed, &mutex);
    n_waiting--;
    unlock();
}

static void pass_gate(struct exchange *x)
{
    stage_pass();
    if (exchange_cancelled(x))
        add(&n_cancelled, 1);
}

/* ---- what all of them do */

static void request_over(void *arg)
{
    (void)arg;
    add(&n_alive, -1);
}

/* false: no memory; the exchange fails by itself. */
static bool begin(struct exchange *x)
{
    struct response *res = exchange_response(x);
    struct str query = exchange_request(x)->query;

    res->status = 200;
    if (arena_on_reset(exchange_arena(x), request_over, NULL) < 0)
        return false;
    add(&n_alive, 1);
    add(&n_begun, 1);
    return response_add(res, STR("X-Query"), query.n > 0 ? query : STR("-")) == 0;
}

static enum step answer(struct exchange *x, struct str text)
{
    exchange_body_bytes(x, text);
    return STEP_DONE;
}

struct sized {
    int64_t size;
    bool bounded, stutter;
};

static const struct option sized_options[] = {
    OPT_SIZE(struct sized, size, "size", "100K", 0, MIB(64), "Of the body."),
    OPT_BOOL(struct sized, bounded, "bounded", false, "Whether the length is said."),
    OPT_BOOL(struct sized, stutter, "stutter", false, "Whether each second pull has to wait."),
    OPT_END
};

/* ---- try_bytes, try_file: a body of one piece, or of a file */

static enum step bytes_handle(struct exchange *x)
{
    const struct sized *conf = exchange_conf(x);
    char *bytes = begin(x) ? arena_alloc(exchange_arena(x), (size_t)conf->size) : NULL;

    if (bytes == NULL)
        return exchange_fail(x, 503, "no_memory");
    memset(bytes, STAGE_BYTE, (size_t)conf->size);
    return answer(x, str_make(bytes, (size_t)conf->size));
}
HANDLER_KIND(try_bytes, .size = sizeof(struct sized), .options = sized_options,
             .handle = bytes_handle, .about = "Answers with bytes.");

static enum step file_handle(struct exchange *x)
{
    const struct sized *conf = exchange_conf(x);
    char piece[KIB(4)];
    int fd = begin(x) ? memfd_create("try_file", MFD_CLOEXEC) : -1;

    if (fd < 0)
        return exchange_fail(x, 503, "no_file");
    memset(piece, STAGE_BYTE, sizeof piece);
    for (int64_t left = conf->size; left > 0;) {
        ssize_t n = write(fd, piece, (size_t)min_of(left, (int64_t)sizeof piece));
        if (n < 0) {
            close(fd);
            return exchange_fail(x, 503, "no_file");
        }
        left -= n;
    }
    struct stat st;
    struct file *f = fstat(fd, &st) == 0 ? file_new(fd, &st, file_way_of(fd), true) : NULL;
    if (f == NULL) {
        close(fd);
        return exchange_fail(x, 503, "no_file");
    }
    exchange_body_file(x, f, 0, (uint64_t)conf->size);
    return STEP_DONE;
}
HANDLER_KIND(try_file, .size = sizeof(struct sized), .options = sized_options,
             .handle = file_handle, .about = "Answers with a file.");

/* ---- try_source: a body made piece by piece */

struct made {
    struct source source;
    int64_t left;
    bool stutter, waited;
};

static ssize_t made_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    struct made *m = container_of(s, struct made, source);

    if (m->stutter && !m->waited) {
        m->waited = true;
        exchange_resume(x);
        return -EAGAIN;
    }
    m->waited = false;
    n = min_of(n, (size_t)m->left);
    memset(buf, STAGE_BYTE, n);
    m->left -= (int64_t)n;
    return (ssize_t)n;
}

static void made_done(struct source *s, struct exchange *x)
{
    (void)s;
    (void)x;
    add(&n_alive, -1);
}

static enum step source_handle(struct exchange *x)
{
    const struct sized *conf = exchange_conf(x);
    struct made *m = begin(x) ? arena_zalloc(exchange_arena(x), sizeof *m) : NULL;

    if (m == NULL)
        return exchange_fail(x, 503, "no_memory");
    *m = (struct made){ .source = { .pull = made_pull, .done = made_done },
                        .left = conf->size,
                        .stutter = conf->stutter };
    add(&n_alive, 1);
    exchange_body_source(x, &m->source, conf->bounded ? (uint64_t)conf->size : BODY_LENGTH_UNKNOWN);
    return STEP_DONE;
}
HANDLER_KIND(try_source, .size = sizeof(struct sized), .options = sized_options,
             .handle = source_handle, .about = "Answers piece by piece.");

/* ---- try_echo: the request body as it comes; try_read: how long it was */

static ssize_t echo_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    (void)s;
    return exchange_read(x, buf, n);
}

static enum step echo_handle(struct exchange *x)
{
    static struct source source = { .pull = echo_pull };

    if (!begin(x))
        return exchange_fail(x, 503, "no_memory");
    exchange_want_body(x);
    exchange_body_source(x, &source, exchange_request(x)->body_length);
    return STEP_DONE;
}
HANDLER_KIND(try_echo, .handle = echo_handle, .about = "Answers with the request's body.");

static enum step read_on(struct exchange *x)
{
    uint64_t *total = exchange_state(x);
    char piece[300];
    ssize_t n;

    while ((n = exchange_read(x, piece, sizeof piece)) > 0)
        *total += (uint64_t)n;
    if (n == -EAGAIN)
        return exchange_await_body(x, read_on);
    if (n < 0)
        return exchange_read_failed(x, (int)n);
    return answer(x, arena_printf(exchange_arena(x), "read %lu\n", (unsigned long)*total));
}

static enum step read_handle(struct exchange *x)
{
    uint64_t *total = begin(x) ? arena_zalloc(exchange_arena(x), sizeof *total) : NULL;

    if (total == NULL)
        return exchange_fail(x, 503, "no_memory");
    exchange_set_state(x, total);
    return read_on(x);
}
HANDLER_KIND(try_read, .handle = read_handle, .about = "Says how long the request's body was.");

/* ---- try_offload: through the gate in the pool, then an answer on the loop */

static enum step offload_then(struct exchange *x)
{
    add(&n_thens, 1);
    return answer(x, STR("worked\n"));
}

static enum step offload_handle(struct exchange *x)
{
    if (!begin(x))
        return exchange_fail(x, 503, "no_memory");
    return exchange_offload(x, pass_gate, offload_then);
}
HANDLER_KIND(try_offload, .handle = offload_handle, .about = "Works in the pool, then answers.");

/* ---- try_worker: for run = "pool"; through the gate, then the request's body back, behind `size`
 * bytes */

static int write_bytes(struct exchange *x, int64_t size)
{
    char piece[KIB(8)];
    int r = 0;

    memset(piece, STAGE_BYTE, sizeof piece);
    for (int64_t left = size; left > 0 && r == 0; left -= (int64_t)sizeof piece)
        r = exchange_write(x, piece, (size_t)min_of(left, (int64_t)sizeof piece));
    return r;
}

static enum step worker_handle(struct exchange *x)
{
    const struct sized *conf = exchange_conf(x);
    char piece[KIB(4)];
    ssize_t n;

    if (!begin(x))
        return exchange_fail(x, 503, "no_memory");
    pass_gate(x);
    set_worker(STAGE_WRITES);
    n = write_bytes(x, conf->size);
    while (n >= 0) {
        set_worker(STAGE_READS);
        n = exchange_read(x, piece, sizeof piece);
        set_worker(STAGE_WRITES);
        if (n > 0)
            n = exchange_write(x, piece, (size_t)n);
        else
            break;
    }
    set_worker(STAGE_RUNS);
    if (n == -ECANCELED)
        add(&n_cancelled, 1);
    if (n < 0)
        exchange_abort(x);
    return STEP_DONE;
}
HANDLER_KIND(try_worker, .size = sizeof(struct sized), .options = sized_options,
             .handle = worker_handle, .about = "Echoes on a worker.");

/* ---- try_later: until stage_resume() */

static enum step later_then(struct exchange *x)
{
    add(&n_thens, 1);
    return answer(x, STR("later\n"));
}

static enum step later_handle(struct exchange *x)
{
    if (!begin(x))
        return exchange_fail(x, 503, "no_memory");
    lock();
    bool full = n_later == LATER_MAX;
    if (!full)
        later[n_later++] = x;
    unlock();
    return full ? exchange_fail(x, 503, "full") : exchange_later(x, later_then);
}
HANDLER_KIND(try_later, .handle = later_handle, .about = "Answers when it is resumed.");

/* ---- try_die: the worker's thread ends in it, after `size` bytes of response if any */

static void die(struct exchange *x)
{
    const struct sized *conf = exchange_conf(x);

    pass_gate(x);
    (void)write_bytes(x, conf->size);
    pthread_exit(NULL);
}

static enum step die_handle(struct exchange *x)
{
    if (!begin(x))
        return exchange_fail(x, 503, "no_memory");
    return exchange_offload(x, die, offload_then);
}
HANDLER_KIND(try_die, .size = sizeof(struct sized), .options = sized_options, .handle = die_handle,
             .about = "Ends its worker.");
