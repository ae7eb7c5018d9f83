/* SPDX-License-Identifier: BSD-2-Clause */
/* For which ends of processes the recorders that were open then, and not timed out, are reported.
 */
#ifndef FLIGHTREC_DEATHS_H
#define FLIGHTREC_DEATHS_H

#include <stdbool.h>
#include <stddef.h>

enum deaths {
	DEATHS_CRASH, /* by SIGKILL, as of the OOM killer, and by signals that dump core */
	DEATHS_NONE,
	DEATHS_ALL, /* also by other signals, and by exiting */
};

/* The word for an option's value, by number; NULL behind the last. */
const char *deaths_word(size_t number);
/* Returns an enum deaths, or -EINVAL. */
int deaths_parse(const char *word);

/* @status: as from wait(2). */
bool deaths_include(enum deaths deaths, int status);

#endif /* FLIGHTREC_DEATHS_H */
