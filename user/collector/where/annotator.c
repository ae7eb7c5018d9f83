// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/annotator.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <uthash.h>

#include "collector/base/clock.h"
#include "collector/kernel/threads.h"
#include "collector/report/report_copy.h"
#include "collector/where/sampling.h"
#include "collector/where/thread_look.h"
#include "collector/where/unwinder.h"
#include "collector/where/waits.h"
#include "collector/where/where.h"

/* So long a report waits for its stack: a person does not notice it. */
#define WAIT_NS UINT64_C(1000000000)
/*
 * Reports that are kept, in all and of one process. Beyond that reports come without stacks, and
 * pass those of other recorders that are kept.
 */
#define KEPT_MAX 1024
#define KEPT_OF_ONE_MAX 64
#define KEPT_BYTES_MAX (1u << 20) /* of one report */
/* Threads whose stacks are known, as long as they do not move. */
#define KNOWN_MAX 32
/* So that a process whose files take long holds up nobody else. */
#define UNWINDERS 2

struct kept {
	struct kept *next;       /* of its process */
	struct kept *next_asked; /* to be looked at */
	struct report_copy *copy;
	struct where *where; /* or NULL: it was not looked at, or there is nothing to see */
	uint64_t until_ns;
	bool wanted; /* it is to be looked at, or is being sampled */
};

struct lane {
	pid_t pid;
	struct kept *first, **end;
	size_t n;
	UT_hash_handle hh;
};

struct annotator {
	struct annotator_options options;
	struct threads *threads;
	struct unwinder *unwinder[UNWINDERS];
	pid_t working_on[UNWINDERS]; /* the process; 0: none */
	int epoll_fd;                /* of all of them */
	struct lane *lanes;
	size_t n_kept;
	struct kept *asked, **asked_end; /* to be looked at, in order */
	struct sampling sampling;        /* of a thread that is running */
	struct kept *sampled;            /* the report that it is for; NULL: that is gone */
	struct where *known[KNOWN_MAX];
	size_t next_known;
};

static int open_unwinders(struct annotator *a)
{
	struct epoll_event event = {.events = EPOLLIN};

	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll_fd < 0)
		return -errno;
	for (size_t i = 0; i < UNWINDERS; i++) {
		/* The others start when they are needed. */
		a->unwinder[i] = unwinder_new(i == 0);
		if (!a->unwinder[i] ||
		    epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, unwinder_fd(a->unwinder[i]), &event))
			return -errno;
	}
	return 0;
}

int annotator_new(struct annotator **annotator, const struct annotator_options *options,
		  char *error, size_t error_size)
{
	struct annotator *a = calloc(1, sizeof(*a));
	int err;

	*annotator = NULL;
	if (!a) {
		snprintf(error, error_size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	a->options = *options;
	a->asked_end = &a->asked;
	a->epoll_fd = -1;
	err = threads_open(&a->threads, error, error_size);
	if (!err) {
		err = open_unwinders(a);
		if (err)
			snprintf(error, error_size, "the helper cannot be started: %s",
				 strerror(-err));
	}
	if (err)
		annotator_free(a);
	else
		*annotator = a;
	return err;
}

static pid_t process_of(const struct report *report)
{
	return report->has_recorder ? report->recorder.pid : report->pid;
}

/* ---- what comes out ---- */

static void emit_first(struct annotator *a, struct lane *lane)
{
	struct kept *kept = lane->first;
	struct report *report = report_copy_get(kept->copy);

	lane->first = kept->next;
	if (!lane->first)
		lane->end = &lane->first;
	lane->n--;
	a->n_kept--;
	report->thread = kept->where ? &kept->where->thread : NULL;
	a->options.emit(a->options.arg, report);
	report_copy_free(kept->copy);
	where_put(kept->where);
	free(kept);
}

static void drop_asked(struct annotator *a, const struct kept *kept)
{
	struct kept **at = &a->asked;

	while (*at && *at != kept)
		at = &(*at)->next_asked;
	if (!*at)
		return;
	*at = kept->next_asked;
	if (!*at)
		a->asked_end = at;
}

static bool is_complete(struct annotator *a, struct kept *kept, uint64_t now_ns)
{
	if (!kept->wanted && (!kept->where || kept->where->ready))
		return true;
	if (now_ns < kept->until_ns)
		return false;
	if (kept == a->sampled)
		a->sampled = NULL;
	else if (kept->wanted)
		drop_asked(a, kept);
	return true;
}

/* Emits those of a process that are complete, at UINT64_MAX all. Frees an empty lane. */
static void release(struct annotator *a, struct lane *lane, uint64_t now_ns)
{
	while (lane->first && is_complete(a, lane->first, now_ns))
		emit_first(a, lane);
	if (lane->first)
		return;
	HASH_DEL(a->lanes, lane);
	free(lane);
}

void annotator_free(struct annotator *a)
{
	struct lane *lane, *next;

	if (!a)
		return;
	a->options.emit = NULL;
	HASH_ITER(hh, a->lanes, lane, next)
	{
		while (lane->first) {
			struct kept *kept = lane->first;

			lane->first = kept->next;
			report_copy_free(kept->copy);
			where_put(kept->where);
			free(kept);
		}
		HASH_DEL(a->lanes, lane);
		free(lane);
	}
	for (size_t i = 0; i < KNOWN_MAX; i++)
		where_put(a->known[i]);
	sampling_end(&a->sampling);
	thread_look_free(&a->sampling.look);
	for (size_t i = 0; i < UNWINDERS; i++)
		unwinder_free(a->unwinder[i]);
	if (a->epoll_fd >= 0)
		close(a->epoll_fd);
	threads_close(a->threads);
	free(a);
}

/* ---- what goes in ---- */

/* Of a recorder that is open, in a process that lives: others have no state. */
static bool is_wanted(const struct report *report)
{
	return (report->event == REPORT_TIMEOUT || report->event == REPORT_REPLAY) &&
	       report->has_recorder && report->state && report->recorder.tid > 0;
}

static struct lane *get_lane(struct annotator *a, pid_t pid)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->pid = pid;
	lane->end = &lane->first;
	HASH_ADD_INT(a->lanes, pid, lane);
	return lane;
}

static bool has_recorder(const struct lane *lane, const struct report *report)
{
	if (!report->has_recorder)
		return false;
	for (const struct kept *kept = lane->first; kept; kept = kept->next) {
		const struct report *other = report_copy_get(kept->copy);

		if (other->has_recorder && other->recorder.id == report->recorder.id)
			return true;
	}
	return false;
}

static bool keep(struct annotator *a, struct lane *lane, const struct report *report, bool wanted)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return false;
	kept->copy = report_copy_new(report, KEPT_BYTES_MAX);
	if (!kept->copy) {
		free(kept);
		return false;
	}
	kept->wanted = wanted;
	kept->until_ns = clock_ns(CLOCK_MONOTONIC) + WAIT_NS;
	*lane->end = kept;
	lane->end = &kept->next;
	lane->n++;
	a->n_kept++;
	if (wanted) {
		*a->asked_end = kept;
		a->asked_end = &kept->next_asked;
	}
	return true;
}

void annotator_add(struct annotator *a, const struct report *report)
{
	bool full = a->n_kept >= KEPT_MAX, wanted = is_wanted(report) && !full;
	pid_t pid = process_of(report);
	struct lane *lane;

	HASH_FIND_INT(a->lanes, &pid, lane);
	if (lane && (full || lane->n >= KEPT_OF_ONE_MAX)) {
		/* Nothing may pass what is said of the same recorder. */
		if (has_recorder(lane, report))
			release(a, lane, UINT64_MAX);
		a->options.emit(a->options.arg, report);
		return;
	}
	if (!lane && wanted)
		lane = get_lane(a, pid);
	if (lane && keep(a, lane, report, wanted))
		return;
	if (lane)
		release(a, lane, UINT64_MAX);
	a->options.emit(a->options.arg, report);
}

/* ---- in between ---- */

static struct where *find_known(const struct annotator *a, pid_t tid)
{
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		if (a->known[i] && (pid_t)a->known[i]->record.tid == tid)
			return a->known[i];
	}
	return NULL;
}

static void know(struct annotator *a, struct where *where)
{
	struct where **place = NULL;

	for (size_t i = 0; i < KNOWN_MAX; i++) {
		if (a->known[i] && a->known[i]->record.tid == where->record.tid)
			place = &a->known[i];
	}
	if (!place)
		place = &a->known[a->next_known++ % KNOWN_MAX];
	where_put(*place);
	*place = where;
	where->users++;
}

/* What it waits for is told in part by its stack. */
static void finish_where(struct annotator *a, struct where *where)
{
	waits_find(where, a->threads);
	where->ready = true;
}

static struct where *ask(struct annotator *a, const struct thread_look *look, size_t unwinder)
{
	struct where *where = where_new(&look->record);

	if (!where)
		return NULL;
	where->thread.stack_end = look->problem;
	where->untouchable = look->untouchable;
	if (!look->problem && unwinder_ask(a->unwinder[unwinder], look, where) == 0) {
		a->working_on[unwinder] = (pid_t)look->record.pid;
		where->users++; /* the unwinder */
		know(a, where);
	} else {
		finish_where(a, where);
	}
	return where;
}

/* One process has one at a time: what holds up one would hold up the other. */
static bool is_worked_on(const struct annotator *a, const struct kept *kept)
{
	pid_t pid = report_copy_get(kept->copy)->recorder.pid;

	for (size_t i = 0; i < UNWINDERS; i++) {
		if (a->working_on[i] == pid)
			return true;
	}
	return false;
}

static size_t free_unwinder(const struct annotator *a)
{
	size_t unwinder = 0;

	while (unwinder < UNWINDERS && unwinder_is_busy(a->unwinder[unwinder]))
		unwinder++;
	return unwinder;
}

static void look_at(struct annotator *a, struct kept *kept, size_t unwinder)
{
	pid_t tid = report_copy_get(kept->copy)->recorder.tid;
	struct where *known = find_known(a, tid);
	struct thread_look look = {0};
	int err = thread_look_take(&look, a->threads, tid, known ? &known->record : NULL);

	kept->wanted = false;
	if (err == 1 && known) {
		kept->where = known;
		known->users++;
	} else if (err == 0 && look.record.on_cpu && !a->sampling.active && !a->sampled &&
		   sampling_start(&a->sampling, &look.record, a->epoll_fd)) {
		kept->wanted = true;
		a->sampled = kept;
	} else if (err == 0) {
		kept->where = ask(a, &look, unwinder);
	}
	thread_look_free(&look);
}

/* A sample that has come is unwound like any other stack, as soon as somebody is free for it. */
static void work_on_sample(struct annotator *a)
{
	size_t unwinder = free_unwinder(a);

	if (a->sampling.active)
		sampling_work(&a->sampling);
	if (!a->sampling.active && !a->sampled)
		thread_look_free(&a->sampling.look);
	if (a->sampling.active || !a->sampled || unwinder == UNWINDERS ||
	    is_worked_on(a, a->sampled))
		return;
	a->sampled->wanted = false;
	a->sampled->where = ask(a, &a->sampling.look, unwinder);
	a->sampled = NULL;
	thread_look_free(&a->sampling.look);
}

/* The first that can be looked at now, and who is to do it; NULL: there is none. */
static struct kept *next_asked(const struct annotator *a, size_t *unwinder)
{
	struct kept *kept = a->asked;

	*unwinder = free_unwinder(a);
	if (*unwinder == UNWINDERS)
		return NULL;
	while (kept && is_worked_on(a, kept))
		kept = kept->next_asked;
	return kept;
}

static void take_answers(struct annotator *a)
{
	struct where *where;

	for (size_t i = 0; i < UNWINDERS; i++) {
		while ((where = unwinder_work(a->unwinder[i]))) {
			a->working_on[i] = 0;
			finish_where(a, where);
			where_put(where);
		}
	}
}

void annotator_work(struct annotator *a, uint64_t max_ns)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + max_ns;
	struct lane *lane, *next;
	struct kept *kept;
	size_t unwinder;

	take_answers(a);
	work_on_sample(a);
	while ((kept = next_asked(a, &unwinder))) {
		drop_asked(a, kept);
		look_at(a, kept, unwinder);
		take_answers(a);
		if (clock_ns(CLOCK_MONOTONIC) >= until_ns)
			break;
	}
	HASH_ITER(hh, a->lanes, lane, next)
	{
		release(a, lane, clock_ns(CLOCK_MONOTONIC));
	}
}

uint64_t annotator_next(const struct annotator *a)
{
	uint64_t next_ns = UINT64_MAX;
	size_t unwinder;

	if (next_asked(a, &unwinder))
		return 0;
	if (a->sampling.active)
		next_ns = a->sampling.until_ns;
	for (size_t i = 0; i < UNWINDERS; i++) {
		if (unwinder_next(a->unwinder[i]) < next_ns)
			next_ns = unwinder_next(a->unwinder[i]);
	}
	for (const struct lane *lane = a->lanes; lane; lane = lane->hh.next) {
		if (lane->first->until_ns < next_ns)
			next_ns = lane->first->until_ns;
	}
	return next_ns;
}

int annotator_fd(const struct annotator *a)
{
	return a->epoll_fd;
}

void annotator_finish(struct annotator *a, uint64_t until_ns)
{
	struct lane *lane, *next_lane;

	while (a->n_kept && clock_ns(CLOCK_MONOTONIC) < until_ns) {
		struct pollfd fd = {.fd = annotator_fd(a), .events = POLLIN};
		uint64_t next_ns, now_ns;

		annotator_work(a, WAIT_NS);
		next_ns = annotator_next(a) < until_ns ? annotator_next(a) : until_ns;
		now_ns = clock_ns(CLOCK_MONOTONIC);
		if (a->n_kept && next_ns > now_ns)
			poll(&fd, 1, (int)((next_ns - now_ns) / 1000000) + 1);
	}
	HASH_ITER(hh, a->lanes, lane, next_lane)
	{
		release(a, lane, UINT64_MAX);
	}
}

void annotator_verified(struct annotator *a, void (*fn)(const char *program, uint32_t count))
{
	threads_verified(a->threads, fn);
}
