/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots that the collector must have looked at in place of the wheel, by time: NOTICE_UNQUEUED.
 *
 * A heap with the earliest on top. It has at most one entry for each slot: a visit finds out
 * whether there must be another, so later times need not be kept. All memory is allocated at the
 * start, so adding never fails. Not thread-safe.
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
	uint32_t *place; /* by slot: its place in the heap, plus 1; 0: none */
	uint32_t n;
	uint32_t slots;
};

/* For slots below @slots. Returns 0 or -ENOMEM. */
int visits_init(struct visits *visits, uint32_t slots);
/* May be called on zeroed or freed visits. */
void visits_free(struct visits *visits);

/*
 * Adds a slot, or moves it to an earlier time. A slot that is due earlier already stays as it is.
 */
void visits_add(struct visits *visits, uint32_t slot, uint64_t when_ns);

/* When the next one is due (CLOCK_MONOTONIC); UINT64_MAX if there is none. */
uint64_t visits_next(const struct visits *visits);

/* Removes up to @max that are due, earliest first. Returns how many. */
size_t visits_take(struct visits *visits, uint64_t now_ns, uint32_t *slots, size_t max);

/* Whether everything is consistent: for tests and debug builds. */
bool visits_check(const struct visits *visits);

#endif /* FLIGHTREC_VISITS_H */
