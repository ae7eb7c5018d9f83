// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/recorder_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MIN 256

int recorder_table_init(struct recorder_table *table, struct tracker *tracker, size_t memory)
{
	uint32_t slots = tracker_limits(tracker).slots;
	struct held_recorder **by_slot = calloc(slots, sizeof(*by_slot));
	uint32_t *list = calloc(slots, sizeof(*list));

	*table = (struct recorder_table){.tracker = tracker, .sweep_at = SWEEP_MIN};
	if (!by_slot || !list) {
		free(by_slot);
		free(list);
		return -ENOMEM;
	}
	table->budget.limit = memory;
	table->by_slot = by_slot;
	table->list = list;
	return 0;
}

void recorder_table_free(struct recorder_table *table)
{
	while (table->listed)
		recorder_table_drop(table, table->list[table->listed - 1]);
	free(table->by_slot);
	free(table->list);
	table->by_slot = NULL;
	table->list = NULL;
}

struct held_recorder *recorder_table_find(const struct recorder_table *table, uint32_t slot,
					  uint32_t generation)
{
	struct held_recorder *held = table->by_slot[slot];

	return held && held->generation == generation ? held : NULL;
}

struct held_recorder *recorder_table_get(struct recorder_table *table, uint32_t slot,
					 uint32_t generation)
{
	struct held_recorder *held = table->by_slot[slot];

	if (held && held->generation == generation)
		return held;
	if (held)
		recorder_table_drop(table, slot);
	held = calloc(1, sizeof(*held));
	if (!held)
		return NULL;
	held->generation = generation;
	held->listed = table->listed;
	table->list[table->listed++] = slot;
	table->by_slot[slot] = held;
	return held;
}

void held_recorder_set_context(struct held_recorder *held, const void *data, size_t size)
{
	free(held->context);
	held->context_size = 0;
	held->context = size && size <= FR_CONTEXT_MAX ? malloc(size) : NULL;
	if (!held->context)
		return;
	memcpy(held->context, data, size);
	held->context_size = (uint16_t)size;
}

void recorder_table_drop(struct recorder_table *table, uint32_t slot)
{
	struct held_recorder *held = table->by_slot[slot];
	uint32_t last;

	if (!held)
		return;
	entry_buffer_clear(&held->entries, &table->budget);
	free(held->context);
	last = table->list[--table->listed];
	table->list[held->listed] = last;
	table->by_slot[last]->listed = held->listed;
	table->by_slot[slot] = NULL;
	free(held);
}

static bool is_open(const struct recorder_table *table, uint32_t slot)
{
	uint64_t word = tracker_slot_word(table->tracker, slot);

	return FR_WORD_GENERATION(word) == table->by_slot[slot]->generation &&
	       FR_WORD_STATE(word) != RECORDER_FREE;
}

void recorder_table_sweep(struct recorder_table *table)
{
	/*
	 * A sweep costs as much as there are recorders listed, and doubles the number at which the
	 * next one comes: constant cost per entry.
	 */
	if (table->listed < table->sweep_at && table->budget.used < table->budget.limit / 2)
		return;
	for (uint32_t i = table->listed; i-- > 0;) {
		if (!is_open(table, table->list[i]))
			recorder_table_drop(table, table->list[i]);
	}
	table->sweep_at = table->listed * 2 > SWEEP_MIN ? table->listed * 2 : SWEEP_MIN;
}
