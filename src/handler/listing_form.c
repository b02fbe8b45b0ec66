/*
 * listing_form.c - see listing_form.h: HTML that stands alone (no script, nothing from elsewhere),
 * and JSON. Any thread; a worker makes it.
 *
 * Every byte of a name goes through put_text(), put_json() or put_link(), each for its own place.
 */
#include "handler/listing_form.h"

#include <inttypes.h>
#include <time.h>

#include "base/json.h"
#include "base/utf8.h"
#include "http/chars.h"

#define LINKS_UP_MAX 100 /* parents that are linked to */

/* What is written; after the first error nothing is. */
struct page {
    struct buf *out;
    int error;
};

static void put(struct page *p, struct str s)
{
    if (p->error == 0)
        p->error = buf_add_str(p->out, s);
}

#define put_lit(page, literal) put(page, STR(literal))

static void put_number(struct page *p, uint64_t n)
{
    char text[20];

    put(p, str_make(text, (size_t)(str_put_u64(text, n) - text)));
}

/* ---- names */

/* Embeddings, overrides and isolates (U+202A to U+202E, U+2066 to U+2069), and U+0080 to U+009F. */
static bool is_unfit(struct str c)
{
    const unsigned char *u = (const unsigned char *)c.p;

    if (c.n == 2)
        return u[0] == 0xc2 && u[1] < 0xa0;
    return c.n == 3 && u[0] == 0xe2 &&
           ((u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
            (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
}

/* As text of HTML; not for attributes. Controls become their pictures, U+2400 and on. */
static void put_text(struct page *p, struct str s)
{
    while (s.n != 0) {
        size_t n = utf8_len(s.p, s.n);
        unsigned char c = (unsigned char)s.p[0];
        char picture[] = { '\xe2', '\x90', (char)(c == 0x7f ? 0xa1 : 0x80 + c) };

        if (n == 0 || is_unfit(str_head(s, n)))
            put_lit(p, "\xef\xbf\xbd");
        else if (c < ' ' || c == 0x7f)
            put(p, str_make(picture, sizeof picture));
        else if (c == '&')
            put_lit(p, "&amp;");
        else if (c == '<')
            put_lit(p, "&lt;");
        else if (c == '>')
            put_lit(p, "&gt;");
        else
            put(p, str_head(s, n));
        s = str_from(s, max_of(n, (size_t)1));
    }
}

/* As put_text(), and blanks at its begin and end can be seen. */
static void put_name(struct page *p, struct str s)
{
    size_t from = 0, to = s.n;

    for (; from < to && s.p[from] == ' '; from++)
        put_lit(p, "\xe2\x90\xa3");
    while (to > from && s.p[to - 1] == ' ')
        to--;
    put_text(p, str_make(s.p + from, to - from));
    for (; to < s.n; to++)
        put_lit(p, "\xe2\x90\xa3");
}

/* As a string of JSON, with its quotes. */
static void put_json(struct page *p, struct str s)
{
    char c[JSON_CHAR_MAX];

    put_lit(p, "\"");
    while (s.n != 0) {
        size_t n = json_take(&s, c);
        put(p, str_make(c, n));
    }
    put_lit(p, "\"");
}

/* As a relative reference, whatever stands around it: only unreserved characters stay, so it has
 * no scheme and is nothing to HTML or JSON. */
static void put_link(struct page *p, const struct contents *f, const struct entry *e)
{
    static const char hex[] = "0123456789ABCDEF";
    struct str s = contents_name(f, e);

    while (s.n != 0) {
        size_t n = chars_run(s.p, 0, s.n, CHAR_HOST);
        put(p, str_head(s, n));
        s = str_from(s, n);
        if (s.n != 0) {
            unsigned char c = (unsigned char)s.p[0];
            char escape[] = { '%', hex[c >> 4], hex[c & 15] };
            put(p, str_make(escape, sizeof escape));
            s = str_from(s, 1);
        }
    }
    if (e->directory)
        put_lit(p, "/");
}

/* ---- numbers */

/* "2026-11-21T14:03:10Z", or nothing where the year has not four digits; room for 24 bytes. */
static struct str time_text(int64_t seconds, char *buf)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (seconds < INT64_C(-62167219200) || seconds > INT64_C(253402300799) ||
        gmtime_r(&t, &tm) == NULL)
        return STR_EMPTY;
    return str_make(buf, strftime(buf, 24, "%Y-%m-%dT%H:%M:%SZ", &tm));
}

/* "12 B", "1.4 MiB", "14 MiB". */
static void put_size(struct page *p, uint64_t size)
{
    static const char units[] = "KMGTPE";
    uint64_t tenths = 0;
    size_t unit = 0;

    if (size < 1024) {
        put_number(p, size);
        put_lit(p, " B");
        return;
    }
    for (;; unit++) {
        size_t shift = 10 * (unit + 1);
        uint64_t rest = (size >> (shift - 10)) & 1023; /* of 1024 */
        tenths = (size >> shift) * 10 + (rest * 10 + 512) / 1024;
        if (tenths < 10235) /* else it would be rounded to 1024 */
            break;
    }
    if (tenths < 100) {
        put_number(p, tenths / 10);
        put_lit(p, ".");
        put_number(p, tenths % 10);
    } else {
        put_number(p, (tenths + 5) / 10);
    }
    put_lit(p, " ");
    put(p, str_make(&units[unit], 1));
    put_lit(p, "iB");
}

/* ---- HTML */

static const char head_before_title[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>";

static const char head_behind_title[] =
    "</title>\n"
    "<style>\n"
    ":root { --text: #222; --page: #fcfcfa; --soft: #eeeee8; --line: #d5d5cc; --link: #0a58a6;\n"
    "  --dim: #5a5a55; }\n"
    "@media (prefers-color-scheme: dark) { :root { --text: #ddd; --page: #181a1b;\n"
    "  --soft: #26292b; --line: #3a3f42; --link: #7db8f0; --dim: #a3a7aa; } }\n"
    "body { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; color: var(--text);\n"
    "  background: var(--page); font: 1rem/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }\n"
    "h1 { margin: 0 0 1rem; font-size: 1.25rem; line-height: 1.5; }\n"
    "a { color: var(--link); text-decoration: none; }\n"
    "h1 a, a:hover { text-decoration: underline; text-underline-offset: 0.15em; }\n"
    "h1 a { margin: 0 -0.3em 0 -0.45em; padding: 0.2em 0.45em; }\n"
    "a:focus-visible { outline: 2px solid var(--link); outline-offset: -1px; }\n"
    "table { width: 100%; border-collapse: collapse; }\n"
    "caption { caption-side: bottom; padding: 0.75rem 0; text-align: left; color: var(--dim); }\n"
    "td, th { width: 1%; padding: 0.5rem 0 0.5rem 1rem; border-bottom: 1px solid var(--line);\n"
    "  color: var(--dim); font-weight: normal; font-variant-numeric: tabular-nums;\n"
    "  text-align: right; vertical-align: top; white-space: nowrap; }\n"
    "th:first-child { width: auto; padding-left: 0; text-align: left; white-space: normal; }\n"
    "th a { display: block; margin: -0.5rem 0; padding: 0.5rem 0; }\n"
    "thead a { font-weight: bold; }\n"
    "th bdi { white-space: break-spaces; }\n"
    "tbody tr:hover { background: var(--soft); }\n"
    "[aria-sort=ascending] a::after { content: \"\\a0\\2191\"; }\n"
    "[aria-sort=descending] a::after { content: \"\\a0\\2193\"; }\n"
    "@media (max-width: 32rem) { td, th { padding-left: 0.75rem; font-size: 0.9375rem; }\n"
    "  time span { display: none; } }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>";

/* Where the page is: the root and what is below, each a link but the last. */
static void put_crumbs(struct page *p, const struct listing *l)
{
    struct str top = str_head(l->path, l->path.n - l->dir.n), rest = l->dir;
    size_t up = 0;

    for (size_t i = 0; i < rest.n; i++)
        up += rest.p[i] == '/';
    for (struct str name = top;; name = str_cut(&rest, '/')) {
        bool linked = up > 0 && up <= LINKS_UP_MAX;
        if (linked)
            put_lit(p, "<a href=\"");
        for (size_t i = 0; linked && i < up; i++)
            put_lit(p, "../");
        if (linked)
            put_lit(p, "\">");
        put_lit(p, "<bdi>");
        put_name(p, name);
        put_lit(p, "</bdi>");
        if (linked)
            put_lit(p, "</a>");
        if (name.p != top.p)
            put_lit(p, "/");
        if (up-- == 0)
            return;
        put_lit(p, "<wbr>");
    }
}

/* A column's head: what to sort by, and the other way round if it is sorted so. Names are asked for
 * from the first one on, numbers from the largest. */
static void put_column(struct page *p, const struct listing *l, enum listing_sort sort)
{
    static const struct str keys[] = { { "name", 4 }, { "size", 4 }, { "time", 4 } };
    static const struct str texts[] = { { "Name", 4 }, { "Size", 4 }, { "Modified", 8 } };
    bool sorted = l->sort == sort, descending = sorted ? !l->descending : sort != LISTING_NAME;

    put_lit(p, "<th scope=\"col\"");
    if (sorted)
        put(p, l->descending ? STR(" aria-sort=\"descending\"") : STR(" aria-sort=\"ascending\""));
    put_lit(p, "><a href=\"?sort=");
    put(p, keys[sort]);
    put(p, descending ? STR("&amp;order=desc\">") : STR("&amp;order=asc\">"));
    put(p, texts[sort]);
    put_lit(p, "</a></th>");
}

static void put_row(struct page *p, const struct contents *f, const struct entry *e)
{
    char buf[24];
    struct str time = time_text(e->modified, buf);

    put_lit(p, "<tr><th scope=\"row\"><a href=\"");
    put_link(p, f, e);
    put_lit(p, "\"><bdi>");
    put_name(p, contents_name(f, e));
    put(p, e->directory ? STR("</bdi>/</a></th><td>") : STR("</bdi></a></th><td title=\""));
    if (!e->directory) {
        put_number(p, e->size);
        put(p, e->size == 1 ? STR(" byte\">") : STR(" bytes\">"));
        put_size(p, e->size);
    }
    put_lit(p, "</td><td>");
    if (time.n != 0) {
        put_lit(p, "<time datetime=\"");
        put(p, time);
        put_lit(p, "\">");
        put(p, str_head(time, 10));
        put_lit(p, "<span> ");
        put(p, str_head(str_from(time, 11), 5));
        put_lit(p, "</span></time>");
    }
    put_lit(p, "</td></tr>\n");
}

static void put_count(struct page *p, size_t n, struct str one, struct str many)
{
    put_number(p, n);
    put_lit(p, " ");
    put(p, n == 1 ? one : many);
}

static void put_table(struct page *p, const struct listing *l, const struct contents *f)
{
    const struct entry *entries = (const void *)buf_str(&f->entries).p;

    if (f->truncated)
        put_lit(p, "<p>There is more in this directory than is listed here.</p>\n");
    put_lit(p, "<table>\n<caption>");
    put_count(p, f->n_directories, STR("directory"), STR("directories"));
    put_lit(p, ", ");
    put_count(p, f->n - f->n_directories, STR("file"), STR("files"));
    put_lit(p, ". Times are UTC.</caption>\n<thead>\n<tr>");
    put_column(p, l, LISTING_NAME);
    put_column(p, l, LISTING_SIZE);
    put_column(p, l, LISTING_TIME);
    put_lit(p, "</tr>\n</thead>\n<tbody>\n");
    if (l->dir.n != 0)
        put_lit(p, "<tr><th scope=\"row\"><a href=\"../\">../</a></th><td></td><td></td></tr>\n");
    for (size_t i = 0; i < f->n; i++)
        put_row(p, f, &entries[i]);
    put_lit(p, "</tbody>\n</table>\n");
}

int form_html(const struct listing *l, const struct contents *f, struct buf *out)
{
    struct page p = { .out = out };

    put(&p, str_of(head_before_title));
    put_text(&p, l->path);
    put(&p, str_of(head_behind_title));
    put_crumbs(&p, l);
    put_lit(&p, "</h1>\n");
    if (f->n != 0)
        put_table(&p, l, f);
    else if (f->truncated)
        put_lit(&p, "<p>This directory is too large to be listed.</p>\n");
    else
        put_lit(&p, "<p>There is nothing to show in this directory.</p>\n");
    if (f->n == 0 && l->dir.n != 0)
        put_lit(&p, "<p><a href=\"../\">../</a></p>\n");
    put_lit(&p, "</main>\n</body>\n</html>\n");
    return p.error;
}

/* ---- JSON */

int form_json(const struct listing *l, const struct contents *f, struct buf *out)
{
    const struct entry *e = (const void *)buf_str(&f->entries).p;
    struct page p = { .out = out };
    char buf[24];

    put_lit(&p, "{\"path\":");
    put_json(&p, l->path);
    put_lit(&p, ",\"entries\":[");
    for (size_t i = 0; i < f->n; i++, e++) {
        put(&p, i > 0 ? STR(",\n{\"name\":") : STR("\n{\"name\":"));
        put_json(&p, contents_name(f, e));
        put_lit(&p, ",\"href\":\"");
        put_link(&p, f, e);
        put(&p, e->directory ? STR("\",\"type\":\"directory\",\"size\":null,\"modified\":")
                             : STR("\",\"type\":\"file\",\"size\":"));
        if (!e->directory) {
            put_number(&p, e->size);
            put_lit(&p, ",\"modified\":");
        }
        struct str time = time_text(e->modified, buf);
        if (time.n != 0)
            put_json(&p, time);
        else
            put_lit(&p, "null");
        put_lit(&p, "}");
    }
    put(&p, f->truncated ? STR("],\"truncated\":true}\n") : STR("],\"truncated\":false}\n"));
    return p.error;
}
