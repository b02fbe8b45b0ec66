/*
 * exchange.h - one request and its response, from the complete head to the last byte.
 *
 * An exchange is embedded in what its protocol owns (one in HTTP/1, one a stream in HTTP/2),
 * belongs to one engine, and has a state of its own, moved by one function along a table
 * (exchange.c). Routing, filters, handler, pool and time-outs are here; reading and writing bytes
 * is the proto's.
 *
 * Lent, not shared. While a job is in the pool the exchange belongs to the worker: response, arena,
 * body. Of the rest it only reads the request and what routing found, which nobody writes once the
 * steps have begun; so the loop may read those too, for a log. Else the loop touches only: state,
 * timer, the streams, `cancelled`, `late`, the letters. If it cannot wait (time-out, peer gone) it
 * sets `cancelled`, aborts the streams, answers from `late` if at all, and keeps the memory until
 * the job is back.
 */
#ifndef MUXD_SERVER_EXCHANGE_H
#define MUXD_SERVER_EXCHANGE_H

#include "config/config.h"
#include "event/pool.h"
#include "event/stream.h"
#include "handler/handler.h"
#include "server/conn.h"

enum exchange_state {
    EXCHANGE_IDLE,      /* no request */
    EXCHANGE_STEPPING,  /* a step is running on the loop */
    EXCHANGE_LATER,     /* until exchange_resume() */
    EXCHANGE_BODY,      /* until request body arrives */
    EXCHANGE_LENT,      /* in the pool, queued or running */
    EXCHANGE_STREAMING, /* in the pool, and the response has begun */
    EXCHANGE_REPLYING,  /* the response is the loop's to send */
    EXCHANGE_ABANDONED, /* lent or LATER, and nobody waits for it; a late reply may be sent */
    EXCHANGE_DONE,      /* over; may be ended */
};

enum body_kind { BODY_KIND_NONE, BODY_KIND_BYTES, BODY_KIND_PARTS, BODY_KIND_SOURCE };

struct body {
    enum body_kind kind;
    uint64_t length; /* BODY_LENGTH_UNKNOWN: ends when the source says so */
    struct str bytes;
    struct source *source;
    /* PARTS, and where their reader stands (filebody.h). */
    struct file *file;        /* counted; or NULL */
    const struct part *parts; /* NULL: `one` is the only one */
    size_t n_parts;
    struct part one;
    size_t part;        /* the reader's: */
    uint64_t at;        /* in it */
    uint64_t probed;    /* the file is in the page cache up to there, */
    uint64_t probed_in; /* as was found in this turn of the loop */
};

/* What exchange_task() does. */
enum task_state {
    TASK_NONE,
    TASK_WAITS, /* for a pool that is full, or for memory */
    TASK_LENT,  /* to the pool, with what `work` touches */
};

/* What a worker reads of a file; the worker's while that is the task. */
struct fetch {
    struct file *file;
    char *buf; /* or NULL */
    size_t size;
    uint64_t begin, end; /* in the file: is to be read; */
    int64_t ended;       /* then it is in the page cache, as of then (clock_mono()) */
    uint64_t from;       /* of what stands in `buf`: the last of it */
    ssize_t n;           /* bytes; 0: nothing was asked for; -errno */
};

/* Memory that answers when the exchange's own is the worker's. */
#define EXCHANGE_LATE_SIZE 512
#define EXCHANGE_FIRST_BLOCK 1536
#define EXCHANGE_LATE_MAX KIB(64)

struct exchange {
    uint32_t magic;
    enum exchange_state state;
    struct conn *conn;
    struct engine *engine;
    struct timeouts timeouts; /* of the loop's view when it began */

    /* Lent with the job. */
    struct request request;
    struct response response;
    struct body body;
    struct arena arena;
    struct site *site;         /* used (server/registry.h); NULL until routed */
    const struct route *route; /* likewise */
    struct mux_match match;
    size_t next_filter;
    step_fn *then;     /* what goes on after LATER, BODY, LENT */
    step_fn *too_late; /* after LATER, when the time is over and withdraw() says so */
    bool (*withdraw)(struct exchange *x); /* LATER: or NULL, it cannot be given up */
    void (*work)(struct exchange *x);
    uint64_t body_max; /* of the request body, bytes */
    bool timed;        /* timeouts.handler is its own, not that of all */
    const void *conf;  /* of the filter or handler whose step it is */
    void *step_state;  /* likewise */
    bool lent;         /* a worker may hold it: from the submit until back_letter */
    bool in_handler;   /* the filters are through */
    int64_t wall;      /* loop.wall when it began */
    char peer[SOCK_TEXT_MAX];

    /* The loop's, always. */
    struct timer timer;  /* queue time, handler time, or waiting for body */
    bool queue_timed;    /* the timer stands for the queue time */
    int64_t queue_time;  /* ns; of the pool, when the job was submitted */
    bool body_wanted;    /* exchange_read() said -EAGAIN */
    bool body_timed_out; /* and waited too long */
    size_t fed;          /* bytes of body since the handler's time began */
    bool out_whole;      /* the worker's response was read to its end */
    bool in_fed;         /* all of the request body is in `in` */
    bool stalled;        /* the body's source gave nothing for too long */
    bool ended;          /* exchange_end() was called: only its memory is waited for */
    bool resume_owed;    /* ABANDONED: exchange_resume() is still to be called */
    int64_t began;       /* loop_now() when its head was complete */
    /* Constant once it began, so who holds it may read them too. */
    uint64_t id;     /* in the logs, and in the bodies of errors */
    struct str raw;  /* instead of a request that was refused: the begin of its first line */
    bool unlogged;   /* not for the access log: exchange_log() */
    struct str note; /* for it, likewise */
    /* Of the log, told by the protocol. */
    unsigned version_minor;  /* of HTTP/1 */
    unsigned status;         /* of the response, once its head is on its way; or 0 */
    uint64_t sent;           /* of its body; bytes */
    struct response *reply;  /* what to send: NULL, &response, or &late */
    struct body *reply_body; /* likewise */
    struct response late;    /* the head while, or instead of when, `response` is the worker's */
    struct body late_body;
    struct arena late_arena;

    /* Both sides'. */
    _Atomic bool cancelled;         /* nobody waits for what the holder makes any more */
    _Atomic bool in_wanted;         /* the worker has begun to read its body */
    _Atomic int in_error;           /* why `in` was aborted, for the worker: -errno */
    const char *_Atomic body_fault; /* the reason, set by the proto whose read says -EBADMSG */
    _Atomic bool resume_posted;     /* resume_letter is on its way */
    struct stream *in, *out;  /* request body to, response body from the worker; `out` is made by
                                 the worker before head_letter is posted */
    struct source out_source; /* the worker's output as a source */
    struct body taken;        /* by exchange_take_body(), and read through */
    struct source taken_source;
    struct fetch fetch;
    struct job job;
    struct letter back_letter; /* the job is back */
    struct letter head_letter; /* the worker began the response */
    struct letter resume_letter;

    /* exchange_task(). The loop's, but while LENT `task_work` and what it touches. */
    enum task_state task;
    struct pool *task_pool;
    void (*task_work)(void *arg);
    void *task_arg;
    struct job task_job;
    struct letter task_letter; /* it is back */
    struct timer task_timer;   /* WAITS */

    _Alignas(16) char first[EXCHANGE_FIRST_BLOCK]; /* of arena */
    _Alignas(16) char late_first[EXCHANGE_LATE_SIZE];
};

/* Once in its life. */
void exchange_init(struct exchange *x);
/* Before each request; the exchange is IDLE afterwards as before, its arena ready. */
void exchange_prepare(struct exchange *x, struct conn *c);

/* The head is in x->request: routes it and runs the steps as far as they go. */
void exchange_begin(struct exchange *x);
/* Answers without routing: malformed, too large, too slow. */
void exchange_refuse(struct exchange *x, unsigned status, const char *reason);
/* There is a response to be sent: exchange.reply, reply_body. */
static inline bool exchange_has_reply(const struct exchange *x)
{
    return x->reply != NULL;
}
/* More of the request body can be read now: feeds whom it concerns. True if something moved. */
bool exchange_input(struct exchange *x);
/*
 * The response was sent, or nobody wants it any more: then `cut` says why, a token for the log.
 * true: it is ended, its memory is free for the next. false: it is lent; proto->released() will be
 * called.
 */
bool exchange_end(struct exchange *x, const char *cut);

/* In task.c. */
void exchange_task_init(struct exchange *x);
/* In the place of a task, for want of memory: as if there had been one, after a while. As
 * exchange_task(). */
int exchange_nap(struct exchange *x) MUST_USE;
/* Takes the task back, if it has not begun; false: it is LENT. */
bool exchange_task_withdraw(struct exchange *x);
/* Pulls from reply_body, which is PARTS or a SOURCE, and watches how long it takes. As source.pull;
 * -ETIMEDOUT: too long. Of a file: -ENODATA: it is shorter than it was; -ESTALE: it has changed. */
ssize_t exchange_pull(struct exchange *x, void *buf, size_t n);

/* In lend.c: the exchange goes to the pool, and comes back. */
void exchange_lend_init(struct exchange *x);
struct pool *exchange_pool(const struct exchange *x);
enum step exchange_lend(struct exchange *x);
/* Feeds the worker's request body. True if something moved. */
bool exchange_feed(struct exchange *x);
/* Gives up waiting: LENT or STREAMING. true: it was still queued and is ours again. */
bool exchange_abandon(struct exchange *x);
void exchange_streams_free(struct exchange *x);

/* In exchange_route.c: finds site and route: NEXT; or sets the answer that is given without: DONE.
 */
enum step exchange_route(struct exchange *x);

/* Between exchange.c, exchange_api.c and lend.c. */
void exchange_body_drop(struct exchange *x, struct body *b);
/* An abandoned exchange is ours again. */
void exchange_release(struct exchange *x);
void exchange_move(struct exchange *x, enum exchange_state to);
/* A line of the error log; status 0: it is cut. */
void exchange_note(struct exchange *x, unsigned status, const char *reason);
void exchange_go_on(struct exchange *x, enum step s);
void exchange_reply(struct exchange *x, struct response *res, struct body *body);
/* Gives the late response and what belongs to it. */
void exchange_late_reply(struct exchange *x, unsigned status, const char *reason);
const char *exchange_state_name(enum exchange_state s);
/* Whether the caller, who holds the exchange, is a worker and not its loop. */
bool exchange_on_worker(const struct exchange *x);

#endif
