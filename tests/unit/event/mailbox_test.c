/* mailbox_test.c - order, wake-ups, and many senders. */
#include "event/mailbox.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/def.h"

struct note {
    struct letter letter;
    struct mailbox *again; /* posts itself once more */
    unsigned sender, number;
};

static unsigned delivered[1000], n_delivered;

static void record(struct letter *l)
{
    struct note *note = container_of(l, struct note, letter);

    delivered[n_delivered++ % array_len(delivered)] = note->number;
    if (note->again != NULL) {
        struct mailbox *mb = note->again;

        note->again = NULL;
        mailbox_post(mb, l);
    }
}

/* How often the eventfd was written to since the last call. */
static uint64_t wakes(const struct mailbox *mb)
{
    uint64_t n;

    return read(mb->eventfd, &n, sizeof n) == sizeof n ? n : 0;
}

START_TEST(in_order_and_one_wake)
{
    struct mailbox mb;
    struct note notes[3];

    ck_assert_int_eq(mailbox_init(&mb), 0);
    ck_assert_uint_eq(mailbox_deliver(&mb), 0);
    for (unsigned i = 0; i < 3; i++) {
        notes[i] = (struct note){ .letter.deliver = record, .number = i };
        mailbox_post(&mb, &notes[i].letter);
    }
    ck_assert_uint_eq(wakes(&mb), 1);
    ck_assert_uint_eq(mailbox_deliver(&mb), 3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(delivered[i], i);
    ck_assert_uint_eq(mailbox_deliver(&mb), 0);
    mailbox_post(&mb, &notes[1].letter);
    ck_assert_uint_eq(wakes(&mb), 1);
    ck_assert_uint_eq(mailbox_deliver(&mb), 1);
    mailbox_done(&mb);
    mailbox_done(NULL);
}
END_TEST

START_TEST(posted_by_its_own_delivery)
{
    struct mailbox mb;
    struct note note = { .letter.deliver = record, .again = &mb };

    ck_assert_int_eq(mailbox_init(&mb), 0);
    mailbox_post(&mb, &note.letter);
    ck_assert_uint_eq(wakes(&mb), 1);
    ck_assert_uint_eq(mailbox_deliver(&mb), 1); /* not the second */
    ck_assert_uint_eq(wakes(&mb), 1);
    ck_assert_uint_eq(mailbox_deliver(&mb), 1);
    ck_assert_uint_eq(n_delivered, 2);
    mailbox_done(&mb);
}
END_TEST

START_TEST(attended_costs_no_wake)
{
    struct mailbox mb;
    struct note a = { .letter.deliver = record }, b = a;

    ck_assert_int_eq(mailbox_init(&mb), 0);
    mailbox_attend(&mb);
    ck_assert(mailbox_leave(&mb)); /* no delivery in between */
    mailbox_attend(&mb);
    ck_assert_uint_eq(mailbox_deliver(&mb), 0);
    mailbox_post(&mb, &a.letter);
    ck_assert_uint_eq(wakes(&mb), 0);
    ck_assert(!mailbox_leave(&mb));
    mailbox_attend(&mb);
    mailbox_post(&mb, &b.letter);
    ck_assert_uint_eq(mailbox_deliver(&mb), 2);
    ck_assert_uint_eq(wakes(&mb), 0);
    ck_assert(mailbox_leave(&mb));
    mailbox_post(&mb, &a.letter);
    ck_assert_uint_eq(wakes(&mb), 1);
    ck_assert(!mailbox_leave(&mb));
    ck_assert_uint_eq(mailbox_deliver(&mb), 1);
    mailbox_wake(&mb);
    ck_assert_uint_eq(wakes(&mb), 1);
    mailbox_attend(&mb);
    mailbox_deliver(&mb);
    mailbox_done(&mb); /* attended and empty */
}
END_TEST

enum { SENDERS = 4, EACH = 20000 };

static struct mailbox shared_box;
static struct note *all[SENDERS];
static unsigned next_of[SENDERS];

static void in_turn(struct letter *l)
{
    struct note *note = container_of(l, struct note, letter);

    ck_assert_uint_eq(note->number, next_of[note->sender]);
    next_of[note->sender]++;
}

static void *send_all(void *arg)
{
    struct note *notes = arg;

    for (unsigned i = 0; i < EACH; i++)
        mailbox_post(&shared_box, &notes[i].letter);
    return NULL;
}

/* A receiver that sleeps whenever it may must still get every letter: no wake-up is lost. */
START_TEST(many_senders)
{
    pthread_t threads[SENDERS];
    unsigned got = 0;

    ck_assert_int_eq(mailbox_init(&shared_box), 0);
    for (unsigned s = 0; s < SENDERS; s++) {
        all[s] = calloc(EACH, sizeof *all[s]);
        for (unsigned i = 0; i < EACH; i++)
            all[s][i] = (struct note){ .letter.deliver = in_turn, .sender = s, .number = i };
        ck_assert_int_eq(pthread_create(&threads[s], NULL, send_all, all[s]), 0);
    }
    while (got < SENDERS * EACH) {
        if (mailbox_leave(&shared_box)) {
            struct pollfd p = { .fd = shared_box.eventfd, .events = POLLIN };

            ck_assert_int_eq(poll(&p, 1, 10000), 1);
            wakes(&shared_box);
        }
        if (_i == 0)
            mailbox_attend(&shared_box);
        got += mailbox_deliver(&shared_box);
    }
    for (unsigned s = 0; s < SENDERS; s++) {
        pthread_join(threads[s], NULL);
        free(all[s]);
    }
    mailbox_done(&shared_box);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event/mailbox");
    TCase *tc = tcase_create("mailbox");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, in_order_and_one_wake);
    tcase_add_test(tc, posted_by_its_own_delivery);
    tcase_add_test(tc, attended_costs_no_wake);
    tcase_add_loop_test(tc, many_senders, 0, 2);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
