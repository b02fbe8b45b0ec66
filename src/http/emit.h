/* emit.h - writes an HTTP/1.1 response head and chunk framing (RFC 9112). Pure. */
#ifndef MUXD_HTTP_EMIT_H
#define MUXD_HTTP_EMIT_H

#include "http/framing.h"
#include "http/response.h"

struct emit {
    enum framing framing;
    uint64_t length;  /* FRAMING_LENGTH */
    const char *date; /* HTTP_DATE_LEN bytes, or NULL: no Date */
    bool close;       /* Connection: close */
    bool keep_alive;  /* Connection: keep-alive, for HTTP/1.0 clients */
};

/* Bytes that emit_head() will write at most. */
size_t emit_head_size(const struct response *r);
/* Writes the head to out, which has room for emit_head_size(r); returns the bytes written. */
size_t emit_head(char *out, const struct response *r, const struct emit *how);

/* "1a2b\r\n"; room for 18. Returns the bytes written. */
#define EMIT_CHUNK_MAX 18
size_t emit_chunk_size(char *out, uint64_t n);

#endif
