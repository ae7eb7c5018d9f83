/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is reported of a recorder, and when: its replay as soon as all its entries are here; then
 * what became of it. After that its slot is given back to BPF.
 */
#ifndef FLIGHTREC_SETTLEMENT_H
#define FLIGHTREC_SETTLEMENT_H

#include <stdbool.h>

#include "collector/kernel/tracker.h"

struct recorders;

/*
 * A recorder timed out, was closed late, or was closed after a replay was asked for. It will be
 * reported as soon as its entries have arrived.
 */
void settlement_begin(struct recorders *recorders, uint32_t slot);
/* Its program asked for a replay. One will be made, if it is open and there was none since. */
void settlement_replay(struct recorders *recorders, uint32_t slot);
/*
 * A process ended, or called execve(). When everything that is in the rings now has been taken, its
 * late recorders will be reported, the others dropped, and its slot released.
 */
void settlement_process(struct recorders *recorders, uint32_t index);

/*
 * Does what is on the agenda, in turns of the processes, and begins nothing new after @max_ns.
 * Returns whether something is left.
 */
bool settlement_work(struct recorders *recorders, uint64_t max_ns);

/* Releases the slots of recorders that are settled. */
void settlement_release(struct recorders *recorders);

/* Looks at the recorders that wait for entries; with @force, they wait no longer. */
void settlement_continue(struct recorders *recorders, bool force);

#endif /* FLIGHTREC_SETTLEMENT_H */
