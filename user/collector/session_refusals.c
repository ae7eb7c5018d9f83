// SPDX-License-Identifier: BSD-2-Clause
#include "collector/session_refusals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/target/target_memory.h"
#include "collector/target/host_tid.h"

#define MS 1000000

/* How many copies of the library are looked at in one process. */
#define COPIES_MAX 8
/* How many slots of the process's list a look goes through. */
#define WALK_SLOTS_MAX 65536
/* The longest look at one process, and at all of them before other things are done. */
#define LOOK_MAX_NS (2 * MS)
#define LOOKS_MAX_NS (4 * MS)
/* But each look sees this many recorders, or a slow machine would get nowhere. */
#define LOOK_RECORDERS_MIN 8
/* After a look that took T, a process is left alone for this many T: a twentieth of a CPU. */
#define LOOK_PARTS 20
/* The shortest time between two looks at one process. */
#define LOOK_APART_NS (2 * MS)
/* When to try again if there was no room for an overdue recorder. */
#define AGAIN_NS (100 * (uint64_t)MS)
/* How many processes are remembered before we check which of them have ended. */
#define PURGE_MIN 256

struct refused_process {
	pid_t pid;
	uint64_t look_ns;   /* when one of its recorders is due */
	uint64_t looked_ns; /* when the last look ended */
	uint64_t not_before_ns;
	uint64_t state[COPIES_MAX]; /* addresses of the copies' struct flightrec_state */
	size_t n_states;
	size_t walk_copy;      /* where the last look ended */
	uint32_t walk_slot;    /* 0: it had seen all */
	uint64_t walk_next_ns; /* the next deadline of those it has seen */
	bool said;
	UT_hash_handle hh;
};

struct look {
	struct refusals *refusals;
	struct refused_process *process;
	const struct refusal *refusal;
	uint64_t now_ns;
	uint64_t until_ns;
	uint64_t next_ns; /* the next deadline that was found */
	uint32_t at;      /* how many were looked at */
	bool no_room;
};

void refusals_init(struct refusals *r, struct tracker *tracker, struct attachments *attachments,
		   uint64_t timeout_ns)
{
	*r = (struct refusals){.tracker = tracker,
			       .attachments = attachments,
			       .timeout_ns = timeout_ns,
			       .next_ns = UINT64_MAX,
			       .purge_at = PURGE_MIN};
}

static void drop(struct refusals *r, struct refused_process *process)
{
	HASH_DEL(r->processes, process);
	free(process);
}

void refusals_free(struct refusals *r)
{
	struct refused_process *process, *next;

	HASH_ITER(hh, r->processes, process, next)
	{
		drop(r, process);
	}
}

/* There is no notice of the end of a process that has no slot. */
static void purge(struct refusals *r)
{
	struct refused_process *process, *next;

	HASH_ITER(hh, r->processes, process, next)
	{
		if (kill(process->pid, 0) == 0 || errno != ESRCH)
			continue;
		tracker_refused_end(r->tracker, process->pid);
		drop(r, process);
	}
	r->purge_at = HASH_COUNT(r->processes) * 2;
	if (r->purge_at < PURGE_MIN)
		r->purge_at = PURGE_MIN;
}

void refusals_add(struct refusals *r, pid_t pid, uint64_t deadline_ns)
{
	struct refused_process *process;

	HASH_FIND(hh, r->processes, &pid, sizeof(pid), process);
	if (!process) {
		if (HASH_COUNT(r->processes) >= r->purge_at)
			purge(r);
		process = calloc(1, sizeof(*process));
		if (!process)
			return;
		process->pid = pid;
		process->look_ns = UINT64_MAX;
		HASH_ADD(hh, r->processes, pid, sizeof(process->pid), process);
		/* Look immediately, to report it and to find the copies of the library. */
		process->not_before_ns = 0;
		deadline_ns = 1;
	}
	if (deadline_ns < process->look_ns)
		process->look_ns = deadline_ns;
	/* A look that is under way may be past it. */
	if (process->walk_slot && deadline_ns < process->walk_next_ns)
		process->walk_next_ns = deadline_ns;
	if (process->look_ns < r->next_ns)
		r->next_ns = process->look_ns;
}

static void add_from_map(void *arg, pid_t pid, uint64_t look_ns)
{
	refusals_add(arg, pid, look_ns);
}

void refusals_rebuild(struct refusals *r)
{
	tracker_refused_each(r->tracker, add_from_map, r);
}

static void say(const struct refusal *refusal)
{
	char comm[FR_COMM_SIZE + 1] = "";

	memcpy(comm, refusal->comm, FR_COMM_SIZE);
	message("process %u (%s) has more recorders open than there is room for: the others are "
		"reported late and without entries (see --max-recorders)",
		refusal->key.pid, comm);
}

static void add_state(void *arg, pid_t pid, uint64_t state)
{
	struct refused_process *process = arg;

	if (process->n_states < COPIES_MAX)
		process->state[process->n_states++] = state;
}

static uint64_t deadline_of(const struct look *look, const flightrec *rec)
{
	uint64_t timeout_ns =
		look->refusals->timeout_ns ? look->refusals->timeout_ns : rec->timeout_ns_;
	uint64_t started_ns = rec->started_ns_ < look->now_ns ? rec->started_ns_ : look->now_ns;

	return started_ns + (timeout_ns < FR_TIMEOUT_MAX ? timeout_ns : FR_TIMEOUT_MAX);
}

static int look_at_recorder(const flightrec *rec, uint64_t address, void *arg)
{
	struct look *look = arg;
	uint64_t deadline_ns = deadline_of(look, rec);
	struct adopt_args args = {.key = look->refusal->key,
				  .rec = address,
				  .id = rec->id_,
				  .started_ns = rec->started_ns_,
				  .timeout_ns = rec->timeout_ns_,
				  .parent_id = rec->parent_id_,
				  .uid = look->refusal->uid,
				  .overdue = true};

	look->at++;
	if (deadline_ns > look->now_ns) {
		if (deadline_ns < look->next_ns)
			look->next_ns = deadline_ns;
	} else {
		args.tid = (uint32_t)host_tid(look->process->pid, (pid_t)rec->tid_);
		memcpy(args.comm, look->refusal->comm, sizeof(args.comm));
		memcpy(args.name, rec->name_, sizeof(args.name));
		if (tracker_adopt(look->refusals->tracker, &args) == FR_REFUSED)
			look->no_room = true;
	}
	return look->at >= LOOK_RECORDERS_MIN && clock_ns(CLOCK_MONOTONIC) > look->until_ns;
}

/*
 * Goes on where the last look at the process ended. Returns 0; 1: time ran out before all recorders
 * were seen; -ESRCH: the process is gone.
 */
static int walk_copies(struct refused_process *process, struct look *look)
{
	const struct target_visitor visitor = {look_at_recorder, look, WALK_SLOTS_MAX};
	size_t copy = process->walk_copy;
	uint32_t slot = process->walk_slot;
	struct target_walk walk;
	struct target target;
	int result = 0;

	process->walk_copy = 0;
	process->walk_slot = 0;
	target_init(&target, process->pid);
	for (; copy < process->n_states && result != -ESRCH; copy++, slot = 0) {
		target.skip = slot;
		result = target_open_recorders(&target, process->state[copy], &visitor, &walk);
		if (result != 1)
			continue;
		process->walk_copy = copy;
		process->walk_slot = slot + walk.slots;
		break;
	}
	target_close(&target);
	return result;
}

/* Returns whether the process is still there. */
static bool look_at(struct refusals *r, struct refused_process *process)
{
	struct refusal refusal;
	struct look look = {.refusals = r,
			    .process = process,
			    .refusal = &refusal,
			    .now_ns = clock_ns(CLOCK_MONOTONIC),
			    .next_ns = process->walk_slot ? process->walk_next_ns : UINT64_MAX};
	int result;

	if (tracker_refused_look(r->tracker, process->pid, &refusal))
		return false;
	if (!process->said)
		say(&refusal);
	process->said = true;
	if (!process->n_states)
		attachments_scan(r->attachments, process->pid, add_state, process);
	look.until_ns = clock_ns(CLOCK_MONOTONIC) + LOOK_MAX_NS;
	result = walk_copies(process, &look);
	if (result == -ESRCH) {
		tracker_refused_end(r->tracker, process->pid);
		return false;
	}
	if (look.no_room && look.now_ns + AGAIN_NS < look.next_ns)
		look.next_ns = look.now_ns + AGAIN_NS;
	/* Until all have been seen, each further refusal causes a notice. */
	process->look_ns = result == 1 ? look.now_ns : look.next_ns;
	if (result == 1)
		process->walk_next_ns = look.next_ns;
	else
		tracker_refused_until(r->tracker, process->pid, look.next_ns);
	process->looked_ns = clock_ns(CLOCK_MONOTONIC);
	process->not_before_ns =
		process->looked_ns + (process->looked_ns - look.now_ns) * LOOK_PARTS;
	if (process->not_before_ns < process->looked_ns + LOOK_APART_NS)
		process->not_before_ns = process->looked_ns + LOOK_APART_NS;
	return true;
}

static uint64_t due_ns(const struct refused_process *process)
{
	if (process->look_ns == UINT64_MAX || process->look_ns > process->not_before_ns)
		return process->look_ns;
	return process->not_before_ns;
}

/* The process that is due and has waited longest; NULL: none is due. Sets next_ns. */
static struct refused_process *next_due(struct refusals *r, uint64_t now_ns)
{
	struct refused_process *process, *next, *found = NULL;

	r->next_ns = UINT64_MAX;
	HASH_ITER(hh, r->processes, process, next)
	{
		if (due_ns(process) < r->next_ns)
			r->next_ns = due_ns(process);
		if (due_ns(process) <= now_ns && (!found || process->looked_ns < found->looked_ns))
			found = process;
	}
	return found;
}

void refusals_look(struct refusals *r)
{
	uint64_t began_ns = clock_ns(CLOCK_MONOTONIC), now_ns = began_ns;
	struct refused_process *process;

	while (now_ns < began_ns + LOOKS_MAX_NS && (process = next_due(r, now_ns))) {
		if (!look_at(r, process))
			drop(r, process);
		now_ns = clock_ns(CLOCK_MONOTONIC);
	}
}

uint64_t refusals_next(const struct refusals *r)
{
	return r->next_ns;
}
