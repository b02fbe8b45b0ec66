/* multipart.c - see multipart.h. Pure; any thread. */
#include "http/multipart.h"

#include <errno.h>
#include <inttypes.h>

/* Any two seeds differ in about half of the bits; one to one (the finalizer of splitmix64). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

int multipart_init(struct multipart *m, struct arena *arena, const struct ranges *r,
                   struct str type, uint64_t size, uint64_t seed)
{
    const uint64_t boundary = mix(seed);
    bool over = false;

    m->length = 0;
    m->type = arena_printf(arena, "multipart/byteranges; boundary=%016" PRIx64, boundary);
    for (size_t i = 0; i < r->n; i++) {
        const struct range *v = &r->v[i];
        m->text[i] = arena_printf(arena,
                                  "%s--%016" PRIx64 "\r\n%s%.*s%sContent-Range: bytes %" PRIu64
                                  "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                                  i > 0 ? "\r\n" : "", boundary, type.n ? "Content-Type: " : "",
                                  str_fmt(type), type.n ? "\r\n" : "", v->first,
                                  v->first + v->length - 1, size);
        over |= __builtin_add_overflow(m->length, m->text[i].n, &m->length);
        over |= __builtin_add_overflow(m->length, v->length, &m->length);
    }
    m->text[r->n] = arena_printf(arena, "\r\n--%016" PRIx64 "--\r\n", boundary);
    over |= __builtin_add_overflow(m->length, m->text[r->n].n, &m->length);
    if (arena_failed(arena))
        return -ENOMEM;
    return over ? -EOVERFLOW : 0;
}
