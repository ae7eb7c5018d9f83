/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session is made of, for session*.c alone. */
#ifndef FLIGHTREC_SESSION_PRIVATE_H
#define FLIGHTREC_SESSION_PRIVATE_H

#include "collector/base/message.h"
#include "collector/kernel/attachments.h"
#include "collector/kernel/tracker.h"
#include "collector/kernel/visits.h"
#include "collector/recorder/recorders.h"
#include "collector/session_refusals.h"
#include "collector/session.h"
#include "collector/sink/sinks.h"

/* Bytes kept of the entries of all recorders that are open; see entry_buffer.h for each one's. */
#define SESSION_ENTRIES_MEMORY (32u << 20)

/*
 * One thread works on it: whoever calls session_dispatch(). The sink alone has a thread of its own,
 * behind its functions. Of its parts, a later one may use the earlier ones, and is closed before:
 *
 *	sink, tracker, recorders, attachments, visits, refusals
 *
 * The tracker calls back while it drains, and what it calls may drain nothing. A report that is
 * emitted goes to the sink, and may change nothing here.
 */
struct session {
	struct tracker *tracker;
	struct attachments attachments;
	struct visits visits;     /* slots for which the wheel has no node */
	struct refusals refusals; /* recorders for which there is no slot */
	struct recorders *recorders;
	struct looks *looks; /* into processes that are watched by memory; NULL: none are */
	uint32_t *ended; /* with looks: generation of the last process that ended in each slot */
	struct session_options options;
	struct sink *sink;
	pid_t *rescans; /* processes whose mappings changed, each once; empty after a dispatch */
	size_t n_rescans;
	size_t rescans_room;
	uint64_t missed_execs;          /* calls of execve() that were not told of, last time */
	uint64_t missed_execs_at_ns;    /* when to look for more, CLOCK_MONOTONIC; 0: no need to */
	uint64_t missed_execs_found_ns; /* when there were some; 0: never */
	bool loss_told;                 /* that reports are lost was said */
	bool more;                      /* the last dispatch left something in the rings */
	bool library_seen;              /* a process has, or had, a copy */
	/* While it is looked for what was there before, when that began; later 0. */
	uint64_t watching_since_ns;
	struct message_limit by_probes_told;
};

/* Attaches to what a process maps; returns the copies of the library it has, or -errno. */
int session_scan(struct session *session, pid_t pid);
/* Watches a process by probes that cannot be watched by memory, and says so. */
void session_watch_by_probes(struct session *session, pid_t pid);

#endif /* FLIGHTREC_SESSION_PRIVATE_H */
