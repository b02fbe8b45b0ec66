/*
 * head.c - see head.h. Two passes over a request head. head_scan() is the lexer: a state machine
 * whose state lives in struct head_parser, in which a run of bytes of one class is skipped in a
 * tight loop. head_request() slices the copy and judges what the fields mean together.
 *
 * Invariant of the scan: what it says depends on the bytes alone, not on how they were cut. So
 * each decision is made at a fixed byte, looks only at bytes before it, and a bulk run ends where
 * a limit must be asked.
 *
 * Pure; the owner's thread.
 */
#include "http/head.h"

#include <errno.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/check.h"
#include "http/chars.h"
#include "http/target.h"

#define METHOD_MAX 32 /* no registered method is longer than 17 */

enum {
    AT_START,    /* before the first byte of the request line */
    AT_START_LF, /* inside an empty line before it */
    AT_METHOD,   /* in the request line */
    AT_TARGET,   /* behind the first space */
    AT_VERSION,  /* behind the second */
    AT_LINE_LF,  /* behind its CR */
    AT_FIELD,    /* where a field line or the final CRLF begins */
    AT_NAME,     /* in a field line */
    AT_VALUE,    /* behind the colon */
    AT_VALUE_LF, /* behind its CR */
    AT_END_LF,   /* behind the final CR */
    AT_END,      /* complete */
    AT_REFUSED,  /* for good */
};

void head_init(struct head_parser *p)
{
    *p = (struct head_parser){ .state = AT_START };
}

static enum head_result refuse(struct head_parser *p, size_t at, unsigned status,
                               const char *reason)
{
    p->at = at;
    p->state = AT_REFUSED;
    p->status = status;
    p->reason = reason;
    return HEAD_BAD;
}

/* A byte that no branch of the grammar takes: line ends of the wrong kind have reasons of their
 * own, whatever they stand in. */
static enum head_result refuse_byte(struct head_parser *p, const char *bytes, size_t at,
                                    const char *reason)
{
    return refuse(p, at, 400, bytes[at] == '\n' ? "bare_lf" : reason);
}

/* Skips bytes that may stand in a field value. */
static size_t value_run(const char *bytes, size_t at, size_t stop)
{
#ifdef __SSE2__
    const __m128i tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f),
                  last_control = _mm_set1_epi8(0x1f);

    for (; stop - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, last_control), v);
        __m128i bad =
            _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), control), _mm_cmpeq_epi8(v, del));
        int mask = _mm_movemask_epi8(bad);
        if (mask != 0)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    return chars_run(bytes, at, stop, CHAR_VALUE);
}

/* One CRLF before the request line is forgiven (RFC 9112 section 2.2), nothing else. */
static enum head_result scan_start(struct head_parser *p, const char *bytes, size_t n)
{
    for (size_t at = p->at; at < n; at++) {
        if (p->state == AT_START_LF) {
            if (bytes[at] != '\n')
                return refuse(p, at, 400, "bare_cr");
            p->skipped++;
            p->start = p->line = at + 1;
            p->state = AT_START;
        } else if (bytes[at] != '\r') {
            p->at = at;
            p->state = AT_METHOD;
            return HEAD_DONE;
        } else if (p->skipped > 0) {
            return refuse(p, at, 400, "empty_line_repeated");
        } else {
            p->state = AT_START_LF;
        }
    }
    p->at = n;
    return HEAD_MORE;
}

/* The version that ends before bytes[at], behind at least "M T ". */
static enum head_result scan_version(struct head_parser *p, const char *bytes, size_t at)
{
    const char *v = bytes + at - 8;

    if (at - p->start < 12 || v[-1] != ' ' || memcmp(v, "HTTP/", 5) != 0 ||
        !ascii_digit((unsigned char)v[5]) || v[6] != '.' || !ascii_digit((unsigned char)v[7]))
        return refuse(p, at, 400, "version_malformed");
    if (v[5] != '1')
        return refuse(p, at, 505, "version_unsupported");
    return HEAD_DONE;
}

/* A run stopped at `stop` for want of bytes or for a limit: the loop's head tells which. A CR may
 * stand behind the last byte that the request line may have. */
static bool run_cut(const char *bytes, size_t at, size_t stop, size_t n)
{
    return at == stop && (at == n || bytes[at] != '\r');
}

/* HEAD_DONE: the fields begin. */
static enum head_result scan_request_line(struct head_parser *p, const char *bytes, size_t n,
                                          size_t max)
{
    size_t stop = max < n - p->start ? p->start + max : n;
    size_t at = p->at;

    while (at < n) {
        if (at - p->start >= max && bytes[at] != '\r' && p->state != AT_LINE_LF)
            return refuse(p, at, 414, "request_line_too_long");
        switch (p->state) {
        case AT_METHOD:
            at = chars_run(bytes, at, stop, CHAR_TOKEN);
            if (at - p->start > METHOD_MAX)
                return refuse(p, p->start + METHOD_MAX, 501, "method_too_long");
            if (run_cut(bytes, at, stop, n))
                break;
            if (bytes[at] == '\r')
                return refuse(p, at, 400, "target_missing");
            if (bytes[at] != ' ' || at == p->start)
                return refuse_byte(p, bytes, at, "method_malformed");
            p->state = AT_TARGET;
            at++;
            break;
        case AT_TARGET:
            at = chars_run(bytes, at, stop, CHAR_TARGET);
            if (run_cut(bytes, at, stop, n))
                break;
            if (bytes[at - 1] == ' ' && (bytes[at] == ' ' || bytes[at] == '\r'))
                return refuse(p, at, 400, "target_missing");
            if (bytes[at] == '\r')
                return refuse(p, at, 400, "version_missing");
            if (bytes[at] != ' ')
                return refuse_byte(p, bytes, at, "target_malformed");
            p->state = AT_VERSION;
            at++;
            break;
        case AT_VERSION:
            at = chars_run(bytes, at, stop, CHAR_TARGET);
            if (run_cut(bytes, at, stop, n))
                break;
            if (bytes[at] != '\r')
                return refuse_byte(p, bytes, at, "version_malformed");
            if (scan_version(p, bytes, at) != HEAD_DONE)
                return HEAD_BAD;
            p->state = AT_LINE_LF;
            at++;
            break;
        default: /* AT_LINE_LF */
            if (bytes[at] != '\n')
                return refuse(p, at, 400, "bare_cr");
            p->state = AT_FIELD;
            p->at = p->line = p->fields_at = at + 1;
            return HEAD_DONE;
        }
    }
    p->at = n;
    return HEAD_MORE;
}

/* The first byte of a field line, or of the final CRLF. */
static enum head_result scan_line_start(struct head_parser *p, const char *bytes, size_t at,
                                        size_t max_fields)
{
    if (bytes[at] == ' ' || bytes[at] == '\t')
        return refuse(p, at, 400, p->n_fields ? "obs_fold" : "leading_space");
    if (p->n_fields >= max_fields)
        return refuse(p, at, 431, "too_many_fields");
    p->n_fields++;
    p->line = at;
    p->state = AT_NAME;
    return HEAD_MORE;
}

/* `name_end` is the first byte that is no tchar. */
static enum head_result scan_colon(struct head_parser *p, const char *bytes, size_t name_end)
{
    char c = bytes[name_end];

    if (c == ':' && name_end > p->line) {
        p->state = AT_VALUE;
        return HEAD_MORE;
    }
    return refuse_byte(p, bytes, name_end,
                       c == ':'                ? "field_name_empty"
                       : c == ' ' || c == '\t' ? "space_before_colon"
                       : c == '\r'             ? "colon_missing"
                                               : "field_name_malformed");
}

/* The bound counts field lines with their CRLF, not the final one. */
static enum head_result scan_fields(struct head_parser *p, const char *bytes, size_t n,
                                    const struct head_limits *limits)
{
    size_t stop = limits->header < n - p->fields_at ? p->fields_at + limits->header : n;
    size_t at = p->at;

    while (at < n) {
        if (at >= stop && p->state != AT_END_LF && (p->state != AT_FIELD || bytes[at] != '\r'))
            return refuse(p, at, 431, "header_too_large");
        switch (p->state) {
        case AT_FIELD:
            if (bytes[at] == '\r') {
                p->state = AT_END_LF;
                at++;
            } else if (scan_line_start(p, bytes, at, limits->fields) == HEAD_BAD) {
                return HEAD_BAD;
            }
            break;
        case AT_NAME:
            at = chars_run(bytes, at, stop, CHAR_TOKEN);
            if (at == stop)
                break;
            if (scan_colon(p, bytes, at) == HEAD_BAD)
                return HEAD_BAD;
            at++;
            break;
        case AT_VALUE:
            at = value_run(bytes, at, stop);
            if (at == stop)
                break;
            if (bytes[at] != '\r')
                return refuse_byte(p, bytes, at, "field_value_malformed");
            p->state = AT_VALUE_LF;
            at++;
            break;
        case AT_VALUE_LF:
            if (bytes[at] != '\n')
                return refuse(p, at, 400, "bare_cr");
            p->state = AT_FIELD;
            at++;
            break;
        default: /* AT_END_LF */
            if (bytes[at] != '\n')
                return refuse(p, at, 400, "bare_cr");
            p->state = AT_END;
            p->at = at + 1;
            return HEAD_DONE;
        }
    }
    p->at = n;
    return HEAD_MORE;
}

enum head_result head_scan(struct head_parser *p, const char *bytes, size_t n,
                           const struct head_limits *limits)
{
    enum head_result r = HEAD_DONE;

    if (p->state == AT_REFUSED)
        return HEAD_BAD;
    if (p->state <= AT_START_LF)
        r = scan_start(p, bytes, n);
    if (r == HEAD_DONE && p->state <= AT_LINE_LF)
        r = scan_request_line(p, bytes, n, limits->request_line);
    if (r == HEAD_DONE && p->state <= AT_END_LF)
        r = scan_fields(p, bytes, n, limits);
    return r;
}

/* The next element of a comma-separated list, or false. Empty ones are passed over, as RFC 9110
 * section 5.6.1.2 asks. */
static bool next_element(struct str *rest, struct str *ret)
{
    while (rest->p != NULL) {
        *ret = str_trim(str_cut(rest, ','));
        if (ret->n > 0)
            return true;
    }
    return false;
}

/* Slices head[fields_at ..) into r->fields. Returns the reason of a refusal or NULL. */
static const char *slice_fields(struct request *r, struct str head, size_t n_fields)
{
    const char *at = head.p, *end = head.p + head.n;

    while (r->n_fields < n_fields) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const char *cr = memchr(colon, '\r', (size_t)(end - colon));
        struct field *f = &r->fields[r->n_fields++];

        f->name = str_make(at, (size_t)(colon - at));
        f->value = str_trim(str_make(colon + 1, (size_t)(cr - colon - 1)));
        f->id = field_id_of(f->name);
        if (f->id != FIELD_OTHER) {
            if (f->id == FIELD_HOST && (r->known >> FIELD_HOST & 1))
                return "host_repeated";
            r->known |= UINT64_C(1) << f->id;
        }
        at = cr + 2;
    }
    return NULL;
}

/* A target that names a host wins over Host, which must be well formed all the same. */
static const char *judge_host(struct request *r, unsigned minor, struct arena *arena)
{
    const struct field *f = request_field(r, FIELD_HOST);
    bool named = r->form == TARGET_ABSOLUTE || r->form == TARGET_AUTHORITY;
    struct str host, port;

    if (f == NULL)
        return minor >= 1 ? "host_missing" : NULL;
    const char *why = target_authority(f->value, arena, &host, &port);
    if (why != NULL || named)
        return why;
    if (host.n == 0)
        return "host_empty";
    r->host = host;
    r->port = port;
    return NULL;
}

static const char *judge_framing(struct request *r, struct head_info *info, unsigned *ret_status)
{
    if (!framing_is_told(r))
        return NULL;

    struct request_framing f =
        framing_of_request(info->minor, framing_codings(r), framing_length(r, &info->length),
                           r->method == METHOD_CONNECT);

    if (f.status != 0) {
        *ret_status = f.status;
        return f.reason;
    }
    info->framing = f.framing;
    r->body_length = f.framing == FRAMING_CHUNKED ? BODY_LENGTH_UNKNOWN : info->length;
    r->has_body = r->body_length > 0;
    return NULL;
}

static const char *judge_connection(const struct request *r, struct head_info *info)
{
    bool close = false, keep_alive = false, upgrade = false;

    for (size_t i = 0; i < r->n_fields && (r->known >> FIELD_CONNECTION & 1); i++) {
        if (r->fields[i].id != FIELD_CONNECTION)
            continue;
        struct str rest = r->fields[i].value, option;
        while (next_element(&rest, &option)) {
            if (!http_is_token(option))
                return "connection_malformed";
            close |= str_ieq(option, STR("close"));
            keep_alive |= str_ieq(option, STR("keep-alive"));
            upgrade |= str_ieq(option, STR("upgrade"));
        }
    }
    info->keep_alive = !close && (info->minor >= 1 || keep_alive);
    info->upgrade = upgrade && info->minor >= 1 && (r->known >> FIELD_UPGRADE & 1);
    return NULL;
}

/* HTTP/1.0 knows no Expect (RFC 9110 section 10.1.1). */
static const char *judge_expect(const struct request *r, struct head_info *info,
                                unsigned *ret_status)
{
    if (info->minor == 0 || !(r->known >> FIELD_EXPECT & 1))
        return NULL;
    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].id != FIELD_EXPECT)
            continue;
        struct str rest = r->fields[i].value, expectation;
        while (next_element(&rest, &expectation)) {
            if (!str_ieq(expectation, STR("100-continue"))) {
                *ret_status = 417;
                return "expectation_unknown";
            }
            info->expect_continue = r->has_body;
        }
    }
    return NULL;
}

static const char *judge(struct request *r, struct head_info *info, struct arena *arena,
                         unsigned *ret_status)
{
    const char *why = target_parse(r, arena);

    if (why == NULL)
        why = judge_host(r, info->minor, arena);
    if (why == NULL)
        why = judge_framing(r, info, ret_status);
    if (why == NULL)
        why = judge_connection(r, info);
    if (why == NULL)
        why = judge_expect(r, info, ret_status);
    return why;
}

enum head_result head_request(struct head_parser *p, const char *bytes, struct arena *arena,
                              struct request *ret_request, struct head_info *ret_info)
{
    struct request *r = ret_request;
    unsigned status = 400;

    check(p->state == AT_END);
    *r = (struct request){ .n_fields = 0 };
    *ret_info = (struct head_info){ .framing = FRAMING_NONE };
    struct str head = arena_str(arena, str_make(bytes + p->start, p->at - p->start));
    if (head.p == NULL)
        return refuse(p, p->at, 503, target_no_memory);
    if (p->n_fields > 0) {
        r->fields = arena_array(arena, p->n_fields, sizeof *r->fields);
        if (r->fields == NULL)
            return refuse(p, p->at, 503, target_no_memory);
    }

    /* "METHOD target HTTP/1.x\r\n", as the scan has made sure. */
    size_t line = p->fields_at - p->start - 2;
    r->method_token = str_head(head, str_chr(head, ' '));
    r->method = method_of(r->method_token);
    r->target = str_make(r->method_token.p + r->method_token.n + 1,
                         line - r->method_token.n - sizeof "  HTTP/1.1" + 1);
    ret_info->minor = head.p[line - 1] != '0';

    const char *why = slice_fields(r, str_from(head, line + 2), p->n_fields);
    if (why == NULL)
        why = judge(r, ret_info, arena, &status);
    if (why != NULL)
        return refuse(p, p->at, why == target_no_memory ? 503 : status, why);
    return HEAD_DONE;
}
