/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the collector holds of open recorders: their entries, taken out of the rings. A recorder
 * that closes in time is forgotten without a message: its slot's generation has moved on when
 * the collector next looks. Not thread-safe.
 */
#ifndef FLIGHTREC_RECORDER_TABLE_H
#define FLIGHTREC_RECORDER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/recorder/entry_buffer.h"
#include "collector/kernel/tracker.h"

struct held_recorder {
	uint32_t generation;
	uint32_t listed; /* its place in the table's list */
	bool reported;
	uint8_t waiting;        /* AGENDA_*, for which its last entries are waited for */
	bool settled;           /* all is said of it; its slot is about to go back */
	uint32_t replays;       /* asked for by the program, and written */
	uint64_t started_ns;    /* CLOCK_REALTIME, as its first report has it; 0: none yet */
	uint64_t received;      /* entries taken out of the rings */
	uint64_t reported_lost; /* of these that were emitted before its report */
	struct entry_buffer entries;
	uint16_t context_size;
	unsigned char *context; /* or NULL: most have none */
};

struct recorder_table {
	struct tracker *tracker;
	struct held_recorder **by_slot;
	uint32_t *list; /* slots with something held */
	uint32_t listed;
	uint32_t sweep_at;
	struct entry_budget budget;
};

/* @memory: bytes for entries, of all recorders. Returns 0 or -ENOMEM. */
int recorder_table_init(struct recorder_table *table, struct tracker *tracker, size_t memory);
void recorder_table_free(struct recorder_table *table);

/* What is held of the recorder with that generation, or NULL. */
struct held_recorder *recorder_table_find(const struct recorder_table *table, uint32_t slot,
					  uint32_t generation);
/* Likewise, new if there is nothing; what the slot held before is dropped. NULL: no memory. */
struct held_recorder *recorder_table_get(struct recorder_table *table, uint32_t slot,
					 uint32_t generation);
/* Keeps a copy of a recorder's context, in place of what was there. */
void held_recorder_set_context(struct held_recorder *held, const void *data, size_t size);

void recorder_table_drop(struct recorder_table *table, uint32_t slot);

/* Drops what is held of recorders that closed in time, if enough may have gathered. */
void recorder_table_sweep(struct recorder_table *table);

#endif /* FLIGHTREC_RECORDER_TABLE_H */
