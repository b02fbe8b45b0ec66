/*
 * mux.c - what one match costs, for bench/mux: an API-like set of routes, requests drawn from it,
 * and one line of numbers.
 *
 *     mux ROUTES [SEED]          measure: memory, building, ns of a match
 *     mux ROUTES [SEED] count    the matches alone, one kind a run of count_KIND() (for callgrind)
 *     mux ROUTES [SEED] list     the routes ("R METHOD HOST PATH"), then requests ("Q ...")
 *
 * A resource has 16 routes; resources belong to services, services to versions of the API, and
 * every sixteenth resource to a host of its own. Requests come in batches of 256, which are written
 * before the clock starts: what is measured is the mux with the request at hand and everything else
 * as the batches before have left it.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "mux/mux.h"

#define BATCH 256
#define BATCHES 2001
#define COUNTED 40
#define HOT 1000

static const struct {
    const char *method, *tail;
} shape[] = {
    { "GET", "" },
    { "POST", "" },
    { "GET", "/{id}" },
    { "PUT", "/{id}" },
    { "DELETE", "/{id}" },
    { "GET", "/{id}/comments" },
    { "POST", "/{id}/comments" },
    { "GET", "/{id}/comments/{comment}" },
    { "POST", "/{id}/archive" },
    { "POST", "/{id}/restore" },
    { "GET", "/search" },
    { "GET", "/{id}/history" },
    { "PUT", "/{id}/settings" },
    { "GET", "/{id}/files/{path...}" },
    { "DELETE", "/{id}/comments/{comment}" },
    { "POST", "/export" },
};

static const char *const nouns[] = {
    "users",    "orders", "invoices", "products",  "teams",     "projects", "tickets", "events",
    "messages", "carts",  "payments", "shipments", "documents", "reports",  "devices", "sessions",
};
static const char *const adjectives[] = {
    "billing", "internal", "public",  "partner", "legacy", "mobile", "core",     "data",
    "search",  "media",    "support", "edge",    "auth",   "market", "identity", "audit",
};

static size_t n_routes, n_services;
static uint64_t seed = 1;
static struct mux *mux;

static size_t any_of(size_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)((seed >> 33) * n >> 31);
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/* "users", ..., "users-billing", ..., "users-billing-2". */
static size_t put_word(char *to, size_t i)
{
    size_t nouns_n = array_len(nouns), all = nouns_n * (1 + array_len(adjectives));
    size_t word = i % all, n = (size_t)sprintf(to, "%s", nouns[word % nouns_n]);

    if (word >= nouns_n)
        n += (size_t)sprintf(to + n, "-%s", adjectives[word / nouns_n - 1]);
    if (i >= all)
        n += (size_t)sprintf(to + n, "-%zu", 1 + i / all);
    return n;
}

/* Without what its routes have behind it. */
static size_t put_resource(char *to, size_t resource)
{
    size_t version = resource % 3, i = resource / 3;
    size_t n = (size_t)sprintf(to, "/api/v%zu/", version + 1);

    n += put_word(to + n, i % n_services);
    to[n++] = '/';
    return n + put_word(to + n, i / n_services);
}

static void put_host(char *to, size_t resource, const char *otherwise)
{
    if (resource % 16 == 15)
        sprintf(to, "tenant%zu.example.org", resource);
    else
        strcpy(to, otherwise);
}

struct asked {
    enum method method;
    struct str token, host, path;
    char host_text[48], path_text[160];
};

static void draw(struct asked *q, size_t route, bool hit)
{
    size_t resource = route / array_len(shape), action = route % array_len(shape);
    char *out = q->path_text + put_resource(q->path_text, resource);
    const char *method = shape[action].method;

    for (const char *c = shape[action].tail; *c;)
        if (*c != '{') {
            *out++ = *c++;
        } else if (strncmp(c, "{path...}", 9) == 0) {
            out += sprintf(out, "a%zu/b.txt", any_of(1000));
            c += 9;
        } else {
            out += sprintf(out, "%zu", any_of(10000000));
            c = strchr(c, '}') + 1;
        }
    if (!hit) {
        size_t way = any_of(4);
        if (way == 0) {
            method = "PATCH";
        } else if (way == 1 && action != 13) {
            out += sprintf(out, "/un/known");
        } else if (way == 2) {
            out = q->path_text + put_resource(q->path_text, resource);
            out += sprintf(out, "/1/unknown");
        } else {
            out = q->path_text + 8 + put_word(q->path_text + 8, any_of(n_services));
        }
    }
    put_host(q->host_text, resource, "www.example.org");
    q->token = str_of(method);
    q->method = method_of(q->token);
    q->host = str_of(q->host_text);
    q->path = str_make(q->path_text, (size_t)(out - q->path_text));
}

/* The text of the i-th route. */
static struct str route_text(char *buffer, size_t i)
{
    size_t resource = i / array_len(shape), action = i % array_len(shape), n;

    n = (size_t)sprintf(buffer, "%s ", shape[action].method);
    put_host(buffer + n, resource, "");
    n += strlen(buffer + n);
    n += put_resource(buffer + n, resource);
    n += (size_t)sprintf(buffer + n, "%s", shape[action].tail);
    return str_make(buffer, n);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static void build(struct arena *patterns, struct arena *arena, bool quiet)
{
    struct pattern *v = calloc(n_routes, sizeof *v);
    size_t before = heap(), peak;
    char buffer[256];

    check(v != NULL);
    int64_t begin = now();
    for (size_t i = 0; i < n_routes; i++)
        route_text(buffer, i);
    int64_t writing = now() - begin;
    begin = now() + writing;
    for (size_t i = 0; i < n_routes; i++) {
        const char *why;
        size_t at;
        check(pattern_parse(route_text(buffer, i), patterns, &v[i], &why, &at) == 0);
    }
    int64_t parsed = now();
    size_t parsed_heap = heap();
    mux = mux_new(arena);
    check(mux != NULL);
    for (size_t i = 0; i < n_routes; i++) {
        void *other = NULL;
        check(mux_add(mux, &v[i], &v[i], &other) == 0);
    }
    int64_t added = now();
    peak = heap();
    check(mux_seal(mux) == 0);
    if (!quiet)
        printf("%zu parse_ms %.1f add_ms %.1f seal_ms %.1f pattern_bytes %.1f mux_bytes %.1f "
               "building_bytes %.1f",
               n_routes, (double)(parsed - begin) / 1e6, (double)(added - parsed) / 1e6,
               (double)(now() - added) / 1e6,
               (double)(parsed_heap - before) / (double)n_routes + (double)sizeof *v,
               (double)(heap() - parsed_heap) / (double)n_routes,
               (double)(peak - parsed_heap) / (double)n_routes);
}

static struct asked batch[BATCH];
static size_t hits;

static void __attribute__((noinline)) match_batch(void)
{
    for (size_t i = 0; i < BATCH; i++) {
        struct mux_match m;
        mux_match(mux, batch[i].method, batch[i].token, batch[i].host, batch[i].path, &m);
        hits += m.route != NULL;
    }
}

/* For callgrind's --toggle-collect: it counts what is done inside. */
void count_hits(void);
void count_misses(void);
void __attribute__((noinline)) count_hits(void)
{
    match_batch();
}
void __attribute__((noinline)) count_misses(void)
{
    match_batch();
    __asm__ volatile("");
}

/* The routes that requests are drawn from: all, or few. */
static size_t hot[HOT];

static void draw_batch(bool few, bool hit)
{
    for (size_t i = 0; i < BATCH; i++)
        draw(&batch[i], few ? hot[any_of(HOT)] : any_of(n_routes), hit);
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* The median of the batches. */
static double measure(bool few, bool hit)
{
    static int64_t times[BATCHES];

    for (size_t i = 0; i < BATCHES; i++) {
        draw_batch(few, hit);
        hits = 0;
        int64_t begin = now();
        match_batch();
        times[i] = now() - begin;
        check(hits == (hit ? BATCH : 0));
    }
    qsort(times, BATCHES, sizeof *times, by_value);
    return (double)times[BATCHES / 2] / BATCH;
}

static void list(void)
{
    char buffer[256];

    for (size_t i = 0; i < n_routes; i++) {
        struct str text = route_text(buffer, i);
        size_t blank = str_chr(text, ' '), slash = str_chr(text, '/');
        printf("R %.*s %.*s %.*s\n", (int)blank, text.p, (int)(slash - blank - 1),
               text.p + blank + 1, str_fmt(str_from(text, slash)));
    }
    for (size_t i = 0; i < 20000; i++) {
        draw(&batch[0], any_of(n_routes), true);
        printf("Q %.*s %.*s %.*s\n", str_fmt(batch[0].token), str_fmt(batch[0].host),
               str_fmt(batch[0].path));
    }
}

int main(int argc, char **argv)
{
    struct arena arena, patterns;
    bool count = argc > 3 && strcmp(argv[3], "count") == 0;

    n_routes = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    while (3 * 16 * n_services * n_services < n_routes)
        n_services++;
    if (argc > 3 && strcmp(argv[3], "list") == 0) {
        list();
        return 0;
    }
    arena_init(&arena, MIB(4096));
    arena_init(&patterns, MIB(4096));
    build(&patterns, &arena, count);
    for (size_t i = 0; i < HOT; i++)
        hot[i] = any_of(n_routes);
    for (size_t i = 0; count && i < COUNTED; i++) {
        draw_batch(false, true);
        count_hits();
        draw_batch(false, false);
        count_misses();
    }
    if (!count)
        printf(" hits %.1f misses %.1f hot_hits %.1f hot_misses %.1f\n", measure(false, true),
               measure(false, false), measure(true, true), measure(true, false));
    arena_done(&arena);
    arena_done(&patterns);
    return 0;
}
