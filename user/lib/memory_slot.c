// SPDX-License-Identifier: BSD-2-Clause
/* The slots of the memory log: its recorders. */
#include <string.h>

#include "lib/memory.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

static void note_used(struct memory_header *memory, uint32_t slot)
{
	uint32_t used = __atomic_load_n(&memory->slots_used, __ATOMIC_RELAXED);

	while (unlikely(used <= slot) &&
	       !__atomic_compare_exchange_n(&memory->slots_used, &used, slot + 1, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void memory_open(const struct memory_writer *w, uint32_t n, uint64_t id, const flightrec *rec)
{
	struct memory_header *memory = w->memory;
	struct memory_slot *slot;
	uint64_t generation, now;

	if (unlikely(n >= memory->slots))
		return;
	slot = memory_slot(memory, n);
	generation = MEMORY_WORD_GENERATION(slot->word) + 1;
	__atomic_store_n(&slot->word, MEMORY_WORD(generation, MEMORY_OPENING), __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	now = memory_ticks(memory);
	slot->rec = (uint64_t)(uintptr_t)rec;
	slot->started = now;
	slot->ended = 0;
	slot->id = id;
	slot->timeout_ns = rec->timeout_ns_;
	slot->tid = rec->tid_;
	slot->parent = rec->parent_id_ && id - rec->parent_id_ <= UINT32_MAX
			       ? (uint32_t)(id - rec->parent_id_)
			       : 0;
	memcpy(slot->name, rec->name_, sizeof(slot->name));
	memory_open_strand(w, n, (uint32_t)generation);
	__atomic_store_n(&slot->word, MEMORY_WORD(generation, MEMORY_OPEN), __ATOMIC_RELEASE);
	note_used(memory, n);
	memory_renew_clocks(memory, now);
}

void memory_close(struct memory_header *memory, uint32_t n, uint64_t id)
{
	struct memory_slot *slot;

	if (unlikely(n >= memory->slots))
		return;
	slot = memory_slot(memory, n);
	if (unlikely(slot->id != id))
		return;
	slot->ended = memory_ticks(memory);
	__atomic_store_n(&slot->word, MEMORY_WORD(MEMORY_WORD_GENERATION(slot->word), MEMORY_FREE),
			 __ATOMIC_RELEASE);
}

void memory_set_timeout(struct memory_header *memory, uint32_t n, uint64_t id, uint64_t timeout_ns)
{
	struct memory_slot *slot = n < memory->slots ? memory_slot(memory, n) : NULL;

	if (slot && __atomic_load_n(&slot->id, __ATOMIC_RELAXED) == id)
		__atomic_store_n(&slot->timeout_ns, timeout_ns, __ATOMIC_RELAXED);
}
