/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes this process's memory log; format/memory_log.h describes its layout and who writes what.
 *
 * Everything here is async-signal-safe, takes no lock and allocates nothing but the region itself.
 * Only memory_create() and memory_writer_for(), the latter once a thread, make system calls.
 */
#ifndef FLIGHTREC_LIB_MEMORY_H
#define FLIGHTREC_LIB_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/memory_log.h"
#include "lib/ticks.h"

/*
 * The region's size in bytes unless FLIGHTREC_MEMORY says otherwise: room for 131,072 open
 * recorders. This is address space; physical memory is taken only for the greatest number of
 * recorders ever open at once, and what they logged.
 */
#define MEMORY_DEFAULT (64u << 20)
#define MEMORY_MIN (256u << 10)

/*
 * Creates the log of process instance @instance. @setting is the value of FLIGHTREC_MEMORY, or
 * NULL. Where memory is limited the log is made smaller. Returns NULL if the setting is 0, or not
 * even MEMORY_MIN bytes are to be had.
 */
struct memory_header *memory_create(uint64_t instance, const char *setting);
void memory_destroy(struct memory_header *memory);
/* Whether there would be one by @setting. */
bool memory_wanted(const char *setting);

static inline struct memory_slot *memory_slot(struct memory_header *memory, uint32_t slot)
{
	return (struct memory_slot *)((char *)memory + memory->slots_at) + slot;
}

static inline void *memory_unit(struct memory_header *memory, uint32_t unit)
{
	return (char *)memory + memory->units_at + (uint64_t)unit * MEMORY_UNIT;
}

static inline uint64_t memory_ticks(const struct memory_header *memory)
{
	return ticks_now(memory->clock == MEMORY_CLOCK_COUNTER);
}

/* So many ticks, in nanoseconds, within a few percent. */
static inline uint64_t memory_scaled(const struct memory_header *memory, uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * memory->scale >> 32);
}

/* Notes what time it is on each clock. Cheap unless the last note is old. */
void memory_renew_clocks(struct memory_header *memory, uint64_t now_ticks);

/* Gives out @count units in a row, zeroed. Returns the number of the first, or 0: no room. */
uint32_t memory_take_units(struct memory_header *memory, uint32_t count);

/* Who writes: a thread, at one level of signal handlers, by one copy of the library. */
struct memory_writer {
	struct memory_header *memory;
	struct memory_thread *thread; /* NULL: there is no room for it; its entries are lost */
	uint32_t owner;               /* as in struct memory_chunk */
};

/*
 * The writer of the thread with kernel id @tid, at level 0: with a record of its own, or one whose
 * thread has ended. @copy tells apart copies of the library that write to this log; 0: the one
 * whose log it is.
 */
struct memory_writer memory_writer_for(struct memory_header *memory, uint32_t tid, uint32_t copy);

/* ---- recorders ---- */

/*
 * Opens recorder @id in @slot, which belongs to the caller. Returns false if there is no such slot.
 * Whoever reads the clock after it, and finds a time before that of a reader's look, was seen by
 * that look.
 */
bool memory_open(const struct memory_writer *writer, uint32_t slot, uint64_t id,
		 const flightrec *rec);
/*
 * Closes it; to be called before anybody else can get the slot. With @watched, one that is late or
 * that a replay was asked of becomes MEMORY_LATE: then it returns true, and the slot is to be left
 * alone for a while, until memory_keep() gives it back.
 */
bool memory_close(struct memory_header *memory, uint32_t slot, uint64_t id, bool watched);
/* Leaves @slot alone. Returns a slot that was left alone for long enough, and can be used; or -1.
 */
int64_t memory_keep(struct memory_header *memory, uint32_t slot);
/* A replay of it is asked for. */
void memory_tell(struct memory_header *memory, uint32_t slot, uint64_t id);
/* What all threads opened and logged so far. */
void memory_count(struct memory_header *memory, uint64_t *opened, uint64_t *entries);
/* Its timeout is @timeout_ns from now. */
void memory_extend(struct memory_header *memory, uint32_t slot, uint64_t id, uint64_t timeout_ns);
/* Copies its packed context. */
void memory_set_context(const struct memory_writer *writer, uint32_t slot, uint64_t id,
			const void *data, uint32_t size);

/* Gives a slot that is being opened the strand of its opener; none if there is no room. */
void memory_open_strand(const struct memory_writer *writer, uint32_t slot, uint32_t generation);

/* ---- entries ---- */

/* Where an entry goes. */
struct memory_place {
	struct memory_chunk *strand;
	struct memory_chunk *chunk;
	struct memory_entry *entry;
	uint32_t room; /* bytes for its data */
};

/*
 * Finds the place for the next entry of recorder @id in @slot. Returns false if the recorder is not
 * open, or there is no room; then the entry is counted as lost. Readers see nothing of the entry
 * before memory_commit().
 */
bool memory_place(const struct memory_writer *writer, uint32_t slot, uint64_t id,
		  struct memory_place *place);
/* The entry does not fit: moves on to an empty chunk. False: there is none, the entry is lost. */
bool memory_place_again(const struct memory_writer *writer, struct memory_place *place);
/* The entry's data is packed: publishes it. */
void memory_commit(const struct memory_writer *writer, struct memory_place *place, uint32_t size);

/* A call site's place in the log; its texts are copied at its first pass. 0: no room. */
uint32_t memory_site_at(struct memory_header *memory, const struct flightrec_site *site);

#endif /* FLIGHTREC_LIB_MEMORY_H */
