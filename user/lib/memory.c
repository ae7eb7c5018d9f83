// SPDX-License-Identifier: BSD-2-Clause
/* The region itself, and what is given out of it. */
#include "lib/memory.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/probe.h"

#define HEADER_BYTES 4096
/* How many records a new thread checks for one whose thread has ended. */
#define THREADS_ASKED 2
#define THREADS_ASKED_MAX 64
/* How long both clocks are watched to get the ratio of their rates. */
#define SCALE_NS 10000

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

_Static_assert(sizeof(struct memory_header) <= HEADER_BYTES, "it lies before the slots");
_Static_assert(sizeof(FLIGHTREC_VERSION_STRING) <= sizeof(((struct memory_header *)0)->library),
	       "the version fits");

/* A number, which K, M or G may follow. Anything else counts as no setting. */
static uint64_t parse_size(const char *text)
{
	uint64_t size = 0, most = 1ull << 40;
	unsigned int shift = 0;

	if (!text || *text < '0' || *text > '9')
		return MEMORY_DEFAULT;
	for (; *text >= '0' && *text <= '9'; text++) {
		size = size * 10 + (uint64_t)(*text - '0');
		if (size > most)
			size = most;
	}
	if (*text == 'G' || *text == 'g')
		shift = 30;
	else if (*text == 'M' || *text == 'm')
		shift = 20;
	else if (*text == 'K' || *text == 'k')
		shift = 10;
	else if (*text)
		return MEMORY_DEFAULT;
	size = size > most >> shift ? most : size << shift;
	return size && size < MEMORY_MIN ? MEMORY_MIN : size;
}

bool memory_wanted(const char *setting)
{
	return parse_size(setting) != 0;
}

static void *map_region(uint64_t *size)
{
	for (; *size >= MEMORY_MIN; *size /= 2) {
		/*
		 * Shared, so that a collector can keep it open (/proc/PID/map_files) after the
		 * process is gone. Not reserved, as most of it is never touched.
		 */
		void *memory = mmap(NULL, *size, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory != MAP_FAILED)
			return memory;
	}
	return NULL;
}

static uint64_t scale_of(uint64_t ns, uint64_t ticks)
{
	return ticks ? (uint64_t)(((unsigned __int128)ns << 32) / ticks) : 1ull << 32;
}

static void note_clocks(struct memory_header *memory)
{
	uint64_t real_ns, ns;

	__atomic_store_n(&memory->last_ns, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	real_ns = ticks_real_ns();
	ns = ticks_monotonic_ns();
	__atomic_store_n(&memory->last_ticks, memory_ticks(memory), __ATOMIC_RELAXED);
	__atomic_store_n(&memory->last_real_ns, real_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&memory->last_ns, ns, __ATOMIC_RELEASE);
	if (memory->zero_ns && ns > memory->zero_ns && memory->clock == MEMORY_CLOCK_COUNTER)
		memory->scale =
			scale_of(ns - memory->zero_ns, memory->last_ticks - memory->zero_ticks);
}

void memory_renew_clocks(struct memory_header *memory, uint64_t now_ticks)
{
	if (unlikely(memory->clock == MEMORY_CLOCK_COUNTER &&
		     now_ticks - __atomic_load_n(&memory->last_ticks, __ATOMIC_RELAXED) >
			     counter_note_after()))
		note_clocks(memory);
}

/* The first estimate, good to about a percent; later notes of the clocks improve it. */
static uint64_t measure_scale(struct memory_header *memory)
{
	uint64_t start_ns, start, ns, ticks;

	if (memory->clock != MEMORY_CLOCK_COUNTER)
		return 1ull << 32;
	start_ns = ticks_monotonic_ns();
	start = memory_ticks(memory);
	do {
		/* In this order: if held up in between, a tick seems longer, not shorter. */
		ticks = memory_ticks(memory) - start;
		ns = ticks_monotonic_ns() - start_ns;
	} while (ns < SCALE_NS);
	return scale_of(ns, ticks);
}

struct memory_header *memory_create(uint64_t instance, const char *setting)
{
	uint64_t size = parse_size(setting) & ~(uint64_t)(HEADER_BYTES - 1), slots;
	struct memory_header *memory = size ? map_region(&size) : NULL;

	if (!memory)
		return NULL;
	/* A quarter is for slots: nearly as many as there are units for their head chunks. */
	slots = size / 4 / sizeof(struct memory_slot);
	memory->version = MEMORY_VERSION;
	memory->header_size = sizeof(*memory);
	memory->size = size;
	memory->instance = instance;
	memory->tag = (uint32_t)(instance * 0x9e3779b97f4a7c15 >> 32) | 1;
	memory->pid = (uint32_t)getpid();
	memory->state = (uint64_t)(uintptr_t)&flightrec_state_;
	memcpy(memory->library, FLIGHTREC_VERSION_STRING, sizeof(FLIGHTREC_VERSION_STRING));
	memory->slots_at = HEADER_BYTES;
	memory->slots = (uint32_t)(slots < MEMORY_SLOTS_MAX ? slots : MEMORY_SLOTS_MAX);
	memory->units_at = HEADER_BYTES + memory->slots * sizeof(struct memory_slot) +
			   memory->slots / MEMORY_KEPT_PART * sizeof(uint32_t);
	memory->units_at = (memory->units_at + MEMORY_UNIT - 1) & ~(uint64_t)(MEMORY_UNIT - 1);
	/* The last unit is not used: probes read whole words, a little past an entry's end. */
	memory->units = (uint32_t)((size - memory->units_at) / MEMORY_UNIT) - 1;
	memory->units_used = 1;
	memory->clock = ticks_trust_counter() ? MEMORY_CLOCK_COUNTER : MEMORY_CLOCK_MONOTONIC;
	note_clocks(memory);
	memory->zero_ns = memory->last_ns;
	memory->zero_ticks = memory->last_ticks;
	memory->scale = measure_scale(memory);
	/* Last, so that a reader that finds the magic finds everything above. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(memory->magic, MEMORY_MAGIC, sizeof(memory->magic));
	return memory;
}

void memory_destroy(struct memory_header *memory)
{
	if (memory)
		munmap(memory, memory->size);
}

uint32_t memory_take_units(struct memory_header *memory, uint32_t count)
{
	uint32_t unit = __atomic_load_n(&memory->units_used, __ATOMIC_RELAXED);

	do {
		if (count > memory->units || unit > memory->units - count)
			return 0;
	} while (!__atomic_compare_exchange_n(&memory->units_used, &unit, unit + count, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return unit;
}

/* ---- threads ---- */

_Static_assert(offsetof(struct memory_thread, tid) == offsetof(struct memory_thread, who) &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the lower half of who is tid");

static bool has_ended(const struct memory_header *memory, uint32_t tid)
{
	return syscall(SYS_tgkill, (pid_t)memory->pid, (pid_t)tid, 0) != 0;
}

/*
 * Takes over the record of a thread that has ended. One with our own thread id is such a record:
 * the id would not have been given out again otherwise. Of the others a few are checked each time,
 * so that a program that starts a thread for each request has about twice as many records as
 * threads.
 */
static uint32_t take_over(struct memory_header *memory, uint64_t who, unsigned int may_ask)
{
	uint32_t unit = __atomic_load_n(&memory->threads, __ATOMIC_ACQUIRE);

	for (unsigned int steps = 0; unit && steps < MEMORY_STRANDS_MAX; steps++) {
		struct memory_thread *thread = memory_unit(memory, unit);
		uint64_t other = __atomic_load_n(&thread->who, __ATOMIC_RELAXED);
		bool ended = other == who;

		if (!ended && may_ask) {
			may_ask--;
			ended = has_ended(memory, (uint32_t)other);
		}
		if (ended && __atomic_compare_exchange_n(&thread->who, &other, who, false,
							 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return unit;
		unit = thread->next;
	}
	return 0;
}

static uint32_t new_thread(struct memory_header *memory, uint64_t who)
{
	uint32_t unit = memory_take_units(memory, 1), newest;
	struct memory_thread *thread;

	if (!unit)
		return take_over(memory, who, THREADS_ASKED_MAX);
	thread = memory_unit(memory, unit);
	thread->kind = MEMORY_THREAD;
	thread->who = who;
	newest = __atomic_load_n(&memory->threads, __ATOMIC_RELAXED);
	do
		thread->next = newest;
	while (!__atomic_compare_exchange_n(&memory->threads, &newest, unit, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
	return unit;
}

struct memory_writer memory_writer_for(struct memory_header *memory, uint32_t tid, uint32_t copy)
{
	uint64_t who = (uint64_t)copy << 32 | tid;
	uint32_t unit = take_over(memory, who, THREADS_ASKED);

	if (!unit)
		unit = new_thread(memory, who);
	return (struct memory_writer){.memory = memory,
				      .thread = unit ? memory_unit(memory, unit) : NULL,
				      .owner = unit << 2};
}

void memory_count(struct memory_header *memory, uint64_t *opened, uint64_t *entries)
{
	uint32_t unit = __atomic_load_n(&memory->threads, __ATOMIC_ACQUIRE);

	*opened = *entries = 0;
	while (unit) {
		struct memory_thread *thread = memory_unit(memory, unit);

		for (unsigned int i = 0; i < MEMORY_LEVELS; i++) {
			*opened += __atomic_load_n(&thread->level[i].opened, __ATOMIC_RELAXED);
			*entries += __atomic_load_n(&thread->level[i].entries, __ATOMIC_RELAXED);
		}
		unit = thread->next;
	}
}
