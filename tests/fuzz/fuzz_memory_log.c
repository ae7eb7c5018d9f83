// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/memory_log.c */
/*
 * A process's memory log. A byte for how it is read, then the region; what its header says to be
 * behind the end of the input is zero, as in a mapping of which hardly a page was ever touched.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/target/memory_log.h"
#include "fuzz.h"

#define RECORDING_MAX 65536

/* What is taken for a recorder is in proportion to its chunks. The table of slots counts apart. */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {3000000000, 20000},
	.allocated = {1 << 20, 2048},
	.taken = {65536, 512},
};

/* Each is looked at once, and again when its recorder was read. */
#define TABLE_MAX ((uint64_t)MEMORY_SLOTS_MAX * sizeof(struct memory_slot) + 65536)

struct region {
	const uint8_t *data;
	size_t size;
	uint64_t units_at;
	uint64_t table; /* bytes taken of the slots */
};

struct visit {
	struct memory_log *log;
	struct memory_recording recording;
};

static int read_region(void *arg, uint64_t offset, void *to, size_t size)
{
	struct region *region = arg;
	size_t there = 0;

	if (offset < region->units_at)
		region->table += size;
	else
		fuzz_take(size + 64);
	if (offset >= 1ull << 40 || size > 1ull << 20)
		return -EFAULT;
	if (offset < region->size) {
		there = region->size - (size_t)offset;
		there = there < size ? there : size;
		memcpy(to, region->data + offset, there);
	}
	memset((char *)to + there, 0, size - there);
	return 0;
}

static void check_recording(struct memory_log *log, const struct memory_recording *recording)
{
	static struct memory_site_texts texts;
	uint64_t last = 0;

	fuzz_check(recording->bytes_used <= RECORDING_MAX);
	fuzz_check(recording->context_size <= sizeof(recording->context));
	fuzz_check(recording->gap_at <= recording->n);
	fuzz_check(recording->total == recording->n + recording->gap);
	for (size_t i = 0; i < recording->n; i++) {
		const struct memory_record *record = &recording->record[i];

		fuzz_check((uint64_t)record->data + record->size <= recording->bytes_used);
		fuzz_check(record->ticks >= last);
		last = record->ticks;
		/* A reader keeps the sites that it has seen: one look for each recorder here. */
		if (i == 0 && memory_log_site(log, record->site, &texts) == 0)
			fuzz_check(strlen(texts.format) < sizeof(texts.format) &&
				   strlen(texts.file) < sizeof(texts.file) &&
				   strlen(texts.function) < sizeof(texts.function));
	}
}

static int visit_slot(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	struct visit *visit = arg;

	fuzz_check(strnlen(copy->name, sizeof(copy->name)) < sizeof(copy->name));
	if (memory_log_recording(visit->log, slot, copy, RECORDING_MAX, &visit->recording) == 0)
		check_recording(visit->log, &visit->recording);
	return 0;
}

void fuzz_one(const uint8_t *data, size_t size)
{
	bool closed = fuzz_byte(&data, &size) & 1;
	struct region region = {.data = data, .size = size};
	struct visit visit = {0};
	struct memory_log log;

	if (memory_log_open(&log, read_region, &region))
		return;
	visit.log = &log;
	region.units_at = log.header.units_at;
	memory_log_slots(&log, closed, visit_slot, &visit);
	fuzz_check(region.table <= TABLE_MAX + 2 * size);
	memory_recording_free(&visit.recording);
}

/* ---- seeds ---- */

#define SLOTS 2
#define UNITS 10

struct seed {
	struct memory_header header;
	struct memory_slot slot[SLOTS];
	union {
		uint8_t bytes[MEMORY_UNIT];
		struct memory_chunk chunk;
		struct memory_thread thread;
		struct memory_site site;
	} unit[UNITS];
};

/* Behind the byte that says how. */
static void put_seed(const char *name, const struct seed *seed)
{
	static uint8_t bytes[1 + sizeof(*seed)];

	memcpy(bytes + 1, seed, sizeof(*seed));
	fuzz_seed(name, bytes, sizeof(bytes));
}

static void put_entries(struct memory_chunk *chunk, uint32_t count, uint32_t site)
{
	struct memory_entry entry = {.ticks = 1000, .site = site, .size = 4};
	uint32_t number = 5;

	for (uint32_t i = 0; i < count; i++) {
		entry.ticks++;
		memcpy(chunk->data + chunk->used, &entry, sizeof(entry));
		memcpy(chunk->data + chunk->used + sizeof(entry), &number, sizeof(number));
		chunk->used += (uint32_t)MEMORY_ENTRY_BYTES(entry.size);
	}
	chunk->count = count;
}

static void make_header(struct memory_header *header)
{
	memcpy(header->magic, MEMORY_MAGIC, sizeof(header->magic));
	header->version = MEMORY_VERSION;
	header->header_size = sizeof(*header);
	header->slots_at = sizeof(*header);
	header->slots = header->slots_used = SLOTS;
	header->units_at = sizeof(*header) + SLOTS * sizeof(struct memory_slot);
	header->units = header->units_used = UNITS;
	header->size = header->units_at + UNITS * MEMORY_UNIT;
}

static void make_slot(struct memory_slot *slot, uint32_t number)
{
	slot->word = MEMORY_WORD(3, MEMORY_OPEN);
	slot->rec = 0x1000;
	slot->id = number + 1;
	slot->strand = 2;
	slot->context = 3;
	strcpy(slot->name, "name");
}

static void make_chunk(struct memory_chunk *chunk, enum memory_kind kind)
{
	chunk->kind = kind;
	chunk->owner = 1 << 2;
	chunk->generation = 3;
}

void fuzz_seeds(void)
{
	static struct seed seed;
	uint32_t site = (uint32_t)offsetof(struct seed, unit[8]) / 8;
	struct memory_chunk *head = &seed.unit[2].chunk;

	make_header(&seed.header);
	for (uint32_t i = 0; i < SLOTS; i++)
		make_slot(&seed.slot[i], i);
	seed.unit[1].thread.kind = MEMORY_THREAD;
	make_chunk(head, MEMORY_HEAD);
	put_entries(head, 3, site);
	put_seed("head", &seed);
	head->tail[0] = 4;
	head->tails = 1;
	make_chunk(&seed.unit[4].chunk, MEMORY_TAIL);
	seed.unit[4].chunk.before = 5;
	put_entries(&seed.unit[4].chunk, 5, site);
	make_chunk(&seed.unit[3].chunk, MEMORY_CONTEXT);
	seed.unit[3].chunk.used = 7;
	memcpy(&seed.unit[8].site.text, "%d\0a.c\0f", 9);
	seed.unit[8].site.format_size = 3;
	seed.unit[8].site.file_size = 4;
	seed.unit[8].site.function_size = 2;
	put_seed("tail", &seed);
	/* A chain of strands without end. */
	head->next = 3ull << 32 | 9;
	memcpy(&seed.unit[9], head, MEMORY_UNIT);
	seed.unit[9].chunk.next = 3ull << 32 | 2;
	put_seed("circle", &seed);
	/* As many slots as its size has room for. */
	seed.header.size = 1ull << 40;
	seed.header.slots = seed.header.slots_used = UINT32_MAX;
	seed.header.units_at = 1ull << 39;
	put_seed("sparse", &seed);
}
