/* accept.c - see accept.h. Pure; any thread. */
#include "http/accept.h"

#include "base/check.h"

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

/* The weight among parameters, 1000 without one; -1: it is malformed. */
static int weight_of(struct str params)
{
    int q = 1000;

    while (params.p != NULL) {
        struct str value = str_trim(cut_unquoted(&params, ';'));
        if (str_ieq(str_trim(str_cut(&value, '=')), STR("q")))
            q = quality_of(str_trim(value));
    }
    return q;
}

/* 0: the range does not cover the type; else the more the more specific: 1 for "*" "/" "*". */
static unsigned type_precision(struct str range, struct str type)
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

/* "x-gzip" and "x-compress" are other names (RFC 9110 section 8.4.1). */
static struct str coding_name(struct str s)
{
    if (s.n < 2 || s.p[1] != '-')
        return s;
    return str_ieq(s, STR("x-gzip")) || str_ieq(s, STR("x-compress")) ? str_from(s, 2) : s;
}

static unsigned coding_precision(struct str element, struct str coding)
{
    return str_ieq(coding_name(element), coding_name(coding)) ? 2 : str_eq(element, STR("*"));
}

/* What the fields said of a name so far. */
struct verdict {
    unsigned precision; /* of the element that counts; 0: there is none yet */
    unsigned quality;
};

/* A type or a coding that is asked about, and how precisely an element of the list means it. */
typedef unsigned precision_fn(struct str element, struct str name);

/* Goes once through the list that the fields of that id are together. */
static void weigh(const struct request *r, enum field_id id, precision_fn *precision_of,
                  const struct str *names, struct verdict *v, size_t n)
{
    size_t left = ACCEPT_MAX;

    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].id != id)
            continue;
        if (r->fields[i].value.n > left)
            break;
        left -= r->fields[i].value.n;
        for (struct str list = r->fields[i].value; list.p != NULL;) {
            struct str params = cut_unquoted(&list, ',');
            struct str element = str_trim(cut_unquoted(&params, ';'));
            int q = weight_of(params);
            for (size_t k = 0; k < n && q >= 0; k++) {
                unsigned precision = precision_of(element, names[k]);
                if (precision > v[k].precision)
                    v[k] = (struct verdict){ precision, (unsigned)q };
            }
        }
    }
}

struct acceptance accept_type(const struct request *r, struct str type)
{
    struct verdict v = { 0, r->known >> FIELD_ACCEPT & 1 ? 0 : 1000 };

    weigh(r, FIELD_ACCEPT, type_precision, &type, &v, 1);
    return (struct acceptance){ .quality = v.quality, .named = v.precision == 3 };
}

#define IDENTITY STR("identity")

/* As the fields say, or else: what needs no decoding can be read by anyone, but any coding that is
 * named is liked better; another is not understood. */
void accept_encodings(const struct request *r, const struct str *codings, size_t n,
                      unsigned *quality)
{
    struct verdict v[ACCEPT_CODINGS_MAX + 1];

    check(n <= array_len(v));
    for (size_t i = 0; i < n; i++)
        v[i] = (struct verdict){ 0, str_ieq(codings[i], IDENTITY) };
    if (r->known >> FIELD_ACCEPT_ENCODING & 1)
        weigh(r, FIELD_ACCEPT_ENCODING, coding_precision, codings, v, n);
    for (size_t i = 0; i < n; i++)
        quality[i] = v[i].quality;
}

int accept_best_encoding(const struct request *r, const struct str *codings, size_t n,
                         unsigned there)
{
    struct str names[ACCEPT_CODINGS_MAX + 1];
    unsigned quality[ACCEPT_CODINGS_MAX + 1];
    size_t best = n;

    check(n <= ACCEPT_CODINGS_MAX);
    if (!(r->known >> FIELD_ACCEPT_ENCODING & 1) || there == 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        names[i] = codings[i];
    names[n] = IDENTITY;
    accept_encodings(r, names, n + 1, quality);
    for (size_t i = n; i-- > 0;)
        if ((there >> i & 1) && quality[i] > 0 && quality[i] >= quality[best])
            best = i;
    return best < n ? (int)best : -1;
}
