/* handler.c - the registry of handler kinds: what the linker put in the section. Constant data;
 * any thread. */
#include "handler/handler.h"

extern const struct handler_kind *const __start_muxd_handlers[];
extern const struct handler_kind *const __stop_muxd_handlers[];

/* The section is in link order; walking by name costs n^2 of a dozen and keeps no state. */
const struct handler_kind *handler_at(size_t i)
{
    const struct handler_kind *last = NULL;

    for (;; i--) {
        const struct handler_kind *next = NULL;
        for (const struct handler_kind *const *k = __start_muxd_handlers; k < __stop_muxd_handlers;
             k++)
            if ((last == NULL || strcmp((*k)->name, last->name) > 0) &&
                (next == NULL || strcmp((*k)->name, next->name) < 0))
                next = *k;
        if (next == NULL || i == 0)
            return next;
        last = next;
    }
}

const struct handler_kind *handler_find(struct str name)
{
    for (const struct handler_kind *const *k = __start_muxd_handlers; k < __stop_muxd_handlers; k++)
        if (str_eq(str_of((*k)->name), name))
            return *k;
    return NULL;
}
