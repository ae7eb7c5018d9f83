// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/numbers.h"
#include "lib/readable.h"
#include "lib/ticks.h"

/*
 * What this process has open, and how it stays right across fork(), threads, signal handlers and
 * several copies of the library.
 *
 * The process is a page (struct flightrec_process), made by the first recorder and never unmapped.
 * It is marked MADV_WIPEONFORK: the kernel hands a child an empty page. So every recorder that the
 * child inherited belongs to an instance number that no longer exists there, and is not open in the
 * child, without a fork handler that would have to run first.
 *
 * An *instance number* names one process and one copy of the library: the low bits are the number
 * of its page, the high bits a count that differs between parent and child. A recorder remembers
 * its instance. That is how another copy of the library, which has a page of its own, finds the
 * process in which a recorder is open (process_of_other_copy()).
 *
 * Open recorders are in *slots*, which lie in chunks of growing size that are never moved or freed:
 * a collector, or a signal handler, may look at any time. A slot that is free is with the thread
 * that closed its recorder (a "spare"), or else in a stack shared by all threads. Both work without
 * locks, as they are used in signal handlers.
 *
 * The memory log (memory.h) belongs to the process as well. It is shared memory, so that a
 * collector can keep hold of it; a child must not write to its parent's, and has private memory put
 * in its place first thing (leave_parents_memory()).
 */
#define PAGE_BYTES 4096
#define PAGE_NUMBER_BITS 40
/* Raise this when anything changes that copies of the library use of each other, log included. */
#define LAYOUT 1

_Static_assert(sizeof(struct flightrec_process) <= PAGE_BYTES, "it lies in a page");
_Static_assert(sizeof(struct flightrec_open) == 64, "a slot is a cache line");

/* The counter that all copies share; NULL: each counts for itself. A child has it, too. */
static uint64_t *numbers;

/* Survives fork(), unlike the page, so a child gets a number that no ancestor had. */
static uint64_t last_number;

static uint64_t make_instance(const struct flightrec_process *process)
{
	uint64_t number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);

	return number << PAGE_NUMBER_BITS | (uintptr_t)process / PAGE_BYTES;
}

struct flightrec_process *process_of_other_copy(uint64_t instance)
{
	static uint64_t known; /* the page found last; such pages are never unmapped */
	uint64_t address = (instance & ((1ull << PAGE_NUMBER_BITS) - 1)) * PAGE_BYTES;
	struct flightrec_process *process = (struct flightrec_process *)(uintptr_t)address;

	/* The page may be a parent's, or nonsense if the recorder's memory is damaged. */
	if (!process || process == process_peek() ||
	    (address != __atomic_load_n(&known, __ATOMIC_RELAXED) && !is_readable(process)))
		return NULL;
	if (__atomic_load_n(&process->instance, __ATOMIC_ACQUIRE) != instance ||
	    process->layout_ != LAYOUT)
		return NULL;
	__atomic_store_n(&known, address, __ATOMIC_RELAXED);
	return process;
}

static void *map_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Stores @memory at @address unless another thread was first. Returns what is there. */
static void *publish(uint64_t *address, void *memory, size_t size)
{
	uint64_t seen = 0;

	if (__atomic_compare_exchange_n(address, &seen, (uint64_t)(uintptr_t)memory, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return memory;
	munmap(memory, size);
	return (void *)(uintptr_t)seen;
}

/*
 * A child of fork() shares the memory log with its parent, until it puts private memory in its
 * place. Unmapping is not enough: if a signal handler called fork() in the middle of a log call,
 * that call goes on in the child, and must write somewhere, but not into the parent's log.
 */
static struct memory_header *mapped;
static uint64_t mapped_size;

static void leave_parents_memory(void)
{
	if (mapped)
		(void)mmap(mapped, mapped_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	mapped = NULL;
}

static const char *memory_setting(void)
{
	return secure_getenv("FLIGHTREC_MEMORY");
}

static void set_keeps(bool keeps)
{
	flightrec_state_.semaphore[FLIGHTREC_KEEPS_LOG] = keeps;
}

static __attribute__((constructor)) void begin_process(void)
{
	/* Now, not with the first recorder: pthread_atfork() is not async-signal-safe. */
	pthread_atfork(NULL, NULL, leave_parents_memory);
	/* Also now: the first recorder this copy logs to may be another copy's. */
	set_keeps(memory_wanted(memory_setting()));
}

/* Tells the totals to whoever watches, as nobody can read them once the process is gone. */
static __attribute__((destructor)) void leave(void)
{
	struct flightrec_process *process = process_peek();
	struct memory_header *memory = process ? process_memory(process) : NULL;
	uint64_t opened, entries;

	if (!memory || !probe_watched(FLIGHTREC_PROBE_LEAVE))
		return;
	memory_count(memory, &opened, &entries);
	probe_leave(memory, opened, entries);
}

/* If several threads or handlers come here at once, the log of one is used. */
static __attribute__((noinline)) void make_memory(struct flightrec_process *process)
{
	struct memory_header *memory = memory_create(process->instance, memory_setting());
	uint64_t none = 0, made = memory ? (uint64_t)(uintptr_t)memory : FLIGHTREC_NO_MEMORY;

	if (!__atomic_compare_exchange_n(&process->memory, &none, made, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		memory_destroy(memory);
		return;
	}
	set_keeps(memory);
	if (!memory)
		return;
	mapped_size = memory->size;
	mapped = memory;
}

struct flightrec_process *process_get(void)
{
	struct flightrec_process *process = process_peek();

	if (!process) {
		process = map_memory(PAGE_BYTES);
		if (!process)
			return NULL;
		ticks_find_faked();
		numbers = numbers_find();
		/*
		 * The kernel empties this page in a child (since Linux 4.14): the child knows at
		 * once that recorders it inherited are copies.
		 */
		madvise(process, PAGE_BYTES, MADV_WIPEONFORK);
		process = publish(&flightrec_state_.process, process, PAGE_BYTES);
	}
	if (__builtin_expect(!__atomic_load_n(&process->instance, __ATOMIC_ACQUIRE), 0)) {
		uint64_t none = 0, mine = make_instance(process);

		__atomic_store_n(&process->layout_, LAYOUT, __ATOMIC_RELAXED);
		__atomic_compare_exchange_n(&process->instance, &none, mine, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	}
	if (__builtin_expect(!__atomic_load_n(&process->memory, __ATOMIC_RELAXED), 0))
		make_memory(process);
	return process;
}

uint64_t process_next_number(struct flightrec_process *process)
{
	uint64_t number;

	if (!numbers)
		return __atomic_add_fetch(&process->opened, 1, __ATOMIC_RELAXED);
	number = __atomic_add_fetch(numbers, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&process->opened, number, __ATOMIC_RELAXED);
	return number;
}

/* Chunk k holds FLIGHTREC_OPEN_CHUNK << k slots, so slot numbers map to chunks by their top bit. */
static unsigned int chunk_of(uint32_t slot, uint32_t *at)
{
	uint32_t scaled = slot / FLIGHTREC_OPEN_CHUNK + 1;
	unsigned int chunk = 31 - (unsigned int)__builtin_clz(scaled);

	*at = slot - FLIGHTREC_OPEN_CHUNK * ((1u << chunk) - 1);
	return chunk;
}

/* Returns NULL if the slot was never in use. */
static struct flightrec_open *slot_address(struct flightrec_process *process, uint32_t slot)
{
	uint32_t at;
	unsigned int chunk = chunk_of(slot, &at);
	struct flightrec_open *array;

	if (chunk >= FLIGHTREC_OPEN_CHUNKS)
		return NULL;
	array = (void *)(uintptr_t)__atomic_load_n(&process->chunk_[chunk], __ATOMIC_ACQUIRE);
	return array ? &array[at] : NULL;
}

/*
 * The same for a slot of this copy's process, which is made if need be. Chunks survive fork(), so
 * their addresses are kept in the state; and in the process, where other copies still find them
 * when the plugin with this one has been unloaded.
 */
static struct flightrec_open *make_slot(struct flightrec_process *process, uint32_t slot)
{
	uint32_t at;
	unsigned int chunk = chunk_of(slot, &at);
	size_t size = sizeof(struct flightrec_open) * ((size_t)FLIGHTREC_OPEN_CHUNK << chunk);
	uint64_t *address;
	void *array;

	if (chunk >= FLIGHTREC_OPEN_CHUNKS)
		return NULL;
	address = &flightrec_state_.chunk[chunk];
	array = (void *)(uintptr_t)__atomic_load_n(address, __ATOMIC_ACQUIRE);
	if (!array) {
		array = map_memory(size);
		if (!array)
			return NULL;
		array = publish(address, array, size);
	}
	__atomic_store_n(&process->chunk_[chunk], (uint64_t)(uintptr_t)array, __ATOMIC_RELEASE);
	return (struct flightrec_open *)array + at;
}

/*
 * Free slots form a stack. The low half of its head is the slot's number plus 1; the high half
 * counts changes, so that a pop that was held up while others popped and pushed fails, and tries
 * again.
 */
static void push_free(struct flightrec_process *process, struct flightrec_open *open, uint32_t slot)
{
	uint64_t head = __atomic_load_n(&process->free_, __ATOMIC_RELAXED);
	uint64_t new_head;

	do {
		__atomic_store_n(&open->next_, (uint32_t)head, __ATOMIC_RELAXED);
		new_head = ((head >> 32) + 1) << 32 | (slot + 1);
	} while (!__atomic_compare_exchange_n(&process->free_, &head, new_head, true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static struct flightrec_open *pop_free(struct flightrec_process *process, uint32_t *slot)
{
	uint64_t head = __atomic_load_n(&process->free_, __ATOMIC_ACQUIRE);
	struct flightrec_open *open;
	uint64_t new_head;

	do {
		if (!(uint32_t)head)
			return NULL;
		*slot = (uint32_t)head - 1;
		open = slot_address(process, *slot);
		if (!open)
			return NULL;
		new_head =
			((head >> 32) + 1) << 32 | __atomic_load_n(&open->next_, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&process->free_, &head, new_head, true,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return open;
}

/*
 * A few free slots stay with the thread that closed their recorders. Otherwise two threads that
 * open and close recorders would pass the head of the stack, and each other's slots, back and forth
 * between their processors, which costs ten times as much. Threads whose ids have the same
 * remainder share their spares.
 */
static uint32_t *spares_of(struct flightrec_process *process, uint32_t thread)
{
	return process->spare_[thread % FLIGHTREC_SPARE_LINES].slot;
}

static bool keep_spare(uint32_t *spares, uint32_t slot)
{
	for (unsigned int i = 0; i < FLIGHTREC_SPARES; i++) {
		uint32_t none = 0;

		if (!__atomic_load_n(&spares[i], __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&spares[i], &none, slot + 1, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static struct flightrec_open *take_spare(struct flightrec_process *process, uint32_t thread,
					 uint32_t *slot)
{
	uint32_t *spares = spares_of(process, thread);

	for (unsigned int i = 0; i < FLIGHTREC_SPARES; i++) {
		uint32_t found = __atomic_load_n(&spares[i], __ATOMIC_RELAXED);

		if (found)
			found = __atomic_exchange_n(&spares[i], 0, __ATOMIC_ACQUIRE);
		if (found) {
			*slot = found - 1;
			return slot_address(process, *slot);
		}
	}
	return NULL;
}

int64_t process_open(struct flightrec_process *process, uint32_t thread, flightrec *rec,
		     uint64_t id)
{
	struct flightrec_open *open;
	uint32_t slot;

	open = take_spare(process, thread, &slot);
	if (!open)
		open = pop_free(process, &slot);
	if (!open) {
		slot = __atomic_fetch_add(&process->used, 1, __ATOMIC_RELAXED);
		open = slot_address(process, slot);
		if (!open)
			open = make_slot(process, slot);
		/* One number is lost, no memory: the next opening tries to make the chunk again. */
		if (!open)
			return -ENOMEM;
	}
	__atomic_store_n(&open->rec, (uint64_t)(uintptr_t)rec, __ATOMIC_RELAXED);
	__atomic_store_n(&open->id, id, __ATOMIC_RELEASE);
	return slot;
}

/* Nothing happens if the id is not there: the recorder's memory was overwritten. */
static struct flightrec_open *take_out(struct flightrec_process *process, uint32_t slot,
				       uint64_t id)
{
	struct flightrec_open *open = slot_address(process, slot);

	return open && __atomic_compare_exchange_n(&open->id, &id, 0, false, __ATOMIC_ACQ_REL,
						   __ATOMIC_RELAXED)
		       ? open
		       : NULL;
}

static void give_back(struct flightrec_process *process, uint32_t thread,
		      struct flightrec_open *open, uint32_t slot)
{
	if (!keep_spare(spares_of(process, thread), slot))
		push_free(process, open, slot);
}

void process_close(struct flightrec_process *process, uint32_t thread, uint32_t slot, uint64_t id)
{
	struct flightrec_open *open = take_out(process, slot, id);

	if (open)
		give_back(process, thread, open, slot);
}

void process_close_late(struct flightrec_process *process, uint32_t thread, uint32_t slot,
			uint64_t id)
{
	int64_t old;

	if (!take_out(process, slot, id))
		return;
	old = memory_keep(process_memory(process), slot);
	if (old >= 0)
		give_back(process, thread, slot_address(process, (uint32_t)old), (uint32_t)old);
}

flightrec *process_find(struct flightrec_process *process, uint32_t slot, uint32_t id)
{
	struct flightrec_open *open;
	uint64_t found;

	if (slot >= __atomic_load_n(&process->used, __ATOMIC_RELAXED))
		return NULL;
	open = slot_address(process, slot);
	if (!open)
		return NULL;
	found = __atomic_load_n(&open->id, __ATOMIC_ACQUIRE);
	if (!found || (uint32_t)found != id)
		return NULL;
	return (flightrec *)(uintptr_t)__atomic_load_n(&open->rec, __ATOMIC_RELAXED);
}
