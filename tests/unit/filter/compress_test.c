/* compress_test.c - what is compressed and what is not, what the head says of it, bodies whole, in
 * pieces and broken. One thread. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter/codec.h"
#include "support/fake_exchange.h"
#include "unit/filter/decode.h"

static struct fake_conf conf, handler, headers;
static struct exchange *x;
static char text[KIB(200)]; /* compressible, and no two places alike */

static void setup(void)
{
    unsigned seed = 1;

    for (size_t i = 0; i < sizeof text; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = "etaoin <>/ =\"\n.sh"[(seed >> 16) % 17];
    }
    fake_conf_filter(&conf, "compress");
    fake_conf_filter(&headers, "headers");
    fake_conf_handler(&handler, "respond");
    x = fake_exchange_new();
    fake_exchange_request(x, "GET", "/", "/");
}

static void teardown(void)
{
    fake_exchange_free(x);
    fake_conf_done(&handler);
    fake_conf_done(&headers);
    fake_conf_done(&conf);
}

static void run(const char *kind)
{
    ck_assert_uint_eq(fake_conf_check(&handler), 0);
    ck_assert_uint_eq(fake_conf_check(&headers), 0);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    fake_exchange_filter(x, "headers", &headers);
    fake_exchange_filter(x, "compress", &conf);
    fake_exchange_run(x, &handler, kind);
}

/* Text of so many bytes, from its begin. */
static const char *first(size_t n)
{
    static char copy[sizeof text + 1];

    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

/* The body is what the head says, and stands for `expected`. */
static void assert_body(struct str expected)
{
    const char *encoding = fake_exchange_value(x, "Content-Encoding");
    struct buf back;

    buf_init(&back, MIB(4));
    if (encoding == NULL)
        ck_assert_int_eq(buf_add_str(&back, buf_str(&x->body)), 0);
    else
        ck_assert_int_eq(decode(encoding, buf_str(&x->body), &back), 0);
    ck_assert(str_eq(buf_str(&back), expected));
    buf_done(&back);
}

static void assert_value(const char *name, const char *value)
{
    const char *is = fake_exchange_value(x, name);

    if (value == NULL)
        ck_assert_ptr_null(is);
    else
        ck_assert_str_eq(is ? is : "(none)", value);
}

static bool any_codec(void)
{
    for (int i = 0; codec_names[i] != NULL; i++)
        if (codec_find(str_of(codec_names[i])) != NULL)
            return true;
    return false;
}

/* ---- the decision */

/* NULL stands for: as in the first row. */
static const struct {
    const char *accept, *type, *field;
    size_t size;
    int status;
    const char *encoding, *vary;
} decisions[] = {
    { "gzip", "text/plain; charset=utf-8", "X-A: 1", 2000, 200, "gzip", "Accept-Encoding" },
    /* what the client takes */
    { "", NULL, NULL, 0, 0, "", NULL },
    { "identity", NULL, NULL, 0, 0, "", NULL },
    { "gzip;q=0", NULL, NULL, 0, 0, "", NULL },
    { "deflate, compress", NULL, NULL, 0, 0, "", NULL },
    { "x-gzip", NULL, NULL, 0, 0, "gzip", NULL },
    { "GZIP", NULL, NULL, 0, 0, "gzip", NULL },
    { "gzip, br", NULL, NULL, 0, 0, "br", NULL },
    { "gzip, deflate, br, zstd", NULL, NULL, 0, 0, "zstd", NULL },
    { "gzip;q=1, br;q=0.9, zstd;q=0.5", NULL, NULL, 0, 0, "gzip", NULL },
    { "*", NULL, NULL, 0, 0, "zstd", NULL },
    { "*, zstd;q=0", NULL, NULL, 0, 0, "br", NULL },
    { "gzip;q=0.5, identity", NULL, NULL, 0, 0, "", NULL },
    { "gzip;q=0.5, identity;q=0", NULL, NULL, 0, 0, "gzip", NULL },
    { "identity;q=0", NULL, NULL, 0, 0, "", NULL },
    /* types */
    { NULL, "TEXT/Html", NULL, 0, 0, NULL, NULL },
    { NULL, "text/event-stream", NULL, 0, 0, NULL, NULL },
    { NULL, "application/json", NULL, 0, 0, NULL, NULL },
    { NULL, "application/ld+json ; a=b", NULL, 0, 0, NULL, NULL },
    { NULL, "image/svg+xml", NULL, 0, 0, NULL, NULL },
    { NULL, "application/wasm", NULL, 0, 0, NULL, NULL },
    { NULL, "image/png", NULL, 0, 0, "", "" },
    { NULL, "texts/plain", NULL, 0, 0, "", "" },
    { NULL, "application/json5", NULL, 0, 0, "", "" },
    { NULL, "+xml", NULL, 0, 0, "", "" },
    { NULL, "", NULL, 0, 0, "", "" },
    /* lengths */
    { NULL, NULL, NULL, 1023, 0, "", "" },
    { NULL, NULL, NULL, 1024, 0, NULL, NULL },
    { NULL, NULL, NULL, KIB(16), 0, NULL, NULL },
    { NULL, NULL, NULL, KIB(16) + 1, 0, NULL, NULL },
    { NULL, NULL, NULL, sizeof text, 0, NULL, NULL },
    /* fields */
    { NULL, NULL, "Content-Encoding: br", 0, 0, "br", "" },
    { NULL, NULL, "Content-Encoding: identity", 0, 0, "identity", "" },
    { NULL, NULL, "Content-Range: bytes 0-1/2", 0, 0, "", "" },
    { NULL, NULL, "Cache-Control: no-transform", 0, 0, "", "" },
    { NULL, NULL, "Cache-Control: public,No-Transform , max-age=1", 0, 0, "", "" },
    { NULL, NULL, "Cache-Control: no-store", 0, 0, NULL, NULL },
    { NULL, NULL, "Vary: Accept", 0, 0, NULL, "Accept, Accept-Encoding" },
    { NULL, NULL, "Vary: accept-encoding", 0, 0, NULL, "accept-encoding" },
    { NULL, NULL, "Vary: Origin, Accept-Encoding", 0, 0, NULL, "Origin, Accept-Encoding" },
    { NULL, NULL, "Vary: *", 0, 0, NULL, "*" },
    { "", NULL, "Vary: Origin", 0, 0, "", "Origin, Accept-Encoding" },
    /* statuses */
    { NULL, NULL, NULL, 0, 404, NULL, NULL },
    { NULL, NULL, NULL, 0, 500, NULL, NULL },
    { NULL, NULL, NULL, 0, 201, NULL, NULL },
    { NULL, NULL, NULL, 0, 206, "", NULL },
};

#define OR_FIRST(member) (decisions[_i].member ? decisions[_i].member : decisions[0].member)

/* NULL for "", which stands for none. */
static const char *some(const char *s)
{
    return *s != '\0' ? s : NULL;
}

static void decide(int _i, const char *method)
{
    const char *encoding = OR_FIRST(encoding), *accept = OR_FIRST(accept);
    size_t size = OR_FIRST(size);

    fake_exchange_request(x, method, "/", "/");
    fake_conf_str(&handler, "body", first(size));
    fake_conf_str(&handler, "type", OR_FIRST(type));
    fake_conf_int(&handler, "status", OR_FIRST(status));
    fake_conf_strs(&headers, "add", OR_FIRST(field), "ETag: \"abc\"", "Accept-Ranges: bytes", NULL);
    if (*accept != '\0')
        fake_exchange_field(x, "Accept-Encoding", accept);
    run("respond");
    assert_value("Content-Encoding", some(encoding));
    assert_value("Vary", some(OR_FIRST(vary)));
    bool compressed = decisions[_i].field == NULL || strstr(OR_FIRST(field), "Encoding:") == NULL;
    compressed = compressed && *encoding != '\0';
    assert_value("ETag", compressed ? "W/\"abc\"" : "\"abc\"");
    assert_value("Accept-Ranges", compressed ? NULL : "bytes");
    if (strcmp(method, "HEAD") == 0)
        ck_assert(x->body_length == (compressed ? BODY_LENGTH_UNKNOWN : size));
    else if (compressed)
        ck_assert(x->body_length == (size <= KIB(16) ? buf_len(&x->body) : BODY_LENGTH_UNKNOWN));
    if (strcmp(method, "GET") == 0 && compressed)
        assert_body(str_make(text, size));
    else if (strcmp(method, "GET") == 0)
        ck_assert(str_eq(buf_str(&x->body), str_make(text, size)));
    ck_assert_uint_eq(x->tasks > 0, compressed && size > KIB(16) && *method == 'G');
}

#if defined(HAVE_ZLIB) && defined(HAVE_BROTLI) && defined(HAVE_ZSTD)
START_TEST(decision)
{
    decide(_i, "GET");
}
END_TEST

START_TEST(decision_head)
{
    decide(_i, "HEAD");
}
END_TEST
#endif

START_TEST(options)
{
    fake_conf_strs(&conf, "encodings", "gzip", NULL);
    fake_conf_strs(&conf, "types", "image/png", "+own", "*/*", NULL);
    fake_conf_str(&handler, "type", _i ? "image/png" : "a/b+own");
    fake_conf_str(&handler, "body", first(5000));
    fake_exchange_field(x, "Accept-Encoding", "gzip;q=0.1, br, zstd");
    run("respond");
    assert_value("Content-Encoding", codec_find(STR("gzip")) ? "gzip" : NULL);
    assert_body(str_make(text, 5000));
}
END_TEST

START_TEST(no_encodings)
{
    fake_conf_strs(&conf, "encodings", NULL);
    fake_conf_str(&handler, "body", first(5000));
    fake_exchange_field(x, "Accept-Encoding", "gzip, br, zstd");
    run("respond");
    ck_assert_uint_eq(x->response.n_fields, 1);
}
END_TEST

/* What cannot become smaller stays as it is. */
START_TEST(noise)
{
    unsigned seed = 3;
    char body[2001];

    for (size_t i = 0; i < 2000; i++) {
        seed = seed * 1103515245u + 12345u;
        body[i] = (char)(1 + (seed >> 16) % 255);
        if (body[i] == '{' || body[i] == '}')
            body[i] = 'x';
    }
    body[2000] = '\0';
    fake_conf_str(&handler, "body", body);
    fake_exchange_field(x, "Accept-Encoding", "gzip");
    run("respond");
    assert_value("Vary", any_codec() ? "Accept-Encoding" : NULL);
    assert_value("Content-Encoding", NULL);
    ck_assert(str_eq(buf_str(&x->body), str_make(body, 2000)));
}
END_TEST

/* ---- 304 */

static const struct {
    const char *named, *tag, *expected;
} unmodified[] = {
    { "W/\"abc\"", "\"abc\"", "W/\"abc\"" }, { "\"x\", W/\"abc\"", "\"abc\"", "W/\"abc\"" },
    { "\"abc\"", "\"abc\"", "\"abc\"" },     { "*", "\"abc\"", "\"abc\"" },
    { "W/\"ab\"", "\"abc\"", "\"abc\"" },    { "W/\"abc\"", "W/\"abc\"", "W/\"abc\"" },
};

START_TEST(not_modified)
{
    char tag[32];

    snprintf(tag, sizeof tag, "ETag: %s", unmodified[_i].tag);
    fake_conf_int(&handler, "status", 304);
    fake_conf_strs(&headers, "set", tag, NULL);
    fake_exchange_field(x, "If-None-Match", unmodified[_i].named);
    fake_exchange_field(x, "Accept-Encoding", "gzip");
    run("respond");
    assert_value("ETag", unmodified[_i].expected);
    assert_value("Content-Encoding", NULL);
    assert_value("Vary", any_codec() ? "Accept-Encoding" : NULL);
}
END_TEST

/* ---- bodies that come in pieces */

/* A body of so many bytes that is echoed, in pieces of that size, by the codec of that name. */
static struct str echo(size_t size, size_t piece, const char *encoding)
{
    fake_conf_done(&handler);
    fake_conf_handler(&handler, "echo");
    fake_conf_enum(&handler, "mode", "body");
    fake_exchange_field(x, "Content-Type", "text/plain");
    fake_exchange_field(x, "Accept-Encoding", encoding);
    for (size_t at = 0; at < size; at += piece)
        fake_exchange_piece(x, str_make(text + at, min_of(piece, size - at)));
    return str_make(text, size);
}

#define FORMS 8

/* All combinations: the length is known or not, the pool can be waited for or not, pieces that come
 * at once or not. */
START_TEST(pieces)
{
    static const size_t sizes[][2] = { { 6000, 6000 },       { 6000, 700 },     { KIB(16), 5000 },
                                       { KIB(64), KIB(64) }, { 150000, 10000 }, { 150000, 40000 },
                                       { KIB(32), KIB(16) } };

    for (int i = 0; codec_names[i] != NULL; i++)
        for (size_t k = 0; k < array_len(sizes) && codec_find(str_of(codec_names[i])); k++) {
            size_t size = sizes[k][0], piece = sizes[k][1];
            teardown();
            setup();
            fake_conf_int(&conf, "level", 1 + (int64_t)k);
            struct str expected = echo(size, piece, codec_names[i]);
            if (_i & 1)
                fake_exchange_chunked(x);
            x->task_busy = _i & 2;
            x->pull_size = _i & 4 ? 1000 : 16384;
            run("echo");
            ck_assert(!x->stuck && !x->aborted);
            assert_value("Content-Encoding", codec_names[i]);
            assert_body(expected);
            if (x->task_busy && piece > KIB(16)) /* the loop rests between its shares */
                ck_assert_uint_ge(x->resumes, piece / KIB(16) - 1);
            if (x->task_busy || piece < KIB(16))
                ck_assert_uint_eq(x->tasks, 0);
            else if (piece > KIB(16))
                ck_assert_uint_gt(x->tasks, 0);
        }
}
END_TEST

/* What came can be read before more comes; and a body that breaks off stays broken. */
START_TEST(breaks_off)
{
    for (int i = 0; codec_names[i] != NULL; i++) {
        struct buf back;
        if (codec_find(str_of(codec_names[i])) == NULL)
            continue;
        teardown();
        setup();
        struct str expected = echo(_i ? 150000 : 7000, _i ? 40000 : 1000, codec_names[i]);
        if (_i < 2)
            fake_exchange_chunked(x);
        else
            x->request.body_length += 10;
        x->body_error = _i < 2 ? -ECANCELED : 0; /* or it ends too soon */
        run("echo");
        ck_assert(x->aborted);
        buf_init(&back, MIB(1));
        ck_assert_int_eq(decode(codec_names[i], buf_str(&x->body), &back), -EAGAIN);
        ck_assert(str_eq(buf_str(&back), expected));
        buf_done(&back);
    }
}
END_TEST

/* ---- memory */

/* Past the bound bodies are sent as they are, and what was taken is given back. */
START_TEST(bound)
{
    size_t plain = 0;

    for (size_t max = 0; max < KIB(1400); max += KIB(8)) {
        struct budget budget = { .max = max };
        teardown();
        setup();
        arena_charge(&x->arena, &budget);
        fake_conf_str(&handler, "body", first(_i ? KIB(100) : 5000));
        fake_exchange_field(x, "Accept-Encoding", codec_names[0]);
        run("respond");
        if (x->response.status == 503)
            continue;
        plain += fake_exchange_value(x, "Content-Encoding") == NULL;
        if (!x->aborted)
            assert_body(str_make(text, _i ? KIB(100) : 5000));
        else
            ck_assert_str_eq(fake_exchange_value(x, "Content-Encoding"), "br");
        fake_exchange_free(x);
        ck_assert_uint_eq(budget.used, 0);
        x = fake_exchange_new();
    }
    ck_assert_uint_gt(plain, 0);
}
END_TEST

START_TEST(arena)
{
    fake_conf_str(&handler, "body", first(5000));
    fake_conf_strs(&headers, "set", "ETag: \"abc\"", "Vary: Origin", NULL);
    ck_assert_uint_eq(fake_conf_check(&handler), 0);
    ck_assert_uint_eq(fake_conf_check(&headers), 0);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    for (size_t bytes = 0; bytes < KIB(8); bytes += 16) {
        fake_exchange_free(x);
        x = fake_exchange_new();
        fake_exchange_memory(x, bytes);
        fake_exchange_request(x, "GET", "/", "/");
        fake_exchange_field(x, "Accept-Encoding", codec_names[_i]);
        fake_exchange_filter(x, "headers", &headers);
        fake_exchange_filter(x, "compress", &conf);
        fake_exchange_run(x, &handler, "respond");
        if (x->response.status == 503)
            continue;
        assert_value("Vary", any_codec() ? "Origin, Accept-Encoding" : "Origin");
        assert_body(str_make(text, 5000));
    }
    ck_assert_uint_eq(x->response.status, 200);
}
END_TEST

/* ---- the config */

static const struct {
    const char *option, *value, *report;
} refused[] = {
    { "encodings", "deflate", "\"deflate\" is none of" },
    { "encodings", "identity", "is none of" },
    { "types", "text", "is not spelled as" },
    { "types", "text/", "is not spelled as" },
    { "types", "*/plain", "is not spelled as" },
    { "types", "text/html; charset=utf-8", "is not spelled as" },
    { "types", "+", "is not spelled as" },
    { "types", "", "is not spelled as" },
    { "types", "*", "is not spelled as" },
};

START_TEST(refusals)
{
    fake_conf_strs(&conf, refused[_i].option, refused[_i].value, NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, refused[_i].report));
}
END_TEST

START_TEST(twice)
{
    fake_conf_strs(&conf, "encodings", "gzip", "GZIP", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 1);
    ck_assert(fake_conf_reported(&conf, "there twice"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("filter/compress");
    TCase *tc = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
#if defined(HAVE_ZLIB) && defined(HAVE_BROTLI) && defined(HAVE_ZSTD)
    tcase_add_loop_test(tc, decision, 0, array_len(decisions));
    tcase_add_loop_test(tc, decision_head, 0, array_len(decisions));
#else
    (void)decide;
#endif
    tcase_add_loop_test(tc, options, 0, 2);
    tcase_add_test(tc, no_encodings);
    tcase_add_test(tc, noise);
    tcase_add_loop_test(tc, not_modified, 0, array_len(unmodified));
    tcase_add_loop_test(tc, pieces, 0, FORMS);
    tcase_add_loop_test(tc, breaks_off, 0, 3);
    tcase_add_loop_test(tc, bound, 0, 2);
    tcase_add_loop_test(tc, arena, 0, 3);
    tcase_add_loop_test(tc, refusals, 0, array_len(refused));
    tcase_add_test(tc, twice);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
