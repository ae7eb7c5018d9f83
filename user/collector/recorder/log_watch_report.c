// SPDX-License-Identifier: BSD-2-Clause
/* What is said of the recorders of a process that is watched by memory. */
#include "collector/recorder/log_watch_private.h"

#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"
#include "collector/kernel/tracker.h"
#include "collector/recorder/recorders_private.h"

void log_watch_end_hung(struct log_watch *w, struct hung *hung)
{
	w->n_open -= !hung->over;
	hung->over = true;
}

void log_watch_forget_hung(struct log_watch *w, struct hung *hung)
{
	log_watch_end_hung(w, hung);
	HASH_DEL(w->hung, hung);
	free(hung);
	w->watching->known--;
}

/* Fills in what a log does not know of its recorder. */
static void complete(struct log_watch *w, struct report *report, const struct memory_slot *copy)
{
	struct report_recorder *recorder = &report->recorder;
	uint64_t started_ns = log_watch_time(w, copy->started);

	recorder->timeout_ns = log_watch_timeout(w, copy);
	strcpy(w->thread_comm, w->comm);
	if (!w->ended)
		proc_comm(recorder->pid, recorder->tid, w->thread_comm);
	recorder->comm = w->thread_comm;
	if (w->since_ns > started_ns) {
		recorder->adopted = true;
		recorder->has_history = true;
		recorder->opened_before_ns = w->since_ns - started_ns;
	}
}

static struct report *make(struct log_watch *w, struct memory_log *log,
			   const struct log_recorder *recorder)
{
	struct report *report;

	if (log_replay_make(w->watching->replay, log, recorder, &w->owner, &report))
		return NULL;
	complete(w, report, &recorder->copy);
	return report;
}

struct hung *log_watch_find_hung(struct log_watch *w, struct place place,
				 const struct memory_slot *copy)
{
	struct hung *hung;

	HASH_FIND(hh, w->hung, &place, sizeof(place), hung);
	if (!hung ||
	    MEMORY_WORD_GENERATION(hung->recorder.copy.word) == MEMORY_WORD_GENERATION(copy->word))
		return hung;
	/* The slot has another recorder now. */
	if (!hung->over)
		log_watch_report_finished(w, hung, clock_ns(CLOCK_MONOTONIC));
	log_watch_forget_hung(w, hung);
	return NULL;
}

static bool may_know(struct log_watch *w)
{
	size_t known = w->watching->known, of_it = HASH_COUNT(w->hung);

	if (known < LOG_WATCH_KNOWN_MAX && of_it < 2 * (LOG_WATCH_KNOWN_MAX - known))
		return true;
	if (!w->refused_told)
		message("process %d (%s) has more recorders that timed out than are remembered: "
			"the others are not reported until some of these close",
			w->owner.pid, w->comm);
	w->refused_told = true;
	return false;
}

void log_watch_report_timeout(struct log_watch *w, struct place place,
			      const struct log_recorder *recorder)
{
	struct memory_log *log = log_source_log(w->source, place.log);
	struct report *report = may_know(w) ? make(w, log, recorder) : NULL;
	struct hung *hung;

	if (!report)
		return; /* its slot has another recorder now, or there is no memory */
	report->event = REPORT_TIMEOUT;
	w->watching->timed_out++;
	w->watching->lost += report->entries_lost;
	recorders_emit(w->watching->recorders, report, true);
	hung = calloc(1, sizeof(*hung));
	if (!hung)
		return;
	hung->place = place;
	hung->recorder = *recorder;
	hung->real_offset = w->real_offset;
	hung->logged = log_replay_logged(w->watching->replay);
	HASH_ADD(hh, w->hung, place, sizeof(hung->place), hung);
	w->n_open++;
	w->watching->known++;
}

static void tell_held_back(struct log_watch *w, uint64_t count)
{
	const struct report report = {.event = REPORT_HELD_BACK,
				      .time_ns = clock_ns(CLOCK_REALTIME),
				      .pid = w->owner.pid,
				      .comm = w->comm,
				      .held_back = count,
				      .lines_per_second = w->lines.lines};

	w->lines.held_back = 0;
	if (count)
		recorders_emit(w->watching->recorders, &report, false);
}

void log_watch_report_held_back(struct log_watch *w)
{
	if (w->lines.held_back &&
	    (w->ended || clock_ns(CLOCK_MONOTONIC) >= message_limit_until(&w->lines)))
		tell_held_back(w, w->lines.held_back);
}

static void report_entry(struct log_watch *w, const struct report *report)
{
	uint64_t held_back;

	if (!message_limit_admit(&w->lines, clock_ns(CLOCK_MONOTONIC), &held_back))
		return;
	tell_held_back(w, held_back);
	recorders_emit(w->watching->recorders, report, false);
}

void log_watch_report_entries(struct log_watch *w, struct hung *hung)
{
	struct memory_log *log = log_source_log(w->source, hung->place.log);
	struct log_replay *replay = w->watching->replay;
	struct report *report;
	uint64_t logged, lost;
	size_t n;

	if (memory_log_entries(log, &hung->recorder.copy, &logged) || logged == hung->logged)
		return;
	report = make(w, log, &hung->recorder);
	if (!report)
		return;
	logged = log_replay_logged(replay);
	lost = log_replay_skip(replay, hung->logged);
	hung->lost += lost;
	w->watching->lost += lost;
	hung->logged = logged;
	report->event = REPORT_ENTRY;
	report->state = NULL;
	n = report->n_entries;
	report->n_entries = 1;
	for (; n; n--) {
		report_entry(w, report);
		log_replay_next(replay);
	}
}

static struct report *head(struct log_watch *w, const struct hung *hung)
{
	struct report *report = log_replay_head(w->watching->replay, &hung->recorder, &w->owner);

	complete(w, report, &hung->recorder.copy);
	report->entries_total = hung->logged;
	report->entries_lost = hung->lost;
	return report;
}

void log_watch_report_finished(struct log_watch *w, const struct hung *hung, uint64_t ended_ns)
{
	const struct memory_slot *copy = &hung->recorder.copy;
	uint64_t deadline_ns = log_watch_deadline(w, copy),
		 started_ns = log_watch_time(w, copy->started);
	struct report *report = head(w, hung);

	report->event = REPORT_FINISHED;
	report->late_ns = ended_ns > deadline_ns ? ended_ns - deadline_ns : 0;
	report->recorder.age_ns = ended_ns > started_ns ? ended_ns - started_ns : 0;
	recorders_emit(w->watching->recorders, report, false);
}

static void fill_death(struct log_watch *w, struct report *report, const struct memory_slot *copy,
		       const struct process_slot *ended)
{
	uint64_t started_ns = log_watch_time(w, copy->started);

	report->event = REPORT_DIED;
	report->recorder.age_ns = ended->ended_ns > started_ns ? ended->ended_ns - started_ns : 0;
	report->wait_status =
		FR_WORD_STATE(ended->word) == PROCESS_EXECED ? -1 : (int)ended->exit_code;
}

void log_watch_report_killed(struct log_watch *w, struct place place,
			     const struct log_recorder *recorder)
{
	struct report *report = make(w, log_source_log(w->source, place.log), recorder);

	if (!report)
		return;
	fill_death(w, report, &recorder->copy, w->death);
	report->in_time = true;
	w->watching->lost += report->entries_lost;
	recorders_emit(w->watching->recorders, report, true);
}

void log_watch_report_died(struct log_watch *w, const struct hung *hung,
			   const struct process_slot *ended)
{
	struct report *report = head(w, hung);

	fill_death(w, report, &hung->recorder.copy, ended);
	recorders_emit(w->watching->recorders, report, false);
}

void log_watch_report_asked(struct log_watch *w, struct memory_log *log,
			    const struct log_recorder *recorder)
{
	struct report *report = make(w, log, recorder);

	if (report)
		recorders_emit(w->watching->recorders, report, true);
}
