/*
 * files.c - the main file and all it includes. Each is parsed by itself, so that an error in
 * one hides nothing in another. The loader's thread.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/loader.h"

#define DEPTH_MAX 8
#define FILES_MAX 10000
#define BYTES_MAX MIB(128)

static int load_includes(struct loader *l, struct file *f, struct setting include);

/* The setting of the top level that an included file may not have. */
static void check_included(struct loader *l, struct file *f)
{
    const struct file *main_file = list_first(&l->files, struct file, node);

    for (struct setting s = setting_first(file_root(f)); s.node; s = setting_next(s)) {
        struct str name = setting_name(s);
        bool known = false;
        for (const struct option *o = top_options; o->name != NULL; o++)
            known = known || (str_eq(name, str_of(o->name)) && !str_eq(name, STR("include")));
        for (const struct config_section *sec = config_sections; sec->name != NULL; sec++)
            known = known || (!sec->included && str_eq(name, str_of(sec->name)));
        for (const struct filter_kind **k = l->filters; *k != NULL; k++)
            known = known || str_eq(name, str_of((*k)->name));
        if (known)
            setting_error(s, l->report, AT_NAME, "\"%.*s\" belongs in the main file, %s",
                          str_fmt(name), main_file->source.name);
    }
}

/* What others may refer to, or be included by. */
static bool has_more_than_sites(struct file *f)
{
    if (setting_get(file_root(f), STR("include")).node != NULL)
        return true;
    for (const struct config_section *s = config_sections; s->name != NULL; s++)
        if (s->included && strcmp(s->name, "sites") != 0 &&
            setting_get(file_root(f), str_of(s->name)).node != NULL)
            return true;
    return false;
}

/* Who may write the directory may put another file in place of this one. Told once of each. */
static void doubt_directory(struct loader *l, const struct file *f)
{
    struct str dir = f->source.dir;
    struct stat st;

    list_each (other, &l->files, struct file, node)
        if (other != f && str_eq(other->source.dir, dir))
            return;
    if (stat(dir.n > 0 ? arena_str(&l->arena, dir).p : "/", &st) == 0 && (st.st_mode & S_IWOTH) &&
        !(st.st_mode & S_ISVTX))
        report_add(
            l->report, false, (struct place){ .file = f->source.name }, STR_EMPTY,
            "everyone on this system may write the directory of this file (mode %04o), and so "
            "replace it",
            (unsigned)(st.st_mode & 07777));
}

/* The text becomes the file's, whatever comes. */
static int add_file(struct loader *l, struct text *s, const struct file *parent,
                    struct place included)
{
    struct file *f = arena_zalloc(&l->arena, sizeof *f);
    struct top_conf own;

    if (f == NULL) {
        text_done(s);
        return -ENOMEM;
    }
    f->source = *s;
    f->parent = parent;
    f->origins = l->origins;
    f->included = included;
    f->depth = parent ? parent->depth + 1 : 0;
    list_push_back(&l->files, &f->node);
    l->n_files++;
    l->bytes += s->n;
    if (s->mode & S_IWOTH)
        report_add(l->report, false, (struct place){ .file = s->name }, STR_EMPTY,
                   "everyone on this system may write this file (mode %04o)",
                   (unsigned)(s->mode & 07777));
    if (s->mode != 0) /* it is a file */
        doubt_directory(l, f);

    int r = file_parse(f, l->report);
    if (r == -EINVAL) {
        l->incomplete = true;
        return 0;
    }
    if (r < 0)
        return r;
    struct setting root = file_root(f);
    r = bind_group(root, l->report, top_options, l->top_keys, NULL, parent ? &own : &l->config->top,
                   &l->config->arena);
    if (r < 0)
        return r;
    if (parent != NULL) {
        f->mixed = has_more_than_sites(f);
        check_included(l, f);
    }
    return load_includes(l, f, setting_get(root, STR("include")));
}

/* ---- include */

static void include_error(struct loader *l, struct setting at, const char *name, const char *why)
{
    l->incomplete = true;
    setting_error(at, l->report, AT_VALUE, "cannot include %s: %s", name, why);
}

/* "a.conf > b.conf > a.conf" */
static struct str chain(struct loader *l, const struct file *f, struct str behind)
{
    for (; f != NULL; f = f->parent)
        behind = arena_printf(&l->arena, "%s > %.*s", f->source.name, str_fmt(behind));
    return behind;
}

/* Whether the file was loaded before; reports it. */
static bool is_again(struct loader *l, const struct text *s, const struct file *from,
                     struct setting at)
{
    const struct file *twin = NULL, *above = from;

    list_each (f, &l->files, struct file, node) {
        if (f->source.dev == s->dev && f->source.ino == s->ino) {
            twin = f;
            break;
        }
    }
    if (twin == NULL)
        return false;
    while (above != NULL && above != twin)
        above = above->parent;
    if (above != NULL) {
        setting_error(at, l->report, AT_VALUE, "include goes in a circle: %.*s",
                      str_fmt(chain(l, from, str_of(s->name))));
    } else {
        setting_error(at, l->report, AT_VALUE, "%s is included already", s->name);
        report_note(l->report, twin->included, source_line(l, twin->included), "it is here");
    }
    return true;
}

/* It is there, but the error is its own: it has no tree. */
static int unreadable(struct loader *l, const char *name, const struct file *from,
                      struct setting at, const char *why)
{
    struct place p = setting_place(at, AT_VALUE);
    struct file *file = NULL;

    list_each (f, &l->files, struct file, node)
        if (strcmp(f->source.name, name) == 0)
            file = f;
    if (file == NULL) {
        file = arena_zalloc(&l->arena, sizeof *file);
        if (file == NULL)
            return -ENOMEM;
        file->source.name = name;
        file->parent = from;
        file->included = p;
        list_push_back(&l->files, &file->node);
        l->n_files++;
    }
    file->errors++;
    l->incomplete = true;
    report_add(l->report, true, p, text_line(&at.file->source, p.line), "cannot include %s: %s",
               name, why);
    return 0;
}

static int include_file(struct loader *l, const char *path, const struct file *from,
                        struct setting at)
{
    struct str name = arena_str(&l->arena, str_of(path));
    const char *why;
    struct text s;

    if (name.p == NULL)
        return -ENOMEM;
    if (l->n_files == FILES_MAX) {
        include_error(l, at, name.p, "there are too many files");
        return 0;
    }
    int r = text_read(&s, name.p, min_of(TEXT_FILE_MAX, BYTES_MAX - l->bytes), &why);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return unreadable(l, name.p, from, at, why);
    if (is_again(l, &s, from, at)) {
        text_done(&s);
        return 0;
    }
    return add_file(l, &s, from, setting_place(at, AT_VALUE));
}

static _Thread_local int glob_errno; /* of the directory that stopped this thread's glob() */

static int on_glob_error(const char *path UNUSED, int error)
{
    if (error == ENOENT || error == ENOTDIR)
        return 0;
    glob_errno = error;
    return 1;
}

static bool has_wildcard(struct str pattern)
{
    for (size_t i = 0; i < pattern.n; i++)
        if (strchr("*?[", pattern.p[i]) != NULL)
            return true;
    return false;
}

void warn_no_directory(struct loader *l, struct setting at, struct str path)
{
    struct str dir = str_head(path, min_of(str_rchr(path, '/'), path.n));
    struct option_check base = { .arena = &l->arena, .base = at.file->source.dir };
    struct str name = option_path(&base, dir);
    struct stat st;

    if (str_rchr(path, '/') < path.n && dir.n > 0 && name.p != NULL && stat(name.p, &st) < 0 &&
        (errno == ENOENT || errno == ENOTDIR))
        setting_warning(at, l->report, AT_VALUE, "no directory \"%.*s\"", str_fmt(dir));
}

/* What stands in front of the first wildcard, or of what hides one. */
static struct str plain_head(struct str pattern)
{
    size_t n = 0;

    while (n < pattern.n && strchr("*?[\\", pattern.p[n]) == NULL)
        n++;
    return str_head(pattern, n);
}

/* A pattern below the including file's directory, whose own name is taken literally. */
static struct str whole_pattern(struct loader *l, const struct file *f, struct str pattern)
{
    struct str dir = f->source.dir;
    char *p, *out;

    if (pattern.p[0] == '/' || str_eq(dir, STR(".")))
        return pattern;
    p = out = arena_alloc(&l->arena, dir.n * 2 + 1 + pattern.n + 1);
    if (out == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < dir.n; i++) {
        if (strchr("*?[]\\", dir.p[i]) != NULL)
            *p++ = '\\';
        *p++ = dir.p[i];
    }
    *p++ = '/';
    memcpy(p, pattern.p, pattern.n + 1);
    return str_make(out, (size_t)(p - out) + pattern.n);
}

static int include_pattern(struct loader *l, struct file *f, struct setting at)
{
    struct str text = arena_str(&l->arena, setting_text(at)), pattern;
    glob_t found = { 0 };
    int r = 0;

    if (text.p == NULL)
        return -ENOMEM;
    if (text.n == 0) {
        setting_error(at, l->report, AT_VALUE, "the name of the file is empty");
        return 0;
    }
    if (f->depth + 1 > DEPTH_MAX) {
        include_error(l, at, text.p, "includes are nested deeper than 8 levels");
        return 0;
    }
    pattern = whole_pattern(l, f, text);
    if (pattern.p == NULL)
        return -ENOMEM;
    glob_errno = 0;
    switch (glob(pattern.p, 0, on_glob_error, &found)) {
    case 0:
        for (size_t i = 0; i < found.gl_pathc && r == 0; i++)
            r = include_file(l, found.gl_pathv[i], f, at);
        break;
    case GLOB_NOMATCH:
        if (!has_wildcard(text))
            include_error(l, at, text.p, "No such file or directory");
        else
            warn_no_directory(l, at, plain_head(text));
        break;
    case GLOB_NOSPACE:
        r = -ENOMEM;
        break;
    default:
        include_error(l, at, text.p,
                      glob_errno ? strerrordesc_np(glob_errno) : "a directory cannot be read");
    }
    globfree(&found);
    return r;
}

/* The binder told of values that are no strings. */
static int load_includes(struct loader *l, struct file *f, struct setting include)
{
    int r = 0;

    if (setting_is(include, NODE_STRING))
        return include_pattern(l, f, include);
    for (struct setting s = setting_first(include); s.node && r == 0; s = setting_next(s))
        if (setting_is(s, NODE_STRING))
            r = include_pattern(l, f, s);
    return r;
}

int load_files(struct loader *l, const char *path)
{
    const char *why;
    struct text s;
    int r = l->text.p != NULL ? text_from_bytes(&s, path, l->text)
                              : text_read(&s, path, TEXT_FILE_MAX, &why);

    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        l->incomplete = true;
        report_add(l->report, true, (struct place){ .file = path }, STR_EMPTY, "cannot read: %s",
                   why);
        return 0;
    }
    return add_file(l, &s, NULL, (struct place){ .file = NULL });
}

void unload_files(struct loader *l)
{
    list_each (f, &l->files, struct file, node)
        file_done(f);
}
