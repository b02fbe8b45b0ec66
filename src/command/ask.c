/* ask.c - see ask.h. The thread of main(). */
#include "command/ask.h"

#include "http/target.h"

/* What a client makes of a URL. */
static const char *split(struct str method, struct str url, struct arena *arena,
                         struct str *ret_target, struct str *ret_host)
{
    struct str rest = target_behind_scheme(url);

    *ret_target = url = str_head(url, str_chr(url, '#'));
    *ret_host = STR_EMPTY;
    if (rest.p == NULL) {
        bool whole = url.n != 0 && (url.p[0] == '/' || str_eq(url, STR("*")));
        if (!whole && !str_eq(method, STR("CONNECT")))
            return "the URL begins with \"/\", \"http://\" or \"https://\"";
        return NULL;
    }
    rest = str_head(rest, str_chr(rest, '#'));
    struct str authority = str_head(rest, min_of(str_chr(rest, '/'), str_chr(rest, '?')));
    rest = str_from(rest, authority.n);
    *ret_target =
        rest.n != 0 && rest.p[0] == '/' ? rest : arena_printf(arena, "/%.*s", str_fmt(rest));
    *ret_host = authority;
    return NULL;
}

static bool has_line_end(struct str s)
{
    return str_chr(s, '\n') < s.n || str_chr(s, '\r') < s.n;
}

static void parse(struct ask *a, struct str bytes, const struct head_limits *limits,
                  struct arena *arena)
{
    struct head_parser p;
    struct head_info info;

    head_init(&p);
    enum head_result r = head_scan(&p, bytes.p, bytes.n, limits);
    if (r == HEAD_DONE)
        r = head_request(&p, bytes.p, arena, &a->request, &info);
    if (r == HEAD_DONE)
        return;
    a->status = p.status;
    a->reason = p.reason;
}

const char *ask_make(struct ask *ret, struct str method, struct str url, const char *const *fields,
                     size_t n_fields, const struct head_limits *limits, struct arena *arena)
{
    struct str lines = STR(""), target;

    *ret = (struct ask){ .host = STR_EMPTY };
    const char *why = split(method, url, arena, &target, &ret->host);
    if (why != NULL)
        return why;
    if (has_line_end(method) || has_line_end(url))
        return "a line ends in a method or URL";
    for (size_t i = 0; i < n_fields; i++) {
        struct str line = str_of(fields[i]), rest = line;
        struct str name = str_cut(&rest, ':');
        if (has_line_end(line))
            return "a line ends in a field";
        if (line.n == 0)
            return "a field is empty";
        if (rest.p != NULL && str_ieq(name, STR("Host")))
            ret->host = str_trim(rest);
        else
            lines = arena_printf(arena, "%.*s%.*s\r\n", str_fmt(lines), str_fmt(line));
    }
    struct str host =
        ret->host.p == NULL ? STR("") : arena_printf(arena, "Host: %.*s\r\n", str_fmt(ret->host));
    struct str bytes =
        arena_printf(arena, "%.*s %.*s HTTP/1.%c\r\n%.*s%.*s\r\n", str_fmt(method), str_fmt(target),
                     ret->host.p == NULL ? '0' : '1', str_fmt(host), str_fmt(lines));
    if (bytes.p == NULL || arena_failed(arena))
        return "not enough memory";
    parse(ret, bytes, limits, arena);
    return NULL;
}
