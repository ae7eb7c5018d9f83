/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks at the recorders of processes, watched or not, through their memory logs: without BPF or
 * probes, and without stopping anything. The permission to trace the process (ptrace(2)) is enough.
 */
#ifndef FLIGHTREC_INSPECTION_H
#define FLIGHTREC_INSPECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/report.h"

struct inspection;

/* The process that the recorders belong to. Strings belong to the inspection. */
struct inspected_process {
	pid_t pid;
	const char *comm;
	const char *exe; /* or NULL */
	uid_t uid;
	const char *container; /* its id; or NULL */
	const char *library;   /* the library's version */
	bool shared;           /* the library is a shared object rather than part of the program */
};

/*
 * Opens a process. Returns 0; -ENOENT if it keeps no memory log; -ESRCH; -EPERM or -EACCES;
 * -ENOMEM.
 */
int inspection_open(struct inspection **inspection, pid_t pid);
/* The same for a core file. -ENOEXEC: it is not one of this architecture. */
int inspection_open_core(struct inspection **inspection, const char *path);
void inspection_close(struct inspection *inspection);

const struct inspected_process *inspection_process(const struct inspection *inspection);

/*
 * Passes each open recorder to @emit as REPORT_REPLAY, ordered by number; with @closed also closed
 * ones that are still in memory. Reports are borrowed. Stops when @emit returns non-zero, and
 * returns that; otherwise returns 0 or a negative errno.
 */
int inspection_replay(struct inspection *inspection, bool closed,
		      int (*emit)(void *arg, const struct report *report), void *arg);

/* Calls @fn for each process on this host that keeps a memory log and that we may look at. */
int inspection_each(int (*fn)(void *arg, struct inspection *inspection), void *arg);

#endif /* FLIGHTREC_INSPECTION_H */
