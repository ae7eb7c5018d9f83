/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Members that want a turn at a time of their own each. Those whose time has come are served in
 * fair turns of their groups and of each other (fair_queue.h), so that one that is due now and then
 * does not wait for all that others have due.
 *
 * All memory is taken at the start; nothing below fails. Not thread-safe.
 */
#ifndef FLIGHTREC_DUE_QUEUE_H
#define FLIGHTREC_DUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/base/fair_queue.h"

#define DUE_NEVER UINT64_MAX

struct due_member;

struct due_queue {
	struct fair_queue turns; /* of those whose time has come */
	struct due_member *member;
	uint32_t *heap; /* of the others that have a time, the earliest on top */
	uint32_t n;     /* of these */
	uint32_t members;
	uint32_t served; /* or FAIR_QUEUE_NONE */
};

/* Members are numbers below @members. Returns 0 or -ENOMEM. */
int due_queue_init(struct due_queue *queue, uint32_t members);
/* Zeroed, or freed already: does nothing. */
void due_queue_free(struct due_queue *queue);

/* A member begins, is of @group from now on, and has no time yet. */
void due_queue_begin(struct due_queue *queue, uint32_t member, uint32_t group);
/* It ends: it has no time any more. */
void due_queue_end(struct due_queue *queue, uint32_t member);

/*
 * Sets a member's time; DUE_NEVER: it has none. Of the one that has its turn this is when it wants
 * the next one; it has none unless this is said.
 */
void due_queue_set(struct due_queue *queue, uint32_t member, uint64_t due);

/* Takes the one whose turn it is; FAIR_QUEUE_NONE: it is nobody's time. */
uint32_t due_queue_take(struct due_queue *queue, uint64_t now);
/* That turn is over. */
void due_queue_charge(struct due_queue *queue, uint64_t cost);

/* The earliest time of all; 0: somebody waits for a turn; DUE_NEVER: nobody has a time. */
uint64_t due_queue_next(const struct due_queue *queue);

/* Whether all is as it should be: for tests. */
bool due_queue_check(const struct due_queue *queue);

#endif /* FLIGHTREC_DUE_QUEUE_H */
