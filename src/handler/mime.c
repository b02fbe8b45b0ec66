/*
 * mime.c - see mime.h. The global tables are written within load_tables(), which pthread_once()
 * runs, and read-only afterwards; they live as long as the process.
 */
#include "handler/mime.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "http/response.h"

#define SYSTEM_FILE "/etc/mime.types"
#define SYSTEM_FILE_MAX MIB(4)

/* Pages first: mime_is_asset() leaves them out. */
static const char *const builtin_lines[] = {
    "text/html html htm",
    "application/xhtml+xml xhtml xht",
    "text/css css",
    "text/javascript js mjs",
    "text/plain txt text log",
    "text/csv csv",
    "text/markdown md",
    "text/calendar ics",
    "text/vtt vtt",
    "text/xml xml",
    "application/json json map",
    "application/ld+json jsonld",
    "application/manifest+json webmanifest",
    "application/wasm wasm",
    "application/pdf pdf",
    "application/rss+xml rss",
    "application/atom+xml atom",
    "application/zip zip",
    "application/gzip gz tgz",
    "application/x-bzip2 bz2",
    "application/x-xz xz",
    "application/zstd zst",
    "application/x-7z-compressed 7z",
    "application/x-tar tar",
    "application/epub+zip epub",
    "application/octet-stream bin exe iso img dmg deb rpm",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation pptx",
    "application/vnd.oasis.opendocument.text odt",
    "application/vnd.oasis.opendocument.spreadsheet ods",
    "image/svg+xml svg svgz",
    "image/png png",
    "image/jpeg jpg jpeg",
    "image/gif gif",
    "image/webp webp",
    "image/avif avif",
    "image/apng apng",
    "image/bmp bmp",
    "image/tiff tif tiff",
    "image/vnd.microsoft.icon ico",
    "font/woff woff",
    "font/woff2 woff2",
    "font/ttf ttf",
    "font/otf otf",
    "audio/mpeg mp3",
    "audio/mp4 m4a",
    "audio/aac aac",
    "audio/ogg ogg oga opus",
    "audio/wav wav",
    "audio/flac flac",
    "video/mp4 mp4 m4v",
    "video/webm webm",
    "video/ogg ogv",
    "video/quicktime mov",
    "video/mp2t ts",
    "application/vnd.apple.mpegurl m3u8",
    "application/dash+xml mpd",
};
#define N_PAGE_LINES 2

#define CHARSET "utf-8"
static struct mime_table builtin_types = { .charset = STR(CHARSET) };
static struct mime_table page_types = { .charset = STR(CHARSET) };
static struct mime_table system_types = { .charset = STR(CHARSET) };
/* An earlier one wins. */
static const struct mime_table *const shared[] = { &system_types, &builtin_types, &page_types };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static struct str next_word(struct str *rest)
{
    struct str s = *rest;
    size_t n = 0;

    while (s.n && is_blank(s.p[0]))
        s = str_from(s, 1);
    while (n < s.n && !is_blank(s.p[n]))
        n++;
    *rest = str_from(s, n);
    return str_head(s, n);
}

static uint32_t hash_of(struct str extension)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < extension.n; i++)
        h = (h ^ ascii_lower((unsigned char)extension.p[i])) * 16777619u;
    return h;
}

/* The slot that holds the extension, or the free one where it belongs. The table has a free slot.
 */
static struct mime_entry *slot_of(const struct mime_table *t, struct str extension)
{
    size_t i = hash_of(extension) & (t->size - 1);

    while (t->slots[i].extension.p != NULL && !str_ieq(t->slots[i].extension, extension))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

/* Room for one more, with a third of the slots free. */
static int make_room(struct mime_table *t, struct arena *arena)
{
    struct mime_table bigger = *t;

    if ((t->n + 1) * 3 <= t->size * 2)
        return 0;
    bigger.size = t->size ? t->size * 2 : 16;
    bigger.slots = arena_array(arena, bigger.size, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->size; i++)
        if (t->slots[i].extension.p != NULL)
            *slot_of(&bigger, t->slots[i].extension) = t->slots[i];
    *t = bigger;
    return 0;
}

static struct str lower_copy(struct arena *arena, struct str s)
{
    char *p = arena_alloc(arena, s.n);

    if (p == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)ascii_lower((unsigned char)s.p[i]);
    return str_make(p, s.n);
}

/* type "/" subtype, and parameters that may stand in a field. */
static bool is_media_type(struct str s)
{
    struct str subtype = str_head(s, str_chr(s, ';'));
    struct str type = str_cut(&subtype, '/');

    return http_is_token(type) && http_is_token(subtype) &&
           response_check(STR("Content-Type"), s) == 0;
}

/*
 * Whether a charset is named for a type: where it has such a parameter and its text does not say
 * itself what it is in. That is text/... (RFC 6657) and the old names of text/javascript (RFC
 * 9239). Not XML, by whatever name: it is UTF-8 unless it says otherwise itself, which the
 * parameter would override (RFC 7303 section 3); nor JSON, which is always UTF-8 (RFC 8259 section
 * 11); nor a type that stands there with parameters of its own.
 */
static bool wants_charset(struct str type)
{
    static const struct str scripts[] = { STR("javascript"), STR("ecmascript"), STR("x-javascript"),
                                          STR("x-ecmascript") };
    struct str subtype = type;
    struct str top = str_cut(&subtype, '/');

    if (str_chr(type, ';') < type.n)
        return false;
    if (str_ieq(top, STR("text")))
        return !str_ieq(subtype, STR("xml")) &&
               !str_ieq(subtype, STR("xml-external-parsed-entity")) &&
               !str_ends(subtype, STR("+xml"));
    for (size_t i = 0; i < array_len(scripts) && str_ieq(top, STR("application")); i++)
        if (str_ieq(subtype, scripts[i]))
            return true;
    return false;
}

static struct str with_charset(const struct mime_table *t, struct arena *arena, struct str type)
{
    if (t->charset.n == 0 || !wants_charset(type))
        return arena_str(arena, type);
    return arena_printf(arena, "%.*s; charset=%.*s", str_fmt(type), str_fmt(t->charset));
}

/* `extension` in lower case, and lasting as the table. 0 or -ENOMEM. */
static int add_entry(struct mime_table *t, struct arena *arena, struct str extension,
                     struct str type)
{
    if (make_room(t, arena) < 0)
        return -ENOMEM;
    struct mime_entry *slot = slot_of(t, extension);
    t->n += slot->extension.p == NULL;
    *slot = (struct mime_entry){ .extension = extension, .type = type };
    return 0;
}

int mime_add_line(struct mime_table *t, struct arena *arena, struct str line)
{
    struct str rest = str_head(line, str_chr(line, '#'));
    struct str word = next_word(&rest);
    struct str type = STR_EMPTY;

    if (word.n == 0)
        return 0;
    if (!is_media_type(word))
        return -EINVAL;
    for (struct str ext = next_word(&rest); ext.n; ext = next_word(&rest)) {
        if (ext.n > 1 && ext.p[0] == '.')
            ext = str_from(ext, 1);
        if (type.p == NULL)
            type = with_charset(t, arena, word);
        ext = lower_copy(arena, ext);
        if (type.p == NULL || ext.p == NULL || add_entry(t, arena, ext, type) < 0)
            return -ENOMEM;
    }
    return 0;
}

struct str mime_find(const struct mime_table *t, struct str extension)
{
    return t->size == 0 ? STR_EMPTY : slot_of(t, extension)->type;
}

/* Without the file, or when it is none, the system's table stays empty. */
static void load_system_types(struct arena *arena)
{
    struct stat st;
    int fd = open(SYSTEM_FILE, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char *text = NULL;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        (uint64_t)st.st_size <= SYSTEM_FILE_MAX)
        text = malloc((size_t)st.st_size);
    ssize_t n = text ? read(fd, text, (size_t)st.st_size) : 0;
    close(fd);
    for (struct str rest = str_make(text, n > 0 ? (size_t)n : 0); rest.n;) {
        struct str line = str_cut(&rest, '\n');
        /* A line that is malformed, or has no memory, is passed over. */
        if (mime_add_line(&system_types, arena, line) == -ENOMEM)
            break;
    }
    free(text);
}

static void load_tables(void)
{
    static struct arena arena;

    arena_init(&arena, MIB(4));
    for (size_t i = 0; i < array_len(builtin_lines); i++) {
        struct mime_table *t = i < N_PAGE_LINES ? &page_types : &builtin_types;
        int r = mime_add_line(t, &arena, str_of(builtin_lines[i]));
        check(r != -EINVAL);
    }
    load_system_types(&arena);
}

void mime_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load_tables);
}

static struct str find_shared(struct str extension)
{
    struct str type = STR_EMPTY;

    for (size_t i = 0; i < array_len(shared) && type.n == 0; i++)
        type = mime_find(shared[i], extension);
    return type;
}

/* What the shared tables say of text, with the charset of t instead of theirs. No line of a file
 * has the blank before the charset that with_charset() puts there. */
static int take_text(struct mime_table *t, struct arena *arena, const struct mime_table *from)
{
    const struct str tail = STR("; charset=" CHARSET);

    for (size_t i = 0; i < from->size; i++) {
        const struct mime_entry *e = &from->slots[i];
        if (!str_ends(e->type, tail) || find_shared(e->extension).p != e->type.p)
            continue;
        struct str type = with_charset(t, arena, str_head(e->type, e->type.n - tail.n));
        if (type.p == NULL || add_entry(t, arena, e->extension, type) < 0)
            return -ENOMEM;
    }
    return 0;
}

int mime_init(struct mime_table *t, struct arena *arena, struct str charset)
{
    mime_load();
    *t = (struct mime_table){ .charset = charset };
    if (charset.n > 0 && !http_is_token(charset))
        return -EINVAL;
    for (size_t i = 0; i < array_len(shared) && !str_ieq(charset, STR(CHARSET)); i++)
        if (take_text(t, arena, shared[i]) < 0)
            return -ENOMEM;
    return 0;
}

struct str mime_extension(struct str file_name)
{
    struct str base = file_name;
    size_t slash = str_rchr(file_name, '/');

    if (slash < file_name.n)
        base = str_from(file_name, slash + 1);
    size_t dot = str_rchr(base, '.');
    return dot > 0 && dot + 1 < base.n ? str_from(base, dot + 1) : STR_EMPTY;
}

struct str mime_type(const struct mime_table *own, struct str file_name)
{
    struct str extension = mime_extension(file_name), type = STR_EMPTY;

    if (extension.n > 0 && own != NULL)
        type = mime_find(own, extension);
    if (extension.n > 0 && type.n == 0)
        type = find_shared(extension);
    return type.n > 0 ? type : STR("application/octet-stream");
}

bool mime_is_asset(struct str file_name)
{
    struct str extension = mime_extension(file_name);

    return extension.n && mime_find(&builtin_types, extension).n;
}
