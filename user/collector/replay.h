/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes reports of recorders: formats what was only packed until now. */
#ifndef FLIGHTREC_REPLAY_H
#define FLIGHTREC_REPLAY_H

#include "collector/process_table.h"
#include "collector/recorder_table.h"
#include "collector/report.h"

/* Owns the strings of a report; zero it before use. */
struct replay {
	struct report report;
	struct report_entry *entries;
	size_t n_entries;
	size_t room;
	struct report_context *context;
	char *state;
};

/*
 * Fills in @replay->report for an event of the recorder in @slot (a copy, taken while the slot
 * was the recorder's). @held may be NULL. Entries and context are for TIMEOUT and REPLAY.
 */
void replay_recorder(struct replay *replay, enum report_event event,
		     const struct recorder_slot *slot, const struct held_recorder *held,
		     struct observed_process *process);

/* Fills it in for one entry; @slot is NULL if its recorder is not open. */
void replay_entry(struct replay *replay, const struct recorder_slot *slot,
		  struct observed_process *process, const struct entry_record *record);

void replay_free(struct replay *replay);

#endif /* FLIGHTREC_REPLAY_H */
