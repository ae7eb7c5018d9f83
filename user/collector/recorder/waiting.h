/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorders whose last entries are still on their way, and processes that ended with entries in the
 * rings. They go on the agenda when the entries have come, or have had enough time to.
 */
#ifndef FLIGHTREC_WAITING_H
#define FLIGHTREC_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct recorders;

/* How often they are looked at. */
#define WAITING_STEP_MS 2

/*
 * Waits for the entries of the recorder in @slot; then @what is to be done for it (agenda.h).
 * Returns false if there is no memory to do so.
 */
bool waiting_add(struct recorders *recorders, uint32_t slot, uint8_t what);
/* Waits until the rings have been emptied of what is in them now. */
void waiting_add_process(struct recorders *recorders, uint32_t process);

/* Looks at some of them; with @force at all, and waits no longer. */
void waiting_look(struct recorders *recorders, bool force);

#endif /* FLIGHTREC_WAITING_H */
