/*
 * mailbox.h - how any thread tells a loop something: a multi-producer queue and an eventfd.
 * Letters are embedded in what they are about; posting neither allocates nor locks, and only
 * the letter that finds the box empty writes to the eventfd. Letters of one sender arrive in
 * order. A letter in a box must stay alive until delivered; it may be posted again from its
 * own delivery on. Letters posted while another delivery runs are delivered in the next turn.
 *
 * mailbox_post(): any thread. Everything else: the loop's thread.
 */
#ifndef MUXD_EVENT_MAILBOX_H
#define MUXD_EVENT_MAILBOX_H

#include <stdatomic.h>

#include "base/def.h"

struct letter {
    struct letter *next;               /* the box's */
    void (*deliver)(struct letter *l); /* on the loop that owns the box */
};

struct mailbox {
    _Atomic(struct letter *)
        stack; /* newest first; pushed by any thread, taken whole by the owner */
    int eventfd;
};

int mailbox_init(struct mailbox *mb) MUST_USE; /* 0 or -errno */
void mailbox_done(struct mailbox *mb);         /* must be empty */
void mailbox_post(struct mailbox *mb, struct letter *l);
/* Delivers what is there now, oldest first; returns how many. */
unsigned mailbox_deliver(struct mailbox *mb);

#endif
