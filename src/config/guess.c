/* guess.c - see guess.h. All of it is slow and runs only where something is wrong. */
#include "config/guess.h"

#include <stdio.h>

#include "config/options.h"
#include "filter/filter.h"

#define PREFIX_MIN 3
#define HOMES_MAX 4 /* places that are told */

const char *guess_name(struct str word, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (str_ieq(word, str_of(names[i])))
            return names[i];
    const char *near = str_nearest(word, names);
    for (size_t i = 0; names[i] != NULL && near == NULL && word.n >= PREFIX_MIN; i++)
        if (str_starts(str_of(names[i]), word))
            near = names[i];
    return near;
}

/* ---- keys */

/* Words of other servers, and what does that here. Several rows of a word: the first that fits. */
struct habit {
    const char *word, *option, *home;
};
static const struct habit habits[] = {
    { "server_name", "hosts", "hosts = [ \"...\" ]  of a site" },
    { "servername", "hosts", "hosts = [ \"...\" ]  of a site" },
    { "serveralias", "hosts", "hosts = [ \"...\" ]  of a site" },
    { "domain", "hosts", "hosts = [ \"...\" ]  of a site" },
    { "domains", "hosts", "hosts = [ \"...\" ]  of a site" },
    { "server", "sites", "a group in  sites: { }" },
    { "servers", "sites", "a group in  sites: { }" },
    { "virtualhost", "sites", "a group in  sites: { }" },
    { "vhosts", "sites", "a group in  sites: { }" },
    { "location", "to", NULL },
    { "location", "match", "match = \"...\"  of a route" },
    { "method", "", "match = \"GET /path\"  of a route" },
    { "methods", "", "match = \"GET /path\"  of a route" },
    { "pattern", "match", "match = \"...\"  of a route" },
    { "url", "to", NULL },
    { "url", "match", "match = \"...\"  of a route" },
    { "path", "match", "match = \"...\"  of a route" },
    { "target", "to", NULL },
    { "dir", "root", "files: { root = \"...\"; }  of a route" },
    { "directory", "root", "files: { root = \"...\"; }  of a route" },
    { "alias", "root", "files: { root = \"...\"; }  of a route" },
    { "documentroot", "root", "files: { root = \"...\"; }  of a route" },
    { "file_server", "files", "files: { root = \"...\"; }  of a route" },
    { "static", "files", "files: { root = \"...\"; }  of a route" },
    { "try_files", "fallback", "files: { fallback = \"...\"; }  of a route" },
    { "code", "status", NULL },
    { "content", "body", NULL },
    { "content_type", "type", NULL },
    { "return", "redirect", "redirect: { to = \"...\"; }  or  respond: { }  of a route" },
    { "redir", "redirect", "redirect: { to = \"...\"; }  of a route" },
    { "add_header", "headers", "headers: { set = [ \"Name: value\" ]; }  of a route" },
    { "expires", "max_age", "files: { max_age = \"30d\"; }  of a route" },
    { "autoindex", "listing", "files: { listing = true; }  of a route" },
    { "browse", "listing", "files: { listing = true; }  of a route" },
    { "gzip_static", "precompressed", "files: { precompressed = [ ... ]; }  of a route" },
    { "open_file_cache", "cache", "files: { cache = \"1s\"; }  of a route" },
    { "disable_symlinks", "symlinks", "files: { symlinks = \"never\"; }  of a route" },
    { "error_page", "errors", "errors = [ \"404 FILE\" ]  of a site" },
    { "errordocument", "errors", "errors = [ \"404 FILE\" ]  of a site" },
    { "gzip", "compress", "compress: { }  of a route, a site, or outside of all groups" },
    { "brotli", "compress", "compress: { }  of a route, a site, or outside of all groups" },
    { "encode", "compress", "compress: { }  of a route, a site, or outside of all groups" },
    { "gzip_types", "types", "compress: { types = [ \"...\" ]; }" },
    { "gzip_min_length", "min", "compress: { min = \"1K\"; }" },
    { "gzip_comp_level", "level", "compress: { level = 5; }" },
    { "port", "address", "address = \"*:8080\"  of a listener" },
    { "bind", "address", "address = \"*:8080\"  of a listener" },
    { "listen", "address",
      "address = \"*:8080\"  of a listener; `listen` of a site names listeners" },
    { "client_max_body_size", "body", "limits: { body = \"10M\"; }" },
    { "keepalive_timeout", "idle", "timeouts: { idle = \"60s\"; }  outside of all groups" },
    { "client_header_timeout", "header", "timeouts: { header = \"10s\"; }  outside of all groups" },
    { "client_body_timeout", "body", "timeouts: { body = \"30s\"; }  outside of all groups" },
    { "send_timeout", "write", "timeouts: { write = \"30s\"; }  outside of all groups" },
    { "timeout", "timeouts", "timeouts: { handler = \"60s\"; }  outside of all groups" },
    { "worker_processes", "loops", "loops = ...  outside of all groups" },
    { "workers", "loops", "loops = ...  outside of all groups" },
    { "error_log", "log_level", "log_level = \"...\"  outside of all groups, on standard error" },
    { "loglevel", "log_level", "log_level = \"...\"  outside of all groups" },
};

/* What others have, and muxd has not: muxd-migrate(7), WHAT THERE IS NOT. */
static const struct {
    const char *word, *what;
} absent[] = {
    { "proxy", "proxies" },
    { "proxy_pass", "proxies" },
    { "reverse_proxy", "proxies" },
    { "fastcgi_pass", "proxies" },
    { "php_fastcgi", "proxies" },
    { "upstream", "proxies" },
    { "tls", "HTTPS" },
    { "ssl", "HTTPS" },
    { "https", "HTTPS" },
    { "cert", "HTTPS" },
    { "certificate", "HTTPS" },
    { "ssl_certificate", "HTTPS" },
    { "ssl_certificate_key", "HTTPS" },
    { "auth", "authentication" },
    { "auth_basic", "authentication" },
    { "basic_auth", "authentication" },
    { "basicauth", "authentication" },
    { "rewrite", "rewriting, only  redirect: { to = \"...\"; }  of a route" },
};

const char *guess_absent(struct str key)
{
    for (size_t i = 0; i < array_len(absent); i++)
        if (str_ieq(key, str_of(absent[i].word)))
            return absent[i].what;
    return NULL;
}

const char *guess_habit(struct str key, const char *const *names)
{
    for (size_t i = 0; i < array_len(habits); i++)
        for (size_t j = 0; names[j] != NULL && str_ieq(key, str_of(habits[i].word)); j++)
            if (strcmp(names[j], habits[i].option) == 0)
                return names[j];
    return NULL;
}

static bool has_option(const struct option *table, struct str key)
{
    while (table != NULL && table->name != NULL && !str_eq(str_of(table->name), key))
        table++;
    return table != NULL && table->name != NULL;
}

struct homes {
    char *text;
    size_t len, n;
};

static void add_home(struct homes *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add_home(struct homes *h, const char *fmt, ...)
{
    va_list ap;

    if (h->n++ >= HOMES_MAX)
        return;
    if (h->n > 1)
        h->len += (size_t)snprintf(h->text + h->len, GUESS_MAX - h->len, ", or ");
    va_start(ap, fmt);
    if (h->len < GUESS_MAX)
        h->len += (size_t)vsnprintf(h->text + h->len, GUESS_MAX - h->len, fmt, ap);
    va_end(ap);
    h->len = min_of(h->len, (size_t)GUESS_MAX - 1);
}

static const char *place_is(const struct homes *h)
{
    return h->n == 0 ? "its place is  " : "";
}

/* What a value of the type looks like. */
static const char *sample(const struct option *table, struct str key)
{
    while (!str_eq(str_of(table->name), key))
        table++;
    return table->type == OPTION_STR ? "\"...\"" : "...";
}

static void add_kinds(struct homes *h, struct str key, const struct option *table)
{
    const struct handler_kind *k;
    const struct filter_kind *f;

    for (size_t i = 0; (k = handler_at(i)) != NULL; i++)
        if (str_eq(key, str_of(k->name)))
            add_home(h, "it is a handler, which stands in a route");
        else if (k->options != table && has_option(k->options, key))
            add_home(h, "%s%s: { %.*s = %s; }  of a route", place_is(h), k->name, str_fmt(key),
                     sample(k->options, key));
    for (size_t i = 0; (f = filter_at(i)) != NULL; i++)
        if (str_eq(key, str_of(f->name)))
            add_home(h, "it stands beside the handler, in the route");
        else if (f->options != table && has_option(f->options, key))
            add_home(h, "%s%s: { %.*s = %s; }  of a site or route", place_is(h), f->name,
                     str_fmt(key), sample(f->options, key));
}

static void add_sections(struct homes *h, struct str key, const struct option *table)
{
    for (const struct config_section *s = config_sections; s->name != NULL; s++) {
        if (s->options == table)
            continue;
        if (str_eq(key, str_of(s->name)) && !has_option(top_options, key))
            add_home(h, "it stands outside of all groups%s",
                     str_eq(key, STR("routes")) ? ", or in a site" : "");
        if (!has_option(s->options, key) || (s->name[0] == '\0' && h->n != 0))
            continue;
        if (s->name[0] == '\0')
            add_home(h, "it stands outside of all groups");
        else if (s->named) /* "routes": of a route */
            add_home(h, "it is an option of a %.*s", (int)strlen(s->name) - 1, s->name);
        else
            add_home(h, "%s%s: { %.*s = %s; }  outside of all groups", place_is(h), s->name,
                     str_fmt(key), sample(s->options, key));
    }
}

bool guess_home(struct str key, const struct option *table, char *buf)
{
    struct homes h = { .text = buf };

    for (size_t i = 0; i < array_len(habits); i++)
        if (habits[i].home != NULL && str_ieq(key, str_of(habits[i].word))) {
            snprintf(buf, GUESS_MAX, "unknown key \"%.*s\"; muxd has  %s", str_fmt(key),
                     habits[i].home);
            return true;
        }
    h.len = (size_t)snprintf(buf, GUESS_MAX,
                             "\"%.*s\" does not belong here: ", str_fmt(str_head(key, 60)));
    add_kinds(&h, key, table);
    add_sections(&h, key, table);
    if (str_eq(key, STR("access_log")))
        snprintf(buf + h.len, GUESS_MAX - h.len, "; for one route: log: { access = false; }");
    return h.n > 0;
}

/* ---- quantities */

struct spelling {
    const char *word, *unit; /* as others write it, and as it is read */
    int64_t factor;
};
static const struct spelling times[] = {
    { "d", "d", 86400 * NSEC_PER_SEC },
    { "day", "d", 86400 * NSEC_PER_SEC },
    { "days", "d", 86400 * NSEC_PER_SEC },
    { "h", "h", 3600 * NSEC_PER_SEC },
    { "hr", "h", 3600 * NSEC_PER_SEC },
    { "hour", "h", 3600 * NSEC_PER_SEC },
    { "hours", "h", 3600 * NSEC_PER_SEC },
    { "m", "m", 60 * NSEC_PER_SEC },
    { "min", "m", 60 * NSEC_PER_SEC },
    { "mins", "m", 60 * NSEC_PER_SEC },
    { "minute", "m", 60 * NSEC_PER_SEC },
    { "minutes", "m", 60 * NSEC_PER_SEC },
    { "s", "s", NSEC_PER_SEC },
    { "sec", "s", NSEC_PER_SEC },
    { "secs", "s", NSEC_PER_SEC },
    { "second", "s", NSEC_PER_SEC },
    { "seconds", "s", NSEC_PER_SEC },
    { "", "s", NSEC_PER_SEC },
    { "ms", "ms", NSEC_PER_MSEC },
    { "msec", "ms", NSEC_PER_MSEC },
    { "milliseconds", "ms", NSEC_PER_MSEC },
};
static const struct spelling sizes[] = {
    { "k", "K", INT64_C(1) << 10 },
    { "kb", "K", INT64_C(1) << 10 },
    { "kib", "K", INT64_C(1) << 10 },
    { "m", "M", INT64_C(1) << 20 },
    { "mb", "M", INT64_C(1) << 20 },
    { "mib", "M", INT64_C(1) << 20 },
    { "g", "G", INT64_C(1) << 30 },
    { "gb", "G", INT64_C(1) << 30 },
    { "gib", "G", INT64_C(1) << 30 },
    { "t", "T", INT64_C(1) << 40 },
    { "tb", "T", INT64_C(1) << 40 },
    { "tib", "T", INT64_C(1) << 40 },
    { "", "", 1 },
    { "b", "", 1 },
    { "byte", "", 1 },
    { "bytes", "", 1 },
};

static void skip_blanks(struct str *s)
{
    while (s->n > 0 && s->p[0] == ' ')
        *s = str_from(*s, 1);
}

/* The digits or letters in front, cut off. */
static struct str take(struct str *s, bool digits)
{
    size_t n = 0;

    while (n < s->n && (digits ? ascii_digit((unsigned char)s->p[n])
                               : (unsigned char)((s->p[n] | 0x20) - 'a') < 26))
        n++;
    struct str head = str_head(*s, n);
    *s = str_from(*s, n);
    return head;
}

/* "2 hours", "1.5h": one number and its unit, in front of *s. */
struct quantity {
    struct str whole;
    bool fraction;
    const struct spelling *unit;
    int64_t value;
};

static bool take_quantity(struct str *s, const struct spelling *units, size_t n_units,
                          struct quantity *ret)
{
    struct str part = { NULL, 0 };
    uint64_t number, fraction = 0;
    int64_t scale = 1, v;

    *ret = (struct quantity){ .whole = take(s, true) };
    if (s->n > 0 && s->p[0] == '.') {
        *s = str_from(*s, 1);
        part = take(s, true);
        ret->fraction = true;
    }
    if (str_u64(ret->whole, &number) < 0 || number > INT64_MAX || part.n > 6 ||
        (part.n > 0 && str_u64(part, &fraction) < 0))
        return false;
    skip_blanks(s);
    struct str word = take(s, false);
    skip_blanks(s);
    for (size_t i = 0; i < part.n; i++)
        scale *= 10;
    for (size_t i = 0; i < n_units && ret->unit == NULL; i++)
        if (str_ieq(word, str_of(units[i].word)))
            ret->unit = &units[i];
    return ret->unit != NULL &&
           !__builtin_mul_overflow((int64_t)number, ret->unit->factor, &ret->value) &&
           !__builtin_mul_overflow((int64_t)fraction, ret->unit->factor, &v) && v % scale == 0 &&
           !__builtin_add_overflow(ret->value, v / scale, &ret->value);
}

bool guess_quantity(struct str text, const struct option *o, char *buf)
{
    bool is_time = o->type == OPTION_TIME, one = true, bare = false;
    struct quantity q;
    int64_t sum = 0;

    skip_blanks(&text);
    do {
        one = sum == 0;
        if (!take_quantity(&text, is_time ? times : sizes,
                           is_time ? array_len(times) : array_len(sizes), &q) ||
            __builtin_add_overflow(sum, q.value, &sum))
            return false;
        bare = bare || q.unit->word[0] == '\0';
    } while (text.n > 0 && is_time);
    /* "1h30": half an hour, or seconds? */
    if (text.n > 0 || (bare && is_time && !one) ||
        ((o->min != 0 || o->max != 0) && (sum < o->min || sum > o->max)))
        return false;
    if (one && !q.fraction && !(bare && !is_time))
        snprintf(buf, GUESS_MAX, "%.*s%s", str_fmt(q.whole), q.unit->unit);
    else if (is_time)
        str_duration_text(sum, buf);
    else
        str_size_text(sum, buf);
    return (is_time ? str_duration(str_of(buf), &q.value) : str_size(str_of(buf), &q.value)) == 0 &&
           q.value == sum;
}
