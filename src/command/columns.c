/* columns.c - see columns.h. The thread of main(). */
#include "command/columns.h"

#include <stdio.h>

#include "base/utf8.h"

struct columns_row {
    struct columns_row *next;
    size_t n;
    struct str cells[COLUMNS_MAX];
};

void columns_text(struct str s)
{
    while (s.n != 0) {
        bool shown;
        size_t n = utf8_shown(s.p, s.n, &shown);
        for (size_t i = 0; i < n; i++)
            printf(shown ? "%c" : "\\x%02X", (unsigned char)s.p[i]);
        s = str_from(s, n);
    }
}

static size_t width(struct str s)
{
    size_t w = 0;

    while (s.n != 0) {
        bool shown;
        size_t n = utf8_shown(s.p, s.n, &shown);
        w += shown ? 1 : 4 * n;
        s = str_from(s, n);
    }
    return w;
}

void columns_init(struct columns *c, struct arena *arena)
{
    *c = (struct columns){ .arena = arena };
}

void columns_add(struct columns *c, const struct str *cells, size_t n)
{
    struct columns_row *row = arena_zalloc(c->arena, sizeof *row);

    if (row == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        row->cells[i] = cells[i];
        c->width[i] = max_of(c->width[i], width(cells[i]));
        if (cells[i].n != 0)
            row->n = i + 1; /* no blanks at the end of a line */
    }
    if (c->last != NULL)
        c->last->next = row;
    else
        c->first = row;
    c->last = row;
}

void columns_print(const struct columns *c, const char *first)
{
    size_t indent = strlen(first);

    for (const struct columns_row *row = c->first; row != NULL; row = row->next) {
        printf("%*s", (int)indent, row == c->first ? first : "");
        for (size_t i = 0; i < row->n; i++) {
            columns_text(row->cells[i]);
            if (c->width[i] != 0 && i + 1 < row->n)
                printf("%*s", (int)(c->width[i] - width(row->cells[i]) + 2), "");
        }
        putchar('\n');
    }
}
