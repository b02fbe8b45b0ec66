/*
 * pages.c - a site's own pages for errors: which file for which status, and what is in it. They are
 * read here, once, so that an error costs no file; a reload reads them anew. The loader's thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "config/loader.h"
#include "handler/mime.h"

#define PAGES_MAX 256 /* of a site */
#define PAGE_MAX KIB(256)
/* Blocks of the arena are of 1 MiB at most, of which three of the largest pages leave a quarter. */
#define ARENA_MAX (PAGES_MAX * PAGE_MAX * 2)
#define STATUS_FIRST 400
#define STATUS_LAST 599

static unsigned width(const struct error_page *p)
{
    return p->last - p->first;
}

/* Three digits off the front of *rest, or 0. */
static unsigned cut_status(struct str *rest)
{
    uint64_t status;

    if (str_u64(str_head(*rest, 3), &status) < 0 || status < 100)
        return 0;
    *rest = str_from(*rest, 3);
    return (unsigned)status;
}

/* "404 FILE" or "500-599 FILE" */
static bool parse(struct str s, struct error_page *p, struct str *ret_path)
{
    p->first = p->last = cut_status(&s);
    if (p->first != 0 && str_starts(s, STR("-"))) {
        s = str_from(s, 1);
        p->last = cut_status(&s);
    }
    *ret_path = str_trim(s);
    return p->first != 0 && p->last != 0 && ret_path->n != 0 && ret_path->n < s.n;
}

/* False: reported. */
static bool check_page(struct loader *l, struct setting at, struct str spelled,
                       struct error_page *p, struct str *ret_path)
{
    if (!parse(spelled, p, ret_path))
        setting_error(at, l->report, AT_VALUE,
                      "\"%.*s\" is not spelled \"404 FILE\" or \"500-599 FILE\"",
                      str_fmt(str_head(spelled, 100)));
    else if (p->first < STATUS_FIRST || p->last > STATUS_LAST)
        setting_error(at, l->report, AT_VALUE, "%u is no error's status; those are %d to %d",
                      p->first < STATUS_FIRST ? p->first : p->last, STATUS_FIRST, STATUS_LAST);
    else if (p->first > p->last)
        setting_error(at, l->report, AT_VALUE, "no status is in %u-%u", p->first, p->last);
    else
        return true;
    return false;
}

/* The file into p->body, and its type. A refusal is in the report, and the body is {NULL, 0}. */
static int read_page(struct loader *l, struct setting at, struct str path, struct arena *arena,
                     struct error_page *p)
{
    struct option_check base = { .arena = &l->arena, .base = at.file->source.dir };
    struct str type = mime_type(NULL, path), name = option_path(&base, path);
    const char *why;
    struct stat st;
    char *bytes;
    size_t n;

    if (name.p == NULL)
        return -ENOMEM;
    if (str_eq(type, STR("application/octet-stream"))) {
        setting_error(at, l->report, AT_VALUE,
                      "the name %.*s does not tell a type; it should end in .html, .json or such",
                      str_fmt(path));
        return 0;
    }
    int r = text_bytes(name.p, PAGE_MAX, &bytes, &n, &st, &why);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        setting_error(at, l->report, AT_VALUE, "cannot read %.*s: %s%s", str_fmt(name),
                      r == -EFBIG ? "it is over 256 KiB" : why,
                      ascii_digit((unsigned char)path.p[0]) && str_chr(path, ' ') < path.n
                          ? "; a string has one status or one range"
                      : path.p[0] == '/' ? "; this is a file, not a path of the site"
                                         : "");
        return 0;
    }
    p->body = arena_str(arena, str_make(bytes, n));
    free(bytes);
    p->type = arena_str(arena, type);
    p->media = str_head(p->type, str_chr(p->type, ';'));
    return p->body.p != NULL && p->type.p != NULL ? 0 : -ENOMEM;
}

/* Where neither is the narrower one it could not be told which of two is meant. */
static bool clash(const struct error_page *a, const struct error_page *b)
{
    return width(a) == width(b) && a->first <= b->last && b->first <= a->last &&
           str_ieq(a->media, b->media);
}

/* Puts the page where it belongs; spelled[i] is that of pages->v[i]. */
static void add(struct loader *l, struct setting at, struct error_pages *pages,
                struct setting *spelled, const struct error_page *p)
{
    size_t i = pages->n;

    for (size_t j = 0; j < pages->n; j++)
        if (clash(&pages->v[j], p)) {
            setting_error(at, l->report, AT_VALUE,
                          "there is another page of the type %.*s for the same status",
                          str_fmt(p->media));
            setting_note(spelled[j], l->report, AT_VALUE, "it is here");
            return;
        }
    for (; i > 0 && width(&pages->v[i - 1]) > width(p); i--) {
        pages->v[i] = pages->v[i - 1];
        spelled[i] = spelled[i - 1];
    }
    pages->v[i] = *p;
    spelled[i] = at;
    pages->n++;
}

static struct error_pages *pages_new(size_t n)
{
    struct error_pages *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    atomic_init(&p->refs, 1);
    arena_init(&p->arena, ARENA_MAX);
    p->v = arena_array(&p->arena, n, sizeof *p->v);
    if (p->v != NULL)
        return p;
    error_pages_unref(p);
    return NULL;
}

int load_pages(struct loader *l, struct setting list, struct strs spelled, struct error_pages **ret)
{
    size_t n = min_of(spelled.n, (size_t)PAGES_MAX);

    *ret = NULL;
    if (n == 0)
        return 0;
    struct setting *at = arena_array(&l->arena, n, sizeof *at);
    struct error_pages *pages = *ret = pages_new(n);
    if (at == NULL || pages == NULL)
        return -ENOMEM;
    if (n < spelled.n)
        setting_error(nth_string(list, n), l->report, AT_VALUE, "more than %d pages for errors",
                      PAGES_MAX);
    mime_load();
    for (size_t i = 0; i < n; i++) {
        struct setting s = nth_string(list, i);
        struct error_page p = { .body = STR_EMPTY };
        struct str path;
        if (!check_page(l, s, spelled.v[i], &p, &path))
            continue;
        int r = read_page(l, s, path, &pages->arena, &p);
        if (r < 0)
            return r;
        if (p.body.p != NULL)
            add(l, s, pages, at, &p);
    }
    return 0;
}

bool same_pages(const struct error_pages *a, const struct error_pages *b)
{
    if (a == NULL || b == NULL || a->n != b->n)
        return a == b;
    for (size_t i = 0; i < a->n; i++) {
        const struct error_page *p = &a->v[i], *q = &b->v[i];
        if (p->first != q->first || p->last != q->last || !str_eq(p->type, q->type) ||
            !str_eq(p->body, q->body))
            return false;
    }
    return true;
}
