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
 * recorder is settled when nothing is in flight. Until then it is waited for, up to WAIT_NS, while
 * rings are emptied and other things are done. What has not come by then is reported as lost;
 * should it come after all, it is passed over, so that no entry is both lost and there.
 *
 * What is said depends on the slot's state (the table is in bpf/record.h):
 *
 *	TIMED_OUT	its replay, once; the slot stays, and later entries are written as they
 *			come
 *	LATE		it closed between its deadline and the timer's look: its replay, and that
 *			it finished
 *	FINISHED	that it finished, after its replay if that is still to come
 *	REPLAYED	the replay that the program asked for; it closed in time
 *
 * After the last three the slot goes back. That is a system call, so releases are gathered; until
 * then `settled` keeps a second notice, or a scan of all slots, from reporting it again.
 *
 * A process that ended settles all its recorders by force: none of its threads is left to put an
 * entry into a ring, and the rings were emptied since.
 *
 * Nothing of that is done when it is told of. It is put on the agenda (agenda.h), and done in
 * turns of processes, between which rings are emptied and new notices are taken: a report is held
 * up by one turn of each of the others, not by all that these have due.
 *
 * Entries, and through them settlement_stray() and settlement_late_entry(), come when the rings
 * are emptied, which is never within one of these functions.
 */
#include "collector/recorder/settlement.h"

#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/recorder/replay.h"
#include "collector/recorder/recorders_private.h"

/* How long an entry may be on its way: counted by its recorder, not yet in a ring. */
#define WAIT_NS 100000000
/* A turn ends after this long; what takes longer is done in several. */
#define TURN_NS 100000
/* Those that are waited for are looked at as long as this at a time. */
#define LOOK_NS 300000
#define RECORDERS_A_LOOK 64

void settlement_emit(struct recorders *r, const struct report *report, bool counts)
{
	if (r->done)
		return;
	r->options.emit(r->options.arg, report);
	if (counts && ++r->reports == r->options.max_reports)
		r->done = true;
}

static void tell_held_back(struct recorders *r, struct observed_process *process, uint64_t count)
{
	process->lines.held_back = 0;
	if (!count || r->done)
		return;
	replay_held_back(&r->replay, process, count);
	settlement_emit(r, &r->replay.report, false);
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
		until_ns = message_limit_until(&process->lines);
		if (force || now_ns >= until_ns)
			tell_held_back(r, process, process->lines.held_back);
		else if (!r->tell_held_back_ns || until_ns < r->tell_held_back_ns)
			r->tell_held_back_ns = until_ns;
	}
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
	settlement_emit(r, &r->replay.report, true);
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
	settlement_emit(r, report, false);
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
	if (!force && (held ? held->received : 0) + slot.refused < slot.entries)
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

/* A recorder that is open asks for a replay, of what was logged until then. */
static bool settle_replay(struct recorders *r, uint32_t index, bool force)
{
	struct held_recorder *held;
	struct recorder_slot slot;

	if (!tracker_slot_copy(r->tracker, index, &slot) ||
	    FR_WORD_STATE(slot.word) != RECORDER_OPEN)
		return true;
	held = recorder_table_get(&r->table, index, FR_WORD_GENERATION(slot.word));
	if (!force && (held ? held->received : 0) + slot.refused < slot.entries)
		return false;
	report_replay(r, index, &slot, held);
	return true;
}

/* ---- waiting for entries ---- */

static bool add_waiting(struct recorders *r, const struct waiting *waiting)
{
	if (array_reserve(r->waiting, r->waiting_room, r->n_waiting + 1))
		return false;
	r->waiting[r->n_waiting++] = *waiting;
	return true;
}

/* Returns false if it cannot be waited for: there is no memory. */
static bool wait_for(struct recorders *r, uint32_t index, uint8_t what)
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
	if (!add_waiting(r, &waiting))
		return false;
	held->waiting |= what;
	return true;
}

static void wait_for_process(struct recorders *r, uint32_t index)
{
	struct waiting waiting = {
		.slot = FR_NONE, .process = index, .drained = tracker_drained_next(r->tracker)};

	if (!add_waiting(r, &waiting))
		agenda_add_process(&r->agenda, index, tracker_process_uid(r->tracker, index));
}

static void want(struct recorders *r, uint32_t index, uint8_t what)
{
	uint32_t process = tracker_slot_process(r->tracker, index);

	agenda_add_slot(&r->agenda, process, tracker_process_uid(r->tracker, process), index, what);
}

/* Returns whether it is waited for no longer. @now_ns: UINT64_MAX: in any case. */
static bool goes_on(struct recorders *r, const struct waiting *waiting, uint64_t now_ns)
{
	bool drained = now_ns == UINT64_MAX || tracker_drained(r->tracker) >= waiting->drained;
	struct held_recorder *held;
	uint8_t what = waiting->what;

	if (waiting->slot == FR_NONE) {
		if (drained)
			agenda_add_process(&r->agenda, waiting->process,
					   tracker_process_uid(r->tracker, waiting->process));
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
	want(r, waiting->slot, what);
	return true;
}

/* Some of them at a time: there may be as many as there are slots. */
static void look_at_waiting(struct recorders *r, bool force)
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

void settlement_begin(struct recorders *r, uint32_t index)
{
	want(r, index, AGENDA_SETTLE);
}

void settlement_replay(struct recorders *r, uint32_t index)
{
	want(r, index, AGENDA_REPLAY);
}

void settlement_process(struct recorders *r, uint32_t index)
{
	wait_for_process(r, index);
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
		settle(r, index, true);
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
		settlement_emit(r, report, false);
	}
	release(r, index, generation);
}

/* Goes on with a process that ended, until @until_ns. Returns whether that was all of it. */
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
		tell_held_back(r, process, process->lines.held_back);
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
	    !wait_for(r, index, AGENDA_REPLAY))
		settle_replay(r, index, true);
	if (what & AGENDA_SETTLE && !settle(r, index, what & AGENDA_FORCED(AGENDA_SETTLE)) &&
	    !wait_for(r, index, AGENDA_SETTLE))
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
				agenda_add_process(&r->agenda, process,
						   tracker_process_uid(r->tracker, process));
			now_ns = clock_ns(CLOCK_MONOTONIC);
		}
		agenda_end_turn(&r->agenda, now_ns - began_ns);
	}
	return r->agenda.wanted;
}

void settlement_continue(struct recorders *r, bool force)
{
	tell_all_held_back(r, force);
	look_at_waiting(r, force);
}

void settlement_stray(struct recorders *r, const struct entry_record *record)
{
	struct observed_process *process = process_table_get(&r->processes, record->process);

	if (!r->done && may_log(r, process) &&
	    replay_entry(&r->replay, NULL, NULL, process, record))
		settlement_emit(r, &r->replay.report, false);
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
		settlement_emit(r, &r->replay.report, false);
}
