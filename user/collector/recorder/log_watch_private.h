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

/* A recorder that timed out, which was reported. */
struct hung {
	struct place place;
	struct log_recorder recorder; /* when it was looked at last */
	uint64_t real_offset;         /* from CLOCK_MONOTONIC, when it was reported */
	uint64_t logged;              /* entries that were reported, or are missing */
	uint64_t lost;                /* of those logged since its replay, the missing ones */
	bool over; /* it closed, which was reported too; what still tells of that is too late */
	UT_hash_handle hh;
};

struct log_watch {
	struct log_watching *watching;
	struct log_source *source;
	struct hung *hung;
	size_t n_open; /* of these, those that are not over */
	struct log_owner owner;
	uint64_t since_ns;    /* CLOCK_MONOTONIC; 0: from its start */
	uint64_t real_offset; /* as of the last look */
	/* By log: CLOCK_MONOTONIC in place of real_ns, so that each moment stays what it was. */
	struct tick_clock clock[LOG_SOURCE_LOGS_MAX];
	struct place at;          /* where the last look was interrupted */
	uint64_t next_ns;         /* and what it had found */
	uint64_t opened, entries; /* that are not counted; then, at the end, what was */
	bool ended;
	bool refused_told;
	struct message_limit lines; /* that it may log outside of replays */
	char comm[PROC_COMM_SIZE];
	char thread_comm[PROC_COMM_SIZE];
	char exe[PATH_MAX];
};

/* What notices call a log: the low bits of the number of its page. */
static inline uint32_t log_watch_number(const struct log_watch *watch, size_t log)
{
	return (uint32_t)(log_source_address(watch->source, log) >> 12);
}

/* ---- times: log_watch_clock.c ---- */

/* Sets the clock of a log, which the functions below are of from then on. */
struct memory_log *log_watch_begin(struct log_watch *watch, uint32_t log);
/* The same, for what was reported: however the clock is set since, it was opened at one time. */
void log_watch_begin_hung(struct log_watch *watch, const struct hung *hung);

/* CLOCK_MONOTONIC of a time that the log has. */
uint64_t log_watch_time(const struct log_watch *watch, uint64_t ticks);
uint64_t log_watch_timeout(const struct log_watch *watch, const struct memory_slot *copy);
uint64_t log_watch_deadline(const struct log_watch *watch, const struct memory_slot *copy);

/* ---- reports: log_watch_report.c ---- */

/* Nothing if it was closed in this moment, and its slot has another one. */
void log_watch_report_timeout(struct log_watch *watch, struct place place,
			      const struct log_recorder *recorder);
void log_watch_report_asked(struct log_watch *watch, struct memory_log *log,
			    const struct log_recorder *recorder);
/* What was logged since it was reported. */
void log_watch_report_entries(struct log_watch *watch, struct hung *hung);
void log_watch_report_finished(struct log_watch *watch, const struct hung *hung, uint64_t ended_ns);
void log_watch_report_died(struct log_watch *watch, const struct hung *hung,
			   const struct process_slot *ended);
/* Entries that were held back: of a process that is silent now, or has ended. */
void log_watch_report_held_back(struct log_watch *watch);

/* What was reported of the recorder in a place, if it was. */
struct hung *log_watch_find_hung(struct log_watch *watch, struct place place,
				 const struct memory_slot *copy);
/* It closed. */
void log_watch_end_hung(struct log_watch *watch, struct hung *hung);
void log_watch_forget_hung(struct log_watch *watch, struct hung *hung);

/* ---- looks: log_watch_look.c ---- */

/* Looks at what is open in a log, from watch->at on. */
int log_watch_look_at_log(struct log_watch *watch, uint32_t log, struct log_look *look);
/* Looks again at what was reported. Returns whether it need not be known any more. */
bool log_watch_poll_hung(struct log_watch *watch, struct hung *hung, int *err);

#endif /* FLIGHTREC_LOG_WATCH_PRIVATE_H */
