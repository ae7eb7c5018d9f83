// SPDX-License-Identifier: BSD-2-Clause
/* Chunks, strands, and the entries in them. */
#include <string.h>

#include "lib/memory.h"

/* How many of its own chunks a thread checks before it takes a new one, and when there are none. */
#define REUSE_STEPS 4
#define REUSE_STEPS_MAX 256

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

_Static_assert(MEMORY_TAIL_DATA >= MEMORY_ENTRY_BYTES(FLIGHTREC_ENTRY_MAX),
	       "an empty tail chunk holds any entry");

static inline bool is_chunk_of(const struct memory_chunk *chunk, uint32_t slot, uint32_t generation)
{
	return chunk->slot == slot && chunk->generation == generation;
}

/* Whether the recorder that a chunk was last used for is closed. */
static bool is_reusable(struct memory_header *memory, const struct memory_chunk *chunk)
{
	uint64_t word = __atomic_load_n(&memory_slot(memory, chunk->slot)->word, __ATOMIC_RELAXED);

	return (uint32_t)MEMORY_WORD_GENERATION(word) != chunk->generation ||
	       MEMORY_WORD_STATE(word) == MEMORY_FREE;
}

/*
 * Finds the generation of recorder @id in slot @n, if it is open. Reads the word first and then the
 * id: as no id is used twice, both belong together if the id is right.
 */
static inline bool find_open(struct memory_header *memory, uint32_t n, uint64_t id,
			     uint32_t *generation)
{
	struct memory_slot *slot;
	uint64_t word;

	if (unlikely(n >= memory->slots))
		return false;
	slot = memory_slot(memory, n);
	word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
	*generation = (uint32_t)MEMORY_WORD_GENERATION(word);
	return likely(MEMORY_WORD_STATE(word) == MEMORY_OPEN) &&
	       likely(__atomic_load_n(&slot->id, __ATOMIC_RELAXED) == id);
}

/* Finds one of the owner's chunks whose recorder is closed, beginning with the one used last. */
static uint32_t find_reusable(struct memory_header *memory, uint32_t last, unsigned int steps)
{
	uint32_t unit = last;

	do {
		struct memory_chunk *chunk = memory_unit(memory, unit);

		if (is_reusable(memory, chunk))
			return unit;
		unit = chunk->own_next;
	} while (unit != last && --steps);
	return 0;
}

static uint32_t new_chunk(const struct memory_writer *w, enum memory_kind kind, uint32_t last)
{
	uint32_t unit = memory_take_units(w->memory, kind == MEMORY_TAIL ? MEMORY_TAIL_UNITS : 1);
	struct memory_chunk *chunk;

	if (!unit)
		return 0;
	chunk = memory_unit(w->memory, unit);
	chunk->owner = w->owner;
	chunk->own_next = unit;
	if (last) {
		struct memory_chunk *before = memory_unit(w->memory, last);

		chunk->own_next = before->own_next;
		before->own_next = unit;
	}
	__atomic_store_n(&chunk->kind, kind, __ATOMIC_RELEASE);
	return unit;
}

/* `use` may be odd already, if a thread ended in the middle of a change. */
static inline void start_change(struct memory_chunk *chunk)
{
	__atomic_store_n(&chunk->use, (chunk->use + 1) | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void end_change(struct memory_chunk *chunk)
{
	__atomic_store_n(&chunk->use, chunk->use + 1, __ATOMIC_RELEASE);
}

/* Takes a chunk into use for a recorder. Returns its unit; 0: no room. */
static uint32_t take_chunk(const struct memory_writer *w, enum memory_kind kind, uint32_t slot,
			   uint32_t generation)
{
	uint32_t *last = &w->thread->level[w->owner & 3].last[kind];
	uint32_t unit = *last ? find_reusable(w->memory, *last, REUSE_STEPS) : 0;
	struct memory_chunk *chunk;

	if (unlikely(!unit)) {
		unit = new_chunk(w, kind, *last);
		if (!unit && *last)
			unit = find_reusable(w->memory, *last, REUSE_STEPS_MAX);
		if (!unit)
			return 0;
	}
	*last = unit;
	chunk = memory_unit(w->memory, unit);
	start_change(chunk);
	chunk->slot = slot;
	chunk->generation = generation;
	chunk->tid = w->thread->tid;
	chunk->used = 0;
	chunk->count = 0;
	__atomic_store_n(&chunk->next, (uint64_t)generation << 32, __ATOMIC_RELAXED);
	chunk->tails = 0;
	chunk->lost = 0;
	end_change(chunk);
	return unit;
}

void memory_open_strand(const struct memory_writer *w, uint32_t slot, uint32_t generation)
{
	struct memory_slot *to = memory_slot(w->memory, slot);

	to->context = 0;
	to->strand = w->thread ? take_chunk(w, MEMORY_HEAD, slot, generation) : 0;
}

/* Chains a strand behind the opener's, unless that belongs to a later recorder by now. */
static bool chain(struct memory_header *memory, uint32_t unit, uint32_t slot, uint32_t generation)
{
	uint32_t head = __atomic_load_n(&memory_slot(memory, slot)->strand, __ATOMIC_ACQUIRE);
	struct memory_chunk *chunk = memory_unit(memory, unit), *first;
	uint64_t next;

	if (!head || head == unit)
		return false;
	first = memory_unit(memory, head);
	next = __atomic_load_n(&first->next, __ATOMIC_RELAXED);
	do {
		if (next >> 32 != generation)
			return false;
		__atomic_store_n(&chunk->next, next, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&first->next, &next,
					      (uint64_t)generation << 32 | unit, true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return true;
}

/* The strand of a thread or level that did not open the recorder, made if it has none yet. */
static __attribute__((noinline)) struct memory_chunk *
other_strand(const struct memory_writer *w, uint32_t slot, uint32_t generation)
{
	uint32_t unit = __atomic_load_n(&memory_slot(w->memory, slot)->strand, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; unit && i < MEMORY_STRANDS_MAX; i++) {
		struct memory_chunk *chunk = memory_unit(w->memory, unit);
		uint64_t next = __atomic_load_n(&chunk->next, __ATOMIC_ACQUIRE);

		/* This recorder was closed, and its chunks are in use for another one. */
		if (!is_chunk_of(chunk, slot, generation) || next >> 32 != generation)
			return NULL;
		if (chunk->owner == w->owner)
			return chunk;
		unit = (uint32_t)next;
	}
	unit = take_chunk(w, MEMORY_HEAD, slot, generation);
	if (!unit || !chain(w->memory, unit, slot, generation))
		return NULL;
	return memory_unit(w->memory, unit);
}

static inline void place_in(struct memory_place *place, struct memory_chunk *chunk, uint32_t size)
{
	uint32_t used = chunk->used;

	place->chunk = chunk;
	place->entry = (struct memory_entry *)(chunk->data + used);
	place->room = size - used > sizeof(*place->entry)
			      ? size - used - (uint32_t)sizeof(*place->entry)
			      : 0;
}

bool memory_place(const struct memory_writer *w, uint32_t slot, uint64_t id,
		  struct memory_place *place)
{
	struct memory_header *memory = w->memory;
	struct memory_chunk *strand;
	uint32_t generation, unit;

	/* If it is closed, this thread may have reused its chunks for other recorders. */
	if (unlikely(!find_open(memory, slot, id, &generation)))
		return false;
	unit = __atomic_load_n(&memory_slot(memory, slot)->strand, __ATOMIC_RELAXED);
	strand = unit ? memory_unit(memory, unit) : NULL;
	if (unlikely(!strand || strand->owner != w->owner ||
		     !is_chunk_of(strand, slot, generation)))
		strand = w->thread ? other_strand(w, slot, generation) : NULL;
	if (unlikely(!strand)) {
		__atomic_fetch_add(&memory->lost_entries, 1, __ATOMIC_RELAXED);
		return false;
	}
	place->strand = strand;
	if (likely(!strand->tails))
		place_in(place, strand, MEMORY_HEAD_DATA);
	else
		place_in(place,
			 memory_unit(memory, strand->tail[(strand->tails - 1) % MEMORY_TAILS]),
			 MEMORY_TAIL_DATA);
	if (unlikely(!place->room))
		return memory_place_again(w, place);
	place->entry->ticks = memory_ticks(memory);
	return true;
}

/* Takes a new tail chunk, or empties the oldest if the strand has as many as it may. */
static struct memory_chunk *next_tail(const struct memory_writer *w, struct memory_chunk *strand)
{
	uint32_t k = strand->tails % MEMORY_TAILS, before = strand->count;
	struct memory_chunk *chunk;

	if (strand->tails) {
		chunk = memory_unit(w->memory, strand->tail[(strand->tails - 1) % MEMORY_TAILS]);
		before = chunk->before + chunk->count;
	}
	if (strand->tails < MEMORY_TAILS) {
		strand->tail[k] = take_chunk(w, MEMORY_TAIL, strand->slot, strand->generation);
		if (!strand->tail[k])
			return NULL;
	}
	chunk = memory_unit(w->memory, strand->tail[k]);
	start_change(chunk);
	chunk->used = 0;
	chunk->count = 0;
	chunk->number = strand->tails;
	chunk->before = before;
	end_change(chunk);
	__atomic_store_n(&strand->tails, strand->tails + 1, __ATOMIC_RELEASE);
	return chunk;
}

bool memory_place_again(const struct memory_writer *w, struct memory_place *place)
{
	struct memory_chunk *chunk = next_tail(w, place->strand);

	if (!chunk) {
		place->strand->lost++;
		return false;
	}
	place_in(place, chunk, MEMORY_TAIL_DATA);
	place->entry->ticks = memory_ticks(w->memory);
	return true;
}

void memory_commit(const struct memory_writer *w, struct memory_place *place, uint32_t size)
{
	struct memory_chunk *chunk = place->chunk;

	place->entry->size = (uint16_t)size;
	chunk->count++;
	w->thread->level[w->owner & 3].entries++;
	__atomic_store_n(&chunk->used, chunk->used + (uint32_t)MEMORY_ENTRY_BYTES(size),
			 __ATOMIC_RELEASE);
}

/* ---- context ---- */

void memory_set_context(const struct memory_writer *w, uint32_t slot, uint64_t id, const void *data,
			uint32_t size)
{
	struct memory_slot *to = memory_slot(w->memory, slot);
	struct memory_chunk *chunk;
	uint32_t unit, generation;

	if (!w->thread || size > MEMORY_HEAD_DATA || !find_open(w->memory, slot, id, &generation))
		return;
	unit = __atomic_load_n(&to->context, __ATOMIC_RELAXED);
	chunk = unit ? memory_unit(w->memory, unit) : NULL;
	if (!chunk || chunk->owner != w->owner || !is_chunk_of(chunk, slot, generation))
		unit = take_chunk(w, MEMORY_CONTEXT, slot, generation);
	if (!unit)
		return;
	chunk = memory_unit(w->memory, unit);
	start_change(chunk);
	memcpy(chunk->data, data, size);
	chunk->used = size;
	end_change(chunk);
	__atomic_store_n(&to->context, unit, __ATOMIC_RELEASE);
}
