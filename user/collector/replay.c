// SPDX-License-Identifier: BSD-2-Clause
#include "collector/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/render.h"
#include "collector/target_memory.h"
#include "collector/thread_state.h"

/* A message is cut beyond this; the entry itself holds at most ENTRY_DATA_MAX bytes. */
#define MESSAGE_MAX 8192
#define STATE_MAX 256
#define STATE_KEPT_NS 5000000

/* An entry with its full number, of which the record has the lower half. */
struct numbered {
	uint64_t sequence;
	const struct entry_record *record;
};

struct gathering {
	struct replay *replay;
	struct observed_process *process;
	const struct recorder_slot *slot;
	uint64_t real_offset;
	struct numbered *records;
	size_t n_records;
	size_t room;
	size_t head;
};

static void fill_recorder(struct report_recorder *to, const struct recorder_slot *slot,
			  struct observed_process *process, uint64_t real_offset)
{
	uint64_t until = slot->ended_ns ? slot->ended_ns : clock_ns(CLOCK_MONOTONIC);

	to->id = slot->id;
	to->parent_id = slot->parent_id;
	to->name = slot->name;
	to->comm = slot->comm;
	to->exe = process ? process->exe : NULL;
	to->pid = process ? (pid_t)process->pid : 0;
	to->tid = (pid_t)slot->tid;
	to->started_ns = slot->started_ns + real_offset;
	to->timeout_ns = slot->timeout_ns;
	to->age_ns = until > slot->started_ns ? until - slot->started_ns : 0;
	to->adopted = slot->flags & SLOT_ADOPTED;
}

static char *render(struct observed_process *process, const struct entry_record *record,
		    struct call_site_info *site)
{
	static char message[MESSAGE_MAX];
	const char *format = "";
	size_t size = 0;

	*site = (struct call_site_info){0};
	if (record->site && process) {
		if (process_table_find_site(process, record->site, site) == 0) {
			format = site->format;
			size = site->format_size;
		} else {
			format = "(the process ended before its call site could be read)";
			size = strlen(format);
		}
	}
	render_message(format, size, record->data, record->size, record->how, message,
		       sizeof(message));
	return strdup(message);
}

static bool fill_entry(struct report_entry *to, const struct entry_record *record,
		       struct observed_process *process, uint64_t started_ns, uint64_t real_offset)
{
	struct call_site_info site;
	char *message = render(process, record, &site);

	if (!message)
		return false;
	*to = (struct report_entry){
		.time_ns = record->time_ns + real_offset,
		.offset_ns = record->time_ns > started_ns ? record->time_ns - started_ns : 0,
		.severity = (int)(record->how & 0xff),
		.tid = (pid_t)record->tid,
		.line = site.line,
		.message = message,
		.file = site.file,
		.function = site.function,
	};
	return true;
}

static void gather(void *arg, const struct entry_record *record, bool head)
{
	struct gathering *g = arg;

	if (g->n_records == g->room) {
		size_t room = g->room ? g->room * 2 : 64;
		struct numbered *records = reallocarray(g->records, room, sizeof(*records));

		if (!records)
			return; /* what is missing counts as lost */
		g->records = records;
		g->room = room;
	}
	g->records[g->n_records++] = (struct numbered){
		.sequence = g->slot->entries - (uint32_t)(g->slot->entries - record->sequence),
		.record = record,
	};
	g->head += head;
}

static int by_sequence(const void *a, const void *b)
{
	const struct numbered *left = a, *right = b;

	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static void fill_entries(struct gathering *g, const struct held_recorder *held)
{
	struct replay *replay = g->replay;
	struct report *report = &replay->report;

	entry_buffer_each(&held->entries, gather, g);
	/* Threads on several CPUs: the recorder's own count puts their entries in order. */
	if (g->n_records)
		qsort(g->records, g->n_records, sizeof(*g->records), by_sequence);
	replay->entries = calloc(g->n_records ? g->n_records : 1, sizeof(*replay->entries));
	for (size_t i = 0; replay->entries && i < g->n_records; i++) {
		if (!fill_entry(&replay->entries[replay->n_entries], g->records[i].record,
				g->process, g->slot->started_ns, g->real_offset))
			break;
		replay->n_entries++;
	}
	report->entries = replay->entries;
	report->n_entries = replay->n_entries;
	if (held->entries.dropped) {
		report->gap_at = g->head < report->n_entries ? g->head : report->n_entries;
		report->gap_lost = held->entries.dropped;
	}
	free(g->records);
}

static void add_context(struct replay *replay, const unsigned char *data, size_t size)
{
	/* An item takes 6 bytes at least. */
	struct report_context *context = calloc(CONTEXT_MAX / 6 + 1, sizeof(*context));
	char key[CONTEXT_MAX + 1], value[MESSAGE_MAX / 8];
	size_t at = 0, n = 0;

	if (!context)
		return;
	while (n <= CONTEXT_MAX / 6 &&
	       render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value))) {
		context[n].key = strdup(key);
		context[n].value = strdup(value);
		if (!context[n].key || !context[n].value) {
			free((char *)context[n].key);
			free((char *)context[n].value);
			break;
		}
		n++;
	}
	replay->context = context;
	replay->report.recorder.context = context;
	replay->report.recorder.n_context = n;
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
	if (!process || !(slot->flags & SLOT_ADOPTED || slot->context_refused))
		return;
	/* Set before it was watched, or refused by a full ring: the recorder itself has it. */
	target_init(&target, (pid_t)process->pid);
	if (target_read(&target, slot->rec, &rec, sizeof(rec)) == 0 && rec.id_ == slot->id &&
	    rec.context_size_ <= sizeof(rec.context_))
		add_context(replay, rec.context_, rec.context_size_);
	target_close(&target);
}

/*
 * What a thread is doing, asked for once in a while: thousands of its recorders may be due in the
 * same moment, and each question is six system calls.
 */
static void fill_state(struct replay *replay, pid_t pid, pid_t tid)
{
	static struct {
		pid_t pid, tid;
		uint64_t asked_ns;
		char text[STATE_MAX];
	} last;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (last.pid != pid || last.tid != tid || now_ns - last.asked_ns > STATE_KEPT_NS) {
		last.pid = pid;
		last.tid = tid;
		last.asked_ns = now_ns;
		thread_state(pid, tid, last.text, sizeof(last.text));
	}
	if (last.text[0])
		replay->report.state = replay->state = strdup(last.text);
}

void replay_recorder(struct replay *replay, enum report_event event,
		     const struct recorder_slot *slot, const struct held_recorder *held,
		     struct observed_process *process)
{
	struct report *report = &replay->report;
	struct gathering g = {.replay = replay,
			      .process = process,
			      .slot = slot,
			      .real_offset = clock_real_offset()};

	report->event = event;
	report->time_ns = clock_ns(CLOCK_REALTIME);
	report->has_recorder = true;
	fill_recorder(&report->recorder, slot, process, g.real_offset);
	report->entries_total = slot->entries;
	if (event != REPORT_TIMEOUT && event != REPORT_REPLAY)
		return;
	if (held)
		fill_entries(&g, held);
	report->entries_lost =
		slot->entries > report->n_entries ? slot->entries - report->n_entries : 0;
	fill_context(replay, slot, held, process);
	if (process && !slot->ended_ns)
		fill_state(replay, (pid_t)process->pid, (pid_t)slot->tid);
}

void replay_entry(struct replay *replay, const struct recorder_slot *slot,
		  struct observed_process *process, const struct entry_record *record)
{
	struct report *report = &replay->report;
	uint64_t real_offset = clock_real_offset();

	report->event = REPORT_ENTRY;
	report->time_ns = clock_ns(CLOCK_REALTIME);
	report->has_recorder = slot != NULL;
	if (slot)
		fill_recorder(&report->recorder, slot, process, real_offset);
	report->pid = process ? (pid_t)process->pid : 0;
	report->comm = process ? process->comm : "";
	replay->entries = calloc(1, sizeof(*replay->entries));
	if (!replay->entries ||
	    !fill_entry(replay->entries, record, process, slot ? slot->started_ns : record->time_ns,
			real_offset))
		return;
	replay->n_entries = 1;
	report->entries = replay->entries;
	report->n_entries = 1;
}

void replay_free(struct replay *replay)
{
	for (size_t i = 0; i < replay->n_entries; i++)
		free((char *)replay->entries[i].message);
	for (size_t i = 0; i < replay->report.recorder.n_context; i++) {
		free((char *)replay->context[i].key);
		free((char *)replay->context[i].value);
	}
	free(replay->entries);
	free(replay->context);
	free(replay->state);
	memset(replay, 0, sizeof(*replay));
}
