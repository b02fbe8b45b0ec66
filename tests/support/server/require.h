/* require.h - what a fuzz target demands; said and aborted when it is not so. Any thread. */
#ifndef TESTS_SUPPORT_SERVER_REQUIRE_H
#define TESTS_SUPPORT_SERVER_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define require(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
