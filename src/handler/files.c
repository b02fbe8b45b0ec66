/*
 * files.c - serves the files of a directory: GET and HEAD, conditional requests, single ranges.
 *
 * The name is first looked up inline, with what the kernel has in its caches; only when that does
 * not suffice does the lookup go to the pool, lent with the exchange (lookup.h).
 *
 * files_check(): the loader's thread. look_up_uncached(): a worker. The rest: the exchange's loop,
 * or its worker with `run = "pool"`.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/file.h"
#include "handler/handler.h"
#include "handler/lookup.h"
#include "handler/mime.h"
#include "handler/precondition.h"
#include "handler/template.h"
#include "http/accept.h"
#include "http/date.h"
#include "http/path.h"
#include "http/range.h"

struct files {
    struct str root;
    struct tree tree; /* files_check() opens its root, and takes leading slashes off the fallback */
    struct strs types;
    /* Set by files_check(). */
    struct str path; /* of the root, as it was opened */
    struct mime_table own_types;
};

static const struct option files_options[] = {
    OPT_PATH(
        struct files, root, "root", REQUIRED,
        "Directory whose files are served; a relative one starts at the directory of the file "
        "it stands in. The literal prefix of the match (up to its first wildcard) is taken off the "
        "path, and the rest is looked up here; so the match must end in a slash or a wildcard. "
        "Nothing outside is served, whatever symbolic links say; an absolute one is refused even "
        "if it leads inside. Names that begin with a dot are not served, but for "
        "\".well-known\". The root is opened when the config is loaded: if it is itself a link "
        "that is switched, that takes effect with the next reload."),
    OPT_STRS(struct files, tree.index, "index", "index.html",
             "File names that are tried in order for a path that ends in a slash."),
    OPT_STR(struct files, tree.fallback, "fallback", NULL,
            "File below the root, such as \"/index.html\", that answers page loads for which there "
            "is no file: GET and HEAD with \"text/html\" in Accept, unless the path ends in the "
            "extension of a script, style, image or the like. Sent with Cache-Control: no-cache."),
    OPT_STRS(struct files, types, "types", NULL,
             "Content types by extension, each spelled \"type ext ext ...\" as in mime.types(5). "
             "Other extensions are looked up in /etc/mime.types, then in a built-in table."),
    OPT_END
};

/* ---- answering */

static enum step refuse(struct exchange *x, int error)
{
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return exchange_fail(x, 404, "no_file");
    case ELOOP:
    case EXDEV:
        return exchange_fail(x, 404, "outside_root");
    case ENODEV:
    case ENXIO: /* a socket */
        return exchange_fail(x, 404, "not_a_file");
    case EACCES:
    case EPERM:
        return exchange_fail(x, 403, "no_permission");
    case EMFILE:
    case ENFILE:
        return exchange_fail(x, 503, "no_descriptors");
    case ENOMEM:
        return exchange_fail(x, 503, "no_memory");
    case ENOSYS:
    case EINVAL: /* this kernel does not know one of the RESOLVE_ flags */
        return exchange_fail(x, 503, "no_openat2");
    case EAGAIN:
        return exchange_fail(x, 503, "file_busy");
    default:
        return exchange_fail(x, 500, "file_error");
    }
}

static enum step redirect_to_slash(struct exchange *x)
{
    const struct request *q = exchange_request(x);
    struct response *r = exchange_response(x);
    struct arena *a = exchange_arena(x);
    struct str path = path_encode(a, q->path);

    if (path.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    struct str to =
        arena_printf(a, "%.*s/%s%.*s", str_fmt(path), q->has_query ? "?" : "", str_fmt(q->query));
    if (to.p == NULL)
        return exchange_fail(x, 503, "no_memory");
    r->status = 301;
    response_add_checked(r, STR("Content-Type"), STR("text/plain; charset=utf-8"));
    response_add(r, STR("Location"), to);
    exchange_body_bytes(x, STR("301 Moved Permanently\n"));
    return STEP_DONE;
}

static enum step reply_range_none(struct exchange *x, uint64_t size)
{
    struct str value = arena_printf(exchange_arena(x), "bytes */%" PRIu64, size);
    enum step step = exchange_fail(x, 416, "range");

    if (value.p != NULL)
        response_add_checked(exchange_response(x), STR("Content-Range"), value);
    return step;
}

/* The file, or the range of it that is asked for; l->fd becomes the exchange's. */
static enum step reply_content(struct exchange *x, struct lookup *l, const struct validators *v)
{
    const struct files *conf = exchange_conf(x);
    struct response *r = exchange_response(x);
    uint64_t size = (uint64_t)l->st.st_size;
    struct ranges ranges;
    struct range range = { .first = 0, .length = size };
    const struct field *asked = precondition_range(exchange_request(x), v);
    enum range_result result = asked ? range_parse(asked->value, size, &ranges) : RANGE_IGNORE;

    if (result == RANGE_NONE) {
        lookup_done(l);
        return reply_range_none(x, size);
    }
    r->status = 200;
    if (result == RANGE_SOME && ranges.n == 1) {
        range = ranges.v[0];
        struct str value = arena_printf(exchange_arena(x), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                                        range.first, range.first + range.length - 1, size);
        if (value.p == NULL) {
            lookup_done(l);
            return exchange_fail(x, 503, "no_memory");
        }
        r->status = 206;
        response_add_checked(r, STR("Content-Range"), value);
    }
    response_add_checked(r, STR("Content-Type"), mime_type(&conf->own_types, str_of(l->name)));
    response_add_checked(r, STR("X-Content-Type-Options"), STR("nosniff"));
    response_add_checked(r, STR("Accept-Ranges"), STR("bytes"));
    if (range.length > 0) {
        struct file *f = file_new(l->fd, &l->st, file_way_of(l->fd));
        if (f == NULL) {
            lookup_done(l);
            return exchange_fail(x, 503, "no_memory");
        }
        l->fd = -1;
        exchange_body_file(x, f, range.first, range.length);
    } else {
        lookup_done(l);
    }
    return STEP_DONE;
}

#define ETAG_MAX (3 * 16 + 4 + 1) /* three numbers in hex, two dashes, two quotes, NUL */

static enum step reply_file(struct exchange *x, struct lookup *l)
{
    struct response *r = exchange_response(x);
    const struct stat *st = &l->st;
    char *text = arena_alloc(exchange_arena(x), ETAG_MAX + HTTP_DATE_LEN);
    struct validators v = { .now = exchange_time(x) };

    if (text == NULL) {
        lookup_done(l);
        return exchange_fail(x, 503, "no_memory");
    }
    uint64_t changed = (uint64_t)st->st_mtim.tv_sec * (uint64_t)NSEC_PER_SEC;
    int n =
        snprintf(text, ETAG_MAX, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", (uint64_t)st->st_ino,
                 (uint64_t)st->st_size, changed + (uint64_t)st->st_mtim.tv_nsec);
    v.etag = str_make(text, (size_t)n);
    /* A date to come would never be a validator (RFC 9110 section 8.8.2.1). */
    v.modified = max_of(min_of((int64_t)st->st_mtim.tv_sec, v.now), (int64_t)0);
    date_format(v.modified, text + ETAG_MAX);
    response_add_checked(r, STR("ETag"), v.etag);
    response_add_checked(r, STR("Last-Modified"), str_make(text + ETAG_MAX, HTTP_DATE_LEN));
    if (l->fell_back) {
        response_add_checked(r, STR("Cache-Control"), STR("no-cache"));
        response_add_checked(r, STR("Vary"), STR("Accept"));
    }
    switch (precondition_of(exchange_request(x), &v)) {
    case PRECONDITION_FAILED:
        lookup_done(l);
        return exchange_fail(x, 412, "precondition");
    case PRECONDITION_SAME:
        lookup_done(l);
        r->status = 304;
        return STEP_DONE;
    case PRECONDITION_HOLDS:
        break;
    }
    return reply_content(x, l, &v);
}

static enum step reply(struct exchange *x)
{
    struct lookup *l = exchange_state(x);

    if (l->error == 0)
        return reply_file(x, l);
    if (l->error == -EISDIR)
        return redirect_to_slash(x);
    return refuse(x, l->error);
}

static void look_up_uncached(struct exchange *x)
{
    lookup_run(exchange_state(x), false);
}

/* For a lookup whose exchange does not come back from the pool. */
static void lookup_abandon(void *arg)
{
    lookup_done(arg);
}

/* ---- the request */

static bool has_dot_name(struct str path)
{
    while (path.p != NULL) {
        struct str segment = str_cut(&path, '/');
        if (segment.n && segment.p[0] == '.' && !str_eq(segment, STR(".well-known")))
            return true;
    }
    return false;
}

static enum step other_method(struct exchange *x)
{
    struct response *r = exchange_response(x);
    enum step step = STEP_DONE;

    if (exchange_request(x)->method == METHOD_OPTIONS)
        r->status = 204;
    else
        step = exchange_fail(x, 405, "method_not_allowed");
    response_add_checked(r, STR("Allow"), STR("GET, HEAD, OPTIONS"));
    return step;
}

/* The lookup of the request's path. 0; -ENOENT: no file may have that name; -ENOMEM. */
static int lookup_new(struct exchange *x, struct lookup **ret)
{
    const struct files *conf = exchange_conf(x);
    struct arena *a = exchange_arena(x);
    struct str file, rest = exchange_rest(x);

    if (has_dot_name(rest))
        return -ENOENT;
    int r = path_to_file(a, rest, &file);
    if (r < 0)
        return r == -ENOMEM ? r : -ENOENT;
    struct lookup *l = arena_alloc(a, sizeof *l);
    if (l == NULL || lookup_init(l, &conf->tree, file, a) < 0)
        return -ENOMEM;
    if (conf->tree.fallback.n && !mime_is_asset(file)) {
        struct acceptance html = accept_type(exchange_request(x), STR("text/html"));
        l->may_fall_back = html.named && html.quality > 0;
    }
    *ret = l;
    return 0;
}

static enum step files_handle(struct exchange *x)
{
    enum method method = exchange_request(x)->method;
    struct lookup *l;

    if (method != METHOD_GET && method != METHOD_HEAD)
        return other_method(x);
    int r = lookup_new(x, &l);
    if (r < 0)
        return refuse(x, r);
    exchange_set_state(x, l);
    lookup_run(l, true);
    /* EINVAL: a kernel before 5.12 has no RESOLVE_CACHED. */
    if (l->error != -EAGAIN && l->error != -EINVAL)
        return reply(x);
    if (arena_on_reset(exchange_arena(x), lookup_abandon, l) < 0)
        return exchange_fail(x, 503, "no_memory");
    return exchange_offload(x, look_up_uncached, reply);
}

/* ---- the config */

static const char *const unfit[] = { "/",    "/etc", "/home", "/root", "/proc",
                                     "/sys", "/dev", "/boot", "/run",  "/var" };

/* An open root. Routes of a site share it, which may have thousands, and few roots. */
struct root {
    struct root *older;
    struct str given, base; /* base: while the config is loaded */
    struct str path;
    int fd;
    int no_entry;      /* errno, to whom looks now; or 0 */
    int no_file;       /* -errno of a look-up in it; or 0 */
    const char *holds; /* of `unfit`; or NULL */
};
#define ROOTS_LOOKED_AT 16 /* so that many different ones cost no n^2 */

static void close_root(void *arg)
{
    close((int)(intptr_t)arg);
}

static int look_below(int root, const char *name)
{
    int fd = lookup_open(root, name, O_PATH, false);

    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : fd;
}

static void look_at(struct root *r)
{
    struct stat root, top;

    if (faccessat(AT_FDCWD, r->path.p, X_OK, AT_EACCESS) < 0)
        r->no_entry = errno;
    r->no_file = look_below(r->fd, ".");
    bool known = fstat(r->fd, &root) == 0;
    for (size_t i = 0; i < array_len(unfit) && known && r->holds == NULL; i++)
        if (stat(unfit[i], &top) == 0 && root.st_dev == top.st_dev && root.st_ino == top.st_ino)
            r->holds = unfit[i];
}

/* NULL: reported. */
static struct root *open_root(struct option_check *c, struct str given)
{
    struct str path = option_path(c, given);
    struct root *r = arena_zalloc(c->arena, sizeof *r);
    int fd = -1;

    if (r == NULL || path.p == NULL)
        goto no_memory;
    fd = open(path.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        option_error(c, "root", "cannot open \"%.*s\": %s", str_fmt(path), strerror(errno));
        return NULL;
    }
    if (arena_on_reset(c->arena, close_root, (void *)(intptr_t)fd) < 0) {
        close(fd);
        goto no_memory;
    }
    *r = (struct root){ *c->shared, given, c->base, path, .fd = fd };
    *c->shared = r;
    look_at(r);
    return r;
no_memory:
    option_error(c, "root", "%s", strerror(ENOMEM));
    return NULL;
}

static const struct root *find_root(struct option_check *c, struct str given)
{
    const struct root *r = *c->shared;

    if (given.n == 0) {
        option_error(c, "root", "must name a directory");
        return NULL;
    }
    for (int i = 0; r != NULL && i < ROOTS_LOOKED_AT; i++, r = r->older)
        if (str_eq(r->given, given) && str_eq(r->base, c->base))
            return r;
    return open_root(c, given);
}

/* What would fail with every request is better said now. */
static void judge_root(struct option_check *c, const struct files *f, const struct root *r)
{
    const char *fallback = f->tree.fallback.n ? f->tree.fallback.p : NULL;
    int error = fallback != NULL ? look_below(r->fd, fallback) : r->no_file;

    if (r->no_entry != 0)
        option_warning(c, "root", "uid %u, who looks now, may not enter it: %s", geteuid(),
                       strerror(r->no_entry));
    if (r->holds != NULL)
        option_warning(c, "root", "%s holds %s", r->holds,
                       r->holds == unfit[0] ? "every file of the machine"
                                            : "what is not for everyone");
    if (error == -ENOSYS)
        option_warning(c, NULL, "this kernel has no openat2(2): every request will be refused");
    else if (error < 0 && fallback != NULL)
        option_warning(c, "fallback", "cannot open \"%s\" below the root: %s", fallback,
                       strerror(-error));
}

static void files_check(struct option_check *c, void *conf)
{
    struct files *f = conf;

    if (!str_ends(c->prefix, STR("/")))
        option_error(
            c, NULL,
            "the pattern matches a single path; files serves a directory: end it in \"/\"; "
            "a single file is served by the route of its directory");
    for (size_t i = 0; i < f->tree.index.n; i++) {
        if (f->tree.index.v[i].n == 0 || str_chr(f->tree.index.v[i], '/') < f->tree.index.v[i].n)
            option_error(c, "index", "\"%.*s\" is not a file name", str_fmt(f->tree.index.v[i]));
    }
    if (f->tree.fallback.p != NULL) {
        while (str_starts(f->tree.fallback, STR("/")))
            f->tree.fallback = str_from(f->tree.fallback, 1);
        if (f->tree.fallback.n == 0 || str_ends(f->tree.fallback, STR("/")))
            option_error(c, "fallback", "must name a file");
    }
    f->own_types = (struct mime_table){ 0 };
    for (size_t i = 0; i < f->types.n; i++) {
        int r = mime_add_line(&f->own_types, c->arena, f->types.v[i]);
        if (r < 0)
            option_error(c, "types", "\"%.*s\": %s", str_fmt(f->types.v[i]),
                         r == -EINVAL ? "must be spelled \"type ext ext ...\"" : strerror(-r));
    }
    mime_load();
    const struct root *root = find_root(c, f->root);
    f->tree.root_fd = root != NULL ? root->fd : -1;
    f->path = root != NULL ? root->path : option_path(c, f->root);
    if (root != NULL)
        judge_root(c, f, root);
}

/* The root may be another directory by now. */
static bool files_same(const void *a, const void *b)
{
    const struct files *f = a, *g = b;
    struct stat f_root, g_root;

    return fstat(f->tree.root_fd, &f_root) == 0 && fstat(g->tree.root_fd, &g_root) == 0 &&
           f_root.st_dev == g_root.st_dev && f_root.st_ino == g_root.st_ino;
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
    if (has_dot_name(rest))
        return STR("404, as names that begin with a dot are not served");
    int error = path_to_file(a, rest, &file);
    if (error == -ENOMEM)
        return STR_EMPTY;
    if (error < 0)
        return STR("404, as no file name has a slash in it");
    for (size_t i = 0; i < f->tree.index.n && (file.n == 0 || str_ends(file, STR("/"))); i++)
        list = arena_printf(a, "%.*s%s%.*s", str_fmt(list), i > 0 ? " or " : "",
                            str_fmt(f->tree.index.v[i]));
    return arena_printf(a, "the file %.*s%s%.*s%.*s", str_fmt(f->path),
                        str_ends(f->path, STR("/")) ? "" : "/", str_fmt(file), str_fmt(list));
}

HANDLER_KIND(files, .size = sizeof(struct files), .options = files_options, .check = files_check,
             .same = files_same, .handle = files_handle, .explain = files_explain,
             .about = "Serves the files of a directory to GET and HEAD, with ranges and "
                      "conditional requests.");
