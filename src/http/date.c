/*
 * date.c - see date.h. Civil dates are computed in the proleptic Gregorian calendar with years
 * that begin in March, so that a leap day is the last day of its year. Pure; any thread.
 */
#include "http/date.h"

#include <errno.h>

#define DAY INT64_C(86400)
#define ERA_DAYS 146097            /* days in 400 years */
#define EPOCH_DAYS 719468          /* from 0000-03-01 to 1970-01-01 */
#define LAST INT64_C(253402300799) /* 9999-12-31 23:59:59 */

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char *const long_days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };

struct civil {
    int year;
    int month, day; /* from 1 */
    int hour, minute, second;
};

static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           EPOCH_DAYS;
}

static int64_t seconds_of(const struct civil *c)
{
    return days_of(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

/* For 0 <= seconds <= LAST. */
static struct civil civil_of(int64_t seconds)
{
    int64_t z = seconds / DAY + EPOCH_DAYS;
    int64_t era = z / ERA_DAYS;
    int64_t doe = z % ERA_DAYS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (ERA_DAYS - 1)) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int month = (int)((5 * doy + 2) / 153);
    int second = (int)(seconds % DAY);

    return (struct civil){
        .year = (int)(yoe + era * 400) + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = (int)(doy - (153 * month + 2) / 5) + 1,
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
    };
}

static int days_in_month(int year, int month)
{
    static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static void put_two(char *out, int v)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
}

void date_format(int64_t seconds, char *out)
{
    seconds = max_of(min_of(seconds, LAST), 0);
    struct civil c = civil_of(seconds);

    memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", HTTP_DATE_LEN);
    memcpy(out, day_names + (seconds / DAY + 4) % 7 * 3, 3);
    put_two(out + 5, c.day);
    memcpy(out + 8, month_names + (c.month - 1) * 3, 3);
    put_two(out + 12, c.year / 100);
    put_two(out + 14, c.year % 100);
    put_two(out + 17, c.hour);
    put_two(out + 20, c.minute);
    put_two(out + 23, c.second);
}

/* Reading: each take_...() moves *at on, or sets it to NULL for good. The caller has checked the
 * length, so none reads past the end. */

static void take_text(const char **at, const char *text)
{
    size_t n = strlen(text);

    if (*at != NULL)
        *at = memcmp(*at, text, n) == 0 ? *at + n : NULL;
}

static int take_two(const char **at)
{
    const char *p = *at;

    if (p == NULL || !ascii_digit((unsigned char)p[0]) || !ascii_digit((unsigned char)p[1])) {
        *at = NULL;
        return 0;
    }
    *at = p + 2;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* The index of a three-letter name in `names`. */
static int take_name(const char **at, const char *names)
{
    for (int i = 0; *at != NULL && names[i * 3] != '\0'; i++)
        if (memcmp(*at, names + i * 3, 3) == 0) {
            *at += 3;
            return i;
        }
    *at = NULL;
    return 0;
}

static void take_time(const char **at, struct civil *c)
{
    c->hour = take_two(at);
    take_text(at, ":");
    c->minute = take_two(at);
    take_text(at, ":");
    c->second = take_two(at);
}

static int take_year(const char **at)
{
    int century = take_two(at);

    return century * 100 + take_two(at);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static const char *take_fixdate(const char *at, struct civil *c)
{
    take_name(&at, day_names);
    take_text(&at, ", ");
    c->day = take_two(&at);
    take_text(&at, " ");
    c->month = take_name(&at, month_names) + 1;
    take_text(&at, " ");
    c->year = take_year(&at);
    take_text(&at, " ");
    take_time(&at, c);
    take_text(&at, " GMT");
    return at;
}

/* "06-Nov-94 08:49:37 GMT", behind the name of the day */
static const char *take_rfc850(const char *at, int64_t now, struct civil *c)
{
    c->day = take_two(&at);
    take_text(&at, "-");
    c->month = take_name(&at, month_names) + 1;
    take_text(&at, "-");
    c->year = take_two(&at);
    take_text(&at, " ");
    take_time(&at, c);
    take_text(&at, " GMT");
    if (at == NULL)
        return NULL;

    /* The latest year of these two digits that is not over 50 years ahead. */
    struct civil latest = civil_of(max_of(min_of(now, LAST), 0));
    latest.year += 50;
    c->year += latest.year / 100 * 100;
    if (seconds_of(c) > seconds_of(&latest))
        c->year -= 100;
    return at;
}

/* "Sun Nov  6 08:49:37 1994" */
static const char *take_asctime(const char *at, struct civil *c)
{
    take_name(&at, day_names);
    take_text(&at, " ");
    c->month = take_name(&at, month_names) + 1;
    take_text(&at, " ");
    if (at != NULL && at[0] == ' ' && ascii_digit((unsigned char)at[1])) {
        c->day = at[1] - '0';
        at += 2;
    } else {
        c->day = take_two(&at);
    }
    take_text(&at, " ");
    take_time(&at, c);
    take_text(&at, " ");
    c->year = take_year(&at);
    return at;
}

#define RFC850_TAIL (sizeof ", 06-Nov-94 08:49:37 GMT" - 1)
#define ASCTIME_LEN (sizeof "Sun Nov  6 08:49:37 1994" - 1)

int date_parse(struct str s, int64_t now_seconds, int64_t *ret_seconds)
{
    struct civil c = { 0 };
    const char *end = NULL;

    if (s.n == HTTP_DATE_LEN)
        end = take_fixdate(s.p, &c);
    else if (s.n == ASCTIME_LEN)
        end = take_asctime(s.p, &c);
    else
        for (size_t i = 0; i < array_len(long_days); i++) {
            struct str day = str_of(long_days[i]);
            if (s.n == day.n + RFC850_TAIL && str_starts(s, day) &&
                memcmp(s.p + day.n, ", ", 2) == 0)
                end = take_rfc850(s.p + day.n + 2, now_seconds, &c);
        }
    /* Second 60 is a leap second (RFC 5322 section 3.3). */
    if (end == NULL || c.day < 1 || c.day > days_in_month(c.year, c.month) || c.hour > 23 ||
        c.minute > 59 || c.second > 60)
        return -EINVAL;
    *ret_seconds = min_of(seconds_of(&c), LAST);
    return 0;
}
