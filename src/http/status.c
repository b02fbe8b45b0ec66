/*
 * status.c - see status.h. One table, built by the compiler: the status line is ready to send and
 * the reason phrase is a slice of it. Constant data; any thread.
 */
#include "http/status.h"

#define FIRST 100
#define PREFIX (sizeof "HTTP/1.1 200 " - 1)

static const struct str lines[] = {
#define STATUS(code, reason)                                                                       \
    [code - FIRST] = { "HTTP/1.1 " #code " " reason "\r\n",                                        \
                       sizeof "HTTP/1.1 " #code " " reason "\r\n" - 1 },
#include "http/status.def"
#undef STATUS
};

struct str status_line(unsigned code)
{
    return code - FIRST < array_len(lines) ? lines[code - FIRST] : STR_EMPTY;
}

struct str status_reason(unsigned code)
{
    struct str line = status_line(code);

    return line.n ? str_make(line.p + PREFIX, line.n - PREFIX - 2) : STR("");
}
