/*
 * main.c - the command line: `muxd [-c FILE]` serves in the foreground, `muxd check` looks at a
 * config without serving it. Exit statuses are those of sysexits.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "config.h"
#include "config/config.h"
#include "server/complain.h"
#include "server/conn.h"
#include "server/engine.h"
#include "server/server.h"

#define MUXD_CONF_FILE MUXD_SYSCONFDIR "/muxd.conf"

static const char usage_text[] =
    "usage: muxd [-c FILE]         serve, in the foreground\n"
    "       muxd check [-c FILE]   say what is wrong with a config\n"
    "       muxd -V                print version and features\n"
    "       muxd -h                print this\n"
    "The default FILE is " MUXD_CONF_FILE ". See muxd(8) and muxd.conf(5).\n";

static void print_report(struct report *report)
{
    unsigned shown = 0;

    report_sort(report);
    list_each (item, &report->items, struct report_item, node) {
        struct str text = report_text(item, true, report->arena);
        fprintf(stderr, "%.*s", str_fmt(text));
        shown++;
    }
    if (report->dropped)
        fprintf(stderr, "and %u more\n", report->errors + report->warnings - shown);
}

/* Loads, and prints what there is to say. */
static int load(const char *file, struct config **ret)
{
    struct arena arena;
    struct report report;
    char sum[COMPLAIN_SUM_MAX];

    arena_init(&arena, COMPLAIN_MEMORY);
    report_init(&report, &arena);
    int r = config_load(file, NULL, &report, ret);
    const char *end = r == -ENOMEM ? "not enough memory"
                      : r < 0      ? complain_sum(report.errors, report.warnings, sum)
                                   : NULL;
    if (log_is_journal()) { /* whose records have a level, and are one line each */
        complain_report(&report);
        if (end != NULL)
            log_plain(LOG_LEVEL_ERROR, "%s: %s", file, end);
    } else {
        print_report(&report);
        if (end != NULL)
            fprintf(stderr, "%s: %s\n", file, end);
    }
    arena_done(&arena);
    if (r < 0)
        return r == -ENOMEM ? EX_OSERR : EX_CONFIG;
    return EX_OK;
}

static int command_check(const char *file)
{
    struct config *config;
    int status = load(file, &config);

    if (status == EX_OK) {
        printf("%s: ok: %zu listeners, %zu sites, %zu routes\n", file, config->n_listeners,
               config->n_sites, config->n_routes);
        config_unref(config);
    }
    return status;
}

/* What the failing thread was serving. Async-signal-safe but for snprintf, which glibc's is for
 * these conversions. */
static void panic(void)
{
    const struct engine *e = engine_self();
    char doing[256], text[512];

    if (e == NULL)
        return;
    if (e->current != NULL)
        e->current->proto->describe(e->current, doing, sizeof doing);
    else
        snprintf(doing, sizeof doing, "between connections");
    int n = snprintf(text, sizeof text, "muxd: panic: loop %u was %s\n", e->index, doing);
    (void)!write(STDERR_FILENO, text, (size_t)n);
}

/* HUP and USR1 wait for the server, for they would end the process; a start may be long. TERM and
 * INT end it still, whatever the load waits for. */
static void hold_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int command_serve(const char *file)
{
    struct config *config;
    struct server *server;

    hold_signals();
    int status = load(file, &config);

    if (status != EX_OK)
        return status;
    check_panic_hook = panic;
    int r = server_new(config, &server);
    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        return r == -ENOMEM ? EX_OSERR : EX_UNAVAILABLE;
    }
    status = server_run(server) < 0 ? EX_UNAVAILABLE : EX_OK;
    if (!server_free(server))
        _exit(status); /* a thread still uses what exit handlers would take away */
    return status;
}

static int usage(FILE *to, int status)
{
    fputs(usage_text, to);
    return status;
}

static int version(void)
{
#ifdef HAVE_SYSTEMD
    const char *systemd = "+systemd";
#else
    const char *systemd = "-systemd";
#endif
    printf("muxd %s\nfeatures: +http/1.1 %s\nconfig: %s\n", MUXD_VERSION, systemd, MUXD_CONF_FILE);
    return EX_OK;
}

/* A descriptor of ours must not become standard error, and be written log lines to. */
static void open_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* What was printed has to have arrived. */
static int printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "muxd: standard output: %s\n", strerror(errno));
    return EX_IOERR;
}

int main(int argc, char **argv)
{
    const char *file = MUXD_CONF_FILE;
    const char *command = NULL;
    int opt;

    open_standard_streams();
    log_init(LOG_LEVEL_INFO);
    /* getopt.h cannot be included: its struct option is not ours. */
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printed(version());
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return printed(usage(stdout, EX_OK));
    /* Options may stand before and after the command. */
    for (;;) {
        while ((opt = getopt(argc, argv, "+c:Vh")) != -1)
            switch (opt) {
            case 'c':
                file = optarg;
                break;
            case 'V':
                return printed(version());
            case 'h':
                return printed(usage(stdout, EX_OK));
            default:
                return usage(stderr, EX_USAGE);
            }
        if (optind == argc)
            break;
        if (command != NULL) {
            fprintf(stderr, "muxd: too many arguments: %s\n", argv[optind]);
            return usage(stderr, EX_USAGE);
        }
        command = argv[optind++];
    }
    if (command == NULL)
        return command_serve(file);
    if (strcmp(command, "check") == 0)
        return printed(command_check(file));
    fprintf(stderr, "muxd: unknown command: %s\n", command);
    return usage(stderr, EX_USAGE);
}
