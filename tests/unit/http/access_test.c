/* access_test.c - lines of both formats, and what hostile bytes become. */
#include "http/access.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "support/share.h"

#define NOW INT64_C(1795275367123456789) /* 2026-11-21 15:36:07.123 UTC */

static struct access_clock clock_of_test;
static char line[ACCESS_LINE_MAX + 1];

static struct access_record a_request(void)
{
    return (struct access_record){
        .time = NOW,
        .duration = 123999,
        .peer = STR("192.0.2.1:4711"),
        .method = STR("GET"),
        .target = STR("/a?b=c"),
        .host = STR("example.org"),
        .version_minor = 1,
        .status = 200,
        .bytes = 5,
        .referer = STR("http://example.net/"),
        .user_agent = STR("curl/7.88 (x)"),
        .site = STR("shop"),
        .route = STR("home"),
        .id = 0x0123456789abcdef,
    };
}

static const char *format(enum access_format how, const struct access_record *r)
{
    memset(line, 'Z', sizeof line);
    size_t n = access_format(how, r, &clock_of_test, line, ACCESS_LINE_MAX);
    ck_assert_uint_le(n, ACCESS_LINE_MAX);
    ck_assert_int_eq(line[n], 'Z');
    ck_assert_int_eq(line[n - 1], '\n');
    line[n - 1] = '\0';
    ck_assert_uint_eq(strlen(line), n - 1);
    return line;
}

#define is(how, r, text) ck_assert_str_eq(format(how, &(r)), text)

static void zone(const char *tz)
{
    setenv("TZ", tz, 1);
    tzset();
    clock_of_test = (struct access_clock){ 0 };
}

START_TEST(combined)
{
    struct access_record r = a_request();

    zone("UTC0");
    is(ACCESS_COMBINED, r,
       "192.0.2.1 - - [21/Nov/2026:15:36:07 +0000] \"GET /a?b=c HTTP/1.1\" 200 5 "
       "\"http://example.net/\" \"curl/7.88 (x)\" site=shop route=home id=0123456789abcdef "
       "ms=0.123 reason=-");
    r = (struct access_record){ .time = NOW, .peer = STR("unix:"), .id = 1 };
    is(ACCESS_COMBINED, r,
       "unix: - - [21/Nov/2026:15:36:07 +0000] \"-\" 000 0 \"-\" \"-\" site=- route=- "
       "id=0000000000000001 ms=0.000 reason=-");
    r.raw = STR("\x16\x03\x01 \"\\x");
    r.peer = STR("[2001:db8::1]:443");
    r.status = 400;
    r.reason = STR("bad_request_line");
    r.duration = 12 * NSEC_PER_SEC + 3 * NSEC_PER_MSEC;
    r.bytes = UINT64_MAX;
    is(ACCESS_COMBINED, r,
       "2001:db8::1 - - [21/Nov/2026:15:36:07 +0000] \"\\x16\\x03\\x01 \\x22\\x5Cx\" 400 "
       "18446744073709551615 \"-\" \"-\" site=- route=- id=0000000000000001 ms=12003.000 "
       "reason=bad_request_line");
}
END_TEST

START_TEST(json)
{
    struct access_record r = a_request();

    zone("CET-1"); /* no matter */
    is(ACCESS_JSON, r,
       "{\"time\":\"2026-11-21T15:36:07.123Z\",\"id\":\"0123456789abcdef\","
       "\"peer\":\"192.0.2.1:4711\",\"host\":\"example.org\",\"method\":\"GET\","
       "\"target\":\"/a?b=c\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,\"ms\":0.123,"
       "\"site\":\"shop\",\"route\":\"home\",\"referer\":\"http://example.net/\","
       "\"user_agent\":\"curl/7.88 (x)\"}");
    r = (struct access_record){ .time = NOW + NSEC_PER_SEC, .raw = STR("\xff\"\n") };
    is(ACCESS_JSON, r,
       "{\"time\":\"2026-11-21T15:36:08.123Z\",\"id\":\"0000000000000000\","
       "\"raw\":\"\\ufffd\\\"\\u000a\",\"bytes\":0,\"ms\":0.000}");
    r = a_request();
    r.version_minor = 0;
    r.status = 499;
    r.reason = STR("gone");
    r.user_agent = STR("\xc3\xa9\xc3 \x7f\xed\xa0\x80");
    ck_assert_ptr_nonnull(strstr(format(ACCESS_JSON, &r), ",\"protocol\":\"HTTP/1.0\","));
    ck_assert_ptr_nonnull(strstr(line, ",\"status\":499,"));
    ck_assert_ptr_nonnull(strstr(line, ",\"reason\":\"gone\","));
    ck_assert_ptr_nonnull(
        strstr(line, "\"user_agent\":\"\xc3\xa9\\ufffd \\u007f\\ufffd\\ufffd\\ufffd\"}"));
}
END_TEST

START_TEST(hostile_bytes)
{
    char all[256];
    struct access_record r = a_request();

    zone("UTC0");
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    for (size_t i = 0; i < sizeof all; i += 64) {
        struct str part = str_make(all + i, 64);
        r.referer = r.user_agent = r.target = r.method = r.site = r.peer = part;
        for (const char *p = format(ACCESS_COMBINED, &r); *p; p++)
            ck_assert(*p >= ' ' && *p <= '~');
    }
    r = a_request();
    r.referer = STR("\0\x1f \"\\\x7f\x80\xff");
    r.site = STR("a b\" reason=x");
    ck_assert_ptr_nonnull(
        strstr(format(ACCESS_COMBINED, &r), " \"\\x00\\x1F \\x22\\x5C\\x7F\\x80\\xFF\" \"curl"));
    ck_assert_ptr_nonnull(strstr(line, " site=a\\x20b\\x22\\x20reason=x route="));
}
END_TEST

/* Escapes count: nothing is cut in two, and no line grows beyond what was promised. */
START_TEST(long_strings)
{
    static char text[KIB(16)];
    static const char *const bytes[] = {
        "a", "\"", "\x01", "\xff", "\xc3\xa9", "\xe2\x82\xac", "a\"", "ab\x01\xf0\x9f\x98\x80"
    };

    zone("UTC0");
    for (size_t i = 0; i < array_len(bytes); i++)
        for (size_t n = 100; n < 2200; n += n < 2000 ? share() : 1) {
            struct access_record r = a_request();
            size_t unit = strlen(bytes[i]);
            for (size_t at = 0; at < n; at += unit)
                memcpy(text + at, bytes[i], unit);
            struct str s = str_make(text, n / unit * unit);
            r.target = r.user_agent = s;
            for (int how = ACCESS_COMBINED; how <= ACCESS_JSON; how++) {
                char *from = strstr(format((enum access_format)how, &r),
                                    how == ACCESS_JSON ? "\"target\":\"" : "GET ");
                from += how == ACCESS_JSON ? 10 : 4;
                char *to = strstr(from, how == ACCESS_JSON ? "\",\"protocol" : " HTTP/1.1");
                size_t len = (size_t)(to - from);
                ck_assert_uint_le(len, 2048);
                bool cut = len >= 3 && memcmp(to - 3, "...", 3) == 0;
                ck_assert(!cut || len > 2048 - 3 - 6);
                if (!cut && i == 0)
                    ck_assert_uint_eq(len, n);
                if (cut && i == 2)
                    ck_assert_uint_eq((len - 3) % (how == ACCESS_JSON ? 6 : 4), 0);
                if (how == ACCESS_JSON) {
                    from = strstr(line, "\"user_agent\":\"") + 14;
                    to = strrchr(from, '"');
                } else {
                    to = strstr(line, "\" site=");
                    from = to - 1;
                    while (*from != '"')
                        from--;
                    from++;
                }
                ck_assert_uint_le((size_t)(to - from), 512);
            }
        }
    /* all of them at once, at their longest */
    memset(text, 1, sizeof text);
    struct str s = str_make(text, sizeof text);
    struct access_record r = { .time = INT64_MAX,
                               .duration = INT64_MAX,
                               .peer = s,
                               .method = s,
                               .target = s,
                               .host = s,
                               .version_minor = UINT32_MAX,
                               .status = UINT32_MAX,
                               .bytes = UINT64_MAX,
                               .referer = s,
                               .user_agent = s,
                               .site = s,
                               .route = s,
                               .reason = s };
    ck_assert_uint_gt(strlen(format(ACCESS_JSON, &r)), 6000);
    ck_assert_uint_gt(strlen(format(ACCESS_COMBINED, &r)), 5000);
}
END_TEST

static void local_is(int64_t time, const char *want)
{
    struct access_record r = a_request();

    r.time = time;
    ck_assert_msg(strstr(format(ACCESS_COMBINED, &r), want) != NULL, "%s", line);
}

START_TEST(times)
{
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    local_is(NOW, "[21/Nov/2026:16:36:07 +0100]");
    local_is(NOW - 150 * 86400 * NSEC_PER_SEC, "[24/Jun/2026:17:36:07 +0200]");
    local_is(NOW, "[21/Nov/2026:16:36:07 +0100]");
    local_is(NOW + NSEC_PER_SEC - 123456790, "[21/Nov/2026:16:36:07 +0100]");
    local_is(NOW + NSEC_PER_SEC - 123456789, "[21/Nov/2026:16:36:08 +0100]");
    zone("NST3:30");
    local_is(NOW, "[21/Nov/2026:12:06:07 -0330]");
    local_is(0, "[31/Dec/1969:20:30:00 -0330]"); /* a cache that is empty knows no second 0 */
    local_is(-1, "[31/Dec/1969:20:30:00 -0330]");
    zone("IST-5:30");
    local_is(NOW, "[21/Nov/2026:21:06:07 +0530]");
    local_is(INT64_MAX, "/2262:");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access");
    TCase *t = tcase_create("all");
    SRunner *sr = srunner_create(s);

    tcase_add_test(t, combined);
    tcase_add_test(t, json);
    tcase_add_test(t, hostile_bytes);
    tcase_add_test(t, long_strings);
    tcase_add_test(t, times);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
