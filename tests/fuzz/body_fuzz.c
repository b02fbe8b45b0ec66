/* body_fuzz.c - a body decodes to the same bytes, however its input and its output are cut. */
#include <stdlib.h>

#include "http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

struct outcome {
    enum body_result result;
    size_t used, n;
    uint64_t total;
    unsigned status;
    const char *reason;
    char bytes[4096];
};

/* Gives the reader at most `step` new bytes at a time and takes at most `limit`. */
static void decode(const struct head_info *info, uint64_t max, const char *in, size_t n,
                   size_t step, size_t limit, struct outcome *o)
{
    struct body_reader b;
    size_t have = 0;

    memset(o, 0, sizeof *o);
    body_init(&b, info, max);
    for (;;) {
        size_t used;
        struct str data;
        o->result = body_next(&b, in + o->used, have - o->used, limit, &used, &data);
        require(used <= have - o->used);
        require((o->result == BODY_DATA) == (data.n > 0) && data.n <= limit);
        if (data.n) {
            require(data.p >= in + o->used && data.p + data.n == in + o->used + used);
            memcpy(o->bytes + o->n, data.p, data.n);
        }
        o->n += data.n;
        o->used += used;
        require(o->n == b.total && b.total <= max);
        require(o->result != BODY_END || body_ended(&b));
        if (o->result == BODY_MORE) {
            require(o->used == have);
            if (have == n)
                break;
            have += min_of(step, n - have);
        } else if (o->result != BODY_DATA) {
            break;
        }
    }
    require((o->result == BODY_BAD) == (b.reason != NULL));
    o->total = b.total;
    o->status = b.status;
    o->reason = b.reason;
}

static void try(const struct head_info *info, uint64_t max, const char *in, size_t n)
{
    static const size_t cuts[][2] = { { 1, 4096 }, { 4096, 1 }, { 3, 2 }, { 7, 4096 } };
    static struct outcome whole, cut;

    decode(info, max, in, n, 4096, 4096, &whole);
    for (size_t i = 0; i < array_len(cuts); i++) {
        decode(info, max, in, n, cuts[i][0], cuts[i][1], &cut);
        require(memcmp(&whole, &cut, sizeof whole) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head_info chunked = { .framing = FRAMING_CHUNKED };
    struct head_info length = { .framing = FRAMING_LENGTH, .length = 7 };
    struct head_info none = { .framing = FRAMING_NONE };

    if (size > 4096)
        return 0;
    char *in = malloc(size + !size);
    require(in != NULL);
    if (size)
        memcpy(in, data, size);
    try(&chunked, UINT64_MAX, in, size);
    try(&chunked, 10, in, size);
    try(&length, 7, in, size);
    try(&length, 6, in, size);
    try(&none, 0, in, size);
    free(in);
    return 0;
}
