/*
 * libconfig.c - what libconfig alone takes for a file: milliseconds of CPU (user and kernel) of
 * config_read_string(), those of config_destroy(), and the process's peak of memory in KiB.
 */
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    const size_t max = 64u << 20;
    char *text = malloc(max + 1);
    struct rusage used;
    config_t config;

    if (file == NULL || text == NULL)
        return 1;
    text[fread(text, 1, max, file)] = '\0';
    config_init(&config);
    double begin = now();
    int ok = config_read_string(&config, text);
    double parsed = now();
    if (!ok) {
        fprintf(stderr, "line %d: %s\n", config_error_line(&config), config_error_text(&config));
        return 1;
    }
    config_destroy(&config);
    double destroyed = now();
    getrusage(RUSAGE_SELF, &used);
    printf("%.3f %.3f %ld\n", parsed - begin, destroyed - parsed, used.ru_maxrss);
    free(text);
    return 0;
}
