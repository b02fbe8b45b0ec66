/* path_fuzz.c - cleaning gives the normal form, and encoding it comes back to the same path. */
#include <stdlib.h>

#include "http/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static void look_at(struct str path)
{
    require(path.n > 0 && path.p[0] == '/' && memchr(path.p, '\0', path.n) == NULL);
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '%')
            require(path.n - i >= 3 &&
                    (memcmp(path.p + i, "%2F", 3) == 0 || memcmp(path.p + i, "%25", 3) == 0));
    struct str rest = str_from(path, 1);
    while (rest.p != NULL) {
        struct str segment = str_cut(&rest, '/');
        require(segment.n > 0 || rest.p == NULL);
        require(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
    }
}

static void look_at_encoded(struct str text)
{
    require(!str_starts(text, STR("//")) && !str_starts(text, STR("/\\")));
    for (size_t i = 0; i < text.n; i++)
        require(text.p[i] > ' ' && text.p[i] < 0x7f && !strchr("\"<>\\^`{|}?#[]", text.p[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    char *raw = malloc(size + !size), *out = malloc(size + 1);
    struct str path, file;
    bool cleaned;

    require(raw != NULL && out != NULL);
    if (size)
        memcpy(raw, data, size);
    arena_init(&arena, MIB(16));
    look_at_encoded(path_encode(&arena, str_make(raw, size)));
    if (path_to_file(&arena, str_make(raw, size), &file) == 0)
        require(strlen(file.p) == file.n && file.n <= size);
    if (path_clean(str_make(raw, size), out, &path, &cleaned) == 0) {
        require(path.n <= size + 1);
        look_at(path);
        struct str text = path_encode(&arena, path), again;
        look_at_encoded(text);
        char *back = malloc(text.n + 1);
        require(back != NULL);
        require(path_clean(text, back, &again, &cleaned) == 0);
        require(!cleaned && str_eq(again, path));
        free(back);
    }
    arena_done(&arena);
    free(out);
    free(raw);
    return 0;
}
