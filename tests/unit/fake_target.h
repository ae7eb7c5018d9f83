/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process whose open recorders are what the test says. Its threads are in a container: their ids
 * here are higher by 1000. To be included by one file of a test.
 */
#ifndef FAKE_TARGET_H
#define FAKE_TARGET_H

#include <string.h>

#include "collector/target/target_memory.h"
#include "collector/target/host_tid.h"
#include "own_clock.h"

#define FAKE_RECORDERS 64
#define FAKE_STATE UINT64_C(0x1000) /* of the first copy; the next one's is twice that */
#define FAKE_ADDRESS UINT64_C(0x500000)

static struct {
	pid_t pid;
	flightrec rec[FAKE_RECORDERS]; /* those without an id are free slots */
	uint32_t n;
	uint64_t ns_each; /* how long a look at one takes */
	int error;        /* of every walk */
	/* what was asked for */
	uint32_t walks;
	uint32_t host_tids;
	uint32_t skipped; /* by the last walk */
	uint32_t slots_max;
	uint64_t state;
} memory;

static inline flightrec *memory_add(uint64_t id, uint64_t started_ns, uint64_t timeout_ns)
{
	flightrec *rec = &memory.rec[memory.n++];

	*rec = (flightrec){
		.id_ = id, .started_ns_ = started_ns, .timeout_ns_ = timeout_ns, .tid_ = 1};
	strcpy(rec->name_, "name");
	return rec;
}

void target_init(struct target *target, pid_t pid)
{
	*target = (struct target){.pid = pid, .mem_fd = -1};
}

void target_close(struct target *target)
{
	(void)target;
}

int target_open_recorders(struct target *target, uint64_t state,
			  const struct target_visitor *visitor, struct target_walk *walk)
{
	*walk = (struct target_walk){0};
	memory.walks++;
	memory.skipped = target->skip;
	memory.slots_max = visitor->slots_max;
	memory.state = state;
	if (memory.error)
		return memory.error;
	if (target->pid != memory.pid)
		return 0;
	for (uint32_t i = target->skip; i < memory.n; i++) {
		int result;

		walk->slots++;
		if (!memory.rec[i].id_)
			continue;
		now_ns += memory.ns_each;
		result = visitor->fn(&memory.rec[i], FAKE_ADDRESS + i, visitor->arg);
		if (result)
			return result;
	}
	return 0;
}

pid_t host_tid(pid_t pid, pid_t own)
{
	(void)pid;
	memory.host_tids++;
	return own + 1000;
}

#endif /* FAKE_TARGET_H */
