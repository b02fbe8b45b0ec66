/*
 * access.c - see access.h. Every string is bounded in what is written of it, so the line fits
 * whatever it is made of. Pure; any thread.
 */
#include "http/access.h"

#include <time.h>

#include "base/check.h"
#include "base/json.h"

#define TARGET_MAX 2048
#define FIELD_MAX 512
/* One target, nine other strings, and what stands around them. */
_Static_assert(ACCESS_LINE_MAX >= TARGET_MAX + 9 * FIELD_MAX + 512, "a line may not fit");

/* ---- times and numbers; each writes at p and returns what is behind */

static char *put(char *p, struct str s)
{
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

/* The last `digits` decimal digits, zeroes in front. */
static char *put_digits(char *p, uint64_t v, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, v /= 10)
        p[i - 1] = (char)('0' + v % 10);
    return p + digits;
}

/* Milliseconds, to the microsecond. */
static char *put_ms(char *p, int64_t ns)
{
    uint64_t us = (uint64_t)max_of(ns, INT64_C(0)) / 1000;

    p = str_put_u64(p, us / 1000);
    *p++ = '.';
    return put_digits(p, us % 1000, 3);
}

static char *put_id(char *p, uint64_t id)
{
    for (unsigned shift = 64; shift > 0; shift -= 4)
        *p++ = "0123456789abcdef"[id >> (shift - 4) & 15];
    return p;
}

static char *put_clock(char *p, const struct tm *tm)
{
    p = put_digits(p, (uint64_t)tm->tm_hour, 2);
    *p++ = ':';
    p = put_digits(p, (uint64_t)tm->tm_min, 2);
    *p++ = ':';
    return put_digits(p, (uint64_t)tm->tm_sec, 2);
}

/* "21/Nov/2026:15:36:07 +0000" */
static void put_local(char *p, const struct tm *tm)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    long east = tm->tm_gmtoff / 60;

    p = put_digits(p, (uint64_t)tm->tm_mday, 2);
    *p++ = '/';
    p = put(p, str_make(months + tm->tm_mon * 3, 3));
    *p++ = '/';
    p = put_digits(p, (uint64_t)tm->tm_year + 1900, 4);
    *p++ = ':';
    p = put_clock(p, tm);
    *p++ = ' ';
    *p++ = east < 0 ? '-' : '+';
    east = east < 0 ? -east : east;
    put_digits(p, (uint64_t)(east / 60 * 100 + east % 60), 4);
}

/* "2026-11-21T15:36:07" */
static void put_utc(char *p, const struct tm *tm)
{
    p = put_digits(p, (uint64_t)tm->tm_year + 1900, 4);
    *p++ = '-';
    p = put_digits(p, (uint64_t)tm->tm_mon + 1, 2);
    *p++ = '-';
    p = put_digits(p, (uint64_t)tm->tm_mday, 2);
    *p++ = 'T';
    put_clock(p, tm);
}

static void set_clock(struct access_clock *clock, int64_t second)
{
    time_t t = (time_t)second;
    struct tm tm;

    if (clock->local[0] != '\0' && clock->second == second)
        return;
    clock->second = second;
    put_local(clock->local, localtime_r(&t, &tm));
    put_utc(clock->utc, gmtime_r(&t, &tm));
}

/* ---- strings */

/* Each takes the first character off *s and writes it, at most JSON_CHAR_MAX bytes; what
 * is_plain() stands for itself in all of them. */
typedef size_t take_fn(struct str *s, char *out);

static bool is_plain(char c)
{
    return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

/* What nginx makes of it: printable ASCII, but for quote and backslash, or \xHH. */
static size_t text_take(struct str *s, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char c = (unsigned char)s->p[0];

    *s = str_from(*s, 1);
    if (c == ' ' || is_plain((char)c)) {
        out[0] = (char)c;
        return 1;
    }
    memcpy(out, (const char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
    return 4;
}

/* The same where a space ends the value. */
static size_t word_take(struct str *s, char *out)
{
    if (s->p[0] != ' ')
        return text_take(s, out);
    *s = str_from(*s, 1);
    memcpy(out, "\\x20", 4);
    return 4;
}

static char *put_escaped(char *p, struct str s, size_t max, take_fn *take)
{
    char *end = p + max, *fits = p; /* where "..." may begin */
    char c[JSON_CHAR_MAX];

    while (s.n) {
        size_t plain = 0, n = min_of(s.n, (size_t)(end - p));
        while (plain < n && is_plain(s.p[plain]))
            plain++;
        if (end - p >= 3)
            fits = min_of(p + plain, end - 3);
        p = put(p, str_head(s, plain));
        s = str_from(s, plain);
        if (s.n == 0)
            break;
        n = take(&s, c);
        if (n > (size_t)(end - p))
            return put(fits, STR("..."));
        p = put(p, str_make(c, n));
        if (end - p >= 3)
            fits = p;
    }
    return p;
}

/* ---- combined */

static char *put_word(char *p, struct str intro, struct str s)
{
    p = put(p, intro);
    return s.n ? put_escaped(p, s, FIELD_MAX, word_take) : put(p, STR("-"));
}

static char *put_text(char *p, struct str s)
{
    return s.n ? put_escaped(p, s, FIELD_MAX, text_take) : put(p, STR("-"));
}

/* Without port and brackets; "unix:" as it is. */
static struct str host_of(struct str peer)
{
    size_t colon = str_rchr(peer, ':');

    if (colon + 1 >= peer.n)
        return peer;
    peer.n = colon;
    return peer.n >= 2 && peer.p[0] == '[' ? str_make(peer.p + 1, peer.n - 2) : peer;
}

static char *put_request(char *p, const struct access_record *r)
{
    if (r->method.n == 0)
        return put_text(p, r->raw);
    p = put_text(p, r->method);
    *p++ = ' ';
    p = r->target.n ? put_escaped(p, r->target, TARGET_MAX, text_take) : put(p, STR("-"));
    p = put(p, STR(" HTTP/1."));
    return str_put_u64(p, r->version_minor);
}

static char *put_combined(char *p, const struct access_record *r, const struct access_clock *clock)
{
    p = put_word(p, STR_EMPTY, host_of(r->peer));
    p = put(p, STR(" - - ["));
    p = put(p, str_make(clock->local, sizeof clock->local - 1));
    p = put(p, STR("] \""));
    p = put_request(p, r);
    p = put(p, STR("\" "));
    p = put_digits(p, r->status, 3);
    *p++ = ' ';
    p = str_put_u64(p, r->bytes);
    p = put(p, STR(" \""));
    p = put_text(p, r->referer);
    p = put(p, STR("\" \""));
    p = put_text(p, r->user_agent);
    p = put_word(p, STR("\" site="), r->site);
    p = put_word(p, STR(" route="), r->route);
    p = put(p, STR(" id="));
    p = put_id(p, r->id);
    p = put(p, STR(" ms="));
    p = put_ms(p, r->duration);
    p = put_word(p, STR(" reason="), r->reason);
    if (r->note.n != 0)
        p = put(put_text(put(p, STR(" note=\"")), r->note), STR("\""));
    return p;
}

/* ---- JSON */

/* `intro` holds the name and the opening quote. */
static char *put_member(char *p, struct str intro, struct str s, size_t max)
{
    if (s.n == 0)
        return p;
    p = put(p, intro);
    p = put_escaped(p, s, max, json_take);
    *p++ = '"';
    return p;
}

static char *put_json(char *p, const struct access_record *r, const struct access_clock *clock,
                      uint64_t ms)
{
    p = put(p, STR("{\"time\":\""));
    p = put(p, str_make(clock->utc, sizeof clock->utc - 1));
    *p++ = '.';
    p = put_digits(p, ms, 3);
    p = put(p, STR("Z\",\"id\":\""));
    p = put_id(p, r->id);
    *p++ = '"';
    p = put_member(p, STR(",\"peer\":\""), r->peer, FIELD_MAX);
    p = put_member(p, STR(",\"host\":\""), r->host, FIELD_MAX);
    p = put_member(p, STR(",\"method\":\""), r->method, FIELD_MAX);
    p = put_member(p, STR(",\"target\":\""), r->target, TARGET_MAX);
    if (r->method.n != 0) {
        p = put(p, STR(",\"protocol\":\"HTTP/1."));
        p = str_put_u64(p, r->version_minor);
        *p++ = '"';
    } else {
        p = put_member(p, STR(",\"raw\":\""), r->raw, FIELD_MAX);
    }
    if (r->status != 0)
        p = str_put_u64(put(p, STR(",\"status\":")), r->status);
    p = str_put_u64(put(p, STR(",\"bytes\":")), r->bytes);
    p = put_ms(put(p, STR(",\"ms\":")), r->duration);
    p = put_member(p, STR(",\"site\":\""), r->site, FIELD_MAX);
    p = put_member(p, STR(",\"route\":\""), r->route, FIELD_MAX);
    p = put_member(p, STR(",\"reason\":\""), r->reason, FIELD_MAX);
    p = put_member(p, STR(",\"note\":\""), r->note, FIELD_MAX);
    p = put_member(p, STR(",\"referer\":\""), r->referer, FIELD_MAX);
    p = put_member(p, STR(",\"user_agent\":\""), r->user_agent, FIELD_MAX);
    *p++ = '}';
    return p;
}

size_t access_format(enum access_format format, const struct access_record *r,
                     struct access_clock *clock, char *buf, size_t size)
{
    int64_t ms = max_of(r->time, INT64_C(0)) / NSEC_PER_MSEC;
    char *p;

    check(size >= ACCESS_LINE_MAX);
    set_clock(clock, ms / 1000);
    if (format == ACCESS_JSON)
        p = put_json(buf, r, clock, (uint64_t)ms % 1000);
    else
        p = put_combined(buf, r, clock);
    *p++ = '\n';
    return (size_t)(p - buf);
}
