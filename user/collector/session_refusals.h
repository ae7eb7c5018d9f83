/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorders that the kernel's side had no room for, and so their deadlines: the slower way.
 *
 * NOTICE_REFUSED tells of a process and of when one of its recorders is due. At that time the
 * process's memory is looked at, where the library lists what is open. What is overdue there is
 * tracked from now on, for which some slots are kept: it is reported like any other, but for its
 * earlier entries. What is not due yet says when to look again.
 *
 * A look takes as long as the process makes it: so there is a limit to each, the next one waits
 * for a multiple of that time, and of those that are due the one goes first that was not looked at
 * for the longest time. Not thread-safe.
 */
#ifndef FLIGHTREC_SESSION_REFUSALS_H
#define FLIGHTREC_SESSION_REFUSALS_H

#include <stdint.h>
#include <sys/types.h>

#include "collector/attachment/attachments.h"
#include "collector/kernel/tracker.h"

struct refused_process;

struct refusals {
	struct tracker *tracker;
	struct attachments *attachments;
	struct refused_process *processes; /* by pid */
	uint64_t timeout_ns;               /* in place of each recorder's own; 0: its own */
	uint64_t next_ns;                  /* when the next look is due, at the earliest */
	unsigned int purge_at;             /* when there are so many, the dead are forgotten */
};

/* @timeout_ns: as in struct tracker_options. */
void refusals_init(struct refusals *refusals, struct tracker *tracker,
		   struct attachments *attachments, uint64_t timeout_ns);
void refusals_free(struct refusals *refusals);

/* One of the recorders of process @pid was refused, and is due at @deadline_ns. */
void refusals_add(struct refusals *refusals, pid_t pid, uint64_t deadline_ns);

/* Notices were lost: asks the kernel's side which processes there are. */
void refusals_rebuild(struct refusals *refusals);

/* Looks at those that are due, for a bounded time. */
void refusals_look(struct refusals *refusals);

/* When to call refusals_look(), CLOCK_MONOTONIC; UINT64_MAX: no need to. */
uint64_t refusals_next(const struct refusals *refusals);

#endif /* FLIGHTREC_SESSION_REFUSALS_H */
