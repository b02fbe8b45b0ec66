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

/* int-range or suffix-range, and nothing else: RFC 9110 section 14.1. With RANGE_SOME and a size of
 * 0, a suffix. */
static enum range_result read_one(struct str s, uint64_t size, uint64_t *first, uint64_t *last)
{
    size_t before = take_number(&s, first);
    if (s.n == 0 || s.p[0] != '-')
        return RANGE_IGNORE;
    s = str_from(s, 1);
    size_t behind = take_number(&s, last);
    if (s.n > 0 || before + behind == 0 || (before && behind && *first > *last))
        return RANGE_IGNORE;
    if (before == 0) {
        if (*last == 0)
            return RANGE_NONE;
        *first = size - min_of(*last, size);
        *last = size - 1;
        return RANGE_SOME;
    }
    if (*first >= size)
        return RANGE_NONE;
    *last = behind > 0 ? min_of(*last, size - 1) : size - 1;
    return RANGE_SOME;
}

struct asked {
    size_t n;
    uint64_t first[RANGES_ASKED_MAX], last[RANGES_ASKED_MAX];
};

/* The list, byte by byte. RANGE_SOME: what is asked for is no more than there is. */
static enum range_result reference(struct str s, uint64_t size, struct asked *a)
{
    static const char unit[] = "bytes=", upper[] = "BYTES=";
    uint64_t total = 0;
    size_t n = 0;

    a->n = 0;
    for (size_t i = 0; i < 6; i++)
        if (s.n <= i || (s.p[i] != unit[i] && s.p[i] != upper[i]))
            return RANGE_IGNORE;
    s = str_from(s, 6);
    if (s.n > 0 && (strchr(" \t", s.p[0]) != NULL || strchr(" \t", s.p[s.n - 1]) != NULL))
        return RANGE_IGNORE;
    while (s.n > 0) {
        uint64_t first, last;
        size_t end = 0;
        for (; s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == ',');)
            s = str_from(s, 1);
        while (end < s.n && s.p[end] != ',')
            end++;
        if (end == 0)
            break;
        if (n++ == RANGES_ASKED_MAX)
            return RANGE_IGNORE;
        enum range_result r = read_one(str_trim(str_head(s, end)), size, &first, &last);
        s = str_from(s, end);
        if (r == RANGE_NONE)
            continue;
        if (r == RANGE_IGNORE || size == 0 || last - first >= size - total)
            return RANGE_IGNORE;
        total += last - first + 1;
        a->first[a->n] = first;
        a->last[a->n++] = last;
    }
    return a->n > 0 ? RANGE_SOME : n > 0 ? RANGE_NONE : RANGE_IGNORE;
}

static bool near(uint64_t last, uint64_t first)
{
    return first <= last || first - last - 1 < RANGE_GAP;
}

/* Those asked for are each within one of *r, begin and end one, and none is near another. */
static void compare(const struct asked *a, const struct ranges *r)
{
    for (size_t i = 0; i < r->n; i++) {
        uint64_t first = r->v[i].first, last = first + r->v[i].length - 1;
        bool begun = false, ended = false;
        require(r->v[i].length > 0 && last >= first);
        for (size_t k = 0; k < a->n; k++) {
            begun |= a->first[k] == first;
            ended |= a->last[k] == last;
        }
        require(begun && ended);
        for (size_t k = 0; k < i; k++) {
            uint64_t other = r->v[k].first, other_last = other + r->v[k].length - 1;
            require(other < first ? !near(other_last, first) : !near(last, other));
            require(other < first || r->n == a->n);
        }
        require(r->n != a->n || (a->first[i] == first && a->last[i] == last));
    }
    for (size_t k = 0; k < a->n; k++) {
        bool within = false;
        for (size_t i = 0; i < r->n; i++)
            within |= r->v[i].first <= a->first[k] && a->last[k] - r->v[i].first < r->v[i].length;
        require(within);
    }
}

static void try(struct str value, uint64_t size)
{
    struct ranges r = { .n = 0 };
    struct asked a;
    enum range_result want = reference(value, size, &a), got = range_parse(value, size, &r);

    if (want == RANGE_SOME && got == RANGE_IGNORE) {
        require(a.n > RANGES_MAX);
        return;
    }
    require(got == want);
    if (got != RANGE_SOME)
        return;
    require(r.n > 0 && r.n <= RANGES_MAX);
    compare(&a, &r);
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
