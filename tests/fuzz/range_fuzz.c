/* range_fuzz.c - a range lies inside the body, whatever the field says. The first 8 bytes of the
 * input are the size of the body. */
#include <stdlib.h>

#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(struct str value, uint64_t size)
{
    struct range r = { 0, 0 };

    if (range_parse(value, size, &r) == RANGE_ONE) {
        if (r.length == 0 || r.first >= size || r.length > size - r.first)
            abort();
        if (!str_ieq(str_head(value, 6), STR("bytes=")) || str_chr(value, ',') != value.n)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t body;

    if (size < sizeof body)
        return 0;
    memcpy(&body, data, sizeof body);
    char *text = malloc(size);
    if (text == NULL)
        abort();
    size -= sizeof body;
    memcpy(text, data + sizeof body, size);
    struct str value = str_make(text, size);
    try(value, body);
    try(value, 0);
    try(value, 1);
    try(value, 1000);
    try(value, UINT64_MAX);
    free(text);
    return 0;
}
