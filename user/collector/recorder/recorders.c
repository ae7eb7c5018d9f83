// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/recorders.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/base/clock.h"
#include "collector/recorder/lone_entries.h"
#include "collector/recorder/recorders_private.h"
#include "collector/recorder/settlement.h"
#include "collector/recorder/waiting.h"

int recorders_new(struct recorders **recorders, struct tracker *tracker,
		  const struct recorders_options *options)
{
	struct recorders *r = calloc(1, sizeof(*r));

	*recorders = NULL;
	if (!r)
		return -ENOMEM;
	r->tracker = tracker;
	r->options = *options;
	r->replay.tracker = tracker;
	r->replay.spans = options->spans;
	if (agenda_init(&r->agenda, tracker_limits(tracker).slots,
			tracker_limits(tracker).processes) ||
	    process_table_init(&r->processes, tracker) ||
	    recorder_table_init(&r->table, tracker, options->entries_memory)) {
		recorders_free(r);
		return -ENOMEM;
	}
	*recorders = r;
	return 0;
}

void recorders_free(struct recorders *r)
{
	if (!r)
		return;
	recorder_table_free(&r->table);
	process_table_free(&r->processes);
	replay_free(&r->replay);
	agenda_free(&r->agenda);
	free(r->waiting);
	free(r->adoptions);
	free(r);
}

/* Its replay came without it, and said that it is lost. */
static bool was_given_up(const struct held_recorder *held, const struct entry_record *record)
{
	return held->reported &&
	       (int32_t)((uint32_t)held->reported_entries - record->sequence) >= 0;
}

void recorders_add_entry(struct recorders *r, const struct entry_record *record)
{
	struct held_recorder *held;
	uint64_t word;

	if (record->slot == FR_NONE) {
		lone_entries_stray(r, record);
		return;
	}
	/* This is what happens to nearly all entries: their recorder was closed in time. */
	word = tracker_slot_word(r->tracker, record->slot);
	if (FR_WORD_GENERATION(word) != record->generation || FR_WORD_STATE(word) == RECORDER_FREE)
		return;
	held = recorder_table_get(&r->table, record->slot, record->generation);
	/* If it is settled, the entry came too late and was counted as lost. */
	if (!held || held->settled)
		return;
	if (record->type == RECORD_CONTEXT) {
		held_recorder_set_context(held, record->data, record->size);
		return;
	}
	held->received++;
	if (was_given_up(held, record))
		held->reported_lost -= held->reported_lost != 0;
	else if (held->reported)
		lone_entries_late(r, record);
	else
		entry_buffer_add(&held->entries, &r->table.budget, record);
}

void recorders_add_site(struct recorders *r, const struct site_record *record)
{
	process_table_site(&r->processes, record);
}

void recorders_look_at_process(struct recorders *r, uint32_t index)
{
	switch (FR_WORD_STATE(tracker_process_word(r->tracker, index))) {
	case PROCESS_ALIVE:
		/* Now, while it is alive, the path of its executable can be read. */
		process_table_get(&r->processes, index);
		break;
	case PROCESS_ENDED:
	case PROCESS_EXECED:
		settlement_process(r, index);
		break;
	}
}

void recorders_sweep(struct recorders *r)
{
	recorder_table_sweep(&r->table);
}

void recorders_end_at(struct recorders *r, uint64_t deadline_ns)
{
	r->last_deadline_ns = deadline_ns;
}

uint64_t recorders_next(const struct recorders *r)
{
	uint64_t next_ns = r->adopt_again_ns ? r->adopt_again_ns : UINT64_MAX;
	uint64_t step_ns;

	if (r->tell_held_back_ns && r->tell_held_back_ns < next_ns)
		next_ns = r->tell_held_back_ns;
	if (!r->n_waiting)
		return next_ns;
	step_ns = clock_ns(CLOCK_MONOTONIC) + WAITING_STEP_MS * 1000000;
	return step_ns < next_ns ? step_ns : next_ns;
}

bool recorders_done(const struct recorders *r)
{
	return r->done;
}

struct recorders_counts recorders_count(const struct recorders *r)
{
	return r->counts;
}
