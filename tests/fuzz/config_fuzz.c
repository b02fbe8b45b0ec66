/*
 * config_fuzz.c - any bytes as a config file. Whatever they are, the parse ends; what passes the
 * scan, libconfig reads in the same way; each report can be shown; what loads can be asked for
 * hosts and freed. Nothing outside is opened: texts with `include` are only parsed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/file.h"
#include "unit/config/kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what)
{
    fprintf(stderr, "config_fuzz: %s\n", what);
    abort();
}

static void show(struct report *r, struct arena *a)
{
    report_sort(r);
    list_each (item, &r->items, struct report_item, node) {
        struct str text = report_text(item, true, a);
        if (text.p == NULL)
            fail("no text");
        for (size_t i = 0; i < text.n; i++)
            if ((unsigned char)text.p[i] < ' ' && text.p[i] != '\n' && text.p[i] != '\t')
                fail("control byte in a message");
        if (str_starts(item->text, STR("libconfig reads")) ||
            str_eq(item->text, STR("syntax error")))
            fail("libconfig differs");
    }
}

static void parse(struct str bytes, struct arena *a)
{
    struct file f = { .parent = NULL };
    struct report r;

    report_init(&r, a);
    if (text_from_bytes(&f.source, "f", bytes) < 0)
        return;
    int error = file_parse(&f, &r);
    if (error < 0 && r.errors == 0)
        fail("error without report");
    for (size_t i = 0; i < f.scan.n; i++) {
        const struct node *n = &f.scan.nodes[i];
        if (n->end <= i || n->end > f.scan.n || n->at + n->len > f.source.n)
            fail("node out of bounds");
        if (n->kind == NODE_STRING && n->n > buf_len(&f.strings))
            fail("string without text");
    }
    show(&r, a);
    file_done(&f);
}

static void load(struct str bytes, struct arena *a)
{
    char path[64];
    struct report r;
    struct config *c;
    int fd = memfd_create("config", MFD_CLOEXEC);

    if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    report_init(&r, a);
    int error = config_load(path, NULL, &r, &c);
    if ((error == 0) != (r.errors == 0))
        fail("error without report, or the reverse");
    show(&r, a);
    for (size_t i = 0; c != NULL && i < c->n_listeners; i++) {
        config_site(&c->listeners[i], STR("a.b.example.com"));
        config_site(&c->listeners[i], STR(""));
        for (size_t j = 0; j < c->n_sites; j++)
            for (size_t k = 0; k < c->sites[j]->hosts.n; k++)
                config_site(&c->listeners[i], c->sites[j]->hosts.v[k]);
    }
    config_unref(c);
    if (greet_alive != 0)
        fail("a clean-up was forgotten");
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    struct arena a;

    arena_init(&a, MIB(256));
    parse(bytes, &a);
    if (size == 0 || memmem(data, size, "include", 7) == NULL)
        load(bytes, &a);
    arena_done(&a);
    return 0;
}
