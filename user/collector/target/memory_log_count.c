// SPDX-License-Identifier: BSD-2-Clause
/* How much there is in a memory log, at a fraction of the cost of reading it. */
#include <errno.h>

#include "collector/target/memory_log.h"

/* More threads than this are not counted. */
#define THREADS_MAX 16384

static int read_unit(struct memory_log *log, uint32_t unit, void *to, size_t size)
{
	if (!unit || unit >= log->header.units)
		return -ENOENT;
	return log->read(log->arg, log->header.units_at + (uint64_t)unit * MEMORY_UNIT, to, size);
}

int memory_log_count(struct memory_log *log, uint64_t *opened, uint64_t *entries)
{
	struct memory_thread thread;
	uint32_t unit;
	int err = log->read(log->arg, offsetof(struct memory_header, threads), &unit, sizeof(unit));

	*opened = *entries = 0;
	for (unsigned int steps = 0; !err && unit && steps < THREADS_MAX; steps++) {
		err = read_unit(log, unit, &thread, sizeof(thread));
		if (err || thread.kind != MEMORY_THREAD)
			break;
		for (unsigned int i = 0; i < MEMORY_LEVELS; i++) {
			*opened += thread.level[i].opened;
			*entries += thread.level[i].entries;
		}
		unit = thread.next;
	}
	return err;
}

/* Adds what one strand has. *@next is the unit of the strand behind it, or 0. */
static int count_strand(struct memory_log *log, uint32_t unit, uint32_t generation, uint64_t *total,
			uint32_t *next)
{
	struct memory_chunk head, tail;
	int err = read_unit(log, unit, &head, sizeof(head));

	*next = 0;
	if (err || head.kind != MEMORY_HEAD || head.generation != generation)
		return err;
	if (head.next >> 32 == generation)
		*next = (uint32_t)head.next;
	*total += head.lost;
	if (!head.tails) {
		*total += head.count;
		return 0;
	}
	err = read_unit(log, head.tail[(head.tails - 1) % MEMORY_TAILS], &tail, sizeof(tail));
	if (err)
		return err;
	*total += (uint64_t)tail.before + tail.count;
	return 0;
}

int memory_log_entries(struct memory_log *log, const struct memory_slot *copy, uint64_t *total)
{
	uint32_t unit = copy->strand, generation = (uint32_t)MEMORY_WORD_GENERATION(copy->word);
	int err = 0;

	*total = 0;
	for (unsigned int steps = 0; !err && unit && steps < MEMORY_STRANDS_MAX; steps++)
		err = count_strand(log, unit, generation, total, &unit);
	return err;
}
