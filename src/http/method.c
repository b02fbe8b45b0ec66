/* method.c - see method.h. Constant data; any thread. */
#include "http/method.h"

#include "base/check.h"
#include "http/chars.h"

static const struct str names[METHOD_COUNT] = {
#define METHOD(name) { #name, sizeof #name - 1 },
#include "http/method.def"
#undef METHOD
};

enum method method_of(struct str token)
{
    for (unsigned m = 0; m < METHOD_COUNT; m++)
        if (str_eq(token, names[m]))
            return (enum method)m;
    return METHOD_OTHER;
}

struct str method_name(enum method m)
{
    check(m < METHOD_COUNT);
    return names[m];
}

bool http_is_tchar(unsigned char c)
{
    return http_chars[c] & CHAR_TOKEN;
}

bool http_is_token(struct str s)
{
    return s.n > 0 && chars_run(s.p, 0, s.n, CHAR_TOKEN) == s.n;
}
