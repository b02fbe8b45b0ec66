/*
 * head_fuzz.c - the outcome of head_scan() does not depend on how its input is cut, and what
 * head_request() makes of an accepted head keeps the promises of request.h.
 */
#include <stdlib.h>

#include "http/head.h"
#include "http/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static const struct head_limits all_limits[] = {
    { .request_line = 8192, .header = 32768, .fields = 100 },
    { .request_line = 24, .header = 40, .fields = 2 },
    { .request_line = 40, .header = 300, .fields = 100 },
};

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void look_at_path(const struct request *r)
{
    if (r->form == TARGET_ASTERISK || r->form == TARGET_AUTHORITY) {
        require(r->path.n == 0);
        return;
    }
    require(r->path.n > 0 && r->path.p[0] == '/');
    require(memchr(r->path.p, '\0', r->path.n) == NULL);
    struct str rest = str_from(r->path, 1);
    while (rest.p != NULL) {
        struct str segment = str_cut(&rest, '/');
        require(segment.n > 0 || rest.p == NULL);
        require(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
    }
}

static void look_at(const struct request *r, const struct head_info *info)
{
    require(http_is_token(r->method_token));
    require((r->method == METHOD_OTHER) || str_eq(method_name(r->method), r->method_token));
    require(r->target.n > 0 && is_plain(r->target));
    require(info->minor <= 1);
    require(info->minor == 0 || r->known >> FIELD_HOST & 1);
    for (size_t i = 0; i < r->host.n; i++)
        require(ascii_lower((unsigned char)r->host.p[i]) == (unsigned char)r->host.p[i]);
    require(r->host.n > 0 || info->minor == 0);
    require(r->port.n <= 5);
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        require(http_is_token(f->name) && is_plain(f->value));
        require(str_eq(str_trim(f->value), f->value));
        require(f->id == field_id_of(f->name));
        require(f->id == FIELD_OTHER || request_field(r, f->id) != NULL);
        require(request_field_named(r, f->name) != NULL);
    }
    require(!(r->known >> FIELD_CONTENT_LENGTH & 1) || !(r->known >> FIELD_TRANSFER_ENCODING & 1));
    require((info->framing == FRAMING_CHUNKED) == (r->known >> FIELD_TRANSFER_ENCODING & 1));
    require((info->framing == FRAMING_LENGTH) == (r->known >> FIELD_CONTENT_LENGTH & 1));
    require(r->has_body == (r->body_length > 0));
    require(!info->expect_continue || r->has_body);
    look_at_path(r);
}

static void try(const uint8_t *data, size_t size, const struct head_limits *limits)
{
    struct head_parser whole, cut;
    enum head_result got, again = HEAD_MORE;
    char *bytes = malloc(size + !size);

    require(bytes != NULL);
    if (size)
        memcpy(bytes, data, size);
    head_init(&whole);
    head_init(&cut);
    got = head_scan(&whole, bytes, size, limits);
    for (size_t n = 0; n <= size && again == HEAD_MORE; n++)
        again = head_scan(&cut, bytes, n, limits);
    require(got == again);
    require(whole.at == cut.at && whole.at <= size && whole.status == cut.status);
    require(whole.start == cut.start && whole.n_fields == cut.n_fields);
    require(whole.reason == cut.reason);
    require((got == HEAD_BAD) == (whole.status != 0) &&
            (got == HEAD_BAD) == (whole.reason != NULL));

    if (got == HEAD_DONE) {
        struct arena arena;
        struct request r;
        struct head_info info;
        arena_init(&arena, size % 3 ? MIB(1) : KIB(1));
        got = head_request(&whole, bytes, &arena, &r, &info);
        /* Nothing of the request may point there. */
        free(bytes);
        bytes = NULL;
        if (got == HEAD_DONE)
            look_at(&r, &info);
        else
            require(got == HEAD_BAD && whole.status >= 400 && whole.reason != NULL);
        arena_done(&arena);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    for (size_t i = 0; i < array_len(all_limits); i++)
        try(data, size, &all_limits[i]);
    return 0;
}
