/* chars.c - see chars.h. Constant data; any thread. */
#include "http/chars.h"

#define TEXT (CHAR_VALUE | CHAR_QUOTED)
#define VISIBLE (TEXT | CHAR_TARGET | CHAR_PATH)
#define UNRESERVED (VISIBLE | CHAR_TOKEN | CHAR_URI | CHAR_HOST)
#define SUB_DELIM (VISIBLE | CHAR_URI) /* some of them are tchar too */

const uint8_t http_chars[256] = {
    ['\t'] = TEXT,
    [' '] = TEXT,
    ['0' ... '9'] = UNRESERVED,
    ['A' ... 'Z'] = UNRESERVED,
    ['a' ... 'z'] = UNRESERVED,
    ['-'] = UNRESERVED,
    ['.'] = UNRESERVED,
    ['_'] = UNRESERVED,
    ['~'] = UNRESERVED,
    ['!'] = SUB_DELIM | CHAR_TOKEN,
    ['$'] = SUB_DELIM | CHAR_TOKEN,
    ['&'] = SUB_DELIM | CHAR_TOKEN,
    ['\''] = SUB_DELIM | CHAR_TOKEN,
    ['('] = SUB_DELIM,
    [')'] = SUB_DELIM,
    ['*'] = SUB_DELIM | CHAR_TOKEN,
    ['+'] = SUB_DELIM | CHAR_TOKEN,
    [','] = SUB_DELIM,
    [';'] = SUB_DELIM,
    ['='] = SUB_DELIM,
    [':'] = VISIBLE | CHAR_URI,
    ['@'] = VISIBLE | CHAR_URI,
    ['/'] = TEXT | CHAR_TARGET | CHAR_URI,
    ['?'] = TEXT | CHAR_TARGET,
    ['%'] = TEXT | CHAR_TARGET | CHAR_TOKEN,
    ['#'] = TEXT | CHAR_TOKEN,
    ['^'] = VISIBLE | CHAR_TOKEN,
    ['`'] = VISIBLE | CHAR_TOKEN,
    ['|'] = VISIBLE | CHAR_TOKEN,
    ['<'] = TEXT,
    ['>'] = TEXT,
    ['['] = VISIBLE,
    [']'] = VISIBLE,
    ['{'] = VISIBLE,
    ['}'] = VISIBLE,
    ['"'] = CHAR_VALUE,
    ['\\'] = CHAR_VALUE | CHAR_TARGET,
    [0x80 ... 0xff] = TEXT,
};
