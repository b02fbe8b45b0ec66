/*
 * replies.h - whether what came back on a connection is what was asked for, when the routes are
 * those of replies.c. What is not so is required (require.h). One thread.
 */
#ifndef TESTS_SUPPORT_SERVER_REPLIES_H
#define TESTS_SUPPORT_SERVER_REPLIES_H

#include "config/config.h"

/* The routes that a config must have. */
extern const char replies_routes[];

struct replies_fate {
    bool disturbed; /* by time-outs, a drain, a reset: answers may be missing */
    bool squeezed;  /* memory, or the pool, was full for a while: any answer may be 503 */
    bool closed;    /* the connection was */
    bool ended;     /* our direction came to its proper end: a body that ends with it is whole */
};

/* The responses in `got` answer the requests in `sent`: each is well-formed, they come in order,
 * none follows a close; and none is missing without a reason. */
void replies_check(struct str sent, struct str got, const struct config *config,
                   struct replies_fate fate, struct arena *arena);

#endif
