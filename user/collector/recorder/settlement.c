// SPDX-License-Identifier: BSD-2-Clause
/*
 * When a recorder can be reported, and when its slot can go back.
 *
 * The kernel's side tells of a recorder in two ways that are not in step. Its slot changes at once;
 * its entries come through rings, one a CPU, and a thread may have counted an entry in the slot and
 * not yet put it into a ring. At any time
 *
 *	slot.entries = received + slot.refused + in flight
 *
 * where `received` is what was taken out of the rings, and `refused` what there was no room for. A
 * recorder is settled when nothing is in flight: settle() first tries as things are, then empties
 * the rings, as most often that is all there is to it, and then waits, up to WAIT_NS, while other
 * things are done. What has not come by then is reported as lost; should it come after all, it is
 * passed over, so that no entry is both lost and there.
 *
 * What is said depends on the slot's state (the table is in bpf/record.h):
 *
 *	TIMED_OUT	its replay, once; the slot stays, and later entries are written as they come
 *	LATE		it closed between its deadline and the timer: its replay, and that it
 *finished FINISHED	that it finished, after its replay if that is still to come REPLAYED	the
 *replay that the program asked for; it closed in time
 *
 * After the last three the slot goes back. That is a system call, so releases are gathered; until
 * then `settled` keeps a second notice, or a scan of all slots, from reporting it again.
 *
 * A process that ended settles all its recorders by force: none of its threads is left to put an
 * entry into a ring, and the rings were emptied just before.
 *
 * Rings are emptied in here, so entries, and through them settlement_stray() and
 * settlement_late_entry(), come while settlement_begin() runs; notices never do.
 */
#include "collector/recorder/settlement.h"

#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/recorder/replay.h"
#include "collector/recorder/recorders_private.h"

/* How long an entry may be on its way: counted by its recorder, not yet in a ring. */
#define WAIT_NS 100000000

static void emit(struct recorders *r, const struct report *report)
{
	r->options.emit(r->options.arg, report);
}

static void tell_held_back(struct recorders *r, struct observed_process *process, uint64_t count)
{
	process->lines.held_back = 0;
	if (!count || r->done)
		return;
	replay_held_back(&r->replay, process, count);
	emit(r, &r->replay.report);
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
	until_ns = process->lines.window_start_ns + process->lines.window_ns;
	if (!r->tell_held_back_ns || until_ns < r->tell_held_back_ns)
		r->tell_held_back_ns = until_ns;
	return false;
}

/* Of processes that are silent now, or of all. */
static void tell_all_held_back(struct recorders *r, bool force)
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
		until_ns = process->lines.window_start_ns + process->lines.window_ns;
		if (force || now_ns >= until_ns)
			tell_held_back(r, process, process->lines.held_back);
		else if (!r->tell_held_back_ns || until_ns < r->tell_held_back_ns)
			r->tell_held_back_ns = until_ns;
	}
}

static void count_report(struct recorders *r)
{
	if (++r->reports == r->options.max_reports)
		r->done = true;
}

static void report_recorder(struct recorders *r, enum report_event event, uint32_t index,
			    const struct recorder_slot *slot)
{
	uint32_t generation = FR_WORD_GENERATION(slot->word);
	struct held_recorder *held = recorder_table_find(&r->table, index, generation);
	struct observed_process *process = process_table_get(&r->processes, slot->process);

	if (r->done)
		return;
	replay_recorder(&r->replay, event, slot, held, process);
	emit(r, &r->replay.report);
	count_report(r);
}

/* Past its timeout, for the first time. */
static void report_timeout(struct recorders *r, uint32_t index, const struct recorder_slot *slot,
			   struct held_recorder *held)
{
	report_recorder(r, REPORT_TIMEOUT, index, slot);
	if (!held)
		return;
	r->counts.buffer_lost += held->entries.dropped;
	held->reported = true;
	held->reported_lost = slot->entries - held->received;
	entry_buffer_clear(&held->entries, &r->table.budget);
}

/* Asked for: unless that was written already. */
static void report_replay(struct recorders *r, uint32_t index, const struct recorder_slot *slot,
			  struct held_recorder *held)
{
	if (held && held->replays == slot->replays)
		return;
	report_recorder(r, REPORT_REPLAY, index, slot);
	if (held)
		held->replays = slot->replays;
}

/* What the report at the end of a recorder says of entries: those since its replay. */
static uint64_t lost_since_replay(const struct recorder_slot *slot,
				  const struct held_recorder *held)
{
	uint64_t lost = held ? slot->entries - held->received : 0;

	return held && lost > held->reported_lost ? lost - held->reported_lost : 0;
}

static void report_finished(struct recorders *r, const struct recorder_slot *slot,
			    struct held_recorder *held)
{
	struct observed_process *process = process_table_get(&r->processes, slot->process);
	struct report *report = &r->replay.report;

	if (r->done)
		return;
	replay_recorder(&r->replay, REPORT_FINISHED, slot, held, process);
	report->late_ns =
		slot->ended_ns > slot->deadline_ns ? slot->ended_ns - slot->deadline_ns : 0;
	report->entries_lost = lost_since_replay(slot, held);
	emit(r, report);
}

void settlement_release(struct recorders *r)
{
	struct releases *releases = &r->releases;

	if (!releases->n)
		return;
	for (size_t i = 0; i < releases->n; i++)
		recorder_table_drop(&r->table, releases->slot[i]);
	tracker_release(r->tracker, releases->slot, releases->generation, releases->n, FR_NONE);
	releases->n = 0;
}

/* Its slot goes back, with those of others: it is a system call. */
static void release(struct recorders *r, uint32_t index, uint32_t generation)
{
	struct held_recorder *held = recorder_table_get(&r->table, index, generation);
	struct releases *releases = &r->releases;

	if (held)
		held->settled = true;
	releases->slot[releases->n] = index;
	releases->generation[releases->n++] = generation;
	/* Without what tells that it is settled, it would be reported again. */
	if (!held || releases->n == FR_RELEASE_MAX)
		settlement_release(r);
}

/*
 * Reports what there is to report of a recorder that is not just open. Returns false if entries of
 * it are still on their way, and @force is not set.
 */
static bool settle(struct recorders *r, uint32_t index, uint32_t generation, bool force)
{
	struct held_recorder *held;
	struct recorder_slot slot;
	uint64_t received, refused;
	uint32_t state;

	if (!tracker_slot_copy(r->tracker, index, &slot))
		return false;
	state = FR_WORD_STATE(slot.word);
	if (FR_WORD_GENERATION(slot.word) != generation || state == RECORDER_FREE ||
	    state == RECORDER_OPEN)
		return true;
	if (r->last_deadline_ns && slot.deadline_ns > r->last_deadline_ns &&
	    state != RECORDER_REPLAYED)
		return true;
	held = recorder_table_get(&r->table, index, generation);
	if (held && held->settled)
		return true;
	received = held ? held->received : 0;
	refused = slot.refused;
	if (!force && received + refused < slot.entries)
		return false;
	if (state == RECORDER_REPLAYED)
		report_replay(r, index, &slot, held);
	else if (!held || !held->reported)
		report_timeout(r, index, &slot, held);
	if (state == RECORDER_LATE || state == RECORDER_FINISHED)
		report_finished(r, &slot, held);
	if (state != RECORDER_TIMED_OUT)
		release(r, index, generation);
	return true;
}

static void wait_for(struct recorders *r, uint32_t index, uint32_t generation)
{
	struct held_recorder *held = recorder_table_get(&r->table, index, generation);

	if (held && held->waiting)
		return;
	if (r->n_waiting == r->waiting_room) {
		size_t room = r->waiting_room ? r->waiting_room * 2 : 64;
		struct waiting *waiting = reallocarray(r->waiting, room, sizeof(*waiting));

		if (!waiting) {
			settle(r, index, generation, true);
			return;
		}
		r->waiting = waiting;
		r->waiting_room = room;
	}
	if (held)
		held->waiting = true;
	r->waiting[r->n_waiting++] =
		(struct waiting){index, generation, clock_ns(CLOCK_MONOTONIC) + WAIT_NS};
}

void settlement_begin(struct recorders *r, uint32_t index, uint32_t generation)
{
	if (settle(r, index, generation, false))
		return;
	/* Logged since the rings were last looked at, most likely. */
	tracker_drain_entries(r->tracker);
	if (!settle(r, index, generation, false))
		wait_for(r, index, generation);
}

void settlement_continue(struct recorders *r, bool force)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	size_t kept = 0;

	tell_all_held_back(r, force);
	for (size_t i = 0; i < r->n_waiting; i++) {
		struct waiting waiting = r->waiting[i];
		struct held_recorder *held;

		if (!settle(r, waiting.slot, waiting.generation,
			    force || now_ns >= waiting.until_ns)) {
			r->waiting[kept++] = waiting;
			continue;
		}
		held = recorder_table_find(&r->table, waiting.slot, waiting.generation);
		if (held)
			held->waiting = false;
	}
	r->n_waiting = kept;
}

/* A recorder whose process is no more. */
static void settle_dead(struct recorders *r, uint32_t index, struct recorder_slot *slot,
			const struct process_slot *dead)
{
	uint32_t generation = FR_WORD_GENERATION(slot->word);
	uint32_t state = FR_WORD_STATE(slot->word);
	struct observed_process *process;
	struct report *report = &r->replay.report;
	struct held_recorder *held;

	if (state != RECORDER_OPEN && state != RECORDER_TIMED_OUT) {
		settle(r, index, generation, true);
		return;
	}
	slot->ended_ns = dead->ended_ns;
	if (state == RECORDER_TIMED_OUT || dead->ended_ns > slot->deadline_ns) {
		if (state == RECORDER_OPEN)
			r->counts.timed_out++;
		held = recorder_table_get(&r->table, index, generation);
		if (!held || !held->reported)
			report_timeout(r, index, slot, held);
		process = process_table_get(&r->processes, slot->process);
		replay_recorder(&r->replay, REPORT_DIED, slot, held, process);
		report->entries_lost = lost_since_replay(slot, held);
		report->wait_status =
			FR_WORD_STATE(dead->word) == PROCESS_EXECED ? -1 : (int)dead->exit_code;
		if (!r->done)
			emit(r, report);
	}
	release(r, index, generation);
}

void settlement_process(struct recorders *r, uint32_t index, const struct process_slot *dead)
{
	uint32_t used = tracker_slots_used(r->tracker);
	struct observed_process *process = r->processes.process[index];
	struct recorder_slot slot;

	if (process)
		tell_held_back(r, process, process->lines.held_back);
	for (uint32_t i = tracker_next_slot_of(r->tracker, index, 0); i < used;
	     i = tracker_next_slot_of(r->tracker, index, i + 1)) {
		if (tracker_slot_process(r->tracker, i) != index ||
		    FR_WORD_STATE(tracker_slot_word(r->tracker, i)) == RECORDER_FREE)
			continue;
		if (tracker_slot_copy(r->tracker, i, &slot) && slot.process == index &&
		    FR_WORD_STATE(slot.word) != RECORDER_FREE)
			settle_dead(r, i, &slot, dead);
	}
	settlement_release(r);
	process_table_drop(&r->processes, index);
	tracker_release(r->tracker, NULL, NULL, 0, index);
}

void settlement_replay(struct recorders *r, uint32_t index, uint32_t generation)
{
	struct held_recorder *held;
	struct recorder_slot slot;

	if (!tracker_slot_copy(r->tracker, index, &slot) ||
	    FR_WORD_GENERATION(slot.word) != generation ||
	    FR_WORD_STATE(slot.word) == RECORDER_FREE)
		return;
	held = recorder_table_get(&r->table, index, generation);
	if (!held || !held->reported)
		report_replay(r, index, &slot, held);
}

void settlement_stray(struct recorders *r, const struct entry_record *record)
{
	struct observed_process *process = process_table_get(&r->processes, record->process);

	if (!r->done && may_log(r, process) &&
	    replay_entry(&r->replay, NULL, NULL, process, record))
		emit(r, &r->replay.report);
}

void settlement_late_entry(struct recorders *r, const struct entry_record *record)
{
	struct observed_process *process;
	struct held_recorder *held;
	struct recorder_slot slot;

	if (r->done || !tracker_slot_copy(r->tracker, record->slot, &slot))
		return;
	process = process_table_get(&r->processes, slot.process);
	held = recorder_table_find(&r->table, record->slot, record->generation);
	if (may_log(r, process) && replay_entry(&r->replay, &slot, held, process, record))
		emit(r, &r->replay.report);
}
