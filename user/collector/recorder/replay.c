// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/kernel/tracker_spans.h"
#include "collector/report/render.h"
#include "collector/target/target_memory.h"
#include "collector/target/thread_state.h"

_Static_assert(REPORT_NO_TIMEOUT_NS == FR_TIMEOUT_MAX, "it is what the longest ones are cut to");

/* How far the two clocks must drift apart before it counts, and how precisely they are read. */
#define CLOCKS_APART_NS 100000
#define CLOCK_READS_MAX 5

/*
 * Two readings of two clocks never agree to the nanosecond. All reports should show the same moment
 * as the same time, so the difference is kept until it has really changed.
 */
static void set_times(struct replay *replay)
{
	uint64_t best_ns = UINT64_MAX, offset = 0;

	for (int i = 0; i < CLOCK_READS_MAX && best_ns > CLOCKS_APART_NS / 2; i++) {
		uint64_t before_ns = clock_ns(CLOCK_MONOTONIC);
		uint64_t real_ns = clock_ns(CLOCK_REALTIME);

		replay->now_ns = clock_ns(CLOCK_MONOTONIC);
		if (replay->now_ns - before_ns < best_ns) {
			best_ns = replay->now_ns - before_ns;
			offset = real_ns - replay->now_ns;
		}
	}
	if (offset - replay->real_offset + CLOCKS_APART_NS > 2 * CLOCKS_APART_NS)
		replay->real_offset = offset;
	replay->report.time_ns = replay->now_ns + replay->real_offset;
}

/* A recorder has one time of opening, even if the clock is set in between. */
static uint64_t real_start(const struct replay *replay, const struct recorder_slot *slot,
			   struct held_recorder *held)
{
	if (!held)
		return slot->started_ns + replay->real_offset;
	if (!held->started_ns)
		held->started_ns = slot->started_ns + replay->real_offset;
	return held->started_ns;
}

static void fill_recorder(struct replay *replay, const struct recorder_slot *slot,
			  struct held_recorder *held)
{
	struct report_recorder *to = &replay->report.recorder;
	const struct observed_process *process = replay->process;
	uint64_t until = slot->ended_ns ? slot->ended_ns : replay->now_ns;

	to->id = slot->id;
	to->parent_id = slot->parent_id;
	to->name = slot->name;
	to->comm = slot->comm;
	to->exe = process ? process->exe : NULL;
	to->pid = process ? (pid_t)process->pid : 0;
	to->tid = (pid_t)slot->tid;
	to->started_ns = real_start(replay, slot, held);
	to->timeout_ns = slot->timeout_ns;
	to->age_ns = until > slot->started_ns ? until - slot->started_ns : 0;
	to->adopted = slot->flags & FR_SLOT_ADOPTED;
	if (to->adopted && process && process->seen_ns > slot->started_ns)
		to->opened_before_ns = process->seen_ns - slot->started_ns;
}

/* What is otherwise of a span: its names, and its number, which its process does not know. */
static void fill_span(struct replay *replay, const struct recorder_slot *slot)
{
	struct report_recorder *to = &replay->report.recorder;
	struct span_slot span;

	if (!replay->spans || !tracker_span_copy(replay->tracker, replay->index,
						 FR_WORD_GENERATION(slot->word), &span))
		return;
	span_view_make(&replay->span, replay->spans, to->pid, &span, slot->name);
	to->id = replay->span.id;
	to->name = replay->span.name;
	to->span = replay->span.span;
	to->source = replay->span.source;
}

/* An entry of a span: its site is the number of an event. */
static void render_span(struct replay *replay, const struct entry_record *record,
			struct call_site_info *site)
{
	unsigned char data[2 * FR_ENTRY_DATA_MAX];
	const struct span_packed packed = {record->data, record->size};
	pid_t pid = replay->process ? (pid_t)replay->process->pid : 0;

	if (span_view_site(replay->spans, record->site, site))
		return;
	render_message(&(struct render_input){.format = site->format,
					      .format_size = site->format_size,
					      .data = data,
					      .size = span_view_read(pid, site->format, &packed,
								     data, sizeof(data)),
					      .severity_flags = record->severity_flags},
		       replay->message, sizeof(replay->message));
}

static void render(struct replay *replay, const struct entry_record *record,
		   struct call_site_info *site)
{
	const char *format = "";
	int err;

	*site = (struct call_site_info){0};
	if (record->site && record->site < FR_SPAN_SITES && replay->spans) {
		render_span(replay, record, site);
		return;
	}
	if (record->site && replay->process) {
		err = process_table_find_site(replay->process, record->site, record->time_ns, site);
		if (!err)
			format = site->format;
		else if (err == -ESTALE)
			format = "(its call site may have been unloaded before it could be read)";
		else
			format = "(the process ended before its call site could be read)";
	}
	render_message(
		&(struct render_input){
			.format = format,
			.format_size = strlen(format),
			.data = record->data,
			.size = record->size,
			.severity_flags = record->severity_flags,
		},
		replay->message, sizeof(replay->message));
}

static void fill_entry(const struct report *report, size_t index, struct report_entry *to)
{
	struct replay *replay = report->entries;
	const struct entry_record *record = replay->records[index].record;
	struct call_site_info site;

	render(replay, record, &site);
	*to = (struct report_entry){
		.time_ns = record->time_ns + replay->real_offset,
		.offset_ns = record->time_ns > replay->started_ns
				     ? record->time_ns - replay->started_ns
				     : 0,
		.severity = (int)(record->severity_flags & 0xff),
		.tid = (pid_t)record->tid,
		.line = site.line,
		.message = replay->message,
		.file = site.file,
		.function = site.function,
	};
}

static bool add_record(struct replay *replay, const struct entry_record *record)
{
	if (array_reserve(replay->records, replay->room, replay->n_records + 1))
		return false;
	replay->records[replay->n_records++] =
		(struct replay_record){.sequence = record->sequence, .record = record};
	return true;
}

static void gather(void *arg, const struct entry_record *record, bool head)
{
	struct replay *replay = arg;

	/* Without memory, the entry counts as lost. */
	if (add_record(replay, record))
		replay->n_head += head;
}

static int by_sequence(const void *a, const void *b)
{
	const struct replay_record *left = a, *right = b;

	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* If threads logged on several CPUs, the recorder's own count puts their entries in order. */
static void sort_records(struct replay *replay, uint64_t emitted)
{
	bool sorted = true;

	for (size_t i = 0; i < replay->n_records; i++) {
		struct replay_record *record = &replay->records[i];

		record->sequence = emitted - (uint32_t)(emitted - record->sequence);
		sorted = sorted && (!i || record[-1].sequence < record->sequence);
	}
	if (!sorted)
		qsort(replay->records, replay->n_records, sizeof(*replay->records), by_sequence);
}

static void fill_entries(struct replay *replay, const struct recorder_slot *slot,
			 const struct held_recorder *held)
{
	struct report *report = &replay->report;

	entry_buffer_each(&held->entries, gather, replay);
	sort_records(replay, slot->entries);
	report->n_entries = replay->n_records;
	if (held->entries.dropped) {
		report->gap_at = replay->n_head;
		report->gap_lost = held->entries.dropped;
	}
}

/* The time of the last entry that came through the rings, for the report being made. */
static uint64_t last_entry_ns(const struct replay *replay)
{
	uint64_t last_ns = 0;

	for (size_t i = 0; i < replay->n_records; i++) {
		if (replay->records[i].record->time_ns > last_ns)
			last_ns = replay->records[i].record->time_ns;
	}
	return last_ns;
}

/*
 * For a recorder that was open before it was watched: its process's memory log has everything, up
 * to the deadline or to what came later through the rings. Entries after that are reported one by
 * one.
 */
static void fill_history(struct replay *replay, const struct recorder_slot *slot,
			 const struct observed_process *process)
{
	struct report *report = &replay->report;
	uint64_t until_ns = replay->now_ns, last_ns = last_entry_ns(replay);
	const struct report *found;

	if (report->event == REPORT_TIMEOUT && slot->deadline_ns < until_ns)
		until_ns = last_ns > slot->deadline_ns ? last_ns : slot->deadline_ns;
	if (!replay->history)
		replay->history = history_new();
	found = replay->history ? history_find(replay->history, process, slot, until_ns) : NULL;
	if (!found)
		return;
	report->entry = found->entry;
	report->entries = found->entries;
	report->n_entries = found->n_entries;
	report->entries_total = found->entries_total;
	report->entries_lost = found->entries_total - found->n_entries;
	report->gap_at = found->gap_at;
	report->gap_lost = found->gap_lost;
	report->recorder.has_history = true;
}

static void free_context(struct replay *replay)
{
	for (size_t i = 0; i < replay->report.recorder.n_context; i++) {
		free((char *)replay->context[i].key);
		free((char *)replay->context[i].value);
	}
}

static void add_context(struct replay *replay, const unsigned char *data, size_t size)
{
	struct report_recorder *recorder = &replay->report.recorder;
	char key[FR_CONTEXT_MAX + 1], value[REPLAY_MESSAGE_MAX / 8];
	struct render_context context = {.data = data, .size = size};

	recorder->context = replay->context;
	while (recorder->n_context < REPLAY_CONTEXT_MAX &&
	       render_context_item(&context, (struct render_text){key, sizeof(key)},
				   (struct render_text){value, sizeof(value)})) {
		struct report_context *item = &replay->context[recorder->n_context];

		*item = (struct report_context){strdup(key), strdup(value)};
		/* Counted, so that it is freed, even if there was no memory for a part of it. */
		recorder->n_context++;
	}
}

static void fill_context(struct replay *replay, const struct recorder_slot *slot,
			 const struct held_recorder *held, const struct observed_process *process)
{
	struct target target;
	flightrec rec;

	if (held && held->context_size && !slot->context_refused) {
		add_context(replay, held->context, held->context_size);
		return;
	}
	if (!process || !(slot->flags & FR_SLOT_ADOPTED || slot->context_refused))
		return;
	/*
	 * If it was set before it was watched, or refused by a full ring, the recorder itself has
	 * it.
	 */
	target_init(&target, (pid_t)process->pid);
	if (target_read(&target, slot->rec, &rec, sizeof(rec)) == 0 && rec.id_ == slot->id &&
	    rec.context_size_ <= sizeof(rec.context_))
		add_context(replay, rec.context_, rec.context_size_);
	target_close(&target);
}

static void begin(struct replay *replay, enum report_event event, const struct recorder_slot *slot,
		  struct held_recorder *held, struct observed_process *process)
{
	struct report *report = &replay->report;

	free_context(replay);
	*report = (struct report){.event = event, .entry = fill_entry, .entries = replay};
	replay->n_records = replay->n_head = 0;
	replay->process = process;
	set_times(replay);
	report->has_recorder = slot != NULL;
	if (!slot)
		return;
	replay->started_ns = slot->started_ns;
	fill_recorder(replay, slot, held);
	if (slot->flags & FR_SLOT_SPAN)
		fill_span(replay, slot);
}

void replay_recorder(struct replay *replay, enum report_event event,
		     const struct recorder_slot *slot, struct held_recorder *held,
		     struct observed_process *process)
{
	struct report *report = &replay->report;

	begin(replay, event, slot, held, process);
	report->entries_total = slot->entries;
	if (event != REPORT_TIMEOUT && event != REPORT_REPLAY)
		return;
	if (held)
		fill_entries(replay, slot, held);
	report->entries_lost =
		slot->entries > report->n_entries ? slot->entries - report->n_entries : 0;
	if (process && !slot->ended_ns && slot->flags & FR_SLOT_ADOPTED)
		fill_history(replay, slot, process);
	fill_context(replay, slot, held, process);
	if (process && !slot->ended_ns)
		report->state = thread_state_lately((pid_t)process->pid, (pid_t)slot->tid);
}

bool replay_entry(struct replay *replay, const struct recorder_slot *slot,
		  struct held_recorder *held, struct observed_process *process,
		  const struct entry_record *record)
{
	struct report *report = &replay->report;

	begin(replay, REPORT_ENTRY, slot, held, process);
	if (!slot)
		replay->started_ns = record->time_ns;
	report->pid = process ? (pid_t)process->pid : 0;
	report->comm = process ? process->comm : "";
	report->n_entries = add_record(replay, record);
	return report->n_entries;
}

bool replay_is_gone(const struct replay *replay, const struct recorder_slot *slot,
		    const struct observed_process *process)
{
	struct span_slot span;

	return process &&
	       tracker_span_copy(replay->tracker, replay->index, FR_WORD_GENERATION(slot->word),
				 &span) &&
	       span_view_is_gone((pid_t)process->pid, (pid_t)slot->tid, &span);
}

void replay_held_back(struct replay *replay, struct observed_process *process, uint64_t count)
{
	struct report *report = &replay->report;

	begin(replay, REPORT_HELD_BACK, NULL, NULL, process);
	report->pid = (pid_t)process->pid;
	report->comm = process->comm;
	report->held_back = count;
	report->lines_per_second = process->lines.lines;
}

void replay_free(struct replay *replay)
{
	free_context(replay);
	free(replay->records);
	history_free(replay->history);
	memset(replay, 0, sizeof(*replay));
}
