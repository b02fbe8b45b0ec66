/*
 * files.c - serves the files of a directory: the options. How requests are answered is in
 * files_reply.c, how names become files in lookup.c, what a loop remembers in filecache.c.
 * The loader's thread, but for files_explain(): any.
 */
#include "handler/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "handler/filecache.h"
#include "handler/root.h"
#include "handler/template.h"
#include "http/path.h"

#define DAY (24 * 3600 * NSEC_PER_SEC)

static const char *const symlink_choices[] = { "inside", "never", "any", NULL };

static const struct option files_options[] = {
    OPT_PATH(
        struct files, root, "root", REQUIRED,
        "Directory whose files are served; a relative one starts at the directory of the file "
        "it stands in. The literal prefix of the match (up to its first wildcard) is taken off the "
        "path, and the rest is looked up here; so the match must end in a slash or a wildcard. "
        "The root is opened when the config is loaded: if it is itself a link "
        "that is switched, that takes effect with the next reload."),
    OPT_STRS(struct files, tree.index, "index", "index.html",
             "File names that are tried in order for a path that ends in a slash."),
    OPT_BOOL(struct files, listing, "listing", false,
             "Whether a directory without an index file is answered with the list of what is in "
             "it; else with 404. See LISTINGS."),
    OPT_STR(struct files, fallback, "fallback", NULL,
            "File below the root, such as \"/index.html\", that answers page loads for which there "
            "is no file: GET and HEAD with \"text/html\" in Accept, unless the path ends in the "
            "extension of a script, style, image or the like. Sent with Cache-Control: no-cache."),
    OPT_ENUM(struct files, tree.symlinks, "symlinks", "inside", symlink_choices,
             "Which symbolic links are followed: \"inside\", relative ones that do not leave the "
             "root; \"never\", none; \"any\", wherever they lead, so who may write below the root "
             "decides which files of the machine are served."),
    OPT_BOOL(struct files, dotfiles, "dotfiles", false,
             "Whether names that begin with a dot are served. \".well-known\" always is."),
    OPT_STRS(struct files, precompressed, "precompressed", "br zstd gzip",
             "For which content codings a file that holds another one's content coded is looked "
             "for beside it, FILE.br, FILE.zst and FILE.gz, and sent to a client that prefers it. "
             "One that is older than the file itself is not used."),
    OPT_BOOL(
        struct files, tree.steady, "sendfile", false,
        "Whether what is more than 128 KiB of a file may be sent by sendfile(2), which saves "
        "copying it; not from network file systems and FUSE. Only for files that are replaced and "
        "never written in place; see While files change."),
    OPT_TIME(struct files, cache, "cache", "1s", 0, DAY,
             "How long what was found under a name is used without looking at it again. \"0s\": "
             "every request looks. See limits.file_cache."),
    OPTION_ROW(struct files, max_age, int64_t, OPTION_TIME, "max_age", .def_int = -1, .min = 0,
               .max = 3660 * DAY,
               .about = "For how long clients may use a file without asking again: Cache-Control: "
                        "max-age, and Expires. Not of a fallback, nor of errors."),
    OPT_BOOL(struct files, immutable, "immutable", false,
             "Adds \"immutable\" to max_age: clients do not ask even when a page is reloaded. For "
             "files whose names change with their content."),
    OPT_STR(struct files, cache_control, "cache_control", NULL,
            "The field Cache-Control of files in full, in place of max_age and immutable."),
    OPT_STRS(struct files, types, "types", NULL,
             "Content types by extension, each spelled \"type ext ext ...\" as in mime.types(5). "
             "Other extensions are looked up in /etc/mime.types, then in a built-in table."),
    OPT_STR(struct files, charset, "charset", "utf-8",
            "The charset that is named in Content-Type of text; empty: none."),
    OPT_END
};

/* ---- the config */

static void check_names(struct option_check *c, struct files *f)
{
    if (!str_ends(c->prefix, STR("/")))
        option_error(
            c, NULL,
            "the pattern matches a single path; files serves a directory: end it in \"/\"; "
            "a single file is served by the route of its directory");
    for (size_t i = 0; i < f->tree.index.n; i++) {
        if (f->tree.index.v[i].n == 0 || str_chr(f->tree.index.v[i], '/') < f->tree.index.v[i].n)
            option_error(c, "index", "\"%.*s\" is not a file name", str_fmt(f->tree.index.v[i]));
    }
    if (f->fallback.p != NULL) {
        while (str_starts(f->fallback, STR("/")))
            f->fallback = str_from(f->fallback, 1);
        if (f->fallback.n == 0 || str_ends(f->fallback, STR("/")))
            option_error(c, "fallback", "must name a file");
    }
}

static void check_codings(struct option_check *c, struct files *f)
{
    for (size_t i = 0; i < f->precompressed.n; i++) {
        enum coding coding = coding_of(f->precompressed.v[i]);
        if (coding < CODING_PLAIN)
            f->tree.coded[coding] = true;
        else
            option_error_in(c, "precompressed", i,
                            "\"%.*s\" is not a coding: expected \"br\", \"zstd\" or \"gzip\"",
                            str_fmt(f->precompressed.v[i]));
    }
}

static void check_types(struct option_check *c, struct files *f)
{
    int error = mime_init(&f->own_types, c->arena, f->charset);

    if (error < 0)
        option_error(c, "charset", "%s",
                     error == -EINVAL ? "is not the name of a charset" : strerror(-error));
    for (size_t i = 0; i < f->types.n; i++) {
        int r = mime_add_line(&f->own_types, c->arena, f->types.v[i]);
        if (r < 0)
            option_error(c, "types", "\"%.*s\": %s", str_fmt(f->types.v[i]),
                         r == -EINVAL ? "must be spelled \"type ext ext ...\"" : strerror(-r));
    }
}

static void check_caching(struct option_check *c, struct files *f)
{
    f->lasting = f->passing = f->cache_control;
    if (f->cache_control.p != NULL) {
        if (response_check(STR("Cache-Control"), f->cache_control) < 0 || f->cache_control.n == 0)
            option_error(c, "cache_control", "cannot stand in a field");
        if (f->max_age >= 0 || f->immutable)
            option_error(c, "cache_control", "says it all; leave out max_age and immutable");
        return;
    }
    if (f->max_age >= 0) {
        f->passing = arena_printf(c->arena, "max-age=%" PRId64, f->max_age / NSEC_PER_SEC);
        f->lasting = f->immutable ? arena_printf(c->arena, "%.*s, immutable", str_fmt(f->passing))
                                  : f->passing;
    } else if (f->immutable) {
        option_error(c, "immutable", "needs max_age: for how long?");
    }
}

static void judge_tree(struct option_check *c, const struct files *f)
{
    const char *name = f->fallback.n ? f->fallback.p : ".";
    int fd = lookup_open(&f->tree, name, O_PATH, false);

    if (fd >= 0)
        close(fd);
    if (fd == -ENOSYS)
        option_warning(c, NULL, "this kernel has no openat2(2): every request will be refused");
    else if (fd < 0 && f->fallback.n)
        option_warning(c, "fallback", "cannot open \"%s\" below the root: %s", name, strerror(-fd));
    if (f->tree.symlinks == SYMLINKS_ANY)
        option_warning(c, "symlinks", "links that lead out of the root are followed");
    if (f->listing)
        option_warning(c, "listing",
                       "shows the names of all files below the root, linked to or not");
}

static void files_check(struct option_check *c, void *conf)
{
    static _Atomic uint64_t last_id;
    struct files *f = conf;
    const struct root *root = root_find(c, f->root);

    f->id = atomic_fetch_add(&last_id, 1) + 1;
    f->tree.root_fd = -1;
    f->path = root != NULL ? root->path : option_path(c, f->root);
    check_names(c, f);
    check_codings(c, f);
    check_types(c, f);
    check_caching(c, f);
    if (root == NULL)
        return;
    f->tree.root_fd = root->fd;
    f->tree.root_device = root->device;
    f->tree.way = root->way;
    f->root_inode = root->inode;
    root_judge(c, root);
    judge_tree(c, f);
}

/* The root may be another directory by now. */
static bool files_same(const void *a, const void *b)
{
    const struct files *f = a, *g = b;

    return f->root_inode == g->root_inode && f->tree.root_device == g->tree.root_device;
}

/* ---- what a loop keeps */

static void *files_local_new(void)
{
    return filecache_new();
}

static bool files_local_tick(void *cache, int64_t now)
{
    return filecache_tick(cache, now);
}

static void files_local_free(void *cache)
{
    filecache_free(cache);
}

/* ---- explaining */

bool files_has_dot_name(struct str path)
{
    while (path.p != NULL) {
        struct str segment = str_cut(&path, '/');
        if (segment.n && segment.p[0] == '.' && !str_eq(segment, STR(".well-known")))
            return true;
    }
    return false;
}

static struct str files_explain(const void *conf, const struct routed *r, struct arena *a)
{
    const struct files *f = conf;
    enum method method = r->request->method;
    struct str file, rest = routed_rest(r), list = STR_EMPTY;

    if (method == METHOD_OPTIONS)
        return STR("204 without a body");
    if (method != METHOD_GET && method != METHOD_HEAD)
        return STR("405, as files are for GET and HEAD");
    if (!f->dotfiles && files_has_dot_name(rest))
        return STR("404, as names that begin with a dot are not served");
    int error = path_to_file(a, rest, &file);
    if (error == -ENOMEM)
        return STR_EMPTY;
    if (error < 0)
        return STR("404, as no file name has a slash in it");
    bool directory = file.n == 0 || str_ends(file, STR("/"));
    for (size_t i = 0; i < f->tree.index.n && directory; i++)
        list = arena_printf(a, "%.*s%s%.*s", str_fmt(list), i > 0 ? " or " : "",
                            str_fmt(f->tree.index.v[i]));
    return arena_printf(a, "the file %.*s%s%.*s%.*s%s", str_fmt(f->path),
                        str_ends(f->path, STR("/")) ? "" : "/", str_fmt(file), str_fmt(list),
                        directory && f->listing ? ", or a listing" : "");
}

HANDLER_KIND(files, .size = sizeof(struct files), .options = files_options, .check = files_check,
             .same = files_same, .handle = files_reply, .explain = files_explain,
             .local_new = files_local_new, .local_tick = files_local_tick,
             .local_free = files_local_free,
             .about = "Serves the files of a directory to GET and HEAD, with ranges, "
                      "conditional requests and files that are compressed beforehand.");
