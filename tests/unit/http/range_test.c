/* range_test.c - the Range field against bodies of several sizes: rows, and random sets against a
 * reference that paints bytes. One thread. */
#include "http/range.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/share.h"

struct row {
    const char *value;
    uint64_t size;
    enum range_result result;
    uint64_t first, length;
};

static const struct row rows[] = {
    { "bytes=0-0", 10, RANGE_SOME, 0, 1 },
    { "bytes=0-9", 10, RANGE_SOME, 0, 10 },
    { "bytes=0-10", 10, RANGE_SOME, 0, 10 },
    { "bytes=3-5", 10, RANGE_SOME, 3, 3 },
    { "bytes=9-9", 10, RANGE_SOME, 9, 1 },
    { "bytes=9-", 10, RANGE_SOME, 9, 1 },
    { "bytes=0-", 10, RANGE_SOME, 0, 10 },
    { "BYTES=1-2", 10, RANGE_SOME, 1, 2 },
    { "bYtEs=01-002", 10, RANGE_SOME, 1, 2 },
    { "bytes=-1", 10, RANGE_SOME, 9, 1 },
    { "bytes=-10", 10, RANGE_SOME, 0, 10 },
    { "bytes=-11", 10, RANGE_SOME, 0, 10 },
    { "bytes=-99999999999999999999999", 10, RANGE_SOME, 0, 10 },
    { "bytes=5-99999999999999999999999", 10, RANGE_SOME, 5, 5 },
    { "bytes=5-18446744073709551615", 10, RANGE_SOME, 5, 5 },
    { "bytes=0-18446744073709551615", UINT64_MAX, RANGE_SOME, 0, UINT64_MAX },
    { "bytes=18446744073709551614-", UINT64_MAX, RANGE_SOME, UINT64_MAX - 1, 1 },
    { "bytes=10-", 10, RANGE_NONE, 0, 0 },
    { "bytes=10-20", 10, RANGE_NONE, 0, 0 },
    { "bytes=99999999999999999999-", 10, RANGE_NONE, 0, 0 },
    { "bytes=99999999999999999999-999999999999999999999", 10, RANGE_NONE, 0, 0 },
    { "bytes=-0", 10, RANGE_NONE, 0, 0 },
    { "bytes=0-", 0, RANGE_NONE, 0, 0 },
    { "bytes=0-0", 0, RANGE_NONE, 0, 0 },
    { "bytes=-0", 0, RANGE_NONE, 0, 0 },
    { "bytes=-0,7-", 0, RANGE_NONE, 0, 0 },
    /* A suffix of nothing can be satisfied, but not told. */
    { "bytes=-1", 0, RANGE_IGNORE, 0, 0 },
    { "bytes=0-,-1", 0, RANGE_IGNORE, 0, 0 },
    { "", 10, RANGE_IGNORE, 0, 0 },
    { "bytes", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=-", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=5", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=5-4", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=99999999999999999999-4", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=99999999999999999999x-", 10, RANGE_IGNORE, 0, 0 },
    { "bytes= 0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0 -0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0 ", 10, RANGE_IGNORE, 0, 0 },
    { "bytes =0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=+0-0", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0x0-1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=--1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0--1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=a-b", 10, RANGE_IGNORE, 0, 0 },
    { "items=0-1", 10, RANGE_IGNORE, 0, 0 },
    { "byte=0-1", 10, RANGE_IGNORE, 0, 0 },
    { "bytesx=0-1", 10, RANGE_IGNORE, 0, 0 },
    /* Empty elements, and blanks beside a comma. */
    { "bytes=0-0,", 10, RANGE_SOME, 0, 1 },
    { "bytes=,0-0", 10, RANGE_SOME, 0, 1 },
    { "bytes=,\t, ,0-0 ,,", 10, RANGE_SOME, 0, 1 },
    { "bytes=,", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=, ,", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0, 5 -6", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0;5-6", 10, RANGE_IGNORE, 0, 0 },
    /* Those outside do not count, but the malformed spoil all. */
    { "bytes=10-, 0-0, -0, 99-100", 10, RANGE_SOME, 0, 1 },
    { "bytes=10-, -0, 99-100", 10, RANGE_NONE, 0, 0 },
    { "bytes=10-, x", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0, 5-4", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-0, bytes=5-6", 10, RANGE_IGNORE, 0, 0 },
    /* More than there is. */
    { "bytes=0-,5-5", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-5,4-8", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-99999999999999999999,5-6", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=-99999999999999999999,-1", 10, RANGE_IGNORE, 0, 0 },
    { "bytes=0-18446744073709551614,0-0", UINT64_MAX, RANGE_IGNORE, 0, 0 },
    /* Near ones are one. */
    { "bytes=0-0,5-6", 10, RANGE_SOME, 0, 7 },
    { "bytes=5-6,0-0", 10, RANGE_SOME, 0, 7 },
    { "bytes=0-4,5-9", 10, RANGE_SOME, 0, 10 },
    { "bytes=0-4,2-6", 10, RANGE_SOME, 0, 7 },
    { "bytes=0-6,2-4", 10, RANGE_SOME, 0, 7 },
    { "bytes=-1,0-0", 10, RANGE_SOME, 0, 10 },
    { "bytes=0-0,80-80", 1000, RANGE_SOME, 0, 81 },
    { "bytes=18446744073709551614-,18446744073709551610-18446744073709551611", UINT64_MAX,
      RANGE_SOME, UINT64_MAX - 5, 5 },
};

START_TEST(test_parse)
{
    const struct row *c = &rows[_i];
    struct ranges r = { .n = 0 };

    ck_assert_int_eq(range_parse(str_of(c->value), c->size, &r), c->result);
    ck_assert_uint_eq(r.n, c->result == RANGE_SOME);
    if (c->result == RANGE_SOME) {
        ck_assert_uint_eq(r.v[0].first, c->first);
        ck_assert_uint_eq(r.v[0].length, c->length);
    }
}
END_TEST

/* first+length of each, in the order they come. */
static const struct {
    const char *value, *want;
} several[] = {
    { "bytes=0-0,81-81", "0+1 81+1" },
    { "bytes=81-81,0-0", "81+1 0+1" },
    { "bytes=500-599, -10, 0-9", "500+100 990+10 0+10" },
    { "bytes=500-599, -10, 0-9, 585-600", "0+10 500+101 990+10" },
    { "bytes=500-599, -10, 2000-, 0-9", "500+100 990+10 0+10" },
    { "bytes=900-,0-,", "" },
    { "bytes=0-99,180-199,280-299", "0+100 180+20 280+20" },
    { "bytes=280-299,0-99,180-199", "280+20 0+100 180+20" },
    { "bytes=0-99,180-199,279-299", "0+100 180+120" },
    { "bytes=279-299,0-99,180-199", "0+100 180+120" },
    { "bytes=279-299,0-99,179-199", "0+300" },
};

static void put(char *text, size_t n, const struct ranges *r)
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < r->n; i++)
        at += (size_t)snprintf(text + at, n - at, "%s%" PRIu64 "+%" PRIu64, i > 0 ? " " : "",
                               r->v[i].first, r->v[i].length);
}

START_TEST(test_several)
{
    struct ranges r = { .n = 0 };
    char got[2048];

    (void)range_parse(str_of(several[_i].value), 1000, &r);
    put(got, sizeof got, &r);
    ck_assert_str_eq(got, several[_i].want);
}
END_TEST

/* As many ranges as there may be, and one more. */
START_TEST(test_bounds)
{
    struct ranges r = { .n = 0 };
    char text[4096] = "bytes=";
    size_t at = 6;

    for (unsigned i = 1; i <= RANGES_ASKED_MAX + 1; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u-%u", i > 1 ? "," : "", i * 100,
                               i * 100);
        ck_assert_int_eq(range_parse(str_make(text, at), 100000, &r),
                         i <= RANGES_MAX ? RANGE_SOME : RANGE_IGNORE);
        ck_assert_uint_eq(r.n, min_of(i, RANGES_MAX));
    }
    /* What is near, or outside, counts as asked for, but not as answered. */
    at = 6;
    for (unsigned i = 1; i <= RANGES_ASKED_MAX + 1; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u-", i > 1 ? "," : "", 200000 + i);
        ck_assert_int_eq(range_parse(str_make(text, at), 100000, &r),
                         i <= RANGES_ASKED_MAX ? RANGE_NONE : RANGE_IGNORE);
    }
    at = 6;
    for (unsigned i = 1; i <= RANGES_ASKED_MAX + 1; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u-%u,", i > 1 ? "," : "", i, i);
        ck_assert_int_eq(range_parse(str_make(text, at), 100000, &r),
                         i <= RANGES_ASKED_MAX ? RANGE_SOME : RANGE_IGNORE);
        ck_assert_uint_eq(r.n, 1);
    }
}
END_TEST

/* ---- random sets: each is made as numbers, so that the reference reads no text */

#define SETS 40000u
#define BODY_MAX 6000

struct set {
    uint64_t size;
    bool malformed;
    size_t n;
    struct {
        bool suffix, open, beyond; /* beyond: the last is past 64 bits */
        uint64_t first, last;      /* first: the length of a suffix */
    } v[RANGES_ASKED_MAX + 2];
    char text[8192];
    size_t at;
};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return n == 0 ? 0 : (seed >> 11) % n;
}

static void add(struct set *s, const char *text)
{
    s->at += (size_t)snprintf(s->text + s->at, sizeof s->text - s->at, "%s", text);
    ck_assert_uint_lt(s->at, sizeof s->text);
}

static void add_number(struct set *s, uint64_t n)
{
    char digits[40];

    snprintf(digits, sizeof digits, "%s%" PRIu64, below(20) == 0 ? "000" : "", n);
    add(s, digits);
}

static void add_comma(struct set *s)
{
    static const char *const commas[] = { ",", ",", ", ", " ,", "\t,\t ", ",,", ", ,", " ,\t, " };

    add(s, commas[below(array_len(commas))]);
}

static void add_range(struct set *s)
{
    const uint64_t reach = s->size + s->size / 8 + 1;
    size_t i = s->n++;

    s->v[i].suffix = below(8) == 0;
    s->v[i].open = !s->v[i].suffix && below(12) == 0;
    s->v[i].beyond = !s->v[i].suffix && !s->v[i].open && below(24) == 0;
    s->v[i].first = s->v[i].suffix ? below(3) * below(reach / 8 + 1) : below(reach);
    s->v[i].last = s->v[i].first + below(below(4) == 0 ? reach : 40);
    if (!s->v[i].suffix)
        add_number(s, s->v[i].first);
    add(s, "-");
    if (s->v[i].suffix)
        add_number(s, s->v[i].first);
    else if (s->v[i].beyond)
        add(s, "36893488147419103232");
    else if (!s->v[i].open)
        add_number(s, s->v[i].last);
}

static void add_malformed(struct set *s)
{
    static const char *const wrong[] = { "-",
                                         "5",
                                         "5-4",
                                         "a-b",
                                         "0x0-1",
                                         "+1-2",
                                         "1-2x",
                                         "--1",
                                         "1--2",
                                         "1 -2",
                                         "1- 2",
                                         "1-2-3",
                                         "1-2;3",
                                         "1.0-2",
                                         "\"1-2\"",
                                         "bytes=1-2",
                                         "18446744073709551616-5" };

    s->malformed = true;
    add(s, wrong[below(array_len(wrong))]);
}

static void make_set(struct set *s)
{
    static const char *const units[] = { "bytes=", "bytes=", "BYTES=", "byTes=" };
    static const char *const no_units[] = { "bytes", "byte=", "lines=", "bytes =", "bytes= ", "" };
    bool few = below(2) == 0, sparse = below(2) == 0;
    size_t n = few ? below(4) + 1 : below(below(10) == 0 ? RANGES_ASKED_MAX + 2 : 24) + 1;

    *s = (struct set){ .size = below(12) == 0 ? below(3) : below(BODY_MAX) };
    s->malformed = below(25) == 0;
    add(s, s->malformed ? no_units[below(array_len(no_units))] : units[below(array_len(units))]);
    if (below(20) == 0)
        add(s, ",");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            add_comma(s);
        if (below(sparse ? 4000 : 60) == 0)
            add_malformed(s);
        else
            add_range(s);
    }
    if (below(20) == 0)
        add(s, ",");
}

/* What there should be, and in *ret. */
static enum range_result reference(const struct set *s, struct ranges *ret)
{
    static bool asked[BODY_MAX + RANGE_GAP + 1];
    struct range some[RANGES_ASKED_MAX + 2], runs[BODY_MAX];
    uint64_t total = 0;
    size_t n = 0, n_runs = 0;
    bool unsayable = false;

    memset(asked, 0, sizeof asked);
    for (size_t i = 0; i < s->n; i++) {
        uint64_t first = s->v[i].first, end = s->v[i].last + 1;
        if (s->v[i].open || s->v[i].beyond || end > s->size)
            end = s->size;
        if (s->v[i].suffix) {
            end = s->size;
            first = s->v[i].first > s->size ? 0 : s->size - s->v[i].first;
            unsayable |= s->size == 0 && s->v[i].first > 0;
        }
        if (first >= end)
            continue;
        some[n++] = (struct range){ first, end - first };
        total += end - first;
        for (uint64_t at = first; at < end; at++)
            asked[at] = true;
    }
    if (s->malformed || unsayable || s->n == 0 || s->n > RANGES_ASKED_MAX || total > s->size)
        return RANGE_IGNORE;
    if (n == 0)
        return RANGE_NONE;
    for (uint64_t at = 0; at < s->size; at++) {
        if (!asked[at])
            continue;
        uint64_t last = n_runs == 0 ? 0 : runs[n_runs - 1].first + runs[n_runs - 1].length;
        if (n_runs == 0 || at - last >= RANGE_GAP)
            runs[n_runs++] = (struct range){ at, 1 };
        else
            runs[n_runs - 1].length = at + 1 - runs[n_runs - 1].first;
    }
    if (n_runs > RANGES_MAX)
        return RANGE_IGNORE;
    ret->n = n_runs;
    memcpy(ret->v, n_runs == n ? some : runs, n_runs * sizeof *runs);
    return RANGE_SOME;
}

START_TEST(test_random)
{
    static struct set s;
    unsigned seen[3] = { 0 }, of_several = 0, ascending = 0, sets = share_of(SETS);

    for (unsigned i = 0; i < sets; i++) {
        struct ranges want = { .n = 0 }, got = { .n = 0 };
        char want_text[2048], got_text[2048];
        make_set(&s);
        char *text = malloc(s.at); /* exactly as long, for the sanitizers */
        ck_assert_ptr_nonnull(text);
        memcpy(text, s.text, s.at);
        enum range_result expected = reference(&s, &want);
        enum range_result result = range_parse(str_make(text, s.at), s.size, &got);
        put(want_text, sizeof want_text, &want);
        put(got_text, sizeof got_text, &got);
        ck_assert_msg(result == expected && strcmp(want_text, got_text) == 0,
                      "\"%s\" of %" PRIu64 ": %d \"%s\", should be %d \"%s\"", s.text, s.size,
                      (int)result, got_text, (int)expected, want_text);
        free(text);
        seen[result]++;
        of_several += got.n > 1;
        ascending += got.n > 2 && s.n > got.n;
    }
    /* None of this says anything if one outcome is rare. */
    ck_assert_uint_gt(seen[RANGE_IGNORE], sets / 20);
    ck_assert_uint_gt(seen[RANGE_SOME], sets / 20);
    ck_assert_uint_gt(seen[RANGE_NONE], sets / 100);
    ck_assert_uint_gt(of_several, sets / 20);
    ck_assert_uint_gt(ascending, sets / 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("range");
    TCase *t = tcase_create("range");

    tcase_add_loop_test(t, test_parse, 0, array_len(rows));
    tcase_add_loop_test(t, test_several, 0, array_len(several));
    tcase_add_test(t, test_bounds);
    tcase_add_test(t, test_random);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
