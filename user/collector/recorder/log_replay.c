// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/log_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report/render.h"
#include "collector/target/host_tid.h"
#include "collector/target/thread_state.h"

/* For one recorder. The library keeps 6 KiB for each thread that logged to it. */
#define RECORDING_MAX (16u << 20)
#define MESSAGE_MAX 8192
#define CONTEXT_TEXT_MAX 1024
/* An item is at least 6 bytes. */
#define CONTEXT_ITEMS_MAX (FLIGHTREC_CONTEXT_MAX / 6 + 1)

struct context_text {
	char key[FLIGHTREC_CONTEXT_MAX + 1];
	char value[CONTEXT_TEXT_MAX];
};

struct log_replay {
	struct report report;
	struct memory_log *log;
	const struct log_owner *owner;
	const struct memory_slot *slot;
	struct memory_recording recording;
	pid_t own_tid, tid; /* of the thread that was looked up last, in both pid namespaces */
	size_t first;       /* entry of the recording that the report begins with */
	/* Before some were left out: */
	size_t found;    /* entries that are there */
	size_t gap_at;   /* before this one some are missing */
	uint64_t logged; /* with those missing */
	struct memory_site_texts site;
	char name[FLIGHTREC_NAME_MAX];
	char message[MESSAGE_MAX];
	struct report_context context[CONTEXT_ITEMS_MAX];
	struct context_text texts[CONTEXT_ITEMS_MAX];
};

struct log_replay *log_replay_new(void)
{
	return calloc(1, sizeof(struct log_replay));
}

void log_replay_free(struct log_replay *replay)
{
	if (replay)
		memory_recording_free(&replay->recording);
	free(replay);
}

/* The id by which we know a thread, which may be in a container. */
static pid_t known_tid(struct log_replay *replay, pid_t own)
{
	if (!replay->owner->running)
		return own;
	if (own != replay->own_tid) {
		replay->own_tid = own;
		replay->tid = host_tid(replay->owner->pid, own);
	}
	return replay->tid;
}

static void fill_entry(const struct report *report, size_t index, struct report_entry *to)
{
	struct log_replay *replay = report->entries;
	const struct memory_record *record = &replay->recording.record[replay->first + index];
	bool known = record->site && memory_log_site(replay->log, record->site, &replay->site) == 0;
	const char *format = known ? replay->site.format : "";

	render_message(
		&(struct render_input){
			.format = format,
			.format_size = strlen(format),
			.data = replay->recording.bytes + record->data,
			.size = record->size,
			.severity_flags = record->severity_flags,
		},
		replay->message, sizeof(replay->message));
	*to = (struct report_entry){
		.time_ns = tick_clock_real_ns(&replay->owner->clock, record->ticks),
		.offset_ns = tick_clock_elapsed_ns(&replay->owner->clock, replay->slot->started,
						   record->ticks),
		.severity = record->severity_flags & 0xff,
		.tid = known_tid(replay, (pid_t)record->tid),
		.line = known ? replay->site.line : 0,
		.message = replay->message,
		.file = known && replay->site.file[0] ? replay->site.file : NULL,
		.function = known && replay->site.function[0] ? replay->site.function : NULL,
	};
}

static void fill_recorder(struct log_replay *replay)
{
	struct report_recorder *to = &replay->report.recorder;
	const struct memory_slot *slot = replay->slot;
	const struct log_owner *owner = replay->owner;

	to->id = slot->id;
	to->parent_id = slot->parent && slot->parent < slot->id ? slot->id - slot->parent : 0;
	memcpy(replay->name, slot->name, sizeof(replay->name));
	replay->name[sizeof(replay->name) - 1] = '\0';
	to->name = replay->name;
	to->comm = owner->comm;
	to->exe = owner->exe;
	to->pid = owner->pid;
	to->tid = known_tid(replay, (pid_t)slot->tid);
	to->started_ns = tick_clock_real_ns(&owner->clock, slot->started);
	to->timeout_ns = slot->timeout_ns;
	to->extended_ns =
		tick_clock_elapsed_ns(&owner->clock, slot->started, memory_slot_from(slot));
	to->closed = MEMORY_WORD_STATE(slot->word) != MEMORY_OPEN;
	if (to->closed)
		to->age_ns = tick_clock_elapsed_ns(&owner->clock, slot->started, slot->ended);
	else if (owner->now_ns > to->started_ns)
		to->age_ns = owner->now_ns - to->started_ns;
}

static void fill_context(struct log_replay *replay)
{
	const struct memory_recording *recording = &replay->recording;
	struct report_recorder *to = &replay->report.recorder;
	struct render_context context = {recording->context, recording->context_size, 0};

	to->context = replay->context;
	while (to->n_context < CONTEXT_ITEMS_MAX) {
		struct context_text *text = &replay->texts[to->n_context];

		if (!render_context_item(&context,
					 (struct render_text){text->key, sizeof(text->key)},
					 (struct render_text){text->value, sizeof(text->value)}))
			break;
		replay->context[to->n_context++] = (struct report_context){text->key, text->value};
	}
}

static void leave_out_below(struct memory_recording *recording, int min_severity)
{
	size_t kept = 0, before_gap = 0;

	for (size_t i = 0; i < recording->n; i++) {
		if ((recording->record[i].severity_flags & 0xff) < min_severity)
			continue;
		before_gap += i < recording->gap_at;
		recording->record[kept++] = recording->record[i];
	}
	recording->total -= recording->n - kept;
	recording->n = kept;
	recording->gap_at = before_gap;
}

static void begin(struct log_replay *replay, const struct log_recorder *recorder,
		  const struct log_owner *owner)
{
	replay->owner = owner;
	replay->slot = &recorder->copy;
	replay->own_tid = 0;
	replay->report = (struct report){
		.event = REPORT_REPLAY,
		.time_ns = owner->now_ns,
		.has_recorder = true,
		.entry = fill_entry,
		.entries = replay,
	};
	fill_recorder(replay);
}

struct report *log_replay_head(struct log_replay *replay, const struct log_recorder *recorder,
			       const struct log_owner *owner)
{
	begin(replay, recorder, owner);
	return &replay->report;
}

int log_replay_make(struct log_replay *replay, struct memory_log *log,
		    const struct log_recorder *recorder, const struct log_owner *owner,
		    struct report **made)
{
	struct memory_recording *recording = &replay->recording;
	struct report *report = &replay->report;
	int err = memory_log_recording(log, recorder->slot, &recorder->copy, RECORDING_MAX,
				       recording);

	*made = NULL;
	if (err)
		return err;
	replay->log = log;
	replay->first = 0;
	replay->logged = recording->total;
	replay->found = recording->n;
	replay->gap_at = recording->gap_at;
	for (size_t i = 0; i < recording->n; i++)
		recording->record[i].order = i;
	if (owner->min_severity)
		leave_out_below(recording, owner->min_severity);
	begin(replay, recorder, owner);
	report->n_entries = recording->n;
	report->entries_total = recording->total;
	report->entries_lost = recording->total - recording->n;
	report->gap_at = recording->gap_at;
	report->gap_lost = recording->gap;
	fill_context(replay);
	if (owner->running && !report->recorder.closed)
		report->state = thread_state_lately(owner->pid, report->recorder.tid);
	*made = report;
	return 0;
}

uint64_t log_replay_logged(const struct log_replay *replay)
{
	return replay->logged;
}

/* The number, among all entries that were logged, of the one that was found as number @found. */
static uint64_t number_of(const struct log_replay *replay, uint64_t found)
{
	return found < replay->gap_at ? found : replay->logged - (replay->found - found);
}

uint64_t log_replay_skip(struct log_replay *replay, uint64_t logged)
{
	uint64_t fresh = replay->logged > logged ? replay->logged - logged : 0, there = 0;
	struct report *report = &replay->report;

	for (size_t i = 0; i < replay->found; i++)
		there += number_of(replay, i) >= logged;
	while (report->n_entries &&
	       number_of(replay, replay->recording.record[replay->first].order) < logged) {
		replay->first++;
		report->n_entries--;
	}
	report->gap_lost = 0;
	return fresh > there ? fresh - there : 0;
}

void log_replay_next(struct log_replay *replay)
{
	replay->first++;
}

void log_replay_cut(struct log_replay *replay, uint64_t real_ns)
{
	const struct memory_recording *recording = &replay->recording;
	struct report *report = &replay->report;

	while (report->n_entries &&
	       tick_clock_real_ns(&replay->owner->clock,
				  recording->record[report->n_entries - 1].ticks) > real_ns) {
		report->n_entries--;
		report->entries_total--;
	}
}
