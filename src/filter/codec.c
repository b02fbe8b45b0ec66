/* codec.c - which codecs there are, and memory for them. No state; any thread. */
#include "filter/codec.h"

#include <stdlib.h>

#include "config.h"

extern const struct codec codec_br, codec_gzip, codec_zstd;

const char *const codec_names[] = { "zstd", "br", "gzip", NULL };

static const struct codec *const built_in[] = {
#ifdef HAVE_ZSTD
    &codec_zstd,
#endif
#ifdef HAVE_BROTLI
    &codec_br,
#endif
#ifdef HAVE_ZLIB
    &codec_gzip,
#endif
    NULL,
};

const struct codec *codec_find(struct str name)
{
    for (const struct codec *const *c = built_in; *c != NULL; c++)
        if (str_ieq(name, str_of((*c)->name)))
            return *c;
    return NULL;
}

/* In front of each allocation; what follows stays aligned. */
union size {
    size_t n;
    max_align_t align;
};

void *codec_alloc(struct budget *memory, size_t n)
{
    size_t all;

    if (__builtin_add_overflow(n, sizeof(union size), &all) || !budget_take(memory, all))
        return NULL;
    union size *p = malloc(all);
    if (p == NULL) {
        budget_give(memory, all);
        return NULL;
    }
    p->n = all;
    return p + 1;
}

void codec_unalloc(struct budget *memory, void *p)
{
    union size *size = (union size *)p - 1;

    if (p == NULL)
        return;
    budget_give(memory, size->n);
    free(size);
}
