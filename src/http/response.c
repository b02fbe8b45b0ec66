/* response.c - see response.h. The owner's thread. */
#include "http/response.h"

#include <errno.h>

#include "http/chars.h"

#define FIELDS_FIRST 8 /* room at the first field; doubled when full */
#define FIELDS_SPARE 4

void response_init(struct response *r, struct arena *arena)
{
    *r = (struct response){ .arena = arena };
}

/* Fields that frame the message or concern this connection alone: the protocol writes them. */
static bool is_protocols(struct str name)
{
    static const struct str names[] = {
        { "Content-Length", 14 }, { "Transfer-Encoding", 17 },
        { "Connection", 10 },     { "Date", 4 },
        { "Keep-Alive", 10 },     { "Upgrade", 7 },
        { "Trailer", 7 },         { "TE", 2 },
    };

    for (size_t i = 0; i < array_len(names); i++)
        if (str_ieq(name, names[i]))
            return true;
    return false;
}

int response_check(struct str name, struct str value)
{
    if (!http_is_token(name) || is_protocols(name) ||
        chars_run(value.p, 0, value.n, CHAR_VALUE) != value.n)
        return -EINVAL;
    return 0;
}

static int grow(struct response *r, size_t cap)
{
    struct field *fields = arena_alloc(r->arena, cap * sizeof *fields);

    if (fields == NULL)
        return -ENOMEM;
    if (r->n_fields)
        memcpy(fields, r->fields, r->n_fields * sizeof *fields);
    r->fields = fields;
    r->cap = cap;
    return 0;
}

int response_add_checked(struct response *r, struct str name, struct str value)
{
    if (r->n_fields == r->cap && grow(r, r->cap ? r->cap * 2 : FIELDS_FIRST) < 0)
        return -ENOMEM;
    r->fields[r->n_fields++] = (struct field){ .name = name, .value = value, .id = FIELD_OTHER };
    return 0;
}

int response_add_all(struct response *r, const struct field *fields, size_t n)
{
    if (r->cap - r->n_fields < n && grow(r, r->n_fields + n + FIELDS_SPARE) < 0)
        return -ENOMEM;
    memcpy(r->fields + r->n_fields, fields, n * sizeof *fields);
    r->n_fields += n;
    return 0;
}

int response_add(struct response *r, struct str name, struct str value)
{
    int e = response_check(name, value);

    return e < 0 ? e : response_add_checked(r, name, value);
}

/* Drops the fields of that name from `from` on; the others keep their order. */
static void remove_from(struct response *r, size_t from, struct str name)
{
    size_t kept = from;

    for (size_t i = from; i < r->n_fields; i++)
        if (!str_ieq(r->fields[i].name, name))
            r->fields[kept++] = r->fields[i];
    r->n_fields = kept;
}

/* The new value takes the place of the first old one. */
int response_set(struct response *r, struct str name, struct str value)
{
    int e = response_check(name, value);

    if (e < 0)
        return e;
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_ieq(r->fields[i].name, name)) {
            r->fields[i].name = name;
            r->fields[i].value = value;
            remove_from(r, i + 1, name);
            return 0;
        }
    return response_add_checked(r, name, value);
}

void response_remove(struct response *r, struct str name)
{
    remove_from(r, 0, name);
}

const struct field *response_field(const struct response *r, struct str name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_ieq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}
