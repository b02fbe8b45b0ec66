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

static inline uint64_t word_load(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

/* 8 bytes, the first one in the lowest bits; a slash is zero. */
static inline uint64_t word_of(const char *p)
{
    return word_load(p) ^ '/' * BYTES;
}

/* The last s.n - at bytes of s, at most 7, and zeros. */
static inline uint64_t word_tail(struct str s, size_t at)
{
    uint64_t w = 0;

    if (likely(s.n >= 8)) /* the shift is up to 64 */
        return word_of(s.p + s.n - 8) >> 8 >> (at + 7 - s.n) * 8;
    for (size_t i = s.n; i > at; i--)
        w = w << 8 | (unsigned char)(s.p[i - 1] ^ '/');
    return w;
}

/* The 8 bytes at s.p[at]; behind the end of s is as much as slashes. */
static inline uint64_t word_at(struct str s, size_t at)
{
    return likely(s.n - at >= 8) ? word_of(s.p + at) : word_tail(s, at);
}

/* The high bits of the bytes of w that are zero; one behind such a byte may be set as well. */
static inline uint64_t bytes_zero(uint64_t w)
{
    return (w - BYTES) & ~w & BYTES << 7;
}

/* The bytes before the first one of which the high bit is set. */
static inline uint64_t bytes_before(uint64_t high_bits)
{
    return (high_bits ^ (high_bits - 1)) >> 8;
}

static inline uint64_t hash_mix(uint64_t h, uint64_t w)
{
    return ((h << 23 | h >> 41) ^ w) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t hash_end(uint64_t h)
{
    return (uint32_t)(h >> 32);
}

/* A segment or a host, as it is looked for. */
struct key {
    size_t n;
    uint32_t hash;
    uint64_t last, mask; /* the n % 8 bytes behind its whole words; the bits that they have */
};

/* s[at..) up to the first slash or the end. */
static inline struct key key_of_segment(struct str s, size_t at)
{
    uint64_t h = 0, w, slash;
    size_t n = 0;

    for (; slash = bytes_zero(w = word_at(s, at + n)), slash == 0; n += 8)
        h = hash_mix(h, w);
    uint64_t mask = bytes_before(slash), last = w & mask;
    n += (unsigned)__builtin_ctzll(slash) / 8;
    return (struct key){ n, hash_end(hash_mix(h, last)), last, mask };
}

/* All of s. */
static inline struct key key_of_all(struct str s)
{
    uint64_t h = 0;
    size_t at = 0;

    for (; s.n - at >= 8; at += 8)
        h = hash_mix(h, word_of(s.p + at));
    uint64_t mask = (UINT64_C(1) << (s.n - at) * 8) - 1, last = word_tail(s, at);
    return (struct key){ s.n, hash_end(hash_mix(h, last)), last, mask };
}

#endif
