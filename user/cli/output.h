/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of -o. */
#ifndef FLIGHTREC_OUTPUT_H
#define FLIGHTREC_OUTPUT_H

#include <stdbool.h>

struct report_terminal;

/*
 * Opens @path for reports, or creates it, for root alone if this is root. With @append it keeps its
 * contents. Writes always go to its end, even if someone else moves it. Nothing ever waits: neither
 * for the reader of a FIFO (-ENXIO: there is none) nor, later, for room in it.
 *
 * Root is not redirected to another file: if the last part of @path is a symbolic link the result
 * is -ELOOP, except for links in /dev and /proc, such as /dev/stdout. Returns a descriptor or a
 * negative errno.
 */
int output_open(const char *path, bool append);

/*
 * Makes @fd refer to a newly opened @path, as after log rotation; the file keeps its contents.
 * Returns 0 or a negative errno, with @fd unchanged.
 */
int output_reopen(int fd, const char *path);

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/*
 * Finds out whether @fd is a terminal, and how wide. COLOR_AUTO: colours are for a terminal that is
 * not a dumb one, unless NO_COLOR is set.
 */
void output_terminal(int fd, enum color color, struct report_terminal *terminal);

#endif /* FLIGHTREC_OUTPUT_H */
