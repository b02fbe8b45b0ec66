/* jsonw.c - see jsonw.h. The thread of main(). */
#include "command/jsonw.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"

static bool inside; /* something stands in front in the same brackets */

static void put_string(struct str s)
{
    char out[JSON_CHAR_MAX];

    putchar('"');
    while (s.n != 0)
        fwrite(out, 1, json_take(&s, out), stdout);
    putchar('"');
}

static void put_key(struct str key)
{
    if (inside)
        putchar(',');
    inside = true;
    if (key.p == NULL)
        return;
    put_string(key);
    putchar(':');
}

void jsonw_open(const char *key, char bracket)
{
    put_key(str_of(key));
    putchar(bracket);
    inside = false;
}

void jsonw_close(char bracket)
{
    putchar(bracket);
    inside = true;
}

void jsonw_named(struct str key, struct str s)
{
    put_key(key);
    if (s.p == NULL)
        fputs("null", stdout);
    else
        put_string(s);
}

void jsonw_str(const char *key, struct str s)
{
    jsonw_named(str_of(key), s);
}

void jsonw_int(const char *key, int64_t n)
{
    put_key(str_of(key));
    printf("%" PRId64, n);
}

void jsonw_bool(const char *key, bool b)
{
    put_key(str_of(key));
    fputs(b ? "true" : "false", stdout);
}

void jsonw_end(void)
{
    putchar('\n');
    inside = false;
}
