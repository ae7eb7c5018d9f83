// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/settlement.h"

#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"
#include "collector/recorder/replay.h"
#include "collector/session_private.h"

/* How long an entry may be on its way: counted by its recorder, not yet in a ring. */
#define WAIT_NS 100000000

struct waiting {
	uint32_t slot;
	uint32_t generation;
	uint64_t until_ns;
};

static void count_report(struct session *s)
{
	if (++s->reports == s->options.max_reports)
		s->done = true;
}

static void report_recorder(struct session *s, enum report_event event, uint32_t index,
			    const struct recorder_slot *slot)
{
	uint32_t generation = FR_WORD_GENERATION(slot->word);
	struct held_recorder *held = recorder_table_find(&s->recorders, index, generation);
	struct observed_process *process = process_table_get(&s->processes, slot->process);

	if (s->done)
		return;
	replay_recorder(&s->replay, event, slot, held, process);
	session_emit(s, &s->replay.report);
	count_report(s);
}

/* Past its timeout, for the first time. */
static void report_timeout(struct session *s, uint32_t index, const struct recorder_slot *slot,
			   struct held_recorder *held)
{
	report_recorder(s, REPORT_TIMEOUT, index, slot);
	if (!held)
		return;
	s->buffer_lost += held->entries.dropped;
	held->reported = true;
	held->reported_lost = slot->entries - held->received;
	entry_buffer_clear(&held->entries, &s->recorders.budget);
}

/* Asked for: unless that was written already. */
static void report_replay(struct session *s, uint32_t index, const struct recorder_slot *slot,
			  struct held_recorder *held)
{
	if (held && held->replays == slot->replays)
		return;
	report_recorder(s, REPORT_REPLAY, index, slot);
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

static void report_finished(struct session *s, const struct recorder_slot *slot,
			    struct held_recorder *held)
{
	struct observed_process *process = process_table_get(&s->processes, slot->process);
	struct report *report = &s->replay.report;

	if (s->done)
		return;
	replay_recorder(&s->replay, REPORT_FINISHED, slot, held, process);
	report->late_ns =
		slot->ended_ns > slot->deadline_ns ? slot->ended_ns - slot->deadline_ns : 0;
	report->entries_lost = lost_since_replay(slot, held);
	session_emit(s, report);
}

void settlement_release(struct session *s)
{
	struct releases *releases = &s->releases;

	if (!releases->n)
		return;
	for (size_t i = 0; i < releases->n; i++)
		recorder_table_drop(&s->recorders, releases->slot[i]);
	tracker_release(s->tracker, releases->slot, releases->generation, releases->n, FR_NONE);
	releases->n = 0;
}

/* Its slot goes back, with those of others: it is a system call. */
static void release(struct session *s, uint32_t index, uint32_t generation)
{
	struct held_recorder *held = recorder_table_get(&s->recorders, index, generation);
	struct releases *releases = &s->releases;

	if (held)
		held->settled = true;
	releases->slot[releases->n] = index;
	releases->generation[releases->n++] = generation;
	/* Without what tells that it is settled, it would be reported again. */
	if (!held || releases->n == FR_RELEASE_MAX)
		settlement_release(s);
}

/*
 * Reports what there is to report of a recorder that is not just open. Returns false if entries of
 * it are still on their way, and @force is not set.
 */
static bool settle(struct session *s, uint32_t index, uint32_t generation, bool force)
{
	struct held_recorder *held;
	struct recorder_slot slot;
	uint64_t received, refused;
	uint32_t state;

	if (!tracker_slot_copy(s->tracker, index, &slot))
		return false;
	state = FR_WORD_STATE(slot.word);
	if (FR_WORD_GENERATION(slot.word) != generation || state == RECORDER_FREE ||
	    state == RECORDER_OPEN)
		return true;
	if (s->last_deadline_ns && slot.deadline_ns > s->last_deadline_ns &&
	    state != RECORDER_REPLAYED)
		return true;
	held = recorder_table_get(&s->recorders, index, generation);
	if (held && held->settled)
		return true;
	received = held ? held->received : 0;
	refused = slot.refused;
	if (!force && received + refused < slot.entries)
		return false;
	if (state == RECORDER_REPLAYED)
		report_replay(s, index, &slot, held);
	else if (!held || !held->reported)
		report_timeout(s, index, &slot, held);
	if (state == RECORDER_LATE || state == RECORDER_FINISHED)
		report_finished(s, &slot, held);
	if (state != RECORDER_TIMED_OUT)
		release(s, index, generation);
	return true;
}

static void wait_for(struct session *s, uint32_t index, uint32_t generation)
{
	struct held_recorder *held = recorder_table_get(&s->recorders, index, generation);

	if (held && held->waiting)
		return;
	if (s->n_waiting == s->waiting_room) {
		size_t room = s->waiting_room ? s->waiting_room * 2 : 64;
		struct waiting *waiting = reallocarray(s->waiting, room, sizeof(*waiting));

		if (!waiting) {
			settle(s, index, generation, true);
			return;
		}
		s->waiting = waiting;
		s->waiting_room = room;
	}
	if (held)
		held->waiting = true;
	s->waiting[s->n_waiting++] =
		(struct waiting){index, generation, clock_ns(CLOCK_MONOTONIC) + WAIT_NS};
}

void settlement_begin(struct session *s, uint32_t index, uint32_t generation)
{
	if (settle(s, index, generation, false))
		return;
	/* Logged since the rings were last looked at, most likely. */
	tracker_drain_entries(s->tracker);
	if (!settle(s, index, generation, false))
		wait_for(s, index, generation);
}

void settlement_continue(struct session *s, bool force)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	size_t kept = 0;

	for (size_t i = 0; i < s->n_waiting; i++) {
		struct waiting waiting = s->waiting[i];
		struct held_recorder *held;

		if (!settle(s, waiting.slot, waiting.generation,
			    force || now_ns >= waiting.until_ns)) {
			s->waiting[kept++] = waiting;
			continue;
		}
		held = recorder_table_find(&s->recorders, waiting.slot, waiting.generation);
		if (held)
			held->waiting = false;
	}
	s->n_waiting = kept;
}

/* A recorder whose process is no more. */
static void settle_dead(struct session *s, uint32_t index, struct recorder_slot *slot,
			const struct process_slot *dead)
{
	uint32_t generation = FR_WORD_GENERATION(slot->word);
	uint32_t state = FR_WORD_STATE(slot->word);
	struct observed_process *process;
	struct report *report = &s->replay.report;
	struct held_recorder *held;

	if (state != RECORDER_OPEN && state != RECORDER_TIMED_OUT) {
		settle(s, index, generation, true);
		return;
	}
	slot->ended_ns = dead->ended_ns;
	if (state == RECORDER_TIMED_OUT || dead->ended_ns > slot->deadline_ns) {
		if (state == RECORDER_OPEN)
			s->timed_out_here++;
		held = recorder_table_get(&s->recorders, index, generation);
		if (!held || !held->reported)
			report_timeout(s, index, slot, held);
		process = process_table_get(&s->processes, slot->process);
		replay_recorder(&s->replay, REPORT_DIED, slot, held, process);
		report->entries_lost = lost_since_replay(slot, held);
		report->wait_status =
			FR_WORD_STATE(dead->word) == PROCESS_EXECED ? -1 : (int)dead->exit_code;
		if (!s->done)
			session_emit(s, report);
	}
	release(s, index, generation);
}

void settlement_process(struct session *s, uint32_t index, const struct process_slot *dead)
{
	uint32_t used = tracker_slots_used(s->tracker);
	struct recorder_slot slot;

	for (uint32_t i = tracker_next_slot_of(s->tracker, index, 0); i < used;
	     i = tracker_next_slot_of(s->tracker, index, i + 1)) {
		if (tracker_slot_process(s->tracker, i) != index ||
		    FR_WORD_STATE(tracker_slot_word(s->tracker, i)) == RECORDER_FREE)
			continue;
		if (tracker_slot_copy(s->tracker, i, &slot) && slot.process == index &&
		    FR_WORD_STATE(slot.word) != RECORDER_FREE)
			settle_dead(s, i, &slot, dead);
	}
	settlement_release(s);
	process_table_drop(&s->processes, index);
	tracker_release(s->tracker, NULL, NULL, 0, index);
}

void settlement_replay(struct session *s, uint32_t index, uint32_t generation)
{
	struct held_recorder *held;
	struct recorder_slot slot;

	if (!tracker_slot_copy(s->tracker, index, &slot) ||
	    FR_WORD_GENERATION(slot.word) != generation ||
	    FR_WORD_STATE(slot.word) == RECORDER_FREE)
		return;
	held = recorder_table_get(&s->recorders, index, generation);
	if (!held || !held->reported)
		report_replay(s, index, &slot, held);
}

void settlement_stray(struct session *s, const struct entry_record *record)
{
	struct observed_process *process = process_table_get(&s->processes, record->process);

	if (!s->done && replay_entry(&s->replay, NULL, NULL, process, record))
		session_emit(s, &s->replay.report);
}

void settlement_late_entry(struct session *s, const struct entry_record *record)
{
	struct observed_process *process;
	struct held_recorder *held;
	struct recorder_slot slot;

	if (s->done || !tracker_slot_copy(s->tracker, record->slot, &slot))
		return;
	process = process_table_get(&s->processes, slot.process);
	held = recorder_table_find(&s->recorders, record->slot, record->generation);
	if (replay_entry(&s->replay, &slot, held, process, record))
		session_emit(s, &s->replay.report);
}
