// SPDX-License-Identifier: BSD-2-Clause
#include "collector/session_rescans.h"

#include <stdlib.h>

#include <uthash.h>

#include "collector/base/clock.h"
#include "collector/kernel/tracker.h"

/* Long enough for a preempted BPF program to finish. */
#define LOOK_AFTER_NS 20000000
/* Scanning all processes more often than this would take milliseconds each time. */
#define FOUND_APART_NS 1000000000

struct rescan {
	pid_t pid;
	UT_hash_handle hh;
};

void rescans_init(struct rescans *r, struct tracker *tracker)
{
	*r = (struct rescans){.tracker = tracker, .look_ns = UINT64_MAX};
}

void rescans_free(struct rescans *r)
{
	pid_t pid;

	while (rescans_take(r, &pid))
		;
	*r = (struct rescans){.look_ns = UINT64_MAX};
}

void rescans_add(struct rescans *r, pid_t pid)
{
	struct rescan *rescan;

	HASH_FIND(hh, r->queue, &pid, sizeof(pid), rescan);
	if (rescan)
		return;
	rescan = calloc(1, sizeof(*rescan));
	if (!rescan)
		return;
	rescan->pid = pid;
	HASH_ADD(hh, r->queue, pid, sizeof(rescan->pid), rescan);
}

bool rescans_take(struct rescans *r, pid_t *pid)
{
	struct rescan *first = r->queue;

	if (!first)
		return false;
	*pid = first->pid;
	HASH_DEL(r->queue, first);
	free(first);
	return true;
}

bool rescans_pending(const struct rescans *r)
{
	return r->queue;
}

static void add_process(void *arg, const struct process_found *found)
{
	rescans_add(arg, (pid_t)found->key.pid);
}

static void look_in(struct rescans *r, uint64_t after_ns)
{
	uint64_t soon_ns = clock_ns(CLOCK_MONOTONIC) + after_ns;
	uint64_t apart_ns = r->found_ns + FOUND_APART_NS;

	if (r->look_ns != UINT64_MAX)
		return;
	r->look_ns = r->found_ns && apart_ns > soon_ns ? apart_ns : soon_ns;
}

void rescans_want_all(struct rescans *r)
{
	r->want_all = true;
	look_in(r, 0);
}

void rescans_expect_missed(struct rescans *r)
{
	look_in(r, LOOK_AFTER_NS);
}

void rescans_look_for_missed(struct rescans *r)
{
	uint64_t execs, exits;

	r->look_ns = UINT64_MAX;
	tracker_missed(r->tracker, &execs, &exits);
	if (execs == r->missed && !r->want_all)
		return;
	r->missed = execs;
	r->want_all = false;
	r->found_ns = clock_ns(CLOCK_MONOTONIC);
	/* We do not know which process it was. */
	tracker_processes(r->tracker, add_process, r);
	rescans_expect_missed(r);
}

uint64_t rescans_next(const struct rescans *r)
{
	return r->look_ns;
}
