/* str.c - slices of bytes and the small languages of the config: durations, sizes. Any thread. */
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int ascii_hex(unsigned char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    if (a.n != 0 && memcmp(a.p, b.p, a.n) == 0) /* nearly always, where it is asked */
        return true;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower((unsigned char)a.p[i]) != ascii_lower((unsigned char)b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = min_of(a.n, b.n);
    int r = n ? memcmp(a.p, b.p, n) : 0;

    return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_head(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

size_t str_chr(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_rchr(struct str s, char c)
{
    const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;

    return hit ? (size_t)(hit - s.p) : s.n;
}

static bool is_ows(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.n && is_ows(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_ows(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_cut(struct str *rest, char sep)
{
    size_t at = str_chr(*rest, sep);
    struct str piece = str_head(*rest, at);

    *rest = at < rest->n ? str_from(*rest, at + 1) : STR_EMPTY;
    return piece;
}

int str_u64(struct str s, uint64_t *ret)
{
    uint64_t v = 0;

    if (s.n == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_digit((unsigned char)s.p[i]))
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return -ERANGE;
    }
    *ret = v;
    return 0;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* Longest first, so that each value is written with the largest unit that divides it. */
static const struct unit time_units[] = {
    { "d", 86400 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC }, { "m", 60 * NSEC_PER_SEC },
    { "s", NSEC_PER_SEC },         { "ms", NSEC_PER_MSEC },
};
static const struct unit size_units[] = {
    { "T", INT64_C(1) << 40 },
    { "G", INT64_C(1) << 30 },
    { "M", INT64_C(1) << 20 },
    { "K", INT64_C(1) << 10 },
    { "", 1 },
};

static int number_with_unit(struct str s, const struct unit *units, size_t n_units, int64_t max,
                            int64_t *ret)
{
    size_t digits = 0;
    uint64_t v;

    while (digits < s.n && ascii_digit((unsigned char)s.p[digits]))
        digits++;
    int r = str_u64(str_head(s, digits), &v);
    if (r < 0)
        return r;
    struct str unit = str_from(s, digits);
    if (v == 0 && unit.n == 0) {
        *ret = 0;
        return 0;
    }
    for (size_t i = 0; i < n_units; i++) {
        if (!str_eq(unit, str_of(units[i].name)))
            continue;
        if (v > (uint64_t)(max / units[i].factor))
            return -ERANGE;
        *ret = (int64_t)v * units[i].factor;
        return 0;
    }
    return -EINVAL;
}

static const char *unit_text(int64_t v, const struct unit *units, size_t n_units, char *buf)
{
    for (size_t i = 0; v != 0 && i < n_units; i++)
        if (v % units[i].factor == 0) {
            snprintf(buf, 24, "%" PRId64 "%s", v / units[i].factor, units[i].name);
            return buf;
        }
    snprintf(buf, 24, "%" PRId64, v);
    return buf;
}

int str_duration(struct str s, int64_t *ret)
{
    return number_with_unit(s, time_units, array_len(time_units),
                            INT64_C(36500) * 86400 * NSEC_PER_SEC, ret);
}

int str_size(struct str s, int64_t *ret)
{
    return number_with_unit(s, size_units, array_len(size_units), INT64_MAX, ret);
}

const char *str_duration_text(int64_t ns, char *buf)
{
    return unit_text(ns, time_units, array_len(time_units), buf);
}

const char *str_size_text(int64_t bytes, char *buf)
{
    return unit_text(bytes, size_units, array_len(size_units), buf);
}

#define NEAREST_MAX 40 /* longer words are not compared */

/* Damerau-Levenshtein (optimal string alignment): insert, delete, replace, swap neighbours. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[3][NEAREST_MAX + 1];
    size_t *before = row[0], *last = row[1], *now = row[2];

    for (size_t j = 0; j <= b.n; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t d = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            d = min_of(d, last[j] + 1);
            d = min_of(d, now[j - 1] + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                d = min_of(d, before[j - 2] + 1);
            now[j] = d;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n];
}

const char *str_nearest(struct str s, const char *const *names)
{
    size_t limit = min_of(max_of(s.n / 3, (size_t)1), (size_t)3);
    size_t best = limit + 1;
    const char *found = NULL;

    if (s.n == 0 || s.n > NEAREST_MAX)
        return NULL;
    for (; *names != NULL; names++) {
        struct str name = str_of(*names);
        if (name.n > NEAREST_MAX)
            continue;
        size_t d = edit_distance(s, name);
        if (d < best) {
            best = d;
            found = *names;
        }
    }
    return found;
}

char *str_put_u64(char *p, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    memcpy(p, digits + i, sizeof digits - i);
    return p + (sizeof digits - i);
}
