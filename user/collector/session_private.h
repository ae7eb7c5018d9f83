/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a session, for session*.c only. */
#ifndef FLIGHTREC_SESSION_PRIVATE_H
#define FLIGHTREC_SESSION_PRIVATE_H

#include "collector/base/message.h"
#include "collector/attachment/attachments.h"
#include "collector/kernel/tracker.h"
#include "collector/kernel/visits.h"
#include "collector/recorder/recorders.h"
#include "collector/session_refusals.h"
#include "collector/session_rescans.h"
#include "collector/session_spans.h"
#include "collector/session.h"
#include "collector/sink/sinks.h"

/* Bytes kept for the entries of all open recorders. entry_buffer.h has the limits for each. */
#define SESSION_ENTRIES_MEMORY (32u << 20)

/*
 * Only one thread works on it, the one that calls session_dispatch(). The sink has a thread of its
 * own, hidden behind its functions. Each of its parts may use those before it, and is closed before
 * them:
 *
 *	sink, annotator, tracker, recorders, attachments, rescans, visits, refusals
 *
 * The tracker's callbacks run while it drains, and must not drain anything themselves. Taking a
 * report must not change anything here.
 */
struct annotator;

struct session {
	struct tracker *tracker;
	struct attachments attachments;
	struct visits visits;     /* slots for which the wheel has no node */
	struct refusals refusals; /* recorders for which there is no slot */
	struct recorders *recorders;
	struct spans *spans;         /* NULL: there are none */
	struct blocked *blocked;     /* NULL: not looked for */
	struct annotator *annotator; /* between `recorders` and the sink; NULL: nothing is added */
	struct looks *looks;         /* into processes that are watched by memory; NULL: none are */
	uint32_t *ended; /* with looks: generation of the last process that ended in each slot */
	struct session_options options;
	struct sink *sink;
	struct rescans rescans;
	bool loss_told;    /* a message said that reports are lost */
	bool more;         /* the last dispatch left something in the rings */
	bool library_seen; /* a process has or had a copy */
	bool finishing;    /* nothing new is attached to */
	/* When we began to look for what was there before; 0 after that. */
	uint64_t watching_since_ns;
	struct message_limit by_probes_told;
};

/*
 * Attaches to what a process maps. Returns how many copies of the library it has, or a negative
 * errno.
 */
int session_scan(struct session *session, pid_t pid);
/* After looks_add() or looks_notice() returned @err: watches by probes what has to be, and says so.
 */
void session_try_by_memory(void *session, pid_t pid, int err);
/*
 * Of struct attachments_options, with the session as @arg: what a process has open may have been
 * closed unseen; or it will not tell when it is to be looked at.
 */
void session_forget_open(void *session, pid_t pid);
void session_look_unasked(void *session, pid_t pid);

/* Looks for blocked threads, if that is asked for: session_blocked.c. */
int session_blocked_open(struct session *session);
void session_blocked_look(struct session *session);

/* ---- reports: session_reports.c ---- */

/* Takes a report; @arg is the session. */
void session_emit(void *arg, const struct report *report);
void session_open_annotator(struct session *session);
/* Before waiting for anything: now whoever waits for a report gets it. */
void session_write_reports(struct session *session);

#endif /* FLIGHTREC_SESSION_PRIVATE_H */
