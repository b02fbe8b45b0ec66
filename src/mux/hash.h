/*
 * hash.h - bytes eight at a time: the hash of a segment, found together with its end. Only what the
 * config says is ever put into a table, so a client cannot make entries collide. For src/mux
 * alone. Pure; any thread.
 */
#ifndef MUXD_MUX_HASH_H
#define MUXD_MUX_HASH_H

#include <endian.h>

#include "base/str.h"

#define BYTES UINT64_C(0x0101010101010101) /* times a byte: that byte eight times */

/* The high bits of the bytes of w that are zero; one behind such a byte may be set as well. */
static inline uint64_t bytes_zero(uint64_t w)
{
    return (w - BYTES) & ~w & BYTES << 7;
}

static inline unsigned first_byte(uint64_t high_bits)
{
    return (unsigned)__builtin_ctzll(high_bits) / 8;
}

static inline uint64_t word_load(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

/* The last s.n - at bytes of s, 1 to 7, and zeros. */
static inline uint64_t word_tail(struct str s, size_t at)
{
    uint64_t w = 0;

    if (s.n >= 8)
        return word_load(s.p + s.n - 8) >> (at + 8 - s.n) * 8;
    for (size_t i = s.n; i > at; i--)
        w = w << 8 | (unsigned char)s.p[i - 1];
    return w;
}

/* The 8 bytes at s.p[at], the first one in the lowest bits; behind the end of s are zeros. */
static inline uint64_t word_at(struct str s, size_t at)
{
    return likely(s.n - at >= 8) ? word_load(s.p + at) : word_tail(s, at);
}

/* Of the first `n` bytes alone, n < 8. */
static inline uint64_t word_head(uint64_t w, unsigned n)
{
    return w & ((UINT64_C(1) << n * 8) - 1);
}

static inline uint64_t hash_mix(uint64_t h, uint64_t w)
{
    return ((h << 23 | h >> 41) ^ w) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t hash_end(uint64_t h)
{
    return (uint32_t)(h >> 32);
}

/* The hash of s up to the first slash behind s.p[at], and where that or the end is. */
static inline uint32_t hash_segment(struct str s, size_t at, size_t *ret_end)
{
    uint64_t h = 0;

    while (at < s.n) {
        uint64_t w = word_at(s, at), slash = bytes_zero(w ^ ('/' * BYTES));
        size_t n = slash ? first_byte(slash) : 8;
        if (n < 8) {
            if (n > 0)
                h = hash_mix(h, word_head(w, (unsigned)n));
            at += n;
            break;
        }
        h = hash_mix(h, w);
        at += min_of(s.n - at, (size_t)8);
    }
    *ret_end = at;
    return hash_end(h);
}

/* Of all of s. */
static inline uint32_t hash_str(struct str s)
{
    uint64_t h = 0;

    for (size_t at = 0; at < s.n; at += 8)
        h = hash_mix(h, word_at(s, at));
    return hash_end(h);
}

#endif
