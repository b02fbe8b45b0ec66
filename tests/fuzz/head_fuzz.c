/*
 * head_fuzz.c - the outcome of head_scan() does not depend on how its input is cut; what it and
 * head_request() accept is what a reference accepts, and is the same request. The reference first
 * looks for the empty line, then splits into lines, then judges each; it does not say why it
 * refuses. What is valid so far can still become a head.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "http/head.h"
#include "http/path.h"
#include "tests/support/server/require.h"

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct head_limits all_limits[] = {
    { .request_line = 8192, .header = 32768, .fields = 100 },
    { .request_line = 24, .header = 40, .fields = 2 },
    { .request_line = 40, .header = 300, .fields = 100 },
};

/* ---- the reference: lines */

struct line {
    struct str name, value;
};

static struct {
    size_t used; /* by the whole head; 0: its end is not there */
    struct str method, target;
    bool is_1_0;
    struct line fields[INPUT_MAX];
    size_t n_fields;
} ref;

static bool all(struct str s, const char *more, int least)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return s.n >= (size_t)least;
}

static bool is_token(struct str s)
{
    return all(s, "!#$%&'*+-.^_`|~", 1);
}

static bool between(struct str s, unsigned char first, unsigned char last)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < first || (unsigned char)s.p[i] > last)
            return false;
    return true;
}

/* Everything but the controls; HTAB is none here. */
static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f))
            return false;
    return true;
}

static bool has_any(struct str s, const char *bytes)
{
    for (; *bytes != '\0'; bytes++)
        if (str_chr(s, *bytes) < s.n)
            return true;
    return false;
}

static struct str take_line(struct str *rest)
{
    const char *end = memmem(rest->p, rest->n, "\r\n", 2);

    require(end != NULL);
    struct str line = str_make(rest->p, (size_t)(end - rest->p));
    *rest = str_from(*rest, line.n + 2);
    return line;
}

static bool split_request_line(struct str line, const struct head_limits *limits)
{
    size_t n = line.n;

    ref.method = str_cut(&line, ' ');
    ref.target = line.p != NULL ? str_cut(&line, ' ') : STR_EMPTY;
    ref.is_1_0 = str_eq(line, STR("HTTP/1.0"));
    return n <= limits->request_line && is_token(ref.method) && ref.method.n <= 32 &&
           ref.target.n > 0 && between(ref.target, 0x21, 0x7e) && !has_any(ref.target, "\"#<>") &&
           line.n == 8 && str_starts(line, STR("HTTP/1.")) && line.p[7] >= '0' && line.p[7] <= '9';
}

static bool split_field(struct str line)
{
    size_t colon = str_chr(line, ':');
    struct line *f = &ref.fields[ref.n_fields++];

    f->name = str_head(line, colon);
    f->value = str_trim(str_from(line, colon + 1));
    return colon < line.n && is_token(f->name) && is_value(f->value);
}

/* Whether there is a head, and one that head_scan() accepts. */
static bool reference_scan(struct str in, const struct head_limits *limits)
{
    struct str head = str_starts(in, STR("\r\n")) ? str_from(in, 2) : in;
    const char *end = head.n > 0 ? memmem(head.p, head.n, "\r\n\r\n", 4) : NULL;

    ref.used = ref.n_fields = 0;
    if (end == NULL)
        return false;
    ref.used = (size_t)(end + 4 - in.p);
    struct str rest = str_make(head.p, (size_t)(end + 2 - head.p));
    if (!split_request_line(take_line(&rest), limits) || rest.n > limits->header)
        return false;
    while (rest.n > 0)
        if (!split_field(take_line(&rest)))
            return false;
    return ref.n_fields <= limits->fields;
}

/* ---- the reference: meaning */

/* The one field of that name, or NULL; how many there are. */
static const struct str *find(const char *name, size_t *ret_n)
{
    const struct str *found = NULL;

    *ret_n = 0;
    for (size_t i = 0; i < ref.n_fields; i++)
        if (str_ieq(ref.fields[i].name, str_of(name))) {
            found = &ref.fields[i].value;
            ++*ret_n;
        }
    return found;
}

static bool is_address(struct str s)
{
    struct in6_addr address;
    char text[64];

    if (s.n >= 46 || !all(s, ":.", 2))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* uri-host [ ":" port ]; the host may be empty. */
static bool is_authority(struct str s, struct str *ret_host, struct str *ret_port)
{
    size_t end = str_starts(s, STR("[")) ? min_of(str_chr(s, ']') + 1, s.n) : str_chr(s, ':');
    struct str host = str_head(s, end), port = str_from(s, end);
    uint64_t number = 0;

    *ret_port = str_from(port, 1);
    if (port.n > 0 && (port.p[0] != ':' || ret_port->n > 5 ||
                       (ret_port->n > 0 && str_u64(*ret_port, &number) < 0) || number > 65535))
        return false;
    if (str_starts(host, STR("["))) {
        if (!is_address(str_make(host.p + 1, host.n - 2)) || host.p[host.n - 1] != ']')
            return false;
    } else if (!all(host, "-._~", 0) || str_starts(host, STR(".")) ||
               (host.n > 1 && memmem(host.p, host.n, "..", 2) != NULL)) {
        return false;
    } else if (str_ends(host, STR("."))) {
        host.n--;
    }
    *ret_host = host;
    return true;
}

static bool is_path(struct str s, struct request *want)
{
    size_t question = str_chr(s, '?');
    static char clean[INPUT_MAX + 1];

    want->has_query = question < s.n;
    want->query = str_from(s, question + 1);
    return path_clean(str_head(s, question), clean, &want->path, &want->path_cleaned) == 0;
}

static bool judge_target(struct request *want)
{
    struct str rest = ref.target;

    if (str_eq(ref.method, STR("CONNECT"))) {
        want->form = TARGET_AUTHORITY;
        return is_authority(rest, &want->host, &want->port) && want->host.n > 0 &&
               !between(want->port, '0', '0');
    }
    if (str_starts(rest, STR("/"))) {
        want->form = TARGET_ORIGIN;
        return is_path(rest, want);
    }
    if (str_eq(rest, STR("*"))) {
        want->form = TARGET_ASTERISK;
        return str_eq(ref.method, STR("OPTIONS"));
    }
    want->form = TARGET_ABSOLUTE;
    size_t scheme = str_chr(rest, ':');
    if (!str_ieq(str_head(rest, scheme), STR("http")) &&
        !str_ieq(str_head(rest, scheme), STR("https")))
        return false;
    rest = str_from(rest, scheme);
    if (!str_starts(rest, STR("://")))
        return false;
    rest = str_from(rest, 3);
    size_t end = min_of(str_chr(rest, '/'), str_chr(rest, '?'));
    return is_authority(str_head(rest, end), &want->host, &want->port) && want->host.n > 0 &&
           is_path(str_from(rest, end), want);
}

static bool judge_host(struct request *want)
{
    bool named = want->form == TARGET_ABSOLUTE || want->form == TARGET_AUTHORITY;
    struct str host, port;
    size_t n;
    const struct str *value = find("Host", &n);

    if (n != 1)
        return n == 0 && ref.is_1_0;
    if (!is_authority(*value, &host, &port))
        return false;
    if (named)
        return true;
    want->host = host;
    want->port = port;
    return host.n > 0;
}

static bool judge_framing(struct request *want, struct head_info *info)
{
    size_t n_lengths, n_codings;
    const struct str *length = find("Content-Length", &n_lengths);
    const struct str *coding = find("Transfer-Encoding", &n_codings);

    if (n_codings > 0) {
        if (n_codings > 1 || n_lengths > 0 || ref.is_1_0 || !str_ieq(*coding, STR("chunked")))
            return false;
        info->framing = FRAMING_CHUNKED;
        want->has_body = true;
        want->body_length = BODY_LENGTH_UNKNOWN;
    } else if (n_lengths > 0) {
        if (n_lengths > 1 || length->n == 0 || !between(*length, '0', '9') ||
            str_u64(*length, &info->length) < 0 || info->length > INT64_MAX)
            return false;
        info->framing = FRAMING_LENGTH;
        want->has_body = info->length > 0;
        want->body_length = info->length;
    }
    return !want->has_body || !str_eq(ref.method, STR("CONNECT"));
}

/* Whether a comma-separated list has the option; *ok is no more when one is no token. */
static bool has_option(struct str list, const char *option, bool *ok)
{
    bool found = false;

    while (list.p != NULL) {
        struct str element = str_trim(str_cut(&list, ','));
        *ok &= element.n == 0 || is_token(element);
        found |= str_ieq(element, str_of(option));
    }
    return found;
}

static bool judge_rest(const struct request *want, struct head_info *info)
{
    bool ok = true, close = false, keep = false, upgrade = false, expect = false;
    size_t n_upgrades;

    (void)find("Upgrade", &n_upgrades);
    for (size_t i = 0; i < ref.n_fields; i++) {
        struct str name = ref.fields[i].name, value = ref.fields[i].value;
        if (str_ieq(name, STR("Connection"))) {
            close |= has_option(value, "close", &ok);
            keep |= has_option(value, "keep-alive", &ok);
            upgrade |= has_option(value, "upgrade", &ok);
        } else if (str_ieq(name, STR("Expect")) && !ref.is_1_0) {
            while (value.p != NULL) {
                struct str element = str_trim(str_cut(&value, ','));
                ok &= element.n == 0 || str_ieq(element, STR("100-continue"));
                expect |= element.n > 0;
            }
        }
    }
    info->keep_alive = !close && (!ref.is_1_0 || keep);
    info->upgrade = upgrade && !ref.is_1_0 && n_upgrades > 0;
    info->expect_continue = expect && want->has_body;
    return ok;
}

static bool reference_request(struct request *want, struct head_info *info)
{
    *want = (struct request){ .form = TARGET_ORIGIN };
    *info = (struct head_info){ .minor = !ref.is_1_0 };
    return judge_target(want) && judge_host(want) && judge_framing(want, info) &&
           judge_rest(want, info);
}

/* ---- comparing */

static void same_request(const struct request *r, const struct request *want)
{
    uint64_t known = 0;

    require(str_eq(r->method_token, ref.method) && str_eq(r->target, ref.target));
    require(r->method == METHOD_OTHER || str_eq(method_name(r->method), ref.method));
    require(r->form == want->form && str_eq(r->path, want->path));
    require(r->path_cleaned == want->path_cleaned);
    require(r->has_query == want->has_query && str_eq(r->query, want->query));
    require(str_ieq(r->host, want->host) && str_eq(r->port, want->port));
    for (size_t i = 0; i < r->host.n; i++)
        require(r->host.p[i] < 'A' || r->host.p[i] > 'Z');
    require(r->has_body == want->has_body && r->body_length == want->body_length);
    require(r->n_fields == ref.n_fields);
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        require(str_eq(f->name, ref.fields[i].name) && str_eq(f->value, ref.fields[i].value));
        require(f->id == FIELD_OTHER || str_ieq(field_name(f->id), f->name));
        require(f->id != FIELD_OTHER || field_id_of(f->name) == FIELD_OTHER);
        if (f->id != FIELD_OTHER)
            known |= UINT64_C(1) << f->id;
        require(request_field_named(r, f->name) != NULL);
    }
    require(r->known == known);
}

static void same_info(const struct head_info *a, const struct head_info *b)
{
    require(a->minor == b->minor && a->framing == b->framing && a->length == b->length);
    require(a->keep_alive == b->keep_alive && a->upgrade == b->upgrade);
    require(a->expect_continue == b->expect_continue);
}

/* An accepted head is made a request; nothing of that may point at `bytes`, so they are freed. */
static void try_request(struct head_parser *p, char *bytes, size_t size)
{
    struct request r, want;
    struct head_info info, want_info;
    struct arena arena;
    size_t room = size % 3 ? MIB(1) : KIB(1);
    char *copy = malloc(size);

    require(copy != NULL);
    memcpy(copy, bytes, size);
    arena_init(&arena, room);
    enum head_result got = head_request(p, copy, &arena, &r, &info);
    memset(copy, 'x', size);
    free(copy);
    bool ok = reference_request(&want, &want_info);
    if (got == HEAD_DONE) {
        require(ok);
        same_request(&r, &want);
        same_info(&info, &want_info);
    } else {
        require(got == HEAD_BAD && p->reason != NULL);
        require(!ok || (p->status == 503 && room == KIB(1)));
        require(p->status == 400 || p->status == 501 || p->status == 417 || p->status == 503);
    }
    arena_done(&arena);
}

/* What is valid so far, and at no bound, becomes a head by one of a few ends. The version is looked
 * at when its line is complete, so the fields must have begun. */
static void try_more(const struct head_parser *p, struct str in, const struct head_limits *limits)
{
    static const char *const ends[] = { "\n", "\n\r\n", "\r\n", "\r\n\r\n", ":\r\n\r\n" };
    char *bytes = malloc(in.n + 8);
    bool found = p->fields_at == 0;

    require(bytes != NULL);
    if (in.n > 0)
        memcpy(bytes, in.p, in.n);
    for (size_t i = 0; i < array_len(ends) && !found; i++) {
        struct head_parser copy = *p;
        memcpy(bytes + in.n, ends[i], strlen(ends[i]));
        found = head_scan(&copy, bytes, in.n + strlen(ends[i]), limits) == HEAD_DONE &&
                copy.at == in.n + strlen(ends[i]);
    }
    require(found);
    free(bytes);
}

/* Fed `step` bytes at a time; 0: as chance, which the input decides, has it. */
static enum head_result scan(struct head_parser *p, struct str in, size_t step,
                             const struct head_limits *limits)
{
    enum head_result r = HEAD_MORE;
    uint32_t chance = 1;

    for (size_t i = 0; i < in.n; i++)
        chance = chance * 31 + (unsigned char)in.p[i];
    head_init(p);
    for (size_t n = 0; r == HEAD_MORE;) {
        chance = chance * 1664525 + 1013904223;
        size_t more = step ? step : 1 + (chance >> 26);
        n += min_of(more, in.n - n);
        r = head_scan(p, in.p, n, limits);
        if (n == in.n)
            break;
    }
    return r;
}

static void try(const uint8_t *data, size_t size, const struct head_limits *limits)
{
    struct head_parser whole, cut;
    char *bytes = malloc(size + !size);

    require(bytes != NULL);
    if (size)
        memcpy(bytes, data, size);
    struct str in = str_make(bytes, size);
    enum head_result got = scan(&whole, in, SIZE_MAX, limits);
    for (size_t step = 0; step <= 2; step++) {
        require(scan(&cut, in, step, limits) == got);
        require(whole.at == cut.at && whole.status == cut.status && whole.reason == cut.reason);
        require(whole.start == cut.start && whole.n_fields == cut.n_fields);
        require(whole.fields_at == cut.fields_at && whole.state == cut.state);
    }
    bool ok = reference_scan(in, limits);
    require(whole.at <= size && (got == HEAD_DONE) == ok);
    require((got == HEAD_BAD) == (whole.status != 0));
    require((got == HEAD_BAD) == (whole.reason != NULL));
    if (got == HEAD_DONE) {
        require(whole.at == ref.used);
        try_request(&whole, bytes, size);
    } else if (got == HEAD_MORE) {
        require(ref.used == 0);
        if (limits == &all_limits[0])
            try_more(&whole, in, limits);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    for (size_t i = 0; i < array_len(all_limits); i++)
        try(data, size, &all_limits[i]);
    return 0;
}
