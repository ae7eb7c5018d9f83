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

/*
 * A recorder timed out, was closed late, or was closed after it had asked for a replay: it is to be
 * reported as soon as its entries have come.
 */
void settlement_begin(struct recorders *recorders, uint32_t slot);
/* Its program asked for a replay: one is to be made if it is open, and was not made for that. */
void settlement_replay(struct recorders *recorders, uint32_t slot);
/*
 * A process ended, or called execve(): its late recorders are to be reported, the others dropped,
 * and its slot freed, when the rings are emptied of what is in them now.
 */
void settlement_process(struct recorders *recorders, uint32_t index);

/*
 * Does what is to be done, in turns of the processes, and nothing new after @max_ns. Returns
 * whether something is left.
 */
bool settlement_work(struct recorders *recorders, uint64_t max_ns);

/* Gives back the slots of those of which all is said. */
void settlement_release(struct recorders *recorders);

/* Looks at those that wait for entries; @force: waits for none any longer. */
void settlement_continue(struct recorders *recorders, bool force);

#endif /* FLIGHTREC_SETTLEMENT_H */
