/* target.c - see target.h. Pure; any thread. */
#include "http/target.h"

#include <arpa/inet.h>

#include "http/chars.h"
#include "http/path.h"

const char target_no_memory[] = "no_memory";

static bool is_ipv6(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (s.n >= sizeof text || memchr(s.p, '\0', s.n) != NULL)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

static const char *lower_case(struct str s, struct arena *arena, struct str *ret)
{
    size_t upper = 0;

    while (upper < s.n && ascii_lower((unsigned char)s.p[upper]) == (unsigned char)s.p[upper])
        upper++;
    *ret = s;
    if (upper == s.n)
        return NULL;
    char *out = arena_alloc(arena, s.n);
    if (out == NULL)
        return target_no_memory;
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)ascii_lower((unsigned char)s.p[i]);
    *ret = str_make(out, s.n);
    return NULL;
}

const char *target_authority(struct str s, struct arena *arena, struct str *ret_host,
                             struct str *ret_port)
{
    size_t end; /* of the host */

    if (s.n > 0 && s.p[0] == '[') {
        end = str_chr(s, ']');
        if (end == s.n || !is_ipv6(str_make(s.p + 1, end - 1)))
            return "host_malformed";
        end++;
    } else {
        end = chars_run(s.p, 0, s.n, CHAR_HOST);
    }
    if (end > 0 && s.p[0] == '.')
        return "host_malformed"; /* an empty label */
    for (size_t i = 1; i < end; i++)
        if (s.p[i] == '.' && s.p[i - 1] == '.')
            return "host_malformed";
    /* "example.org." is the same host as "example.org", spelled to be absolute in DNS. */
    size_t host_end = end > 1 && s.p[end - 1] == '.' ? end - 1 : end;
    struct str port = str_from(s, end);
    if (port.n > 0) {
        uint64_t number = 0;
        if (port.p[0] != ':')
            return "host_malformed";
        port = str_from(port, 1);
        if (port.n > 5 || (port.n > 0 && str_u64(port, &number) < 0) || number > UINT16_MAX)
            return "port_malformed";
    }
    *ret_port = port;
    return lower_case(str_head(s, host_end), arena, ret_host);
}

/* "/path?query", both parts optional. */
static const char *parse_path(struct request *r, struct str s, struct arena *arena)
{
    size_t question = str_chr(s, '?');

    r->has_query = question < s.n;
    r->query = str_from(s, question + 1);
    char *out = arena_alloc(arena, question + 1);
    if (out == NULL)
        return target_no_memory;
    if (path_clean(str_head(s, question), out, &r->path, &r->path_cleaned) < 0)
        return "path_malformed";
    return NULL;
}

struct str target_behind_scheme(struct str uri)
{
    static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < array_len(schemes); i++)
        if (str_ieq(str_head(uri, schemes[i].n), schemes[i]))
            return str_from(uri, schemes[i].n);
    return STR_EMPTY;
}

static const char *parse_absolute(struct request *r, struct arena *arena)
{
    struct str rest = target_behind_scheme(r->target);

    if (rest.n == 0)
        return "target_malformed";
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    const char *why = target_authority(str_head(rest, end), arena, &r->host, &r->port);
    if (why != NULL)
        return why;
    if (r->host.n == 0) /* RFC 9110 section 4.2.1 */
        return "host_empty";
    return parse_path(r, str_from(rest, end), arena);
}

/* CONNECT, and only it, names host and port (RFC 9110 section 9.3.6). */
static const char *parse_authority(struct request *r, struct arena *arena)
{
    const char *why = target_authority(r->target, arena, &r->host, &r->port);
    uint64_t port;

    if (why != NULL)
        return why;
    if (r->host.n == 0 || str_u64(r->port, &port) < 0 || port == 0)
        return "target_malformed";
    return NULL;
}

const char *target_parse(struct request *r, struct arena *arena)
{
    if (r->method == METHOD_CONNECT) {
        r->form = TARGET_AUTHORITY;
        return parse_authority(r, arena);
    }
    if (r->target.n > 0 && r->target.p[0] == '/') {
        r->form = TARGET_ORIGIN;
        return parse_path(r, r->target, arena);
    }
    if (str_eq(r->target, STR("*"))) {
        r->form = TARGET_ASTERISK;
        return r->method == METHOD_OPTIONS ? NULL : "target_malformed";
    }
    r->form = TARGET_ABSOLUTE;
    return parse_absolute(r, arena);
}
