// SPDX-License-Identifier: BSD-2-Clause
#include "collector/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "collector/adoption.h"
#include "collector/clock.h"
#include "collector/replay.h"

/* How long an entry may be on its way: counted by its recorder, not yet in a ring. */
#define WAIT_NS 100000000
#define WAIT_STEP_MS 2

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

static void settle_or_wait(struct session *s, uint32_t index, uint32_t generation)
{
	if (!settle(s, index, generation, false))
		wait_for(s, index, generation);
}

static void settle_waiting(struct session *s, bool force)
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
		replay.report.wait_status = WORD_STATE(dead->word) == PROCESS_EXECED
						    ? -1
						    : (int)dead->exit_code;
		if (!s->done)
			write_report(s, &replay.report);
		replay_free(&replay);
	}
	release(s, index, generation);
}

static void process_ended(struct session *s, uint32_t index, const struct process_slot *dead)
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

static void look_at_process(struct session *s, uint32_t index)
{
	struct process_slot process;

	if (index >= s->tracker.max_processes)
		return;
	memcpy(&process, (const void *)&s->tracker.processes[index], sizeof(process));
	switch (WORD_STATE(process.word)) {
	case PROCESS_ALIVE:
		/* Now, while it lives: the path of its executable is kept. */
		process_table_get(&s->processes, index);
		break;
	case PROCESS_ENDED:
	case PROCESS_EXECED:
		tracker_drain_entries(&s->tracker);
		process_ended(s, index, &process);
		break;
	}
}

static void replay_now(struct session *s, uint32_t index, uint32_t generation)
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

static void add_rescan(struct session *s, pid_t pid)
{
	pid_t *rescans;

	for (size_t i = 0; i < s->n_rescans; i++) {
		if (s->rescans[i] == pid)
			return;
	}
	rescans = reallocarray(s->rescans, s->n_rescans + 1, sizeof(*rescans));
	if (!rescans)
		return;
	s->rescans = rescans;
	s->rescans[s->n_rescans++] = pid;
}

static void on_notice(struct session *s, const struct notice *notice)
{
	switch (notice->type) {
	case NOTICE_RECORDER:
		if (notice->index >= s->tracker.max_recorders)
			return;
		tracker_drain_entries(&s->tracker);
		settle_or_wait(s, notice->index, notice->generation);
		break;
	case NOTICE_REPLAY:
		if (notice->index >= s->tracker.max_recorders)
			return;
		tracker_drain_entries(&s->tracker);
		replay_now(s, notice->index, notice->generation);
		break;
	case NOTICE_PROCESS:
		look_at_process(s, notice->index);
		break;
	case NOTICE_REARM:
		tracker_rearm(&s->tracker);
		break;
	case NOTICE_MAPPINGS:
		add_rescan(s, (pid_t)notice->index);
		break;
	}
}

static void on_stray(struct session *s, const struct entry_record *record)
{
	struct replay replay = {0};

	if (s->done)
		return;
	replay_entry(&replay, NULL, process_table_get(&s->processes, record->process), record);
	write_replay(s, &replay);
}

static void on_late_entry(struct session *s, const struct entry_record *record)
{
	struct recorder_slot slot;
	struct replay replay = {0};

	if (s->done || !copy_slot(s, record->slot, &slot))
		return;
	replay_entry(&replay, &slot, process_table_get(&s->processes, slot.process), record);
	write_replay(s, &replay);
}

static void on_entry(struct session *s, const struct entry_record *record)
{
	struct held_recorder *held;
	uint64_t word;

	if (record->slot >= s->tracker.max_recorders) {
		if (record->slot == NONE)
			on_stray(s, record);
		return;
	}
	/* The way of nearly all entries: their recorder is closed, in time, and they are nothing. */
	word = s->tracker.slots[record->slot].word;
	if (WORD_GENERATION(word) != record->generation || WORD_STATE(word) == RECORDER_FREE)
		return;
	held = recorder_table_get(&s->recorders, record->slot, record->generation);
	if (!held)
		return;
	if (record->type == RECORD_CONTEXT) {
		held_recorder_set_context(held, record->data, record->size);
		return;
	}
	held->received++;
	if (held->reported)
		on_late_entry(s, record);
	else
		entry_buffer_add(&held->entries, &s->recorders.budget, record);
}

static void on_record(void *arg, uint32_t ring, const void *data, size_t size)
{
	struct session *s = arg;
	const struct entry_record *entry = data;
	const struct site_record *site = data;
	uint32_t process;

	if (ring == RINGS_MAX) {
		if (size >= sizeof(struct notice))
			on_notice(s, data);
		return;
	}
	if (size < sizeof(*entry))
		return;
	switch (entry->type) {
	case RECORD_ENTRY:
	case RECORD_CONTEXT:
		if (entry->size > size - sizeof(*entry))
			return;
		process = entry->process;
		on_entry(s, entry);
		break;
	case RECORD_SITE:
		if (size < sizeof(*site))
			return;
		process = site->process;
		process_table_site(&s->processes, site);
		break;
	default:
		return;
	}
	if (process < s->tracker.max_processes)
		s->tracker.shares[process * s->tracker.rings + ring].consumed +=
			(size + 8 + 7) & ~(size_t)7;
}

int session_open(struct session *s, const struct session_options *options, char *error,
		 size_t error_size)
{
	int err;

	*s = (struct session){.options = *options};
	err = tracker_open(&s->tracker, &options->tracker, on_record, s, error, error_size);
	if (err)
		return err;
	attachments_init(&s->attachments, &s->tracker, options->each_process);
	err = process_table_init(&s->processes, &s->tracker);
	err = err ? err : recorder_table_init(&s->recorders, &s->tracker, SESSION_ENTRIES_MEMORY);
	if (err) {
		snprintf(error, error_size, "cannot start: %s", strerror(-err));
		session_close(s);
	}
	return err;
}

void session_close(struct session *s)
{
	attachments_free(&s->attachments);
	recorder_table_free(&s->recorders);
	process_table_free(&s->processes);
	if (s->tracker.skeleton)
		tracker_close(&s->tracker);
	free(s->waiting);
	free(s->adoptions);
	free(s->rescans);
	memset(s, 0, sizeof(*s));
}

int session_add_to_epoll(struct session *s, int epoll_fd, uint64_t token)
{
	/* Edge-triggered: a ring is rarely empty, and only what BPF says so is to wake us. */
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = token};

	for (uint32_t i = 0; i < s->tracker.rings; i++) {
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->tracker.ring[i].fd, &event))
			return -errno;
	}
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->tracker.notices.fd, &event) ? -errno : 0;
}

static void add_process_rescan(void *arg, const struct process_found *found)
{
	add_rescan(arg, (pid_t)found->key.pid);
}

/* Notices were refused: finds out by itself what they would have said. */
static void scan_slots(struct session *s)
{
	uint32_t used = tracker_slots_used(&s->tracker);

	tracker_drain_entries(&s->tracker);
	for (uint32_t i = 0; i < used; i++) {
		uint64_t word = s->tracker.slots[i].word;

		if (WORD_STATE(word) > RECORDER_OPEN)
			settle_or_wait(s, i, WORD_GENERATION(word));
		else if (WORD_STATE(word) == RECORDER_OPEN && s->tracker.slots[i].replays)
			replay_now(s, i, WORD_GENERATION(word));
	}
	for (uint32_t i = 0; i < s->tracker.max_processes; i++)
		look_at_process(s, i);
	tracker_processes(&s->tracker, add_process_rescan, s);
	tracker_rearm(&s->tracker);
}

static void rescan(struct session *s)
{
	for (size_t i = 0; i < s->n_rescans; i++)
		attachments_scan(&s->attachments, s->rescans[i], adoption_add, s);
	s->n_rescans = 0;
	session_adopt(s);
}

void session_dispatch(struct session *s)
{
	s->more = tracker_drain(&s->tracker.notices);
	if (tracker_must_scan(&s->tracker))
		scan_slots(s);
	s->more = tracker_drain_entries(&s->tracker) || s->more;
	if (s->n_waiting)
		settle_waiting(s, false);
	if (s->n_rescans)
		rescan(s);
	recorder_table_sweep(&s->recorders);
}

int session_wait_ms(const struct session *s)
{
	return s->more ? 0 : s->n_waiting ? WAIT_STEP_MS : -1;
}

int session_watch(struct session *s, pid_t pid)
{
	int err = tracker_watch(&s->tracker, pid);

	return err ? err : attachments_scan(&s->attachments, pid, adoption_add, s);
}

void session_finish(struct session *s)
{
	attachments_free(&s->attachments);
	s->n_rescans = 0;
	do
		session_dispatch(s);
	while (s->more);
	settle_waiting(s, true);
}

void session_totals(struct session *s, struct report_totals *totals)
{
	uint64_t count[COUNTERS];

	tracker_count(&s->tracker, count);
	*totals = (struct report_totals){
		.opened = count[COUNT_OPENED] + count[COUNT_UNTRACKED],
		.timed_out = count[COUNT_TIMED_OUT] + s->timed_out_here,
		.entries = count[COUNT_ENTRIES] + count[COUNT_UNTRACKED_ENTRIES],
		.losses = {.ring = count[COUNT_REFUSED_RING],
			   .share = count[COUNT_REFUSED_SHARE],
			   .unreadable = count[COUNT_REFUSED_READ],
			   .untracked = count[COUNT_UNTRACKED_ENTRIES],
			   .buffer = s->buffer_lost},
		.untracked = count[COUNT_UNTRACKED],
		.reports_lost = s->reports_lost,
	};
	totals->lost = totals->losses.ring + totals->losses.share + totals->losses.unreadable +
		       totals->losses.untracked + totals->losses.buffer;
}
