// SPDX-License-Identifier: BSD-2-Clause
#include "collector/settlement.h"

#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/replay.h"

/* How long an entry may be on its way: counted by its recorder, not yet in a ring. */
#define WAIT_NS 100000000

struct waiting {
	uint32_t slot;
	uint32_t generation;
	uint64_t until_ns;
};

/* A copy of a slot that does not mix two states of it. Returns false if it would not hold still. */
static bool copy_slot(const struct session *s, uint32_t index, struct recorder_slot *copy)
{
	const volatile struct recorder_slot *slot = &s->tracker.slots[index];

	for (int i = 0; i < 8; i++) {
		uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);

		memcpy(copy, (const void *)slot, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&slot->word, __ATOMIC_RELAXED) == word) {
			copy->word = word;
			copy->name[NAME_SIZE - 1] = '\0';
			copy->comm[COMM_SIZE - 1] = '\0';
			return true;
		}
	}
	return false;
}

static void write_report(struct session *s, const struct report *report)
{
	int err = report_write(s->options.output, s->options.format, report);

	if (!err)
		return;
	s->reports_lost++;
	/* Once: a full disk stays full for many reports. The end tells how many were lost. */
	if (!s->output_error)
		fprintf(stderr, "flightrec: cannot write to %s: %s; reports are lost\n",
			s->options.output_name, strerror(-err));
	s->output_error = err;
}

static void write_replay(struct session *s, struct replay *replay)
{
	write_report(s, &replay->report);
	replay_free(replay);
}

static void count_report(struct session *s)
{
	if (++s->reports == s->options.max_reports)
		s->done = true;
}

static void report_recorder(struct session *s, enum report_event event, uint32_t index,
			    const struct recorder_slot *slot)
{
	uint32_t generation = WORD_GENERATION(slot->word);
	struct held_recorder *held = recorder_table_find(&s->recorders, index, generation);
	struct observed_process *process = process_table_get(&s->processes, slot->process);
	struct replay replay = {0};

	if (s->done)
		return;
	replay_recorder(&replay, event, slot, held, process);
	write_replay(s, &replay);
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

/* What the report at the end of a recorder says of entries: those since its replay. */
static uint64_t lost_since_replay(const struct recorder_slot *slot,
				  const struct held_recorder *held)
{
	uint64_t lost = held ? slot->entries - held->received : 0;

	return held && lost > held->reported_lost ? lost - held->reported_lost : 0;
}

static void report_finished(struct session *s, const struct recorder_slot *slot,
			    const struct held_recorder *held)
{
	struct observed_process *process = process_table_get(&s->processes, slot->process);
	struct replay replay = {0};

	if (s->done)
		return;
	replay_recorder(&replay, REPORT_FINISHED, slot, NULL, process);
	replay.report.late_ns =
		slot->ended_ns > slot->deadline_ns ? slot->ended_ns - slot->deadline_ns : 0;
	replay.report.entries_lost = lost_since_replay(slot, held);
	write_replay(s, &replay);
}

static void release(struct session *s, uint32_t index, uint32_t generation)
{
	recorder_table_drop(&s->recorders, index);
	tracker_release(&s->tracker, &index, &generation, 1, NONE);
}

/*
 * Reports what there is to report of a recorder that timed out. Returns false if entries of it
 * are still on their way, and @force is not set.
 */
static bool settle(struct session *s, uint32_t index, uint32_t generation, bool force)
{
	struct held_recorder *held;
	struct recorder_slot slot;
	uint64_t received, refused;
	uint32_t state;

	if (!copy_slot(s, index, &slot))
		return false;
	state = WORD_STATE(slot.word);
	if (WORD_GENERATION(slot.word) != generation || state == RECORDER_FREE ||
	    state == RECORDER_OPEN)
		return true;
	if (s->last_deadline_ns && slot.deadline_ns > s->last_deadline_ns)
		return true;
	held = recorder_table_get(&s->recorders, index, generation);
	received = held ? held->received : 0;
	refused = slot.refused;
	if (!force && received + refused < slot.entries)
		return false;
	if (!held || !held->reported)
		report_timeout(s, index, &slot, held);
	if (state == RECORDER_LATE || state == RECORDER_FINISHED) {
		report_finished(s, &slot, held);
		release(s, index, generation);
	}
	return true;
}

static void wait_for(struct session *s, uint32_t index, uint32_t generation)
{
	for (size_t i = 0; i < s->n_waiting; i++) {
		if (s->waiting[i].slot == index && s->waiting[i].generation == generation)
			return;
	}
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
	s->waiting[s->n_waiting++] =
		(struct waiting){index, generation, clock_ns(CLOCK_MONOTONIC) + WAIT_NS};
}

void settlement_begin(struct session *s, uint32_t index, uint32_t generation)
{
	if (!settle(s, index, generation, false))
		wait_for(s, index, generation);
}

void settlement_continue(struct session *s, bool force)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	size_t kept = 0;

	for (size_t i = 0; i < s->n_waiting; i++) {
		struct waiting waiting = s->waiting[i];

		if (!settle(s, waiting.slot, waiting.generation,
			    force || now_ns >= waiting.until_ns))
			s->waiting[kept++] = waiting;
	}
	s->n_waiting = kept;
}

/* A recorder whose process is no more. */
static void settle_dead(struct session *s, uint32_t index, struct recorder_slot *slot,
			const struct process_slot *dead)
{
	uint32_t generation = WORD_GENERATION(slot->word);
	uint32_t state = WORD_STATE(slot->word);
	struct observed_process *process;
	struct held_recorder *held;
	struct replay replay = {0};

	if (state == RECORDER_LATE || state == RECORDER_FINISHED) {
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
		replay_recorder(&replay, REPORT_DIED, slot, NULL, process);
		replay.report.entries_lost = lost_since_replay(slot, held);
		replay.report.wait_status =
			WORD_STATE(dead->word) == PROCESS_EXECED ? -1 : (int)dead->exit_code;
		if (!s->done)
			write_report(s, &replay.report);
		replay_free(&replay);
	}
	release(s, index, generation);
}

void settlement_process(struct session *s, uint32_t index, const struct process_slot *dead)
{
	uint32_t used = tracker_slots_used(&s->tracker);
	struct recorder_slot slot;

	for (uint32_t i = 0; i < used; i++) {
		const volatile struct recorder_slot *candidate = &s->tracker.slots[i];

		if (candidate->process != index || WORD_STATE(candidate->word) == RECORDER_FREE)
			continue;
		if (copy_slot(s, i, &slot) && slot.process == index &&
		    WORD_STATE(slot.word) != RECORDER_FREE)
			settle_dead(s, i, &slot, dead);
	}
	process_table_drop(&s->processes, index);
	tracker_release(&s->tracker, NULL, NULL, 0, index);
}

void settlement_replay(struct session *s, uint32_t index, uint32_t generation)
{
	struct held_recorder *held;
	struct recorder_slot slot;

	if (!copy_slot(s, index, &slot) || WORD_GENERATION(slot.word) != generation ||
	    WORD_STATE(slot.word) == RECORDER_FREE)
		return;
	held = recorder_table_get(&s->recorders, index, generation);
	if (held && (held->reported || held->replays == slot.replays))
		return;
	report_recorder(s, REPORT_REPLAY, index, &slot);
	if (held)
		held->replays = slot.replays;
}

void settlement_stray(struct session *s, const struct entry_record *record)
{
	struct replay replay = {0};

	if (s->done)
		return;
	replay_entry(&replay, NULL, process_table_get(&s->processes, record->process), record);
	write_replay(s, &replay);
}

void settlement_late_entry(struct session *s, const struct entry_record *record)
{
	struct recorder_slot slot;
	struct replay replay = {0};

	if (s->done || !copy_slot(s, record->slot, &slot))
		return;
	replay_entry(&replay, &slot, process_table_get(&s->processes, slot.process), record);
	write_replay(s, &replay);
}
