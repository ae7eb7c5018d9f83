/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be said of a recorder, and when: its replay, once all its entries are there; then
 * what became of it, and its slot goes back to the kernel's side.
 */
#ifndef FLIGHTREC_SETTLEMENT_H
#define FLIGHTREC_SETTLEMENT_H

#include <stdbool.h>

#include "collector/kernel/tracker.h"

struct recorders;

/* How often those that wait for entries are looked at. */
#define SETTLEMENT_STEP_MS 2

/*
 * Reports a recorder that timed out, was closed late, or was closed after it had asked for a
 * replay: now, or when its entries have come.
 */
void settlement_begin(struct recorders *recorders, uint32_t slot, uint32_t generation);

/* Gives back the slots of those of which all is said. */
void settlement_release(struct recorders *recorders);

/* Looks again at those that wait for entries; @force: waits for none any longer. */
void settlement_continue(struct recorders *recorders, bool force);

/* Reports the recorders of a process that ended, drops the others, and frees its slot. */
void settlement_process(struct recorders *recorders, uint32_t index,
			const struct process_slot *dead);

/* Replays a recorder because it was asked for, if it is open and was not replayed for that. */
void settlement_replay(struct recorders *recorders, uint32_t slot, uint32_t generation);

/* Reports an entry that belongs to no open recorder, or to one that was replayed already. */
void settlement_stray(struct recorders *recorders, const struct entry_record *record);
void settlement_late_entry(struct recorders *recorders, const struct entry_record *record);

#endif /* FLIGHTREC_SETTLEMENT_H */
