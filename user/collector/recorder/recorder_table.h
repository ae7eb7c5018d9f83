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

/*
 * A recorder in the course of its life: entries gather; it is `reported`, and holds none any more;
 * it is `settled`, and dropped when its slot is released. `waiting` comes and goes before that.
 *
 *	received = entries held + dropped		until it is reported
 *	context is NULL if and only if context_size is 0
 */
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

/*
 * Both arrays are as long as there are slots, so that an entry costs one look and nothing can
 * overflow. by_slot[] owns what is held; list[] names the same slots, in no order, so that a sweep
 * costs what is held and not what could be:
 *
 *	by_slot[list[i]]->listed == i for each i below @listed, and the rest of by_slot[] is NULL
 *	budget.used is the sum over all buffers
 *
 * What is held may be of a recorder that closed in time long ago, or whose slot has another one
 * now: it counts only if its generation is that of the slot's word. It goes when the slot's next
 * recorder logs, or with a sweep.
 */
struct recorder_table {
	struct tracker *tracker; /* borrowed */
	struct held_recorder **by_slot;
	uint32_t *list;
	uint32_t listed;
	uint32_t sweep_at; /* value of @listed at which the next sweep is worth its while */
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
