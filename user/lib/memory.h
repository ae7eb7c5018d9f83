/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes this process's memory log. format/memory_log.h describes its layout and who writes what.
 *
 * Everything here is async-signal-safe, takes no lock, and allocates nothing but the region itself.
 * Only memory_create() and memory_writer_for() make system calls, the latter once per thread.
 */
#ifndef FLIGHTREC_LIB_MEMORY_H
#define FLIGHTREC_LIB_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/memory_log.h"
#include "lib/ticks.h"

/*
 * The region's size in bytes unless FLIGHTREC_MEMORY says otherwise: room for 131,072 open
 * recorders. That is address space. Physical memory is used for as many recorders as were ever open
 * at once, and for what they logged.
 */
#define MEMORY_DEFAULT (64u << 20)
#define MEMORY_MIN (256u << 10)

/*
 * Creates the log of process instance @instance. @setting is the value of FLIGHTREC_MEMORY, or
 * NULL. If there is not enough memory, the log is made smaller. Returns NULL if the setting is 0 or
 * not even MEMORY_MIN bytes are available.
 */
struct memory_header *memory_create(uint64_t instance, const char *setting);
void memory_destroy(struct memory_header *memory);
/* Whether there is to be one at all. */
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

/* Converts a number of ticks to nanoseconds, to within a few percent. */
static inline uint64_t memory_scaled(const struct memory_header *memory, uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * memory->scale >> 32);
}

/* Notes the time on each clock if the last such note is old; otherwise cheap. */
void memory_renew_clocks(struct memory_header *memory, uint64_t now_ticks);

/* Gives out @count consecutive units, zeroed. Returns the number of the first; 0: no room. */
uint32_t memory_take_units(struct memory_header *memory, uint32_t count);

/* Who writes: a thread, at one level of signal handlers, by one copy of the library. */
struct memory_writer {
	struct memory_header *memory;
	struct memory_thread *thread; /* NULL: there was no room for one; its entries are lost */
	uint32_t owner;               /* as in struct memory_chunk */
};

/*
 * The writer of the thread with kernel id @tid, at level 0. It gets a new record, or that of a
 * thread which has ended. @copy tells copies of the library apart that write to this log; 0 is the
 * one whose log it is.
 */
struct memory_writer memory_writer_for(struct memory_header *memory, uint32_t tid, uint32_t copy);

/* ---- recorders ---- */

/*
 * Opens recorder @id in @slot, which belongs to the caller. Returns false if there is no such slot.
 * If the caller reads the clock afterwards, any look by a reader at a later time sees the recorder.
 */
bool memory_open(const struct memory_writer *writer, uint32_t slot, uint64_t id,
		 const flightrec *rec);
/*
 * Closes it, before anybody else can get the slot. With @watched, a recorder that is late, or whose
 * replay was asked for, becomes MEMORY_LATE. Then this returns true, and the slot must not be used
 * until memory_keep() gives it back.
 */
bool memory_close(struct memory_header *memory, uint32_t slot, uint64_t id, bool watched);
/* Keeps @slot as it is for a while. Returns one that was kept long enough to be used, or -1. */
int64_t memory_keep(struct memory_header *memory, uint32_t slot);
/* Notes that a replay of it was asked for. */
void memory_tell(struct memory_header *memory, uint32_t slot, uint64_t id);
/* Counts what all threads opened and logged so far. */
void memory_count(struct memory_header *memory, uint64_t *opened, uint64_t *entries);
/* It now times out @timeout_ns from now. */
void memory_extend(struct memory_header *memory, uint32_t slot, uint64_t id, uint64_t timeout_ns);
/* Copies its packed context. */
void memory_set_context(const struct memory_writer *writer, uint32_t slot, uint64_t id,
			const void *data, uint32_t size);

/* Gives a slot that is being opened the strand of its opener, or none if there is no room. */
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
/* If the entry does not fit: moves on to an empty chunk. False: there is none, it is lost. */
bool memory_place_again(const struct memory_writer *writer, struct memory_place *place);
/* Publishes the entry, whose data is packed. */
void memory_commit(const struct memory_writer *writer, struct memory_place *place, uint32_t size);

/* A call site's place in the log. Its texts are copied the first time. 0: no room. */
uint32_t memory_site_at(struct memory_header *memory, const struct flightrec_site *site);

#endif /* FLIGHTREC_LIB_MEMORY_H */
