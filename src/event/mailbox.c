/*
 * mailbox.c - see mailbox.h. Senders push onto a stack with one compare-and-swap, the owner takes
 * all of it with one exchange and turns it round; nobody pops a single letter, so there is no ABA.
 *
 * What an empty box holds says who wakes whom: NULL, and the sender that replaces it writes to the
 * eventfd; or `awake`, while the owner attends and will look again before it waits. Either ends the
 * stack.
 */
#include "event/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

static struct letter awake; /* for its address */

int mailbox_init(struct mailbox *mb)
{
    atomic_init(&mb->stack, NULL);
    mb->attended = false;
    mb->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return mb->eventfd < 0 ? -errno : 0;
}

static bool is_end(const struct letter *l)
{
    return l == NULL || l == &awake;
}

void mailbox_done(struct mailbox *mb)
{
    if (mb == NULL)
        return;
    check(is_end(atomic_load_explicit(&mb->stack, memory_order_relaxed)));
    close(mb->eventfd);
    mb->eventfd = -1;
}

void mailbox_wake(struct mailbox *mb)
{
    const uint64_t one = 1;

    /* Fails only after 2^64 wake-ups. */
    check(write(mb->eventfd, &one, sizeof one) == sizeof one);
}

void mailbox_post(struct mailbox *mb, struct letter *l)
{
    struct letter *top = atomic_load_explicit(&mb->stack, memory_order_relaxed);

    do {
        l->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&mb->stack, &top, l, memory_order_release,
                                                    memory_order_relaxed));
    /* From here on the letter may be delivered and gone. */
    if (top == NULL)
        mailbox_wake(mb);
}

unsigned mailbox_deliver(struct mailbox *mb)
{
    struct letter *empty = mb->attended ? &awake : NULL;
    struct letter *newest, *oldest = NULL;
    unsigned n = 0;

    if (atomic_load_explicit(&mb->stack, memory_order_relaxed) == empty)
        return 0;
    newest = atomic_exchange_explicit(&mb->stack, empty, memory_order_acquire);
    while (!is_end(newest)) {
        struct letter *older = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    for (struct letter *next; oldest != NULL; oldest = next, n++) {
        next = oldest->next;
        oldest->deliver(oldest);
    }
    return n;
}

void mailbox_attend(struct mailbox *mb)
{
    mb->attended = true; /* the next delivery leaves `awake` */
}

bool mailbox_leave(struct mailbox *mb)
{
    struct letter *top = &awake;

    mb->attended = false;
    return atomic_compare_exchange_strong_explicit(&mb->stack, &top, NULL, memory_order_relaxed,
                                                   memory_order_relaxed) ||
           top == NULL;
}
