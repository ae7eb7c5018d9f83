/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of one open recorder, in bounded memory: the first and the last are kept, the
 * middle gives way and is counted. Not thread-safe.
 */
#ifndef FLIGHTREC_ENTRY_BUFFER_H
#define FLIGHTREC_ENTRY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry_record;

/* Bytes kept of a recorder: of its first entries, and of its last ones. */
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
	struct entry_chunk *head; /* the first entries; given up last */
	struct entry_chunk *head_last;
	struct entry_chunk *tail; /* the later ones, the oldest first */
	struct entry_chunk *tail_last;
	size_t head_bytes;
	size_t tail_bytes;
	uint64_t head_entries;
	uint64_t tail_entries;
	uint64_t dropped;
};

/* Memory that all buffers of a collector share: `used` is the sum of entry_buffer_memory(). */
struct entry_budget {
	size_t used; /* never above @limit */
	size_t limit;
};

/* Zeroed: empty. Copies the record and its data. Beyond the budget it is counted as dropped. */
void entry_buffer_add(struct entry_buffer *buffer, struct entry_budget *budget,
		      const struct entry_record *record);

/* Calls @fn for each entry kept, in the order they were added; @head: one of the first. */
void entry_buffer_each(const struct entry_buffer *buffer,
		       void (*fn)(void *arg, const struct entry_record *record, bool head),
		       void *arg);

/* Bytes of the budget that it uses. */
size_t entry_buffer_memory(const struct entry_buffer *buffer);
/* What is wrong with it; NULL: nothing. */
const char *entry_buffer_check(const struct entry_buffer *buffer);

/* Empties it; it can be used again. */
void entry_buffer_clear(struct entry_buffer *buffer, struct entry_budget *budget);

#endif /* FLIGHTREC_ENTRY_BUFFER_H */
