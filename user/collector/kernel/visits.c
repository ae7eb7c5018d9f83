// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/visits.h"

#include <errno.h>
#include <stdlib.h>

int visits_init(struct visits *v, uint32_t slots)
{
	*v = (struct visits){.slots = slots};
	v->heap = calloc(slots, sizeof(*v->heap));
	v->place = calloc(slots, sizeof(*v->place));
	if (v->heap && v->place)
		return 0;
	visits_free(v);
	return -ENOMEM;
}

void visits_free(struct visits *v)
{
	free(v->heap);
	free(v->place);
	*v = (struct visits){0};
}

static void put(struct visits *v, uint32_t at, struct visit visit)
{
	v->heap[at] = visit;
	v->place[visit.slot] = at + 1;
}

static void sift_up(struct visits *v, uint32_t at)
{
	struct visit visit = v->heap[at];

	while (at) {
		uint32_t parent = (at - 1) / 2;

		if (v->heap[parent].when_ns <= visit.when_ns)
			break;
		put(v, at, v->heap[parent]);
		at = parent;
	}
	put(v, at, visit);
}

static void sift_down(struct visits *v, uint32_t at)
{
	struct visit visit = v->heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= v->n)
			break;
		if (child + 1 < v->n && v->heap[child + 1].when_ns < v->heap[child].when_ns)
			child++;
		if (v->heap[child].when_ns >= visit.when_ns)
			break;
		put(v, at, v->heap[child]);
		at = child;
	}
	put(v, at, visit);
}

void visits_add(struct visits *v, uint32_t slot, uint64_t when_ns)
{
	uint32_t at;

	if (slot >= v->slots)
		return;
	if (v->place[slot]) {
		at = v->place[slot] - 1;
		if (v->heap[at].when_ns <= when_ns)
			return;
		v->heap[at].when_ns = when_ns;
	} else {
		at = v->n++;
		v->heap[at] = (struct visit){when_ns, slot};
	}
	sift_up(v, at);
}

uint64_t visits_next(const struct visits *v)
{
	return v->n ? v->heap[0].when_ns : UINT64_MAX;
}

size_t visits_take(struct visits *v, uint64_t now_ns, uint32_t *slots, size_t max)
{
	size_t taken = 0;

	while (taken < max && visits_next(v) <= now_ns) {
		slots[taken++] = v->heap[0].slot;
		v->place[v->heap[0].slot] = 0;
		v->heap[0] = v->heap[--v->n];
		if (v->n)
			sift_down(v, 0);
	}
	return taken;
}

bool visits_check(const struct visits *v)
{
	uint32_t placed = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		if (v->heap[i].slot >= v->slots || v->place[v->heap[i].slot] != i + 1)
			return false;
		if (i && v->heap[(i - 1) / 2].when_ns > v->heap[i].when_ns)
			return false;
	}
	for (uint32_t slot = 0; slot < v->slots; slot++)
		placed += v->place[slot] != 0;
	return placed == v->n;
}
