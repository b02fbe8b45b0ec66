/* accept.c - see accept.h. Pure; any thread. */
#include "http/accept.h"

/* As str_cut(), but a separator within a quoted string does not count. */
static struct str cut_unquoted(struct str *rest, char sep)
{
    struct str s = *rest;
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            quoted = !quoted;
        } else if (s.p[i] == '\\' && quoted) {
            i++;
        } else if (s.p[i] == sep && !quoted) {
            *rest = str_from(s, i + 1);
            return str_head(s, i);
        }
    }
    *rest = STR_EMPTY;
    return s;
}

/* qvalue: "0" or "1" and up to three decimals. In thousandths, or -1. */
static int quality_of(struct str s)
{
    static const int weight[] = { 1000, 0, 100, 10, 1 };
    int q = 0;

    if (s.n == 0 || s.n > array_len(weight) || (s.n > 1 && s.p[1] != '.'))
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (i == 1)
            continue;
        if (!ascii_digit((unsigned char)s.p[i]))
            return -1;
        q += weight[i] * (s.p[i] - '0');
    }
    return q <= 1000 ? q : -1;
}

/* 0: the range does not cover the type; else the more the more specific: 1 for "*" "/" "*". */
static unsigned precision_of(struct str range, struct str type)
{
    size_t slash = str_chr(type, '/');

    if (str_ieq(range, type))
        return 3;
    if (str_eq(range, STR("*/*")))
        return 1;
    return range.n == slash + 2 && str_ieq(str_head(range, slash + 1), str_head(type, slash + 1)) &&
                   range.p[slash + 1] == '*'
               ? 2
               : 0;
}

struct acceptance accept_type(const struct request *r, struct str type)
{
    unsigned best = 0;
    size_t left = ACCEPT_MAX;
    int quality = r->known >> FIELD_ACCEPT & 1 ? 0 : 1000;

    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].id != FIELD_ACCEPT)
            continue;
        if (r->fields[i].value.n > left)
            break;
        left -= r->fields[i].value.n;
        for (struct str list = r->fields[i].value; list.p != NULL;) {
            struct str params = cut_unquoted(&list, ',');
            unsigned precision = precision_of(str_trim(cut_unquoted(&params, ';')), type);
            int q = 1000;
            while (params.p != NULL) {
                struct str value = str_trim(cut_unquoted(&params, ';'));
                if (str_ieq(str_trim(str_cut(&value, '=')), STR("q")))
                    q = quality_of(str_trim(value));
            }
            if (q >= 0 && precision > best) {
                best = precision;
                quality = q;
            }
        }
    }
    return (struct acceptance){ .quality = (unsigned)quality, .named = best == 3 };
}
