/*
 * hosts.c - see hosts.h. A lookup is one pass over the host from its end: at each dot
 * the hash so far is that of the suffix behind it, at the front that of the whole.
 */
#include "config/hosts.h"

#include <errno.h>

#define NAME_MAX_BYTES 253
#define LABEL_MAX_BYTES 63

static const char *check_address(struct str s)
{
    for (size_t i = 1; i + 1 < s.n; i++)
        if (ascii_hex((unsigned char)s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
            return "between [ and ] stands an IPv6 address";
    return s.n > 3 && s.p[s.n - 1] == ']' ? NULL
                                          : "\"[\" begins an IPv6 address that ends in \"]\"";
}

static const char *check_name(struct str s)
{
    size_t label = 0;

    if (s.n > NAME_MAX_BYTES)
        return "a host name has at most 253 characters";
    for (size_t i = 0; i <= s.n; i++) {
        if (i == s.n || s.p[i] == '.') {
            if (label == 0)
                return i == s.n && i > 0 ? "a host name is written without the final dot"
                                         : "a host name has no empty part";
            if (label > LABEL_MAX_BYTES)
                return "a part of a host name has at most 63 characters";
            label = 0;
            continue;
        }
        unsigned char c = ascii_lower((unsigned char)s.p[i]);
        if (c == ' ' || c == ',' || c == ';')
            return "each host is a string of its own, as in [ \"a.example.org\", \"b.example.org\" "
                   "]";
        if (c == '~' || c == '^' || c == '(' || c == '$')
            return "there are no regular expressions here; \"*.example.org\" are all below a name";
        if (c == ':' && str_chr(str_from(s, i + 1), ':') < s.n - i - 1 && s.p[i + 1] != '/')
            return "an IPv6 address stands in brackets, as in \"[::1]\"";
        if (c == ':')
            return "a host is written without scheme and port; the port is the listener's";
        if (c == '/')
            return "a host is written without path; paths belong in `match`";
        if (c == '*')
            return "a \"*\" stands alone or in front, as in \"*.example.org\"";
        if (!ascii_digit(c) && (unsigned char)(c - 'a') >= 26 && c != '-' && c != '_')
            return "a host name has letters, digits, \"-\" and \".\" only (others as \"xn--...\")";
        label++;
    }
    return NULL;
}

const char *host_check(struct str text, char *out)
{
    for (size_t i = 0; i < text.n; i++)
        out[i] = (char)ascii_lower((unsigned char)text.p[i]);
    if (text.n == 0)
        return "the host is empty; \"*\" stands for all hosts";
    if (str_eq(text, STR("*")))
        return NULL;
    if (text.p[0] == '[')
        return check_address(text);
    return check_name(str_starts(text, STR("*.")) ? str_from(text, 2) : text);
}

int host_add(struct host_table *t, struct arena *arena, struct str pattern, struct site *site,
             struct site **ret_other)
{
    bool wildcard = str_starts(pattern, STR("*."));
    struct table *table = wildcard ? &t->wildcards : &t->exact;
    struct str key = wildcard ? str_from(pattern, 2) : pattern;
    void *other = NULL;

    int r = table_claim(table, arena, key, site, &other);
    *ret_other = other;
    return r;
}

struct site *host_find(const struct host_table *t, struct str host)
{
    uint64_t hash = TABLE_HASH_BEGIN;
    struct site *found = NULL;

    for (size_t i = host.n; i > 0; i--) {
        if (host.p[i - 1] == '.' && i > 1 && t->wildcards.used) {
            struct site *s = table_find_hashed(&t->wildcards, str_from(host, i), hash);
            found = s ? s : found;
        }
        hash = table_hash_step(hash, host.p[i - 1]);
    }
    struct site *exact = table_find_hashed(&t->exact, host, hash);
    return exact ? exact : found;
}
