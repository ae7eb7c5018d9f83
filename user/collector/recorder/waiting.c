// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/waiting.h"

#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/recorder/recorders_private.h"

/* How long to wait for an entry that was counted but is not in a ring yet. */
#define WAIT_NS 100000000
/* How long one look at them may take. */
#define LOOK_NS 300000
#define RECORDERS_A_LOOK 64

static bool add(struct recorders *r, const struct waiting *waiting)
{
	if (array_reserve(r->waiting, r->waiting_room, r->n_waiting + 1))
		return false;
	r->waiting[r->n_waiting++] = *waiting;
	return true;
}

bool waiting_add(struct recorders *r, uint32_t index, uint8_t what)
{
	uint32_t generation = FR_WORD_GENERATION(tracker_slot_word(r->tracker, index));
	struct held_recorder *held = recorder_table_get(&r->table, index, generation);
	struct waiting waiting = {.slot = index,
				  .generation = generation,
				  .what = what,
				  .until_ns = clock_ns(CLOCK_MONOTONIC) + WAIT_NS,
				  .drained = tracker_drained_next(r->tracker)};

	if (!held)
		return false;
	if (held->waiting & what)
		return true;
	if (!add(r, &waiting))
		return false;
	held->waiting |= what;
	return true;
}

void waiting_add_process(struct recorders *r, uint32_t index)
{
	struct waiting waiting = {
		.slot = FR_NONE, .process = index, .drained = tracker_drained_next(r->tracker)};

	if (!add(r, &waiting))
		recorders_plan_process(r, index);
}

/* Returns whether the waiting is over. With UINT64_MAX for @now_ns, it always is. */
static bool goes_on(struct recorders *r, const struct waiting *waiting, uint64_t now_ns)
{
	bool drained = now_ns == UINT64_MAX || tracker_drained(r->tracker) >= waiting->drained;
	struct held_recorder *held;
	uint8_t what = waiting->what;

	if (waiting->slot == FR_NONE) {
		if (drained)
			recorders_plan_process(r, waiting->process);
		return drained;
	}
	held = recorder_table_find(&r->table, waiting->slot, waiting->generation);
	if (!held)
		return true;
	if (now_ns >= waiting->until_ns || (what == AGENDA_REPLAY && drained))
		what |= AGENDA_FORCED(what);
	else if (!tracker_slot_arrived(r->tracker, waiting->slot, held->received))
		return false;
	held->waiting &= (uint8_t)~waiting->what;
	recorders_plan_slot(r, waiting->slot, what);
	return true;
}

/* Only some of them at a time, as there may be as many as there are slots. */
void waiting_look(struct recorders *r, bool force)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), until_ns = now_ns + LOOK_NS;
	size_t looks = r->n_waiting;

	if (force)
		now_ns = until_ns = UINT64_MAX;
	while (looks--) {
		if (r->next_waiting >= r->n_waiting)
			r->next_waiting = 0;
		if (!goes_on(r, &r->waiting[r->next_waiting], now_ns))
			r->next_waiting++;
		else
			r->waiting[r->next_waiting] = r->waiting[--r->n_waiting];
		if (looks % RECORDERS_A_LOOK == 0 && clock_ns(CLOCK_MONOTONIC) >= until_ns)
			break;
	}
}
