/*
 * path_fuzz.c - the cleaning of paths against a reference that decodes all and then keeps a stack
 * of segments. What it gives has the normal form, is its own normal form, and is written and read
 * back the same; what goes to a file name comes back from it.
 */
#include <stdlib.h>

#include "http/path.h"
#include "tests/support/server/require.h"

#define SEGMENTS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the reference */

struct normal {
    char *bytes;
    size_t n;
    bool ok, cleaned;
};

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;

    return at == NULL || (c >= 0x10 && c <= 0x19) ? -1 : (int)(at - digits);
}

/* RFC 3986 section 3.3, and what browsers send as it is (chars.h). */
static bool stands_for_itself(char c)
{
    return c > ' ' && c < 0x7f && strchr("%/?#\"<>\\", c) == NULL;
}

/* One segment as sent, decoded to `out`; what it is in the normal form: the bytes themselves, but
 * "%2F" and "%25". false: malformed. */
static bool decode(struct str s, char *out, size_t *ret_n)
{
    size_t n = 0;

    while (s.n > 0) {
        size_t taken = 1;
        char c = s.p[0];
        if (c == '%') {
            taken = 3;
            if (s.n < 3 || hex(s.p[1]) < 0 || hex(s.p[2]) < 0)
                return false;
            c = (char)(hex(s.p[1]) * 16 + hex(s.p[2]));
            if (c == '\0')
                return false;
        } else if (!stands_for_itself(c)) {
            return false;
        }
        if (c == '/' || c == '%') {
            memcpy(out + n, c == '/' ? "%2F" : "%25", 3);
            n += 3;
        } else {
            out[n++] = c;
        }
        s = str_from(s, taken);
    }
    *ret_n = n;
    return true;
}

static void push(struct str *stack, size_t *depth, struct str segment, bool last,
                 struct normal *ret)
{
    bool dots = str_eq(segment, STR("."));

    if (str_eq(segment, STR(".."))) {
        *depth -= *depth > 0;
        dots = true;
    }
    ret->cleaned |= dots || (segment.n == 0 && !last);
    if (dots && last)
        segment = STR_EMPTY; /* the slash before it stays */
    else if (dots || (segment.n == 0 && !last))
        return;
    stack[(*depth)++] = segment;
}

/* `bytes` has room for twice as much. */
static struct normal reference(struct str raw, char *bytes, char *scratch)
{
    static struct str stack[SEGMENTS_MAX];
    struct normal ret = { .bytes = bytes, .ok = false };
    size_t depth = 0, used = 0;

    if (raw.n == 0)
        raw = STR("/");
    if (raw.p[0] != '/')
        return ret;
    struct str rest = str_from(raw, 1);
    if (rest.p == NULL)
        rest = STR("");
    do {
        size_t n, slash = str_chr(rest, '/');
        if (!decode(str_head(rest, slash), scratch + used, &n))
            return ret;
        push(stack, &depth, str_make(scratch + used, n), slash == rest.n, &ret);
        used += n;
        if (slash == rest.n)
            break;
        rest = str_from(rest, slash + 1);
    } while (true);
    for (size_t i = 0; i < depth; i++) {
        bytes[ret.n++] = '/';
        if (stack[i].n > 0)
            memcpy(bytes + ret.n, stack[i].p, stack[i].n);
        ret.n += stack[i].n;
    }
    ret.ok = true;
    return ret;
}

/* ---- what is promised */

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

/* A file name is the path but for "%25"; it has neither an escape for a slash nor a NUL. */
static void look_at_file(struct arena *arena, struct str path)
{
    struct str file;
    size_t at = 0;

    if (path_to_file(arena, path, &file) < 0)
        return;
    require(strlen(file.p) == file.n && file.n <= path.n);
    for (size_t i = 0; i < file.n; i++) {
        require(at < path.n && path.p[at] == file.p[i]);
        if (file.p[i] != '%') {
            at++;
            continue;
        }
        require(str_starts(str_from(path, at), STR("%25")));
        at += 3;
    }
    require(at == path.n);
}

static void round_trip(struct arena *arena, struct str path)
{
    struct str text = path_encode(arena, path), again;
    char *back = malloc(text.n + 1);
    bool cleaned;

    look_at_encoded(text);
    require(back != NULL);
    require(path_clean(text, back, &again, &cleaned) == 0);
    require(!cleaned && str_eq(again, path));
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str path;
    bool cleaned;

    if (size >= SEGMENTS_MAX)
        return 0;
    char *raw = malloc(size + !size), *out = malloc(size + 1);
    char *bytes = malloc(2 * size + 2), *scratch = malloc(size + 1);
    require(raw != NULL && out != NULL && bytes != NULL && scratch != NULL);
    if (size)
        memcpy(raw, data, size);
    arena_init(&arena, MIB(16));
    look_at_encoded(path_encode(&arena, str_make(raw, size)));
    look_at_file(&arena, str_make(raw, size));
    struct normal want = reference(str_make(raw, size), bytes, scratch);
    require((path_clean(str_make(raw, size), out, &path, &cleaned) == 0) == want.ok);
    if (want.ok) {
        require(path.n <= size + 1 && cleaned == want.cleaned);
        require(str_eq(path, str_make(want.bytes, want.n)));
        look_at(path);
        look_at_file(&arena, path);
        round_trip(&arena, path);
    }
    arena_done(&arena);
    free(scratch);
    free(bytes);
    free(out);
    free(raw);
    return 0;
}
