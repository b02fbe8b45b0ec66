/*
 * listing_form.h - what is found in a directory as text. Private to listing*.c. The worker that
 * makes the listing.
 */
#ifndef MUXD_HANDLER_LISTING_FORM_H
#define MUXD_HANDLER_LISTING_FORM_H

#include "handler/listing.h"

struct entry {
    size_t name_at, name_n; /* in contents.names */
    bool directory;
    uint64_t size;    /* 0 of a directory */
    int64_t modified; /* seconds since 1970 */
};

struct contents {
    struct buf names, entries; /* of struct entry, n of them */
    size_t n, n_directories;
    size_t length;  /* of their text, at most */
    bool truncated; /* there are more */
};

static inline struct str contents_name(const struct contents *f, const struct entry *e)
{
    return str_make(buf_at(&f->names) + e->name_at, e->name_n);
}

/* The text of an entry, in either form: bytes for each byte of its name, and besides. */
#define FORM_NAME_MAX 9
#define FORM_ROW_MAX 256

int form_html(const struct listing *l, const struct contents *f, struct buf *out) MUST_USE;
int form_json(const struct listing *l, const struct contents *f, struct buf *out) MUST_USE;

#endif
