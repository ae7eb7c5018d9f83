// SPDX-License-Identifier: BSD-2-Clause
#include "collector/session_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "collector/base/clock.h"
#include "collector/blocked.h"
#include "collector/base/message.h"
#include "collector/kernel/ring_record.h"
#include "collector/recorder/adoption.h"
#include "collector/recorder/looks.h"
#include "collector/recorder/settlement.h"
#include "collector/where/annotator.h"

/*
 * Limits of time for one round of session_dispatch(), however much there is to do: between two
 * rounds signals are obeyed, and new work is looked at before old.
 */
#define NOTICES_NS 1000000
#define ENTRIES_NS 2000000
#define WORK_NS 1000000
#define RESCANS_NS 4000000
/* While the rings are not empty: they come first, but not alone. */
#define WORK_BESIDE_NS 300000
/* Has a process scanned in this dispatch or the next. */
static void add_rescan(void *session, pid_t pid)
{
	struct session *s = session;

	rescans_add(&s->rescans, pid);
}

static void look_at_process(struct session *s, uint32_t index)
{
	struct process_slot process;

	/* Its slot stays until all is reported, so there may be several notices of its end. */
	if (s->looks && tracker_process_copy(s->tracker, index, &process) &&
	    FR_WORD_STATE(process.word) > PROCESS_ALIVE &&
	    s->ended[index] != FR_WORD_GENERATION(process.word)) {
		s->ended[index] = FR_WORD_GENERATION(process.word);
		looks_end(s->looks, (pid_t)process.key.pid, &process);
	}
	recorders_look_at_process(s->recorders, index);
}

static void on_notice(struct session *s, const struct notice *notice)
{
	switch (notice->type) {
	case NOTICE_RECORDER:
		settlement_begin(s->recorders, notice->index);
		break;
	case NOTICE_REPLAY:
		settlement_replay(s->recorders, notice->index);
		break;
	case NOTICE_PROCESS:
		look_at_process(s, notice->index);
		break;
	case NOTICE_REARM:
		tracker_rearm(s->tracker);
		break;
	case NOTICE_REFUSED:
		refusals_add(&s->refusals, (pid_t)notice->index, notice->time_ns);
		break;
	case NOTICE_UNQUEUED:
		visits_add(&s->visits, notice->index, notice->time_ns);
		break;
	case NOTICE_ARM:
	case NOTICE_LATE:
	case NOTICE_ASKED:
		if (s->looks)
			session_try_by_memory(s, (pid_t)notice->index,
					      looks_notice(s->looks, notice));
		break;
	case NOTICE_RETURN:
		if (s->spans && !s->finishing)
			spans_return(s->spans, (pid_t)notice->index, notice->detail,
				     notice->time_ns);
		break;
	case NOTICE_MAPPINGS:
		rescans_add(&s->rescans, (pid_t)notice->index);
		rescans_expect_missed(&s->rescans);
		break;
	}
}

static struct ring_record_limits limits_of(const struct session *s)
{
	const struct tracker_limits limits = tracker_limits(s->tracker);

	return (struct ring_record_limits){limits.slots, limits.processes};
}

static void on_notice_record(void *arg, const void *data, size_t size)
{
	struct session *s = arg;
	const struct ring_record_limits limits = limits_of(s);
	const struct notice *notice = ring_record_notice(data, size, &limits);

	if (notice)
		on_notice(s, notice);
}

static void on_record(void *arg, uint32_t ring, const void *data, size_t size)
{
	struct session *s = arg;
	const struct ring_record_limits limits = limits_of(s);
	struct ring_record record;

	if (ring_record_check(data, size, &limits, &record))
		return;
	if (record.entry)
		recorders_add_entry(s->recorders, record.entry);
	else
		recorders_add_site(s->recorders, record.site);
	tracker_consumed(s->tracker, ring, record.process, size);
}

static int open_looks(struct session *s)
{
	const struct looks_options options = {.recorders = s->recorders,
					      .timeout_ns = s->options.timeout_ns,
					      .min_severity = s->options.min_severity,
					      .deaths = s->options.deaths,
					      .refused = session_try_by_memory,
					      .arg = s};

	s->looks = looks_new(&options);
	s->ended = calloc(tracker_limits(s->tracker).processes, sizeof(*s->ended));
	return s->looks && s->ended ? 0 : -ENOMEM;
}

static int open_parts(struct session *s, char *error, size_t error_size)
{
	const struct session_options *o = &s->options;
	const struct tracker_callbacks callbacks = {on_record, on_notice_record, s};
	const struct tracker_options tracker = {.ring_bytes = o->ring_bytes,
						.timeout_ns = o->timeout_ns,
						.max_recorders = o->max_recorders,
						.min_severity = o->min_severity,
						.watch_all = o->watch_all,
						.follow_children = o->follow_children,
						.by_memory = o->by_memory,
						.spans = o->spans != NULL};
	const struct recorders_options recorders = {.entries_memory = SESSION_ENTRIES_MEMORY,
						    .deaths = o->deaths,
						    .max_reports = o->max_reports,
						    .spans = o->spans,
						    .emit = session_emit,
						    .arg = s};
	struct attachments_options attachments = {.each_process = o->each_process,
						  .by_memory = o->by_memory,
						  .rescan = add_rescan,
						  .blind = session_look_unasked,
						  .missed = session_forget_open,
						  .arg = s};
	const struct sink_options sink = {
		.form = o->form, .fd = o->output, .terminal = o->terminal};
	int err;

	err = sink_find("file")->open(&s->sink, &sink);
	if (err) {
		snprintf(error, error_size, "cannot start: %s", strerror(-err));
		return err;
	}
	err = tracker_open(&s->tracker, &tracker, &callbacks, error, error_size);
	if (err)
		return err;
	attachments.tracker = s->tracker;
	err = attachments_init(&s->attachments, &attachments);
	rescans_init(&s->rescans, s->tracker);
	refusals_init(&s->refusals, s->tracker, &s->attachments, o->timeout_ns);
	err = err ? err : visits_init(&s->visits, tracker_limits(s->tracker).slots);
	err = err ? err : recorders_new(&s->recorders, s->tracker, &recorders);
	err = err ? err : session_blocked_open(s);
	if (!err && o->spans)
		err = spans_new(&s->spans, s->tracker, o->spans, o->each_process);
	if (!err && o->by_memory)
		err = open_looks(s);
	if (err)
		snprintf(error, error_size, "cannot start: %s", strerror(-err));
	else
		session_open_annotator(s);
	return err;
}

int session_open(struct session **session, const struct session_options *options, char *error,
		 size_t error_size)
{
	struct session *s = calloc(1, sizeof(*s));
	int err;

	*session = NULL;
	if (!s) {
		snprintf(error, error_size, "cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	s->options = *options;
	s->by_probes_told = (struct message_limit){.lines = 3, .window_ns = 1000000000};
	err = open_parts(s, error, error_size);
	if (err)
		session_close(s);
	else
		*session = s;
	return err;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	refusals_free(&s->refusals);
	visits_free(&s->visits);
	attachments_free(&s->attachments);
	spans_free(s->spans);
	blocked_free(s->blocked);
	looks_free(s->looks);
	free(s->ended);
	recorders_free(s->recorders);
	tracker_close(s->tracker);
	annotator_free(s->annotator);
	if (s->sink)
		s->sink->ops->close(s->sink);
	rescans_free(&s->rescans);
	free(s);
}

int session_add_to_epoll(struct session *s, int epoll_fd, uint64_t token)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = token};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->sink->ops->event_fd(s->sink), &event))
		return -errno;
	event.events = EPOLLIN;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, attachments_fd(&s->attachments), &event))
		return -errno;
	if (s->annotator && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, annotator_fd(s->annotator), &event))
		return -errno;
	return tracker_add_to_epoll(s->tracker, epoll_fd, token);
}

/* Called when notices were refused: finds out what they would have said. */
static void scan_slots(struct session *s)
{
	uint32_t used = tracker_slots_used(s->tracker);

	for (uint32_t i = 0; i < used; i++) {
		uint64_t word = tracker_slot_word(s->tracker, i);
		uint64_t queued_ns = tracker_slot_queued(s->tracker, i);

		if (FR_IS_QUEUED_BY_COLLECTOR(queued_ns))
			visits_add(&s->visits, i, queued_ns);
		if (FR_WORD_STATE(word) > RECORDER_OPEN)
			settlement_begin(s->recorders, i);
		else if (FR_WORD_STATE(word) == RECORDER_OPEN &&
			 tracker_slot_replays(s->tracker, i))
			settlement_replay(s->recorders, i);
	}
	for (uint32_t i = 0; i < tracker_limits(s->tracker).processes; i++)
		look_at_process(s, i);
	rescans_want_all(&s->rescans);
	refusals_rebuild(&s->refusals);
	if (s->looks)
		looks_all(s->looks);
	tracker_rearm(s->tracker);
}

/* Visits slots whose time has come and for which the wheel has no node. */
static void visit_slots(struct session *s)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	uint32_t slots[FR_VISIT_MAX];
	size_t n;

	while ((n = visits_take(&s->visits, now_ns, slots, FR_VISIT_MAX)))
		tracker_visit(s->tracker, slots, n);
}

void session_adopt(struct session *s)
{
	adoption_run(s->recorders);
}

static bool is_due(uint64_t at_ns)
{
	return at_ns != UINT64_MAX && clock_ns(CLOCK_MONOTONIC) >= at_ns;
}

/* There may be as many as a user starts. What is left is for the next dispatch. */
static void rescan(struct session *s)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + RESCANS_NS;
	pid_t pid;

	s->attachments.tell = true;
	while (rescans_take(&s->rescans, &pid)) {
		if (!s->finishing)
			session_scan(s, pid);
		if (!s->finishing && clock_ns(CLOCK_MONOTONIC) > until_ns)
			break;
	}
	s->more = s->more || rescans_pending(&s->rescans);
	session_adopt(s);
}

/* In a debug build, reports an inconsistency at once, while it can still be examined. */
static void check(const struct session *s)
{
#ifdef FLIGHTREC_CHECKS
	const char *wrong = tracker_check(s->tracker);

	wrong = wrong ? wrong : recorders_check(s->recorders);
	if (!wrong && !visits_check(&s->visits))
		wrong = "the heap of visits is not one";
	if (wrong) {
		message("%s", wrong);
		abort();
	}
#else
	(void)s;
#endif
}

/* Takes what BPF has for us, and does as much of the work as it may for now. */
static void take_and_work(struct session *s)
{
	bool entries_left;

	s->more = tracker_drain_notices(s->tracker, NOTICES_NS);
	if (tracker_must_scan(s->tracker))
		scan_slots(s);
	visit_slots(s);
	entries_left = tracker_drain_entries(s->tracker, ENTRIES_NS);
	settlement_continue(s->recorders, false);
	s->more = settlement_work(s->recorders, entries_left ? WORK_BESIDE_NS : WORK_NS) || s->more;
	s->more = s->more || entries_left;
	settlement_release(s->recorders);
}

/*
 * The order is by who is waiting:
 *
 *   1. What BPF tells. Notices say what is due, or that all slots must be looked at; slots that the
 *      wheel leaves to us are visited; entries arrive for which reports were waiting; then reports
 *      are made, in turns of the processes, and slots are released. Each step has a time limit; if
 *      anything is left, the next dispatch follows immediately (`more`).
 *   2. Looks into the logs of processes that are watched by memory, and recorders without a slot.
 *      This is slower, since it reads the memory of processes.
 *   3. Stacks for reports that wait for them; writing the reports, before what may take long.
 *   4. Files that probes have to leave, as somebody may be waiting to write to them. New programs
 *      and libraries: missed calls of execve() add processes to be scanned, a scan adds copies of
 *      the library, and these have open recorders to adopt. In this order, one dispatch does all
 *      of it. Adopting may find some that are overdue.
 *   5. Memory of recorders that closed in time, for which nobody is waiting.
 */
void session_dispatch(struct session *s)
{
	take_and_work(s);
	if (s->looks)
		looks_run(s->looks);
	if (s->blocked && is_due(blocked_next(s->blocked)))
		session_blocked_look(s);
	if (is_due(refusals_next(&s->refusals)))
		refusals_look(&s->refusals);
	if (s->annotator)
		annotator_work(s->annotator, WORK_NS);
	/* What follows may take a while. */
	session_write_reports(s);
	attachments_work(&s->attachments, rescans_pending(&s->rescans));
	if (is_due(rescans_next(&s->rescans)))
		rescans_look_for_missed(&s->rescans);
	if (rescans_pending(&s->rescans))
		rescan(s);
	if (adoption_is_due(s->recorders))
		session_adopt(s);
	recorders_sweep(s->recorders);
	session_write_reports(s);
	check(s);
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

int session_wait_ms(const struct session *s)
{
	uint64_t due_ns = earlier(visits_next(&s->visits), refusals_next(&s->refusals));
	uint64_t now_ns;

	if (s->more)
		return 0;
	due_ns = earlier(due_ns, recorders_next(s->recorders));
	due_ns = earlier(due_ns, attachments_next(&s->attachments));
	if (s->looks)
		due_ns = earlier(due_ns, looks_next(s->looks));
	if (s->blocked)
		due_ns = earlier(due_ns, blocked_next(s->blocked));
	due_ns = earlier(due_ns, rescans_next(&s->rescans));
	if (s->annotator)
		due_ns = earlier(due_ns, annotator_next(s->annotator));
	if (due_ns == UINT64_MAX)
		return -1;
	now_ns = clock_ns(CLOCK_MONOTONIC);
	if (due_ns <= now_ns)
		return 0;
	/* A deadline may be years away. */
	return due_ns - now_ns < INT_MAX * UINT64_C(1000000)
		       ? (int)((due_ns - now_ns) / 1000000) + 1
		       : INT_MAX;
}

int session_output_error(const struct session *s)
{
	return s->sink->lost ? s->sink->error : 0;
}

bool session_done(const struct session *s)
{
	return recorders_done(s->recorders);
}

static void work_until(struct session *s, uint64_t until_ns)
{
	uint64_t now_ns;

	do {
		session_dispatch(s);
		now_ns = clock_ns(CLOCK_MONOTONIC);
	} while (now_ns < until_ns && (s->more || (s->looks && looks_next(s->looks) <= now_ns)));
}

bool session_finish(struct session *s, uint64_t max_ns)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + max_ns / 3;
	bool all;

	/* What closes while probes are being removed must not look as if it hung. */
	tracker_see_ends_only(s->tracker);
	s->finishing = true;
	work_until(s, until_ns);
	recorders_end_at(s->recorders, clock_ns(CLOCK_MONOTONIC));
	attachments_free(&s->attachments);
	if (s->spans)
		spans_detach(s->spans);
	/* Nothing new comes from now on but the ends of processes. */
	until_ns = clock_ns(CLOCK_MONOTONIC) + max_ns - max_ns / 3;
	work_until(s, until_ns);
	all = !s->looks || !looks_finish(s->looks, until_ns);
	settlement_continue(s->recorders, true);
	while (settlement_work(s->recorders, WORK_NS)) {
		session_write_reports(s);
		if (clock_ns(CLOCK_MONOTONIC) > until_ns) {
			all = false;
			break;
		}
	}
	settlement_release(s->recorders);
	if (s->annotator)
		annotator_finish(s->annotator, until_ns);
	session_write_reports(s);
	return all;
}
