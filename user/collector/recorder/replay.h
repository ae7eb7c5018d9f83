/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes reports of recorders: formats what was only packed until now. */
#ifndef FLIGHTREC_REPLAY_H
#define FLIGHTREC_REPLAY_H

#include "collector/recorder/history.h"
#include "collector/recorder/process_table.h"
#include "collector/recorder/recorder_table.h"
#include "collector/report/report.h"

/* A message is cut beyond this; the entry itself holds at most FR_ENTRY_DATA_MAX bytes. */
#define REPLAY_MESSAGE_MAX 8192
/* An item takes 6 bytes at least. */
#define REPLAY_CONTEXT_MAX (FR_CONTEXT_MAX / 6 + 1)

/* An entry with its full number, of which the record has the lower half. */
struct replay_record {
	uint64_t sequence;
	const struct entry_record *record;
};

/*
 * Makes one report after the other; zeroed it is ready. A report is good until the next one is
 * made, and as long as what it was made of: its entries are rendered when they are asked for.
 */
struct replay {
	struct report report;
	struct observed_process *process;
	uint64_t now_ns; /* CLOCK_MONOTONIC, of the report */
	uint64_t started_ns;
	uint64_t real_offset;          /* of CLOCK_REALTIME from CLOCK_MONOTONIC; see set_times() */
	struct replay_record *records; /* in their order */
	size_t n_records;
	size_t room;
	size_t n_head; /* of these, first ones */
	struct report_context context[REPLAY_CONTEXT_MAX];
	char message[REPLAY_MESSAGE_MAX];
	struct history *history; /* NULL: not needed yet */
};

/*
 * Makes @replay->report for an event of the recorder in @slot (a copy, taken while the slot was
 * the recorder's). @held may be NULL; it keeps what all reports of the recorder have to
 * agree on. Entries and context are for TIMEOUT and REPLAY.
 */
void replay_recorder(struct replay *replay, enum report_event event,
		     const struct recorder_slot *slot, struct held_recorder *held,
		     struct observed_process *process);

/*
 * Makes it for one entry; @slot is NULL if its recorder is not open, and then @held is, too.
 * Returns false if there is no memory for it.
 */
bool replay_entry(struct replay *replay, const struct recorder_slot *slot,
		  struct held_recorder *held, struct observed_process *process,
		  const struct entry_record *record);

/* Makes it for the entries of @process, as many as @count, that were not written. */
void replay_held_back(struct replay *replay, struct observed_process *process, uint64_t count);

void replay_free(struct replay *replay);

#endif /* FLIGHTREC_REPLAY_H */
