/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots that the collector is to have looked at in place of the wheel, by time: NOTICE_UNQUEUED.
 *
 * A heap, the earliest on top, with one entry a slot at most: a visit finds out what else is to be
 * done for the slot, so a later time need not be kept beside an earlier one. All memory is taken
 * at the start; adding never fails. Not thread-safe.
 */
#ifndef FLIGHTREC_VISITS_H
#define FLIGHTREC_VISITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct visit {
	uint64_t when_ns;
	uint32_t slot;
};

struct visits {
	struct visit *heap;
	uint32_t *place; /* by slot: where it stands in the heap, plus 1; 0: nowhere */
	uint32_t n;
	uint32_t slots;
};

/* For slots below @slots. Returns 0 or -ENOMEM. */
int visits_init(struct visits *visits, uint32_t slots);
/* Zeroed, or freed already: does nothing. */
void visits_free(struct visits *visits);

/* Adds a slot, or moves it forward; one that is due earlier already stays as it is. */
void visits_add(struct visits *visits, uint32_t slot, uint64_t when_ns);

/* When the next one is due, CLOCK_MONOTONIC; UINT64_MAX: there is none. */
uint64_t visits_next(const struct visits *visits);

/* Takes out those that are due, @max at most, earliest first; returns how many. */
size_t visits_take(struct visits *visits, uint64_t now_ns, uint32_t *slots, size_t max);

/* Whether all is as it should be: for tests. */
bool visits_check(const struct visits *visits);

#endif /* FLIGHTREC_VISITS_H */
