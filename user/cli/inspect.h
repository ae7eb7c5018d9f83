/* SPDX-License-Identifier: BSD-2-Clause */
/* What `list` and `dump` share. */
#ifndef FLIGHTREC_INSPECT_H
#define FLIGHTREC_INSPECT_H

#include <sys/types.h>

struct inspection;

/*
 * Opens process @pid. Returns 0, or the status to exit with, having said in one line on standard
 * error why it cannot be looked at.
 */
int inspect_open(struct inspection **inspection, pid_t pid);

/* Of several, the status that matters: the first that is not 0. */
static inline int inspect_status(int before, int status)
{
	return before ? before : status;
}

#endif /* FLIGHTREC_INSPECT_H */
