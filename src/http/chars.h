/*
 * chars.h - what each byte may be in the grammars of RFC 9110, 9112 and 3986, as one table of
 * bits: the scans of head, body and path are a load and a test a byte. Constant data; any thread.
 *
 * A target may have the bytes [ ] ^ ` { | } although RFC 3986 has them escaped, for browsers send
 * them; not the " < > that none does, nor in a path the '\' that some servers take for a slash.
 */
#ifndef MUXD_HTTP_CHARS_H
#define MUXD_HTTP_CHARS_H

#include "base/def.h"

enum {
    CHAR_TOKEN = 1 << 0,  /* tchar */
    CHAR_TARGET = 1 << 1, /* in a request-target: visible ASCII but " # < > */
    CHAR_PATH = 1 << 2,   /* stands for itself in a path segment as sent: CHAR_TARGET but % / ? \ */
    CHAR_URI = 1 << 3,    /* a path keeps it plain when written: pchar and '/', without '%' */
    CHAR_HOST = 1 << 4,   /* unreserved */
    CHAR_VALUE = 1 << 5,  /* in a field value: HTAB, SP, VCHAR, obs-text */
    CHAR_QUOTED = 1 << 6, /* qdtext: CHAR_VALUE but '"' and '\' */
};

extern const uint8_t http_chars[256];

/* The first index in [at, stop) whose byte is not in `class`, or stop. */
static inline size_t chars_run(const char *bytes, size_t at, size_t stop, unsigned class)
{
    while (at < stop && (http_chars[(unsigned char)bytes[at]] & class))
        at++;
    return at;
}

#endif
