/*
 * values.h - the values of a scanned file's strings, and libconfig's opinion on all of it. Private
 * to file.c. One thread.
 */
#ifndef MUXD_CONFIG_VALUES_H
#define MUXD_CONFIG_VALUES_H

#include "config/file.h"

/* As libconfig reads them. 0, -ENOMEM, or -EINVAL: reported, it reads another tree than scan(). */
int values_read(struct file *f, struct report *r) MUST_USE;
/*
 * As far as they are needed to find what else is wrong in a file that has errors and will not be
 * used: of joined strings the first, "\xHH" as it stands. 0 or -ENOMEM.
 */
int values_guess(struct file *f) MUST_USE;

#endif
