/*
 * muxd-doc.c - prints what the option tables say, for the manual and the sample config.
 *
 *   muxd-doc FRAME   FRAME on standard output, with each line that is only
 *       @mdoc NAME@  replaced by the options of a section, in the language of mdoc(7); NAME is
 *                    that of a section, "top", "handlers" or "filters"
 *       @conf@       replaced by all sections, handlers and filters as a config in comments
 *   muxd-doc -l      one line an option: what it belongs to, and its name
 *
 * Linked with all objects, so whatever registers itself is here without being named. Exit status 1
 * if the frame cannot be read or asks for what does not exist. One thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "filter/filter.h"
#include "handler/handler.h"

#define CONF_WIDTH 78

/* ---- one option, in words */

static bool is_required(const struct option *o)
{
    return o->def == REQUIRED;
}

static void print_quoted(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        fputc(*s, out);
    }
    fputc('"', out);
}

static void print_list(FILE *out, const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (i > 0)
            fputs(choices[i + 1] ? ", " : " or ", out);
        print_quoted(out, choices[i]);
    }
}

static const char *type_name(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        return "boolean";
    case OPTION_INT:
        return "integer";
    case OPTION_STR:
        return "string";
    case OPTION_TIME:
        return "time";
    case OPTION_SIZE:
        return "size";
    case OPTION_ENUM:
        return "choice";
    case OPTION_STRS:
        return "strings";
    }
    return "?";
}

static bool has_default(const struct option *o)
{
    return o->type == OPTION_BOOL || o->type == OPTION_INT || (o->def != NULL && !is_required(o));
}

/* The default as a config spells it. Without one: "..." where a string must be put in, the empty
 * array. */
static void print_default(FILE *out, const struct option *o)
{
    if (o->type == OPTION_BOOL)
        fputs(o->def_int ? "true" : "false", out);
    else if (o->type == OPTION_INT)
        fprintf(out, "%lld", (long long)o->def_int);
    else if (o->type != OPTION_STRS)
        print_quoted(out, has_default(o) ? o->def : "...");
    else if (!has_default(o))
        fputs("[ ]", out);
    else {
        fputs("[ ", out);
        for (const char *word = o->def; word != NULL;) {
            const char *end = strchr(word, ' ');
            char *one = strndup(word, end ? (size_t)(end - word) : strlen(word));
            print_quoted(out, one);
            free(one);
            fputs(end ? ", " : " ]", out);
            word = end ? end + 1 : NULL;
        }
    }
}

/* Minimum and maximum in the unit of the type; false when there is no range worth telling. */
static bool range_texts(const struct option *o, char *min, char *max, size_t n)
{
    switch (o->type) {
    case OPTION_INT:
        snprintf(min, n, "%lld", (long long)o->min);
        snprintf(max, n, "%lld", (long long)o->max);
        return (o->min != 0 || o->max != 0) && (o->min != INT64_MIN || o->max != INT64_MAX);
    case OPTION_TIME:
        str_duration_text(o->min, min);
        str_duration_text(o->max, max);
        return true;
    case OPTION_SIZE:
        str_size_text(o->min, min);
        str_size_text(o->max, max);
        return o->min > 0 || o->max != INT64_MAX;
    default:
        return false;
    }
}

/* Type, range, default; as sentences. */
static void print_facts(FILE *out, const struct option *o)
{
    char min[32], max[32];

    switch (o->type) {
    case OPTION_ENUM:
        print_list(out, o->choices);
        break;
    case OPTION_BOOL:
        fputs("True or false", out);
        break;
    case OPTION_STRS:
        fputs("A string or an array of strings", out);
        break;
    default:
        fprintf(out, "%s %s", o->type == OPTION_INT ? "An" : "A", type_name(o->type));
    }
    if (range_texts(o, min, max, sizeof min)) {
        if (o->max == INT64_MAX)
            fprintf(out, " of at least %s", min);
        else
            fprintf(out, " from %s to %s", min, max);
    }
    if (is_required(o)) {
        fputs("; required.", out);
        return;
    }
    if (!has_default(o)) {
        fputs("; optional.", out);
        return;
    }
    fputs("; the default is ", out);
    print_default(out, o);
    fputc('.', out);
}

/* ---- as mdoc */

/* Plain text as lines of mdoc: nothing in it is a request or an escape, a sentence begins a line.
 */
static void mdoc_text(const char *s)
{
    bool line_begins = true;

    for (; *s; s++) {
        if (line_begins && (*s == '.' || *s == '\''))
            fputs("\\&", stdout);
        line_begins = false;
        if (*s == '\\')
            fputs("\\e", stdout);
        else if (*s == '-')
            fputs("\\-", stdout);
        else if (*s == '~')
            fputs("\\(ti", stdout);
        else if (*s == '^')
            fputs("\\(ha", stdout);
        else if (*s == '.' && s[1] == ' ' && s[2] >= 'A' && s[2] <= 'Z') {
            fputs(".\n", stdout);
            line_begins = true;
            s++;
        } else
            fputc(*s, stdout);
    }
    fputc('\n', stdout);
}

static void mdoc_facts(const struct option *o)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (out == NULL || (print_facts(out, o), fclose(out)) != 0) {
        perror("muxd-doc");
        exit(1);
    }
    mdoc_text(text);
    free(text);
}

/* `about` may be NULL: what the option is part of. */
static void mdoc_option(const struct option *o, const char *about)
{
    printf(".It Ic %s No = Ar %s\n", o->name, type_name(o->type));
    if (about != NULL)
        mdoc_text(about);
    mdoc_text(o->about);
    mdoc_facts(o);
}

static void mdoc_options(const struct option *table)
{
    if (table == NULL || table->name == NULL)
        return;
    puts(".Bl -tag -width Ds");
    for (const struct option *o = table; o->name != NULL; o++)
        mdoc_option(o, NULL);
    puts(".El");
}

static void mdoc_kind(const char *name, const char *about, const struct option *options)
{
    printf(".It Ic %s\n", name);
    mdoc_text(about);
    mdoc_options(options);
}

static bool mdoc(const char *name)
{
    if (strcmp(name, "handlers") == 0) {
        const struct handler_kind *kind;
        puts(".Bl -tag -width Ds");
        for (size_t i = 0; (kind = handler_at(i)) != NULL; i++)
            mdoc_kind(kind->name, kind->about, kind->options);
        puts(".El");
        return true;
    }
    if (strcmp(name, "filters") == 0) {
        const struct filter_kind *kind;
        puts(".Bl -tag -width Ds");
        for (size_t i = 0; (kind = filter_at(i)) != NULL; i++) {
            if (kind->plain)
                mdoc_option(kind->options, kind->about);
            else
                mdoc_kind(kind->name, kind->about, kind->options);
        }
        puts(".El");
        return true;
    }
    for (const struct config_section *s = config_sections; s->name != NULL; s++)
        if (strcmp(name, s->name[0] ? s->name : "top") == 0) {
            if (s->name[0])
                mdoc_text(s->about);
            mdoc_options(s->options);
            return true;
        }
    return false;
}

/* ---- as a config in comments */

/* A comment `indent` columns in, in lines of CONF_WIDTH, within the comment that all of it is: what
 * stands behind the first column can be taken over as it is. */
static void conf_text(int indent, const char *s)
{
    int at = printf("#%*s#", indent, "");

    while (*s) {
        int word = (int)strcspn(s, " \n");
        if (at + 1 + word > CONF_WIDTH)
            at = printf("\n#%*s#", indent, "") - 1;
        at += printf(" %.*s", word, s);
        s += word;
        s += strspn(s, " \n");
    }
    putchar('\n');
}

/* `about` may be NULL: what the option is part of. */
static void conf_option(int indent, const struct option *o, const char *about)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (out == NULL) {
        perror("muxd-doc");
        exit(1);
    }
    fprintf(out, "%s%s%s ", about ? about : "", about ? " " : "", o->about);
    print_facts(out, o);
    if (fclose(out) != 0) {
        perror("muxd-doc");
        exit(1);
    }
    conf_text(indent, text);
    free(text);
    /* Optional without a default: not to be taken as it stands. */
    bool hint = (o->type != OPTION_STRS || about) && !has_default(o) && !is_required(o);
    printf("#%*s%s%s = ", indent, "", hint ? "# " : "", o->name);
    print_default(stdout, o);
    puts(";");
}

static void conf_options(int indent, const struct option *table)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        conf_option(indent, o, NULL);
}

static void conf_kind(const char *name, const char *about, const struct option *options)
{
    puts("#");
    conf_text(9, about);
    printf("#         %s: {\n", name);
    conf_options(13, options);
    puts("#         }");
}

static void conf_filter(const struct filter_kind *filter)
{
    if (!filter->plain) {
        conf_kind(filter->name, filter->about, filter->options);
        return;
    }
    puts("#");
    conf_option(9, filter->options, filter->about);
}

static void conf(void)
{
    const struct handler_kind *handler;
    const struct filter_kind *filter;

    for (const struct config_section *s = config_sections; s->name != NULL; s++) {
        puts("#");
        conf_text(1, s->about);
        if (s->name[0] == '\0') {
            conf_options(1, s->options);
            continue;
        }
        printf("# %s: {\n", s->name);
        if (s->named)
            puts("#     name: {");
        conf_options(s->named ? 9 : 5, s->options);
        if (s->options == route_options) {
            puts("#\n#         # One handler of these:");
            for (size_t i = 0; (handler = handler_at(i)) != NULL; i++)
                conf_kind(handler->name, handler->about, handler->options);
            puts("#\n#         # Any filters of these, also in a site for all of its routes:");
            for (size_t i = 0; (filter = filter_at(i)) != NULL; i++)
                conf_filter(filter);
        }
        if (s->options == site_options)
            puts("#         routes: { }  # as above");
        puts(s->named ? "#     }\n# }" : "# }");
    }
}

/* ---- the frame, the list */

static void list_options(const char *what, const char *name, const struct option *table)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        printf("%s %s %s\n", what, name, o->name);
}

static void list(void)
{
    const struct handler_kind *handler;
    const struct filter_kind *filter;

    for (const struct config_section *s = config_sections; s->name != NULL; s++)
        list_options("section", s->name[0] ? s->name : "top", s->options);
    for (size_t i = 0; (handler = handler_at(i)) != NULL; i++) {
        printf("handler %s\n", handler->name);
        list_options("handler", handler->name, handler->options);
    }
    for (size_t i = 0; (filter = filter_at(i)) != NULL; i++) {
        printf("filter %s\n", filter->name);
        list_options("filter", filter->name, filter->options);
    }
}

static int fill(const char *frame)
{
    FILE *in = fopen(frame, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    unsigned number = 0;
    int status = 0;

    if (in == NULL) {
        fprintf(stderr, "muxd-doc: %s: %s\n", frame, strerror(errno));
        return 1;
    }
    while (status == 0 && (n = getline(&line, &cap, in)) > 0) {
        char name[32];
        int end = 0;

        number++;
        if (line[0] != '@')
            fwrite(line, 1, (size_t)n, stdout);
        else if (strcmp(line, "@conf@\n") == 0)
            conf();
        else if (sscanf(line, "@mdoc %31[a-z_]@\n%n", name, &end) != 1 || end != n || !mdoc(name)) {
            fprintf(stderr, "%s:%u: there is no %s", frame, number, line);
            status = 1;
        }
    }
    if (ferror(in) || fflush(stdout) != 0) {
        fprintf(stderr, "muxd-doc: %s: %s\n", frame, strerror(errno));
        status = 1;
    }
    free(line);
    fclose(in);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: muxd-doc FRAME | -l\n", stderr);
        return 64;
    }
    if (strcmp(argv[1], "-l") == 0) {
        list();
        return 0;
    }
    return fill(argv[1]);
}
