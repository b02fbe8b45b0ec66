/* precondition.c - see precondition.h. Pure; any thread. */
#include "handler/precondition.h"

#include "http/date.h"

/* The field of that id if there is exactly one: a second makes a singleton field malformed. */
static const struct field *sole_field(const struct request *r, enum field_id id)
{
    const struct field *found = NULL;

    if (!(r->known >> id & 1))
        return NULL;
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == id) {
            if (found != NULL)
                return NULL;
            found = &r->fields[i];
        }
    return found;
}

/* 0 if there is one such field and it holds a date; the others are ignored, as the RFC asks. */
static int date_field(const struct request *r, enum field_id id, int64_t now, int64_t *ret)
{
    const struct field *f = sole_field(r, id);

    return f == NULL ? -1 : date_parse(f->value, now, ret);
}

/* RFC 9110 section 8.8.3.2: the same opaque tag; and none of both weak, if strongly. */
static bool same_tag(struct str a, struct str b, bool strongly)
{
    const struct str weak = STR("W/");
    bool a_weak = str_starts(a, weak), b_weak = str_starts(b, weak);

    if (strongly && (a_weak || b_weak))
        return false;
    return str_eq(str_from(a, a_weak ? weak.n : 0), str_from(b, b_weak ? weak.n : 0));
}

/* The bytes of the entity tag in front: `"a"` or `W/"a"`; 0: there is none. */
static size_t tag_length(struct str s)
{
    size_t open = str_starts(s, STR("W/")) ? 2 : 0;

    if (open >= s.n || s.p[open] != '"')
        return 0;
    size_t end = open + 1 + str_chr(str_from(s, open + 1), '"');
    return end < s.n ? end + 1 : 0;
}

/*
 * Whether a list of entity tags, `"a", W/"b"`, names `etag`. A tag may hold commas, so it is read
 * from quote to quote; the list ends at the first thing that is none, or is no comma behind one.
 */
static bool list_names(struct str list, struct str etag, bool strongly)
{
    for (bool comma = true; (list = str_trim(list)).n > 0;) {
        size_t n = tag_length(list);
        if (list.p[0] == ',') {
            comma = true;
            n = 1;
        } else if (n == 0 || !comma) {
            return false;
        } else if (same_tag(str_head(list, n), etag, strongly)) {
            return true;
        } else {
            comma = false;
        }
        list = str_from(list, n);
    }
    return false;
}

/* The lines of a field are one list; "*" is any tag there may be. */
static bool fields_name(const struct request *r, enum field_id id, struct str etag, bool strongly)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == id && (str_eq(r->fields[i].value, STR("*")) ||
                                      list_names(r->fields[i].value, etag, strongly)))
            return true;
    return false;
}

/* Whose preconditions are ignored (section 13.2.1). */
static bool selects_nothing(enum method m)
{
    return m == METHOD_CONNECT || m == METHOD_OPTIONS || m == METHOD_TRACE;
}

#define BIT(id) (UINT64_C(1) << (id))

enum precondition precondition_of(const struct request *r, const struct validators *v)
{
    const uint64_t all = BIT(FIELD_IF_MATCH) | BIT(FIELD_IF_UNMODIFIED_SINCE) |
                         BIT(FIELD_IF_NONE_MATCH) | BIT(FIELD_IF_MODIFIED_SINCE);
    const bool reads = r->method == METHOD_GET || r->method == METHOD_HEAD;
    int64_t date;

    if (!(r->known & all) || selects_nothing(r->method))
        return PRECONDITION_HOLDS;
    if (r->known & BIT(FIELD_IF_MATCH)) {
        if (!fields_name(r, FIELD_IF_MATCH, v->etag, true))
            return PRECONDITION_FAILED;
    } else if (date_field(r, FIELD_IF_UNMODIFIED_SINCE, v->now, &date) == 0) {
        if (v->modified > date)
            return PRECONDITION_FAILED;
    }
    if (r->known & BIT(FIELD_IF_NONE_MATCH)) {
        if (fields_name(r, FIELD_IF_NONE_MATCH, v->etag, false))
            return reads ? PRECONDITION_SAME : PRECONDITION_FAILED;
    } else if (reads && date_field(r, FIELD_IF_MODIFIED_SINCE, v->now, &date) == 0) {
        if (v->modified <= date)
            return PRECONDITION_SAME;
    }
    return PRECONDITION_HOLDS;
}

/* A tag must be strong and the same. A date must be the same, and old enough to be a strong
 * validator: a file may change twice within the second that is just passing (section 8.8.2.2). */
static bool if_range_holds(const struct request *r, const struct validators *v)
{
    const struct field *f = sole_field(r, FIELD_IF_RANGE);
    int64_t date;

    if (!(r->known & BIT(FIELD_IF_RANGE)))
        return true;
    if (f == NULL)
        return false;
    if (str_starts(f->value, STR("\"")) || str_starts(f->value, STR("W/")))
        return same_tag(f->value, v->etag, true);
    return date_parse(f->value, v->now, &date) == 0 && date == v->modified && date < v->now;
}

const struct field *precondition_range(const struct request *r, const struct validators *v)
{
    const struct field *f = r->method == METHOD_GET ? sole_field(r, FIELD_RANGE) : NULL;

    return f != NULL && if_range_holds(r, v) ? f : NULL;
}
