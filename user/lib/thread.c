// SPDX-License-Identifier: BSD-2-Clause
#include "lib/thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Slot numbers rather than addresses: the memory of a recorder that another thread closed may be
 * gone, but its slot can always be looked at, and then has no id or another one.
 */
struct nesting {
	uint32_t slot;
	uint32_t id;
} __attribute__((aligned(8))); /* written at once */

/*
 * initial-exec: the other models may allocate memory when a thread first gets here, which logging
 * must not. It has to be small: with dlopen() it must fit into what libc keeps in reserve.
 */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
	uint64_t instance; /* that all this is about; after fork() the process has another */
	uint32_t tid;
	uint32_t depth;
	struct memory_thread *memory; /* its record in the memory log, or NULL */
	uint32_t memory_owner;
	bool has_writer;            /* the two before are set */
	uint8_t level;              /* how many calls are writing to a memory log, nested */
	uint64_t other_owner;       /* in another copy's log: the log's tag << 32 | owner */
	void *frame[MEMORY_LEVELS]; /* the stack frames of these calls */
	struct nesting open[THREAD_NESTING_MAX];
} self;

static void check_instance(struct flightrec_process *process)
{
	if (__builtin_expect(self.instance != process->instance, 0)) {
		/* The level stays: if a signal handler forked, the call it interrupted goes on. */
		self.depth = 0;
		self.has_writer = false;
		self.tid = (uint32_t)syscall(SYS_gettid);
		self.instance = process->instance;
	}
}

uint32_t thread_id(struct flightrec_process *process)
{
	check_instance(process);
	return self.tid;
}

/*
 * Whether the call that entered last will never leave, because a signal handler jumped out of it
 * with longjmp(). Then its frame is below ours, or on an alternate stack that is not in use.
 */
static __attribute__((noinline)) bool is_abandoned(const void *frame, const void *ours)
{
	uintptr_t here = (uintptr_t)ours, there = (uintptr_t)frame;
	stack_t stack = {0};
	bool on_it, was_on_it;

	syscall(SYS_sigaltstack, NULL, &stack);
	on_it = stack.ss_flags & SS_ONSTACK;
	was_on_it = there - (uintptr_t)stack.ss_sp < stack.ss_size;
	return on_it == was_on_it ? there <= here : was_on_it;
}

/*
 * This thread as a writer of another copy's log. It has a record there of its own, apart from the
 * one that the other copy uses for this thread: a handler may use one copy while it interrupts the
 * other.
 */
static __attribute__((noinline)) struct memory_writer other_writer(struct memory_header *memory)
{
	/* A single word, as a handler may come in between. */
	uint64_t known = __atomic_load_n(&self.other_owner, __ATOMIC_RELAXED);
	uint32_t copy = (uint32_t)((uintptr_t)&flightrec_state_ / STATE_PAGE_BYTES);
	struct memory_writer writer;
	uint32_t unit;

	if (known >> 32 == memory->tag) {
		unit = (uint32_t)known >> 2;
		return (struct memory_writer){memory, unit ? memory_unit(memory, unit) : NULL,
					      (uint32_t)known};
	}
	writer = memory_writer_for(memory, (uint32_t)syscall(SYS_gettid), copy);
	known = (uint64_t)memory->tag << 32 | writer.owner;
	__atomic_store_n(&self.other_owner, known, __ATOMIC_RELAXED);
	return writer;
}

/* The same for this copy's own log. */
static inline struct memory_writer own_writer(struct memory_header *memory)
{
	struct memory_writer writer;

	if (__builtin_expect(!self.has_writer, 0)) {
		writer = memory_writer_for(memory, self.tid, 0);
		self.memory_owner = writer.owner;
		self.memory = writer.thread;
		self.has_writer = true;
	}
	return (struct memory_writer){memory, self.memory, self.memory_owner};
}

bool thread_enter(struct flightrec_process *process, struct memory_writer *writer)
{
	struct memory_header *memory = process_memory(process);
	void *frame = __builtin_frame_address(0);
	bool own = process == process_peek();
	uint32_t level;

	if (!memory)
		return false;
	if (__builtin_expect(own, 1))
		check_instance(process);
	while (__builtin_expect(self.level, 0) && is_abandoned(self.frame[self.level - 1], frame))
		self.level--;
	level = self.level;
	if (__builtin_expect(level >= MEMORY_LEVELS, 0)) {
		__atomic_fetch_add(&memory->lost_entries, 1, __ATOMIC_RELAXED);
		return false;
	}
	self.frame[level] = frame;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self.level = (uint8_t)(level + 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*writer = __builtin_expect(own, 1) ? own_writer(memory) : other_writer(memory);
	writer->owner |= level;
	return true;
}

void thread_leave(const struct memory_writer *writer)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self.level = writer->owner & 3;
}

static bool is_open(struct flightrec_process *process, const struct nesting *nesting)
{
	return nesting->id && process_find(process, nesting->slot, nesting->id);
}

/* Removes closed recorders from the top, whoever closed them. */
static void drop_closed(struct flightrec_process *process)
{
	uint32_t top = self.depth < THREAD_NESTING_MAX ? self.depth : THREAD_NESTING_MAX;

	if (!top || is_open(process, &self.open[top - 1]))
		return;
	while (top && !is_open(process, &self.open[top - 1]))
		top--;
	self.depth = top;
}

void thread_push(struct flightrec_process *process, uint32_t slot, uint64_t id)
{
	struct nesting nesting = {slot, (uint32_t)id};
	uint32_t at;

	check_instance(process);
	/* If other threads close this thread's recorders, nobody else removes them here. */
	drop_closed(process);
	/* The depth first: what a signal handler pushes and removes in between goes above. */
	at = self.depth++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (at < THREAD_NESTING_MAX)
		__atomic_store(&self.open[at], &nesting, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* A handler that removed what it had pushed also removed this level, not yet open then. */
	if (self.depth <= at)
		self.depth = at + 1;
}

void thread_remove(struct flightrec_process *process, uint32_t slot, uint64_t id)
{
	check_instance(process);
	if (self.depth > THREAD_NESTING_MAX) {
		/* Levels this deep are not remembered, only counted. */
		self.depth--;
		return;
	}
	for (uint32_t i = self.depth; i-- > 0;) {
		if (self.open[i].slot == slot && self.open[i].id == (uint32_t)id) {
			self.open[i].id = 0;
			break;
		}
	}
	drop_closed(process);
}

flightrec *thread_current(struct flightrec_process *process)
{
	uint32_t top;

	if (self.instance != process->instance)
		return NULL;
	top = self.depth < THREAD_NESTING_MAX ? self.depth : THREAD_NESTING_MAX;
	for (uint32_t i = top; i-- > 0;) {
		if (is_open(process, &self.open[i]))
			return process_find(process, self.open[i].slot, self.open[i].id);
	}
	return NULL;
}
