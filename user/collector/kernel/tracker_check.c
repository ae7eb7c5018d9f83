// SPDX-License-Identifier: BSD-2-Clause
/*
 * What must hold for the maps at any moment, while BPF programs write to them. Checked by tests,
 * and in a debug build after each dispatch. What holds only while no program runs is checked by
 * unit tests: see tests/unit/bpf_check.h.
 */
#include "collector/kernel/tracker_private.h"

static const char *check_slot(const struct tracker *t, uint32_t index)
{
	const volatile struct recorder_slot *slot = &t->slots[index];
	uint64_t word = tracker_slot_word(t, index);
	uint32_t state = FR_WORD_STATE(word);
	uint32_t process = slot->process;
	uint32_t owner = t->owners[index / FR_OWNERS].process[index % FR_OWNERS];

	if (state > RECORDER_REPLAYED)
		return "a recorder slot is in no state";
	if (process >= t->max_processes)
		return "a recorder slot is of no process";
	if (slot->next_free > t->max_slots)
		return "a recorder slot leads to no slot";
	/* If the word changed meanwhile, the members read belong to two recorders. */
	if (state != RECORDER_FREE && owner != process + 1 && tracker_slot_word(t, index) == word)
		return "the owner of a recorder slot is another process";
	return NULL;
}

static const char *check_process(const struct tracker *t, uint32_t index)
{
	if (FR_WORD_STATE(tracker_process_word(t, index)) > PROCESS_EXECED)
		return "a process slot is in no state";
	for (uint32_t ring = 0; ring < t->rings; ring++) {
		const volatile struct ring_share *share = &t->shares[index * t->rings + ring];
		/* Ours is read first: the other one only grows, except when a reservation fails. */
		uint64_t consumed = share->consumed;

		if ((int64_t)(share->produced - consumed) < 0)
			return "more was taken out of a ring than a process put into it";
		if (share->produced - consumed > 2 * (uint64_t)t->ring_bytes)
			return "a process holds more than a ring";
	}
	return NULL;
}

const char *tracker_check(const struct tracker *t)
{
	uint32_t used = tracker_slots_used(t);
	const char *wrong = NULL;

	for (uint32_t i = 0; i < used && !wrong; i++)
		wrong = check_slot(t, i);
	for (uint32_t i = 0; i < t->max_processes && !wrong; i++)
		wrong = check_process(t, i);
	for (uint32_t i = 0; i < t->rings && !wrong; i++) {
		if (!ring_reader_check(&t->ring[i].reader))
			wrong = "the positions in an entry ring are out of order";
	}
	if (!wrong && !ring_reader_check(&t->notices.reader))
		wrong = "the positions in the notices' ring are out of order";
	return wrong;
}
