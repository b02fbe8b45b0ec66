/* range.c - see range.h. Pure; any thread. */
#include "http/range.h"

#include <errno.h>

/* The ranges that can be satisfied, in the order they were asked for. */
struct asked {
    size_t n;
    uint64_t left; /* bytes of the body that may still be asked for */
    struct range v[RANGES_ASKED_MAX];
};

/* Digits to a number; one too large for 64 bits counts as the largest: no body is that long.
 * str_u64() stops where it overflows, so what stands behind is looked at first. */
static bool number(struct str s, uint64_t *ret)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_digit((unsigned char)s.p[i]))
            return false;
    int r = str_u64(s, ret);
    if (r == -ERANGE)
        *ret = UINT64_MAX;
    return r == 0 || r == -ERANGE;
}

/* int-range or suffix-range. RANGE_SOME with a length of 0: a suffix of the empty body. */
static enum range_result read_one(struct str s, uint64_t size, struct range *ret)
{
    uint64_t first, last = UINT64_MAX;
    size_t dash = str_chr(s, '-');

    if (dash == s.n)
        return RANGE_IGNORE;
    struct str from = str_head(s, dash), to = str_from(s, dash + 1);
    if (from.n == 0) {
        uint64_t suffix;
        if (!number(to, &suffix))
            return RANGE_IGNORE;
        *ret = (struct range){ size - min_of(suffix, size), min_of(suffix, size) };
        return suffix > 0 ? RANGE_SOME : RANGE_NONE;
    }
    if (!number(from, &first) || (to.n > 0 && !number(to, &last)) || first > last)
        return RANGE_IGNORE;
    if (first >= size)
        return RANGE_NONE;
    *ret = (struct range){ first, min_of(last, size - 1) - first + 1 };
    return RANGE_SOME;
}

/* The list of them; an element may be empty, and blanks stand only beside a comma (RFC 9110 section
 * 5.6.1). */
static enum range_result read_all(struct str list, uint64_t size, struct asked *all)
{
    size_t n = 0;

    *all = (struct asked){ .n = 0, .left = size };
    if (str_trim(list).n < list.n)
        return RANGE_IGNORE;
    while (list.p != NULL) {
        struct str s = str_trim(str_cut(&list, ','));
        struct range r;
        if (s.n == 0)
            continue;
        if (n++ == RANGES_ASKED_MAX)
            return RANGE_IGNORE;
        enum range_result result = read_one(s, size, &r);
        if (result == RANGE_NONE)
            continue;
        if (result == RANGE_IGNORE || r.length == 0 || r.length > all->left)
            return RANGE_IGNORE;
        all->left -= r.length;
        all->v[all->n++] = r;
    }
    if (n == 0)
        return RANGE_IGNORE;
    return all->n > 0 ? RANGE_SOME : RANGE_NONE;
}

static void sort(struct range *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct range r = v[i];
        size_t at = i;
        for (; at > 0 && v[at - 1].first > r.first; at--)
            v[at] = v[at - 1];
        v[at] = r;
    }
}

/* Of n that ascend, those that are near each other become one; how many are left. */
static size_t merge(struct range *v, size_t n)
{
    size_t kept = 0;

    for (size_t i = 1; i < n; i++) {
        uint64_t end = v[kept].first + v[kept].length;
        if (v[i].first >= end && v[i].first - end >= RANGE_GAP)
            v[++kept] = v[i];
        else
            v[kept].length = max_of(end, v[i].first + v[i].length) - v[kept].first;
    }
    return kept + 1;
}

enum range_result range_parse(struct str value, uint64_t size, struct ranges *ret)
{
    const struct str unit = STR("bytes=");
    struct asked all, merged;

    if (!str_ieq(str_head(value, unit.n), unit))
        return RANGE_IGNORE;
    enum range_result result = read_all(str_from(value, unit.n), size, &all);
    if (result != RANGE_SOME)
        return result;
    merged = all;
    sort(merged.v, merged.n);
    merged.n = merge(merged.v, merged.n);
    const struct asked *best = merged.n < all.n ? &merged : &all;
    if (best->n > RANGES_MAX)
        return RANGE_IGNORE;
    ret->n = best->n;
    memcpy(ret->v, best->v, best->n * sizeof *ret->v);
    return RANGE_SOME;
}
