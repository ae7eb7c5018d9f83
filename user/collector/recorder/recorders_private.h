/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of struct recorders, for the files of recorder/ and their tests only. */
#ifndef FLIGHTREC_RECORDERS_PRIVATE_H
#define FLIGHTREC_RECORDERS_PRIVATE_H

#include <sys/types.h>

#include "collector/kernel/tracker.h"
#include "collector/recorder/agenda.h"
#include "collector/recorder/process_table.h"
#include "collector/recorder/recorder_table.h"
#include "collector/recorder/recorders.h"
#include "collector/recorder/replay.h"

/*
 * A recorder whose last entries are still on their way; or, if slot is FR_NONE, a process that has
 * ended but may have entries in the rings.
 */
struct waiting {
	uint32_t slot;
	uint32_t generation;
	uint32_t process;
	uint8_t what;      /* AGENDA_SETTLE or AGENDA_REPLAY */
	uint64_t until_ns; /* CLOCK_MONOTONIC; then it is reported without them */
	uint64_t drained;  /* as tracker_drained(): when what is in the rings now is taken */
};

/* A copy of the library in a process, in which to look for open recorders. */
struct pending_adoption {
	pid_t pid;
	uint64_t state;   /* address of the library's struct flightrec_state */
	uint64_t live_ns; /* when its probes were live, CLOCK_MONOTONIC */
	bool again;       /* it was looked at once */
	bool future;      /* times in the future were told of */
};

/* Slots of settled recorders, to be given back to BPF together. */
struct releases {
	size_t n;
	uint32_t slot[FR_RELEASE_MAX];
	uint32_t generation[FR_RELEASE_MAX];
};

/*
 * Used by one thread, and calls do not nest: notices put work on the agenda, entries go into tables
 * and buffers, and settlement_work() makes reports of what is there. emit() must not call any of
 * these functions. `replay` holds one report at a time, which goes to emit() as soon as it is made.
 *
 * What holds between two calls from outside is listed in recorders_check.c.
 */
struct recorders {
	struct tracker *tracker; /* borrowed */
	struct recorders_options options;
	struct process_table processes;
	struct recorder_table table;
	struct replay replay;
	/* settlement.c's, waiting.c's */
	struct agenda agenda;
	struct releases releases; /* these are settled: nothing of them is reported again */
	struct waiting *waiting; /* once for each reason, which is also in held_recorder::waiting */
	size_t n_waiting;
	size_t waiting_room;
	size_t next_waiting;       /* where the next look begins */
	uint64_t last_deadline_ns; /* later ones are ignored, at the end of a session; 0: none */
	uint64_t reports;
	bool done; /* the reports asked for are written */
	struct recorders_counts counts;
	uint64_t tell_held_back_ns; /* when to report how much was held back; 0: nothing was */
	/* adoption.c's */
	struct pending_adoption *adoptions;
	size_t n_adoptions;
	size_t adoptions_room;
	uint64_t adopt_again_ns; /* when the next second look is due, CLOCK_MONOTONIC; 0: none is */
};

/* Put on the agenda what is to be done for a slot, or for a process. */
static inline void recorders_plan_slot(struct recorders *r, uint32_t index, uint8_t what)
{
	uint32_t process = tracker_slot_process(r->tracker, index);

	agenda_add_slot(&r->agenda, process, tracker_process_uid(r->tracker, process), index, what);
}

static inline void recorders_plan_process(struct recorders *r, uint32_t index)
{
	agenda_add_process(&r->agenda, index, tracker_process_uid(r->tracker, index));
}

#endif /* FLIGHTREC_RECORDERS_PRIVATE_H */
