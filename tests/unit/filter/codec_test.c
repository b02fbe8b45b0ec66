/* codec_test.c - what each codec makes is read by its library's decoder, in whatever pieces and
 * with whatever flushes; its memory is bounded, charged and given back. One thread. */
#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "filter/codec.h"
#include "unit/filter/decode.h"

#define TEXT_SIZE KIB(300)

static char *text; /* words in a random order, like a page; then noise */
static unsigned seed;

static unsigned next_random(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % below;
}

static void setup(void)
{
    static const char *const words[] = { "the ", "of ",  "route ",  "<p>",       "</p>\n", "class=",
                                         "\"",   "muxd", " answer", "\xc3\xa9t", "{ ",     "};\n" };
    size_t n = 0;

    seed = 7;
    text = malloc(TEXT_SIZE);
    ck_assert_ptr_nonnull(text);
    while (n < TEXT_SIZE * 3 / 4) {
        const char *word = words[next_random(array_len(words))];
        for (; *word != '\0'; word++)
            text[n++] = *word;
        text[n++] = (char)('a' + next_random(26));
    }
    while (n < TEXT_SIZE)
        text[n++] = (char)next_random(256);
}

static void teardown(void)
{
    free(text);
}

/* The i-th of those built in, or NULL. */
static const struct codec *codec_at(int i)
{
    return codec_find(str_of(codec_names[i]));
}

/* All of one run, by outputs of at most `room`; adds to out. */
static void run(const struct codec *c, void *state, struct str in, size_t room, struct buf *out,
                enum codec_how how)
{
    struct codec_io io = { .in = in.p, .in_n = in.n };
    int r;

    do {
        ck_assert_int_eq(buf_room(out, room), 0);
        io.out = buf_tail(out);
        io.out_n = room;
        r = c->run(state, &io, how);
        ck_assert_int_ge(r, 0);
        buf_added(out, room - io.out_n);
        ck_assert(r == 1 || io.out_n == 0);
    } while (r == 0);
    ck_assert_uint_eq(io.in_n, 0);
}

static void assert_decodes(const struct codec *c, const struct buf *out, struct str expected,
                           bool whole)
{
    struct buf back;

    buf_init(&back, MIB(4));
    ck_assert_int_eq(decode(c->name, buf_str(out), &back), whole ? 0 : -EAGAIN);
    ck_assert(str_eq(buf_str(&back), expected));
    buf_done(&back);
}

START_TEST(in_one_go)
{
    static const size_t sizes[] = { 0, 1, 100, 1024, KIB(16), KIB(16) + 1, KIB(64), TEXT_SIZE };

    for (int i = 0; codec_names[i] != NULL; i++)
        for (unsigned level = 1; level <= CODEC_LEVEL_MAX && codec_at(i) != NULL; level++) {
            const struct codec *c = codec_at(i);
            size_t size = sizes[_i];
            struct buf out;
            void *state = c->new (level, size, NULL);
            buf_init(&out, MIB(4));
            ck_assert_ptr_nonnull(state);
            run(c, state, str_make(text, size), KIB(32), &out, CODEC_END);
            assert_decodes(c, &out, str_make(text, size), true);
            if (size >= 1024 && size <= KIB(64))
                ck_assert_uint_lt(buf_len(&out), size * 2 / 3);
            buf_done(&out);
            c->free(state);
        }
}
END_TEST

/* Random pieces, outputs down to a byte, flushes; what was flushed can be read. */
START_TEST(in_pieces)
{
    for (int i = 0; codec_names[i] != NULL; i++) {
        const struct codec *c = codec_at(i);
        struct buf out;
        size_t at = 0;
        if (c == NULL)
            continue;
        seed = (unsigned)_i * 977 + 1;
        void *state = c->new (1 + next_random(CODEC_LEVEL_MAX),
                              next_random(2) ? TEXT_SIZE : CODEC_SIZE_UNKNOWN, NULL);
        ck_assert_ptr_nonnull(state);
        buf_init(&out, MIB(4));
        while (at < TEXT_SIZE) {
            size_t most = next_random(4) ? 300 : 40000;
            size_t n = 1 + next_random((unsigned)min_of(most, TEXT_SIZE - at));
            bool flush = next_random(8) == 0;
            run(c, state, str_make(text + at, n), 16 + next_random(2000), &out,
                flush ? CODEC_FLUSH : CODEC_MORE);
            at += n;
            if (flush && next_random(8) == 0)
                assert_decodes(c, &out, str_make(text, at), false);
        }
        run(c, state, STR_EMPTY, 16 + next_random(100), &out, CODEC_FLUSH);
        assert_decodes(c, &out, str_make(text, at), false);
        run(c, state, STR_EMPTY, 16 + next_random(100), &out, CODEC_END);
        assert_decodes(c, &out, str_make(text, at), true);
        buf_done(&out);
        c->free(state);
    }
}
END_TEST

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

/* What is charged is what is allocated, or more, but for what malloc() adds; and within the table
 * in codec.h. */
START_TEST(memory)
{
    static const struct {
        const char *name;
        size_t small, any;
    } bounds[] = { { "gzip", KIB(140), KIB(270) },
                   { "br", KIB(1840), KIB(2765) },
                   { "zstd", KIB(280), KIB(810) } };

    for (size_t i = 0; i < array_len(bounds); i++)
        for (unsigned level = 1; level <= CODEC_LEVEL_MAX; level++) {
            const struct codec *c = codec_find(str_of(bounds[i].name));
            size_t size = _i ? KIB(16) : TEXT_SIZE, at = 0, most = 0, before = allocated();
            size_t bound = _i ? bounds[i].small : bounds[i].any;
            struct budget budget = { .max = bound };
            char out[KIB(16)];
            if (c == NULL)
                continue;
            void *state = c->new (level, _i ? size : CODEC_SIZE_UNKNOWN, &budget);
            ck_assert_ptr_nonnull(state);
            for (int r = 0; at < size || r == 0;) {
                struct codec_io io = { text + at, min_of(size - at, KIB(8)), out, sizeof out };
                size_t in_n = io.in_n;
                r = c->run(state, &io, at + in_n < size ? CODEC_MORE : CODEC_END);
                ck_assert_int_ge(r, 0);
                at += in_n - io.in_n;
                most = max_of(most, allocated() - before);
#ifndef MUXD_SLOW_CHECKS /* the sanitizers have their own malloc() */
                ck_assert_uint_le(allocated() - before, budget.used + KIB(16));
#endif
            }
            c->free(state);
            ck_assert_uint_eq(budget.used, 0);
        }
}
END_TEST

/* Without enough: none at all, or an error, and nothing is lost. */
START_TEST(too_little_memory)
{
    for (int i = 0; codec_names[i] != NULL; i++)
        for (size_t max = 0; max < KIB(900) && codec_at(i) != NULL; max += KIB(20)) {
            const struct codec *c = codec_at(i);
            struct budget budget = { .max = max };
            void *state = c->new (5, CODEC_SIZE_UNKNOWN, &budget);
            char out[KIB(16)];
            struct codec_io io = { text, KIB(100), out, sizeof out };
            int r = 0;
            while (state != NULL && (r = c->run(state, &io, CODEC_END)) == 0) {
                io.out = out;
                io.out_n = sizeof out;
            }
            ck_assert(r == 1 || (max < KIB(810) && (state == NULL || r == -ENOMEM)) ||
                      (strcmp(c->name, "br") == 0 && r == -ENOMEM));
            c->free(state);
            ck_assert_uint_eq(budget.used, 0);
        }
}
END_TEST

START_TEST(names)
{
    ck_assert_ptr_null(codec_find(STR("identity")));
    ck_assert_ptr_null(codec_find(STR("")));
    for (int i = 0; codec_names[i] != NULL; i++)
        if (codec_at(i) != NULL) {
            ck_assert_str_eq(codec_at(i)->name, codec_names[i]);
            codec_at(i)->free(NULL);
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("filter/codec");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, in_one_go, 0, 8);
    tcase_add_loop_test(tc, in_pieces, 0, 40);
    tcase_add_loop_test(tc, memory, 0, 2);
    tcase_add_test(tc, too_little_memory);
    tcase_add_test(tc, names);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
