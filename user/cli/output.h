/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of -o. */
#ifndef FLIGHTREC_OUTPUT_H
#define FLIGHTREC_OUTPUT_H

#include <stdbool.h>

/*
 * Opens @path for reports, creating it, for root alone if this is root; @append: what it holds
 * stays. Writing goes to its end, wherever others have put that. Nothing waits, neither for the
 * reader of a FIFO (-ENXIO: there is none) nor, later, for room in it.
 *
 * Root is not led to another file: a symbolic link as the last part of @path is -ELOOP, but for
 * those of /dev and /proc, as in /dev/stdout. Returns a descriptor or a negative errno.
 */
int output_open(const char *path, bool append);

/*
 * Has @fd be a new @path from now on, as after a rotation of logs; what the file holds stays.
 * Returns 0 or a negative errno, with @fd as it was.
 */
int output_reopen(int fd, const char *path);

#endif /* FLIGHTREC_OUTPUT_H */
