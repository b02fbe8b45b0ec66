/* log.c - see log.h. Where it goes is written once, before the first thread. Any thread. */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic enum log_level least_level = LOG_LEVEL_INFO;
static bool to_journal;

/* $JOURNAL_STREAM names the device and inode of the stream the journal gave us; they differ when
 * standard error was redirected since (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_set_level(enum log_level least)
{
    atomic_store_explicit(&least_level, least, memory_order_relaxed);
}

void log_init(enum log_level least)
{
    log_set_level(least);
    to_journal = stderr_is_journal();
}

bool log_is_journal(void)
{
    return to_journal;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_DEBUG:
        return "debug: ";
    case LOG_LEVEL_NOTICE:
    case LOG_LEVEL_INFO:
        break;
    }
    return "";
}

static bool writable(void)
{
    struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };

    return poll(&err, 1, 0) == 1 && (err.revents & POLLOUT);
}

/* Never waits: a loop must not stand still for a log. A pipe that is writable takes PIPE_BUF bytes,
 * more than a line; so that this is still true when it is written to, one thread at a time asks.
 */
static void write_line(const char *line, size_t n)
{
    static pthread_mutex_t mutex =
        PTHREAD_MUTEX_INITIALIZER; /* of `lost`; its holder never waits */
    static unsigned lost;
    char text[64];

    pthread_mutex_lock(&mutex);
    if (lost > 0 && writable()) {
        int m = snprintf(text, sizeof text, "muxd: %u lines of the log were lost\n", lost);
        (void)!write(STDERR_FILENO, text, (size_t)m);
        lost = 0;
    }
    if (lost == 0 && writable())
        (void)!write(STDERR_FILENO, line, n);
    else
        lost++;
    pthread_mutex_unlock(&mutex);
}

static void PRINTF_LIKE(3, 0)
    log_record(enum log_level level, const char *word, const char *fmt, va_list ap)
{
    char line[2048];
    size_t at;

    if (level != LOG_LEVEL_NOTICE &&
        level > atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    int n = to_journal ? snprintf(line, sizeof line, "<%d>%s", (int)level, word)
                       : snprintf(line, sizeof line, "muxd: %s", word);
    at = (size_t)n;
    n = vsnprintf(line + at, sizeof line - at, fmt, ap);
    if (n < 0)
        return;
    at = min_of(at + (size_t)n, sizeof line - 2);
    /* A record is one line, whatever a file name or a peer put into it. */
    for (size_t i = 0; i < at; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    line[at++] = '\n';
    write_line(line, at);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_record(level, level_name(level), fmt, ap);
    va_end(ap);
}

void log_plain(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_record(level, "", fmt, ap);
    va_end(ap);
}
