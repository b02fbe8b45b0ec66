/*
 * complain.h - what is wrong with a config as records of the log. Any thread.
 */
#ifndef MUXD_SERVER_COMPLAIN_H
#define MUXD_SERVER_COMPLAIN_H

#include "config/report.h"

#define COMPLAIN_MEMORY MIB(16) /* for the messages about one config */
#define COMPLAIN_SUM_MAX 64

/* Each error and warning as `muxd check` shows it, without the line it points at; but not without
 * end. */
void complain_report(struct report *report);
/* An error at that place, likewise. */
void complain_at(const struct place *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "2 errors, 1 warning", in `buf` of COMPLAIN_SUM_MAX bytes. */
const char *complain_sum(unsigned errors, unsigned warnings, char *buf);

#endif
