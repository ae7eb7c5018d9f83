// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/looks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <uthash.h>

#include "collector/base/clock.h"
#include "collector/kernel/tracker.h"
#include "collector/recorder/log_watch.h"
#include "collector/target/tick_clock.h"

#define MS 1000000

/* How often recorders that timed out are looked at again. */
#define POLL_NS (50 * (uint64_t)MS)
/* How often a process is looked at that does not ask for it. */
#define UNASKED_NS (100 * (uint64_t)MS)
/* The longest look at one process, and at all of them before other things are done. */
#define LOOK_MAX_NS (2 * MS)
#define LOOKS_MAX_NS (4 * MS)
/* After a look that took T, a process is left alone for this many T ... */
#define LOOK_PARTS 4
/* ... unless T was less than this. */
#define LOOK_SHORT_NS (100 * 1000)
/* How many processes are remembered before we check which of them have ended. */
#define PURGE_MIN 1024

/*
 * Without a `watch` a process is only remembered, so that its notices are ignored, and all its
 * times are UINT64_MAX. Otherwise:
 *
 *   - look_ns <= asked_ns: a notice that comes during a look, which may be past its recorder
 *     already, is not forgotten when the look ends;
 *   - poll_ns is UINT64_MAX unless recorders that timed out are still open;
 *   - it is due at the earlier of look_ns and poll_ns, but not before not_before_ns.
 */
struct looked_process {
	pid_t pid;
	struct log_watch *watch; /* NULL: it is watched by other means */
	uint64_t look_ns;        /* when something of it is due */
	uint64_t asked_ns;       /* the earliest time asked for since the last look began */
	bool interrupted;        /* the last look is to be continued */
	bool unasked;            /* looked at regularly, see looks_unasked() */
	uint64_t poll_ns;        /* when those that timed out are looked at again */
	uint64_t looked_ns;
	uint64_t not_before_ns;
	UT_hash_handle hh;
};

/*
 * next_ns is never later than any process is due. It may be earlier, which only costs a call. A
 * process is in the table from its first notice until its end is noticed, or a look finds it gone.
 * Then its counts are added to `gone`, so totals never shrink.
 */
struct looks {
	struct log_watching watching;
	struct looked_process *processes; /* by pid */
	uint64_t next_ns;
	unsigned int purge_at;
	struct looks_counts gone; /* of processes that ended */
};

struct looks *looks_new(struct recorders *recorders, uint64_t timeout_ns, int min_severity)
{
	static const struct memory_header any = {.clock = MEMORY_CLOCK_COUNTER};
	struct looks *l = calloc(1, sizeof(*l));
	struct tick_clock clock;

	if (!l)
		return NULL;
	l->watching = (struct log_watching){.recorders = recorders,
					    .replay = log_replay_new(),
					    .timeout_ns = timeout_ns,
					    .min_severity = min_severity};
	l->next_ns = UINT64_MAX;
	l->purge_at = PURGE_MIN;
	if (!l->watching.replay) {
		free(l);
		return NULL;
	}
	/* Measures the rate of the processor's counter now, rather than in the first look. */
	tick_clock_now(&clock, &any, 0);
	return l;
}

static void close_watch(struct looks *l, struct looked_process *process)
{
	uint64_t opened, entries;

	if (!process->watch)
		return;
	log_watch_count(process->watch, &opened, &entries);
	l->gone.opened += opened;
	l->gone.entries += entries;
	log_watch_close(process->watch);
	process->watch = NULL;
}

static void drop(struct looks *l, struct looked_process *process)
{
	close_watch(l, process);
	HASH_DEL(l->processes, process);
	free(process);
}

void looks_free(struct looks *l)
{
	struct looked_process *process, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->processes, process, next)
	{
		drop(l, process);
	}
	log_replay_free(l->watching.replay);
	free(l);
}

/* There is no notice of the end of a process that has no slot. */
static void purge(struct looks *l)
{
	struct looked_process *process, *next;

	HASH_ITER(hh, l->processes, process, next)
	{
		if (kill(process->pid, 0) && errno == ESRCH)
			drop(l, process);
	}
	l->purge_at = HASH_COUNT(l->processes) * 2;
	if (l->purge_at < PURGE_MIN)
		l->purge_at = PURGE_MIN;
}

static struct looked_process *find(const struct looks *l, pid_t pid)
{
	struct looked_process *process;

	HASH_FIND(hh, l->processes, &pid, sizeof(pid), process);
	return process;
}

static void want(struct looks *l, struct looked_process *process, uint64_t at_ns)
{
	if (!process->watch)
		return;
	if (at_ns < process->look_ns)
		process->look_ns = at_ns;
	if (at_ns < process->asked_ns)
		process->asked_ns = at_ns;
	if (at_ns < l->next_ns)
		l->next_ns = at_ns;
}

static int add(struct looks *l, pid_t pid, uint64_t since_ns, struct looked_process **added)
{
	struct looked_process *process = calloc(1, sizeof(*process));
	int err = process ? log_watch_open(&process->watch, &l->watching, pid, since_ns) : -ENOMEM;

	*added = NULL;
	if (err) {
		free(process);
		return err;
	}
	if (HASH_COUNT(l->processes) >= l->purge_at)
		purge(l);
	process->pid = pid;
	process->look_ns = process->asked_ns = process->poll_ns = UINT64_MAX;
	HASH_ADD(hh, l->processes, pid, sizeof(process->pid), process);
	*added = process;
	return 0;
}

int looks_add(struct looks *l, pid_t pid, uint64_t since_ns)
{
	struct looked_process *process = find(l, pid);
	int err = process ? 0 : add(l, pid, since_ns, &process);

	/* At once: what it opened before may be overdue, and what it promised is to be taken over.
	 */
	if (process) {
		process->unasked = false;
		want(l, process, 1);
		if (process->watch)
			log_watch_find_more(process->watch);
	}
	return err;
}

int looks_notice(struct looks *l, const struct notice *notice)
{
	struct looked_process *process = find(l, (pid_t)notice->index);
	int err;

	if (process && !process->watch)
		return 0;
	if (notice->type == NOTICE_ARM && !notice->log)
		return -ENOTSUP;
	if (!process) {
		err = add(l, (pid_t)notice->index, 0, &process);
		if (err)
			return err;
		want(l, process, 1);
	} else if (notice->type != NOTICE_ASKED && !log_watch_has(process->watch, notice->log)) {
		log_watch_find_more(process->watch);
	}
	if (notice->type == NOTICE_ARM)
		want(l, process, notice->time_ns);
	else if (notice->type == NOTICE_LATE)
		log_watch_late(process->watch, notice->log, notice->detail);
	else
		log_watch_ask(process->watch, notice->detail, notice->log);
	if (log_watch_has_hung(process->watch) && process->poll_ns == UINT64_MAX)
		process->poll_ns = clock_ns(CLOCK_MONOTONIC) + POLL_NS;
	if (process->poll_ns < l->next_ns)
		l->next_ns = process->poll_ns;
	return 0;
}

bool looks_leave(struct looks *l, pid_t pid)
{
	struct looked_process *process = find(l, pid);

	if (process && !process->watch)
		return false;
	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return true;
		process->pid = pid;
		HASH_ADD(hh, l->processes, pid, sizeof(process->pid), process);
	}
	close_watch(l, process);
	process->look_ns = process->poll_ns = UINT64_MAX;
	return true;
}

bool looks_has_left(const struct looks *l, pid_t pid)
{
	const struct looked_process *process = find(l, pid);

	return process && !process->watch;
}

void looks_unasked(struct looks *l, pid_t pid)
{
	struct looked_process *process = find(l, pid);

	if (!process && add(l, pid, 0, &process))
		return;
	process->unasked = true;
	want(l, process, 1);
}

void looks_end(struct looks *l, pid_t pid, const struct process_slot *ended)
{
	struct looked_process *process = find(l, pid);

	if (process) {
		if (process->watch)
			log_watch_end(process->watch, ended);
		drop(l, process);
		return;
	}
	/* It ended before it was looked at: we know no more than what it said when it left. */
	l->gone.opened += ended->opened;
	l->gone.entries += ended->entries;
}

void looks_all(struct looks *l)
{
	struct looked_process *process;

	for (process = l->processes; process; process = process->hh.next)
		want(l, process, 1);
}

/* When to look again at recorders that timed out. */
static uint64_t next_poll(const struct looked_process *process, bool interrupted, uint64_t took_ns)
{
	uint64_t apart_ns = took_ns * LOOK_PARTS > POLL_NS ? took_ns * LOOK_PARTS : POLL_NS;

	if (!log_watch_has_hung(process->watch))
		return UINT64_MAX;
	return process->looked_ns + (interrupted ? 0 : apart_ns);
}

/* Its other logs may be new. */
static void look_unasked(struct looked_process *process, uint64_t now_ns)
{
	if (!process->unasked)
		return;
	log_watch_find_more(process->watch);
	if (now_ns + UNASKED_NS < process->look_ns)
		process->look_ns = now_ns + UNASKED_NS;
}

/* Returns whether the process is still there. */
static bool look(struct looked_process *process, uint64_t now_ns)
{
	struct log_look look = {.until_ns = now_ns + LOOK_MAX_NS};
	uint64_t took_ns;
	bool polled;
	int err = 0;

	if (process->look_ns <= now_ns) {
		/* A notice during an interrupted look may be about what it has passed. */
		if (!process->interrupted)
			process->asked_ns = UINT64_MAX;
		err = log_watch_look(process->watch, &look);
		process->interrupted = look.more;
		process->look_ns =
			look.next_ns < process->asked_ns ? look.next_ns : process->asked_ns;
		look_unasked(process, now_ns);
	}
	polled = !err && process->poll_ns <= now_ns;
	if (polled)
		err = log_watch_poll(process->watch, &look);
	process->looked_ns = clock_ns(CLOCK_MONOTONIC);
	took_ns = process->looked_ns - now_ns;
	if (polled || process->poll_ns == UINT64_MAX)
		process->poll_ns = next_poll(process, polled && look.more, took_ns);
	process->not_before_ns = process->looked_ns;
	if (took_ns > LOOK_SHORT_NS)
		process->not_before_ns += took_ns * LOOK_PARTS;
	return !err;
}

static uint64_t due_ns(const struct looked_process *process)
{
	uint64_t due = process->look_ns < process->poll_ns ? process->look_ns : process->poll_ns;

	return due > process->not_before_ns ? due : process->not_before_ns;
}

/* The process that is due and has waited longest; NULL: none is due. Sets next_ns. */
static struct looked_process *next_due(struct looks *l, uint64_t now_ns)
{
	struct looked_process *process, *found = NULL;

	l->next_ns = UINT64_MAX;
	for (process = l->processes; process; process = process->hh.next) {
		uint64_t due = due_ns(process);

		if (process->look_ns == UINT64_MAX && process->poll_ns == UINT64_MAX)
			continue;
		if (due < l->next_ns)
			l->next_ns = due;
		if (due <= now_ns && (!found || process->looked_ns < found->looked_ns))
			found = process;
	}
	return found;
}

void looks_run(struct looks *l)
{
	uint64_t began_ns = clock_ns(CLOCK_MONOTONIC), now_ns = began_ns;
	struct looked_process *process;

	if (now_ns < l->next_ns)
		return;
	while (now_ns < began_ns + LOOKS_MAX_NS && (process = next_due(l, now_ns))) {
		if (!look(process, now_ns))
			drop(l, process);
		now_ns = clock_ns(CLOCK_MONOTONIC);
	}
	next_due(l, 0);
}

void looks_finish(struct looks *l)
{
	struct log_look look = {.until_ns = UINT64_MAX, .anew = true};
	struct looked_process *process;

	for (process = l->processes; process; process = process->hh.next) {
		if (!process->watch)
			continue;
		log_watch_look(process->watch, &look);
		log_watch_poll(process->watch, &look);
	}
}

uint64_t looks_next(const struct looks *l)
{
	return l->next_ns;
}

struct looks_counts looks_count(const struct looks *l)
{
	struct looks_counts counts = l->gone;
	struct looked_process *process;

	for (process = l->processes; process; process = process->hh.next) {
		uint64_t opened, entries;

		if (!process->watch)
			continue;
		log_watch_count(process->watch, &opened, &entries);
		counts.opened += opened;
		counts.entries += entries;
	}
	counts.timed_out = l->watching.timed_out;
	counts.lost = l->watching.lost;
	return counts;
}

uint32_t looks_open(const struct looks *l, pid_t pid)
{
	struct looked_process *process = find(l, pid);

	return process && process->watch ? log_watch_open_now(process->watch) : 0;
}
