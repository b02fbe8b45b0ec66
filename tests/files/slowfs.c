/*
 * slowfs.c - a file system whose calls take their time, for tests. Speaks FUSE with the kernel
 * itself (linux/fuse.h); one thread, which keeps what it is asked until the answer is due.
 *
 *     slowfs [--delay MS] [--slow KIND,...] [--valid SECONDS] [--direct] DIR FILE=SIZE...
 *
 * Mounts one directory with those files on DIR, best in a mount namespace of its own (unshare -m),
 * and says "ready". The byte at offset i of the n-th file, both from 0, is (n + i) % 251. Calls of
 * the kinds that are slow (lookup, open, getattr, read; unless said: open and read) are answered
 * after MS milliseconds (0). What the kernel was told of names, and unless getattr is slow of
 * attributes, it does not ask again for SECONDS (0). With --direct it caches no content, and every
 * read comes here.
 *
 * It takes lines on stdin: after "hold" such calls are kept, and each time one is, "held N" tells
 * of how many files there are kept ones; "release" answers them, and goes on as before. At the end
 * of stdin it ends, and what is open then fails. Status 77: it cannot mount, as this is not root,
 * or there is no FUSE.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (FUSE_MIN_READ_BUFFER * 2)
#define READ_PAGES 32
#define READ_MAX (READ_PAGES * 4096)
#define FILES_MAX 1024
#define KEPT_MAX 4096 /* calls; beyond, they wait in the kernel */
#define PERIOD 251
#define CANNOT 77

struct node {
    const char *name;
    uint64_t size;
};

struct call {
    uint64_t unique;
    int64_t due; /* ns */
    uint32_t opcode;
    uint64_t node, offset; /* of a lookup: the file that is found, or 0 */
    uint32_t size;
};

static struct node files[FILES_MAX]; /* file n has the node number n + 2 */
static size_t n_files;
static struct call kept[KEPT_MAX]; /* in order of `due` */
static size_t n_kept;
static bool holding;
static int device;
static int64_t delay;                   /* ns */
static uint64_t name_valid, attr_valid; /* seconds */
static uint32_t open_flags;
static unsigned slow = 1u << FUSE_OPEN | 1u << FUSE_READ;
static time_t started;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- answers */

static void reply(uint64_t unique, int error, const void *data, size_t n)
{
    struct fuse_out_header head = { (uint32_t)(sizeof head + n), error, unique };
    struct iovec v[] = { { &head, sizeof head }, { (void *)(uintptr_t)data, n } };

    /* ENOENT: the caller was killed meanwhile. */
    if (writev(device, v, n ? 2 : 1) < 0 && errno != ENOENT) {
        perror("slowfs: answer");
        exit(1);
    }
}

static struct fuse_attr attributes(uint64_t node)
{
    bool is_root = node == FUSE_ROOT_ID;
    struct fuse_attr a = { .ino = node,
                           .size = is_root ? 0 : files[node - 2].size,
                           .mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0644,
                           .nlink = 1,
                           .blksize = 4096,
                           .mtime = (uint64_t)started - 3600 };

    a.ctime = a.atime = a.mtime;
    a.blocks = (a.size + 511) / 512;
    return a;
}

static uint64_t find(const char *name)
{
    for (size_t i = 0; i < n_files; i++)
        if (strcmp(files[i].name, name) == 0)
            return i + 2;
    return 0;
}

static void reply_lookup(const struct call *c)
{
    struct fuse_entry_out out = { .nodeid = c->node,
                                  .entry_valid = name_valid,
                                  .attr_valid = attr_valid };

    if (c->node != 0)
        out.attr = attributes(c->node);
    reply(c->unique, c->node != 0 ? 0 : -ENOENT, &out, c->node != 0 ? sizeof out : 0);
}

static void reply_attributes(const struct call *c)
{
    struct fuse_attr_out out = { .attr_valid = attr_valid, .attr = attributes(c->node) };

    reply(c->unique, 0, &out, sizeof out);
}

static void reply_read(const struct call *c)
{
    static unsigned char data[READ_MAX];
    uint64_t file = c->node - 2, size = files[file].size;
    size_t n = c->size < READ_MAX ? c->size : READ_MAX;

    n = c->offset >= size ? 0 : n > size - c->offset ? (size_t)(size - c->offset) : n;
    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)((file + c->offset + i) % PERIOD);
    reply(c->unique, 0, data, n);
}

static void reply_directory(const struct call *c)
{
    union {
        char bytes[4096];
        struct fuse_dirent entry;
    } out = { { 0 } };
    size_t n = 0, room = c->size < sizeof out ? c->size : sizeof out;

    for (uint64_t i = c->offset; i < n_files; i++) {
        struct fuse_dirent entry = { i + 2, i + 1, (uint32_t)strlen(files[i].name), S_IFREG >> 12 };
        size_t all = FUSE_DIRENT_SIZE(&entry);
        if (n + all > room)
            break;
        memcpy(out.bytes + n, &entry, FUSE_NAME_OFFSET);
        memcpy(out.bytes + n + FUSE_NAME_OFFSET, files[i].name, entry.namelen);
        n += all;
    }
    reply(c->unique, 0, out.bytes, n);
}

static void answer(const struct call *c)
{
    struct fuse_open_out opened = { .open_flags = c->opcode == FUSE_OPEN ? open_flags : 0 };

    switch (c->opcode) {
    case FUSE_LOOKUP:
        reply_lookup(c);
        break;
    case FUSE_GETATTR:
        reply_attributes(c);
        break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
        reply(c->unique, 0, &opened, sizeof opened);
        break;
    case FUSE_READ:
        reply_read(c);
        break;
    default:
        reply_directory(c);
    }
}

/* ---- what is kept */

static void forget(size_t i)
{
    n_kept--;
    memmove(kept + i, kept + i + 1, (n_kept - i) * sizeof kept[0]);
}

static void answer_due(void)
{
    int64_t now = now_ns();

    while (n_kept > 0 && !holding && kept[0].due <= now) {
        answer(&kept[0]);
        forget(0);
    }
}

/* Of how many files calls are kept. */
static size_t files_held(void)
{
    size_t n = 0;

    for (size_t i = 0; i < n_kept; i++) {
        size_t j = 0;
        while (kept[j].node != kept[i].node)
            j++;
        n += i == j && kept[i].node != FUSE_ROOT_ID;
    }
    return n;
}

static void answer_or_keep(const struct call *c)
{
    if (!(slow >> c->opcode & 1) || (!holding && delay == 0)) {
        answer(c);
        return;
    }
    kept[n_kept] = *c;
    kept[n_kept++].due = now_ns() + delay;
    if (holding)
        printf("held %zu\n", files_held());
}

/* The caller is about to die. */
static void interrupt(uint64_t unique)
{
    for (size_t i = 0; i < n_kept; i++) {
        if (kept[i].unique == unique) {
            reply(unique, -EINTR, NULL, 0);
            forget(i);
            return;
        }
    }
}

static void hold(bool on)
{
    holding = on;
    for (size_t i = 0; i < n_kept && !on; i++)
        kept[i].due = 0;
    answer_due();
}

/* ---- what comes */

static void begin(uint64_t unique)
{
    struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
                                 .minor = FUSE_KERNEL_MINOR_VERSION,
                                 .max_readahead = READ_MAX,
                                 .flags = FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES,
                                 .max_background = KEPT_MAX,
                                 .congestion_threshold = KEPT_MAX,
                                 .max_write = 4096,
                                 .time_gran = 1,
                                 .max_pages = READ_PAGES };

    reply(unique, 0, &out, sizeof out);
    printf("ready\n");
}

static void take(const struct fuse_in_header *in, const void *body)
{
    struct call c = { .unique = in->unique, .opcode = in->opcode, .node = in->nodeid };
    const struct fuse_statfs_out fs = { .st = { .bsize = 4096, .namelen = 255, .frsize = 4096 } };

    switch (in->opcode) {
    case FUSE_INIT:
        begin(in->unique);
        break;
    case FUSE_LOOKUP:
        c.node = find(body);
        answer_or_keep(&c);
        break;
    case FUSE_READ:
    case FUSE_READDIR:
        c.offset = ((const struct fuse_read_in *)body)->offset;
        c.size = ((const struct fuse_read_in *)body)->size;
        answer_or_keep(&c);
        break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
    case FUSE_GETATTR:
        answer_or_keep(&c);
        break;
    case FUSE_STATFS:
        reply(in->unique, 0, &fs, sizeof fs);
        break;
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
        reply(in->unique, 0, NULL, 0);
        break;
    case FUSE_INTERRUPT:
        interrupt(((const struct fuse_interrupt_in *)body)->unique);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
        break;
    default:
        reply(in->unique, -ENOSYS, NULL, 0);
    }
}

/* False: unmounted. */
static bool take_one(void)
{
    static union {
        char bytes[REQUEST_MAX];
        struct fuse_in_header head;
    } in;
    ssize_t n = read(device, &in, sizeof in);

    if (n >= (ssize_t)sizeof in.head)
        take(&in.head, in.bytes + sizeof in.head);
    else if (n < 0 && errno == ENODEV)
        return false;
    else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
        perror("slowfs: /dev/fuse");
    return true;
}

/* False: the end. */
static bool take_lines(void)
{
    char text[64], *rest = text, *line;
    ssize_t n = read(STDIN_FILENO, text, sizeof text - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0')
            hold(strcmp(line, "hold") == 0);
    return true;
}

static void serve(void)
{
    struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { device, POLLIN, 0 } };

    for (;;) {
        int64_t left = n_kept > 0 && !holding ? kept[0].due - now_ns() : -1;
        fds[1].fd = n_kept < KEPT_MAX ? device : -1;
        int ms = n_kept > 0 && !holding ? (int)(left > 0 ? left / 1000000 + 1 : 0) : -1;
        if (poll(fds, 2, ms) < 0 && errno != EINTR)
            return;
        answer_due();
        if (fds[0].revents && !take_lines())
            return;
        if (fds[1].fd >= 0 && fds[1].revents && !take_one())
            return;
    }
}

/* ---- start */

static void usage(void)
{
    fprintf(stderr, "usage: slowfs [--delay MS] [--slow KIND,...] [--valid SECONDS] [--direct] "
                    "DIR FILE=SIZE...\n");
    exit(64);
}

static unsigned kinds(const char *text)
{
    static const struct {
        const char *name;
        unsigned opcode;
    } known[] = { { "open", FUSE_OPEN },
                  { "read", FUSE_READ },
                  { "lookup", FUSE_LOOKUP },
                  { "getattr", FUSE_GETATTR } };
    unsigned set = 0;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(text, known[i].name) != NULL)
            set |= 1u << known[i].opcode;
    if (set == 0)
        usage();
    return set;
}

static void mount_on(const char *dir)
{
    char options[128];

    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other",
             device, geteuid(), getegid());
    if (device < 0 || mount("slowfs", dir, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
        fprintf(stderr, "slowfs: cannot mount on %s: %s\n", dir, strerror(errno));
        exit(CANNOT);
    }
}

static void add_file(char *text)
{
    char *equals = strchr(text, '=');

    if (equals == NULL || n_files == FILES_MAX)
        usage();
    *equals = '\0';
    files[n_files++] = (struct node){ text, strtoull(equals + 1, NULL, 10) };
}

int main(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--direct") == 0)
            open_flags = FOPEN_DIRECT_IO;
        else if (i + 1 == argc)
            usage();
        else if (strcmp(argv[i], "--delay") == 0)
            delay = strtoll(argv[++i], NULL, 10) * 1000000;
        else if (strcmp(argv[i], "--valid") == 0)
            name_valid = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--slow") == 0)
            slow = kinds(argv[++i]);
        else
            usage();
    }
    if (i == argc)
        usage();
    attr_valid = slow >> FUSE_GETATTR & 1 ? 0 : name_valid;
    const char *dir = argv[i];
    while (++i < argc)
        add_file(argv[i]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    started = time(NULL);
    mount_on(dir);
    serve();
    umount2(dir, MNT_DETACH);
    return 0;
}
