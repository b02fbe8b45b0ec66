/*
 * text.h - the bytes of one config file, read and checked by ourselves: libconfig never opens a
 * file. A text is immutable once read. One thread.
 */
#ifndef MUXD_CONFIG_TEXT_H
#define MUXD_CONFIG_TEXT_H

#include <sys/stat.h>

#include "config/report.h"

#define TEXT_FILE_MAX MIB(16)

struct text {
    const char *name; /* as messages show it; the caller's */
    struct str dir;   /* of the file, no final slash: "." for "x", empty for "/x" */
    char *text;       /* n bytes and a NUL; without byte order mark; the last line has its end
                        (libconfig 1.5 refuses a comment that ends with the file) */
    size_t n;
    uint32_t *lines; /* where each line begins */
    size_t n_lines;
    dev_t dev;
    ino_t ino;
    mode_t mode;
};

/* All bytes of a regular file of at most `max`, into *ret (malloc; two more are there than *ret_n);
 * never waits for a FIFO or a device. 0, or -errno with *ret_why what to tell; -EFBIG: larger. */
int text_bytes(const char *name, size_t max, char **ret, size_t *ret_n, struct stat *ret_stat,
               const char **ret_why) MUST_USE;
/* The same as a config's text; max <= TEXT_FILE_MAX. */
int text_read(struct text *s, const char *name, size_t max, const char **ret_why) MUST_USE;
/* `s` with the given bytes instead of a file's. 0 or -ENOMEM. */
int text_from_bytes(struct text *s, const char *name, struct str bytes) MUST_USE;
/* NULL is fine. */
void text_done(struct text *s);

/* Reports NUL and control bytes, a CR without LF, malformed UTF-8. True when there are none. */
bool text_check(const struct text *s, struct report *r);

struct place text_place(const struct text *s, size_t at, size_t width);
/* Line `line` (from 1) without its end; {NULL, 0} when there is none. */
struct str text_line(const struct text *s, unsigned line);
/* Reports about the bytes [at, at + width). */
void text_report(const struct text *s, struct report *r, bool error, size_t at, size_t width,
                 const char *fmt, ...) PRINTF_LIKE(6, 7);
/* A note on the last report, about those bytes; `why` is the whole text. */
void text_note(const struct text *s, struct report *r, size_t at, size_t width, const char *why);

#endif
