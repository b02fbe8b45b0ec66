/*
 * columns.h - a table to standard output, its columns aligned; and text from a config or a request
 * that must not speak to the terminal. The thread of main().
 */
#ifndef MUXD_COMMAND_COLUMNS_H
#define MUXD_COMMAND_COLUMNS_H

#include "base/arena.h"

#define COLUMNS_MAX 8

struct columns {
    struct arena *arena;
    struct columns_row *first, *last;
    size_t width[COLUMNS_MAX];
};

void columns_init(struct columns *c, struct arena *arena);
/* `n` cells; the caller's for as long. Without memory the row is left out. */
void columns_add(struct columns *c, const struct str *cells, size_t n);
/* Each row behind `first` (the first one) or as many blanks. Two blanks stand between columns; a
 * column without text takes no room. */
void columns_print(const struct columns *c, const char *first);

/* Control bytes and what is not UTF-8 as "\xNN". */
void columns_text(struct str s);

#endif
