/*
 * libconfig.c - what libconfig alone takes for files, each read, parsed and given back in turn: the
 * milliseconds of CPU (user and kernel) of all config_read_string(), and of all config_destroy().
 */
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_MAX (64u << 20)

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    char *text = malloc(FILE_MAX + 1);
    double parse = 0, destroy = 0;

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        config_t config;
        if (file == NULL || text == NULL)
            return 1;
        text[fread(text, 1, FILE_MAX, file)] = '\0';
        fclose(file);
        config_init(&config);
        double begin = now();
        int ok = config_read_string(&config, text);
        double parsed = now();
        if (!ok) {
            fprintf(stderr, "line %d: %s\n", config_error_line(&config),
                    config_error_text(&config));
            return 1;
        }
        config_destroy(&config);
        parse += parsed - begin;
        destroy += now() - parsed;
    }
    printf("%.3f %.3f\n", parse, destroy);
    free(text);
    return 0;
}
