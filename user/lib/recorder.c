// SPDX-License-Identifier: BSD-2-Clause
#include "lib/recorder.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/memory.h"
#include "lib/thread.h"
#include "lib/ticks.h"

#define EXPORT __attribute__((visibility("default")))

struct flightrec_process *recorder_process_of_other_copy(const flightrec *rec, uint64_t *id)
{
	int saved_errno = errno;
	struct flightrec_process *process = process_of_other_copy(rec->instance_);

	errno = saved_errno;
	if (!process)
		*id = 0;
	return process;
}

void recorder_keep_context(struct flightrec_process *process, const flightrec *rec, uint64_t id)
{
	struct memory_writer writer;

	if (!thread_enter(process, &writer))
		return;
	memory_set_context(&writer, rec->slot_, id, rec->context_, rec->context_size_);
	thread_leave(&writer);
}

static void copy_name(char *to, const char *name)
{
	size_t length = name ? strnlen(name, FLIGHTREC_NAME_MAX - 1) : 0;

	if (length)
		memcpy(to, name, length);
	memset(to + length, 0, FLIGHTREC_NAME_MAX - length);
}

static void inherit_context(flightrec *rec, const flightrec *parent)
{
	rec->context_size_ = 0;
	if (!parent || !parent->context_size_ || parent->context_size_ > FLIGHTREC_CONTEXT_MAX)
		return;
	memcpy(rec->context_, parent->context_, parent->context_size_);
	rec->context_size_ = parent->context_size_;
}

/* Returns whether it is in the memory log. */
static bool open_in_memory(struct flightrec_process *process, const flightrec *rec, uint64_t id)
{
	struct memory_writer writer;
	bool opened;

	if (!thread_enter(process, &writer))
		return false;
	opened = memory_open(&writer, rec->slot_, id, rec);
	if (opened && rec->context_size_)
		memory_set_context(&writer, rec->slot_, id, rec->context_, rec->context_size_);
	thread_leave(&writer);
	return opened;
}

/*
 * Whoever watches by memory has promised to look at armed_ns, unless that is in the past. A
 * recorder that is due later is seen in time without any telling. Otherwise the probe is passed: by
 * the time it returns there is a new promise, and armed_ns is set to it.
 */
static void arm(struct memory_header *memory, uint64_t now, uint64_t timeout_ns)
{
	uint64_t deadline = ticks_sum(now, timeout_ns);
	uint64_t armed = memory ? __atomic_load_n(&memory->armed_ns, __ATOMIC_RELAXED) : 0;

	if (armed > now && armed <= deadline)
		return;
	probe_arm(memory, timeout_ns);
	if (memory)
		__atomic_store_n(&memory->armed_ns, deadline, __ATOMIC_RELEASE);
}

/* Opens a recorder that is not open. @parent is an open recorder, or NULL. May change errno. */
static int open_recorder(struct flightrec_process *process, flightrec *rec, const char *name,
			 uint64_t timeout_ns, const flightrec *parent)
{
	bool in_memory;
	uint64_t id;
	int64_t slot;

	rec->instance_ = process->instance;
	rec->timeout_ns_ = timeout_ns;
	/* Only if it is this copy's: another copy may be unloaded, and its log gone. */
	rec->parent_id_ = parent && parent->instance_ == process->instance ? parent->id_ : 0;
	rec->tid_ = thread_id(process);
	copy_name(rec->name_, name);
	inherit_context(rec, parent);

	id = process_next_number(process);
	slot = process_open(process, rec->tid_, rec, id);
	if (slot < 0)
		return (int)slot;
	rec->slot_ = (uint32_t)slot;
	in_memory = open_in_memory(process, rec, id);
	/* Not earlier; memory_open() says why. */
	rec->started_ns_ = ticks_monotonic_ns();
	__atomic_store_n(&rec->id_, id, __ATOMIC_RELEASE);
	thread_push(process, rec->slot_, id);

	if (probe_watched(FLIGHTREC_PROBE_ARM))
		arm(in_memory ? process_memory(process) : NULL, rec->started_ns_, timeout_ns);
	if (probe_watched(FLIGHTREC_PROBE_BEGIN))
		probe_begin(rec, id, timeout_ns, rec->name_, rec->parent_id_);
	if (rec->context_size_ && probe_watched(FLIGHTREC_PROBE_CONTEXT))
		probe_context(rec, id, rec->context_, rec->context_size_);
	return 0;
}

/* Whether it may be opened: 0 or a negative errno. */
static int check_closed(const flightrec *rec, uint64_t timeout_ns)
{
	uint64_t id;

	if (!rec || !timeout_ns)
		return -EINVAL;
	return recorder_process(rec, &id) ? -EBUSY : 0;
}

EXPORT int flightrec_begin(flightrec *rec, const char *name, uint64_t timeout_ns)
{
	int saved_errno = errno, err = check_closed(rec, timeout_ns);
	struct flightrec_process *process;

	if (err)
		return err;
	process = process_get();
	err = process ? open_recorder(process, rec, name, timeout_ns, thread_current(process))
		      : -ENOMEM;
	errno = saved_errno;
	return err;
}

EXPORT int flightrec_begin_under(flightrec *rec, const char *name, uint64_t timeout_ns,
				 const flightrec *parent)
{
	int saved_errno = errno, err = check_closed(rec, timeout_ns);
	struct flightrec_process *process;
	uint64_t id;

	if (err)
		return err;
	process = process_get();
	if (parent && !recorder_process(parent, &id))
		parent = NULL;
	err = process ? open_recorder(process, rec, name, timeout_ns, parent) : -ENOMEM;
	errno = saved_errno;
	return err;
}

EXPORT void flightrec_end(flightrec *rec)
{
	struct flightrec_process *process;
	struct memory_header *memory;
	uint32_t slot, thread;
	bool late, own;
	uint64_t id;

	process = rec ? recorder_process(rec, &id) : NULL;
	if (!process)
		return;
	slot = rec->slot_;
	thread = rec->tid_;
	/* If two threads close it, only one does. */
	if (!__atomic_compare_exchange_n(&rec->id_, &id, 0, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return;
	if (probe_watched(FLIGHTREC_PROBE_END))
		probe_end(rec, id);
	memory = process_memory(process);
	late = memory && memory_close(memory, slot, id, probe_watched(FLIGHTREC_PROBE_LATE));
	if (late)
		probe_late(memory, slot, id);
	own = process == process_peek();
	if (own)
		thread = thread_id(process);
	if (late)
		process_close_late(process, thread, slot, id);
	else
		process_close(process, thread, slot, id);
	/* In another copy, its opener will find out that it is gone. */
	if (!own)
		return;
	thread_remove(process, slot, id);
}

/* Moves the deadline of recorder @id for those who read it from memory, and tells them. */
static void extend_in_memory(struct memory_header *memory, flightrec *rec, uint64_t id,
			     uint64_t timeout_ns)
{
	uint64_t now = ticks_monotonic_ns(), open_ns = now - rec->started_ns_;

	/* It has timed out, but nobody has looked yet: it must still be reported, so leave it. */
	if (memory && probe_watched(FLIGHTREC_PROBE_LATE) &&
	    open_ns > __atomic_load_n(&rec->timeout_ns_, __ATOMIC_RELAXED)) {
		probe_late(memory, rec->slot_, id);
		return;
	}
	/* A collector that comes later expects the timeout to count from the opening. */
	__atomic_store_n(&rec->timeout_ns_, ticks_sum(open_ns, timeout_ns), __ATOMIC_RELAXED);
	if (memory)
		memory_extend(memory, rec->slot_, id, timeout_ns);
	if (probe_watched(FLIGHTREC_PROBE_ARM))
		arm(memory, now, timeout_ns);
}

EXPORT int flightrec_extend(flightrec *rec, uint64_t timeout_ns)
{
	struct flightrec_process *process;
	uint64_t id;

	if (!rec || !timeout_ns)
		return -EINVAL;
	process = recorder_process(rec, &id);
	if (!process)
		return -ENOENT;
	extend_in_memory(process_memory(process), rec, id, timeout_ns);
	if (probe_watched(FLIGHTREC_PROBE_EXTEND))
		probe_extend(rec, id, timeout_ns);
	return 0;
}

EXPORT int flightrec_replay(flightrec *rec)
{
	struct flightrec_process *process;
	struct memory_header *memory;
	uint64_t id;

	if (!rec)
		return -EINVAL;
	process = recorder_process(rec, &id);
	if (!process)
		return -ENOENT;
	if (!probe_watched(FLIGHTREC_PROBE_REPLAY))
		return 0;
	memory = process_memory(process);
	if (memory)
		memory_tell(memory, rec->slot_, id);
	probe_replay(rec, id);
	return 0;
}

EXPORT flightrec *flightrec_current(void)
{
	struct flightrec_process *process = process_peek();

	return process ? thread_current(process) : NULL;
}

EXPORT flightrec *flightrec_scope_(flightrec *rec, const char *name, uint64_t timeout_ns)
{
	/* The macro leaves its storage uninitialized: the context alone is 256 bytes. */
	rec->id_ = 0;
	rec->context_size_ = 0;
	flightrec_begin(rec, name, timeout_ns);
	return rec;
}
