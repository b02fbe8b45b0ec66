/* json.c - see json.h. Pure; any thread. */
#include "base/json.h"

#include "base/utf8.h"

size_t json_take(struct str *s, char *out)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s->p[0];
    size_t n = utf8_len(s->p, s->n), written = n;

    if (n == 2 && c == 0xc2) /* below U+00C0: the byte is the character */
        c = (unsigned char)s->p[1];
    if (n == 0) {
        memcpy(out, "\\ufffd", 6);
        written = 6;
    } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        memcpy(out, "\\u00", 4);
        out[4] = hex[c >> 4];
        out[5] = hex[c & 15];
        written = 6;
    } else if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        written = 2;
    } else {
        memcpy(out, s->p, n);
    }
    *s = str_from(*s, max_of(n, (size_t)1));
    return written;
}
