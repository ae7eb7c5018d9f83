/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process that is watched by memory: finds what is overdue in its logs and reports it. looks.h
 * decides when to look. Not thread-safe.
 */
#ifndef FLIGHTREC_LOG_WATCH_H
#define FLIGHTREC_LOG_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/recorder/log_replay.h"

#include "collector/report/deaths.h"

struct log_watch;
struct process_slot;
struct recorders;

/* What all watches of a run have in common. */
struct log_watching {
	struct recorders *recorders; /* who writes the reports; borrowed */
	struct log_replay *replay;
	uint64_t timeout_ns; /* in place of every recorder's own; 0: each its own */
	int min_severity;
	enum deaths deaths;
	uint64_t timed_out; /* recorders, so far */
	uint64_t lost;      /* entries that are missing from their replays */
	size_t known;       /* recorders that are remembered, of all processes */
};

/*
 * Opens the logs of process @pid. @since_ns is when the watching began (CLOCK_MONOTONIC) if the
 * process was there before, and 0 if it was not. Returns 0; -ENOENT: it has no log; -ETIME: its
 * times are in the future, by another clock than ours; -ESRCH; -EACCES, -EPERM; another negative
 * errno.
 */
int log_watch_open(struct log_watch **watch, struct log_watching *watching, pid_t pid,
		   uint64_t since_ns);
/* NULL: does nothing. */
void log_watch_close(struct log_watch *watch);

/*
 * How many recorders that timed out are remembered, so that each is reported only once. One process
 * may have twice as many as are left for others.
 */
#define LOG_WATCH_KNOWN_MAX 131072

/* Whether it has the log whose page number ends in @log. */
bool log_watch_has(const struct log_watch *watch, uint32_t log);
/* Looks for logs that the process has got since. */
void log_watch_find_more(struct log_watch *watch);

/* How a look went. */
struct log_look {
	uint64_t now_ns;
	uint64_t until_ns; /* when it must be interrupted */
	bool anew;         /* begin anew, not where the last one was interrupted */
	uint64_t next_ns;  /* when to look again; UINT64_MAX: when asked to */
	bool more;         /* it was interrupted, and must be continued */
};

/*
 * Looks at everything that is open and reports what is overdue. Returns 0; or a negative errno: the
 * process is gone, or can no longer be read.
 */
int log_watch_look(struct log_watch *watch, struct log_look *look);

/* Looks at the recorders that were reported, for later entries and their ends. */
int log_watch_poll(struct log_watch *watch, struct log_look *look);
/* Whether there are any that are still open. */
bool log_watch_has_hung(const struct log_watch *watch);

/* The recorder in a slot was closed past its deadline. */
void log_watch_late(struct log_watch *watch, uint32_t log, uint32_t slot);
/* A replay was asked for: of the recorder in @slot whose id ends in @id. */
void log_watch_ask(struct log_watch *watch, uint32_t slot, uint32_t id);

/*
 * The process ended, or called execve(): looks for the last time. Returns whether that was all; if
 * not, it is to be called again.
 */
bool log_watch_end(struct log_watch *watch, const struct process_slot *ended, uint64_t until_ns);

/* How many recorders are open at this moment. */
uint32_t log_watch_open_now(struct log_watch *watch);

/* How many recorders were opened, and entries logged, since it has been watched. */
void log_watch_count(struct log_watch *watch, uint64_t *opened, uint64_t *entries);

#endif /* FLIGHTREC_LOG_WATCH_H */
