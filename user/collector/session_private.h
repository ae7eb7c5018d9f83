/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session is made of: for session*.c, and for recorder/, which works on its parts. */
#ifndef FLIGHTREC_SESSION_PRIVATE_H
#define FLIGHTREC_SESSION_PRIVATE_H

#include "collector/kernel/attachments.h"
#include "collector/kernel/tracker.h"
#include "collector/kernel/visits.h"
#include "collector/recorder/process_table.h"
#include "collector/recorder/recorder_table.h"
#include "collector/recorder/replay.h"
#include "collector/session_refusals.h"
#include "collector/session.h"
#include "collector/sink/sinks.h"

/* Bytes kept of the entries of all recorders that are open; see entry_buffer.h for each one's. */
#define SESSION_ENTRIES_MEMORY (32u << 20)

struct waiting;
struct pending_adoption;

/* Slots of recorders of which all is said, to be given back to the kernel's side. */
struct releases {
	size_t n;
	uint32_t slot[FR_RELEASE_MAX];
	uint32_t generation[FR_RELEASE_MAX];
};

struct session {
	struct tracker *tracker;
	struct attachments attachments;
	struct visits visits;     /* slots for which the wheel has no node */
	struct refusals refusals; /* recorders for which there is no slot */
	struct process_table processes;
	struct recorder_table recorders;
	struct session_options options;
	struct replay replay;
	struct sink *sink;
	struct releases releases;
	struct waiting *waiting; /* recorders whose last entries are still on their way */
	size_t n_waiting;
	size_t waiting_room;
	struct pending_adoption *adoptions;
	size_t n_adoptions;
	uint64_t adopt_again_ns; /* CLOCK_MONOTONIC; 0: all are looked at */
	pid_t *rescans;          /* processes whose mappings changed */
	size_t n_rescans;
	uint64_t missed_execs;          /* calls of execve() that were not told of, last time */
	uint64_t missed_execs_at_ns;    /* when to look for more, CLOCK_MONOTONIC; 0: no need to */
	uint64_t missed_execs_found_ns; /* when there were some; 0: never */
	uint64_t last_deadline_ns;      /* later ones are not kept: the end is near; 0: all are */
	uint64_t reports;
	uint64_t buffer_lost;    /* entries left out of replays */
	uint64_t timed_out_here; /* seen before the kernel's timer could tell */
	bool loss_told;          /* that reports are lost was said */
	bool more;               /* the last dispatch left something in the rings */
	bool library_seen;       /* a process has, or had, a copy */
	bool done;               /* the reports asked for are written */
};

/* Attaches to what a process maps; returns the copies of the library it has, or -errno. */
int session_scan(struct session *session, pid_t pid);

/* Hands a report to all who take them. */
void session_emit(struct session *session, const struct report *report);

#endif /* FLIGHTREC_SESSION_PRIVATE_H */
