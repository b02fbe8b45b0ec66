/* utf8.h - well-formed UTF-8 (RFC 3629), one character at a time. Pure; any thread. */
#ifndef MUXD_BASE_UTF8_H
#define MUXD_BASE_UTF8_H

#include "base/def.h"

/* The bytes of the character at p (n > 0 are there), or 0 when it is malformed: cut short,
 * overlong, a surrogate, over U+10FFFF. */
static inline size_t utf8_len(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t len;

    if (u[0] < 0x80)
        return 1;
    if (u[0] >= 0xC2 && u[0] <= 0xDF)
        len = 2;
    else if (u[0] >= 0xE0 && u[0] <= 0xEF)
        len = 3;
    else if (u[0] >= 0xF0 && u[0] <= 0xF4)
        len = 4;
    else
        return 0;
    if (u[0] == 0xE0)
        low = 0xA0;
    else if (u[0] == 0xED)
        high = 0x9F;
    else if (u[0] == 0xF0)
        low = 0x90;
    else if (u[0] == 0xF4)
        high = 0x8F;
    if (len > n || u[1] < low || u[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((u[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

/* The bytes of what stands at p (n > 0 are there), at least 1, and whether it may go to a terminal
 * as it is: a character that is no control. */
static inline size_t utf8_shown(const char *p, size_t n, bool *ret_shown)
{
    size_t len = utf8_len(p, n);
    unsigned char c = (unsigned char)p[0];

    *ret_shown =
        len > 1 ? c != 0xC2 || (unsigned char)p[1] >= 0xA0 : len == 1 && c >= ' ' && c < 127;
    return len ? len : 1;
}

#endif
