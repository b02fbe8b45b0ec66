/*
 * driver.c - runs a fuzz target over the files of a corpus, without a fuzzer: what was found once
 * is tried in every `make check`, with whatever compiler and sanitizer that has.
 *
 *   NAME_corpus FILE-OR-DIRECTORY...
 *
 * Each input runs in a child, so that one that aborts does not hide the next. One thread.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds for one input; far more than any needs, under the slowest sanitizer. */
#define INPUT_SECONDS 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A target may keep threads, for its next input to use or to join; here there is none. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "report_thread_leaks=0";
}

static unsigned passed, failed;

/* Exactly as large as the file, so that a sanitizer sees a read behind the end. NULL: errno. */
static uint8_t *read_whole(const char *path, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *data = NULL;
    struct stat st;
    size_t at = 0;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && (data = malloc(st.st_size ? (size_t)st.st_size : 1)) != NULL) {
        while (at < (size_t)st.st_size) {
            ssize_t r = read(fd, data + at, (size_t)st.st_size - at);
            if (r <= 0)
                break;
            at += (size_t)r;
        }
    }
    close(fd);
    *ret_n = at;
    return data;
}

static void run_file(const char *path)
{
    int status = -1;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        size_t n;
        uint8_t *data = read_whole(path, &n);
        if (data == NULL) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
            _exit(1);
        }
        alarm(INPUT_SECONDS);
        LLVMFuzzerTestOneInput(data, n);
        free(data);
        exit(0); /* not _exit(): leaks are looked for at exit */
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
        passed++;
        return;
    }
    failed++;
    printf("%s: wait status 0x%x\n", path, (unsigned)status);
}

/* Regular files, in directories of any depth. */
static void run(const char *path)
{
    struct dirent **names;
    struct stat st;
    char *below;
    int n;

    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.' && asprintf(&below, "%s/%s", path, names[i]->d_name) >= 0) {
            run(below);
            free(below);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run(argv[i]);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
