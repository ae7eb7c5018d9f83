/* SPDX-License-Identifier: BSD-2-Clause */
/* What `list` and `dump` have in common. */
#ifndef FLIGHTREC_INSPECT_H
#define FLIGHTREC_INSPECT_H

#include <sys/types.h>

struct inspection;

/*
 * Opens process @pid. Returns 0; or an exit status, after printing one line that says why the
 * process cannot be examined.
 */
int inspect_open(struct inspection **inspection, pid_t pid);

/* The exit status for several: the first that is not 0. */
static inline int inspect_status(int before, int status)
{
	return before ? before : status;
}

#endif /* FLIGHTREC_INSPECT_H */
