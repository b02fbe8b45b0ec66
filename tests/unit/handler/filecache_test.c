/* filecache_test.c - what a loop remembers of files, and what it lets go. One thread. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handler/filecache.h"

#define SECOND NSEC_PER_SEC
#define ROOM MIB(64)

static struct filecache *cache;

static struct local_max room(size_t bytes)
{
    return (struct local_max){ .bytes = bytes, .files = 1000 };
}

static void setup(void)
{
    cache = filecache_new();
    ck_assert_ptr_nonnull(cache);
}

static void teardown(void)
{
    filecache_free(cache);
}

static struct found_key key_of(const char *name)
{
    return (struct found_key){ .tree = 7, .name = str_of(name) };
}

/* Of a file with `size` bytes of content; 0: with a descriptor instead. */
static struct found *make(struct found_key key, size_t size)
{
    struct lookup l = { .coding = CODING_PLAIN, .version = { .inode = 1, .size = (off_t)size } };
    struct found_about about = { .key = key, .type = STR("text/plain"), .wall = 1000 };

    if (size > 0) {
        l.content = malloc(size);
        ck_assert_ptr_nonnull(l.content);
    } else {
        int fd = memfd_create("found", MFD_CLOEXEC);
        struct stat st;
        ck_assert_int_eq(fstat(fd, &st), 0);
        l.file = file_new(fd, &st, FILE_MEMORY, false);
        ck_assert_ptr_nonnull(l.file);
    }
    struct found *f = found_new(&l, &about);
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_null(l.content);
    ck_assert_ptr_null(l.file);
    return f;
}

static struct found *put(const char *name, size_t size, size_t max, int64_t now)
{
    struct found *f = make(key_of(name), size);

    filecache_put(cache, f, room(max), now, SECOND);
    found_unref(f);
    return f;
}

static struct found *find(const char *name, int64_t now)
{
    struct found_key key = key_of(name);

    return filecache_find(cache, &key, now);
}

START_TEST(found_under_its_key)
{
    struct found *f = put("a/b.txt", 10, ROOM, SECOND);
    struct found_key key = key_of("a/b.txt");

    ck_assert_ptr_eq(find("a/b.txt", SECOND), f);
    ck_assert_int_eq(f->until, 2 * SECOND);
    ck_assert_ptr_null(find("a/b.tx", SECOND));
    ck_assert_ptr_null(find("", SECOND));
    key.tree = 8;
    ck_assert_ptr_null(filecache_find(cache, &key, SECOND));
    key = key_of("a/b.txt");
    key.want = 3;
    ck_assert_ptr_null(filecache_find(cache, &key, SECOND));
    key = key_of("a/b.txt");
    key.fallback = true;
    ck_assert_ptr_null(filecache_find(cache, &key, SECOND));
}
END_TEST

START_TEST(replaced)
{
    struct found *old = make(key_of("a"), 10);

    filecache_put(cache, old, room(ROOM), SECOND, SECOND);
    struct found *new = put("a", 20, ROOM, 2 * SECOND);
    ck_assert_ptr_eq(find("a", 2 * SECOND), new);
    ck_assert(!old->cached);
    ck_assert_uint_eq(old->refs, 1); /* ours */
    found_unref(old);
}
END_TEST

START_TEST(put_again_is_a_look)
{
    struct found *f = put("a", 10, ROOM, SECOND);

    filecache_put(cache, f, room(ROOM), 5 * SECOND, SECOND);
    ck_assert_int_eq(f->until, 6 * SECOND);
    ck_assert_uint_eq(f->refs, 1);
    ck_assert_ptr_eq(find("a", 5 * SECOND), f);
}
END_TEST

START_TEST(memory_is_bounded)
{
    struct found *kept = make(key_of("kept"), 1000);
    size_t each = kept->bytes, max = 10 * each;
    char name[16];

    filecache_put(cache, kept, room(max), 0, SECOND);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        struct found *f = put(name, 1000, max, i);
        ck_assert_ptr_eq(find(name, i), f);
        ck_assert_ptr_eq(find("kept", i), kept); /* used last but one */
    }
    unsigned n = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        bool there = find(name, 100) != NULL;
        n += there;
        ck_assert(there == (i >= 91));
    }
    ck_assert_uint_eq(n, 9);
    found_unref(kept);
}
END_TEST

START_TEST(bound_that_becomes_less)
{
    struct found *f = make(key_of("a"), 1000);

    put("b", 1000, ROOM, 0);
    filecache_put(cache, f, room(ROOM), 1, SECOND);
    filecache_put(cache, f, room(f->bytes), 2, SECOND);
    ck_assert_ptr_eq(find("a", 2), f);
    ck_assert_ptr_null(find("b", 2));
    filecache_put(cache, f, room(0), 3, SECOND);
    ck_assert(!f->cached);
    ck_assert_ptr_null(find("a", 3));
    found_unref(f);
}
END_TEST

START_TEST(too_large_is_not_kept)
{
    put("a", 100, ROOM, 0);
    struct found *f = make(key_of("b"), 100000);

    filecache_put(cache, f, room(50000), 0, SECOND);
    ck_assert(!f->cached);
    ck_assert_ptr_null(find("b", 0));
    ck_assert_ptr_nonnull(find("a", 0)); /* nothing went for it */
    found_unref(f);
    f = make(key_of("c"), 10);
    filecache_put(cache, f, room(0), 0, SECOND); /* no room at all */
    ck_assert(!f->cached);
    found_unref(f);
}
END_TEST

START_TEST(descriptors_go_when_past_their_time)
{
    struct found *f = make(key_of("big"), 0);
    int fd = f->file->fd;

    filecache_put(cache, f, room(ROOM), SECOND, SECOND);
    found_unref(f);
    put("small", 10, ROOM, SECOND);
    ck_assert(filecache_tick(cache, SECOND + SECOND / 2));
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    ck_assert(filecache_tick(cache, 2 * SECOND + 1));
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
    ck_assert_ptr_null(find("big", 3 * SECOND));
    ck_assert_ptr_nonnull(find("small", 3 * SECOND));
}
END_TEST

START_TEST(each_descriptor_has_its_own_time)
{
    struct found *f = make(key_of("long"), 0);

    filecache_put(cache, f, room(ROOM), SECOND, 10 * SECOND);
    found_unref(f);
    put("short", 0, ROOM, SECOND);
    ck_assert(filecache_tick(cache, 3 * SECOND));
    ck_assert_ptr_null(find("short", 3 * SECOND));
    ck_assert_ptr_eq(find("long", 3 * SECOND), f);
}
END_TEST

START_TEST(a_descriptor_in_use_stays_open)
{
    struct found *f = make(key_of("big"), 0);
    int fd = f->file->fd;

    filecache_put(cache, f, room(ROOM), SECOND, SECOND);
    filecache_tick(cache, 10 * SECOND);
    ck_assert(!f->cached);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    found_unref(f);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
}
END_TEST

START_TEST(descriptors_are_bounded)
{
    int first = -1, fds = 0;
    char name[16];

    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        struct found *f = put(name, 0, ROOM, i);
        if (first < 0)
            first = f->file->fd;
    }
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        fds += find(name, 400) != NULL;
    }
    ck_assert_int_eq(fds, 256);
    ck_assert_ptr_null(find("f000", 400));
    ck_assert_ptr_nonnull(find("f399", 400));
}
END_TEST

/* What is sent and in no cache is charged, be it that there is no room or that it had to go. */
START_TEST(without_a_cache_it_is_charged)
{
    struct budget memory = { .max = 2500 };
    struct found *a = make(key_of("a"), 1000), *b = make(key_of("b"), 1000);
    size_t both = a->bytes + b->bytes;

    ck_assert_uint_gt(both, memory.max);
    a->memory = b->memory = &memory;
    filecache_put(cache, a, room(a->bytes), 0, SECOND);
    ck_assert(found_charge(a));
    ck_assert_uint_eq(memory.used, 0);
    filecache_put(cache, b, room(b->bytes), 0, SECOND);
    ck_assert(!a->cached && a->charged);
    ck_assert_uint_eq(memory.used, a->bytes);
    filecache_put(cache, b, room(0), 0, SECOND); /* as after a reload */
    ck_assert(!b->cached);
    ck_assert_uint_eq(memory.used, both); /* past the bound */
    found_unref(a);
    filecache_put(cache, b, room(b->bytes), 0, SECOND);
    ck_assert_uint_eq(memory.used, 0);
    found_unref(b);
    struct found *c = make(key_of("c"), 3000);
    c->memory = &memory;
    ck_assert(!found_charge(c));
    found_unref(c);
    ck_assert_uint_eq(memory.used, 0);
}
END_TEST

START_TEST(few_descriptors)
{
    struct local_max few = { .bytes = ROOM, .files = 2 };

    for (int i = 0; i < 3; i++) {
        char name[] = { 'a', (char)('0' + i), '\0' };
        struct found *f = make(key_of(name), 0);
        filecache_put(cache, f, few, i, SECOND);
        found_unref(f);
    }
    ck_assert_ptr_null(find("a0", 3));
    ck_assert_ptr_nonnull(find("a1", 3));
    ck_assert_ptr_nonnull(find("a2", 3));
    few.files = 0;
    struct found *f = make(key_of("b"), 0);
    filecache_put(cache, f, few, 3, SECOND);
    ck_assert(!f->cached);
    found_unref(f);
}
END_TEST

START_TEST(the_unused_goes)
{
    put("a", 10, ROOM, SECOND);
    put("b", 10, ROOM, SECOND);
    ck_assert_ptr_nonnull(find("b", 150 * SECOND));
    ck_assert(filecache_tick(cache, 302 * SECOND));
    ck_assert_ptr_null(find("a", 302 * SECOND));
    ck_assert_ptr_nonnull(find("b", 302 * SECOND));
    ck_assert(!filecache_tick(cache, 900 * SECOND)); /* nothing left to wait for */
}
END_TEST

START_TEST(many)
{
    char name[24];

    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "dir/%d/file", i);
        put(name, 8, ROOM, 1);
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "dir/%d/file", i);
        struct found *f = find(name, 2);
        ck_assert_ptr_nonnull(f);
        ck_assert(str_eq(f->key.name, str_of(name)));
    }
}
END_TEST

START_TEST(fields)
{
    struct lookup l = {
        .coding = CODING_GZIP,
        .siblings = 1u << CODING_GZIP,
        .version = { .inode = 0xab, .size = 16, .modified = { 1000, 5 } },
        .content = malloc(16),
    };
    struct found_about about = {
        .key = key_of("a.js"), .type = STR("text/javascript"), .no_cache = true, .wall = 999
    };
    static const struct {
        const char *name, *value;
        bool validating;
    } expected[] = {
        { "ETag", "\"ffb9d2f64ffa379d\"", true },
        { "Last-Modified", "Thu, 01 Jan 1970 00:16:39 GMT", true }, /* not in the future */
        { "Vary", "Accept, Accept-Encoding", true },
        { "Cache-Control", "no-cache", true },
        { "Content-Type", "text/javascript", false },
        { "X-Content-Type-Options", "nosniff", false },
        { "Accept-Ranges", "bytes", false },
        { "Content-Encoding", "gzip", false },
    };
    struct found *f = found_new(&l, &about);

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(f->n_fields, array_len(expected));
    for (size_t i = 0; i < array_len(expected); i++) {
        ck_assert_msg(str_is(f->fields[i].name, expected[i].name), "%zu", i);
        ck_assert_msg(str_is(f->fields[i].value, expected[i].value), "%zu: %.*s", i,
                      str_fmt(f->fields[i].value));
        ck_assert((i < f->n_validating) == expected[i].validating);
    }
    ck_assert_int_eq(f->modified, 999);
    found_unref(f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handler/filecache");
    TCase *tc = tcase_create("filecache");
    SRunner *sr = srunner_create(s);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, found_under_its_key);
    tcase_add_test(tc, replaced);
    tcase_add_test(tc, put_again_is_a_look);
    tcase_add_test(tc, memory_is_bounded);
    tcase_add_test(tc, bound_that_becomes_less);
    tcase_add_test(tc, too_large_is_not_kept);
    tcase_add_test(tc, descriptors_go_when_past_their_time);
    tcase_add_test(tc, each_descriptor_has_its_own_time);
    tcase_add_test(tc, a_descriptor_in_use_stays_open);
    tcase_add_test(tc, descriptors_are_bounded);
    tcase_add_test(tc, without_a_cache_it_is_charged);
    tcase_add_test(tc, few_descriptors);
    tcase_add_test(tc, the_unused_goes);
    tcase_add_test(tc, many);
    tcase_add_test(tc, fields);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
