/* replies.c - see replies.h. */
#include "tests/support/server/replies.h"

#include "tests/support/server/require.h"
#include "tests/support/server/stage.h"
#include "tests/support/server/wire.h"

#define ASKED_MAX 1024

/* A bound that is never met: each request has its turn, and gives it back. */
#define LIMITED "limits: { requests = 100000; queue = 2; }"

const char replies_routes[] =
    "routes: {\n"
    "  a:      { match = \"/a\";      respond: { body = \"alpha\\n\"; }\n"
    "            headers: { set = [ \"X-A: b\" ]; } }\n"
    "  b:      { match = \"/b\";      respond: { status = 201; body = \"bravo\\n\"; } }\n"
    "  none:   { match = \"/none\";   respond: { status = 204; } }\n"
    "  post:   { match = \"POST /post\"; respond: { body = \"posted\\n\"; } }\n"
    "  r:      { match = \"/r\";      redirect: { to = \"/a\"; status = 307; } }\n"
    "  bytes:  { match = \"/bytes\";  try_bytes: { size = \"20000\"; } }\n"
    "  file:   { match = \"/file\";   try_file: { size = \"20000\"; } }\n"
    "  source: { match = \"/source\"; try_source: { size = \"20000\"; stutter = true; } }\n"
    "  length: { match = \"/length\"; try_source: { size = \"20000\"; bounded = true; } }\n"
    "  echo:   { match = \"/echo\";   try_echo: {} " LIMITED " }\n"
    "  read:   { match = \"/read\";   try_read: {} " LIMITED " }\n"
    "  off:    { match = \"/off\";    try_offload: {} }\n"
    "  off2:   { match = \"/off2\";   run = \"pool\"; try_offload: {} }\n"
    "  work:   { match = \"/work\";   run = \"pool\"; try_worker: { size = \"0\"; } " LIMITED " }\n"
    "  pour:   { match = \"/pour\";   run = \"pool\"; try_worker: { size = \"300000\"; } " LIMITED
    " }\n"
    "  later:  { match = \"/later\";  try_later: {} " LIMITED " }\n"
    "  die:    { match = \"/die\";    try_die: { size = \"0\"; } }\n"
    "  cut:    { match = \"/cut\";    try_die: { size = \"1000\"; } }\n"
    "}\n";

static struct replies_fate fate;
static uint64_t body_max;

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
    { STR("/pour"), WORKER, 200, STR(""), 300000 },
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
    /* Without an end of its own a body is whole if the connection was not cut. */
    if (r->until_close)
        whole = fate.ended;
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
        require(!whole || a->state == ASKED_WHOLE);
        check_bytes(r->body, e->size, a->body, whole);
        break;
    case READ:
        require(a->state == ASKED_WHOLE && (!whole || str_starts(r->body, STR("read "))));
        break;
    case CUT:
        require(!whole);
        check_bytes(r->body, e->size, STR_EMPTY, false);
        break;
    case DIES:
        break;
    }
}

static void check_reply(const struct asked *a, const struct reply *r, bool whole)
{
    const struct expected *e = expected_of(a);

    if (fate.disturbed && r->status == 408) { /* some of it was not yet read */
        require(r->close);
        return;
    }
    if (fate.squeezed && r->status == 503)
        return;
    if (a->state == ASKED_BAD_HEAD) {
        require(r->status == a->status && r->close);
        return;
    }
    require(a->state != ASKED_PART);
    if (a->info.framing == FRAMING_LENGTH && a->info.length > body_max) {
        require(r->status == 413 || e == NULL);
        require(r->close);
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
        require((e->kind == JOB || e->kind >= WORKER) && fate.disturbed);
        break;
    default:
        if (e->kind == CUT && r->status == 500) {
            require(fate.squeezed); /* nothing could be written before */
            break;
        }
        if (e->kind == DIES || (e->kind == WORKER && r->status == 500)) {
            require(r->status == 500 &&
                    (e->kind == DIES || a->state != ASKED_WHOLE || fate.disturbed));
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

/* Whether `rest` is the body of an answer that was given before "HEAD " was read. */
static bool is_unread(const struct reply *r, struct str rest)
{
    uint64_t length;

    return (r->status == 408 || r->status == 503) &&
           str_u64(wire_field(r, STR("Content-Length")), &length) == 0 && rest.n == length;
}

void replies_check(struct str sent, struct str rest, const struct config *config,
                   struct replies_fate fate_, struct arena *arena)
{
    struct asked *asked = arena_array(arena, ASKED_MAX, sizeof *asked);
    bool over = false;
    size_t i = 0;

    require(asked != NULL);
    fate = fate_;
    body_max = (uint64_t)config->limits.body;
    size_t n = wire_split(sent, config, arena, asked, ASKED_MAX);
    for (; i < n && rest.n > 0 && !over; i++) {
        struct reply r;
        enum reply_result result = wire_reply(&rest, asked[i].head_asked, arena, &r);
        require(result != REPLY_BAD);
        if (result == REPLY_CUT) {
            require(fate.disturbed || may_be_cut(&asked[i]) ||
                    (asked[i].state == ASKED_HEAD && !fate.closed) || r.status == 100);
            if (r.status >= 200 && r.head.n > 0)
                check_reply(&asked[i], &r, false);
            return;
        }
        check_reply(&asked[i], &r, true);
        over = r.close;
        if (asked[i].head_asked && over && fate.disturbed && is_unread(&r, rest))
            rest = STR_EMPTY;
    }
    require(n == ASKED_MAX || rest.n == 0);
    if (fate.disturbed || over || i == n)
        return;
    /* Unanswered, and rightly so: not complete, or cut before its first byte. */
    require(asked[i].state == ASKED_PART || asked[i].state == ASKED_HEAD || may_be_cut(&asked[i]) ||
            n == ASKED_MAX);
}
