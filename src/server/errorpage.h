/* errorpage.h - what an error looks like to who gets it. Whoever holds `res`, which may be the loop
 * while the exchange is lent: of that it reads the request, the id and what routing found. */
#ifndef MUXD_SERVER_ERRORPAGE_H
#define MUXD_SERVER_ERRORPAGE_H

#include "server/exchange.h"

/*
 * Makes *res, in `arena`, an answer with that status, and *body, which is none, its body: a page of
 * the site or, built in, text, HTML or JSON, as the request accepts; redirects get a word of text.
 * `reason` as in exchange_fail(). Without memory for the body it goes without, and without memory
 * for a field without that: the arena tells.
 */
void errorpage_make(const struct exchange *x, unsigned status, const char *reason,
                    struct arena *arena, struct response *res, struct body *body);

#endif
