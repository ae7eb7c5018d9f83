/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching by memory: when to look into which process's log.
 *
 * A process tells when it must be looked at, at the latest (NOTICE_ARM). A look reports what is
 * overdue, and finds what is due next, which is when the next look is. Between looks nothing
 * happens: a process whose recorders are closed in time costs one look a timeout, however many they
 * are; one that opens none costs none.
 *
 * What timed out is looked at again every POLL_NS, for later entries and its end.
 *
 * A look takes as long as the process makes it: there is a limit to each, the next one waits for a
 * multiple of that time, and of those that are due the one goes first that was not looked at for
 * the longest time. Not thread-safe.
 */
#ifndef FLIGHTREC_LOOKS_H
#define FLIGHTREC_LOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct looks;
struct notice;
struct process_slot;
struct recorders;

/* @timeout_ns: in place of every recorder's own; 0: each its own. NULL: no memory. */
struct looks *looks_new(struct recorders *recorders, uint64_t timeout_ns, int min_severity);
void looks_free(struct looks *looks);

/*
 * Watches process @pid from now on; @since_ns as of log_watch_open(). Returns 0; -ENOENT: it has no
 * log yet, and tells when it has one; or a negative errno: it cannot be read.
 */
int looks_add(struct looks *looks, pid_t pid, uint64_t since_ns);

/*
 * NOTICE_ARM, NOTICE_LATE, NOTICE_ASKED. Returns as looks_add(); -ENOTSUP: the process has a
 * recorder that is in no log.
 */
int looks_notice(struct looks *looks, const struct notice *notice);

/*
 * Process @pid is watched by other means from now on; what it tells here is passed over. Returns
 * false if that was so already.
 */
bool looks_leave(struct looks *looks, pid_t pid);
bool looks_has_left(const struct looks *looks, pid_t pid);

/*
 * Process @pid does not tell when it must be looked at, or not for all of its logs: it is looked at
 * all the time, ten times a second.
 */
void looks_unasked(struct looks *looks, pid_t pid);

/* The process of @pid ended, or called execve(). */
void looks_end(struct looks *looks, pid_t pid, const struct process_slot *ended);

/* Notices were lost: has everything looked at. */
void looks_all(struct looks *looks);

/* Looks at those that are due, for a bounded time. */
void looks_run(struct looks *looks);
/* The last one at all, not bounded. */
void looks_finish(struct looks *looks);
/* When to call looks_run(), CLOCK_MONOTONIC; UINT64_MAX: no need to. */
uint64_t looks_next(const struct looks *looks);

/* How many recorders process @pid has open; 0: or it is not known here. */
uint32_t looks_open(const struct looks *looks, pid_t pid);

struct looks_counts {
	uint64_t opened;
	uint64_t entries;
	uint64_t timed_out;
	uint64_t lost; /* entries that are missing from replays */
};

struct looks_counts looks_count(const struct looks *looks);

#endif /* FLIGHTREC_LOOKS_H */
