// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is kept of a recorder's entries before anyone knows whether they will be needed.
 *
 * How a hang began and where it is now say the most, so the first entries and the last are kept.
 * They are two lists of chunks, each a sequence of whole records in the order they came:
 *
 *	head	filled once, up to ENTRY_BUFFER_HEAD; complete when the first entry goes to the
 *		tail
 *	tail	the newest entries, up to ENTRY_BUFFER_TAIL; to make room, its oldest chunk is
 *		dropped as a whole
 *
 * What was dropped is counted, and all of it was between the head and the tail, so a replay shows
 * one gap. When the memory for all recorders is used up, a recorder that logs gives up entries of
 * its own: first its tail's oldest chunk, finally its head's newest. It never takes memory from
 * others, so a noisy recorder cannot cost a quiet one its entries.
 *
 * Why chunks rather than a ring of bytes for each? There may be a million recorders with two
 * entries each, and all but a few of them close in time: a chunk of 128 bytes is all that each
 * takes. Why drop whole chunks? Dropping single records would mean moving the others; and the gap
 * is at most 4 KiB wider than necessary.
 */
#include "collector/recorder/entry_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "collector/kernel/tracker.h"

/*
 * A recorder with few entries must be cheap, because there may be very many of them; one with many
 * entries should need few allocations. So each chunk is four times as large as the one before.
 */
#define CHUNK_FIRST 128
#define CHUNK_MAX 4096

struct entry_chunk {
	struct entry_chunk *next;
	uint32_t size; /* of data */
	uint32_t used;
	uint32_t entries;
	uint32_t reserved;
	unsigned char data[];
};

static size_t record_bytes(const struct entry_record *record)
{
	return (sizeof(*record) + record->size + 7) & ~(size_t)7;
}

static struct entry_chunk *new_chunk(struct entry_budget *budget, size_t size, size_t need)
{
	struct entry_chunk *chunk;

	if (size < need)
		size = need;
	if (budget->used + sizeof(*chunk) + size > budget->limit)
		return NULL;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	budget->used += sizeof(*chunk) + size;
	*chunk = (struct entry_chunk){.size = (uint32_t)size};
	return chunk;
}

static void free_chunk(struct entry_chunk *chunk, struct entry_budget *budget)
{
	budget->used -= sizeof(*chunk) + chunk->size;
	free(chunk);
}

static void drop_oldest(struct entry_buffer *buffer, struct entry_budget *budget)
{
	struct entry_chunk *chunk = buffer->tail;

	buffer->tail = chunk->next;
	if (!buffer->tail)
		buffer->tail_last = NULL;
	buffer->tail_bytes -= chunk->used;
	buffer->tail_entries -= chunk->entries;
	buffer->dropped += chunk->entries;
	free_chunk(chunk, budget);
}

static void drop_newest_of_head(struct entry_buffer *buffer, struct entry_budget *budget)
{
	struct entry_chunk **link = &buffer->head, *before = NULL, *chunk;

	while ((*link)->next) {
		before = *link;
		link = &(*link)->next;
	}
	chunk = *link;
	*link = NULL;
	buffer->head_last = before;
	buffer->head_bytes -= chunk->used;
	buffer->head_entries -= chunk->entries;
	buffer->dropped += chunk->entries;
	free_chunk(chunk, budget);
}

static void append(struct entry_chunk *chunk, const struct entry_record *record, size_t bytes)
{
	memcpy(chunk->data + chunk->used, record, sizeof(*record) + record->size);
	chunk->used += (uint32_t)bytes;
	chunk->entries++;
}

static struct entry_chunk *room(struct entry_chunk **first, struct entry_chunk **last,
				struct entry_budget *budget, size_t bytes, bool small)
{
	struct entry_chunk *chunk = *last;
	size_t size = small ? CHUNK_FIRST : CHUNK_MAX;

	if (chunk && chunk->size - chunk->used >= bytes)
		return chunk;
	if (chunk)
		size = chunk->size < CHUNK_MAX / 4 ? chunk->size * 4 : CHUNK_MAX;
	chunk = new_chunk(budget, size, bytes);
	if (!chunk)
		return NULL;
	if (*last)
		(*last)->next = chunk;
	else
		*first = chunk;
	*last = chunk;
	return chunk;
}

void entry_buffer_add(struct entry_buffer *buffer, struct entry_budget *budget,
		      const struct entry_record *record)
{
	size_t bytes = record_bytes(record);
	struct entry_chunk *chunk;

	if (!buffer->tail_entries && !buffer->dropped &&
	    buffer->head_bytes + bytes <= ENTRY_BUFFER_HEAD) {
		chunk = room(&buffer->head, &buffer->head_last, budget, bytes, true);
		if (chunk) {
			append(chunk, record, bytes);
			buffer->head_bytes += bytes;
			buffer->head_entries++;
			return;
		}
	}
	while (buffer->tail && buffer->tail_bytes + bytes > ENTRY_BUFFER_TAIL)
		drop_oldest(buffer, budget);
	chunk = room(&buffer->tail, &buffer->tail_last, budget, bytes, false);
	/* If memory is used up, this recorder's own older entries give way first, */
	while (!chunk && buffer->tail) {
		drop_oldest(buffer, budget);
		chunk = room(&buffer->tail, &buffer->tail_last, budget, bytes, false);
	}
	/*
	 * then the newest of its first ones: what it did last matters more than what it did at
	 * first.
	 */
	while (!chunk && buffer->head) {
		drop_newest_of_head(buffer, budget);
		chunk = room(&buffer->tail, &buffer->tail_last, budget, bytes, false);
	}
	if (!chunk) {
		buffer->dropped++;
		return;
	}
	append(chunk, record, bytes);
	buffer->tail_bytes += bytes;
	buffer->tail_entries++;
}

static void each_in(const struct entry_chunk *chunk, bool head,
		    void (*fn)(void *arg, const struct entry_record *record, bool head), void *arg)
{
	for (; chunk; chunk = chunk->next) {
		for (size_t at = 0; at < chunk->used;) {
			const struct entry_record *record = (const void *)(chunk->data + at);

			fn(arg, record, head);
			at += record_bytes(record);
		}
	}
}

void entry_buffer_each(const struct entry_buffer *buffer,
		       void (*fn)(void *arg, const struct entry_record *record, bool head),
		       void *arg)
{
	each_in(buffer->head, true, fn, arg);
	each_in(buffer->tail, false, fn, arg);
}

static size_t list_memory(const struct entry_chunk *chunk)
{
	size_t bytes = 0;

	for (; chunk; chunk = chunk->next)
		bytes += sizeof(*chunk) + chunk->size;
	return bytes;
}

size_t entry_buffer_memory(const struct entry_buffer *buffer)
{
	return list_memory(buffer->head) + list_memory(buffer->tail);
}

/* Whether a list of chunks ends at @last and holds what it should. */
static const char *check_list(const struct entry_chunk *chunk, const struct entry_chunk *last,
			      size_t bytes, uint64_t entries)
{
	const struct entry_chunk *before = NULL;

	for (; chunk; before = chunk, chunk = chunk->next) {
		uint32_t n = 0;
		size_t at = 0;

		if (chunk->used > chunk->size)
			return "a chunk of entries is fuller than full";
		for (; at < chunk->used; n++)
			at += record_bytes((const void *)(chunk->data + at));
		if (at != chunk->used || n != chunk->entries)
			return "a chunk does not hold the entries that it says";
		bytes -= chunk->used;
		entries -= n;
	}
	if (before != last)
		return "a list of chunks does not end where it says";
	return bytes || entries ? "a buffer does not hold the entries that it says" : NULL;
}

const char *entry_buffer_check(const struct entry_buffer *buffer)
{
	const char *wrong;

	if (buffer->head_bytes > ENTRY_BUFFER_HEAD || buffer->tail_bytes > ENTRY_BUFFER_TAIL)
		return "a buffer holds more than it may";
	wrong = check_list(buffer->head, buffer->head_last, buffer->head_bytes,
			   buffer->head_entries);
	return wrong ? wrong
		     : check_list(buffer->tail, buffer->tail_last, buffer->tail_bytes,
				  buffer->tail_entries);
}

static void free_list(struct entry_chunk *chunk, struct entry_budget *budget)
{
	while (chunk) {
		struct entry_chunk *next = chunk->next;

		free_chunk(chunk, budget);
		chunk = next;
	}
}

void entry_buffer_clear(struct entry_buffer *buffer, struct entry_budget *budget)
{
	free_list(buffer->head, budget);
	free_list(buffer->tail, budget);
	memset(buffer, 0, sizeof(*buffer));
}
