/*
 * log.h - the error log: one line a record on standard error, "muxd: warning: ...",
 * or with a "<4>" prefix (sd-daemon(3)) when standard error is the journal.
 * One write(2) a line, so lines of several threads do not mix. A line that could not be written
 * without waiting (a pipe nobody reads) is lost, and the next one says how many were. Any thread.
 * Floors 0 to 4 return errors and do not log; this is for server/ and main.
 */
#ifndef MUXD_BASE_LOG_H
#define MUXD_BASE_LOG_H

#include "base/def.h"

/* The numbers are syslog's severities. */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5, /* what was asked for is done: never dropped */
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Before the first thread: looks at $JOURNAL_STREAM; records less severe than `least` are dropped,
 * but for notices. */
void log_init(enum log_level least);
void log_set_level(enum log_level least);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same without the word for the level, for a text that has one. */
void log_plain(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Whether standard error is the journal. */
bool log_is_journal(void);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
