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

bool memory_open(const struct memory_writer *w, uint32_t n, uint64_t id, const flightrec *rec)
{
	struct memory_header *memory = w->memory;
	struct memory_slot *slot;
	uint64_t generation, now;

	if (unlikely(n >= memory->slots))
		return false;
	slot = memory_slot(memory, n);
	generation = MEMORY_WORD_GENERATION(slot->word) + 1;
	/* A full barrier: others see this before the clock is read. */
	__atomic_exchange_n(&slot->word, MEMORY_WORD(generation, MEMORY_OPENING), __ATOMIC_SEQ_CST);
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
	/* Before it is open: readers only look at slots below slots_used. */
	note_used(memory, n);
	memory_open_strand(w, n, (uint32_t)generation);
	__atomic_store_n(&slot->word, MEMORY_WORD(generation, MEMORY_OPEN), __ATOMIC_RELEASE);
	if (w->thread)
		w->thread->level[w->owner & 3].opened++;
	memory_renew_clocks(memory, now);
	return true;
}

/*
 * Whether it was open for its timeout, or nearly: a sixteenth is allowed for, as the scale is
 * rough. Telling about a recorder that was closed just in time does no harm.
 */
static bool is_late(const struct memory_header *memory, const struct memory_slot *slot,
		    uint64_t now)
{
	uint64_t timeout_ns = __atomic_load_n(&slot->timeout_ns, __ATOMIC_RELAXED);
	uint64_t from = slot->ended ? slot->ended : slot->started;

	return memory_scaled(memory, now - from) >= timeout_ns - timeout_ns / 16;
}

bool memory_close(struct memory_header *memory, uint32_t n, uint64_t id, bool watched)
{
	struct memory_slot *slot;
	uint64_t word, now;
	bool keep;

	if (unlikely(n >= memory->slots))
		return false;
	slot = memory_slot(memory, n);
	if (unlikely(slot->id != id))
		return false;
	now = memory_ticks(memory);
	word = __atomic_load_n(&slot->word, __ATOMIC_RELAXED);
	keep = unlikely(watched) && (word & MEMORY_TOLD || is_late(memory, slot, now));
	if (unlikely(slot->ended))
		slot->timeout_ns = ticks_sum(memory_scaled(memory, slot->ended - slot->started),
					     slot->timeout_ns);
	slot->ended = now;
	__atomic_store_n(
		&slot->word,
		MEMORY_WORD(MEMORY_WORD_GENERATION(word), keep ? MEMORY_LATE : MEMORY_FREE),
		__ATOMIC_RELEASE);
	return keep;
}

static void free_slot(struct memory_header *memory, uint32_t n)
{
	struct memory_slot *slot = memory_slot(memory, n);
	uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_RELAXED);

	__atomic_store_n(&slot->word, MEMORY_WORD(MEMORY_WORD_GENERATION(word), MEMORY_FREE),
			 __ATOMIC_RELEASE);
}

int64_t memory_keep(struct memory_header *memory, uint32_t n)
{
	uint32_t size = memory->slots / MEMORY_KEPT_PART, old, at;
	uint32_t *kept = (uint32_t *)(void *)memory_slot(memory, memory->slots);

	at = __atomic_fetch_add(&memory->kept_next, 1, __ATOMIC_RELAXED) % size;
	old = __atomic_exchange_n(&kept[at], n + 1, __ATOMIC_ACQ_REL);
	if (!old)
		return -1;
	free_slot(memory, old - 1);
	return old - 1;
}

void memory_tell(struct memory_header *memory, uint32_t n, uint64_t id)
{
	struct memory_slot *slot = n < memory->slots ? memory_slot(memory, n) : NULL;

	if (slot && __atomic_load_n(&slot->id, __ATOMIC_RELAXED) == id)
		__atomic_fetch_or(&slot->word, MEMORY_TOLD, __ATOMIC_RELAXED);
}

void memory_extend(struct memory_header *memory, uint32_t n, uint64_t id, uint64_t timeout_ns)
{
	struct memory_slot *slot = n < memory->slots ? memory_slot(memory, n) : NULL;

	if (!slot || __atomic_load_n(&slot->id, __ATOMIC_RELAXED) != id)
		return;
	/* In this order: to a reader in between it seems due too late, not too early. */
	__atomic_store_n(&slot->ended, memory_ticks(memory), __ATOMIC_RELEASE);
	__atomic_store_n(&slot->timeout_ns, timeout_ns, __ATOMIC_RELEASE);
}
