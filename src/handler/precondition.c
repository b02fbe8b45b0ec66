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

/*
 * Whether a list of entity tags, `"a", W/"b"`, names `etag`. A tag may hold commas, so it is read
 * from quote to quote; the list ends at the first thing that is none.
 */
static bool list_names(struct str list, struct str etag, bool weak_too)
{
    while (list.n) {
        if (list.p[0] == ' ' || list.p[0] == '\t' || list.p[0] == ',') {
            list = str_from(list, 1);
            continue;
        }
        bool weak = str_starts(list, STR("W/"));
        if (weak)
            list = str_from(list, 2);
        if (!str_starts(list, STR("\"")))
            return false;
        size_t end = str_chr(str_from(list, 1), '"') + 2; /* behind the closing quote */
        if (end > list.n)
            return false;
        if ((!weak || weak_too) && str_eq(str_head(list, end), etag))
            return true;
        list = str_from(list, end);
    }
    return false;
}

static bool fields_name(const struct request *r, enum field_id id, struct str etag, bool weak_too)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == id && (str_eq(r->fields[i].value, STR("*")) ||
                                      list_names(r->fields[i].value, etag, weak_too)))
            return true;
    return false;
}

#define BIT(id) (UINT64_C(1) << (id))

enum precondition precondition_of(const struct request *r, const struct validators *v)
{
    const uint64_t all = BIT(FIELD_IF_MATCH) | BIT(FIELD_IF_UNMODIFIED_SINCE) |
                         BIT(FIELD_IF_NONE_MATCH) | BIT(FIELD_IF_MODIFIED_SINCE);
    int64_t date;

    if (!(r->known & all))
        return PRECONDITION_HOLDS;
    if (r->known & BIT(FIELD_IF_MATCH)) {
        if (!fields_name(r, FIELD_IF_MATCH, v->etag, false))
            return PRECONDITION_FAILED;
    } else if (date_field(r, FIELD_IF_UNMODIFIED_SINCE, v->now, &date) == 0) {
        if (v->modified > date)
            return PRECONDITION_FAILED;
    }
    if (r->known & BIT(FIELD_IF_NONE_MATCH)) {
        if (fields_name(r, FIELD_IF_NONE_MATCH, v->etag, true))
            return PRECONDITION_SAME;
    } else if (date_field(r, FIELD_IF_MODIFIED_SINCE, v->now, &date) == 0) {
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
        return str_eq(f->value, v->etag);
    return date_parse(f->value, v->now, &date) == 0 && date == v->modified && date < v->now;
}

const struct field *precondition_range(const struct request *r, const struct validators *v)
{
    const struct field *f = r->method == METHOD_GET ? sole_field(r, FIELD_RANGE) : NULL;

    return f != NULL && if_range_holds(r, v) ? f : NULL;
}
