/*
 * report.h - what is wrong with a config, collected in one go and shown as a good compiler does:
 *
 *   sites.d/shop.conf:12:9: error: unknown key "paht" (did you mean "path"?)
 *      12 |         paht = "/";
 *         |         ^~~~
 *
 * A note shows a second place, of the same or another file, in the same way below that.
 *
 * One thread.
 */
#ifndef MUXD_CONFIG_REPORT_H
#define MUXD_CONFIG_REPORT_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/list.h"

#define REPORT_ITEMS_MAX 1000 /* errors and warnings that are shown */

/* A place in a file; lines and columns (bytes) count from 1, 0: not known. */
struct place {
    const char *file;
    unsigned line, col;
    unsigned width; /* of what the caret underlines, at least 1 */
};

/* Where else to look, and why. */
struct report_note {
    struct place place;
    struct str text, source; /* as of an item */
    unsigned source_from;
};

struct report_item {
    struct list node;
    bool error; /* or a warning */
    struct place place;
    struct str text;   /* the message */
    struct str source; /* the line it points at, without newline, or {NULL, 0}; of a long line the
                          part around the place, */
    unsigned source_from;     /* which begins that many bytes into the line */
    struct report_note *note; /* or NULL */
};

struct report {
    struct arena *arena;      /* the loader's; items live in it */
    struct list items;        /* in order of discovery; sorted by report_sort() */
    struct report_item *last; /* what report_note() is about; NULL: nothing */
    unsigned errors, warnings;
    bool dropped;       /* some are only counted: too many, or no memory */
    struct str refused; /* why on_error = "keep" does not help here; empty: not asked for */
    bool muted;         /* what comes is not heard: it was told before */
};

void report_init(struct report *r, struct arena *arena);
/* Copies all it is given. Without memory the item is counted, not kept. */
void report_vadd(struct report *r, bool error, struct place place, struct str source,
                 const char *fmt, va_list ap) PRINTF_LIKE(5, 0);
void report_add(struct report *r, bool error, struct place place, struct str source,
                const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Adds a note to what was reported last, if that was kept. */
void report_note(struct report *r, struct place place, struct str source, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void report_vnote(struct report *r, struct place place, struct str source, const char *fmt,
                  va_list ap) PRINTF_LIKE(4, 0);
/* By file in order of first mention, then line, then column. */
void report_sort(struct report *r);
/* One item as text, in `arena`: with sources and carets, or in one line for a log. */
struct str report_text(const struct report_item *item, bool caret, struct arena *arena);

#endif
