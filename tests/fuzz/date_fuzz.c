/* date_fuzz.c - a date that parses is written and read back as the same instant; and every
 * instant is. The first 8 bytes of the input are an instant. */
#include <stdlib.h>

#include "http/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAST INT64_C(253402300799)

static void round_trip(int64_t seconds)
{
    char text[HTTP_DATE_LEN];
    int64_t again;

    date_format(seconds, text);
    if (date_parse(str_make(text, sizeof text), 0, &again) < 0)
        abort();
    if (again != (seconds < 0 ? 0 : seconds > LAST ? LAST : seconds))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now, seconds;

    if (size < sizeof now)
        return 0;
    memcpy(&now, data, sizeof now);
    round_trip(now);
    round_trip(now % LAST);
    char *text = malloc(size);
    if (text == NULL)
        abort();
    size -= sizeof now;
    memcpy(text, data + sizeof now, size);
    if (date_parse(str_make(text, size), now, &seconds) == 0)
        round_trip(seconds);
    free(text);
    return 0;
}
