/*
 * redirect.c - sends the client elsewhere. The target is checked and taken apart when the config is
 * loaded. A Location never begins with "//" or "/\": the target does not (redirect_check), and what
 * is put behind it is percent-encoded and in normal form. redirect_check(): the loader's thread;
 * redirect_handle(): the exchange's loop or worker; it never blocks.
 */
#include "handler/handler.h"
#include "http/path.h"

struct redirect {
    struct str to;
    int64_t status;
    /* Set by redirect_check(): `to` is path + tail. */
    struct str path; /* scheme, authority and path */
    struct str tail; /* "?query#fragment", either part or both may be missing */
    bool keeps_rest;
    bool has_query;
    struct str body;
};

static const struct option redirect_options[] = {
    OPT_STR(
        struct redirect, to, "to", REQUIRED,
        "Target: an absolute path, or a URI that begins with \"http://\" or \"https://\". When "
        "its path ends in a slash, what follows the literal prefix of the match (up to its first "
        "wildcard) in the request's path is put behind it: with match = \"/old/\" and to = "
        "\"/new/\", /old/a/b goes to /new/a/b. The "
        "query of the request is kept, unless the target has one of its own."),
    OPT_INT(
        struct redirect, status, "status", 308, 301, 308,
        "Status of the reply: 301 or 308 (for good), 302 or 307 (for now), 303 (see other). 307 "
        "and 308 make the client repeat the request with its method and body."),
    OPT_END
};

/* What RFC 3986 lets stand in a URI; '{' and '}' are not among it. */
static bool is_uri_byte(unsigned char c)
{
    return ascii_digit(c) || (unsigned char)(ascii_lower(c) - 'a') < 26 ||
           (c != '\0' && strchr("-._~:/?#[]@!$&'()*+,;=%", c) != NULL);
}

static bool uri_bytes_ok(struct option_check *c, struct str to)
{
    for (size_t i = 0; i < to.n; i++) {
        unsigned char b = (unsigned char)to.p[i];
        if (b == '{' || b == '}') {
            option_error(c, "to",
                         "'%c' is reserved for placeholders, which this version does not have; the "
                         "byte itself is written %%%02X",
                         b, b);
            return false;
        }
        if (!is_uri_byte(b)) {
            option_error(c, "to", "byte 0x%02x may not stand in a URI; write it as %%%02X", b, b);
            return false;
        }
        if (b == '%' && (to.n - i < 3 || ascii_hex((unsigned char)to.p[i + 1]) < 0 ||
                         ascii_hex((unsigned char)to.p[i + 2]) < 0)) {
            option_error(c, "to", "'%%' must be followed by two hex digits");
            return false;
        }
    }
    return true;
}

/* What stands behind "http://" or "https://"; {NULL, 0} if `to` begins with neither. */
static struct str behind_scheme(struct str to)
{
    static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < array_len(schemes); i++)
        if (str_ieq(str_head(to, schemes[i].n), schemes[i]))
            return str_from(to, schemes[i].n);
    return STR_EMPTY;
}

static size_t end_of_path(struct str to)
{
    return min_of(str_chr(to, '?'), str_chr(to, '#'));
}

static void check_target(struct option_check *c, struct redirect *r)
{
    if (!uri_bytes_ok(c, r->to))
        return;
    if (str_chr(r->to, '$') < r->to.n) /* legal in a URI, but surely meant as elsewhere */
        option_warning(c, "to", "\"$\" begins no variable here; it is sent as it stands");
    struct str rest = behind_scheme(r->to);
    if (rest.p != NULL) {
        struct str authority = str_head(rest, min_of(str_chr(rest, '/'), end_of_path(rest)));
        if (authority.n == 0 || authority.p[0] == ':')
            option_error(c, "to", "the URI names no host");
        else if (str_chr(authority, '@') < authority.n)
            option_error(c, "to", "a user name may not stand in the target of a redirect");
    } else if (r->to.n == 0 || r->to.p[0] != '/') {
        option_error(c, "to", "must begin with \"/\", \"http://\" or \"https://\"");
    } else if (str_starts(r->to, STR("//"))) {
        option_error(
            c, "to",
            "a target that begins with \"//\" names another host; spell it with its scheme");
    }
    r->path = str_head(r->to, end_of_path(r->to));
    r->tail = str_from(r->to, r->path.n);
    r->has_query = r->tail.n && r->tail.p[0] == '?';
    r->keeps_rest = str_ends(r->path, STR("/"));
    if (str_eq(r->path, c->prefix))
        option_warning(c, "to", "leads back to this route");
}

static void redirect_check(struct option_check *c, void *conf)
{
    struct redirect *r = conf;
    unsigned status = (unsigned)r->status;

    if (status > 303 && status < 307)
        option_error(c, "status", "must be 301, 302, 303, 307 or 308");
    check_target(c, r);
    r->body = arena_printf(c->arena, "%u %.*s\n", status, str_fmt(status_reason(status)));
}

static struct str location(struct exchange *x, const struct redirect *conf)
{
    const struct request *q = exchange_request(x);
    struct arena *a = exchange_arena(x);
    bool keeps_query = q->has_query && !conf->has_query;
    struct str rest = conf->keeps_rest ? exchange_rest(x) : STR_EMPTY;

    if (rest.n == 0 && !keeps_query)
        return conf->to;
    if (rest.n && (rest = path_encode(a, rest)).p == NULL)
        return STR_EMPTY;
    return arena_printf(a, "%.*s%.*s%s%.*s%.*s", str_fmt(conf->path), str_fmt(rest),
                        keeps_query ? "?" : "", str_fmt(keeps_query ? q->query : STR_EMPTY),
                        str_fmt(conf->tail));
}

static enum step redirect_handle(struct exchange *x)
{
    const struct redirect *conf = exchange_conf(x);
    struct response *r = exchange_response(x);
    struct str to = location(x, conf);

    if (to.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    r->status = (unsigned)conf->status;
    response_add_checked(r, STR("Content-Type"), STR("text/plain; charset=utf-8"));
    response_add(r, STR("Location"), to);
    exchange_body_bytes(x, conf->body);
    return STEP_DONE;
}

HANDLER_KIND(redirect, .size = sizeof(struct redirect), .options = redirect_options,
             .check = redirect_check, .handle = redirect_handle,
             .about = "Sends the client elsewhere.");
