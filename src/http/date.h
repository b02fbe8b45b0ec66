/* date.h - HTTP-date (RFC 9110 section 5.6.7), without locale or time zone data. Pure. */
#ifndef MUXD_HTTP_DATE_H
#define MUXD_HTTP_DATE_H

#include "base/str.h"

#define HTTP_DATE_LEN 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes HTTP_DATE_LEN bytes, no NUL. `seconds` since 1970, years 1970 to 9999. */
void date_format(int64_t seconds, char *out);
/* All three formats. 0 or -EINVAL (also for a day that does not exist). rfc850 years are taken
 * as within 50 years of `now_seconds`. */
int date_parse(struct str s, int64_t now_seconds, int64_t *ret_seconds) MUST_USE;

#endif
