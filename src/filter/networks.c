/* networks.c - see networks.h. */
#include "filter/networks.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define TEXT_MAX sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"

static int compare(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int by_first(const void *a, const void *b)
{
    const struct network *n = a, *m = b;

    return compare(&n->first, &m->first);
}

static struct address address_of(const unsigned char *raw, size_t n)
{
    struct address a = { { n == 4 ? 4 : 6 } };

    memcpy(a.bytes + 1, raw, n);
    return a;
}

/* IPv4 within IPv6 is IPv4. */
static bool parse_address(struct str text, struct address *ret, unsigned *ret_bits,
                          unsigned *ret_off)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    char buf[TEXT_MAX];
    unsigned char raw[16];

    if (text.n >= sizeof buf || memchr(text.p, '\0', text.n) != NULL)
        return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    *ret_off = 0;
    if (inet_pton(AF_INET, buf, raw) == 1) {
        *ret = address_of(raw, 4);
        *ret_bits = 32;
        return true;
    }
    if (inet_pton(AF_INET6, buf, raw) != 1)
        return false;
    bool is_mapped = memcmp(raw, mapped, sizeof mapped) == 0;
    *ret = is_mapped ? address_of(raw + 12, 4) : address_of(raw, 16);
    *ret_bits = is_mapped ? 32 : 128;
    *ret_off = is_mapped ? 96 : 0;
    return true;
}

/* The number behind the slash, of at most `max`; -1: none. */
static int parse_bits(struct str text, unsigned max)
{
    unsigned bits = 0;

    if (text.n == 0 || text.n > 3)
        return -1;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_digit((unsigned char)text.p[i]))
            return -1;
        bits = bits * 10 + (unsigned)(text.p[i] - '0');
    }
    return bits <= max ? (int)bits : -1;
}

/* The first and the last address that begin with `bits` bits of `a`. True if there were others
 * behind them. */
static bool span(struct address a, unsigned bits, unsigned of, struct network *ret)
{
    bool cut = false;

    ret->first = ret->last = a;
    for (unsigned i = bits; i < of; i++) {
        unsigned char bit = (unsigned char)(0x80 >> i % 8);
        cut |= (a.bytes[1 + i / 8] & bit) != 0;
        ret->first.bytes[1 + i / 8] &= (unsigned char)~bit;
        ret->last.bytes[1 + i / 8] |= bit;
    }
    return cut;
}

static bool parse_network(struct option_check *c, const char *option, size_t i, struct str text,
                          struct network *ret)
{
    struct str bits_text = text, address_text = str_cut(&bits_text, '/');
    struct address a;
    unsigned of, off;

    if (!parse_address(address_text, &a, &of, &off)) {
        const char *meant =
            str_eq(text, STR("localhost")) ? " (this machine: \"127.0.0.0/8\" and \"::1\")"
            : !str_eq(text, STR("all"))    ? ""
            : strcmp(option, "deny") == 0  ? " (who is not in \"allow\" is denied already)"
                                           : " (all: \"0.0.0.0/0\" and \"::/0\")";
        option_error_in(c, option, i,
                        "\"%.*s\" is no address: expected one such as \"192.0.2.7\" or \"::1\", a "
                        "network such as \"10.0.0.0/8\" or \"2001:db8::/32\", or \"unix\"%s",
                        str_fmt(str_head(text, 80)), meant);
        return false;
    }
    int bits = bits_text.p == NULL ? (int)(of + off) : parse_bits(bits_text, of + off);
    if (bits < (int)off) {
        option_error_in(c, option, i,
                        "behind \"/\" stands a number of bits from %u to %u, got "
                        "\"%.*s\"",
                        off, of + off, str_fmt(str_head(bits_text, 20)));
        return false;
    }
    if (span(a, (unsigned)bits - off, of, ret) && bits_text.p != NULL) {
        char shown[INET6_ADDRSTRLEN];
        inet_ntop(of == 32 ? AF_INET : AF_INET6, ret->first.bytes + 1, shown, sizeof shown);
        option_warning_in(c, option, i, "the network that \"%.*s\" is in begins at %s/%u",
                          str_fmt(text), shown, (unsigned)bits - off);
    }
    return true;
}

/* Sorts, and makes one of what overlaps. */
static void settle(struct networks *set)
{
    size_t n = 0;

    if (set->n == 0)
        return;
    qsort(set->v, set->n, sizeof *set->v, by_first);
    for (size_t i = 1; i < set->n; i++) {
        if (compare(&set->v[i].first, &set->v[n].last) > 0)
            set->v[++n] = set->v[i];
        else if (compare(&set->v[i].last, &set->v[n].last) > 0)
            set->v[n].last = set->v[i].last;
    }
    set->n = n + 1;
}

void networks_compile(struct option_check *c, const char *option, struct strs texts,
                      struct networks *ret)
{
    *ret =
        (struct networks){ .v = arena_array(c->arena, max_of(texts.n, (size_t)1), sizeof *ret->v) };
    for (size_t i = 0; ret->v != NULL && i < texts.n; i++) {
        if (str_eq(texts.v[i], STR("unix")))
            ret->unix_sockets = true;
        else if (parse_network(c, option, i, texts.v[i], &ret->v[ret->n]))
            ret->n++;
    }
    settle(ret);
}

void networks_join(struct arena *arena, struct networks *to, const struct networks *more)
{
    struct network *v = arena_array(arena, max_of(to->n + more->n, (size_t)1), sizeof *v);

    if (v == NULL)
        return;
    if (to->n > 0)
        memcpy(v, to->v, to->n * sizeof *v);
    if (more->n > 0)
        memcpy(v + to->n, more->v, more->n * sizeof *v);
    *to = (struct networks){ .v = v,
                             .n = to->n + more->n,
                             .unix_sockets = to->unix_sockets || more->unix_sockets };
    settle(to);
}

bool networks_same(const struct networks *a, const struct networks *b)
{
    return a->unix_sockets == b->unix_sockets && a->n == b->n &&
           (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof *a->v) == 0);
}

bool networks_have_peer(const struct networks *set, const struct exchange *x)
{
    unsigned char raw[16];
    size_t n = exchange_peer_address(x, raw), low = 0, high = set->n;

    if (n == 0)
        return set->unix_sockets;
    struct address a = address_of(raw, n);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&a, &set->v[middle].last) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->n && compare(&a, &set->v[low].first) >= 0;
}

bool networks_are_all(const struct networks *set)
{
    struct network all[2];

    (void)span((struct address){ { 4 } }, 0, 32, &all[0]);
    (void)span((struct address){ { 6 } }, 0, 128, &all[1]);
    return set->n == 2 && memcmp(set->v, all, sizeof all) == 0;
}
