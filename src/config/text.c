/*
 * text.c - see text.h.
 *
 * The file is opened without blocking and looked at by its descriptor before the first read, so
 * a FIFO or a device in its place is refused and nothing can swap it in between.
 */
#include "config/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"

#define COMPLAINTS_MAX 10 /* about bad bytes in one file */

#define BEHIND 2 /* bytes of room behind the text: a line feed, a NUL */

/* All of fd, at most `max` bytes, into *ret (malloc). */
static int read_all(int fd, size_t expected, size_t max, char **ret, size_t *ret_n)
{
    size_t cap = min_of(expected, max) + BEHIND + 1, n = 0;
    char *text = malloc(cap);

    while (text != NULL) {
        ssize_t got = read(fd, text + n, cap - BEHIND - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = errno;
            free(text);
            return -error;
        }
        n += (size_t)got;
        if (n > max) {
            free(text);
            return -EFBIG;
        }
        if (got == 0) {
            *ret = text;
            *ret_n = n;
            return 0;
        }
        if (n < cap - BEHIND)
            continue;
        char *more = realloc(text, cap * 2);
        if (more == NULL)
            free(text);
        text = more;
        cap *= 2;
    }
    return -ENOMEM;
}

static const char *refusal(const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return NULL;
    return S_ISDIR(st->st_mode) ? "it is a directory" : "it is not a regular file";
}

/* Drops a byte order mark, ends the last line, finds the lines. */
static int finish(struct text *s, const char *name)
{
    size_t slash = str_rchr(str_of(name), '/');

    s->name = name;
    s->dir = name[slash] == '/' ? str_make(name, slash) : STR(".");
    if (s->n >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0) {
        s->n -= 3;
        memmove(s->text, s->text + 3, s->n);
    }
    if (s->n != 0 && s->text[s->n - 1] != '\n')
        s->text[s->n++] = '\n';
    s->text[s->n] = '\0';

    s->n_lines = 1;
    for (const char *p = s->text; (p = memchr(p, '\n', s->n - (size_t)(p - s->text))); p++)
        s->n_lines++;
    s->lines = calloc(s->n_lines, sizeof *s->lines);
    if (s->lines == NULL) {
        text_done(s);
        return -ENOMEM;
    }
    size_t i = 1;
    for (const char *p = s->text; (p = memchr(p, '\n', s->n - (size_t)(p - s->text))); p++)
        s->lines[i++] = (uint32_t)(p + 1 - s->text);
    return 0;
}

int text_bytes(const char *name, size_t max, char **ret, size_t *ret_n, struct stat *ret_stat,
               const char **ret_why)
{
    int r = 0;

    *ret_why = NULL;
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, ret_stat) < 0)
        r = -errno;
    else if ((*ret_why = refusal(ret_stat)) != NULL)
        r = -EINVAL;
    else
        r = read_all(fd, ret_stat->st_size > 0 ? (size_t)ret_stat->st_size : 0, max, ret, ret_n);
    if (fd >= 0)
        close(fd);
    if (r == -EFBIG)
        *ret_why = "it is too large";
    else if (r < 0 && *ret_why == NULL)
        *ret_why = strerrordesc_np(-r);
    if (r < 0 && *ret_why == NULL)
        *ret_why = "it cannot be read";
    return r;
}

int text_read(struct text *s, const char *name, size_t max, const char **ret_why)
{
    struct stat st;

    *s = (struct text){ .text = NULL };
    int r = text_bytes(name, max, &s->text, &s->n, &st, ret_why);
    if (r == 0) {
        s->dev = st.st_dev;
        s->ino = st.st_ino;
        s->mode = st.st_mode;
        r = finish(s, name);
        if (r < 0)
            *ret_why = strerrordesc_np(-r);
    } else if (r == -EFBIG) {
        *ret_why = max < TEXT_FILE_MAX ? "with it the config is too large" : "it is over 16 MiB";
    }
    return r;
}

int text_from_bytes(struct text *s, const char *name, struct str bytes)
{
    *s = (struct text){ .text = malloc(bytes.n + BEHIND), .n = bytes.n };
    if (s->text == NULL)
        return -ENOMEM;
    if (bytes.n)
        memcpy(s->text, bytes.p, bytes.n);
    return finish(s, name);
}

void text_done(struct text *s)
{
    if (s == NULL)
        return;
    free(s->text);
    free(s->lines);
    *s = (struct text){ .text = NULL };
}

/* Whether the eight bytes at p are all from ' ' to '~'. */
static bool plain_eight(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return ((v | (v - ones * ' ') | (v + ones)) & high) == 0;
}

bool text_check(const struct text *s, struct report *r)
{
    unsigned complaints = 0;

    if (s->n >= 2 && (memcmp(s->text, "\xFF\xFE", 2) == 0 || memcmp(s->text, "\xFE\xFF", 2) == 0)) {
        report_add(r, true, (struct place){ .file = s->name }, STR_EMPTY,
                   "this file is UTF-16; save it as UTF-8");
        return false;
    }
    for (size_t i = 0, len; i < s->n && complaints < COMPLAINTS_MAX; i += len) {
        while (s->n - i > 8 && plain_eight(s->text + i))
            i += 8;
        unsigned char c = (unsigned char)s->text[i];
        size_t valid = utf8_len(s->text + i, s->n - i);
        len = max_of(valid, (size_t)1);
        if (likely(valid > 1 || (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t'))
            continue;
        if (c == '\r' && i + 1 < s->n && s->text[i + 1] == '\n')
            continue;
        if (valid == 0)
            text_report(s, r, true, i, 1, "byte 0x%02x is not UTF-8; save the file as UTF-8", c);
        else if (c == '\r')
            text_report(s, r, true, i, 1, "carriage return without a line feed");
        else if (c == '\0')
            text_report(s, r, true, i, 1, "NUL byte; this is not a text file");
        else
            text_report(s, r, true, i, 1, "control character 0x%02x", c);
        complaints++;
    }
    return complaints == 0;
}

struct place text_place(const struct text *s, size_t at, size_t width)
{
    size_t low = 0, high = s->n_lines;

    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->lines[mid] <= at)
            low = mid;
        else
            high = mid;
    }
    return (struct place){ .file = s->name,
                           .line = (unsigned)low + 1,
                           .col = (unsigned)(at - s->lines[low]) + 1,
                           .width = (unsigned)max_of(width, (size_t)1) };
}

struct str text_line(const struct text *s, unsigned line)
{
    if (line == 0 || line > s->n_lines)
        return STR_EMPTY;
    size_t from = s->lines[line - 1];
    size_t to = line < s->n_lines ? s->lines[line] - 1 : s->n;
    struct str text = str_make(s->text + from, to - from);
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    return text;
}

void text_report(const struct text *s, struct report *r, bool error, size_t at, size_t width,
                 const char *fmt, ...)
{
    struct place place = text_place(s, at, width);
    va_list ap;

    va_start(ap, fmt);
    report_vadd(r, error, place, text_line(s, place.line), fmt, ap);
    va_end(ap);
}

void text_note(const struct text *s, struct report *r, size_t at, size_t width, const char *why)
{
    struct place place = text_place(s, at, width);

    report_note(r, place, text_line(s, place.line), "%s", why);
}
