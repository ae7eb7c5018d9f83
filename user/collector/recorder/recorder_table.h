/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the collector holds of open recorders: their entries, taken from the rings. A recorder that
 * closes in time is forgotten without any message: when the collector looks next, its slot's
 * generation has moved on. Not thread-safe.
 */
#ifndef FLIGHTREC_RECORDER_TABLE_H
#define FLIGHTREC_RECORDER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/recorder/entry_buffer.h"
#include "collector/kernel/tracker.h"

/*
 * During the life of a recorder entries gather; then it is `reported`, and holds no entries any
 * more; then it is `settled`, and dropped when its slot is released. `waiting` comes and goes
 * before that.
 *
 *	received = entries held + dropped		until it is reported
 *	context is NULL if and only if context_size is 0
 */
struct held_recorder {
	uint32_t generation;
	uint32_t listed; /* index in the table's list */
	bool reported;
	uint8_t waiting;           /* AGENDA_*: what to do when its last entries are here */
	bool settled;              /* everything is reported; its slot is about to be released */
	uint32_t replays;          /* requested by the program, and written */
	uint64_t started_ns;       /* CLOCK_REALTIME, as in its first report; 0: none yet */
	uint64_t received;         /* entries taken from the rings */
	uint64_t reported_lost;    /* entries lost before its report */
	uint64_t reported_entries; /* entries logged before its report */
	struct entry_buffer entries;
	uint16_t context_size;
	unsigned char *context; /* NULL for most */
};

/*
 * Both arrays have an element for each slot, so that an entry costs one access and nothing can
 * overflow. by_slot[] owns what is held. list[] names the same slots, in no particular order, so
 * that a sweep costs what is held rather than what could be:
 *
 *	by_slot[list[i]]->listed == i for each i below @listed, and the rest of by_slot[] is NULL
 *	budget.used is the sum over all buffers
 *
 * An element may be about a recorder that closed in time long ago, or whose slot has another one
 * now: it counts only if its generation equals that of the slot's word. It is dropped when the
 * slot's next recorder logs, or by a sweep.
 */
struct recorder_table {
	struct tracker *tracker; /* borrowed */
	struct held_recorder **by_slot;
	uint32_t *list;
	uint32_t listed;
	uint32_t sweep_at; /* value of @listed at which the next sweep is worthwhile */
	struct entry_budget budget;
};

/* @memory: bytes for the entries of all recorders. Returns 0 or -ENOMEM. */
int recorder_table_init(struct recorder_table *table, struct tracker *tracker, size_t memory);
void recorder_table_free(struct recorder_table *table);

/* What is held of the recorder with that generation; or NULL. */
struct held_recorder *recorder_table_find(const struct recorder_table *table, uint32_t slot,
					  uint32_t generation);
/*
 * The same, but created if there is nothing; what the slot held before is dropped. NULL if there is
 * no memory.
 */
struct held_recorder *recorder_table_get(struct recorder_table *table, uint32_t slot,
					 uint32_t generation);
/* Replaces the copy of a recorder's context. */
void held_recorder_set_context(struct held_recorder *held, const void *data, size_t size);

void recorder_table_drop(struct recorder_table *table, uint32_t slot);

/* Drops what is held of recorders that closed in time, if it may have become much. */
void recorder_table_sweep(struct recorder_table *table);

#endif /* FLIGHTREC_RECORDER_TABLE_H */
