// SPDX-License-Identifier: BSD-2-Clause
/* What can be said about a session while it runs. */
#include "collector/session_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/record.h"
#include "collector/recorder/looks.h"

struct session_setup session_setup(const struct session *s)
{
	const struct tracker_limits limits = tracker_limits(s->tracker);

	return (struct session_setup){.copies = s->attachments.copies,
				      .library_seen = s->library_seen || s->attachments.stripped,
				      .rings = limits.rings,
				      .ring_bytes = limits.ring_bytes,
				      .max_recorders = limits.recorders,
				      .max_processes = limits.processes};
}

void session_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes)
{
	tracker_ring_layout(wanted, rings, ring_bytes);
}

void session_totals(const struct session *s, struct report_totals *totals)
{
	const struct recorders_counts recorders = recorders_count(s->recorders);
	const struct looks_counts by_memory =
		s->looks ? looks_count(s->looks) : (struct looks_counts){0};
	uint64_t count[FR_COUNTERS];

	tracker_count(s->tracker, count);
	*totals = (struct report_totals){
		.opened = count[COUNT_OPENED] + count[COUNT_UNTRACKED] + by_memory.opened,
		.timed_out = count[COUNT_TIMED_OUT] + recorders.timed_out + by_memory.timed_out,
		.entries =
			count[COUNT_ENTRIES] + count[COUNT_UNTRACKED_ENTRIES] + by_memory.entries,
		.losses = {.ring = count[COUNT_REFUSED_RING],
			   .share = count[COUNT_REFUSED_SHARE],
			   .unreadable = count[COUNT_REFUSED_READ],
			   .untracked = count[COUNT_UNTRACKED_ENTRIES],
			   .buffer = recorders.buffer_lost + by_memory.lost},
		.untracked = count[COUNT_UNTRACKED],
		.reports_lost = s->sink->lost,
	};
	totals->lost = totals->losses.ring + totals->losses.share + totals->losses.unreadable +
		       totals->losses.untracked + totals->losses.buffer;
}

struct session_work session_work(const struct session *s)
{
	struct session_work work = {0};
	uint64_t count[FR_COUNTERS];

	tracker_count(s->tracker, count);
	tracker_missed(s->tracker, &work.execs_missed, &work.exits_missed);
	work.ticks = count[COUNT_TICKS];
	work.wakeups = count[COUNT_WAKEUPS];
	work.notices_lost = count[COUNT_NOTICES_LOST];
	return work;
}

/* How many recorders each process has open, by index of its process slot. */
static uint32_t *count_open(const struct session *s)
{
	const struct tracker_limits limits = tracker_limits(s->tracker);
	uint32_t *open = calloc(limits.processes, sizeof(*open));
	uint32_t used = tracker_slots_used(s->tracker);

	for (uint32_t i = 0; open && i < used; i++) {
		uint32_t state = FR_WORD_STATE(tracker_slot_word(s->tracker, i));
		uint32_t process = tracker_slot_process(s->tracker, i);

		if ((state == RECORDER_OPEN || state == RECORDER_TIMED_OUT) &&
		    process < limits.processes)
			open[process]++;
	}
	return open;
}

struct listing {
	void (*fn)(void *arg, pid_t pid, const char *comm, uint32_t open);
	void *arg;
	size_t n; /* processes that have or had recorders */
	struct listed {
		pid_t pid;
		uint32_t open;
		char comm[FR_COMM_SIZE];
	} * list;
};

static int read_processes(const struct session *s, struct listing *l)
{
	const uint32_t max = tracker_limits(s->tracker).processes;
	uint32_t *open = count_open(s);
	struct process_slot slot;

	l->list = calloc(max, sizeof(*l->list));
	for (uint32_t i = 0; open && l->list && i < max; i++) {
		struct listed *listed = &l->list[l->n];

		if (FR_WORD_STATE(tracker_process_word(s->tracker, i)) != PROCESS_ALIVE ||
		    !tracker_process_copy(s->tracker, i, &slot))
			continue;
		listed->pid = (pid_t)slot.key.pid;
		listed->open = open[i];
		if (s->looks)
			listed->open += looks_open(s->looks, listed->pid);
		memcpy(listed->comm, slot.comm, sizeof(listed->comm));
		l->n++;
	}
	free(open);
	return open && l->list ? 0 : -ENOMEM;
}

static void list_one(void *arg, const struct process_found *found)
{
	const struct listing *l = arg;
	char comm[FR_COMM_SIZE + 1] = "";
	uint32_t open = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->list[i].pid == (pid_t)found->key.pid)
			open += l->list[i].open;
	}
	memcpy(comm, found->comm, FR_COMM_SIZE);
	l->fn(l->arg, (pid_t)found->key.pid, comm, open);
}

int session_processes(struct session *s,
		      void (*fn)(void *arg, pid_t pid, const char *comm, uint32_t open), void *arg)
{
	struct listing l = {.fn = fn, .arg = arg};
	int err = read_processes(s, &l);

	if (!err && !s->options.watch_all)
		err = tracker_processes(s->tracker, list_one, &l);
	/* If all are watched, most of them have nothing to do with us. */
	for (size_t i = 0; !err && s->options.watch_all && i < l.n; i++)
		fn(arg, l.list[i].pid, l.list[i].comm, l.list[i].open);
	free(l.list);
	return err;
}
