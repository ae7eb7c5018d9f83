/* SPDX-License-Identifier: BSD-2-Clause */
/* What struct log_watch is made of, for log_watch*.c alone. */
#ifndef FLIGHTREC_LOG_WATCH_PRIVATE_H
#define FLIGHTREC_LOG_WATCH_PRIVATE_H

#include <limits.h>

#include <uthash.h>

#include "collector/base/message.h"
#include "collector/recorder/log_watch.h"
#include "collector/target/log_source.h"
#include "collector/target/proc_names.h"
#include "collector/target/tick_clock.h"

/* Where a recorder is. */
struct place {
	uint32_t log;
	uint32_t slot;
};

/*
 * A recorder that timed out and was reported. It is remembered as long as its slot may tell about
 * it: until it is closed, and, if it was closed late (MEMORY_LATE), until the slot is used again.
 */
struct hung {
	struct place place;
	struct log_recorder recorder; /* as of the last look */
	uint64_t real_offset;         /* CLOCK_REALTIME minus CLOCK_MONOTONIC, as of its report */
	uint64_t logged;              /* entries reported so far, or counted as missing */
	uint64_t lost;                /* missing ones among those logged since its replay */
	bool over; /* that it closed was reported, too; later notices of that are ignored */
	UT_hash_handle hh;
};

/*
 * What holds between two calls:
 *
 *   - `hung` has each recorder that was reported once, by place; n_open of them are not `over`. The
 *     sum of all watches' tables is watching->known.
 *   - `at` and next_ns are {0, 0} and without meaning unless the last look was interrupted.
 *   - clock[] and real_offset are set by log_watch_begin*(). Until that is called for another log,
 *     all times are of that log.
 *   - `opened` and `entries` are what was there before the watching began, until `ended`; then they
 *     are the totals.
 */
struct log_watch {
	struct log_watching *watching;
	struct log_source *source;
	struct hung *hung;
	size_t n_open; /* how many of them are not over */
	struct log_owner owner;
	uint64_t since_ns;    /* when the watching began, CLOCK_MONOTONIC; 0: with the process */
	uint64_t real_offset; /* as of the last look */
	/* By log. real_ns is on CLOCK_MONOTONIC, so that no time changes when the clock is set. */
	struct tick_clock *clock;
	size_t clocks;
	struct place at;          /* where the last look was interrupted */
	uint64_t next_ns;         /* and what it had found */
	uint64_t opened, entries; /* see above */
	bool ended;
	const struct process_slot *death; /* what is open is reported for it; or NULL */
	bool counted;                     /* `opened` and `entries` are what was */
	bool refused_told;
	struct message_limit lines; /* what it may log outside of replays */
	char comm[PROC_COMM_SIZE];
	char thread_comm[PROC_COMM_SIZE];
	char *exe; /* NULL: unknown */
};

/* How notices name a log: by the low bits of its page number. */
static inline uint32_t log_watch_number(const struct log_watch *watch, size_t log)
{
	return (uint32_t)(log_source_address(watch->source, log) >> 12);
}

/* ---- times: log_watch_clock.c ---- */

/* Sets the clock of a log, to which the functions below refer from then on. */
struct memory_log *log_watch_begin(struct log_watch *watch, uint32_t log);
/* The same for a recorder that was reported: its times stay the same if the clock is set. */
void log_watch_begin_hung(struct log_watch *watch, const struct hung *hung);

/* CLOCK_MONOTONIC of a time that the log has. */
uint64_t log_watch_time(const struct log_watch *watch, uint64_t ticks);
uint64_t log_watch_timeout(const struct log_watch *watch, const struct memory_slot *copy);
uint64_t log_watch_deadline(const struct log_watch *watch, const struct memory_slot *copy);

/* ---- reports: log_watch_report.c ---- */

/* Report nothing if it was just closed and its slot has another one. */
void log_watch_report_timeout(struct log_watch *watch, struct place place,
			      const struct log_recorder *recorder);
void log_watch_report_asked(struct log_watch *watch, struct memory_log *log,
			    const struct log_recorder *recorder);
/* Reports what was logged since the last report. */
void log_watch_report_entries(struct log_watch *watch, struct hung *hung);
void log_watch_report_finished(struct log_watch *watch, const struct hung *hung, uint64_t ended_ns);
void log_watch_report_died(struct log_watch *watch, const struct hung *hung,
			   const struct process_slot *ended);
/* Reports how many entries were held back, if the process is silent now or has ended. */
/* For watch->death: a recorder that had not timed out. */
void log_watch_report_killed(struct log_watch *watch, struct place place,
			     const struct log_recorder *recorder);
void log_watch_report_held_back(struct log_watch *watch);

/* The recorder in a place, if it was reported; or NULL. */
struct hung *log_watch_find_hung(struct log_watch *watch, struct place place,
				 const struct memory_slot *copy);
/* That it closed was reported. */
void log_watch_end_hung(struct log_watch *watch, struct hung *hung);
void log_watch_forget_hung(struct log_watch *watch, struct hung *hung);

/* ---- looks: log_watch_look.c ---- */

/* Looks at what is open in a log, from watch->at on. */
int log_watch_look_at_log(struct log_watch *watch, uint32_t log, struct log_look *look);
/* Looks at a recorder that was reported. Returns whether it can be forgotten. */
bool log_watch_poll_hung(struct log_watch *watch, struct hung *hung, int *err);

#endif /* FLIGHTREC_LOG_WATCH_PRIVATE_H */
