/*
 * load.c - config_load(): files, then what others refer to (pools, listeners), then sites. The
 * snapshot is built in place and thrown away whole if the report holds an error. The loader's
 * thread.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/guess.h"
#include "config/loader.h"

#define EXCHANGE_MEMORY KIB(256) /* for responses, filters and handlers */

#define ARENA_MAX MIB(1024) /* of the loader, and of the snapshot without its sites */
#define NAME_MAX_BYTES 64
#define LISTENERS_MAX 256

/* ---- names and places */

int keep_place(struct loader *l, struct arena *arena, struct place p, struct place *ret)
{
    if (l->kept_in != arena || l->kept_from != p.file) {
        l->kept = arena_str(arena, str_of(p.file)).p;
        if (l->kept == NULL)
            return -ENOMEM;
        l->kept_in = arena;
        l->kept_from = p.file;
    }
    *ret = p;
    ret->file = l->kept;
    return 0;
}

#define NAMES_SHOWN 8

/* Reports that none of the `what`s, `names`, has that name. */
static void unknown_name(struct loader *l, struct setting at, const char *what, struct str name,
                         const char *const *names)
{
    const char *meant = guess_name(name, names);
    struct str list = STR_EMPTY;
    size_t n = 0;

    for (; names[n] != NULL && n <= NAMES_SHOWN; n++)
        list = arena_printf(&l->arena, "%.*s%s\"%s\"", str_fmt(list), n > 0 ? ", " : "", names[n]);
    name = str_head(name, 64);
    if (meant != NULL)
        setting_error(at, l->report, AT_VALUE, "there is no %s \"%.*s\" (did you mean \"%s\"?)",
                      what, str_fmt(name), meant);
    else if (n > 0 && n <= NAMES_SHOWN)
        setting_error(at, l->report, AT_VALUE, "there is no %s \"%.*s\"; there is %.*s", what,
                      str_fmt(name), str_fmt(list));
    else
        setting_error(at, l->report, AT_VALUE, "there is no %s \"%.*s\"", what, str_fmt(name));
}

static const char *const no_names[] = { NULL };

void no_pool(struct loader *l, struct setting at, struct str name)
{
    const struct config *c = l->config;
    const char **names = arena_array(&l->arena, c->n_pools + 1, sizeof *names);

    for (size_t i = 0; names != NULL && i < c->n_pools; i++)
        names[i] = c->pools[i].name.p;
    unknown_name(l, at, "pool", name, names ? names : no_names);
}

void no_listener(struct loader *l, struct setting at, struct str name)
{
    const struct config *c = l->config;
    const char **names = arena_array(&l->arena, c->n_listeners + 1, sizeof *names);

    for (size_t i = 0; names != NULL && i < c->n_listeners; i++)
        names[i] = c->listeners[i].name.p;
    if (str_chr(name, ':') < name.n || (name.n > 0 && ascii_digit((unsigned char)name.p[0])))
        setting_error(at, l->report, AT_VALUE,
                      "\"%.*s\" names no listener; an address stands in  listeners: { name: { "
                      "address = \"...\"; } },  and its name here",
                      str_fmt(str_head(name, 64)));
    else
        unknown_name(l, at, "listener", name, names ? names : no_names);
}

struct str source_line(const struct loader *l, struct place p)
{
    list_each (f, &l->files, struct file, node)
        if (p.file != NULL && strcmp(f->source.name, p.file) == 0)
            return text_line(&f->source, p.line);
    return STR_EMPTY;
}

bool is_listed(struct setting group)
{
    return group.node->name_len == 0;
}

static bool good_name(struct str name)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES || (unsigned char)(name.p[0] - 'a') >= 26)
        return false;
    for (size_t i = 1; i < name.n; i++)
        if ((unsigned char)(name.p[i] - 'a') >= 26 && !ascii_digit((unsigned char)name.p[i]) &&
            name.p[i] != '-')
            return false;
    return true;
}

/* The name of a member or element, and which setting says it. */
static bool name_of(struct loader *l, struct setting group, const char *what, struct str *ret,
                    struct setting *ret_at)
{
    char got[BIND_GOT_MAX];

    if (!setting_is(group, NODE_GROUP)) {
        if (is_listed(group))
            setting_error(group, l->report, AT_VALUE, "expected a %s: a group { }, got %s", what,
                          bind_got(group, got));
        else
            setting_error(group, l->report, AT_VALUE,
                          "expected a %s, as in  %.*s: { ... },  got %s", what,
                          str_fmt(setting_name(group)), bind_got(group, got));
        return false;
    }
    *ret_at = group;
    if (!is_listed(group)) {
        *ret = setting_name(group);
    } else {
        *ret_at = setting_get(group, STR("name"));
        if (ret_at->node == NULL || !setting_is(*ret_at, NODE_STRING)) {
            setting_error(ret_at->node ? *ret_at : group, l->report, AT_VALUE,
                          "in a list each %s needs its name, as in  name = \"a\";", what);
            return false;
        }
        *ret = setting_text(*ret_at);
    }
    if (good_name(*ret))
        return true;
    setting_error(*ret_at, l->report, is_listed(group) ? AT_VALUE : AT_NAME,
                  "\"%.*s\" cannot name a %s: names have small letters, digits and \"-\", begin "
                  "with a letter and have at most %d characters",
                  str_fmt(str_head(*ret, NAME_MAX_BYTES)), what, NAME_MAX_BYTES);
    return false;
}

/* Whether an option stands where the named groups should: `sites: { hosts = ...; }`. Reports it,
 * unless it is there for the braces that were missed before it. */
static bool lacks_name(struct loader *l, struct setting section, const char *what)
{
    const struct config_section *c = config_sections;
    bool told = false;

    while (c->name != NULL && strncmp(c->name, what, strlen(what)) != 0)
        c++;
    for (struct setting s = setting_first(section); s.node != NULL; s = setting_next(s)) {
        told = told || s.node->bad;
        for (const struct option *o = c->options; !setting_is(s, NODE_GROUP) && o->name; o++) {
            if (!str_eq(setting_name(s), str_of(o->name)))
                continue;
            if (!told)
                setting_error(s, l->report, AT_NAME,
                              "a %s needs a name around its options, as in  %s: { name: { "
                              "%s = ...; } }",
                              what, c->name, o->name);
            return true;
        }
    }
    return false;
}

int each_named(struct loader *l, struct setting section, const char *what, struct table *names,
               named_fn *fn, void *arg)
{
    char got[BIND_GOT_MAX];

    if (!setting_is(section, NODE_GROUP) && !setting_is(section, NODE_LIST)) {
        setting_error(section, l->report, AT_VALUE, "expected a group { } of %ss, got %s", what,
                      bind_got(section, got));
        return 0;
    }
    if (setting_is(section, NODE_GROUP) && lacks_name(l, section, what))
        return 0;
    int r = table_room(names, &l->arena, setting_count(section));
    for (struct setting s = setting_first(section); s.node && r == 0; s = setting_next(s)) {
        struct str name;
        struct setting at;
        if (!name_of(l, s, what, &name, &at))
            continue;
        struct named *named = arena_zalloc(&l->arena, sizeof *named);
        void *other;
        if (named == NULL)
            return -ENOMEM;
        named->setting = s;
        r = table_claim(names, &l->arena, name, named, &other);
        if (r == -EEXIST) {
            const struct named *first = other;
            setting_error(at, l->report, is_listed(s) ? AT_VALUE : AT_NAME,
                          "there is another %s \"%.*s\"", what, str_fmt(name));
            setting_note(first->setting, l->report, AT_NAME, "the first is here");
            r = 0;
            continue;
        }
        if (r == 0)
            r = fn(l, named, name, arg);
    }
    return r;
}

int each_named_of_all(struct loader *l, const char *section, const char *what, struct table *names,
                      named_fn *fn, void *arg)
{
    int r = 0;

    list_each (f, &l->files, struct file, node) {
        struct setting s =
            f->scan.n ? setting_get(file_root(f), str_of(section)) : (struct setting){ NULL, NULL };
        if (r == 0 && s.node != NULL)
            r = each_named(l, s, what, names, fn, arg);
    }
    return r;
}

size_t count_named_of_all(struct loader *l, const char *section)
{
    size_t n = 0;

    list_each (f, &l->files, struct file, node) {
        struct setting s =
            f->scan.n ? setting_get(file_root(f), str_of(section)) : (struct setting){ NULL, NULL };
        n += setting_count(s);
    }
    return n;
}

static const char *const name_key[] = { "name", NULL };

/* ---- pools and listeners */

static int load_pool(struct loader *l, struct named *named, struct str name, void *arg UNUSED)
{
    struct config *c = l->config;
    bool is_default = str_eq(name, STR("default"));
    struct conf_pool *pool = &c->pools[is_default ? 0 : c->n_pools];
    int r = bind_group(named->setting, l->report, pool_options,
                       is_listed(named->setting) ? name_key : NULL, NULL, pool, &c->arena);

    if (r < 0)
        return r;
    if (!is_default)
        c->n_pools++;
    named->value = pool;
    pool->name = arena_str(&c->arena, name);
    if (pool->name.p == NULL)
        return -ENOMEM;
    return keep_place(l, &c->arena, setting_place(named->setting, AT_NAME), &pool->place);
}

static int load_pools(struct loader *l)
{
    struct config *c = l->config;

    c->pools = arena_array(&c->arena, count_named_of_all(l, "pools") + 1, sizeof *c->pools);
    if (c->pools == NULL)
        return -ENOMEM;
    c->n_pools = 1;
    c->pools[0].name = STR("default");
    int r = option_defaults(pool_options, &c->pools[0], &c->arena);
    if (r == 0)
        r = each_named_of_all(l, "pools", "pool", &l->pools, load_pool, NULL);
    if (r == 0 && table_find(&l->pools, STR("default")) == NULL) {
        struct named *named = arena_zalloc(&l->arena, sizeof *named);
        if (named == NULL)
            return -ENOMEM;
        named->value = &c->pools[0];
        r = table_add(&l->pools, &l->arena, STR("default"), named);
    }
    return r;
}

static void check_address(struct loader *l, struct conf_listener *listener, struct setting group)
{
    struct setting at = setting_get(group, STR("address"));
    const struct config *c = l->config;
    const char *why = "it is malformed";

    if (sock_parse(listener->address_text, &listener->address, &why) < 0) {
        setting_error(at, l->report, AT_VALUE, "bad address \"%.*s\": %s",
                      str_fmt(str_head(listener->address_text, 100)), why);
        return;
    }
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct conf_listener *other = &c->listeners[i];
        if (other->address.len != 0 && sock_same(&other->address, &listener->address)) {
            setting_error(at, l->report, AT_VALUE,
                          "the listener \"%.*s\" is at this address already", str_fmt(other->name));
            report_note(l->report, other->place, source_line(l, other->place), "it is here");
            return;
        }
    }
}

static int load_listener(struct loader *l, struct named *named, struct str name, void *arg UNUSED)
{
    struct config *c = l->config;
    struct conf_listener *listener = &c->listeners[c->n_listeners];

    if (c->n_listeners == LISTENERS_MAX) {
        setting_error(named->setting, l->report, AT_NAME, "more than %d listeners", LISTENERS_MAX);
        return 0;
    }
    int r = bind_group(named->setting, l->report, listener_options,
                       is_listed(named->setting) ? name_key : NULL, NULL, listener, &c->arena);
    if (r < 0)
        return r;
    listener->name = arena_str(&c->arena, name);
    if (listener->name.p == NULL)
        return -ENOMEM;
    r = keep_place(l, &c->arena, setting_place(named->setting, AT_NAME), &listener->place);
    if (r == 0 && listener->address_text.p != NULL)
        check_address(l, listener, named->setting);
    c->n_listeners++;
    named->value = listener;
    return r;
}

static int load_listeners(struct loader *l)
{
    struct config *c = l->config;
    size_t n = 0;

    list_each (f, &l->files, struct file, node)
        n += f->scan.n != 0 && setting_get(file_root(f), STR("listeners")).node != NULL;
    c->listeners =
        arena_array(&c->arena, count_named_of_all(l, "listeners") + 1, sizeof *c->listeners);
    if (c->listeners == NULL)
        return -ENOMEM;
    if (n != 0) {
        int r = each_named_of_all(l, "listeners", "listener", &l->listeners, load_listener, NULL);
        if (r == 0 && count_named_of_all(l, "listeners") == 0)
            report_add(l->report, true, (struct place){ .file = c->file.p }, STR_EMPTY,
                       "there is no listener: `listeners` is empty");
        return r;
    }
    struct conf_listener *http = &c->listeners[c->n_listeners++];
    struct named *named = arena_zalloc(&l->arena, sizeof *named);
    const char *why;
    http->name = STR("http");
    http->address_text = STR("*:8080");
    if (named == NULL || sock_parse(http->address_text, &http->address, &why) < 0)
        return -ENOMEM;
    named->value = http;
    return table_add(&l->listeners, &l->arena, http->name, named);
}

/* ---- the rest */

static int64_t usable_cores(void)
{
    for (size_t n = 1024; n <= 1 << 20; n *= 2) {
        cpu_set_t *set = CPU_ALLOC(n);
        if (set == NULL)
            break;
        size_t size = CPU_ALLOC_SIZE(n);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return max_of((int64_t)sysconf(_SC_NPROCESSORS_ONLN), INT64_C(1));
}

static int set_access_path(struct loader *l, struct setting at, struct str path)
{
    static const char *const words[] = { "off", "stdout", NULL };
    struct config *c = l->config;
    const struct file *f = list_first(&l->files, struct file, node);
    struct option_check base = { .arena = &c->arena, .base = f->source.dir };

    if (str_eq(path, STR("off")))
        return 0;
    /* The second cannot be opened if it is a socket. */
    if (str_eq(path, ACCESS_STDOUT) || str_eq(path, STR("/dev/stdout"))) {
        c->access.path = ACCESS_STDOUT;
        return 0;
    }
    if (path.n == 0 || path.p[path.n - 1] == '/') {
        setting_error(at, l->report, AT_VALUE, "%s; expected \"off\", \"stdout\" or a path",
                      path.n ? "this names a directory" : "this names no file");
        return 0;
    }
    const char *near = guess_name(path, words);
    if (near != NULL)
        setting_warning(at, l->report, AT_VALUE,
                        "this names a file beside this one; did you mean \"%s\"?", near);
    warn_no_directory(l, at, path);
    c->access.path = option_path(&base, path);
    return c->access.path.p
               ? keep_place(l, &c->arena, setting_place(at, AT_VALUE), &c->access.place)
               : -ENOMEM;
}

/* `access_log`, of the main file: a string, or a group that says the format too. Nothing is opened.
 */
static int load_access(struct loader *l)
{
    struct file *f = list_first(&l->files, struct file, node);
    struct setting s = setting_get(file_root(f), STR("access_log")), at = s;
    struct access_conf *conf = &l->config->access_conf;
    char got[BIND_GOT_MAX];
    int r = option_defaults(access_options, conf, &l->config->arena);

    if (r == 0 && s.node == NULL) {
        conf->path = l->config->top.access_log;
    } else if (r == 0 && setting_is(s, NODE_STRING)) {
        conf->path = arena_str(&l->config->arena, setting_text(s));
        r = conf->path.p ? origins_add(l->origins, conf, access_options, setting_place(s, AT_NAME))
                         : -ENOMEM;
    } else if (r == 0 && setting_is(s, NODE_GROUP)) {
        r = bind_group(s, l->report, access_options, NULL, NULL, conf, &l->config->arena);
        at = setting_get(s, STR("path"));
    } else if (r == 0) {
        setting_error(
            s, l->report, AT_VALUE,
            "expected \"off\", \"stdout\", a path, or a group { path = \"...\"; }, got %s",
            bind_got(s, got));
    }
    l->config->access.format = (enum access_format)conf->format;
    return r < 0 || conf->path.p == NULL ? r : set_access_path(l, at, conf->path);
}

/* `timeouts` and `limits`, of the main file. */
static int load_plain(struct loader *l, const char *name, const struct option *table, void *into)
{
    struct file *f = list_first(&l->files, struct file, node);
    struct setting s = setting_get(file_root(f), str_of(name));
    char got[BIND_GOT_MAX];

    if (s.node == NULL)
        return option_defaults(table, into, &l->config->arena);
    if (!setting_is(s, NODE_GROUP)) {
        setting_error(s, l->report, AT_VALUE, "expected a group { }, got %s", bind_got(s, got));
        return option_defaults(table, into, &l->config->arena);
    }
    return bind_group(s, l->report, table, NULL, NULL, into, &l->config->arena);
}

static int load_all(struct loader *l, const char *path)
{
    static const enum log_level levels[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
                                             LOG_LEVEL_DEBUG };
    struct config *c = l->config;

    c->is_text = l->text.p != NULL;
    c->file = arena_str(&c->arena, str_of(path));
    if (c->file.p == NULL)
        return -ENOMEM;
    int r = load_kinds(l);
    if (r == 0)
        r = load_files(l, c->file.p);
    if (r < 0 || list_empty(&l->files) || list_first(&l->files, struct file, node)->scan.n == 0)
        return r; /* without the main file the rest would be guesswork */
    files_are_read(l);
    if (list_first(&l->files, struct file, node)->scan.n == 1)
        report_add(l->report, true, (struct place){ .file = c->file.p }, STR_EMPTY,
                   "nothing is set in this file");

    c->loops = c->top.loops ? c->top.loops : usable_cores();
    c->log_level = levels[c->top.log_level];
    if ((r = load_access(l)) < 0 ||
        (r = load_plain(l, "timeouts", timeouts_options, &c->timeouts)) < 0 ||
        (r = load_plain(l, "limits", limits_options, &c->limits)) < 0 || (r = load_pools(l)) < 0 ||
        (r = load_listeners(l)) < 0 || (r = load_sites(l)) < 0)
        return r;
    c->head_limits = (struct head_limits){ .request_line = (size_t)c->limits.request_line,
                                           .header = (size_t)c->limits.header,
                                           .fields = (size_t)c->limits.fields };
    /* The head is copied once; target and host have decoded copies; fields are 40 bytes each. */
    c->exchange_memory = EXCHANGE_MEMORY + 4 * c->head_limits.request_line +
                         2 * c->head_limits.header +
                         2 * c->head_limits.fields * sizeof(struct field);
    r = settle_sites(l);
    if (r == 0 && l->report->errors == 0)
        doubt_config(l);
    return r;
}

int config_load(const char *path, const struct load_options *options, struct report *report,
                struct config **ret)
{
    struct loader l = { .report = report, .errors = report->errors };

    *ret = NULL;
    if (options != NULL) {
        l.before = options->before;
        l.origins = options->origins;
        l.text = options->text;
    }
    l.config = calloc(1, sizeof *l.config);
    if (l.config == NULL)
        return -ENOMEM;
    atomic_init(&l.config->refs, 1);
    arena_init(&l.config->arena, ARENA_MAX);
    arena_init(&l.arena, ARENA_MAX);
    list_init(&l.files);

    int r = load_all(&l, path);
    unload_files(&l);
    error_pages_unref(l.pages);
    arena_done(&l.arena);
    if (r == 0 && report->errors != l.errors && !l.partial)
        r = -EINVAL;
    if (r < 0)
        config_unref(l.config);
    else
        *ret = l.config;
    return r;
}
