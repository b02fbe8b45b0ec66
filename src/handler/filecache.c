/*
 * filecache.c - see filecache.h. A hash table of chains that doubles when full, and two lists: all
 * by their last use, and those with a descriptor by the time of their last look. Only names of
 * files that are there come in, so a client cannot make them collide. The loop.
 */
#include "handler/filecache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "http/date.h"

#define SLOTS_FIRST 64
#define FILES_MAX 256                   /* descriptors that a loop keeps, at most */
#define UNUSED_MAX (300 * NSEC_PER_SEC) /* what is not used that long goes */
#define ETAG_MAX (3 * 16 + 4 + 1)       /* three numbers in hex, two dashes, two quotes, NUL */

struct filecache {
    struct found **slots; /* a power of two of them */
    size_t n_slots, n, n_files, bytes;
    struct list by_use;  /* the latest first */
    struct list by_file; /* the longest ago first */
};

/* ---- what was found */

static void add_field(struct found *f, struct str name, struct str value)
{
    check(f->n_fields < FOUND_FIELDS_MAX);
    f->fields[f->n_fields++] = (struct field){ name, value, FIELD_OTHER };
}

static void add_fields(struct found *f, const struct found_about *about, struct str date)
{
    add_field(f, STR("ETag"), f->etag);
    add_field(f, STR("Last-Modified"), date);
    if (f->siblings != 0)
        add_field(f, STR("Vary"),
                  about->no_cache ? STR("Accept, Accept-Encoding") : STR("Accept-Encoding"));
    else if (about->no_cache)
        add_field(f, STR("Vary"), STR("Accept"));
    if (about->no_cache)
        add_field(f, STR("Cache-Control"), STR("no-cache"));
    f->n_validating = f->n_fields;
    add_field(f, STR("Content-Type"), f->type);
    add_field(f, STR("X-Content-Type-Options"), STR("nosniff"));
    add_field(f, STR("Accept-Ranges"), STR("bytes"));
    if (f->coding != CODING_PLAIN)
        add_field(f, STR("Content-Encoding"), coding_name(f->coding));
}

static char *put_text(char *at, struct str s, struct str *ret)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    *ret = str_make(at, s.n);
    return at + s.n;
}

struct found *found_new(struct lookup *l, const struct found_about *about)
{
    const struct version *v = &l->version;
    size_t text = about->key.name.n + about->type.n + HTTP_DATE_LEN + ETAG_MAX;
    struct found *f = malloc(sizeof *f + text);

    if (f == NULL)
        return NULL;
    *f = (struct found){ .version = *v,
                         .young = l->young,
                         .siblings = l->siblings,
                         .coding = l->coding,
                         .file = l->file,
                         .content = l->content,
                         .key = about->key,
                         .memory = about->memory,
                         .refs = 1 };
    f->bytes = sizeof *f + text + (l->content != NULL ? (size_t)v->size : 0);
    l->file = NULL;
    l->content = NULL;
    list_init(&f->by_use);
    list_init(&f->by_file);
    char *at = put_text(f->text, about->key.name, &f->key.name);
    at = put_text(at, about->type, &f->type);
    /* A date to come would never be a validator (RFC 9110 section 8.8.2.1). */
    f->modified = max_of(min_of((int64_t)v->modified.tv_sec, about->wall), (int64_t)0);
    date_format(f->modified, at);
    struct str date = str_make(at, HTTP_DATE_LEN);
    at += HTTP_DATE_LEN;
    uint64_t modified =
        (uint64_t)v->modified.tv_sec * (uint64_t)NSEC_PER_SEC + (uint64_t)v->modified.tv_nsec;
    int n = snprintf(at, ETAG_MAX, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", (uint64_t)v->inode,
                     (uint64_t)v->size, modified);
    f->etag = str_make(at, (size_t)n);
    add_fields(f, about, date);
    return f;
}

struct found *found_ref(struct found *f)
{
    f->refs++;
    return f;
}

void found_unref(struct found *f)
{
    if (f == NULL || --f->refs > 0)
        return;
    if (f->charged)
        budget_give(f->memory, f->bytes);
    file_unref(f->file);
    free(f->content);
    free(f);
}

bool found_charge(struct found *f)
{
    if (!f->cached && !f->charged)
        f->charged = budget_take(f->memory, f->bytes);
    return f->cached || f->charged;
}

/* ---- the cache */

static uint64_t hash_of(const struct found_key *key)
{
    uint64_t h = key->tree * 128 + (uint64_t)key->want * 2 + key->fallback;
    size_t at = 0;

    for (; at + 8 <= key->name.n; at += 8) {
        uint64_t word;
        memcpy(&word, key->name.p + at, sizeof word);
        h = ((h << 23 | h >> 41) ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    for (; at < key->name.n; at++)
        h = (h ^ (unsigned char)key->name.p[at]) * UINT64_C(0x100000001b3);
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static bool key_same(const struct found_key *a, const struct found_key *b)
{
    return a->tree == b->tree && a->want == b->want && a->fallback == b->fallback &&
           str_eq(a->name, b->name);
}

struct filecache *filecache_new(void)
{
    struct filecache *c = malloc(sizeof *c);

    if (c == NULL)
        return NULL;
    *c = (struct filecache){ .slots = calloc(SLOTS_FIRST, sizeof *c->slots),
                             .n_slots = SLOTS_FIRST };
    list_init(&c->by_use);
    list_init(&c->by_file);
    if (c->slots == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void filecache_drop(struct filecache *c, struct found *f)
{
    if (f == NULL || !f->cached)
        return;
    struct found **at = &c->slots[f->hash & (c->n_slots - 1)];
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    list_remove(&f->by_use);
    c->n_files -= list_linked(&f->by_file);
    list_remove(&f->by_file);
    c->n--;
    c->bytes -= f->bytes;
    f->cached = false;
    if (f->refs > 1) {
        budget_charge(f->memory, f->bytes);
        f->charged = true;
    }
    found_unref(f);
}

void filecache_free(struct filecache *c)
{
    if (c == NULL)
        return;
    while (!list_empty(&c->by_use))
        filecache_drop(c, list_first(&c->by_use, struct found, by_use));
    free(c->slots);
    free(c);
}

bool filecache_tick(struct filecache *c, int64_t now)
{
    list_each_safe (f, &c->by_file, struct found, by_file)
        if (now >= f->until)
            filecache_drop(c, f);
    while (!list_empty(&c->by_use)) {
        struct found *f = list_last(&c->by_use, struct found, by_use);
        if (now - f->used < UNUSED_MAX)
            break;
        filecache_drop(c, f);
    }
    return c->n > 0;
}

static struct found *find(struct filecache *c, const struct found_key *key, uint64_t hash)
{
    struct found *f = c->slots[hash & (c->n_slots - 1)];

    while (f != NULL && (f->hash != hash || !key_same(&f->key, key)))
        f = f->next;
    return f;
}

struct found *filecache_find(struct filecache *c, const struct found_key *key, int64_t now)
{
    struct found *f = find(c, key, hash_of(key));

    if (f != NULL) {
        f->used = now;
        list_remove(&f->by_use);
        list_push_front(&c->by_use, &f->by_use);
    }
    return f;
}

/* Without memory the chains get longer. */
static void grow(struct filecache *c)
{
    size_t n = c->n_slots * 2;
    struct found **slots = calloc(n, sizeof *slots);

    if (slots == NULL)
        return;
    list_each (f, &c->by_use, struct found, by_use) {
        f->next = slots[f->hash & (n - 1)];
        slots[f->hash & (n - 1)] = f;
    }
    free(c->slots);
    c->slots = slots;
    c->n_slots = n;
}

/* Just looked at. */
static void stamp(struct filecache *c, struct found *f, int64_t now, int64_t fresh)
{
    f->used = now;
    f->until = now + fresh;
    list_remove(&f->by_file);
    if (f->file != NULL)
        list_push_back(&c->by_file, &f->by_file);
}

void filecache_put(struct filecache *c, struct found *f, struct local_max max, int64_t now,
                   int64_t fresh)
{
    if (f->cached) {
        stamp(c, f, now, fresh);
        return;
    }
    f->hash = hash_of(&f->key);
    struct found *old = find(c, &f->key, f->hash);
    if (old != NULL)
        filecache_drop(c, old);
    if (f->bytes > max.bytes || (f->file != NULL && max.files == 0))
        return;
    while (c->n > 0 && c->bytes + f->bytes > max.bytes)
        filecache_drop(c, list_last(&c->by_use, struct found, by_use));
    if (f->file != NULL && c->n_files >= min_of(max.files, (size_t)FILES_MAX))
        filecache_drop(c, list_first(&c->by_file, struct found, by_file));
    if (c->n >= c->n_slots)
        grow(c);
    f->next = c->slots[f->hash & (c->n_slots - 1)];
    c->slots[f->hash & (c->n_slots - 1)] = f;
    list_push_front(&c->by_use, &f->by_use);
    c->n++;
    c->n_files += f->file != NULL;
    c->bytes += f->bytes;
    f->cached = true;
    if (f->charged)
        budget_give(f->memory, f->bytes);
    f->charged = false;
    found_ref(f);
    stamp(c, f, now, fresh);
}
