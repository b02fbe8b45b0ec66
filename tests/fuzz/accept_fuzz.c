/*
 * accept_fuzz.c - lines as Accept and as Accept-Encoding fields. What they say of a type or coding
 * is in its bounds; and where they keep to the grammar of RFC 9110 section 12.5.1 or 12.5.3, but
 * perhaps for a weight that is none, it is what a reference says that reads by that grammar. The
 * first byte of the input names the type, and the codings that exist.
 */
#include <stdlib.h>

#include "http/accept.h"
#include "tests/support/server/require.h"

#define FIELDS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the reference */

struct best {
    unsigned precision, quality;
};

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static void take_blanks(struct str *s)
{
    while (take(s, ' ') || take(s, '\t'))
        ;
}

/* Empty: there is none. */
static struct str take_token(struct str *s)
{
    size_t n = 0;

    while (n < s->n && http_is_tchar((unsigned char)s->p[n]))
        n++;
    struct str token = str_head(*s, n);
    *s = str_from(*s, n);
    return token;
}

static bool take_quoted(struct str *s)
{
    if (!take(s, '"'))
        return false;
    while (!take(s, '"')) {
        (void)take(s, '\\');
        if (s->n == 0)
            return false;
        *s = str_from(*s, 1);
    }
    return true;
}

/* ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ); -1: it is none. */
static int weight_of(struct str s)
{
    char digits[] = "0000";

    if (s.n == 0 || s.n > 5 || (s.n > 1 && s.p[1] != '.'))
        return -1;
    digits[0] = s.p[0];
    for (size_t i = 2; i < s.n; i++)
        digits[i - 1] = s.p[i];
    for (size_t i = 0; i < 4; i++)
        if (digits[i] < '0' || digits[i] > '9')
            return -1;
    int weight = (int)strtol(digits, NULL, 10);
    return weight > 1000 ? -1 : weight;
}

/* *( OWS ";" OWS [ parameter ] ); *weight becomes that of q. */
static bool take_parameters(struct str *s, int *weight)
{
    bool weighed = false;

    for (;;) {
        struct str ahead = *s;
        take_blanks(&ahead);
        if (!take(&ahead, ';'))
            return true;
        take_blanks(&ahead);
        struct str name = take_token(&ahead);
        *s = ahead;
        if (name.n == 0)
            continue;
        if (!take(s, '='))
            return false;
        struct str value = take_token(s);
        if (str_ieq(name, STR("q"))) {
            if (weighed || value.n == 0)
                return false;
            weighed = true;
            *weight = weight_of(value);
        } else if (value.n == 0 && !take_quoted(s)) {
            return false;
        }
    }
}

/* type "/" subtype, either of which may be "*". */
static bool take_range(struct str *s, struct str type, struct best *best)
{
    struct str want = str_cut(&type, '/'), main = take_token(s), sub = STR_EMPTY;
    int weight = 1000;
    unsigned precision = 0;

    if (main.n == 0 || !take(s, '/') || (sub = take_token(s)).n == 0 ||
        !take_parameters(s, &weight))
        return false;
    if (str_eq(main, STR("*")) && str_eq(sub, STR("*")))
        precision = 1;
    else if (str_ieq(main, want) && str_eq(sub, STR("*")))
        precision = 2;
    else if (str_ieq(main, want) && str_ieq(sub, type))
        precision = 3;
    if (weight >= 0 && precision > best->precision)
        *best = (struct best){ precision, (unsigned)weight };
    return true;
}

/* A token, which may be "*"; one parameter more than the weight is more than the grammar has. */
static bool take_coding(struct str *s, struct str coding, struct best *best)
{
    int weight = 1000;
    unsigned precision = 0;
    struct str name = take_token(s);

    if (name.n == 0 || !take_parameters(s, &weight))
        return false;
    if (str_ieq(name, STR("x-gzip")))
        name = STR("gzip");
    if (str_eq(name, STR("*")))
        precision = 1;
    else if (str_ieq(name, coding))
        precision = 2;
    if (weight >= 0 && precision > best->precision)
        *best = (struct best){ precision, (unsigned)weight };
    return true;
}

static bool take_list(struct str s, struct str type, struct best *best)
{
    bool coding = str_chr(type, '/') == type.n;

    for (;;) {
        take_blanks(&s);
        if (s.n > 0 && s.p[0] != ',' && !(coding ? take_coding : take_range)(&s, type, best))
            return false;
        take_blanks(&s);
        if (s.n == 0)
            return true;
        if (!take(&s, ','))
            return false;
    }
}

/* ---- one input */

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f))
            return false;
    return true;
}

static void try(struct field *fields, size_t n, struct str type)
{
    struct request r = { .fields = fields, .n_fields = n };
    struct best best = { .precision = 0, .quality = n > 0 ? 0 : 1000 };
    bool grammatical = true;

    if (n > 0)
        r.known = UINT64_C(1) << FIELD_ACCEPT;
    struct acceptance a = accept_type(&r, type);
    require(a.quality <= 1000);
    for (size_t i = 0; i < n; i++)
        grammatical &= take_list(fields[i].value, type, &best);
    if (grammatical)
        require(a.quality == best.quality && a.named == (best.precision == 3));
}

/* The best of the codings that exist: each is asked for by itself. */
static void try_codings(struct field *fields, size_t n, unsigned there)
{
    static const struct str codings[] = { STR("br"), STR("zstd"), STR("gzip"), STR("identity") };
    struct request r = { .fields = fields, .n_fields = n };
    unsigned quality[4];

    if (n > 0)
        r.known = UINT64_C(1) << FIELD_ACCEPT_ENCODING;
    for (size_t i = 0; i < n; i++)
        fields[i].id = FIELD_ACCEPT_ENCODING;
    for (size_t i = 0; i < 4; i++) {
        struct best best = { .precision = 0, .quality = i == 3 };
        bool grammatical = true;
        for (size_t k = 0; k < n; k++)
            grammatical &= take_list(fields[k].value, codings[i], &best);
        accept_encodings(&r, &codings[i], 1, &quality[i]);
        require(quality[i] <= 1000);
        require(!grammatical || quality[i] == best.quality);
    }
    unsigned together[4];
    accept_encodings(&r, codings, 4, together);
    require(memcmp(together, quality, sizeof together) == 0);
    int best = accept_best_encoding(&r, codings, 3, there);
    require(best == -1 || (best >= 0 && best < 3 && (there >> best & 1) && quality[best] > 0));
    unsigned reached = quality[best < 0 ? 3 : best];
    for (int i = 0; i < 3; i++)
        if (there >> i & 1)
            require(quality[i] < reached || (quality[i] == reached && (best >= 0 && i >= best)) ||
                    quality[i] == 0);
    require(best < 0 || quality[3] <= reached);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str types[] = { STR("text/html"), STR("text/plain"),
                                        STR("application/json") };
    struct field fields[FIELDS_MAX];
    size_t n = 0;

    if (size == 0 || size > ACCEPT_MAX)
        return 0;
    char *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    struct str rest = str_make(copy + 1, size - 1), type = types[data[0] % array_len(types)];
    if (size == 1)
        rest = STR_EMPTY;
    while (rest.p != NULL && n < FIELDS_MAX) {
        struct str value = str_trim(str_cut(&rest, '\n'));
        if (is_value(value))
            fields[n++] = (struct field){ STR("Accept"), value, FIELD_ACCEPT };
    }
    try(fields, n, type);
    try_codings(fields, n, data[0] >> 4 & 7);
    free(copy);
    return 0;
}
