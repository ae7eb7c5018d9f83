// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/looked_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"

#define MS 1000000

/* How often recorders that timed out are looked at again. */
#define POLL_NS (50 * (uint64_t)MS)
/* How often a process is looked at that does not ask for it. */
#define UNASKED_NS (100 * (uint64_t)MS)
/* The longest look; the next one continues it. */
#define LOOK_MAX_NS (2 * MS)
/* After a look that took T, a process is left alone for this many T ... */
#define LOOK_PARTS 4
/* ... unless T was less than this. */
#define LOOK_SHORT_NS (100 * 1000)
/* How many recorders that closed late are remembered; if there are more, a look finds them. */
#define LATE_MAX 64

struct looked_process *looked_process_new(pid_t pid)
{
	struct looked_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->pid = pid;
	process->look_ns = process->asked_ns = process->poll_ns = UINT64_MAX;
	return process;
}

void looked_process_free(struct looked_process *process)
{
	free(process->ended);
	free(process->late);
	free(process);
}

uint64_t looked_process_due(const struct looked_process *process)
{
	uint64_t due = process->look_ns < process->poll_ns ? process->look_ns : process->poll_ns;

	if (process->n_late)
		due = 1;
	if (process->ended || due == UINT64_MAX)
		return due;
	return due > process->not_before_ns ? due : process->not_before_ns;
}

void looked_process_want(struct looked_process *process, uint64_t at_ns)
{
	if (at_ns < process->look_ns)
		process->look_ns = at_ns;
	if (at_ns < process->asked_ns)
		process->asked_ns = at_ns;
}

void looked_process_add_late(struct looked_process *process, struct late_recorder late)
{
	if (!process->late)
		process->late = calloc(LATE_MAX, sizeof(*process->late));
	if (process->late && process->n_late < LATE_MAX)
		process->late[process->n_late++] = late;
	else
		looked_process_want(process, 1);
}

void looked_process_poll_soon(struct looked_process *process)
{
	if (log_watch_has_hung(process->watch) && process->poll_ns == UINT64_MAX)
		process->poll_ns = clock_ns(CLOCK_MONOTONIC) + POLL_NS;
}

/* When to look again at those that timed out. */
static uint64_t next_poll(const struct looked_process *process, bool interrupted, uint64_t took_ns)
{
	uint64_t apart_ns = took_ns * LOOK_PARTS > POLL_NS ? took_ns * LOOK_PARTS : POLL_NS;

	if (!log_watch_has_hung(process->watch))
		return UINT64_MAX;
	return process->looked_ns + (interrupted ? 0 : apart_ns);
}

static void look_at_late(struct looked_process *process, uint64_t until_ns)
{
	unsigned int n = 0;

	while (n < process->n_late && clock_ns(CLOCK_MONOTONIC) <= until_ns) {
		log_watch_late(process->watch, process->late[n].log, process->late[n].slot);
		n++;
	}
	process->n_late -= n;
	if (n && process->n_late)
		memmove(process->late, process->late + n, process->n_late * sizeof(*process->late));
}

static int look_at_all(struct looked_process *process, struct log_look *look, uint64_t now_ns)
{
	int err;

	/* What is told while a look is interrupted may be of what it has passed. */
	if (!process->interrupted)
		process->asked_ns = UINT64_MAX;
	err = log_watch_look(process->watch, look);
	process->interrupted = look->more;
	process->look_ns = look->next_ns < process->asked_ns ? look->next_ns : process->asked_ns;
	if (process->unasked && now_ns + UNASKED_NS < process->look_ns)
		process->look_ns = now_ns + UNASKED_NS;
	return err;
}

/* Returns whether the process is still there. */
static bool look(struct looked_process *process, uint64_t now_ns)
{
	struct log_look look = {.until_ns = now_ns + LOOK_MAX_NS};
	uint64_t took_ns;
	bool polled;
	int err = 0;

	if (process->find_more || process->unasked)
		log_watch_find_more(process->watch);
	process->find_more = false;
	look_at_late(process, look.until_ns);
	if (process->look_ns <= now_ns)
		err = look_at_all(process, &look, now_ns);
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

/* In the order in which it happened. Returns whether that was all. */
static bool end(struct looked_process *process, uint64_t until_ns)
{
	look_at_late(process, until_ns);
	return !process->n_late && log_watch_end(process->watch, process->ended, until_ns);
}

bool looked_process_have_turn(struct looked_process *process, uint64_t now_ns, int err)
{
	if (process->ended)
		return !end(process, now_ns + LOOK_MAX_NS);
	if (process->watch)
		return look(process, now_ns);
	/* It may have a log later, and will not tell. */
	if (err != -ENOENT || !process->unasked)
		return process->left;
	process->look_ns = now_ns + UNASKED_NS;
	return true;
}

bool looked_process_finish(struct looked_process *process, uint64_t until_ns)
{
	struct log_look look = {.until_ns = until_ns, .anew = true};

	if (process->ended)
		return end(process, until_ns);
	if (!process->watch)
		return true;
	look_at_late(process, until_ns);
	/* Of others nothing is overdue, or it would have been told. */
	if (process->look_ns <= clock_ns(CLOCK_MONOTONIC))
		log_watch_look(process->watch, &look);
	if (!look.more && log_watch_has_hung(process->watch))
		log_watch_poll(process->watch, &look);
	return !look.more;
}
