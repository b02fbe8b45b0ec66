/* path.c - see path.h. Pure; any thread. */
#include "http/path.h"

#include <errno.h>

#include "http/chars.h"

/* The byte of the escape at raw[at], or -1. */
static int escape_at(struct str raw, size_t at)
{
    if (raw.n - at < 3)
        return -1;
    int high = ascii_hex((unsigned char)raw.p[at + 1]);
    int low = ascii_hex((unsigned char)raw.p[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decodes one segment at raw[*at] to out[w..); *at is at the slash behind it or at the end.
 * Returns the new w, or 0 (w is never 0) when the segment is malformed. */
static size_t decode_segment(struct str raw, size_t *at, char *out, size_t w)
{
    for (;;) {
        size_t end = chars_run(raw.p, *at, raw.n, CHAR_PATH);
        memcpy(out + w, raw.p + *at, end - *at);
        w += end - *at;
        *at = end;
        if (end == raw.n || raw.p[end] == '/')
            return w;
        int c = raw.p[end] == '%' ? escape_at(raw, end) : -1;
        if (c <= 0)
            return 0;
        if (c == '/' || c == '%') {
            memcpy(out + w, c == '/' ? "%2F" : "%25", 3);
            w += 3;
        } else {
            out[w++] = (char)c;
        }
        *at = end + 3;
    }
}

int path_clean(struct str raw, char *out, struct str *ret, bool *ret_cleaned)
{
    bool cleaned = false, last = raw.n == 0;
    size_t w = 1; /* out[0 .. w) is clean and ends in '/' wherever a segment begins */

    if (raw.n > 0 && raw.p[0] != '/')
        return -EINVAL;
    out[0] = '/';
    for (size_t at = 1; !last; at++) {
        size_t begin = w;
        w = decode_segment(raw, &at, out, w);
        if (w == 0)
            return -EINVAL;
        last = at == raw.n;
        struct str segment = str_make(out + begin, w - begin);
        if (segment.n == 0) {
            cleaned |= !last;
        } else if (str_eq(segment, STR("."))) {
            cleaned = true;
            w = begin;
        } else if (str_eq(segment, STR(".."))) {
            cleaned = true;
            for (w = begin - (begin > 1); out[w - 1] != '/'; w--)
                ;
        } else if (!last) {
            out[w++] = '/';
        }
    }
    *ret = str_make(out, w);
    *ret_cleaned = cleaned;
    return 0;
}

char path_kept_escape(struct str s)
{
    if (s.n < 3 || s.p[0] != '%' || s.p[1] != '2')
        return 0;
    return s.p[2] == 'F' ? '/' : s.p[2] == '5' ? '%' : 0;
}

struct str path_encode(struct arena *a, struct str path)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = path.n, w = 0;

    /* What begins with "//" names another host to a client. */
    while (path.n >= 2 && path.p[0] == '/' && path.p[1] == '/')
        path = str_from(path, 1);
    for (size_t i = 0; i < path.n; i++)
        if (!(http_chars[(unsigned char)path.p[i]] & CHAR_URI) &&
            path_kept_escape(str_from(path, i)) == 0)
            n += 2;
    char *out = arena_alloc(a, n + 1);
    if (out == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if ((http_chars[c] & CHAR_URI) || path_kept_escape(str_from(path, i)) != 0) {
            out[w++] = (char)c;
        } else {
            out[w++] = '%';
            out[w++] = hex[c >> 4];
            out[w++] = hex[c & 15];
        }
    }
    out[w] = '\0';
    return str_make(out, w);
}

int path_to_file(struct arena *a, struct str path, struct str *ret)
{
    size_t w = 0;
    char *out = arena_alloc(a, path.n + 1);

    if (out == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (c == '\0')
            return -EINVAL;
        if (c == '%') {
            if (path_kept_escape(str_from(path, i)) != '%')
                return -EINVAL;
            i += 2;
        }
        out[w++] = c;
    }
    out[w] = '\0';
    *ret = str_make(out, w);
    return 0;
}
