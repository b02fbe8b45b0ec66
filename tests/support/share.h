/*
 * share.h - how many of its cases a test tries that has tens of thousands of one kind.
 *
 * All of them in the plain build. The sanitizer builds, in which each takes many times as long, try
 * one of MUXD_TEST_SHARE, which make sets for them: they look for what a case does to memory and
 * between threads, and of that each kind of case shows the same.
 */
#ifndef MUXD_TESTS_SHARE_H
#define MUXD_TESTS_SHARE_H

#include <stdlib.h>

static inline unsigned share(void)
{
    const char *text = getenv("MUXD_TEST_SHARE");
    long n = text != NULL ? strtol(text, NULL, 10) : 1;

    return n > 1 ? (unsigned)n : 1;
}

/* A share of the cases. */
static inline unsigned share_of(unsigned cases)
{
    return cases / share();
}

#endif
