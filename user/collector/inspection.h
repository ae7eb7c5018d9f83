/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks at the recorders of processes that need not be watched, by their memory logs: no BPF, no
 * probes, nothing is stopped. The right to trace a process (ptrace(2)) is enough.
 */
#ifndef FLIGHTREC_INSPECTION_H
#define FLIGHTREC_INSPECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/report.h"

struct inspection;

/* Whose recorders they are. Strings belong to the inspection. */
struct inspected_process {
	pid_t pid;
	const char *comm;
	const char *exe; /* or NULL */
	uid_t uid;
	const char *container; /* its id; or NULL */
	const char *library;   /* the library's version */
	bool shared;           /* the library is a shared object, not a part of the program */
};

/*
 * Opens a process. Returns 0; -ENOENT: it keeps no memory log; -ESRCH; -EPERM, -EACCES; -ENOMEM.
 */
int inspection_open(struct inspection **inspection, pid_t pid);
/* The same for a core file; -ENOEXEC: it is none of this architecture. */
int inspection_open_core(struct inspection **inspection, const char *path);
void inspection_close(struct inspection *inspection);

const struct inspected_process *inspection_process(const struct inspection *inspection);

/*
 * Reports each open recorder to @emit, in the order of their numbers, as REPORT_REPLAY; with
 * @closed also those that were closed and are still in memory. Reports are borrowed. Stops when
 * @emit returns not 0, and returns that; else 0 or a negative errno.
 */
int inspection_replay(struct inspection *inspection, bool closed,
		      int (*emit)(void *arg, const struct report *report), void *arg);

/* Calls @fn for each process on this host that keeps a memory log and may be looked at. */
int inspection_each(int (*fn)(void *arg, struct inspection *inspection), void *arg);

#endif /* FLIGHTREC_INSPECTION_H */
