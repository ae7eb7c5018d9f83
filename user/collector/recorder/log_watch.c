// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/log_watch_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"
#include "collector/recorder/process_table.h"

static void describe(struct log_watch *w, pid_t pid)
{
	char exe[PATH_MAX];

	w->owner = (struct log_owner){.pid = pid,
				      .comm = w->comm,
				      .running = true,
				      .min_severity = w->watching->min_severity};
	proc_comm(pid, pid, w->comm);
	if (proc_exe(pid, exe, sizeof(exe)))
		w->owner.exe = w->exe = strdup(exe);
}

static int count_open(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	uint64_t *n = arg;

	(void)slot;
	(void)copy;
	++*n;
	return 0;
}

/* Recorders that are open when the watching begins count, those closed before do not. */
static void begin_counts(struct log_watch *w)
{
	for (uint32_t i = 0; i < log_source_logs(w->source); i++) {
		struct memory_log *log = log_source_log(w->source, i);
		uint64_t opened, entries, open = 0;

		if (memory_log_count(log, &opened, &entries) ||
		    memory_log_slots(log, false, count_open, &open))
			continue;
		w->opened += opened > open ? opened - open : 0;
		w->entries += entries;
	}
}

static bool is_plausible(struct log_source *source)
{
	for (size_t i = 0; i < log_source_logs(source); i++) {
		if (!tick_clock_plausible(&log_source_log(source, i)->header,
					  log_source_process(source)->ahead_ns))
			return false;
	}
	return true;
}

int log_watch_open(struct log_watch **opened, struct log_watching *watching, pid_t pid,
		   uint64_t since_ns)
{
	struct log_watch *w = calloc(1, sizeof(*w));
	int err = w ? log_source_hold_process(&w->source, pid) : -ENOMEM;

	*opened = NULL;
	if (!err && !log_source_logs(w->source))
		err = -ENOENT;
	if (!err && !is_plausible(w->source))
		err = -ETIME;
	if (err) {
		log_watch_close(w);
		return err;
	}
	w->watching = watching;
	w->since_ns = since_ns;
	w->lines = process_lines();
	describe(w, pid);
	if (since_ns)
		begin_counts(w);
	*opened = w;
	return 0;
}

void log_watch_close(struct log_watch *w)
{
	struct hung *hung, *next;

	if (!w)
		return;
	HASH_ITER(hh, w->hung, hung, next)
	{
		log_watch_forget_hung(w, hung);
	}
	log_source_close(w->source);
	free(w->clock);
	free(w->exe);
	free(w);
}

bool log_watch_has(const struct log_watch *w, uint32_t log)
{
	for (size_t i = 0; i < log_source_logs(w->source); i++) {
		if (log_watch_number(w, i) == log)
			return true;
	}
	return false;
}

void log_watch_find_more(struct log_watch *w)
{
	log_source_look_again(w->source);
}

bool log_watch_has_hung(const struct log_watch *w)
{
	return w->n_open;
}

static void count(struct log_watch *w, uint64_t *opened, uint64_t *entries)
{
	*opened = *entries = 0;
	for (uint32_t i = 0; i < log_source_logs(w->source); i++) {
		uint64_t o, e;

		if (memory_log_count(log_source_log(w->source, i), &o, &e))
			continue;
		*opened += o;
		*entries += e;
	}
}

/* Returns whether that was all. */
static bool look_last(struct log_watch *w, const struct process_slot *ended, uint64_t until_ns)
{
	struct log_look look = {
		.now_ns = ended->ended_ns, .next_ns = UINT64_MAX, .until_ns = until_ns};

	while (w->at.log < log_source_logs(w->source)) {
		log_watch_look_at_log(w, w->at.log, &look);
		if (look.more)
			return false;
		w->at = (struct place){w->at.log + 1, 0};
	}
	return true;
}

static void end_one(struct log_watch *w, struct hung *hung, const struct process_slot *ended)
{
	int err;

	log_watch_begin_hung(w, hung);
	if (!log_watch_poll_hung(w, hung, &err) && !hung->over)
		log_watch_report_died(w, hung, ended);
	log_watch_forget_hung(w, hung);
}

bool log_watch_end(struct log_watch *w, const struct process_slot *ended, uint64_t until_ns)
{
	uint64_t opened, entries;

	if (!w->ended) {
		w->ended = true;
		w->owner.running = false;
		w->at = (struct place){0, 0};
	}
	w->death = FR_WORD_STATE(ended->word) == PROCESS_ENDED &&
				   deaths_include(w->watching->deaths, (int)ended->exit_code)
			   ? ended
			   : NULL;
	if (!look_last(w, ended, until_ns))
		return false;
	while (w->hung) {
		end_one(w, w->hung, ended);
		if (w->hung && clock_ns(CLOCK_MONOTONIC) > until_ns)
			return false;
	}
	log_watch_report_held_back(w);
	count(w, &opened, &entries);
	if (!opened) {
		opened = ended->opened;
		entries = ended->entries;
	}
	w->opened = opened > w->opened ? opened - w->opened : 0;
	w->entries = entries > w->entries ? entries - w->entries : 0;
	w->counted = true;
	return true;
}

void log_watch_count(struct log_watch *w, uint64_t *opened, uint64_t *entries)
{
	if (w->counted) {
		*opened = w->opened;
		*entries = w->entries;
		return;
	}
	count(w, opened, entries);
	*opened -= *opened < w->opened ? *opened : w->opened;
	*entries -= *entries < w->entries ? *entries : w->entries;
}

uint32_t log_watch_open_now(struct log_watch *w)
{
	uint64_t open = 0;

	for (uint32_t i = 0; i < log_source_logs(w->source); i++)
		memory_log_slots(log_source_log(w->source, i), false, count_open, &open);
	return (uint32_t)open;
}
