/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which files the probes are attached to. A uprobe belongs to a file, not to a process: one
 * attachment for each copy of the library serves all processes that map it, later ones too, or,
 * where only some processes are to pay for it, one for each of these. Not thread-safe.
 */
#ifndef FLIGHTREC_ATTACHMENTS_H
#define FLIGHTREC_ATTACHMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/attachment/attached_files.h"

struct tracker;

struct attachments {
	struct tracker *tracker;
	struct attached_files files;
	bool each_process; /* attach for each process by itself, not for all that map the file */
	bool by_memory;    /* to the probes of that, where a copy has them */
	bool all_probes;   /* not so while this process is scanned */
	size_t copies;     /* of the library, attached to */
	char problem[256]; /* why the last file with probes was not attached to; or "" */
};

/* Called for each copy of the library that a process maps; @state: its struct flightrec_state. */
typedef void (*attachments_copy_fn)(void *arg, pid_t pid, uint64_t state);

void attachments_init(struct attachments *attachments, struct tracker *tracker, bool each_process);
/* Detaches from everything. */
void attachments_free(struct attachments *attachments);

/*
 * Attaches to what process @pid maps: copies of the library, and its dynamic linker, which tells
 * of those to come. What is attached already is left alone. @fn is called for every copy.
 * Returns the number of copies; -ESRCH: no such process; -EACCES, -EPERM: not allowed.
 */
int attachments_scan(struct attachments *attachments, pid_t pid, attachments_copy_fn fn, void *arg);

/*
 * Likewise, for one process that cannot be watched by memory: to the probes that tell everything,
 * of it alone.
 */
int attachments_scan_by_probes(struct attachments *attachments, pid_t pid, attachments_copy_fn fn,
			       void *arg);

/*
 * Attaches, for all processes, to the usual copies of the shared library. A program that loads it
 * later, or starts another that does, then finds the probes live; other copies are found when the
 * kernel tells of their loading.
 */
void attachments_add_usual(struct attachments *attachments);

#endif /* FLIGHTREC_ATTACHMENTS_H */
