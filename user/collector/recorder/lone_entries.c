// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/lone_entries.h"

#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/recorder/recorders_private.h"

static void tell_held_back(struct recorders *r, struct observed_process *process, uint64_t count)
{
	process->lines.held_back = 0;
	if (!count || r->done)
		return;
	replay_held_back(&r->replay, process, count);
	recorders_emit(r, &r->replay.report, false);
}

/* Whether a process may log one more line outside of a replay. */
static bool may_log(struct recorders *r, struct observed_process *process)
{
	uint64_t held_back, until_ns;

	if (!process)
		return true;
	if (message_limit_admit(&process->lines, clock_ns(CLOCK_MONOTONIC), &held_back)) {
		tell_held_back(r, process, held_back);
		return true;
	}
	until_ns = message_limit_until(&process->lines);
	if (!r->tell_held_back_ns || until_ns < r->tell_held_back_ns)
		r->tell_held_back_ns = until_ns;
	return false;
}

void lone_entries_continue(struct recorders *r, bool force)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!r->tell_held_back_ns || (!force && now_ns < r->tell_held_back_ns))
		return;
	r->tell_held_back_ns = 0;
	for (uint32_t i = 0; i < tracker_limits(r->tracker).processes; i++) {
		struct observed_process *process = r->processes.process[i];
		uint64_t until_ns;

		if (!process || !process->lines.held_back)
			continue;
		until_ns = message_limit_until(&process->lines);
		if (force || now_ns >= until_ns)
			tell_held_back(r, process, process->lines.held_back);
		else if (!r->tell_held_back_ns || until_ns < r->tell_held_back_ns)
			r->tell_held_back_ns = until_ns;
	}
}

void lone_entries_end(struct recorders *r, struct observed_process *process)
{
	tell_held_back(r, process, process->lines.held_back);
}

void lone_entries_stray(struct recorders *r, const struct entry_record *record)
{
	struct observed_process *process = process_table_get(&r->processes, record->process);

	if (!r->done && may_log(r, process) &&
	    replay_entry(&r->replay, NULL, NULL, process, record))
		recorders_emit(r, &r->replay.report, false);
}

void lone_entries_late(struct recorders *r, const struct entry_record *record)
{
	struct observed_process *process;
	struct held_recorder *held;
	struct recorder_slot slot;

	if (r->done || !tracker_slot_copy(r->tracker, record->slot, &slot))
		return;
	process = process_table_get(&r->processes, slot.process);
	held = recorder_table_find(&r->table, record->slot, record->generation);
	r->replay.index = record->slot;
	if (may_log(r, process) && replay_entry(&r->replay, &slot, held, process, record))
		recorders_emit(r, &r->replay.report, false);
}
