/*
 * mime.h - Content-Type by the extension of a file name: from a route's own table, else
 * /etc/mime.types, else a small built-in table.
 *
 * mime_load() reads the system's table once, whoever calls it first; mime_type() may be called by
 * any thread that was handed something made after a mime_load(). A struct mime_table is filled by
 * one thread, and constant afterwards.
 */
#ifndef MUXD_HANDLER_MIME_H
#define MUXD_HANDLER_MIME_H

#include "base/arena.h"

struct mime_entry {
    struct str extension; /* lower case */
    struct str type;      /* with "; charset=..." for text */
};

/* Open addressing; all zero is the empty table, without a charset. */
struct mime_table {
    struct mime_entry *slots;
    size_t n, size;     /* size is 0 or a power of two, more than n */
    struct str charset; /* that is named for text; empty: none */
};

/*
 * A table to begin a route's own with; `charset`, such as "utf-8", lives as long. The other tables
 * name utf-8, so for any other charset, or none, the table takes in what they say of text: some
 * 20 KB with a usual /etc/mime.types. Calls mime_load(). 0; -EINVAL: the charset is no token;
 * -ENOMEM.
 */
int mime_init(struct mime_table *t, struct arena *arena, struct str charset) MUST_USE;

/* Adds a line in the form of mime.types(5), "type ext ext ..."; a later line wins over an earlier.
 * A '#' begins a comment. Text is given the table's charset, unless the type has parameters:
 * text/... and scripts, but not XML and JSON, which say theirs. 0; -EINVAL: the type is none;
 * -ENOMEM. */
int mime_add_line(struct mime_table *t, struct arena *arena, struct str line) MUST_USE;
struct str mime_find(const struct mime_table *t, struct str extension); /* or {NULL, 0} */

void mime_load(void);
/* "application/octet-stream" if nothing is known. `own` may be NULL. Constant data, nothing is
 * made: it lives as long as `own`. */
struct str mime_type(const struct mime_table *own, struct str file_name);
/* Behind the last dot of the last segment, if a name stands before the dot; else {NULL, 0}. */
struct str mime_extension(struct str file_name);
/* Whether the built-in table has the extension of a thing that pages load: a script, style, image,
 * font, ...; not of a page. The same on every machine. */
bool mime_is_asset(struct str file_name);

#endif
