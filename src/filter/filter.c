/* filter.c - the registry of filter kinds: what the linker put in the section. Constant data; any
 * thread. */
#include "filter/filter.h"

extern const struct filter_kind *const __start_muxd_filters[];
extern const struct filter_kind *const __stop_muxd_filters[];

const struct filter_kind *filter_at(size_t i)
{
    const struct filter_kind *last = NULL;

    for (;; i--) {
        const struct filter_kind *next = NULL;
        for (const struct filter_kind *const *k = __start_muxd_filters; k < __stop_muxd_filters;
             k++)
            if ((last == NULL || (*k)->order > last->order) &&
                (next == NULL || (*k)->order < next->order))
                next = *k;
        if (next == NULL || i == 0)
            return next;
        last = next;
    }
}

const struct filter_kind *filter_find(struct str name)
{
    for (const struct filter_kind *const *k = __start_muxd_filters; k < __stop_muxd_filters; k++)
        if (str_eq(str_of((*k)->name), name))
            return *k;
    return NULL;
}
