// SPDX-License-Identifier: BSD-2-Clause
/*
 * Call sites in the log. The texts of each are copied the first time it logs, so that its entries
 * can be read after its plugin was unloaded, or from a core file without the executable. A plugin
 * that is loaded again and again finds its texts by their hash.
 */
#include <string.h>

#include "lib/memory.h"

/* Units taken at a time: room for some thirty call sites. */
#define LOT_UNITS 16
/* Call sites get at most an eighth of all units, so that there is always room for entries. */
#define SITES_SHARE 8
#define INDEX_UNITS (MEMORY_SITES_INDEX * sizeof(uint32_t) / MEMORY_UNIT)
#define INDEX_TRIES 16

struct texts {
	const char *text[3];
	uint16_t size[3]; /* with the NUL */
	uint32_t hash;
	uint32_t line;
};

/* FNV-1a. */
static uint32_t hash_bytes(uint32_t hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
	return hash;
}

static void measure(const struct flightrec_site *site, struct texts *texts)
{
	static const size_t max[3] = {MEMORY_FORMAT_MAX, MEMORY_FILE_MAX, MEMORY_FUNCTION_MAX};
	const char *text[3] = {site->format, site->file, site->function};

	texts->hash = 2166136261u ^ site->line;
	texts->line = site->line;
	for (int i = 0; i < 3; i++) {
		texts->text[i] = text[i] ? text[i] : "";
		texts->size[i] = (uint16_t)(strnlen(texts->text[i], max[i] - 1) + 1);
		texts->hash = hash_bytes(texts->hash, texts->text[i], texts->size[i] - (size_t)1);
	}
}

static struct memory_site *site_at(struct memory_header *memory, uint32_t at)
{
	return (struct memory_site *)((char *)memory + (uint64_t)at * 8);
}

static bool is_same(const struct memory_site *site, const struct texts *texts)
{
	const char *text = site->text;
	const uint16_t size[3] = {site->format_size, site->file_size, site->function_size};

	if (site->hash != texts->hash || site->line != texts->line)
		return false;
	for (int i = 0; i < 3; i++) {
		if (size[i] != texts->size[i] ||
		    memcmp(text, texts->text[i], texts->size[i] - (size_t)1) != 0)
			return false;
		text += size[i];
	}
	return true;
}

static uint32_t *find_index(struct memory_header *memory)
{
	uint32_t unit = __atomic_load_n(&memory->sites_index, __ATOMIC_ACQUIRE), none = 0;

	if (!unit) {
		unit = memory_take_units(memory, INDEX_UNITS);
		/* If two threads make it at once, one of the two is left unused. */
		if (unit && !__atomic_compare_exchange_n(&memory->sites_index, &none, unit, false,
							 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			unit = none;
	}
	return unit ? memory_unit(memory, unit) : NULL;
}

/* Takes more room for sites. Returns the new value of sites_room; 0: there is no more. */
static uint64_t more_room(struct memory_header *memory, uint64_t seen)
{
	uint64_t start, room;
	uint32_t unit;

	if (__atomic_load_n(&memory->sites_units, __ATOMIC_RELAXED) + LOT_UNITS >
	    memory->units / SITES_SHARE)
		return 0;
	unit = memory_take_units(memory, LOT_UNITS);
	if (!unit)
		return 0;
	__atomic_fetch_add(&memory->sites_units, LOT_UNITS, __ATOMIC_RELAXED);
	start = (memory->units_at + (uint64_t)unit * MEMORY_UNIT) / 8;
	room = (start + LOT_UNITS * MEMORY_UNIT / 8) << 32 | start;
	return __atomic_compare_exchange_n(&memory->sites_room, &seen, room, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
		       ? room
		       : seen;
}

/* Takes room for @words of 8 bytes each. Returns where it is; 0: none is left. */
static uint32_t take_room(struct memory_header *memory, uint32_t words)
{
	uint64_t room = __atomic_load_n(&memory->sites_room, __ATOMIC_ACQUIRE);

	do {
		if ((room >> 32) - (uint32_t)room < words) {
			room = more_room(memory, room);
			if (!room)
				return 0;
		}
	} while (!__atomic_compare_exchange_n(&memory->sites_room, &room, room + words, true,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return (uint32_t)room;
}

static uint32_t copy_texts(struct memory_header *memory, const struct texts *texts)
{
	size_t size = sizeof(struct memory_site) + texts->size[0] + texts->size[1] + texts->size[2];
	uint32_t at = take_room(memory, (uint32_t)((size + 7) / 8));
	struct memory_site *site;
	char *to;

	if (!at)
		return 0;
	site = site_at(memory, at);
	site->hash = texts->hash;
	site->line = texts->line;
	site->format_size = texts->size[0];
	site->file_size = texts->size[1];
	site->function_size = texts->size[2];
	to = site->text;
	for (int i = 0; i < 3; i++) {
		/* The NUL is there already: this memory was never used. */
		memcpy(to, texts->text[i], texts->size[i] - (size_t)1);
		to += texts->size[i];
	}
	return at;
}

uint32_t memory_site_at(struct memory_header *memory, const struct flightrec_site *site)
{
	uint32_t *index = find_index(memory), at = 0, seen;
	struct texts texts;

	measure(site, &texts);
	for (uint32_t i = 0; index && i < INDEX_TRIES; i++) {
		uint32_t *way = &index[(texts.hash + i) % MEMORY_SITES_INDEX];

		seen = __atomic_load_n(way, __ATOMIC_ACQUIRE);
		if (seen && is_same(site_at(memory, seen), &texts))
			return seen;
		if (seen)
			continue;
		if (!at)
			at = copy_texts(memory, &texts);
		if (!at || __atomic_compare_exchange_n(way, &seen, at, false, __ATOMIC_ACQ_REL,
						       __ATOMIC_ACQUIRE))
			return at;
	}
	return at ? at : copy_texts(memory, &texts);
}
