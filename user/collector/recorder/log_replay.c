// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/log_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report/render.h"
#include "collector/target/thread_number.h"
#include "collector/target/thread_state.h"

/* Of one recorder; the library itself keeps 6 KiB for each thread that logs to it. */
#define RECORDING_MAX (16u << 20)
#define MESSAGE_MAX 8192
#define STATE_MAX 256
#define CONTEXT_TEXT_MAX 1024
/* An item takes 6 bytes at least. */
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
	pid_t own_tid, tid; /* of the last thread that was looked up, in both namespaces */
	struct memory_site_texts site;
	char name[FLIGHTREC_NAME_MAX];
	char state[STATE_MAX];
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

/* The number by which we know a thread of a process in a container. */
static pid_t known_tid(struct log_replay *replay, pid_t own)
{
	if (!replay->owner->running)
		return own;
	if (own != replay->own_tid) {
		replay->own_tid = own;
		replay->tid = thread_number(replay->owner->pid, own);
	}
	return replay->tid;
}

static void fill_entry(const struct report *report, size_t index, struct report_entry *to)
{
	struct log_replay *replay = report->entries;
	const struct memory_record *record = &replay->recording.record[index];
	bool known = record->site && memory_log_site(replay->log, record->site, &replay->site) == 0;
	const char *format = known ? replay->site.format : "";

	render_message(
		&(struct render_input){
			.format = format,
			.format_size = strlen(format),
			.data = replay->recording.bytes + record->data,
			.size = record->size,
			.how = record->severity_flags,
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
	replay->owner = owner;
	replay->slot = &recorder->copy;
	replay->own_tid = 0;
	*report = (struct report){
		.event = REPORT_REPLAY,
		.time_ns = owner->now_ns,
		.has_recorder = true,
		.entry = fill_entry,
		.entries = replay,
		.n_entries = recording->n,
		.entries_total = recording->total,
		.entries_lost = recording->total - recording->n,
		.gap_at = recording->gap_at,
		.gap_lost = recording->gap,
	};
	fill_recorder(replay);
	fill_context(replay);
	if (owner->running && !report->recorder.closed &&
	    thread_state(owner->pid, report->recorder.tid, replay->state, sizeof(replay->state)) ==
		    0)
		report->state = replay->state;
	*made = report;
	return 0;
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
