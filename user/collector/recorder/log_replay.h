/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes reports of recorders from a memory log. Not thread-safe. */
#ifndef FLIGHTREC_LOG_REPLAY_H
#define FLIGHTREC_LOG_REPLAY_H

#include "collector/report/report.h"
#include "collector/target/memory_log.h"
#include "collector/target/tick_clock.h"

/* The process that a log belongs to. Strings are borrowed. */
struct log_owner {
	pid_t pid;
	const char *comm;
	const char *exe;  /* or NULL */
	bool running;     /* false for a core file */
	int min_severity; /* entries below it are ignored */
	uint64_t now_ns;  /* CLOCK_REALTIME; for a core file, when it was written */
	struct tick_clock clock;
};

/* A recorder, as shown by memory_log_slots() or memory_log_slot(). */
struct log_recorder {
	uint32_t slot;
	struct memory_slot copy;
};

struct log_replay;

/* Returns NULL if there is no memory. */
struct log_replay *log_replay_new(void);
void log_replay_free(struct log_replay *replay);

/*
 * Makes a report (REPORT_REPLAY), *@report. It is valid until the next one is made, and no longer
 * than what it is made from. Returns 0; -ESTALE if the recorder was closed meanwhile and its slot
 * used again; -ENOMEM; or an error from reading the log.
 */
int log_replay_make(struct log_replay *replay, struct memory_log *log,
		    const struct log_recorder *recorder, const struct log_owner *owner,
		    struct report **report);

/*
 * Makes a report that only names the recorder, without context and entries. Does not read the log.
 */
struct report *log_replay_head(struct log_replay *replay, const struct log_recorder *recorder,
			       const struct log_owner *owner);

/* How many entries were logged to the recorder of the report just made, kept or not. */
uint64_t log_replay_logged(const struct log_replay *replay);

/*
 * Leaves the first @logged entries out of the report just made. Returns how many of the later ones
 * are missing.
 */
uint64_t log_replay_skip(struct log_replay *replay, uint64_t logged);

/* Goes on to the next entry, in a report of one. */
void log_replay_next(struct log_replay *replay);

/* Removes what was logged later than @real_ns (CLOCK_REALTIME) from the report just made. */
void log_replay_cut(struct log_replay *replay, uint64_t real_ns);

#endif /* FLIGHTREC_LOG_REPLAY_H */
