/*
 * str.h - a slice of bytes: a pointer and a length. It owns nothing and need not
 * end in NUL; who made the bytes says how long they live. {NULL, 0} is the empty
 * slice. Case-insensitive comparison is ASCII only, whatever the locale.
 * No state, any thread.
 */
#ifndef MUXD_BASE_STR_H
#define MUXD_BASE_STR_H

#include <string.h>

#include "base/def.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_EMPTY ((struct str){ NULL, 0 })
/* For printf("%.*s"): str_fmt(s). Only for slices shorter than INT_MAX. */
#define str_fmt(s) (int)(s).n, (s).n ? (s).p : ""

static inline struct str str_of(const char *cstr)
{
    return cstr ? (struct str){ cstr, strlen(cstr) } : STR_EMPTY;
}

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){ p, n };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* str_eq() with what ends in NUL; cheap where the first bytes differ. */
static inline bool str_is(struct str s, const char *cstr)
{
    return s.n == 0 ? *cstr == '\0' : *s.p == *cstr && str_eq(s, str_of(cstr));
}

/* From byte `from` on; empty when from >= s.n. */
static inline struct str str_from(struct str s, size_t from)
{
    if (from >= s.n)
        return str_make(s.n ? s.p + s.n : s.p, 0);
    return str_make(s.p + from, s.n - from);
}

/* The first n bytes, or all when shorter. */
static inline struct str str_head(struct str s, size_t n)
{
    return str_make(s.p, n < s.n ? n : s.n);
}

static inline unsigned char ascii_lower(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? (unsigned char)(c | 0x20) : c;
}
static inline bool ascii_digit(unsigned char c)
{
    return (unsigned char)(c - '0') < 10;
}
/* The value of a hex digit, or -1. */
int ascii_hex(unsigned char c);
/* The end of the noun behind a number: "1 site", "2 sites". */
static inline const char *str_plural(size_t n)
{
    return n == 1 ? "" : "s";
}

bool str_ieq(struct str a, struct str b);
/* As memcmp, then the shorter first. */
int str_cmp(struct str a, struct str b);
/* The decimal digits of n, at most 20, at p; returns behind the last. */
char *str_put_u64(char *p, uint64_t n);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first / last c, or s.n when there is none. */
size_t str_chr(struct str s, char c);
size_t str_rchr(struct str s, char c);

/* Without leading and trailing SP and HTAB (RFC 9110 OWS). */
struct str str_trim(struct str s);

/* Cuts at the first sep: returns what stands before it and moves *rest behind it; the last piece
 * leaves *rest = {NULL, 0}. Loop: for (rest = s; rest.p != NULL;) { piece = str_cut(&rest, ','); }
 */
struct str str_cut(struct str *rest, char sep);

/* Decimal digits only, all of them, at least one: no sign, no space. 0, -EINVAL or -ERANGE. */
int str_u64(struct str s, uint64_t *ret) MUST_USE;

/* "10m", "1h", "30s", "250ms" to ns. Whole numbers; units ms s m h d; a unit is required except
 * for "0". 0, -EINVAL, or -ERANGE (over 100 years). */
int str_duration(struct str s, int64_t *ret) MUST_USE;

/* "64K", "10M", "2G" (powers of 1024) or plain bytes. 0, -EINVAL, or -ERANGE (over INT64_MAX). */
int str_size(struct str s, int64_t *ret) MUST_USE;

/* The shortest spelling that str_duration() / str_size() reads back to the same value. `buf` holds
 * at least 24 bytes; returns it. */
const char *str_duration_text(int64_t ns, char *buf);
const char *str_size_text(int64_t bytes, char *buf);

/* Of `names` (NULL-terminated), the one nearest to s by Damerau-Levenshtein distance, or NULL when
 * none is near enough to be meant (distance over a third of the length, at least 1; at most 3). */
const char *str_nearest(struct str s, const char *const *names);

#endif
