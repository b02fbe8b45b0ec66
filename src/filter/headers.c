/*
 * headers.c - sets, adds and removes fields of the response. The field lines are taken apart and
 * checked when the config is loaded; a response costs a walk over its fields for each name.
 * headers_check(): the loader's thread; headers_respond(): the exchange's loop.
 */
#include "filter/filter.h"

#define VALUE_MAX 8192 /* clients and proxies refuse longer fields */

struct headers {
    struct strs set, add, remove;
    /* Set by headers_check(). In `set_lines` a name stands once. */
    struct field *set_lines, *add_lines;
    size_t n_set, n_add;
};

static const struct option headers_options[] = {
    OPT_STRS(struct headers, set, "set", NULL,
             "Fields, each spelled \"Name: value\", that replace what the response has by that "
             "name."),
    OPT_STRS(struct headers, add, "add", NULL,
             "Fields, each spelled \"Name: value\", that are put beside what the response has by "
             "that name, such as a further Set-Cookie."),
    OPT_STRS(struct headers, remove, "remove", NULL,
             "Names of fields that are taken off the response. This is done first."),
    OPT_END
};

/* response_check(), and says which of its conditions failed. */
static bool check_field(struct option_check *c, const char *option, struct str name,
                        struct str value)
{
    if (response_check(name, value) == 0)
        return true;
    if (!http_is_token(name))
        option_error(c, option, "\"%.*s\" is not a field name", str_fmt(name));
    else if (response_check(name, STR("")) < 0)
        option_error(c, option, "%.*s is set by the server alone", str_fmt(name));
    else
        option_error(c, option, "the value of %.*s holds a control byte", str_fmt(name));
    return false;
}

static struct field *compile_lines(struct option_check *c, const char *option, struct strs lines,
                                   bool once, size_t *ret_n)
{
    struct field *fields = arena_array(c->arena, lines.n, sizeof *fields);
    size_t n = 0;

    *ret_n = 0;
    if (fields == NULL)
        return NULL;
    for (size_t i = 0; i < lines.n; i++) {
        struct str value = lines.v[i];
        struct str name = str_cut(&value, ':');
        if (value.p == NULL) {
            option_error(c, option, "\"%.*s\" is not spelled \"Name: value\"", str_fmt(lines.v[i]));
            continue;
        }
        value = str_trim(value);
        if (!check_field(c, option, name, value))
            continue;
        if (value.n > VALUE_MAX) {
            option_error(c, option, "%.*s has a value of %zu bytes; at most %d are sensible",
                         str_fmt(name), value.n, VALUE_MAX);
            continue;
        }
        for (size_t j = 0; once && j < n; j++)
            if (str_ieq(fields[j].name, name)) {
                option_error(c, option, "%.*s is set twice; use `add` for the second",
                             str_fmt(name));
                break;
            }
        fields[n++] = (struct field){ .name = name, .value = value, .id = field_id_of(name) };
    }
    *ret_n = n;
    return fields;
}

static void headers_check(struct option_check *c, void *conf)
{
    struct headers *h = conf;

    h->set_lines = compile_lines(c, "set", h->set, true, &h->n_set);
    h->add_lines = compile_lines(c, "add", h->add, false, &h->n_add);
    for (size_t i = 0; i < h->remove.n; i++)
        check_field(c, "remove", h->remove.v[i], STR(""));
}

static void headers_respond(struct exchange *x, const void *conf)
{
    const struct headers *h = conf;
    struct response *r = exchange_response(x);

    for (size_t i = 0; i < h->remove.n; i++)
        response_remove(r, h->remove.v[i]);
    for (size_t i = 0; i < h->n_set; i++) {
        response_remove(r, h->set_lines[i].name);
        response_add_checked(r, h->set_lines[i].name, h->set_lines[i].value);
    }
    for (size_t i = 0; i < h->n_add; i++)
        response_add_checked(r, h->add_lines[i].name, h->add_lines[i].value);
}

FILTER_KIND(headers, .order = 90, .size = sizeof(struct headers), .options = headers_options,
            .check = headers_check, .respond = headers_respond,
            .about = "Sets, adds and removes fields of the response, of error answers too.");
