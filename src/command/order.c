/* order.c - see order.h. The thread of main(). */
#include "command/order.h"

#include <stdlib.h>

/* By labels from the right, as the mux has them: a longer host in front of what it ends in. */
static int compare_hosts(const struct pattern *a, const struct pattern *b)
{
    struct str x = a->host, y = b->host;

    if ((x.n == 0) != (y.n == 0))
        return x.n == 0 ? 1 : -1;
    while (x.n != 0 && y.n != 0) {
        size_t dot_x = str_rchr(x, '.'), dot_y = str_rchr(y, '.');
        struct str label_x = dot_x < x.n ? str_from(x, dot_x + 1) : x;
        struct str label_y = dot_y < y.n ? str_from(y, dot_y + 1) : y;
        int c = str_cmp(label_x, label_y);
        if (c != 0)
            return c;
        x = str_head(x, dot_x < x.n ? dot_x : 0);
        y = str_head(y, dot_y < y.n ? dot_y : 0);
    }
    if (x.n != y.n)
        return x.n > y.n ? -1 : 1;
    return a->host_is_wildcard - b->host_is_wildcard;
}

static int compare_paths(const struct pattern *a, const struct pattern *b)
{
    static const int rank[] = {
        [SEGMENT_END] = 0, [SEGMENT_LITERAL] = 1, [SEGMENT_WILDCARD] = 2, [SEGMENT_REST] = 3
    };

    for (size_t i = 0; i < a->n_segments && i < b->n_segments; i++) {
        const struct segment *s = &a->segments[i], *t = &b->segments[i];
        int c = rank[s->kind] - rank[t->kind];
        if (c == 0 && s->kind == SEGMENT_LITERAL)
            c = str_cmp(s->text, t->text);
        if (c != 0)
            return c;
    }
    return (a->n_segments > b->n_segments) - (a->n_segments < b->n_segments);
}

/* HEAD in front of GET, which serves it too; none behind all. */
static int compare_methods(const struct pattern *a, const struct pattern *b)
{
    bool head_a = a->has_method && a->method == METHOD_HEAD;
    bool head_b = b->has_method && b->method == METHOD_HEAD;

    if (a->has_method != b->has_method)
        return a->has_method ? -1 : 1;
    if (head_a != head_b)
        return head_a ? -1 : 1;
    return str_cmp(a->method_token, b->method_token);
}

int order_patterns(const struct pattern *a, const struct pattern *b)
{
    int c = compare_hosts(a, b);

    c = c != 0 ? c : compare_paths(a, b);
    return c != 0 ? c : compare_methods(a, b);
}

static int by_pattern(const void *a, const void *b)
{
    const struct route *const *x = a, *const *y = b;

    return order_patterns(&(*x)->pattern, &(*y)->pattern);
}

const struct route **order_routes(const struct site *s)
{
    const struct route **v = calloc(max_of(s->n_routes, (size_t)1), sizeof *v);

    if (v == NULL)
        return NULL;
    for (size_t i = 0; i < s->n_routes; i++)
        v[i] = &s->routes[i];
    qsort(v, s->n_routes, sizeof *v, by_pattern);
    return v;
}

/* 0: it names an exact host, 1: wildcards only, 2: it is a catch-all. */
static int rank_of(const struct site *s)
{
    int rank = 1;

    for (size_t i = 0; i < s->hosts.n; i++) {
        if (str_eq(s->hosts.v[i], STR("*")))
            return 2;
        if (!str_starts(s->hosts.v[i], STR("*.")))
            rank = 0;
    }
    return rank;
}

static int by_hosts(const void *a, const void *b)
{
    const struct site *x = *(const struct site *const *)a, *y = *(const struct site *const *)b;
    int c = rank_of(x) - rank_of(y);

    return c != 0 ? c : str_cmp(x->name, y->name);
}

const struct site **order_sites(const struct config *c)
{
    const struct site **v = calloc(max_of(c->n_sites, (size_t)1), sizeof *v);

    if (v == NULL)
        return NULL;
    for (size_t i = 0; i < c->n_sites; i++)
        v[i] = c->sites[i];
    qsort(v, c->n_sites, sizeof *v, by_hosts);
    return v;
}
