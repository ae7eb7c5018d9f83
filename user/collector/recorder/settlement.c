// SPDX-License-Identifier: BSD-2-Clause
/*
 * When a recorder can be reported, and when its slot can go back.
 *
 * BPF tells us about a recorder in two ways that are not in step. Its slot changes immediately. Its
 * entries come through rings, one per CPU, and a thread may have counted an entry in the slot
 * without having put it into a ring yet. At any time
 *
 *	slot.entries = received + slot.refused + in flight
 *
 * where `received` is what was taken out of the rings, and `refused` what there was no room for. A
 * recorder is settled when nothing is in flight. Until then it waits, while rings are emptied and
 * other things are done; but not for ever (waiting.h). Entries that have not come by then are
 * reported as lost. If they come later they are ignored: no entry is both lost and shown.
 *
 * What is reported depends on the slot's state (bpf/record.h has the table):
 *
 *	TIMED_OUT	its replay, once; the slot stays, and later entries are written as they
 *			come
 *	LATE		it was closed after its deadline, but before the timer noticed: its replay,
 *			and that it finished
 *	FINISHED	that it finished, after its replay if that has not been written yet
 *	REPLAYED	the replay that the program asked for; it was closed in time
 *
 * After the last three the slot is released. That takes a system call, so several are released
 * together. Until then `settled` makes sure that a second notice, or a scan of all slots, does not
 * report the recorder again.
 *
 * When a process has ended, all its recorders are settled by force: it has no threads left to put
 * an entry into a ring, and the rings have been emptied since.
 *
 * A notice only puts this work on the agenda (agenda.h). It is done later, in turns of processes;
 * between two turns the rings are emptied and new notices are taken. So a report waits for one turn
 * of each other process, not for everything that these have due.
 *
 * Entries arrive while the rings are emptied (see lone_entries.h for some of them), which never
 * happens inside these functions.
 */
#include "collector/recorder/settlement.h"

#include "collector/base/clock.h"
#include "collector/recorder/lone_entries.h"
#include "collector/recorder/recorders_private.h"
#include "collector/recorder/waiting.h"

/* A turn ends after this time. What takes longer is done in several turns. */
#define TURN_NS 100000

static void report_recorder(struct recorders *r, enum report_event event, uint32_t index,
			    const struct recorder_slot *slot)
{
	uint32_t generation = FR_WORD_GENERATION(slot->word);
	struct held_recorder *held = recorder_table_find(&r->table, index, generation);
	struct observed_process *process = process_table_get(&r->processes, slot->process);

	if (r->done)
		return;
	r->replay.index = index;
	replay_recorder(&r->replay, event, slot, held, process);
	recorders_emit(r, &r->replay.report, true);
}

/* The first report of a recorder that is past its deadline. */
static void report_timeout(struct recorders *r, uint32_t index, const struct recorder_slot *slot,
			   struct held_recorder *held)
{
	report_recorder(r, REPORT_TIMEOUT, index, slot);
	if (!held)
		return;
	r->counts.buffer_lost += held->entries.dropped;
	held->reported = true;
	held->reported_lost = slot->entries - held->received;
	held->reported_entries = slot->entries;
	entry_buffer_clear(&held->entries, &r->table.budget);
}

/* A replay that was asked for, unless it was already written. */
static void report_replay(struct recorders *r, uint32_t index, const struct recorder_slot *slot,
			  struct held_recorder *held)
{
	if (held && held->replays == slot->replays)
		return;
	report_recorder(r, REPORT_REPLAY, index, slot);
	if (held)
		held->replays = slot->replays;
}

/* The entries lost since the replay, for the report of the end. */
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
	recorders_emit(r, report, false);
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

/* Releases the slot, later, together with others: it takes a system call. */
static void release(struct recorders *r, uint32_t index, uint32_t generation)
{
	struct held_recorder *held = recorder_table_get(&r->table, index, generation);
	struct releases *releases = &r->releases;

	if (held)
		held->settled = true;
	releases->slot[releases->n] = index;
	releases->generation[releases->n++] = generation;
	/* If nothing remembers that it is settled, it would be reported again. */
	if (!held || releases->n == FR_RELEASE_MAX)
		settlement_release(r);
}

/* Whether all its entries were received or refused, and none is in flight. */
static bool has_arrived(const struct recorder_slot *slot, const struct held_recorder *held)
{
	return (held ? held->received : 0) + slot->refused >= slot->entries;
}

/* A span that was left unseen has not timed out. Not asked again once it was reported. */
static bool is_left(struct recorders *r, const struct recorder_slot *slot,
		    const struct held_recorder *held)
{
	return slot->flags & FR_SLOT_SPAN && FR_WORD_STATE(slot->word) == RECORDER_TIMED_OUT &&
	       !(held && held->reported) &&
	       replay_is_gone(&r->replay, slot, process_table_get(&r->processes, slot->process));
}

/*
 * Reports what there is to report of a recorder that timed out, closed late, or closed after a
 * replay was asked for. Without @force, returns false if some of its entries are still on their
 * way.
 */
static bool settle(struct recorders *r, uint32_t index, bool force)
{
	struct held_recorder *held;
	struct recorder_slot slot;
	uint32_t state, generation;

	if (!tracker_slot_copy(r->tracker, index, &slot))
		return false;
	state = FR_WORD_STATE(slot.word);
	generation = FR_WORD_GENERATION(slot.word);
	if (state == RECORDER_FREE || state == RECORDER_OPEN)
		return true;
	if (r->last_deadline_ns && slot.deadline_ns > r->last_deadline_ns &&
	    state != RECORDER_REPLAYED)
		return true;
	held = recorder_table_get(&r->table, index, generation);
	if (held && held->settled)
		return true;
	r->replay.index = index;
	if (is_left(r, &slot, held)) {
		r->counts.timed_out--;
		release(r, index, generation);
		return true;
	}
	if (!force && !has_arrived(&slot, held))
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

/* A replay was asked for, of a recorder that is open: reports what was logged so far. */
static bool settle_replay(struct recorders *r, uint32_t index, bool force)
{
	struct held_recorder *held;
	struct recorder_slot slot;

	if (!tracker_slot_copy(r->tracker, index, &slot) ||
	    FR_WORD_STATE(slot.word) != RECORDER_OPEN)
		return true;
	held = recorder_table_get(&r->table, index, FR_WORD_GENERATION(slot.word));
	if (!force && !has_arrived(&slot, held))
		return false;
	report_replay(r, index, &slot, held);
	return true;
}

void settlement_begin(struct recorders *r, uint32_t index)
{
	recorders_plan_slot(r, index, AGENDA_SETTLE);
}

void settlement_replay(struct recorders *r, uint32_t index)
{
	recorders_plan_slot(r, index, AGENDA_REPLAY);
}

void settlement_process(struct recorders *r, uint32_t index)
{
	waiting_add_process(r, index);
}

/* Settles a recorder whose process is gone. */
/* It was open when its process was killed, and had not timed out. */
static void report_killed(struct recorders *r, uint32_t index, const struct recorder_slot *slot,
			  const struct process_slot *dead)
{
	struct held_recorder *held =
		recorder_table_get(&r->table, index, FR_WORD_GENERATION(slot->word));
	struct report *report = &r->replay.report;

	/* With its entries. */
	replay_recorder(&r->replay, REPORT_REPLAY, slot, held,
			process_table_get(&r->processes, slot->process));
	report->event = REPORT_DIED;
	report->in_time = true;
	report->wait_status = (int)dead->exit_code;
	if (held)
		r->counts.buffer_lost += held->entries.dropped;
	recorders_emit(r, report, true);
}

static void settle_dead(struct recorders *r, uint32_t index, struct recorder_slot *slot,
			const struct process_slot *dead)
{
	uint32_t generation = FR_WORD_GENERATION(slot->word);
	uint32_t state = FR_WORD_STATE(slot->word);
	struct observed_process *process;
	struct report *report = &r->replay.report;
	struct held_recorder *held;

	if (state != RECORDER_OPEN && state != RECORDER_TIMED_OUT) {
		settle(r, index, true);
		return;
	}
	slot->ended_ns = dead->ended_ns;
	r->replay.index = index;
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
		recorders_emit(r, report, false);
	} else if (FR_WORD_STATE(dead->word) == PROCESS_ENDED &&
		   deaths_include(r->options.deaths, (int)dead->exit_code)) {
		report_killed(r, index, slot, dead);
	}
	release(r, index, generation);
}

/* Goes on settling a process that has ended, until @until_ns. Returns whether it is done. */
static bool settle_process(struct recorders *r, uint32_t index, uint64_t until_ns)
{
	uint32_t used = tracker_slots_used(r->tracker), *at = agenda_progress(&r->agenda, index);
	struct observed_process *process = r->processes.process[index];
	struct process_slot dead;
	struct recorder_slot slot;

	if (!tracker_process_copy(r->tracker, index, &dead) ||
	    (FR_WORD_STATE(dead.word) != PROCESS_ENDED &&
	     FR_WORD_STATE(dead.word) != PROCESS_EXECED))
		return true;
	if (process)
		lone_entries_end(r, process);
	while ((*at = tracker_next_slot_of(r->tracker, index, *at)) < used) {
		uint32_t i = (*at)++;

		if (tracker_slot_process(r->tracker, i) == index &&
		    tracker_slot_copy(r->tracker, i, &slot) && slot.process == index &&
		    FR_WORD_STATE(slot.word) != RECORDER_FREE)
			settle_dead(r, i, &slot, &dead);
		if (clock_ns(CLOCK_MONOTONIC) >= until_ns)
			return false;
	}
	settlement_release(r);
	process_table_drop(&r->processes, index);
	agenda_forget(&r->agenda, index);
	tracker_release(r->tracker, NULL, NULL, 0, index);
	return true;
}

static void do_slot(struct recorders *r, uint32_t index, uint8_t what)
{
	if (what & AGENDA_REPLAY && !settle_replay(r, index, what & AGENDA_FORCED(AGENDA_REPLAY)) &&
	    !waiting_add(r, index, AGENDA_REPLAY))
		settle_replay(r, index, true);
	if (what & AGENDA_SETTLE && !settle(r, index, what & AGENDA_FORCED(AGENDA_SETTLE)) &&
	    !waiting_add(r, index, AGENDA_SETTLE))
		settle(r, index, true);
}

bool settlement_work(struct recorders *r, uint64_t max_ns)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), until_ns = now_ns + max_ns;
	uint32_t process;

	while (now_ns < until_ns && (process = agenda_begin_turn(&r->agenda)) != FAIR_QUEUE_NONE) {
		uint64_t began_ns = now_ns, over_ns = now_ns + TURN_NS;
		uint32_t slot;
		uint8_t what;

		while (now_ns < over_ns && agenda_take(&r->agenda, &slot, &what)) {
			if (slot != FR_NONE)
				do_slot(r, slot, what);
			else if (!settle_process(r, process, over_ns))
				recorders_plan_process(r, process);
			now_ns = clock_ns(CLOCK_MONOTONIC);
		}
		agenda_end_turn(&r->agenda, now_ns - began_ns);
	}
	return r->agenda.wanted;
}

void settlement_continue(struct recorders *r, bool force)
{
	lone_entries_continue(r, force);
	waiting_look(r, force);
}
