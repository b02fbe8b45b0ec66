/*
 * precondition_fuzz.c - lines as the fields of a conditional request, each named by its first byte.
 * Where they keep to their grammar the outcome is that of RFC 9110 section 13.2.2, as a reference
 * has it. The first byte of the input says how: bit 0: HEAD; bit 1: the file was changed in this
 * very second; bit 2: PUT; bit 3: the file's tag is weak.
 */
#include <stdlib.h>

#include "handler/precondition.h"
#include "http/date.h"
#include "tests/support/server/require.h"

#define FIELDS_MAX 12
#define ETAG STR("\"a,b\"")
#define CHANGED INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    char letter;
    enum field_id id;
} names[] = {
    { 'M', FIELD_IF_MATCH },
    { 'N', FIELD_IF_NONE_MATCH },
    { 'S', FIELD_IF_MODIFIED_SINCE },
    { 'U', FIELD_IF_UNMODIFIED_SINCE },
    { 'R', FIELD_RANGE },
    { 'r', FIELD_IF_RANGE },
};

/* ---- the reference */

enum finding { ABSENT, NO, YES, UNDECIDED };

/* The bytes of the entity tag in front, or 0. */
static size_t tag_len(struct str s, bool *ret_weak)
{
    size_t n = 0;

    *ret_weak = str_starts(s, STR("W/"));
    n += *ret_weak ? 2 : 0;
    if (n >= s.n || s.p[n++] != '"')
        return 0;
    for (; n < s.n; n++) {
        unsigned char c = (unsigned char)s.p[n];
        if (c == '"')
            return n + 1;
        if (c <= ' ' || c == 0x7f)
            return 0;
    }
    return 0;
}

/* [ entity-tag ] *( OWS "," OWS [ entity-tag ] ) */
static enum finding find_tag(struct str s, bool strong_only, bool own_weak)
{
    enum finding found = NO;

    for (bool comma = true; (s = str_trim(s)).n > 0;) {
        bool weak;
        size_t n = tag_len(s, &weak);
        if (s.p[0] == ',') {
            comma = true;
            n = 1;
        } else if (n == 0 || !comma) {
            return UNDECIDED;
        } else {
            comma = false;
            struct str tag = weak ? str_make(s.p + 2, n - 2) : str_head(s, n);
            if (str_eq(tag, ETAG) && !(strong_only && (weak || own_weak)))
                found = YES;
        }
        s = str_from(s, n);
    }
    return found;
}

static enum finding find_in(const struct request *r, enum field_id id, bool strong_only,
                            bool own_weak)
{
    enum finding found = ABSENT;
    bool any = false;

    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].id != id)
            continue;
        bool star = str_eq(r->fields[i].value, STR("*"));
        enum finding f = star ? YES : find_tag(r->fields[i].value, strong_only, own_weak);
        if (any || (star && found != ABSENT))
            f = UNDECIDED; /* "*" stands alone */
        any = star;
        found = max_of(found, f);
    }
    return found;
}

/* Whether the one field of that id is a date. */
static enum finding find_date(const struct request *r, enum field_id id, const struct validators *v,
                              int64_t *ret)
{
    enum finding found = ABSENT;

    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == id) {
            if (found != ABSENT)
                return UNDECIDED;
            found = date_parse(r->fields[i].value, v->now, ret) == 0 ? YES : NO;
        }
    return found;
}

/* The steps of section 13.2.2; false: not decided. */
static bool reference(const struct request *r, const struct validators *v, enum precondition *ret)
{
    int64_t date = 0;
    bool own_weak = v->etag.p[0] == 'W', reads = r->method != METHOD_PUT;
    enum finding f = find_in(r, FIELD_IF_MATCH, true, own_weak);

    *ret = PRECONDITION_FAILED;
    if (f == NO)
        return true;
    if (f == ABSENT) {
        f = find_date(r, FIELD_IF_UNMODIFIED_SINCE, v, &date);
        if (f == YES && v->modified > date)
            return true;
    }
    if (f == UNDECIDED)
        return false;
    *ret = reads ? PRECONDITION_SAME : PRECONDITION_FAILED;
    f = find_in(r, FIELD_IF_NONE_MATCH, false, own_weak);
    if (f == YES)
        return true;
    if (f == ABSENT && reads) {
        f = find_date(r, FIELD_IF_MODIFIED_SINCE, v, &date);
        if (f == YES && v->modified <= date)
            return true;
    }
    *ret = PRECONDITION_HOLDS;
    return f != UNDECIDED;
}

/* A Range counts without If-Range, or with one that is this very representation. */
static void check_range(const struct request *r, const struct validators *v)
{
    const struct field *got = precondition_range(r, v), *range = NULL, *condition = NULL;
    size_t n_ranges = 0, n_conditions = 0;
    int64_t date;

    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].id == FIELD_RANGE) {
            range = &r->fields[i];
            n_ranges++;
        } else if (r->fields[i].id == FIELD_IF_RANGE) {
            condition = &r->fields[i];
            n_conditions++;
        }
    }
    bool counts = n_ranges == 1 && n_conditions <= 1 && r->method == METHOD_GET;
    if (counts && condition != NULL && !(v->etag.p[0] != 'W' && str_eq(condition->value, ETAG)))
        counts = date_parse(condition->value, v->now, &date) == 0 && date == v->modified &&
                 v->now > date;
    require(got == (counts ? range : NULL));
}

/* ---- one input */

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f))
            return false;
    return true;
}

static void add_line(struct request *r, struct str line)
{
    if (line.n == 0 || !is_value(line))
        return;
    for (size_t i = 0; i < array_len(names); i++) {
        if (names[i].letter != line.p[0])
            continue;
        enum field_id id = names[i].id;
        r->fields[r->n_fields++] =
            (struct field){ field_name(id), str_trim(str_from(line, 1)), id };
        r->known |= UINT64_C(1) << id;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[FIELDS_MAX];
    struct request r = { .fields = fields, .method = METHOD_GET };
    struct validators v = { .etag = ETAG, .modified = CHANGED, .now = CHANGED + 623 };
    enum precondition want;

    if (size == 0)
        return 0;
    if (data[0] & 1)
        r.method = METHOD_HEAD;
    if (data[0] & 2)
        v.now = CHANGED;
    if (data[0] & 4)
        r.method = METHOD_PUT;
    if (data[0] & 8)
        v.etag = STR("W/\"a,b\"");
    char *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    struct str rest = str_make(copy, size);
    rest = size > 1 ? str_from(rest, 1) : STR_EMPTY;
    while (rest.p != NULL && r.n_fields < FIELDS_MAX)
        add_line(&r, str_cut(&rest, '\n'));
    enum precondition got = precondition_of(&r, &v);
    if (reference(&r, &v, &want))
        require(got == want);
    check_range(&r, &v);
    free(copy);
    return 0;
}
