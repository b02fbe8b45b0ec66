/*
 * report.c - see report.h. Items own copies of all their text, so a report outlives the loader
 * and its files. One thread.
 */
#include "config/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"

#define EXCERPT_MAX 120   /* bytes of a line that are kept */
#define EXCERPT_BEFORE 50 /* of them, in front of the place, when the line is longer */
#define TEXT_MAX KIB(64)

void report_init(struct report *r, struct arena *arena)
{
    *r = (struct report){ .arena = arena, .refused = STR_EMPTY };
    list_init(&r->items);
}

/* Cuts a long line down to what is around the place, between characters. */
static struct str excerpt(struct str line, unsigned col, unsigned *ret_from)
{
    size_t from = 0;

    if (line.n > EXCERPT_MAX && col > EXCERPT_BEFORE)
        from = min_of(col - EXCERPT_BEFORE, line.n);
    while (from > 0 && from < line.n && ((unsigned char)line.p[from] & 0xC0) == 0x80)
        from--;
    *ret_from = (unsigned)from;
    return str_head(str_from(line, from), EXCERPT_MAX);
}

/* Items come in runs of one file: the copy of its name is shared. */
static const char *keep_file(struct report *r, const char *file)
{
    if (file == NULL)
        return NULL;
    if (!list_empty(&r->items)) {
        const char *last = list_last(&r->items, struct report_item, node)->place.file;
        if (last != NULL && strcmp(last, file) == 0)
            return last;
    }
    return arena_str(r->arena, str_of(file)).p;
}

/* False without memory. */
static bool keep_source(struct report *r, struct str source, unsigned col, struct str *ret,
                        unsigned *ret_from)
{
    if (source.p != NULL)
        *ret = arena_str(r->arena, excerpt(source, col, ret_from));
    return source.p == NULL || ret->p != NULL;
}

void report_vadd(struct report *r, bool error, struct place place, struct str source,
                 const char *fmt, va_list ap)
{
    r->last = NULL;
    if (r->muted)
        return;
    if (error)
        r->errors++;
    else
        r->warnings++;

    struct report_item *item =
        r->errors + r->warnings > REPORT_ITEMS_MAX ? NULL : arena_zalloc(r->arena, sizeof *item);
    if (item == NULL) {
        r->dropped = true;
        return;
    }
    item->error = error;
    item->place = place;
    item->place.width = max_of(place.width, 1u);
    item->place.file = keep_file(r, place.file);
    item->text = arena_vprintf(r->arena, fmt, ap);
    if (!keep_source(r, source, place.col, &item->source, &item->source_from) ||
        item->text.p == NULL || (place.file != NULL && item->place.file == NULL)) {
        r->dropped = true;
        return;
    }
    list_push_back(&r->items, &item->node);
    r->last = item;
}

void report_vnote(struct report *r, struct place place, struct str source, const char *fmt,
                  va_list ap)
{
    struct report_note *note = r->last ? arena_zalloc(r->arena, sizeof *note) : NULL;

    if (note == NULL)
        return;
    note->place = place;
    note->place.width = max_of(place.width, 1u);
    note->place.file = keep_file(r, place.file);
    note->text = arena_vprintf(r->arena, fmt, ap);
    if (keep_source(r, source, place.col, &note->source, &note->source_from) &&
        note->text.p != NULL && (place.file == NULL || note->place.file != NULL))
        r->last->note = note;
}

void report_note(struct report *r, struct place place, struct str source, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_vnote(r, place, source, fmt, ap);
    va_end(ap);
}

void report_add(struct report *r, bool error, struct place place, struct str source,
                const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_vadd(r, error, place, source, fmt, ap);
    va_end(ap);
}

struct ranked {
    struct report_item *item;
    size_t file;  /* rank of its file */
    size_t found; /* rank of its discovery */
};

static int by_place(const void *va, const void *vb)
{
    const struct ranked *a = va, *b = vb;

    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->item->place.line != b->item->place.line)
        return a->item->place.line < b->item->place.line ? -1 : 1;
    if (a->item->place.col != b->item->place.col)
        return a->item->place.col < b->item->place.col ? -1 : 1;
    return a->found < b->found ? -1 : a->found > b->found;
}

void report_sort(struct report *r)
{
    size_t n = 0, i = 0, n_files = 0;

    list_each (it, &r->items, struct report_item, node)
        n++;
    struct ranked *order = calloc(max_of(n, (size_t)1), sizeof *order);
    const char **files = calloc(max_of(n, (size_t)1), sizeof *files);
    if (order == NULL || files == NULL)
        goto done; /* the order of discovery serves as well */

    list_each (it, &r->items, struct report_item, node) {
        const char *file = it->place.file ? it->place.file : "";
        size_t rank = i ? order[i - 1].file : 0;
        if (rank >= n_files || strcmp(files[rank], file) != 0)
            for (rank = 0; rank < n_files && strcmp(files[rank], file) != 0; rank++)
                ;
        if (rank == n_files)
            files[n_files++] = file;
        order[i] = (struct ranked){ .item = it, .file = rank, .found = i };
        i++;
    }
    qsort(order, n, sizeof *order, by_place);
    list_init(&r->items);
    for (i = 0; i < n; i++)
        list_push_back(&r->items, &order[i].item->node);
done:
    free(order);
    free(files);
}

/* What a file holds is shown without letting it speak to the terminal. */
static int add_shown(struct buf *b, struct str s, bool keep_tabs)
{
    int r = 0;

    while (s.n != 0 && r == 0) {
        bool plain;
        size_t n = utf8_shown(s.p, s.n, &plain);
        if (plain || (keep_tabs && s.p[0] == '\t'))
            r = buf_add(b, s.p, n);
        else
            r = buf_add(b, "?", 1);
        s = str_from(s, n);
    }
    return r;
}

/* Under each character stands one blank (a tab under a tab), then the caret. */
static int add_caret(struct buf *b, struct str source, size_t col, size_t width)
{
    size_t at = 0;
    bool plain, first = true;
    int r = buf_printf(b, "%5s | ", "");

    while (r == 0 && at < col && at < source.n) {
        r = buf_add(b, source.p[at] == '\t' ? "\t" : " ", 1);
        at += utf8_shown(source.p + at, source.n - at, &plain);
    }
    do {
        if (r == 0)
            r = buf_add(b, first ? "^" : "~", 1);
        first = false;
        if (at < source.n)
            at += utf8_shown(source.p + at, source.n - at, &plain);
    } while (r == 0 && at < col + width && at < source.n);
    return r == 0 ? buf_add(b, "\n", 1) : r;
}

static int add_place(struct buf *b, const struct place *p)
{
    int r = p->file ? add_shown(b, str_of(p->file), false) : 0;

    if (r == 0 && p->file != NULL && p->line != 0)
        r = buf_printf(b, ":%u", p->line);
    if (r == 0 && p->file != NULL && p->line != 0 && p->col != 0)
        r = buf_printf(b, ":%u", p->col);
    if (r == 0 && p->file != NULL)
        r = buf_add_str(b, STR(": "));
    return r;
}

/* The line of the place, from byte `from` on, and the caret. */
static int add_source(struct buf *b, const struct place *p, struct str source, unsigned from)
{
    if (source.p == NULL || p->line == 0)
        return 0;
    int r = buf_printf(b, "%5u | ", p->line);
    if (r == 0)
        r = add_shown(b, source, true);
    if (r == 0)
        r = buf_add(b, "\n", 1);
    if (r == 0 && p->col != 0 && p->col > from)
        r = add_caret(b, source, p->col - 1 - from, p->width);
    return r;
}

static int add_note(struct buf *b, const struct report_note *n, bool caret)
{
    int r = caret ? 0 : buf_add_str(b, STR(" ("));

    if (r == 0)
        r = add_place(b, &n->place);
    if (r == 0 && caret)
        r = buf_add_str(b, STR("note: "));
    if (r == 0)
        r = add_shown(b, str_head(n->text, TEXT_MAX / 8), false);
    if (r == 0)
        r = buf_add(b, caret ? "\n" : ")", 1);
    if (r == 0 && caret)
        r = add_source(b, &n->place, n->source, n->source_from);
    return r;
}

struct str report_text(const struct report_item *item, bool caret, struct arena *arena)
{
    struct str text = STR_EMPTY;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    int r = add_place(&b, &item->place);
    if (r == 0)
        r = buf_add_str(&b, item->error ? STR("error: ") : STR("warning: "));
    if (r == 0)
        r = add_shown(&b, str_head(item->text, TEXT_MAX / 2), false);
    if (r == 0 && !caret && item->note != NULL)
        r = add_note(&b, item->note, false);
    if (r == 0)
        r = buf_add(&b, "\n", 1);
    if (r == 0 && caret)
        r = add_source(&b, &item->place, item->source, item->source_from);
    if (r == 0 && caret && item->note != NULL)
        r = add_note(&b, item->note, true);
    if (r == 0)
        text = arena_str(arena, buf_str(&b));
    buf_done(&b);
    return text;
}
