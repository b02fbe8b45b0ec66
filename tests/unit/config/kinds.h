/*
 * kinds.h - a handler kind and two filter kinds for the tests of config/, so that they depend on no
 * real one. Included once in a program.
 */
#ifndef TESTS_UNIT_CONFIG_KINDS_H
#define TESTS_UNIT_CONFIG_KINDS_H

#include <stdlib.h>

#include "config/config.h"

struct greet {
    struct str to, file, path;
    int64_t times, style, delay, size;
    bool loud;
    struct strs words;
    struct str prefix; /* set by check() */
};

static const char *const greet_styles[] = { "plain", "polite", "warm", NULL };
static const struct option greet_options[] = {
    OPT_STR(struct greet, to, "to", REQUIRED, "Whom."),
    OPT_STR(struct greet, file, "file", NULL, "A path."),
    OPT_INT(struct greet, times, "times", 1, 1, 100, "How often."),
    OPT_ENUM(struct greet, style, "style", "polite", greet_styles, "How."),
    OPT_TIME(struct greet, delay, "delay", "1s", NSEC_PER_MSEC, 3600 * NSEC_PER_SEC, "When."),
    OPT_SIZE(struct greet, size, "size", "1K", 1, 1 << 20, "How much."),
    OPT_BOOL(struct greet, loud, "loud", false, "Whether."),
    OPT_STRS(struct greet, words, "words", "hello", "What."),
    OPT_END
};

static int greet_alive; /* structs whose clean-up has not run */

static void greet_gone(void *arg UNUSED)
{
    greet_alive--;
}

static void greet_check(struct option_check *c, void *conf)
{
    struct greet *g = conf;

    if (arena_on_reset(c->arena, greet_gone, g) == 0)
        greet_alive++;
    g->prefix = arena_str(c->arena, c->prefix);
    if (g->file.p != NULL)
        g->path = option_path(c, g->file);
    if (str_eq(g->to, STR("nobody")))
        option_error(c, "to", "nobody cannot be greeted");
    if (g->times == 100)
        option_warning(c, "times", "that is a lot");
    if (str_eq(g->to, STR("void")))
        option_error(c, NULL, "the void does not listen");
}

HANDLER_KIND(greet, .size = sizeof(struct greet), .options = greet_options, .check = greet_check,
             .about = "Greets.");
HANDLER_KIND(mute, .size = 0, .about = "Says nothing.");

struct stamp {
    struct str ink;
};
static const struct option stamp_options[] = { OPT_STR(struct stamp, ink, "ink", "blue", "Colour."),
                                               OPT_END };
FILTER_KIND(stamp, .order = 900002, .size = sizeof(struct stamp), .options = stamp_options,
            .about = "Stamps.");
FILTER_KIND(fold, .order = 900001, .size = sizeof(struct stamp), .options = stamp_options,
            .about = "Folds.");

#endif
