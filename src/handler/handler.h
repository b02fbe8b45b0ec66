/*
 * handler.h - all that a handler kind may see and do. Never a socket, a protocol version, a
 * transport: the same handler serves every one of them.
 *
 * A kind is one file that registers itself:
 *
 *   HANDLER_KIND(redirect, .size = sizeof(struct redirect), .options = redirect_options,
 *                .check = redirect_check, .handle = redirect_handle, .about = "Sends ...");
 *
 * `handle` is a step. It runs on the exchange's loop and must not block there; what may block goes
 * to the pool with exchange_offload(). With `run = "pool"` in the route, handle itself runs on a
 * worker: then exchange_read() and exchange_write() wait, and it ends with STEP_DONE.
 *
 * Who may touch the exchange: the step that runs. After returning STEP_LATER or STEP_OFFLOAD,
 * nobody but the function that was named, until it is called. exchange_resume() alone is for any
 * thread.
 */
#ifndef MUXD_HANDLER_HANDLER_H
#define MUXD_HANDLER_HANDLER_H

#include <sys/types.h>

#include "base/option.h"
#include "base/stats.h"
#include "http/request.h"
#include "http/response.h"

struct exchange;
struct file;   /* event/file.h */
struct routed; /* handler/template.h */

enum step {
    STEP_NEXT,    /* filters: on to the next step */
    STEP_DONE,    /* the response is set; its body may still be pulled */
    STEP_LATER,   /* made by exchange_later(): goes on when exchange_resume() is called */
    STEP_OFFLOAD, /* made by exchange_offload() */
};

typedef enum step step_fn(struct exchange *x);

/* ---- the request */

const struct request *exchange_request(const struct exchange *x);
/* The part of the path behind the literal prefix of the route's pattern: "a.css" for "/s/a.css" and
 * "/s/"; empty for an exact match. In normal form (http/path.h). */
struct str exchange_rest(const struct exchange *x);
/* What routing found, the wildcards of the pattern too; for a template. */
void exchange_routed(const struct exchange *x, struct routed *ret);
/* The peer as text, "192.0.2.1:4711" or "unix:". Lives as long as the exchange. */
struct str exchange_peer(const struct exchange *x);
/* Its address in network order: 4 or 16 bytes into ret, and their number; IPv4 within IPv6 comes as
 * 4. 0: it has none (a unix socket). */
size_t exchange_peer_address(const struct exchange *x, unsigned char ret[16]);
struct str exchange_route_name(const struct exchange *x);
/* The wall clock of this turn, in seconds since 1970. */
int64_t exchange_time(const struct exchange *x);
/* The time of this turn that never steps back, ns; on a worker that of now. */
int64_t exchange_now(const struct exchange *x);

/*
 * Reads request body, decoded. > 0 bytes; 0: its end. On a loop: -EAGAIN, and when more has arrived
 * the source (below) is pulled again; a step returns exchange_await_body(). On a worker it waits.
 * -ETIMEDOUT; -ECANCELED: the client left or the answer was given without us; -EMSGSIZE: over the
 * body limit; -EBADMSG: malformed. After an error return exchange_read_failed() or clean up and
 * return STEP_DONE.
 */
ssize_t exchange_read(struct exchange *x, void *buf, size_t n);
/* Lets a client that awaits 100 Continue send its body. exchange_read() does so by itself; this is
 * for a handler that sets the response before its first read (a source that pulls the request). */
void exchange_want_body(struct exchange *x);
/* Answers what an error of exchange_read() calls for (400, 408, 413). */
enum step exchange_read_failed(struct exchange *x, int error);

/* ---- the response */

struct response *exchange_response(struct exchange *x);

/*
 * Where a body comes from, pulled as fast as the client takes it. A source may be embedded in state
 * of the exchange; a body transform is a source that pulls from another. pull() is called on the
 * loop, done() by whoever holds the exchange (a worker that fails drops what it had set).
 */
struct source {
    /* > 0 bytes put into buf; 0: the end; -EAGAIN: exchange_resume() will tell, or (if the reason
     * is exchange_read()) the arrival of request body, or (exchange_task()) the end of the work, or
     * a source that was pulled from said so; other errors abort the connection, so that the client
     * sees a truncation. */
    ssize_t (*pull)(struct source *s, struct exchange *x, void *buf, size_t n);
    void (*done)(struct source *s, struct exchange *x); /* or NULL; once, whatever happened */
};

/* The body, at most one of these; the last call counts. Lengths become Content-Length. */
void exchange_body_bytes(struct exchange *x, struct str bytes); /* must live as long as x */
/* A range of a file, within its size. The reference becomes the exchange's. If the file changes
 * before all is sent the client sees a truncation. */
void exchange_body_file(struct exchange *x, struct file *f, uint64_t offset, uint64_t length);
/* Bytes, then a range of the file: either may be empty. */
struct part {
    struct str bytes;
    uint64_t offset, length;
};
/* Likewise; f may be NULL if all ranges are empty. `parts` and their bytes live as long as x. */
void exchange_body_parts(struct exchange *x, struct file *f, const struct part *parts, size_t n);
/* length: BODY_LENGTH_UNKNOWN if not known. */
void exchange_body_source(struct exchange *x, struct source *s, uint64_t length);

/* For a body transform, in respond(): how long the body is (0: there is none), and then itself,
 * of whatever kind, as a source that is the caller's from now on: it pulls from it, and calls its
 * done(), if it has one, once. There is no body any more until one is set. NULL: there was none.
 */
uint64_t exchange_body_length(const struct exchange *x);
struct source *exchange_take_body(struct exchange *x);

/* On a worker only: sends the head if that has not been done (the response must not be touched
 * afterwards), then waits until all n bytes are taken over. 0; after
 * -ETIMEDOUT, -ECANCELED or -ENOMEM the response is lost: clean up and return STEP_DONE. */
int exchange_write(struct exchange *x, const void *bytes, size_t n);
/* On a worker only: the body ends here without being whole; the client sees a truncation. */
void exchange_abort(struct exchange *x);

/* Sets an error response with the site's page or a short body of its own, dropping fields and body
 * set before, and returns STEP_DONE. `reason` (a constant token such as "no_memory") goes to the
 * log, not to the client. */
enum step exchange_fail(struct exchange *x, unsigned status, const char *reason);

/* ---- memory and flow */

/* Memory for the life of the exchange. A failed allocation may be left to the caller of the step,
 * which asks arena_failed(): it answers 503. */
struct arena *exchange_arena(struct exchange *x);
/* The options of the handler, or filter, whose step it is, as its table and check() filled them. */
const void *exchange_conf(const struct exchange *x);
/* A pointer that is the step's own: of the handler, or of a filter until its last step. NULL at the
 * begin of each. */
void exchange_set_state(struct exchange *x, void *state);
void *exchange_state(const struct exchange *x);

/* Runs `work` in the route's pool, then `then` on the loop. If the pool refuses, 503 and `then` is
 * not called; if the client leaves or the handler time-out passes meanwhile, neither is `then`:
 * what work() made must be owned by the arena (arena_on_reset) or the response. On a worker (`run =
 * "pool"`) both are called at once, there; so a handler that offloads need not know where it runs.
 */
enum step exchange_offload(struct exchange *x, void (*work)(struct exchange *x), step_fn *then);
/* `then` runs on the loop once exchange_resume() was called, which somebody must do exactly once:
 * the exchange lives until then, even if its client has long left (`then` is not called in that
 * case). */
enum step exchange_later(struct exchange *x, step_fn *then);
/* As exchange_later(), for a wait that can be given up. When `time` (ns) is over, or the client
 * has left, withdraw() is asked: true: exchange_resume() was not called and will not be; then
 * late() is the next step, or the exchange ends at once. false: it was or will be, and is waited
 * for. */
struct wait {
    step_fn *then, *late;
    bool (*withdraw)(struct exchange *x);
    int64_t time;
};
enum step exchange_wait(struct exchange *x, struct wait wait);
/* `then` runs on the loop when exchange_read(), which said -EAGAIN, has something new to say. */
enum step exchange_await_body(struct exchange *x, step_fn *then);
/* Any thread; the exchange must be known to be alive: LATER, or with a source not yet done. */
void exchange_resume(struct exchange *x);
/*
 * From a source's pull(), which then says -EAGAIN: runs work(arg) in the route's pool, or in the
 * pool `default` if no route answers; pull() is called again when that is done, and not before. A
 * pool that is full is asked again, until the time-out for a body that stalls. Exchange and source
 * live until then; what `work` touches must too, and must not be the exchange nor its arena. 0.
 * -EBUSY: do it here, a little at a time: the body comes from a worker of that pool, which may be
 * waiting for it to be taken; or a source that was pulled from has a task. -ENOMEM.
 */
int exchange_task(struct exchange *x, void (*work)(void *arg), void *arg) MUST_USE;
/* Whether one runs; for a source that pulled from another, which said -EAGAIN. */
bool exchange_has_task(const struct exchange *x);
/* True once nobody waits for the response any more. Any thread that holds the exchange. */
bool exchange_cancelled(const struct exchange *x);

/* ---- bounds and the log: for filters, in their request() */

/* Of the request body, in bytes, in place of limits.body: STEP_NEXT; or it is known to be longer,
 * and STEP_DONE with 413. */
enum step exchange_bound_body(struct exchange *x, uint64_t max);
/* Until the handler begins its response, in ns, in place of timeouts.handler. In a pool it does not
 * begin anew while a body is taken in. */
void exchange_bound_time(struct exchange *x, int64_t time);
/* What the loops share for the route and the filter whose step it is (filter_kind.shared). */
void *exchange_shared(const struct exchange *x);
/* Whether it is to be in the access log, and a text for it, which must live as long as x. In
 * respond(), too. */
void exchange_log(struct exchange *x, bool wanted, struct str note);

/* ---- what a loop keeps */

/* For the handler's kind (handler_kind.local_new), made when it is asked for first. NULL on a
 * worker, without memory, and where no route answers. */
void *exchange_local(struct exchange *x);
/* What it may take: its loop's share of limits.file_cache, and of an eighth of the descriptors the
 * process may open. */
struct local_max {
    size_t bytes, files;
};
struct local_max exchange_local_max(const struct exchange *x);
/* The counters of the loop; NULL on a worker. */
struct stats *exchange_stats(const struct exchange *x);
/* Counts in the one of that name (base/stats.h). */
#define exchange_count(x, name)                                                                    \
    do {                                                                                           \
        struct stats *of_loop_ = exchange_stats(x);                                                \
        if (of_loop_ != NULL)                                                                      \
            stats_count(of_loop_, name);                                                           \
    } while (0)

/* ---- registration */

struct handler_kind {
    const char *name; /* the key in a route */
    size_t size;      /* of the struct that `options` fill */
    const struct option *options;
    /* Completes and checks the struct; reports through `c`. May be NULL. Undo with arena_on_reset.
     */
    void (*check)(struct option_check *c, void *conf);
    /* Options being the same, whether check() found the same outside of the config too (a directory
     * it opened, say): a site of which all is the same outlives a reload. NULL: it looks at nothing
     * outside. */
    bool (*same)(const void *a, const void *b);
    step_fn *handle;
    /* Or NULL. Whether the body is escaped for its Content-Type, which no filter may then change.
     */
    bool (*escapes)(const void *conf);
    /* Or NULL. What would be answered, in words, "308 to /new/"; opens nothing. Bytes of the path
     * may stand in it decoded: who prints them escapes them. {NULL, 0} without memory. */
    struct str (*explain)(const void *conf, const struct routed *r, struct arena *a);
    /* Or NULL, all three: what each loop keeps for all routes of the kind, outside of any config.
     * NULL: no memory. local_tick() is called about once a second, from exchange_local() on until
     * it says that there is nothing to wait for. `now`: loop time, ns. local_free() may run on
     * another thread, when the loop has ended. */
    void *(*local_new)(void);
    bool (*local_tick)(void *local, int64_t now);
    void (*local_free)(void *local);
    const char *about; /* for muxd.conf(5) */
};

/* A pointer in the section "handlers"; the linker strings them together. Link objects, not an
 * archive: from an archive an unreferenced member is left out. */
#define HANDLER_KIND(ident, ...)                                                                   \
    static const struct handler_kind ident##_kind = { .name = #ident, __VA_ARGS__ };               \
    __attribute__((                                                                                \
        used,                                                                                      \
        section("muxd_handlers"))) static const struct handler_kind *const ident##_registration =  \
        &ident##_kind

/* NULL if there is none of that name. */
const struct handler_kind *handler_find(struct str name);
/* Walks all kinds, sorted by name: handler_at(0), ..., NULL behind the last. */
const struct handler_kind *handler_at(size_t i);

#endif
