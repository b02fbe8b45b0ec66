/*
 * command.h - the commands of muxd(8): what they share. Each is one file and a row in main.c's
 * table. They print to standard output, errors to standard error, and return an exit status of
 * sysexits.h. All but `serve` look at a config without serving it. One thread, that of main().
 */
#ifndef MUXD_COMMAND_COMMAND_H
#define MUXD_COMMAND_COMMAND_H

#include "config/config.h"

#define COMMAND_FIELDS_MAX 100
#define COMMAND_WORDS_MAX 2

/* The command line, as main.c took it apart. */
struct arguments {
    const char *file; /* -c */
    bool json;        /* --json */
    bool strict;      /* -W error */
    bool reload;      /* --reload */
    const char *listener;
    const char *port, *address;             /* -p, -b */
    const char *fields[COMMAND_FIELDS_MAX]; /* -H, as given */
    size_t n_fields;
    const char *words[COMMAND_WORDS_MAX]; /* what is no option, behind the command */
    size_t n_words;
};

/* muxd without a command: serves the config. */
int command_daemon(const struct arguments *args);
int command_check(const struct arguments *args);
int command_config(const struct arguments *args);
int command_diff(const struct arguments *args);
int command_explain(const struct arguments *args);
int command_routes(const struct arguments *args);
int command_serve(const struct arguments *args);

/* A config with what is known about it, for as long as the command looks at it. */
struct subject {
    struct arena arena;   /* of the report and the origins */
    struct arena scratch; /* of what is printed; whoever has printed may reset it */
    struct report report;
    struct origins origins;
    struct config *config; /* NULL: it did not load */
    struct str dir;        /* of its main file, with the slash; may be empty */
};

enum subject_flags {
    SUBJECT_WARN = 1,    /* warnings are shown although it loads */
    SUBJECT_STRICT = 2,  /* they are errors */
    SUBJECT_SILENT = 4,  /* nothing is shown */
    SUBJECT_ORIGINS = 8, /* it is noted where each value was given */
    SUBJECT_RELOAD = 16, /* as a reload loads it: on_error = "keep" counts */
};

/* Loads, and shows what is wrong. EX_OK, EX_CONFIG or EX_OSERR; then subject_done() in any case. */
int subject_load(struct subject *s, const char *file, unsigned flags);
void subject_done(struct subject *s);

/* "sites.d/shop.conf:12", without the directory of the main file; in s->scratch. */
struct str subject_place(struct subject *s, struct place p);
/* That of what gave the option to the struct, or "default". */
struct str subject_origin(struct subject *s, const void *owner, const struct option *option);
/* The value as it would stand in the main file; one that `from` (or NULL) gave is of that file,
 * where relative paths begin. Likewise. */
struct str subject_value(struct subject *s, const struct option *o, const void *own,
                         const struct place *from);
struct conf_listener *subject_listener(const struct subject *s, struct str name);

#endif
