/* daemon.c - see daemon.h; and `muxd [-c FILE]`, which serves a file's config. The thread of
 * main(), but for what a thread says that fails. */
#include "command/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/check.h"
#include "command/command.h"
#include "server/conn.h"
#include "server/engine.h"

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

int daemon_run(struct config *config, void (*listening)(const struct server *s, void *arg),
               void *arg)
{
    struct server *server;

    check_panic_hook = panic;
    int r = server_new(config, &server);
    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        return r == -ENOMEM ? EX_OSERR : EX_UNAVAILABLE;
    }
    if (listening != NULL)
        listening(server, arg);
    int status = server_run(server) < 0 ? EX_UNAVAILABLE : EX_OK;
    if (!server_free(server))
        _exit(status); /* a thread still uses what exit handlers would take away */
    return status;
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

int command_daemon(const struct arguments *args)
{
    struct subject s;

    hold_signals();
    int status = subject_load(&s, args->file, SUBJECT_WARN);
    struct config *config = status == EX_OK ? config_ref(s.config) : NULL;
    subject_done(&s);
    return config != NULL ? daemon_run(config, NULL, NULL) : status;
}
