/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session is made of, for session*.c alone. */
#ifndef FLIGHTREC_SESSION_PRIVATE_H
#define FLIGHTREC_SESSION_PRIVATE_H

#include "collector/kernel/attachments.h"
#include "collector/kernel/tracker.h"
#include "collector/kernel/visits.h"
#include "collector/recorder/recorders.h"
#include "collector/session_refusals.h"
#include "collector/session.h"
#include "collector/sink/sinks.h"

/* Bytes kept of the entries of all recorders that are open; see entry_buffer.h for each one's. */
#define SESSION_ENTRIES_MEMORY (32u << 20)

struct session {
	struct tracker *tracker;
	struct attachments attachments;
	struct visits visits;     /* slots for which the wheel has no node */
	struct refusals refusals; /* recorders for which there is no slot */
	struct recorders *recorders;
	struct session_options options;
	struct sink *sink;
	pid_t *rescans; /* processes whose mappings changed */
	size_t n_rescans;
	uint64_t missed_execs;          /* calls of execve() that were not told of, last time */
	uint64_t missed_execs_at_ns;    /* when to look for more, CLOCK_MONOTONIC; 0: no need to */
	uint64_t missed_execs_found_ns; /* when there were some; 0: never */
	bool loss_told;                 /* that reports are lost was said */
	bool more;                      /* the last dispatch left something in the rings */
	bool library_seen;              /* a process has, or had, a copy */
};

/* Attaches to what a process maps; returns the copies of the library it has, or -errno. */
int session_scan(struct session *session, pid_t pid);

#endif /* FLIGHTREC_SESSION_PRIVATE_H */
