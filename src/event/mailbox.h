/*
 * mailbox.h - how any thread tells a loop something: a multi-producer queue and an eventfd.
 * Letters are embedded in what they are about; posting neither allocates nor locks, and only
 * the letter that finds the box empty writes to the eventfd, none while the owner is awake
 * (mailbox_attend). Letters of one sender arrive in order. A letter in a box must stay alive until
 * delivered; it may be posted again from its own delivery on. Letters posted while another
 * delivery runs are delivered in the next turn.
 *
 * The eventfd is never read: watch it edge-triggered, each write is an edge.
 *
 * mailbox_post(), mailbox_wake(): any thread. Everything else: the loop's thread.
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
    bool attended; /* the owner's */
};

int mailbox_init(struct mailbox *mb) MUST_USE; /* 0 or -errno */
void mailbox_done(struct mailbox *mb);         /* must be empty */
void mailbox_post(struct mailbox *mb, struct letter *l);
/* Delivers what is there now, oldest first; returns how many. */
unsigned mailbox_deliver(struct mailbox *mb);

/* The owner is awake: until mailbox_leave(), posts write nothing to the eventfd. */
void mailbox_attend(struct mailbox *mb);
/* Before the owner waits. false: letters are there, it must not wait but deliver. */
bool mailbox_leave(struct mailbox *mb);
/* Wakes the owner without a letter. */
void mailbox_wake(struct mailbox *mb);

#endif
