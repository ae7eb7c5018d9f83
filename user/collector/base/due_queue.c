// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/due_queue.h"

#include <errno.h>
#include <stdlib.h>

/* More groups than that share their turns. */
#define GROUPS 1024

struct due_member {
	uint64_t due;
	uint32_t group;
	uint32_t at; /* its place in the heap, plus 1; 0: it is not there */
	bool ready;  /* it is in `turns`; if its time was changed since, it is passed over there */
};

int due_queue_init(struct due_queue *q, uint32_t members)
{
	*q = (struct due_queue){.members = members, .served = FAIR_QUEUE_NONE};
	q->member = calloc(members, sizeof(*q->member));
	q->heap = calloc(members, sizeof(*q->heap));
	if (q->member && q->heap && !fair_queue_init(&q->turns, members, GROUPS))
		return 0;
	due_queue_free(q);
	return -ENOMEM;
}

void due_queue_free(struct due_queue *q)
{
	fair_queue_free(&q->turns);
	free(q->member);
	free(q->heap);
	q->member = NULL;
	q->heap = NULL;
}

/* ---- the heap ---- */

static uint64_t due_at(const struct due_queue *q, uint32_t place)
{
	return q->member[q->heap[place]].due;
}

static void put(struct due_queue *q, uint32_t place, uint32_t member)
{
	q->heap[place] = member;
	q->member[member].at = place + 1;
}

static void sift(struct due_queue *q, uint32_t place)
{
	uint32_t member = q->heap[place];
	uint64_t due = q->member[member].due;

	while (place && due < due_at(q, (place - 1) / 2)) {
		put(q, place, q->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < q->n && due_at(q, child + 1) < due_at(q, child))
			child++;
		if (child >= q->n || due_at(q, child) >= due)
			break;
		put(q, place, q->heap[child]);
		place = child;
	}
	put(q, place, member);
}

static void leave_heap(struct due_queue *q, uint32_t member)
{
	uint32_t place = q->member[member].at - 1;

	q->member[member].at = 0;
	if (place == --q->n)
		return;
	put(q, place, q->heap[q->n]);
	sift(q, place);
}

/* Where it belongs, by its time. */
static void settle(struct due_queue *q, uint32_t member)
{
	struct due_member *m = &q->member[member];

	if (m->ready || member == q->served)
		return;
	if (m->due == DUE_NEVER) {
		if (m->at)
			leave_heap(q, member);
		return;
	}
	if (!m->at)
		put(q, q->n++, member);
	sift(q, m->at - 1);
}

/* ---- members ---- */

void due_queue_begin(struct due_queue *q, uint32_t member, uint32_t group)
{
	due_queue_end(q, member);
	q->member[member].group = group % GROUPS;
	fair_queue_forget(&q->turns, member);
}

void due_queue_end(struct due_queue *q, uint32_t member)
{
	due_queue_set(q, member, DUE_NEVER);
}

void due_queue_set(struct due_queue *q, uint32_t member, uint64_t due)
{
	q->member[member].due = due;
	settle(q, member);
}

uint32_t due_queue_take(struct due_queue *q, uint64_t now)
{
	uint32_t member;

	while (q->n && due_at(q, 0) <= now) {
		member = q->heap[0];
		leave_heap(q, member);
		q->member[member].ready = true;
		fair_queue_add(&q->turns, member, q->member[member].group);
	}
	while ((member = fair_queue_take(&q->turns)) != FAIR_QUEUE_NONE) {
		q->member[member].ready = false;
		if (q->member[member].due <= now) {
			q->member[member].due = DUE_NEVER;
			break;
		}
		fair_queue_charge(&q->turns, 0, false);
		settle(q, member);
	}
	q->served = member;
	return member;
}

void due_queue_charge(struct due_queue *q, uint64_t cost)
{
	uint32_t member = q->served;

	q->served = FAIR_QUEUE_NONE;
	fair_queue_charge(&q->turns, cost, false);
	settle(q, member);
}

uint64_t due_queue_next(const struct due_queue *q)
{
	if (!fair_queue_is_empty(&q->turns))
		return 0;
	return q->n ? due_at(q, 0) : DUE_NEVER;
}

bool due_queue_check(const struct due_queue *q)
{
	uint32_t in_heap = 0;

	for (uint32_t i = 0; i < q->members; i++) {
		const struct due_member *m = &q->member[i];

		in_heap += m->at != 0;
		if (m->at &&
		    (m->at > q->n || q->heap[m->at - 1] != i || m->ready || m->due == DUE_NEVER))
			return false;
		if (m->at > 1 && due_at(q, (m->at - 2) / 2) > m->due)
			return false;
	}
	return in_heap == q->n && fair_queue_check(&q->turns);
}
