/*
 * range_fuzz.c - the Range field against a reader of its own, that goes byte by byte and counts in
 * 128 bits. The first 8 bytes of the input are the size of the body.
 */
#include <stdlib.h>

#include "http/range.h"
#include "tests/support/server/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef unsigned __int128 wide;
#define WIDE_MAX ((wide)UINT64_MAX) /* counts for all larger numbers too */

/* Digits off the front of *s; how many. */
static size_t take_number(struct str *s, wide *ret)
{
    size_t n = 0;

    for (*ret = 0; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *ret = min_of(*ret * 10 + (wide)(s->p[n] - '0'), WIDE_MAX);
    *s = str_from(*s, n);
    return n;
}

/* bytes-unit "=" int-range / suffix-range, and nothing else: RFC 9110 section 14.1. */
static enum range_result reference(struct str value, uint64_t size, wide *first, wide *last)
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
        *first = size - min_of(*last, (wide)size);
        *last = (wide)size - 1; /* of no size: before the first */
    } else if (behind == 0) {
        *last = WIDE_MAX;
    }
    if (*first >= size)
        return RANGE_NONE;
    *last = min_of(*last, (wide)size - 1);
    return RANGE_ONE;
}

static void try(struct str value, uint64_t size)
{
    struct range r = { 0, 0 };
    wide first, last;
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
