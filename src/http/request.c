/* request.c - the fields of a request by number and by name. Pure; any thread. */
#include "http/request.h"

#include "base/check.h"

static const struct str names[FIELD_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = { name, sizeof(name) - 1 },
#include "http/field.def"
#undef FIELD
};

/* Bit n: some known name is n bytes long. Most other fields are told apart by this alone. */
#define FIELD(id, name) | UINT64_C(1) << (sizeof(name) - 1)
static const uint64_t lengths = 0
#include "http/field.def"
    ;
#undef FIELD

_Static_assert(FIELD_COUNT < 64, "request.known has a bit for each field");

enum field_id field_id_of(struct str name)
{
    if (name.n >= 64 || !(lengths >> name.n & 1))
        return FIELD_OTHER;
    for (unsigned id = 0; id < FIELD_COUNT; id++)
        if (names[id].n == name.n && str_ieq(names[id], name))
            return (enum field_id)id;
    return FIELD_OTHER;
}

struct str field_name(enum field_id id)
{
    check(id < FIELD_COUNT);
    return names[id];
}

const struct field *request_field(const struct request *r, enum field_id id)
{
    check(id < FIELD_COUNT);
    if (!(r->known >> id & 1))
        return NULL;
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == id)
            return &r->fields[i];
    return NULL;
}

const struct field *request_field_named(const struct request *r, struct str name)
{
    enum field_id id = field_id_of(name);

    if (id != FIELD_OTHER)
        return request_field(r, id);
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == FIELD_OTHER && str_ieq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}
