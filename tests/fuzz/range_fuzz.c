/*
 * range_fuzz.c - the Range field against a reader of its own, that goes byte by byte. The first 8
 * bytes of the input are the size of the body.
 */
#include <stdlib.h>

#include "http/range.h"
#include "tests/support/server/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Digits off the front of *s; how many. The largest number stands for all that are larger. */
static size_t take_number(struct str *s, uint64_t *ret)
{
    bool over = false;
    size_t n = 0;

    for (*ret = 0; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        over |= __builtin_mul_overflow(*ret, 10u, ret);
        over |= __builtin_add_overflow(*ret, (unsigned)(s->p[n] - '0'), ret);
    }
    if (over)
        *ret = UINT64_MAX;
    *s = str_from(*s, n);
    return n;
}

/* bytes-unit "=" int-range / suffix-range, and nothing else: RFC 9110 section 14.1. */
static enum range_result reference(struct str value, uint64_t size, uint64_t *first, uint64_t *last)
{
    static const char unit[] = "bytes=", upper[] = "BYTES=";

    for (size_t i = 0; i < 6; i++)
        if (value.n <= i || (value.p[i] != unit[i] && value.p[i] != upper[i]))
            return RANGE_IGNORE;
    value = str_from(value, 6);
    size_t before = take_number(&value, first);
    if (value.n == 0 || value.p[0] != '-')
        return RANGE_IGNORE;
    value = str_from(value, 1);
    size_t behind = take_number(&value, last);
    if (value.n > 0 || before + behind == 0 || (before && behind && *first > *last))
        return RANGE_IGNORE;
    if (before == 0) {
        *first = size - min_of(*last, size);
        *last = size - 1; /* of no size: before the first */
    } else if (behind == 0) {
        *last = UINT64_MAX;
    }
    if (*first >= size)
        return RANGE_NONE;
    *last = min_of(*last, size - 1);
    return RANGE_ONE;
}

static void try(struct str value, uint64_t size)
{
    struct range r = { 0, 0 };
    uint64_t first, last;
    enum range_result want = reference(value, size, &first, &last);

    require(range_parse(value, size, &r) == want);
    if (want == RANGE_ONE)
        require(r.first == first && r.length == last - first + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t body;

    if (size < sizeof body)
        return 0;
    memcpy(&body, data, sizeof body);
    char *text = malloc(size);
    require(text != NULL);
    size -= sizeof body;
    memcpy(text, data + sizeof body, size);
    struct str value = str_make(text, size);
    try(value, body);
    try(value, 0);
    try(value, 1);
    try(value, 1000);
    try(value, UINT64_MAX);
    free(text);
    return 0;
}
