/*
 * taken.c - test_file and test_parts, handlers whose body is a file, or parts of it; test_take, a
 * filter through which bodies go, unchanged, by way of a task.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "event/file.h"
#include "filter/filter.h"
#include "tally.h"

/* ---- test_parts */

struct parts {
    struct str file;
    int64_t length;
};

static struct file *open_file(struct str path)
{
    int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    struct stat st;

    struct file *f =
        fd >= 0 && fstat(fd, &st) == 0 ? file_new(fd, &st, file_way_of(fd), false) : NULL;
    if (f == NULL && fd >= 0)
        close(fd);
    return f;
}

static enum step parts_handle(struct exchange *x)
{
    const struct parts *conf = exchange_conf(x);
    struct part *v = arena_array(exchange_arena(x), 4, sizeof *v);
    struct file *f = v != NULL ? open_file(conf->file) : NULL;

    if (f == NULL)
        return exchange_fail(x, 503, "no_memory");
    v[0] = (struct part){ .bytes = STR("head\n"), .length = (uint64_t)conf->length };
    v[1] = (struct part){ .bytes = STR("middle\n"), .length = 10 };
    v[2] = (struct part){ .length = (uint64_t)conf->length };
    v[3] = (struct part){ .bytes = STR("end\n") };
    exchange_response(x)->status = 200;
    exchange_body_parts(x, f, v, 4);
    return STEP_DONE;
}

static void parts_check(struct option_check *c, void *conf)
{
    struct parts *p = conf;

    p->file = option_path(c, p->file);
}

static const struct option parts_options[] = {
    OPT_STR(struct parts, file, "file", REQUIRED, "What is sent."),
    OPT_SIZE(struct parts, length, "length", "1K", 0, INT64_MAX, "Of the first range."), OPT_END
};
HANDLER_KIND(test_parts, .size = sizeof(struct parts), .options = parts_options,
             .check = parts_check, .handle = parts_handle,
             .about = "Sends bytes and ranges of a file in turn.");

static enum step file_handle(struct exchange *x)
{
    const struct parts *conf = exchange_conf(x);
    struct file *f = open_file(conf->file);

    if (f == NULL)
        return exchange_fail(x, 503, "no_memory");
    exchange_response(x)->status = 200;
    exchange_body_file(x, f, 0, f->size);
    return STEP_DONE;
}

static const struct option file_options[] = {
    OPT_STR(struct parts, file, "file", REQUIRED, "What is sent."), OPT_END
};
HANDLER_KIND(
    test_file, .size = sizeof(struct parts), .options = file_options, .check = parts_check,
    .handle = file_handle,
    .about = "Sends a file, and looks for it on the loop; only its bytes may be waited for.");

/* ---- test_take */

#define TAKE_PIECE 5000

struct take {
    bool task;
};

struct taking {
    struct source source, *from;
    bool task, worked;
    size_t n, at;
    unsigned char mask;
    unsigned char piece[TAKE_PIECE];
};

static struct tally take_bodies = { .name = "take", .quiet = true };

static void take_work(void *arg)
{
    struct taking *t = arg;

    for (size_t i = 0; i < t->n; i++)
        t->piece[i] = (unsigned char)~t->piece[i];
    t->worked = true;
}

static ssize_t take_pull(struct source *s, struct exchange *x, void *buf, size_t n)
{
    struct taking *t = container_of(s, struct taking, source);

    if (t->at == t->n) {
        ssize_t r = t->from->pull(t->from, x, t->piece, sizeof t->piece);
        if (r <= 0)
            return r;
        t->n = (size_t)r;
        t->at = 0;
        t->worked = false;
        int error = t->task ? exchange_task(x, take_work, t) : -EBUSY;
        if (error == 0)
            return -EAGAIN;
        if (error != -EBUSY)
            return error;
        take_work(t);
    }
    if (!t->worked) /* pulled too early */
        return -EPROTO;
    n = min_of(n, t->n - t->at);
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)buf)[i] = (unsigned char)~t->piece[t->at + i];
    t->at += n;
    return (ssize_t)n;
}

static void take_done(struct source *s, struct exchange *x)
{
    struct taking *t = container_of(s, struct taking, source);

    if (t->from->done != NULL)
        t->from->done(t->from, x);
    tally_finish(&take_bodies);
}

static void take_respond(struct exchange *x, const void *conf)
{
    uint64_t length = exchange_body_length(x);
    struct taking *t = arena_zalloc(exchange_arena(x), sizeof *t);
    struct source *from = t != NULL ? exchange_take_body(x) : NULL;

    if (from == NULL)
        return;
    tally_start(&take_bodies);
    t->source = (struct source){ .pull = take_pull, .done = take_done };
    t->from = from;
    t->task = ((const struct take *)conf)->task;
    exchange_body_source(x, &t->source, length);
}

static const struct option take_options[] = {
    OPT_BOOL(struct take, task, "task", true, "A worker is asked to help with each piece."), OPT_END
};
FILTER_KIND(test_take, .order = 999, .size = sizeof(struct take), .options = take_options,
            .respond = take_respond, .about = "Takes bodies and gives them back.");
