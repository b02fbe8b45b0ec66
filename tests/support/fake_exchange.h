/*
 * fake_exchange.h - all of handler/handler.h without a server: a test says what the request is and
 * what happens to it, runs a handler, and looks at status, fields and body.
 *
 * The fake holds the handler to the contract: a step that says LATER or OFFLOAD must have been made
 * so, a source is not pulled after its end and is done once, what is written on a worker comes
 * after the head, files are closed. A breach is a failed check(), which ends the test program.
 *
 *   struct exchange *x = fake_exchange_new();
 *   fake_exchange_request(x, "GET", "/s/a.css?v=1", "/s/");
 *   fake_exchange_field(x, "Accept", "text/css");
 *   fake_exchange_run(x, &conf, "files");
 *   ck_assert_uint_eq(x->response.status, 200);
 *   fake_exchange_free(x);
 *
 * One thread, but for exchange_resume() and exchange_cancelled(), as in a server.
 */
#ifndef MUXD_TESTS_FAKE_EXCHANGE_H
#define MUXD_TESTS_FAKE_EXCHANGE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "filter/filter.h"
#include "handler/template.h"
#include "mux/mux.h"
#include "support/fake_conf.h"

#define FAKE_FIELDS_MAX 64
#define FAKE_PIECES_MAX 16
#define FAKE_FILTERS_MAX 8

/* What exchange_offload() does. */
enum fake_pool {
    FAKE_POOL_RUNS,     /* runs work, then `then` */
    FAKE_POOL_REFUSES,  /* 503, neither is run */
    FAKE_POOL_ABANDONS, /* runs work; the client has left meanwhile: `then` is not called */
};

/* FILE: of parts, too. */
enum fake_body { FAKE_BODY_NONE, FAKE_BODY_BYTES, FAKE_BODY_FILE, FAKE_BODY_SOURCE };

/* A body of bytes or of a file, and where its reader stands. */
struct fake_parts {
    struct file *file;
    const struct part *v; /* NULL: `one` */
    struct part one;
    size_t n, at;
    uint64_t done; /* of v[at] */
};

struct exchange {
    struct request request;
    struct field fields[FAKE_FIELDS_MAX];
    struct str prefix, route, peer;
    struct pattern pattern; /* of fake_exchange_pattern(), or all zero */
    struct mux_match match;
    int64_t time;

    /* Set by a test before fake_exchange_run(). */
    enum fake_pool pool;
    bool worker;               /* the handler runs on a worker: run = "pool" */
    size_t pull_size;          /* bytes the client takes at once; 4096 */
    unsigned char address[16]; /* of the peer, and its bytes; 0: none */
    size_t address_n;
    void *shared;     /* exchange_shared(), which several may have */
    void *local;      /* what the loop keeps for the kind; made when asked for, freed with x */
    size_t local_max; /* 1 MiB */
    int64_t ahead;    /* ns; exchange_now() is later by it */
    struct stats stats;
    bool task_busy;   /* exchange_task() says so */
    size_t read_size; /* at most this many bytes by one exchange_read(); 0: no such bound */

    /* The request body: pieces that arrive one at a time, with -EAGAIN between. */
    struct str pieces[FAKE_PIECES_MAX];
    size_t n_pieces, arrived, piece, at; /* arrived of them; reading stands at piece, at */
    int body_error;                      /* behind the last piece, instead of the end; or 0 */

    /* What came of it. */
    enum step last;
    bool stuck;   /* it waits for what will not come: LATER, or a source that says -EAGAIN */
    bool aborted; /* the body ended without being whole */
    struct response response;
    const char *reason; /* of exchange_fail(), or NULL */
    struct buf body;    /* all that the client got */
    enum fake_body body_kind;
    uint64_t body_length; /* as told by the handler, BODY_LENGTH_UNKNOWN if not */
    unsigned offloads, laters, reads, tasks;
    bool awaits_body; /* the LATER is for request body */
    struct wait wait; /* of exchange_wait() */
    bool time_passes; /* set by a test: such a wait, of under a second, is waited to its end */
    uint64_t body_max;
    int64_t time_max;
    bool unlogged;
    struct str note;

    /* The fake's own. */
    struct arena arena;         /* the handler's, with the bound a test may set */
    struct arena request_arena; /* the request's */
    const void *conf;
    void *state;
    step_fn *then;
    void (*work)(struct exchange *x);
    bool head_sent;
    _Atomic bool resumed, cancelled;
    _Atomic unsigned resumes; /* exchange_resume() was called so often */
    const struct handler_kind *kind;
    struct fake_parts parts;
    struct source *source;
    struct fake_parts taken; /* by exchange_take_body(), read through taken_source */
    struct source taken_source;
    struct {
        const struct filter_kind *kind;
        const void *conf;
    } filters[FAKE_FILTERS_MAX];
    size_t n_filters;
    char *arena_first;
};

struct exchange *fake_exchange_new(void);
void fake_exchange_free(struct exchange *x);

/* The handler's arena holds that many bytes and no more. */
void fake_exchange_memory(struct exchange *x, size_t bytes);
/* `target` as sent; the path is cleaned as the server does. `prefix` is the literal prefix of the
 * route's pattern. */
void fake_exchange_request(struct exchange *x, const char *method, const char *target,
                           const char *prefix);
/* The route's pattern, for its wildcards; it matches the request, which is there already. Sets the
 * prefix. */
void fake_exchange_pattern(struct exchange *x, const char *pattern);
void fake_exchange_field(struct exchange *x, const char *name, const char *value);
/* Another piece of the request body. Its length is known from the sum, unless
 * fake_exchange_chunked() is called behind the last. */
void fake_exchange_piece(struct exchange *x, struct str piece);
void fake_exchange_chunked(struct exchange *x);
/* A filter of the route; in the order of the calls. */
void fake_exchange_filter(struct exchange *x, const char *kind, const struct fake_conf *conf);

/* Runs the request steps of the filters, the handler, the respond steps, then pulls the body to its
 * end, letting a piece of request body arrive whenever all else waits. */
void fake_exchange_run(struct exchange *x, const struct fake_conf *conf, const char *kind);
/* Runs on after x->stuck, for instance after exchange_resume(). */
void fake_exchange_continue(struct exchange *x);

/* The value of the response's field, or NULL; NUL-terminated. */
const char *fake_exchange_value(struct exchange *x, const char *name);
/* The body as text, NUL-terminated. */
const char *fake_exchange_text(struct exchange *x);

#endif
