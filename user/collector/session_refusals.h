/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The deadlines of recorders for which BPF had no slot. They are kept in a slower way.
 *
 * NOTICE_REFUSED names a process, and says when one of its recorders is due. At that time we look
 * at the process's memory, where the library lists what is open. A recorder that is overdue then
 * gets a slot, as some are reserved for this, and is reported like any other, but without its
 * earlier entries. Recorders that are not due yet decide when to look again.
 *
 * How long a look takes is up to the process. So each look has a limit, the next look at the same
 * process waits for a multiple of the time it took, and when several processes are due, the one
 * that has waited longest goes first. Not thread-safe.
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
	uint64_t next_ns;                  /* the next look is not due before that */
	unsigned int purge_at;             /* at this number, those that have ended are forgotten */
};

/* @timeout_ns: as in struct tracker_options. */
void refusals_init(struct refusals *refusals, struct tracker *tracker,
		   struct attachments *attachments, uint64_t timeout_ns);
void refusals_free(struct refusals *refusals);

/* One of the recorders of process @pid was refused, and is due at @deadline_ns. */
void refusals_add(struct refusals *refusals, pid_t pid, uint64_t deadline_ns);

/* Notices were lost: asks BPF which processes there are. */
void refusals_rebuild(struct refusals *refusals);

/* Looks at the processes that are due, for a limited time. */
void refusals_look(struct refusals *refusals);

/* When to call refusals_look(), CLOCK_MONOTONIC; UINT64_MAX: no need to. */
uint64_t refusals_next(const struct refusals *refusals);

#endif /* FLIGHTREC_SESSION_REFUSALS_H */
