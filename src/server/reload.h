/*
 * reload.h - SIGHUP: the file is read and checked by a thread of its own, then changed to, or
 * nothing changes; or, with on_error = "keep", all but the sites of files with errors. The log says
 * which, and the service manager is told so on every way out.
 *
 * One load at a time. A second reload that is asked for meanwhile is done once the first is
 * through. A load that hangs, in a file system say, is given up after RELOAD_DEADLINE: its result
 * is thrown away whenever it comes, and until then further reloads are refused. One that computes,
 * as that of many routes on a busy machine, has RELOAD_MAX.
 *
 * The main thread, but for the loader's function.
 */
#ifndef MUXD_SERVER_RELOAD_H
#define MUXD_SERVER_RELOAD_H

#include <semaphore.h>

#include "server/change.h"

#define RELOAD_DEADLINE (2 * NSEC_PER_SEC)
#define RELOAD_MAX (30 * NSEC_PER_SEC)

struct reload {
    struct loop *loop; /* the main thread's */
    struct change *change;
    pthread_t thread;
    bool loading;     /* the thread runs, or its letter is on its way */
    bool given_up;    /* it took too long */
    bool again;       /* asked for meanwhile */
    bool stopping;    /* the daemon does */
    int64_t began;    /* of the load; clock_mono() */
    int64_t computed; /* CPU that the load had taken when the timer last ran out, ns */
    struct timer deadline;
    struct timer trim;    /* after a reload */
    struct letter loaded; /* loader -> main */
    sem_t ended;          /* by the loader, last of all */
    time_t served_since;  /* when the config that is served was loaded */
    char since[24];       /* that as text */
    unsigned errors;      /* in files of the config that is served; not 0: it set them aside */
    char status[900];     /* how it stands, in a sentence */

    /* The loader's, until `loaded` is delivered. */
    struct config *before; /* that is served; counted */
    struct config *config; /* what came of it, or NULL */
    struct accesslog *log; /* opened for it, if it wants another than `before`; or NULL */
    int log_error;         /* it could not be opened */
    struct report report;
    struct arena arena; /* of the report */
    int result;         /* of config_load() */
};

void reload_init(struct reload *r, struct loop *loop, struct change *change);
/* The first config is served. */
void reload_begin(struct reload *r);
/* HUP. */
void reload_ask(struct reload *r);
/* Once in a while. */
void reload_look(const struct reload *r);
/* All engines have switched. */
void reload_switched(struct reload *r);
/* The daemon stops: no reload begins, or is changed to, any more. */
void reload_stop(struct reload *r);
/* Waits for the loader's thread; its last letter is the loop's to deliver. false: it hangs. */
bool reload_end(struct reload *r, int64_t deadline);

#endif
