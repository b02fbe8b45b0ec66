/*
 * fake_conf.h - the options of a handler or filter kind without a config file: defaults from the
 * kind's table, members by name, then its check(), whose reports are kept as text. A wrong name is
 * a failed check(). One thread.
 */
#ifndef MUXD_TESTS_FAKE_CONF_H
#define MUXD_TESTS_FAKE_CONF_H

#include "base/buf.h"
#include "base/option.h"
#include "filter/filter.h"

struct fake_conf {
    struct option_check check; /* first: report() finds the rest from it; base is "/nowhere" */
    struct arena arena;
    void *shared;
    const struct option *options;
    void (*run_check)(struct option_check *c, void *conf);
    void *conf; /* the kind's struct, in the arena */
    unsigned errors, warnings;
    struct buf reports; /* "error: to: must begin ...\n" */
};

/* With the defaults, in a route without wildcards whose prefix is "/". */
void fake_conf_handler(struct fake_conf *c, const char *kind);
void fake_conf_filter(struct fake_conf *c, const char *kind);
/* Runs the clean-ups that check() registered. */
void fake_conf_done(struct fake_conf *c);

void fake_conf_str(struct fake_conf *c, const char *option, const char *value);
void fake_conf_bool(struct fake_conf *c, const char *option, bool value);
void fake_conf_int(struct fake_conf *c, const char *option, int64_t value);
void fake_conf_time(struct fake_conf *c, const char *option, int64_t ns);
/* As a config spells it. */
void fake_conf_enum(struct fake_conf *c, const char *option, const char *choice);
/* Values up to NULL. */
void fake_conf_strs(struct fake_conf *c, const char *option, ...) __attribute__((sentinel));

/* Runs the kind's check(); the errors in sum. */
unsigned fake_conf_check(struct fake_conf *c);
bool fake_conf_reported(const struct fake_conf *c, const char *text);

#endif
