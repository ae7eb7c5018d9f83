// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/memory_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"

#define SLOTS_AT_ONCE 256
/* How often a strand is read again if it changes while being read. */
#define TRIES 8

#define TAIL_BYTES (MEMORY_UNIT * MEMORY_TAIL_UNITS)

static bool is_sound(const struct memory_header *h)
{
	uint64_t slots_end = h->slots_at + (uint64_t)h->slots * sizeof(struct memory_slot);

	return memcmp(h->magic, MEMORY_MAGIC, sizeof(h->magic)) == 0 &&
	       h->version == MEMORY_VERSION && h->header_size >= sizeof(*h) &&
	       h->clock <= MEMORY_CLOCK_COUNTER && h->size <= 1ull << 40 &&
	       h->slots_at >= h->header_size && h->slots_at < h->size && slots_end <= h->units_at &&
	       h->slots <= MEMORY_SLOTS_MAX && h->units_at <= h->size &&
	       (uint64_t)h->units * MEMORY_UNIT <= h->size - h->units_at;
}

int memory_log_open(struct memory_log *log, memory_log_read_fn read, void *arg)
{
	int err;

	*log = (struct memory_log){.read = read, .arg = arg};
	err = read(arg, 0, &log->header, sizeof(log->header));
	if (err)
		return err;
	return is_sound(&log->header) ? 0 : -EBADMSG;
}

/* Terminates names, whatever is in them. */
static int read_slots(struct memory_log *log, uint32_t first, uint32_t count,
		      struct memory_slot *to)
{
	int err = log->read(log->arg, log->header.slots_at + (uint64_t)first * sizeof(*to), to,
			    count * sizeof(*to));

	for (uint32_t i = 0; !err && i < count; i++)
		to[i].name[sizeof(to[i].name) - 1] = '\0';
	return err;
}

int memory_log_slot(struct memory_log *log, uint32_t slot, struct memory_slot *copy)
{
	return slot < log->header.slots ? read_slots(log, slot, 1, copy) : -ENOENT;
}

int memory_log_read_slots(struct memory_log *log, uint32_t first, uint32_t count,
			  struct memory_slot *to)
{
	uint32_t used = 0;
	int err = log->read(log->arg, offsetof(struct memory_header, slots_used), &used,
			    sizeof(used));

	if (err < 0)
		return err;
	if (used > log->header.slots)
		used = log->header.slots;
	if (first >= used)
		return 0;
	if (count > used - first)
		count = used - first;
	err = read_slots(log, first, count, to);
	return err < 0 ? err : (int)count;
}

uint64_t memory_log_armed(struct memory_log *log)
{
	uint64_t armed_ns = 0;

	if (log->read(log->arg, offsetof(struct memory_header, armed_ns), &armed_ns,
		      sizeof(armed_ns)))
		return 0;
	return armed_ns;
}

int memory_log_slots(struct memory_log *log, bool closed,
		     int (*fn)(void *arg, uint32_t slot, const struct memory_slot *copy), void *arg)
{
	struct memory_slot slots[SLOTS_AT_ONCE];
	uint32_t at = 0;
	int n = 0, err = 0;

	while (!err && (n = memory_log_read_slots(log, at, SLOTS_AT_ONCE, slots)) > 0) {
		for (int i = 0; !err && i < n; i++, at++) {
			unsigned int state = MEMORY_WORD_STATE(slots[i].word);
			bool was_open =
				state == MEMORY_LATE ||
				(state == MEMORY_FREE && MEMORY_WORD_GENERATION(slots[i].word));

			if (state == MEMORY_OPEN || (closed && was_open))
				err = fn(arg, at, &slots[i]);
		}
	}
	return err ? err : n;
}

/* ---- one recorder ---- */

/* The state of reading a recorder. */
struct reading {
	struct memory_log *log;
	struct memory_recording *to;
	uint32_t slot;
	uint32_t generation;
	size_t limit;
};

/* The parts of a strand: copies of chunks with their data. */
struct strand {
	unsigned int tails; /* how many could be read, oldest first */
	union {
		struct memory_chunk chunk;
		unsigned char bytes[TAIL_BYTES];
	} tail[MEMORY_TAILS];
	union {
		struct memory_chunk chunk;
		unsigned char bytes[MEMORY_UNIT];
	} head;
};

static bool is_unit(const struct memory_log *log, uint32_t unit, uint32_t count)
{
	return unit && count <= log->header.units && unit <= log->header.units - count;
}

/*
 * Copies a chunk: its header, then all of it, then the header's `use` again. A large copy is not
 * made in order, and `used` must not be newer than the data. @torn: it changed meanwhile.
 */
static int copy_unit(struct memory_log *log, uint32_t unit, struct memory_chunk *chunk, size_t size,
		     bool *torn)
{
	uint64_t at = log->header.units_at + (uint64_t)unit * MEMORY_UNIT;
	struct memory_chunk before;
	uint32_t use;
	int err = log->read(log->arg, at, &before, sizeof(before));

	err = err ? err : log->read(log->arg, at, chunk, size);
	err = err ? err
		  : log->read(log->arg, at + offsetof(struct memory_chunk, use), &use, sizeof(use));
	if (err)
		return err;
	memcpy(chunk, &before, sizeof(before));
	*torn = use & 1 || use != before.use;
	return 0;
}

/*
 * Copies a chunk of this recorder. Returns 0; -EAGAIN if it changed meanwhile; -ENOENT if it is not
 * what it was said to be.
 */
static int copy_chunk(struct reading *r, enum memory_kind kind, uint32_t unit,
		      struct memory_chunk *chunk)
{
	bool tail = kind == MEMORY_TAIL, torn;
	int err;

	if (!is_unit(r->log, unit, tail ? MEMORY_TAIL_UNITS : 1))
		return -ENOENT;
	err = copy_unit(r->log, unit, chunk, tail ? TAIL_BYTES : MEMORY_UNIT, &torn);
	if (err)
		return err;
	if (chunk->kind != kind)
		return -ENOENT;
	if (torn)
		return -EAGAIN;
	if (chunk->slot != r->slot || chunk->generation != r->generation ||
	    chunk->used > (tail ? MEMORY_TAIL_DATA : MEMORY_HEAD_DATA))
		return -ENOENT;
	return 0;
}

/* Copies a strand's head and tails. Returns 0; or -EAGAIN if parts of it were reused meanwhile. */
static int copy_strand(struct reading *r, uint32_t unit, struct strand *strand)
{
	struct memory_chunk *head = &strand->head.chunk;
	int err = copy_chunk(r, MEMORY_HEAD, unit, head), result = 0;
	uint32_t first;

	strand->tails = 0;
	if (err)
		return err;
	first = head->tails > MEMORY_TAILS ? head->tails - MEMORY_TAILS : 0;
	for (uint32_t k = first; k < head->tails; k++) {
		struct memory_chunk *tail = &strand->tail[strand->tails].chunk;

		err = copy_chunk(r, MEMORY_TAIL, head->tail[k % MEMORY_TAILS], tail);
		if (err == 0 && tail->owner == head->owner && tail->number == k)
			strand->tails++;
		else if (err == -EAGAIN || (err == 0 && tail->number > k))
			result = -EAGAIN;
		else if (err && err != -ENOENT)
			return err;
	}
	return result;
}

static int add_record(struct reading *r, const struct memory_entry *entry,
		      const unsigned char *data, uint32_t tid)
{
	struct memory_recording *to = r->to;

	if (array_reserve(to->record, to->record_room, to->n + 1) ||
	    array_reserve(to->bytes, to->bytes_room, to->bytes_used + entry->size))
		return -ENOMEM;
	to->record[to->n] = (struct memory_record){.ticks = entry->ticks,
						   .order = to->n,
						   .tid = tid,
						   .site = entry->site,
						   .size = entry->size,
						   .severity_flags = entry->severity_flags,
						   .data = (uint32_t)to->bytes_used};
	to->n++;
	if (entry->size)
		memcpy(to->bytes + to->bytes_used, data, entry->size);
	to->bytes_used += entry->size;
	return 0;
}

/* Takes the entries of a chunk. Returns how many, or -ENOMEM. */
static int64_t take_entries(struct reading *r, const struct memory_chunk *chunk, uint32_t tid)
{
	struct memory_entry entry;
	uint32_t at = 0;
	int64_t n = 0;

	while (chunk->used - at >= sizeof(entry)) {
		memcpy(&entry, chunk->data + at, sizeof(entry));
		if (entry.size > FLIGHTREC_ENTRY_MAX ||
		    MEMORY_ENTRY_BYTES(entry.size) > chunk->used - at)
			break;
		if (r->to->bytes_used + entry.size + (r->to->n + 1) * sizeof(*r->to->record) >
		    r->limit)
			break;
		if (add_record(r, &entry, chunk->data + at + sizeof(entry), tid))
			return -ENOMEM;
		at += (uint32_t)MEMORY_ENTRY_BYTES(entry.size);
		n++;
	}
	return n;
}

/* Counts entries that are gone. The gap is before the entry at @ticks, the first one after them. */
static void note_gap(struct reading *r, uint64_t gone, uint64_t *gap_ticks, uint64_t ticks)
{
	if (!gone)
		return;
	r->to->gap += gone;
	if (ticks < *gap_ticks)
		*gap_ticks = ticks;
}

static int take_strand(struct reading *r, const struct strand *strand, uint64_t *gap_ticks)
{
	const struct memory_chunk *head = &strand->head.chunk;
	uint64_t expected = head->count, got, before;
	int64_t n = take_entries(r, head, head->tid);

	if (n < 0)
		return (int)n;
	got = (uint64_t)n;
	for (unsigned int i = 0; i < strand->tails; i++) {
		const struct memory_chunk *tail = &strand->tail[i].chunk;
		size_t first = r->to->n;

		n = take_entries(r, tail, head->tid);
		if (n < 0)
			return (int)n;
		before = tail->before;
		/* An impossible count is a lie; treat it as if nothing were gone. */
		if (before >= got && before - got < 1ull << 32 && n)
			note_gap(r, before - got, gap_ticks, r->to->record[first].ticks);
		got = (before > got ? before : got) + (uint64_t)n;
		expected = (uint64_t)tail->before + tail->count;
	}
	if (expected > got)
		note_gap(r, expected - got, gap_ticks, UINT64_MAX);
	note_gap(r, head->lost, gap_ticks, UINT64_MAX);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct memory_record *x = a, *y = b;

	if (x->ticks != y->ticks)
		return x->ticks < y->ticks ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void put_in_order(struct memory_recording *to, uint64_t gap_ticks)
{
	if (to->n)
		qsort(to->record, to->n, sizeof(*to->record), by_time);
	to->gap_at = to->n;
	for (size_t i = to->n; i-- > 0 && to->record[i].ticks >= gap_ticks;)
		to->gap_at = i;
	to->total = to->n + to->gap;
}

/* Takes one strand. *@next is the unit of the strand behind it, or 0. */
static int take_next(struct reading *r, uint32_t unit, struct strand *strand, uint64_t *gap_ticks,
		     uint32_t *next)
{
	uint64_t link;
	int err = 0;

	*next = 0;
	for (int i = 0; i < TRIES; i++) {
		err = copy_strand(r, unit, strand);
		if (err != -EAGAIN)
			break;
	}
	/*
	 * If it is no longer ours the chain ends here; if it never kept still, what was copied is
	 * used.
	 */
	if (err == -ENOENT || (err == -EAGAIN && strand->head.chunk.use & 1))
		return 0;
	if (err && err != -EAGAIN)
		return err;
	link = strand->head.chunk.next;
	if (link >> 32 == r->generation)
		*next = (uint32_t)link;
	return take_strand(r, strand, gap_ticks);
}

/*
 * Takes all strands of a chain. A chain that leads back to itself is a lie, and must not cost more
 * than an honest one.
 */
static int take_strands(struct reading *r, uint32_t unit, uint64_t *gap_ticks)
{
	struct strand *strand = malloc(sizeof(*strand));
	int err = strand ? 0 : -ENOMEM;
	uint32_t seen = 0;

	for (unsigned int steps = 0; !err && unit && unit != seen && steps < MEMORY_STRANDS_MAX;
	     steps++) {
		/*
		 * Remember a unit at each power of two steps: so a circle of any length is noticed.
		 */
		if (!(steps & (steps - 1)))
			seen = unit;
		err = take_next(r, unit, strand, gap_ticks, &unit);
	}
	free(strand);
	return err;
}

static void take_context(struct reading *r, uint32_t unit)
{
	union {
		struct memory_chunk chunk;
		unsigned char bytes[MEMORY_UNIT];
	} copy;

	for (int i = 0; i < TRIES; i++) {
		int err = copy_chunk(r, MEMORY_CONTEXT, unit, &copy.chunk);

		if (err == -EAGAIN)
			continue;
		if (err || copy.chunk.used > sizeof(r->to->context))
			return;
		memcpy(r->to->context, copy.chunk.data, copy.chunk.used);
		r->to->context_size = copy.chunk.used;
		return;
	}
}

int memory_log_recording(struct memory_log *log, uint32_t slot, const struct memory_slot *copy,
			 size_t limit, struct memory_recording *to)
{
	uint64_t generation = MEMORY_WORD_GENERATION(copy->word), gap_ticks = UINT64_MAX;
	struct reading reading = {log, to, slot, (uint32_t)generation, limit};
	struct memory_slot now;
	int err;

	to->n = to->bytes_used = to->context_size = 0;
	to->gap = 0;
	err = take_strands(&reading, copy->strand, &gap_ticks);
	if (err)
		return err;
	take_context(&reading, copy->context);
	put_in_order(to, gap_ticks);
	err = read_slots(log, slot, 1, &now);
	if (err)
		return err;
	return MEMORY_WORD_GENERATION(now.word) == generation ? 0 : -ESTALE;
}

void memory_recording_free(struct memory_recording *recording)
{
	free(recording->record);
	free(recording->bytes);
	*recording = (struct memory_recording){0};
}

/* ---- call sites ---- */

int memory_log_site(struct memory_log *log, uint32_t at, struct memory_site_texts *to)
{
	uint64_t offset = (uint64_t)at * 8;
	struct memory_site site;
	struct {
		char *to;
		size_t size, max;
	} part[3];

	if (offset < log->header.units_at || offset > log->header.size - sizeof(site) ||
	    log->read(log->arg, offset, &site, sizeof(site)))
		return -ENOENT;
	part[0].to = to->format, part[0].size = site.format_size, part[0].max = MEMORY_FORMAT_MAX;
	part[1].to = to->file, part[1].size = site.file_size, part[1].max = MEMORY_FILE_MAX;
	part[2].to = to->function, part[2].size = site.function_size,
	part[2].max = MEMORY_FUNCTION_MAX;
	offset += sizeof(site);
	for (int i = 0; i < 3; i++) {
		if (!part[i].size || part[i].size > part[i].max ||
		    offset > log->header.size - part[i].size ||
		    log->read(log->arg, offset, part[i].to, part[i].size))
			return -ENOENT;
		part[i].to[part[i].size - 1] = '\0';
		offset += part[i].size;
	}
	to->line = site.line;
	return 0;
}
