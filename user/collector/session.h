/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of the collector: takes records and notices from the kernel, and writes reports.
 * Not thread-safe.
 */
#ifndef FLIGHTREC_SESSION_H
#define FLIGHTREC_SESSION_H

#include <stdbool.h>

#include "collector/kernel/attachments.h"
#include "collector/recorder/process_table.h"
#include "collector/recorder/recorder_table.h"
#include "collector/recorder/replay.h"
#include "collector/sink/report_writer.h"
#include "collector/kernel/tracker.h"

/* Bytes kept of the entries of all recorders that are open; see entry_buffer.h for each one's. */
#define SESSION_ENTRIES_MEMORY (32u << 20)

struct session_options {
	struct tracker_options tracker;
	const struct report_form *form;
	int output;              /* the caller's */
	const char *output_name; /* for messages */
	uint64_t max_reports;    /* 0: any number */
	bool each_process;       /* attach to named processes only */
};

struct waiting;
struct pending_adoption;

/* Slots of recorders of which all is said, to be given back to the kernel's side. */
struct releases {
	size_t n;
	uint32_t slot[FR_RELEASE_MAX];
	uint32_t generation[FR_RELEASE_MAX];
};

struct session {
	struct tracker tracker;
	struct attachments attachments;
	struct process_table processes;
	struct recorder_table recorders;
	struct session_options options;
	struct replay replay;
	struct report_writer writer;
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
	bool done;               /* the reports asked for are written */
};

/* Returns 0 or a negative errno, with one line at @error. */
int session_open(struct session *session, const struct session_options *options, char *error,
		 size_t error_size);
/* Zeroed, or closed already: does nothing. */
void session_close(struct session *session);

/* Adds what wakes the session to an epoll set, with @token as its data. Returns 0 or -errno. */
int session_add_to_epoll(struct session *session, int epoll_fd, uint64_t token);
/* Does what there is to do. */
void session_dispatch(struct session *session);
/* When it must be called again even if nothing wakes it, in ms for epoll_wait(); -1: never. */
int session_wait_ms(const struct session *session);

/* Watches and attaches to a process; returns the copies of the library it has, or -errno. */
int session_watch(struct session *session, pid_t pid);
/* Takes over the recorders that are open in the processes watched since the last call. */
void session_adopt(struct session *session);

/* Detaches from all processes, takes what is left in the rings, and reports it. */
void session_finish(struct session *session);
/* Writes the report that says so, after all others; @totals is what there was in all. */
void session_write_totals(struct session *session, struct report_totals *totals);

#endif /* FLIGHTREC_SESSION_H */
