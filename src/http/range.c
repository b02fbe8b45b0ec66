/* range.c - see range.h. Pure; any thread. */
#include "http/range.h"

#include <errno.h>

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

/* Several ranges need no case of their own: a comma is no digit. */
enum range_result range_parse(struct str value, uint64_t size, struct range *ret)
{
    uint64_t first, last = UINT64_MAX;
    struct str unit = STR("bytes=");

    if (!str_ieq(str_head(value, unit.n), unit))
        return RANGE_IGNORE;
    value = str_from(value, unit.n);
    size_t dash = str_chr(value, '-');
    if (dash == value.n)
        return RANGE_IGNORE;
    struct str from = str_head(value, dash), to = str_from(value, dash + 1);

    if (from.n == 0) {
        uint64_t suffix;
        if (!number(to, &suffix))
            return RANGE_IGNORE;
        suffix = min_of(suffix, size);
        if (suffix == 0)
            return RANGE_NONE;
        *ret = (struct range){ .first = size - suffix, .length = suffix };
        return RANGE_ONE;
    }
    if (!number(from, &first) || (to.n > 0 && !number(to, &last)) || first > last)
        return RANGE_IGNORE;
    if (first >= size)
        return RANGE_NONE;
    last = min_of(last, size - 1);
    *ret = (struct range){ .first = first, .length = last - first + 1 };
    return RANGE_ONE;
}
