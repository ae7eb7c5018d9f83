/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is still to be done for recorders, in turns. Each process has a queue of slots that need
 * something done. What that is, is a set of bits, so a slot is queued only once, however often the
 * process asks. Turns are shared fairly among users, and then among the processes of a user
 * (fair_queue.h): a process with one recorder due is not held up by one with thousands.
 *
 * All memory is taken at the start; adding never fails. Not thread-safe.
 */
#ifndef FLIGHTREC_AGENDA_H
#define FLIGHTREC_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/fair_queue.h"

/* For a slot. */
#define AGENDA_SETTLE 1u /* report what there is to report of its recorder */
#define AGENDA_REPLAY 2u /* write the replay that its program asked for */
/* The same without waiting for entries any longer. */
#define AGENDA_FORCED(what) ((what) << 2)

struct agenda_process;

struct agenda {
	struct fair_queue turns;
	struct agenda_process *process;
	uint32_t *next; /* by slot: the one behind it in its queue, plus 1 */
	uint8_t *what;  /* by slot: what is to be done; 0: it is in no queue */
	uint32_t slots;
	uint32_t processes;
	uint32_t wanted; /* slots and processes in the queues */
};

/* Returns 0 or -ENOMEM. */
int agenda_init(struct agenda *agenda, uint32_t slots, uint32_t processes);
/* Zeroed, or freed already: does nothing. */
void agenda_free(struct agenda *agenda);

/* Something is to be done for a slot of @process, which belongs to user @uid. */
void agenda_add_slot(struct agenda *agenda, uint32_t process, uint32_t uid, uint32_t slot,
		     uint8_t what);
/* Something is to be done for the process itself, after its slots. */
void agenda_add_process(struct agenda *agenda, uint32_t process, uint32_t uid);

/* Begins a turn. Returns the process; FAIR_QUEUE_NONE: there is nothing to do. */
uint32_t agenda_begin_turn(struct agenda *agenda);
/*
 * Takes what is next for the process that has the turn. Returns false if there is nothing. *@slot
 * is FR_NONE, and *@what 0, if it is about the process itself.
 */
bool agenda_take(struct agenda *agenda, uint32_t *slot, uint8_t *what);
void agenda_end_turn(struct agenda *agenda, uint64_t cost_ns);

/* How far the work for the process itself has come, if it is done in pieces; 0 at first. */
uint32_t *agenda_progress(struct agenda *agenda, uint32_t process);

/* The process slot now has another process. */
void agenda_forget(struct agenda *agenda, uint32_t process);

/* Whether all is as it should be: for tests and debug builds. */
bool agenda_check(const struct agenda *agenda);

#endif /* FLIGHTREC_AGENDA_H */
