/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes reports of recorders: formats what has only been packed so far. */
#ifndef FLIGHTREC_REPLAY_H
#define FLIGHTREC_REPLAY_H

#include "collector/recorder/history.h"
#include "collector/recorder/process_table.h"
#include "collector/recorder/recorder_table.h"
#include "collector/recorder/span_view.h"
#include "collector/report/report.h"

/* Longer messages are cut. The entry itself holds at most FR_ENTRY_DATA_MAX bytes. */
#define REPLAY_MESSAGE_MAX 8192
/* An item is at least 6 bytes. */
#define REPLAY_CONTEXT_MAX (FR_CONTEXT_MAX / 6 + 1)

/* An entry with its full number, of which the record has only the lower half. */
struct replay_record {
	uint64_t sequence;
	const struct entry_record *record;
};

/*
 * Makes one report after another. Zeroed, it is ready. A report is valid until the next one is
 * made, and as long as what it was made from: its entries are rendered when they are fetched.
 */
struct replay {
	struct tracker *tracker;      /* for spans; borrowed */
	const struct span_set *spans; /* NULL: there are none; borrowed */
	struct span_view span;
	uint32_t index; /* of the slot that the next report is about; to be set before */
	struct report report;
	struct observed_process *process;
	uint64_t now_ns; /* CLOCK_MONOTONIC, at the time of the report */
	uint64_t started_ns;
	uint64_t real_offset;          /* CLOCK_REALTIME minus CLOCK_MONOTONIC; see set_times() */
	struct replay_record *records; /* in order */
	size_t n_records;
	size_t room;
	size_t n_head; /* how many of them are first entries */
	struct report_context context[REPLAY_CONTEXT_MAX];
	char message[REPLAY_MESSAGE_MAX];
	struct history *history; /* NULL until it is needed */
};

/*
 * Makes @replay->report for an event of the recorder in @slot (a copy from the time when the slot
 * was the recorder's). @held may be NULL; it remembers what all reports of the recorder must agree
 * on. Only TIMEOUT and REPLAY have entries and context.
 */
void replay_recorder(struct replay *replay, enum report_event event,
		     const struct recorder_slot *slot, struct held_recorder *held,
		     struct observed_process *process);

/*
 * Makes it for a single entry. @slot, and then @held as well, is NULL if its recorder is not open.
 * Returns false if there is no memory.
 */
bool replay_entry(struct replay *replay, const struct recorder_slot *slot,
		  struct held_recorder *held, struct observed_process *process,
		  const struct entry_record *record);

/*
 * Whether the slot's span has been left, though nothing told that: then it has not timed out. The
 * kernel has counted it so.
 */
bool replay_is_gone(const struct replay *replay, const struct recorder_slot *slot,
		    const struct observed_process *process);

/* Makes it for @count entries of @process that were not written. */
void replay_held_back(struct replay *replay, struct observed_process *process, uint64_t count);

void replay_free(struct replay *replay);

#endif /* FLIGHTREC_REPLAY_H */
