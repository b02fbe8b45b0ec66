/*
 * date_fuzz.c - dates against the C library: every instant is written as strftime(3) writes it and
 * is read back from all three formats; and what is read from any bytes is, written in the same
 * format, those bytes but for the name of the day. The first 8 bytes of the input are an instant.
 */
#include <stdlib.h>
#include <time.h>

#include "http/date.h"
#include "tests/support/server/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAST INT64_C(253402300799) /* 9999-12-31 23:59:59 */
#define CENTURY (INT64_C(36525) * 86400)

static const char fixdate[] = "%a, %d %b %04Y %H:%M:%S GMT";
static const char rfc850[] = "%A, %d-%b-%y %H:%M:%S GMT";
static const char asctime_[] = "%a %b %e %H:%M:%S %04Y";

static struct tm tm_of(int64_t seconds)
{
    struct tm tm;
    time_t t = (time_t)seconds;

    require(gmtime_r(&t, &tm) != NULL);
    return tm;
}

static struct str text_of(int64_t seconds, const char *format, char *buf, size_t n)
{
    struct tm tm = tm_of(seconds);
    size_t len = strftime(buf, n, format, &tm);

    require(len > 0);
    return str_make(buf, len);
}

static void reads(int64_t seconds, const char *format, int64_t now)
{
    char buf[64];
    int64_t again;

    require(date_parse(text_of(seconds, format, buf, sizeof buf), now, &again) == 0);
    require(again == seconds);
}

/* The same day and time `years` later; the 29th of February may become the 1st of March. */
static int64_t years_on(int64_t seconds, int years)
{
    struct tm tm = tm_of(seconds);

    tm.tm_year += years;
    return (int64_t)timegm(&tm);
}

static void round_trip(int64_t seconds, int64_t now)
{
    char text[HTTP_DATE_LEN], buf[64];

    date_format(seconds, text);
    seconds = max_of(min_of(seconds, LAST), 0);
    require(str_eq(str_make(text, sizeof text), text_of(seconds, fixdate, buf, sizeof buf)));
    reads(seconds, fixdate, now);
    reads(seconds, asctime_, now);
    if (seconds < years_on(now, 50) && seconds > years_on(now, -49))
        reads(seconds, rfc850, now);
}

/* `got` is as `want` behind the first byte of `stop`, where the names of days end. */
static void same_behind(struct str got, struct str want, char stop)
{
    got = str_from(got, str_chr(got, stop));
    want = str_from(want, str_chr(want, stop));
    require(str_eq(got, want));
}

static void look_at(struct str text, int64_t seconds, int64_t now)
{
    char copy[64], buf[64];
    size_t comma = str_chr(text, ',');

    /* Written are neither a leap second nor, in asctime's format, a day with a zero. */
    require(text.n < sizeof copy);
    memcpy(copy, text.p, text.n);
    for (size_t i = 0; i + 2 < text.n; i++)
        if (memcmp(copy + i, ":60", 3) == 0) {
            memcpy(copy + i, ":59", 3);
            seconds -= seconds % 60 == 0; /* the very last is not beyond LAST */
        }
    if (comma == text.n && copy[8] == '0')
        copy[8] = ' ';
    text.p = copy;
    if (comma == text.n) {
        same_behind(text, text_of(seconds, asctime_, buf, sizeof buf), ' ');
    } else if (comma == 3) {
        same_behind(text, text_of(seconds, fixdate, buf, sizeof buf), ',');
    } else {
        same_behind(text, text_of(seconds, rfc850, buf, sizeof buf), ',');
        require(seconds <= years_on(now, 50) && seconds >= years_on(now, -50) - 2 * 86400);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now, seconds;

    if (size < sizeof now)
        return 0;
    memcpy(&now, data, sizeof now);
    /* So that nobody's 50 years end behind the last instant. */
    int64_t then = max_of(now % (LAST - CENTURY), 0);
    round_trip(now, then);
    round_trip(then, then);
    char *text = malloc(size);
    require(text != NULL);
    size -= sizeof now;
    memcpy(text, data + sizeof now, size);
    if (date_parse(str_make(text, size), now, &seconds) == 0)
        require(seconds <= LAST);
    if (date_parse(str_make(text, size), then, &seconds) == 0)
        look_at(str_make(text, size), seconds, then);
    free(text);
    return 0;
}
