/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of the collector: takes records and notices from the kernel, and writes reports.
 * Not thread-safe.
 */
#ifndef FLIGHTREC_SESSION_H
#define FLIGHTREC_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/report.h"

struct report_form;
struct session;

struct session_options {
	uint64_t ring_bytes; /* of all entry rings together */
	uint64_t timeout_ns; /* in place of every recorder's own; 0: each its own */
	uint32_t max_recorders;
	int min_severity;
	bool watch_all;       /* every process that uses the library */
	bool follow_children; /* of those that are watched */
	bool by_memory;       /* where a process keeps a log; else, and otherwise, by probes */
	bool each_process;    /* attach to named processes only: others do not pay for it */
	const struct report_form *form;
	int output;              /* the caller's */
	const char *output_name; /* for messages */
	uint64_t max_reports;    /* 0: any number */
	/* Also called with each report, which is borrowed; may be NULL. */
	void (*on_report)(void *arg, const struct report *report);
	void *arg;
};

/*
 * Loads the BPF programs; watches nothing yet. Returns 0 or a negative errno, with one line at
 * @error, and then *@session is NULL.
 */
int session_open(struct session **session, const struct session_options *options, char *error,
		 size_t error_size);
/* NULL: nothing. */
void session_close(struct session *session);

/* Adds what wakes the session to an epoll set, with @token as its data. Returns 0 or -errno. */
int session_add_to_epoll(struct session *session, int epoll_fd, uint64_t token);
/* Does what there is to do. */
void session_dispatch(struct session *session);
/* When it must be called again even if nothing wakes it, in ms for epoll_wait(); -1: never. */
int session_wait_ms(const struct session *session);
/* Whether the reports that were asked for are written. */
bool session_done(const struct session *session);
/* Why the last report that was lost could not be written, a negative errno; 0: none was. */
int session_output_error(const struct session *session);

/* Detaches from all processes, takes what is left in the rings, and reports it. */
void session_finish(struct session *session);
/*
 * Writes the report that says so, after all others; @totals is what there was in all. A reader that
 * takes nothing for @patience_ms is not waited for: what is left for it is lost, and counted.
 */
void session_write_totals(struct session *session, struct report_totals *totals,
			  unsigned int patience_ms);

/* ---- what is watched: session_discovery.c ---- */

/* Watches and attaches to a process; returns the copies of the library it has, or -errno. */
int session_watch(struct session *session, pid_t pid);
void session_unwatch(struct session *session, pid_t pid);

/*
 * Attaches to all processes that run and use the library, but for this one. @stop is asked between
 * two of them whether to leave it at that. Returns their number or a negative errno.
 */
int session_watch_all(struct session *session, bool (*stop)(void *arg), void *arg);

/*
 * Attaches to the usual copies of the shared library, so that who loads one later finds the probes
 * live. Returns why not, as a line, if there are copies and none of them could be attached to.
 */
const char *session_watch_usual(struct session *session);

/* Why nothing was attached to in a file that has probes, the last time; NULL: no such file. */
const char *session_problem(const struct session *session);

/* Whether a process, watched or not, maps a copy of the library. Looks at all that it maps. */
bool session_uses_library(pid_t pid);
/* Whether it maps a file that has probes, but not the notes that say where, as llvm-strip leaves
 * them. */
bool session_lost_notes(pid_t pid);

/* Takes over the recorders that are open in the processes watched since the last call. */
void session_adopt(struct session *session);

/*
 * Loads everything and attaches to this process's own dynamic linker, as a test of what is allowed
 * here. @verified, which may be NULL, is told how many instructions the verifier walked through
 * for each program. Returns 0 or a negative errno, with one line at @error.
 */
int session_try(void (*verified)(const char *program, uint32_t count), char *error,
		size_t error_size);

/* ---- what there is to be said of it: session_state.c ---- */

struct session_setup {
	size_t copies;     /* of the library, attached to */
	bool library_seen; /* in a process that is, or was, watched */
	uint32_t rings;
	uint32_t ring_bytes; /* of each */
	uint32_t max_recorders;
	uint32_t max_processes; /* that can have recorders at once */
};

struct session_setup session_setup(const struct session *session);

/*
 * What comes of @wanted bytes of rings: one for each CPU, each a power of two within limits. Needs
 * no session.
 */
void session_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes);

/* What was seen so far. */
void session_totals(const struct session *session, struct report_totals *totals);

/* How the work was done. */
struct session_work {
	uint64_t ticks;        /* of the deadline timer */
	uint64_t wakeups;      /* of this process, by the kernel's side */
	uint64_t notices_lost; /* and made good by looking */
	uint64_t execs_missed; /* likewise */
	uint64_t exits_missed; /* likewise */
};

struct session_work session_work(const struct session *session);

/*
 * Hands each process that is watched and runs to @fn, with how many recorders it has open; where
 * all are watched, those that ever opened one. Returns 0 or a negative errno.
 */
int session_processes(struct session *session,
		      void (*fn)(void *arg, pid_t pid, const char *comm, uint32_t open), void *arg);

#endif /* FLIGHTREC_SESSION_H */
