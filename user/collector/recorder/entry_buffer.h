/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of an open recorder, in bounded memory: the first and the last are kept, those in the
 * middle are dropped and counted. Not thread-safe.
 */
#ifndef FLIGHTREC_ENTRY_BUFFER_H
#define FLIGHTREC_ENTRY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry_record;

/* Bytes kept of a recorder's first entries, and of its last. */
#define ENTRY_BUFFER_HEAD 16384
#define ENTRY_BUFFER_TAIL 49152

struct entry_chunk;

/*
 * Its chunks belong to it, and are paid for out of the budget. What holds between two calls
 * (entry_buffer_check()):
 *
 *   - *_bytes and *_entries are the sums of the chunks in that list, and *_last its last chunk;
 *   - head_bytes <= ENTRY_BUFFER_HEAD, tail_bytes <= ENTRY_BUFFER_TAIL;
 *   - head_entries + dropped + tail_entries is how many were added, and that is their order.
 */
struct entry_buffer {
	struct entry_chunk *head; /* the first entries; the last to be given up */
	struct entry_chunk *head_last;
	struct entry_chunk *tail; /* later ones, oldest first */
	struct entry_chunk *tail_last;
	size_t head_bytes;
	size_t tail_bytes;
	uint64_t head_entries;
	uint64_t tail_entries;
	uint64_t dropped;
};

/* Memory shared by all buffers: `used` is the sum of their entry_buffer_memory(). */
struct entry_budget {
	size_t used; /* never above @limit */
	size_t limit;
};

/*
 * Copies a record and its data. If there is no memory it is counted as dropped. A zeroed buffer is
 * empty.
 */
void entry_buffer_add(struct entry_buffer *buffer, struct entry_budget *budget,
		      const struct entry_record *record);

/*
 * Calls @fn for each kept entry, in the order they were added. @head: it is one of the first ones.
 */
void entry_buffer_each(const struct entry_buffer *buffer,
		       void (*fn)(void *arg, const struct entry_record *record, bool head),
		       void *arg);

/* How many bytes of the budget it uses. */
size_t entry_buffer_memory(const struct entry_buffer *buffer);
/* Returns what is wrong with it, or NULL. */
const char *entry_buffer_check(const struct entry_buffer *buffer);

/* Empties it; it can be used again. */
void entry_buffer_clear(struct entry_buffer *buffer, struct entry_budget *budget);

#endif /* FLIGHTREC_ENTRY_BUFFER_H */
