/* method.h - request methods by number and as sets. Constant data; any thread. */
#ifndef MUXD_HTTP_METHOD_H
#define MUXD_HTTP_METHOD_H

#include "base/str.h"

enum method {
#define METHOD(name) METHOD_##name,
#include "http/method.def"
#undef METHOD
    METHOD_OTHER, /* any other token */
    METHOD_COUNT = METHOD_OTHER,
};

/* Case-sensitive (RFC 9110 section 9.1). */
enum method method_of(struct str token);
/* Not for METHOD_OTHER. */
struct str method_name(enum method m);
/* tchar of RFC 9110 section 5.6.2; a token is one or more. */
bool http_is_tchar(unsigned char c);
bool http_is_token(struct str s);

#endif
