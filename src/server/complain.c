/* complain.c - see complain.h. Any thread. */
#include "server/complain.h"

#include <stdio.h>

#include "base/log.h"

#define RECORDS_MAX 100 /* of one config */

static void complain(const struct report_item *item, struct arena *arena)
{
    struct str text = report_text(item, false, arena);

    if (text.n > 0)
        text.n--; /* the newline */
    log_plain(item->error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%.*s", str_fmt(text));
}

void complain_report(struct report *report)
{
    unsigned shown = 0, left = report->errors + report->warnings;

    report_sort(report);
    list_each (item, &report->items, struct report_item, node) {
        if (shown == RECORDS_MAX)
            break;
        complain(item, report->arena);
        shown++;
    }
    if (left > shown)
        log_warning("and %u more, which `muxd check` shows", left - shown);
}

void complain_at(const struct place *p, const char *fmt, ...)
{
    struct arena arena;
    struct report report;
    va_list ap;

    arena_init(&arena, COMPLAIN_MEMORY);
    report_init(&report, &arena);
    va_start(ap, fmt);
    report_vadd(&report, true, *p, STR_EMPTY, fmt, ap);
    va_end(ap);
    complain_report(&report);
    arena_done(&arena);
}

const char *complain_sum(unsigned errors, unsigned warnings, char *buf)
{
    snprintf(buf, COMPLAIN_SUM_MAX, "%u error%s, %u warning%s", errors, str_plural(errors),
             warnings, str_plural(warnings));
    return buf;
}
