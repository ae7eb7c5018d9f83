// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/fair_queue.h"

#include <errno.h>
#include <stdlib.h>

#define NONE FAIR_QUEUE_NONE

/*
 * A member or a group. While it is queued it is in a pairing heap of its kind, with the least `tag`
 * on top, and among equal ones the one that came first.
 */
struct fair_node {
	uint64_t tag;   /* what it has been charged, but not less than those served meanwhile */
	uint64_t order; /* when it was added */
	uint32_t child; /* the first one below it in the heap; or none */
	uint32_t next;  /* the next one beside it */
	bool queued;
	uint32_t group; /* a member's */
	uint32_t first; /* a group's heap of members */
	uint64_t now;   /* a group's: what the member served last had been charged */
};

int fair_queue_init(struct fair_queue *q, uint32_t members, uint32_t groups)
{
	*q = (struct fair_queue){
		.members = members, .groups = groups, .first = NONE, .served = NONE};
	q->node = calloc((size_t)members + groups, sizeof(*q->node));
	if (!q->node)
		return -ENOMEM;
	for (uint32_t i = 0; i < groups; i++)
		q->node[members + i].first = NONE;
	return 0;
}

void fair_queue_free(struct fair_queue *q)
{
	free(q->node);
	q->node = NULL;
}

/* ---- pairing heaps ---- */

static bool is_before(const struct fair_node *a, const struct fair_node *b)
{
	return a->tag < b->tag || (a->tag == b->tag && a->order < b->order);
}

static uint32_t meld(struct fair_queue *q, uint32_t a, uint32_t b)
{
	uint32_t top = a, below = b;

	if (a == NONE || b == NONE)
		return a == NONE ? b : a;
	if (is_before(&q->node[b], &q->node[a])) {
		top = b;
		below = a;
	}
	q->node[below].next = q->node[top].child;
	q->node[top].child = below;
	return top;
}

static void push(struct fair_queue *q, uint32_t *heap, uint32_t at, uint64_t now)
{
	struct fair_node *node = &q->node[at];

	if (node->tag < now)
		node->tag = now;
	node->order = q->added++;
	node->child = node->next = NONE;
	node->queued = true;
	*heap = meld(q, *heap, at);
}

/* Melds those below the top in pairs, then melds the pairs. */
static uint32_t pop(struct fair_queue *q, uint32_t *heap)
{
	uint32_t top = *heap, at = q->node[top].child, pairs = NONE;

	while (at != NONE) {
		uint32_t a = at, b = q->node[a].next, pair;

		at = b == NONE ? NONE : q->node[b].next;
		q->node[a].next = NONE;
		if (b != NONE)
			q->node[b].next = NONE;
		pair = meld(q, a, b);
		q->node[pair].next = pairs;
		pairs = pair;
	}
	*heap = NONE;
	while (pairs != NONE) {
		uint32_t pair = pairs;

		pairs = q->node[pair].next;
		q->node[pair].next = NONE;
		*heap = meld(q, *heap, pair);
	}
	q->node[top].child = NONE;
	q->node[top].queued = false;
	return top;
}

/* ---- turns ---- */

static uint32_t group_of(const struct fair_queue *q, uint32_t member)
{
	return q->members + q->node[member].group;
}

void fair_queue_add(struct fair_queue *q, uint32_t member, uint32_t group)
{
	struct fair_node *node = &q->node[member];
	uint32_t at = q->members + group;

	if (node->queued || member == q->served)
		return;
	node->group = group;
	push(q, &q->node[at].first, member, q->node[at].now);
	/* The group that is served goes back when the turn is over. */
	if (!q->node[at].queued && (q->served == NONE || group_of(q, q->served) != at))
		push(q, &q->first, at, q->now);
}

bool fair_queue_is_empty(const struct fair_queue *q)
{
	return q->first == NONE;
}

uint32_t fair_queue_take(struct fair_queue *q)
{
	struct fair_node *group;
	uint32_t at;

	if (q->first == NONE)
		return NONE;
	at = pop(q, &q->first);
	group = &q->node[at];
	q->now = group->tag;
	q->served = pop(q, &group->first);
	group->now = q->node[q->served].tag;
	return q->served;
}

void fair_queue_charge(struct fair_queue *q, uint64_t cost, bool again)
{
	uint32_t member = q->served, at = group_of(q, member);
	struct fair_node *node = &q->node[member], *group = &q->node[at];

	q->served = NONE;
	node->tag += cost;
	group->tag += cost;
	if (again)
		push(q, &group->first, member, group->now);
	if (group->first != NONE)
		push(q, &q->first, at, q->now);
}

void fair_queue_forget(struct fair_queue *q, uint32_t member)
{
	struct fair_node *node = &q->node[member];

	if (!node->queued && member != q->served)
		node->tag = 0;
}

/* ---- for tests ---- */

/* Returns how many there are, or SIZE_MAX: they are not in order, or one is not said to be there.
 */
static size_t count_heap(const struct fair_queue *q, uint32_t top)
{
	size_t n = 1;

	if (top == NONE)
		return 0;
	if (!q->node[top].queued)
		return SIZE_MAX;
	for (uint32_t at = q->node[top].child; at != NONE; at = q->node[at].next) {
		size_t below = count_heap(q, at);

		if (below == SIZE_MAX || is_before(&q->node[at], &q->node[top]))
			return SIZE_MAX;
		n += below;
	}
	return n;
}

bool fair_queue_check(const struct fair_queue *q)
{
	size_t queued_members = 0, queued_groups = 0, in_groups = 0;

	for (uint32_t i = 0; i < q->members; i++)
		queued_members += q->node[i].queued;
	for (uint32_t i = q->members; i < q->members + q->groups; i++) {
		size_t n = count_heap(q, q->node[i].first);

		if (n == SIZE_MAX)
			return false;
		in_groups += n;
		queued_groups += q->node[i].queued;
		if (n && !q->node[i].queued && (q->served == NONE || group_of(q, q->served) != i))
			return false;
	}
	return in_groups == queued_members && count_heap(q, q->first) == queued_groups;
}
