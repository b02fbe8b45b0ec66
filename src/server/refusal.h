/*
 * refusal.h - the answer that needs no memory and no request: 503 for whom a bound does not let in,
 * and for a head that there is no buffer for. HTTP/1; constant but for the date. Any thread.
 */
#ifndef MUXD_SERVER_REFUSAL_H
#define MUXD_SERVER_REFUSAL_H

#include "base/str.h"

#define REFUSAL_MAX 256

/* Makes it in `buf`, of REFUSAL_MAX bytes. The connection ends behind it. */
struct str refusal_make(char *buf, const char *date);
/* Sends it on a new connection and closes that; never waits. What has arrived is read first, or the
 * kernel would send a reset, which may destroy the answer on its way. */
void refusal_send(int fd, const char *date);

#endif
