/*
 * main.c - the command line, taken apart: what each command does is in command/. Exit statuses are
 * those of sysexits.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "command/command.h"
#include "config.h"
#include "filter/codec.h"

#define MUXD_CONF_FILE MUXD_SYSCONFDIR "/muxd.conf"

static const char usage_text[] =
    "usage: muxd [-c FILE]                 serve, in the foreground\n"
    "       muxd check [--json] [-W error] [--reload]\n"
    "                                      say what is wrong with the config\n"
    "       muxd config                    print it whole: each value, and where it is from\n"
    "       muxd routes [--json]           list its routes in the order of matching\n"
    "       muxd explain [--json] [-H 'NAME: VALUE']... [--listener NAME] METHOD URL\n"
    "                                      say what answers a request, and why; with - in place\n"
    "                                      of METHOD URL for each line of standard input\n"
    "       muxd diff NEW                  compare it with a new one\n"
    "       muxd serve [-p PORT] [-b ADDRESS] [DIR]\n"
    "                                      serve a directory, without a config\n"
    "       muxd -V                        print version and features\n"
    "       muxd -h                        print this\n"
    "Each but serve takes -c FILE; the default is " MUXD_CONF_FILE ".\n"
    "See muxd(8), muxd.conf(5) and muxd-routes(7).\n";

static int usage(void)
{
    fputs(usage_text, stdout);
    return EX_OK;
}

static int version(void)
{
#ifdef HAVE_SYSTEMD
    const char *systemd = "+systemd";
#else
    const char *systemd = "-systemd";
#endif
    printf("muxd %s\nfeatures: +http/1.1 %s", MUXD_VERSION, systemd);
    for (const char *const *name = codec_names; *name != NULL; name++)
        printf(" %c%s", codec_find(str_of(*name)) != NULL ? '+' : '-', *name);
    printf("\nconfig: %s\n", MUXD_CONF_FILE);
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

/* ---- the command line */

enum takes {
    TAKES_JSON = 1,
    TAKES_STRICT = 2,
    TAKES_FIELDS = 4,
    TAKES_LISTENER = 8,
    TAKES_RELOAD = 16,
    TAKES_FILE = 32,
    TAKES_ADDRESS = 64
};

static const struct command {
    const char *name;
    int (*run)(const struct arguments *args);
    unsigned takes;
    size_t min_words, max_words;
} commands[] = {
    { "check", command_check, TAKES_FILE | TAKES_JSON | TAKES_STRICT | TAKES_RELOAD, 0, 0 },
    { "config", command_config, TAKES_FILE, 0, 0 },
    { "diff", command_diff, TAKES_FILE, 1, 1 },
    { "explain", command_explain, TAKES_FILE | TAKES_JSON | TAKES_FIELDS | TAKES_LISTENER, 1, 2 },
    { "routes", command_routes, TAKES_FILE | TAKES_JSON, 0, 0 },
    { "serve", command_serve, TAKES_ADDRESS, 0, 1 },
};

static int wrong_but(const char *what, const char *which, const char *hint)
{
    fprintf(stderr, "muxd: %s: %s%s%s%s\nmuxd -h shows the usage\n", what, which,
            hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
    return EX_USAGE;
}

static int wrong(const char *what, const char *which)
{
    return wrong_but(what, which, NULL);
}

#define FILE_HINT "the file is named by -c"

/* For what no command or option is: words of other servers, or the name of a file. */
static const char *meant(const char *word)
{
    static const char *const habits[][2] = {
        { "-t", "did you mean muxd check?" },
        { "-T", "did you mean muxd config?" },
        { "-s", "systemctl reload muxd, or SIGHUP" },
        { "test", "did you mean muxd check?" },
        { "validate", "did you mean muxd check?" },
        { "reload", "systemctl reload muxd, or SIGHUP" },
    };
    for (size_t i = 0; i < array_len(habits); i++)
        if (strcmp(habits[i][0], word) == 0)
            return habits[i][1];
    return word[0] != '-' && strpbrk(word, "./") != NULL ? FILE_HINT : NULL;
}

/* What is taken apart so far. */
struct parse {
    int argc, at;
    char **argv;
    struct arguments args;
    const struct command *command;
    unsigned given; /* enum takes */
    bool no_more;   /* options: behind "--" */
};

/* The value of the option at argv[at], behind its name, "=", or in the next word. NULL: there is
 * none. */
static const char *value_of(struct parse *p, size_t name_len)
{
    const char *behind = p->argv[p->at] + name_len;

    if (name_len > 2 && *behind == '=')
        return behind + 1;
    if (*behind != '\0')
        return behind;
    return p->at + 1 < p->argc ? p->argv[++p->at] : NULL;
}

/* "-X..." with X, or the whole name. */
static bool is_option(const char *word, const char *name)
{
    size_t n = strlen(name);

    return strncmp(word, name, n) == 0 && (n == 2 || word[n] == '\0' || word[n] == '=');
}

/* EX_OK, or what main() returns. */
static int parse_option(struct parse *p)
{
    struct arguments *args = &p->args;
    const char *word = p->argv[p->at], *value;

    if (strcmp(word, "--json") == 0) {
        args->json = true;
        p->given |= TAKES_JSON;
        return EX_OK;
    }
    if (strcmp(word, "--reload") == 0) {
        args->reload = true;
        p->given |= TAKES_RELOAD;
        return EX_OK;
    }
    const char *name = is_option(word, "-c")           ? "-c"
                       : is_option(word, "-W")         ? "-W"
                       : is_option(word, "-H")         ? "-H"
                       : is_option(word, "-p")         ? "-p"
                       : is_option(word, "-b")         ? "-b"
                       : is_option(word, "--listener") ? "--listener"
                                                       : NULL;
    if (name == NULL)
        return wrong_but("unknown option", word, meant(word));
    value = value_of(p, strlen(name));
    if (value == NULL)
        return wrong("this option needs a value", name);
    if (name[1] == 'c') {
        args->file = value;
        p->given |= TAKES_FILE;
    } else if (name[1] == 'p') {
        args->port = value;
        p->given |= TAKES_ADDRESS;
    } else if (name[1] == 'b') {
        args->address = value;
        p->given |= TAKES_ADDRESS;
    } else if (name[1] == '-') {
        args->listener = value;
        p->given |= TAKES_LISTENER;
    } else if (name[1] == 'W') {
        if (strcmp(value, "error") != 0)
            return wrong("-W takes \"error\"", value);
        args->strict = true;
        p->given |= TAKES_STRICT;
    } else {
        if (args->n_fields == COMMAND_FIELDS_MAX)
            return wrong("too many fields", value);
        args->fields[args->n_fields++] = value;
        p->given |= TAKES_FIELDS;
    }
    return EX_OK;
}

static int parse_word(struct parse *p)
{
    const char *word = p->argv[p->at];

    if (p->command == NULL) {
        for (size_t i = 0; i < array_len(commands); i++)
            if (strcmp(commands[i].name, word) == 0)
                p->command = &commands[i];
        return p->command ? EX_OK : wrong_but("unknown command", word, meant(word));
    }
    if (p->args.n_words == p->command->max_words)
        return wrong_but("too many arguments", word,
                         (p->command->takes & (TAKES_FILE | TAKES_FIELDS)) == TAKES_FILE ? FILE_HINT
                                                                                         : NULL);
    p->args.words[p->args.n_words++] = word;
    return EX_OK;
}

int main(int argc, char **argv)
{
    struct parse p = { .argc = argc, .argv = argv, .args = { .file = MUXD_CONF_FILE } };
    int status = EX_OK;

    open_standard_streams();
    log_init(LOG_LEVEL_INFO);
    /* Options may stand before and after the command. */
    for (p.at = 1; p.at < argc && status == EX_OK; p.at++) {
        const char *word = argv[p.at];
        if (p.no_more || word[0] != '-' || word[1] == '\0')
            status = parse_word(&p);
        else if (strcmp(word, "--") == 0)
            p.no_more = true;
        else if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
            return printed(version());
        else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
            return printed(usage());
        else
            status = parse_option(&p);
    }
    if (status != EX_OK)
        return status;
    if (p.given & ~(p.command ? p.command->takes : (unsigned)TAKES_FILE))
        return wrong("an option is not for this command", p.command ? p.command->name : "muxd");
    if (p.command == NULL)
        return command_daemon(&p.args);
    if (p.args.n_words < p.command->min_words)
        return wrong("arguments are missing", p.command->name);
    return printed(p.command->run(&p.args));
}
