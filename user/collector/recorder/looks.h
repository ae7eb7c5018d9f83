/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching by memory: when to look into which process's log.
 *
 * A process tells by when it must be looked at (NOTICE_ARM). A look reports what is overdue, and
 * finds out what is due next; that is when the next look is. In between nothing happens. So a
 * process whose recorders are closed in time costs one look per timeout, however many recorders it
 * opens, and a process that opens none costs nothing.
 *
 * Recorders that timed out are looked at again every POLL_NS, for later entries and for their end.
 *
 * How long a look takes is up to the process. So each look has a limit, the next look at the same
 * process waits for a multiple of the time it took, and processes that are due take fair turns, by
 * user first. What there is to say of a process that ended is said in such turns, too. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_LOOKS_H
#define FLIGHTREC_LOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/deaths.h"

struct looks;
struct notice;
struct process_slot;
struct recorders;

struct looks_options {
	struct recorders *recorders; /* who writes the reports; borrowed */
	uint64_t timeout_ns;         /* in place of every recorder's own; 0: each its own */
	int min_severity;
	enum deaths deaths;
	/* A process that sent a notice cannot be looked at: an error of log_watch_open(). */
	void (*refused)(void *arg, pid_t pid, int err);
	void *arg;
};

/* NULL: no memory. */
struct looks *looks_new(const struct looks_options *options);
void looks_free(struct looks *looks);

/*
 * Watches process @pid from now on; @since_ns as of log_watch_open(). Returns 0; -ENOENT: it has no
 * log yet, and tells when it has one; or a negative errno: it cannot be read.
 */
int looks_add(struct looks *looks, pid_t pid, uint64_t since_ns);

/*
 * Takes NOTICE_ARM, NOTICE_LATE and NOTICE_ASKED. Returns the same as looks_add(), or 0 and calls
 * `refused` later; or -ENOTSUP if the process has a recorder that is in no log.
 */
int looks_notice(struct looks *looks, const struct notice *notice);

/*
 * Process @pid is watched by other means from now on, and its notices are ignored. Returns false if
 * that was so before.
 */
bool looks_leave(struct looks *looks, pid_t pid);
bool looks_has_left(const struct looks *looks, pid_t pid);

/*
 * Process @pid does not tell when it must be looked at, or not for all of its logs. It is looked at
 * ten times a second, until looks_add().
 */
void looks_unasked(struct looks *looks, pid_t pid);

/* Process @pid ended, or called execve(). */
void looks_end(struct looks *looks, pid_t pid, const struct process_slot *ended);

/* Notices were lost: all processes must be looked at. */
void looks_all(struct looks *looks);

/* Looks at the processes that are due, for a limited time. */
void looks_run(struct looks *looks);
/*
 * Looks at all of them for the last time, until @until_ns (CLOCK_MONOTONIC). Returns for how many
 * of them that was too short.
 */
uint32_t looks_finish(struct looks *looks, uint64_t until_ns);
/* When to call looks_run(), CLOCK_MONOTONIC; 0: at once; UINT64_MAX: no need to. */
uint64_t looks_next(const struct looks *looks);

/* How many recorders process @pid has open; 0 if it is not known here. */
uint32_t looks_open(const struct looks *looks, pid_t pid);

struct looks_counts {
	uint64_t opened;
	uint64_t entries;
	uint64_t timed_out;
	uint64_t lost; /* entries that are missing from replays */
};

struct looks_counts looks_count(const struct looks *looks);

#endif /* FLIGHTREC_LOOKS_H */
