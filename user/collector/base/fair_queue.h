/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is: start-time fair queueing (Goyal, Vin and Cheng 1996), by group and, within a
 * group, by member. A member that has something to do is in the queue once. Each turn is charged
 * with what it cost, and the next turn goes to the member that has been charged least. A member
 * that was away does not save up turns: it counts as charged as much as the one being served. So a
 * member that asks for little waits for one turn of each other member that came before it, however
 * much these ask for.
 *
 * All memory is taken at the start; adding never fails. Not thread-safe.
 */
#ifndef FLIGHTREC_FAIR_QUEUE_H
#define FLIGHTREC_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAIR_QUEUE_NONE UINT32_MAX

struct fair_node;

struct fair_queue {
	struct fair_node *node; /* members, then groups */
	uint32_t members;
	uint32_t groups;
	uint32_t first;  /* of a heap of groups */
	uint32_t served; /* member that is having its turn; or none */
	uint64_t now;    /* what the group that is served has been charged with */
	uint64_t added;
};

/* Members and groups are numbers below @members and @groups. Returns 0 or -ENOMEM. */
int fair_queue_init(struct fair_queue *queue, uint32_t members, uint32_t groups);
/* Zeroed, or freed already: does nothing. */
void fair_queue_free(struct fair_queue *queue);

/* Adds a member, charged to @group. Does nothing if it is there, or has its turn. */
void fair_queue_add(struct fair_queue *queue, uint32_t member, uint32_t group);
bool fair_queue_is_empty(const struct fair_queue *queue);

/* Takes out the member whose turn it is; FAIR_QUEUE_NONE: there is none. */
uint32_t fair_queue_take(struct fair_queue *queue);
/* The turn of the member that was taken is over. @again: it goes back into the queue. */
void fair_queue_charge(struct fair_queue *queue, uint64_t cost, bool again);

/* Forgets a member's charges, as another one has its number now. */
void fair_queue_forget(struct fair_queue *queue, uint32_t member);

/* Whether everything is consistent: for tests. */
bool fair_queue_check(const struct fair_queue *queue);

#endif /* FLIGHTREC_FAIR_QUEUE_H */
