/*
 * response.h - status and fields of a response, protocol-neutral. The body is the exchange's
 * (handler/handler.h). Fields that frame the message (Content-Length, Transfer-Encoding,
 * Connection, Date) are the protocol's; setting one here fails. One owner at a time.
 */
#ifndef MUXD_HTTP_RESPONSE_H
#define MUXD_HTTP_RESPONSE_H

#include "base/arena.h"
#include "http/request.h"
#include "http/status.h"

struct response {
    unsigned status;      /* 0: not yet set */
    const char *reason;   /* of an error: a constant token for the log, or NULL */
    struct field *fields; /* their ids are not set: names decide (response_field) */
    size_t n_fields, cap;
    struct arena *arena;
};

void response_init(struct response *r, struct arena *arena);

/* name and value must live as long as the response. 0; -EINVAL: not a token, a control byte but
 * HTAB in the value, a framing field; -ENOMEM (the exchange then fails with 503 by itself:
 * arena_failed()). */
int response_add(struct response *r, struct str name, struct str value);
/* Replaces all fields of that name. */
int response_set(struct response *r, struct str name, struct str value);
void response_remove(struct response *r, struct str name);
const struct field *response_field(const struct response *r, struct str name);

/* The check behind response_add(), for values that are known when the config is loaded. */
int response_check(struct str name, struct str value) MUST_USE;
/* response_add() without the check, for constants and what response_check() passed. */
int response_add_checked(struct response *r, struct str name, struct str value);
/* Likewise for several; with room for a few more. */
int response_add_all(struct response *r, const struct field *fields, size_t n);

#endif
