/*
 * serve.c - `muxd serve DIR`: the files of a directory for whoever is at this machine, until
 * Ctrl-C. It is a config like any other that happens to be in no file: nothing is served in another
 * way.
 *
 * Only this machine can connect, unless -b says otherwise; and then only by the names of this
 * machine, so that a page from elsewhere cannot read the files through a name of its own that leads
 * here. The thread of main().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "command/command.h"
#include "command/daemon.h"
#include "command/value.h"
#include "server/complain.h"

#define ADDRESS "127.0.0.1"
#define PORT "8000"

struct serve {
    struct arena arena;
    struct str root; /* absolute, quoted */
    struct sock_addr address;
    struct str spelled; /* as a config has it */
};

/* ---- what is asked for */

static int wrong(int status, const char *what, const char *why)
{
    fprintf(stderr, "muxd serve: %s: %s\n", what, why);
    return status;
}

static int find_root(struct serve *s, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *path = fd >= 0 ? realpath(dir, NULL) : NULL;
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (path == NULL)
        return wrong(EX_NOINPUT, dir, strerror(error));
    s->root = value_quote(str_of(path), &s->arena);
    free(path);
    return s->root.p != NULL ? EX_OK : wrong(EX_OSERR, dir, strerror(ENOMEM));
}

static bool is_loopback(const struct sock_addr *a)
{
    if (a->kind == SOCK_KIND_ANY)
        return false;
    return a->sa.sa_family == AF_INET ? ntohl(a->in.sin_addr.s_addr) >> 24 == 127
                                      : IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

static bool is_any(const struct sock_addr *a)
{
    return a->kind == SOCK_KIND_ANY ||
           (a->sa.sa_family == AF_INET ? a->in.sin_addr.s_addr == htonl(INADDR_ANY)
                                       : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr));
}

/* Listeners take addresses that may come up later; here that is a mistake. 0 or an errno. */
static int probe(const struct sock_addr *a)
{
    struct sock_addr any_port = *a;
    int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (a->sa.sa_family == AF_INET)
        any_port.in.sin_port = 0;
    else
        any_port.in6.sin6_port = 0;
    int error = fd < 0 || bind(fd, &any_port.sa, any_port.len) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

static int find_address(struct serve *s, const char *address, const char *port)
{
    bool bare = strchr(address, ':') != NULL && address[0] != '['; /* IPv6 */
    const char *why;
    unsigned n;
    int fd;

    if (strcmp(address, "localhost") == 0)
        address = ADDRESS;
    s->spelled = arena_printf(&s->arena, bare ? "[%s]:%s" : "%s:%s", address, port);
    if (s->spelled.p == NULL)
        return wrong(EX_OSERR, address, strerror(ENOMEM));
    if (sock_parse(s->spelled, &s->address, &why) < 0)
        return wrong(EX_USAGE, s->spelled.p, why);
    if (s->address.kind != SOCK_KIND_INET && s->address.kind != SOCK_KIND_ANY)
        return wrong(EX_USAGE, s->spelled.p, "is no address with a port");
    int error = is_any(&s->address) ? 0 : probe(&s->address);
    if (error != 0)
        return wrong(EX_UNAVAILABLE, address,
                     error == EADDRNOTAVAIL ? "this machine has no such address" : strerror(error));
    /* The server would tell of a listener, and of no way out. */
    int r = sock_listen(&s->address, 1, false, 1, &fd, &n);
    if (r == -EADDRINUSE)
        return wrong(EX_UNAVAILABLE, s->spelled.p,
                     "the port is in use; -p takes another one, and -p 0 any that is free");
    if (r == -EACCES)
        return wrong(EX_UNAVAILABLE, s->spelled.p,
                     "this port is not for everyone; -p takes another one, of 1024 and over");
    if (r < 0)
        return wrong(EX_UNAVAILABLE, s->spelled.p, strerror(-r));
    close(fd);
    return EX_OK;
}

/* ---- the config */

/* The names by which it is asked for. */
static struct str hosts(struct serve *s)
{
    char text[SOCK_TEXT_MAX];

    if (!is_loopback(&s->address))
        return STR("[ \"*\" ]");
    sock_text(&s->address.sa, s->address.len, text);
    return arena_printf(&s->arena, "[ \"localhost\", \"*.localhost\", \"%.*s\" ]",
                        str_fmt(str_head(str_of(text), str_rchr(str_of(text), ':'))));
}

static struct str config_text(struct serve *s)
{
    return arena_printf(&s->arena,
                        "listeners: { serve: { address = \"%.*s\"; } }\n"
                        "access_log = \"stdout\";\n"
                        "log_level = \"warning\";\n"
                        "timeouts: { drain = \"0s\"; }\n"
                        "sites: { serve: { hosts = %.*s; routes: { files: {\n"
                        "  match = \"/\";\n"
                        "  files: { root = %.*s; listing = true;\n"
                        "    cache = \"0s\"; cache_control = \"no-cache\"; }\n"
                        "} } } }\n",
                        str_fmt(s->spelled), str_fmt(hosts(s)), str_fmt(s->root));
}

/* NULL: it was said why not. */
static struct config *load(struct serve *s)
{
    struct load_options options = { .text = config_text(s) };
    struct config *config = NULL;
    struct report report;

    report_init(&report, &s->arena);
    int r =
        options.text.p != NULL ? config_load("muxd serve", &options, &report, &config) : -ENOMEM;
    /* What it warns of, such as a listing, was asked for. */
    list_each (item, &report.items, struct report_item, node)
        if (item->error)
            log_error("%.*s", str_fmt(item->text));
    if (r == -ENOMEM)
        wrong(EX_OSERR, "cannot start", strerror(ENOMEM));
    return config;
}

/* ---- what is said */

static void print_url(const char *host, const char *port)
{
    printf(strchr(host, ':') != NULL ? "  http://[%s]:%s/\n" : "  http://%s:%s/\n", host, port);
}

/* By which of this machine's addresses it can be asked. */
static void print_urls(const struct sock_addr *listener, const char *port)
{
    char host[INET6_ADDRSTRLEN];
    struct ifaddrs *all;
    bool in4 = listener->kind == SOCK_KIND_ANY || listener->sa.sa_family == AF_INET;
    bool in6 = listener->kind == SOCK_KIND_ANY || listener->sa.sa_family == AF_INET6;

    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        const struct sockaddr *sa = i->ifa_addr;
        if (sa == NULL || !(i->ifa_flags & IFF_UP))
            continue;
        const struct in6_addr *a6 = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
        const struct in_addr *a4 = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
        if ((sa->sa_family == AF_INET && in4 && inet_ntop(AF_INET, a4, host, sizeof host)) ||
            (sa->sa_family == AF_INET6 && in6 && !IN6_IS_ADDR_LINKLOCAL(a6) &&
             inet_ntop(AF_INET6, a6, host, sizeof host)))
            print_url(host, port);
    }
    freeifaddrs(all);
}

static void tell(const struct server *server, void *arg)
{
    const struct serve *s = arg;
    char text[SOCK_TEXT_MAX];

    server_address(server, text);
    printf("Serving %.*s at\n", str_fmt(s->root));
    if (is_any(&s->address))
        print_urls(&s->address, strrchr(text, ':') + 1);
    else
        printf("  http://%s/\n", text);
    printf("Ctrl-C ends it.\n");
    if (!is_loopback(&s->address))
        log_warning("whoever can reach this machine can read every file of the directory, but for "
                    "names that begin with a dot");
    fflush(stdout);
}

int command_serve(const struct arguments *args)
{
    struct serve s;
    int status;

    arena_init(&s.arena, COMPLAIN_MEMORY);
    status = find_root(&s, args->n_words > 0 ? args->words[0] : ".");
    if (status == EX_OK)
        status = find_address(&s, args->address != NULL ? args->address : ADDRESS,
                              args->port != NULL ? args->port : PORT);
    if (status == EX_OK) {
        struct config *config = load(&s);
        status = config != NULL ? daemon_run(config, tell, &s) : EX_CONFIG;
    }
    arena_done(&s.arena);
    return status;
}
