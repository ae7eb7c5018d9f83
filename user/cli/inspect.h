/* SPDX-License-Identifier: BSD-2-Clause */
/* What `list`, `top` and `dump` have in common. */
#ifndef FLIGHTREC_INSPECT_H
#define FLIGHTREC_INSPECT_H

#include <stdint.h>
#include <sys/types.h>

#include "collector/report/report.h"

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

/* A time that may come from a hostile log, in range. */
int64_t inspect_ns(uint64_t ns);
/* How long until a recorder times out; negative: it has. */
int64_t inspect_left_ns(const struct report_recorder *recorder);
/* The message of a replay's last entry, valid until another one is fetched; NULL: it has none. */
const char *inspect_last(const struct report *report);

#endif /* FLIGHTREC_INSPECT_H */
