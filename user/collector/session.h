/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of the collector: takes records and notices from the kernel, and writes reports. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_SESSION_H
#define FLIGHTREC_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/deaths.h"
#include "collector/report/report.h"
#include "collector/report/report_form.h"

struct span_set;
struct session;

struct session_options {
	uint64_t ring_bytes; /* of all entry rings together */
	uint64_t timeout_ns; /* instead of each recorder's own; 0: each its own */
	uint32_t max_recorders;
	int min_severity;
	enum deaths deaths;
	bool watch_all;       /* every process that uses the library */
	bool follow_children; /* of the watched processes */
	bool by_memory;       /* where a process keeps a log; else, and otherwise, by probes */
	bool each_process;    /* attach only to named processes, so that others do not pay for it */
	uint64_t blocked_ns;  /* report threads that are blocked for longer; 0: do not */
	bool blocked_idle;    /* also those that may just have nothing to do */
	const struct span_set *spans; /* borrowed; NULL: there are none */
	bool stacks;                  /* of threads that hang, if this kernel allows it */
	bool verbose;                 /* say why not */
	const struct report_form *form;
	struct report_terminal terminal; /* that the output is */
	int output;                      /* the caller's */
	const char *output_name;         /* for messages */
	uint64_t max_reports;            /* 0: no limit */
	/* Called with each report as well, which is borrowed; may be NULL. */
	void (*on_report)(void *arg, const struct report *report);
	void *arg;
};

/*
 * Loads the BPF programs, but watches nothing yet. Returns 0; or a negative errno, with one line at
 * @error and *@session set to NULL.
 */
int session_open(struct session **session, const struct session_options *options, char *error,
		 size_t error_size);
/* NULL is allowed. */
void session_close(struct session *session);

/*
 * Adds what wakes the session to an epoll set, with @token as data. Returns 0 or a negative errno.
 */
int session_add_to_epoll(struct session *session, int epoll_fd, uint64_t token);
/* Does what there is to do, within limits of time. */
void session_dispatch(struct session *session);
/* After how many ms it must be called even if nothing wakes it, for epoll_wait(); -1: never. */
int session_wait_ms(const struct session *session);
/* Whether the requested number of reports is written. */
bool session_done(const struct session *session);
/* Why the last lost report could not be written, a negative errno; 0 if none was lost. */
int session_output_error(const struct session *session);

/*
 * Detaches from all processes, drains the rings, and reports what was in them; for about @max_ns,
 * and as long as detaching takes. Returns whether all was reported.
 */
bool session_finish(struct session *session, uint64_t max_ns);
/*
 * Writes the final report; @totals is what it says. A reader that takes nothing for @patience_ms is
 * not waited for: what is left is lost, and counted.
 */
void session_write_totals(struct session *session, struct report_totals *totals,
			  unsigned int patience_ms);

/* ---- what is watched: session_discovery.c ---- */

/*
 * Starts watching a process and attaches to it. Returns how many copies of the library it has, or a
 * negative errno.
 */
int session_watch(struct session *session, pid_t pid);
void session_unwatch(struct session *session, pid_t pid);

/*
 * Attaches to all running processes that use the library, except this one. Calls @stop after each,
 * to ask whether to end. Returns their number or a negative errno.
 */
int session_watch_all(struct session *session, bool (*stop)(void *arg), void *arg);

/*
 * Attaches to the usual copies of the shared library, so that programs that load them later find
 * the probes live. If there are copies and none could be attached to, returns a line that says why.
 */
const char *session_watch_usual(struct session *session);

/* How many spans are possible in a process that is watched. */
size_t session_spans_of(struct session *session, pid_t pid);
/* Why span @i is possible in no process that is watched so far; NULL: it is in one. */
const char *session_span_problem(const struct session *session, size_t i);

/* Whether spans that are not possible may become so: with other programs and libraries. */
bool session_spans_may_come(const struct session *session);

/* Why the last file that has probes could not be attached to; NULL if there was none. */
const char *session_problem(const struct session *session);

/* Whether a process, watched or not, maps a copy of the library. Looks at all its mappings. */
bool session_uses_library(pid_t pid);
/*
 * Whether it maps a file with probes but without the notes that say where they are, as llvm-strip
 * leaves them.
 */
bool session_lost_notes(pid_t pid);

/* Adopts the recorders that are open in the processes watched since the last call. */
void session_adopt(struct session *session);

/*
 * Loads everything and attaches to this process's own dynamic linker, to test what is allowed here.
 * @verified, if not NULL, is called with the number of instructions that the verifier processed for
 * each program. Returns 0; or a negative errno, with one line at @error.
 */
int session_try(void (*verified)(const char *program, uint32_t count), char *error,
		size_t error_size);

/* The same for the stacks of threads that hang, which the rest can do without. */
int session_try_stacks(void (*verified)(const char *program, uint32_t count), char *error,
		       size_t error_size);

/*
 * Runs as a helper of a session, which is what our own program is started for with @word as its
 * only argument. Returns its exit status; or -1 if that is no such word.
 */
int session_help(const char *word);

/* ---- what can be said about it: session_state.c ---- */

struct session_setup {
	size_t copies;     /* of the library, attached to */
	bool library_seen; /* in any process that is or was watched */
	uint32_t rings;
	uint32_t ring_bytes; /* of each */
	uint32_t max_recorders;
	uint32_t max_processes; /* that can have recorders at the same time */
};

struct session_setup session_setup(const struct session *session);

/*
 * What @wanted bytes of rings become: one ring for each CPU, each a power of two within limits.
 * Needs no session.
 */
void session_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes);

/* What was seen so far. */
void session_totals(const struct session *session, struct report_totals *totals);

/* How the work was done. */
struct session_work {
	uint64_t ticks;        /* of the deadline timer */
	uint64_t wakeups;      /* of this process, by the kernel side */
	uint64_t notices_lost; /* and made up for by looking at all slots */
	uint64_t execs_missed; /* and made up for */
	uint64_t exits_missed; /* and made up for */
};

struct session_work session_work(const struct session *session);

/*
 * Passes each running watched process to @fn, with the number of recorders it has open; if all are
 * watched, only those that ever opened one. Returns 0 or a negative errno.
 */
int session_processes(struct session *session,
		      void (*fn)(void *arg, pid_t pid, const char *comm, uint32_t open), void *arg);

#endif /* FLIGHTREC_SESSION_H */
