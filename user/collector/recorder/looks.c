// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/looks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "collector/base/clock.h"
#include "collector/base/due_queue.h"
#include "collector/kernel/tracker.h"
#include "collector/recorder/looked_process.h"
#include "collector/target/proc_names.h"
#include "collector/target/tick_clock.h"

/* How long all looks may take before other things are done. */
#define LOOKS_MAX_NS 4000000

/* If there are more processes than this, the others are not watched. */
#define PROCESSES_MAX 32768
/* How many processes are remembered before we check which of them have ended. */
#define PURGE_MIN 1024

/*
 * Each process has a number, from its first notice until everything about it is reported. Then
 * by_number[number] is the process, and `turns` has the time at which it wants its next turn;
 * `free` has all other numbers. When it is dropped its counts are added to `gone`: totals never
 * shrink.
 */
struct looks {
	struct looks_options options;
	struct log_watching watching;
	struct looked_process *processes; /* by pid; without those that ended */
	struct looked_process *by_number[PROCESSES_MAX];
	uint32_t free[PROCESSES_MAX]; /* numbers */
	uint32_t n_free;
	struct due_queue turns; /* by users first */
	unsigned int purge_at;
	struct looks_counts gone; /* of processes that ended */
};

struct looks *looks_new(const struct looks_options *options)
{
	static const struct memory_header any = {.clock = MEMORY_CLOCK_COUNTER};
	struct looks *l = calloc(1, sizeof(*l));
	struct tick_clock clock;

	if (!l)
		return NULL;
	l->options = *options;
	l->watching = (struct log_watching){.recorders = options->recorders,
					    .replay = log_replay_new(),
					    .timeout_ns = options->timeout_ns,
					    .min_severity = options->min_severity,
					    .deaths = options->deaths};
	l->purge_at = PURGE_MIN;
	if (!l->watching.replay || due_queue_init(&l->turns, PROCESSES_MAX)) {
		log_replay_free(l->watching.replay);
		free(l);
		return NULL;
	}
	while (l->n_free < PROCESSES_MAX) {
		l->free[l->n_free] = PROCESSES_MAX - 1 - l->n_free;
		l->n_free++;
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
	if (!process->ended)
		HASH_DEL(l->processes, process);
	due_queue_end(&l->turns, process->number);
	l->by_number[process->number] = NULL;
	l->free[l->n_free++] = process->number;
	looked_process_free(process);
}

void looks_free(struct looks *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
		if (l->by_number[i])
			drop(l, l->by_number[i]);
	}
	due_queue_free(&l->turns);
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

static void wait_for_turn(struct looks *l, const struct looked_process *process)
{
	due_queue_set(&l->turns, process->number, looked_process_due(process));
}

static void want(struct looks *l, struct looked_process *process, uint64_t at_ns)
{
	if (process->left)
		return;
	looked_process_want(process, at_ns);
	wait_for_turn(l, process);
}

/* NULL: there is no memory, or too many are known. */
static struct looked_process *add(struct looks *l, pid_t pid)
{
	struct looked_process *process;

	if (HASH_COUNT(l->processes) >= l->purge_at)
		purge(l);
	process = l->n_free ? looked_process_new(pid) : NULL;
	if (!process)
		return NULL;
	process->number = l->free[--l->n_free];
	l->by_number[process->number] = process;
	due_queue_begin(&l->turns, process->number, proc_user(pid));
	HASH_ADD(hh, l->processes, pid, sizeof(process->pid), process);
	return process;
}

static int open_logs(struct looks *l, struct looked_process *process, uint64_t since_ns)
{
	if (process->watch || process->left)
		return 0;
	return log_watch_open(&process->watch, &l->watching, process->pid, since_ns);
}

/* Finds or adds it, and opens its logs. */
static int open_process(struct looks *l, pid_t pid, uint64_t since_ns,
			struct looked_process **opened)
{
	struct looked_process *process = find(l, pid);
	bool known = process;
	int err;

	*opened = NULL;
	process = process ? process : add(l, pid);
	err = process ? open_logs(l, process, since_ns) : -ENOMEM;
	if (!err)
		*opened = process;
	else if (process && !known)
		drop(l, process);
	return err;
}

int looks_add(struct looks *l, pid_t pid, uint64_t since_ns)
{
	struct looked_process *process;
	int err = open_process(l, pid, since_ns, &process);

	if (err)
		return err;
	/* At once: what it opened before may be overdue, and what it promised is to be taken over.
	 */
	process->unasked = false;
	process->find_more = true;
	want(l, process, 1);
	return 0;
}

static int on_asked(struct looks *l, const struct notice *notice)
{
	struct looked_process *process;
	int err = open_process(l, (pid_t)notice->index, 0, &process);

	if (err || process->left)
		return err;
	log_watch_ask(process->watch, notice->detail, notice->log);
	looked_process_poll_soon(process);
	wait_for_turn(l, process);
	return 0;
}

int looks_notice(struct looks *l, const struct notice *notice)
{
	struct looked_process *process = find(l, (pid_t)notice->index);

	if (process && process->left)
		return 0;
	if (notice->type == NOTICE_ARM && !notice->log)
		return -ENOTSUP;
	if (notice->type == NOTICE_ASKED)
		return on_asked(l, notice);
	if (!process) {
		process = add(l, (pid_t)notice->index);
		if (process)
			want(l, process, 1);
		return process ? 0 : -ENOMEM;
	}
	if (!process->watch)
		return 0;
	if (!log_watch_has(process->watch, notice->log)) {
		process->find_more = true;
		want(l, process, 1);
	} else if (notice->type == NOTICE_ARM) {
		want(l, process, notice->time_ns);
	} else {
		looked_process_add_late(process,
					(struct late_recorder){notice->log, notice->detail});
		wait_for_turn(l, process);
	}
	return 0;
}

bool looks_leave(struct looks *l, pid_t pid)
{
	struct looked_process *process = find(l, pid);

	if (process && process->left)
		return false;
	process = process ? process : add(l, pid);
	if (!process)
		return true;
	close_watch(l, process);
	process->left = true;
	process->look_ns = process->asked_ns = process->poll_ns = UINT64_MAX;
	wait_for_turn(l, process);
	return true;
}

bool looks_has_left(const struct looks *l, pid_t pid)
{
	const struct looked_process *process = find(l, pid);

	return process && process->left;
}

void looks_unasked(struct looks *l, pid_t pid)
{
	struct looked_process *process = find(l, pid);

	process = process ? process : add(l, pid);
	if (!process)
		return;
	process->unasked = true;
	want(l, process, 1);
}

void looks_end(struct looks *l, pid_t pid, const struct process_slot *ended)
{
	struct looked_process *process = find(l, pid);

	if (process && process->watch)
		process->ended = malloc(sizeof(*process->ended));
	if (process && process->ended) {
		*process->ended = *ended;
		HASH_DEL(l->processes, process);
		process->look_ns = 1;
		wait_for_turn(l, process);
		return;
	}
	/* Gone before it could be looked at: all that is known is what it said itself. */
	if (!process || (!process->watch && !process->left)) {
		l->gone.opened += ended->opened;
		l->gone.entries += ended->entries;
	}
	if (process)
		drop(l, process);
}

void looks_all(struct looks *l)
{
	struct looked_process *process;

	for (process = l->processes; process; process = process->hh.next)
		want(l, process, 1);
}

/* Returns false if it is nobody's turn. */
static bool give_turn(struct looks *l, uint64_t now_ns)
{
	uint32_t number = due_queue_take(&l->turns, now_ns);
	struct looked_process *process;
	bool stays;
	int err;

	if (number == FAIR_QUEUE_NONE)
		return false;
	process = l->by_number[number];
	err = open_logs(l, process, 0);
	if (err && err != -ENOENT)
		l->options.refused(l->options.arg, process->pid, err);
	stays = looked_process_have_turn(process, now_ns, err);
	if (stays)
		wait_for_turn(l, process);
	due_queue_charge(&l->turns, clock_ns(CLOCK_MONOTONIC) - now_ns);
	if (!stays)
		drop(l, process);
	return true;
}

void looks_run(struct looks *l)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), until_ns = now_ns + LOOKS_MAX_NS;

	while (now_ns < until_ns && give_turn(l, now_ns))
		now_ns = clock_ns(CLOCK_MONOTONIC);
}

uint32_t looks_finish(struct looks *l, uint64_t until_ns)
{
	uint32_t unfinished = 0;

	for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
		if (l->by_number[i])
			unfinished += !looked_process_finish(l->by_number[i], until_ns);
	}
	return unfinished;
}

uint64_t looks_next(const struct looks *l)
{
	return due_queue_next(&l->turns);
}

struct looks_counts looks_count(const struct looks *l)
{
	struct looks_counts counts = l->gone;

	for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
		uint64_t opened, entries;

		if (!l->by_number[i] || !l->by_number[i]->watch)
			continue;
		log_watch_count(l->by_number[i]->watch, &opened, &entries);
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
