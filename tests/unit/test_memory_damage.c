// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/collector/target/memory_log.c */
/* clang-format on */
/* Call sites in the memory log, and logs that lie. */
#include <stdlib.h>

#include "collector/target/memory_log.h"
#include "memory_samples.h"

/* ---- call sites ---- */

static void test_sites(void **state)
{
	struct memory_header *memory = memory_create(1, "1M");
	struct flightrec_site site = {
		.format = "get(%s)", .file = "a.c", .function = "f", .line = 7};
	struct flightrec_site same = site, other = site;
	struct memory_site_texts texts;
	struct memory_log log;
	char format[2000];
	uint32_t at, last = 0;

	(void)state;
	assert_int_equal(memory_log_open(&log, read_region, memory), 0);
	at = memory_site_at(memory, &site);
	assert_true(at);
	assert_int_equal(memory_site_at(memory, &same), at);
	other.line = 8;
	assert_int_not_equal(memory_site_at(memory, &other), at);
	assert_int_equal(memory_log_site(&log, at, &texts), 0);
	assert_string_equal(texts.format, "get(%s)");
	assert_string_equal(texts.file, "a.c");
	assert_string_equal(texts.function, "f");
	assert_int_equal(texts.line, 7);
	memset(format, 'x', sizeof(format) - 1);
	format[sizeof(format) - 1] = '\0';
	other.format = format;
	at = memory_site_at(memory, &other);
	assert_int_equal(memory_log_site(&log, at, &texts), 0);
	assert_int_equal(strlen(texts.format), MEMORY_FORMAT_MAX - 1);
	assert_string_equal(texts.file, "a.c");
	/* However many there are, they get their share and no more. */
	for (uint32_t i = 0; i < 20000; i++) {
		other.line = i;
		at = memory_site_at(memory, &other);
		last = at ? i : last;
	}
	assert_true(last > 100 && last < 1000);
	assert_true(memory->units_used < memory->units / 4);
	assert_int_equal(memory_log_site(&log, 0, &texts), -ENOENT);
	assert_int_equal(memory_log_site(&log, 1, &texts), -ENOENT);
	assert_int_equal(memory_log_site(&log, UINT32_MAX, &texts), -ENOENT);
	memory_destroy(memory);
}

/* ---- lies ---- */

struct damaged {
	unsigned char *bytes;
	size_t size;
	uint64_t reads;
};

static int read_damaged(void *arg, uint64_t offset, void *to, size_t size)
{
	struct damaged *damaged = arg;

	damaged->reads++;
	if (offset > damaged->size || size > damaged->size - offset)
		return -EFAULT;
	memcpy(to, damaged->bytes + offset, size);
	return 0;
}

static struct memory_log damaged_log;
static struct damaged damaged;
static struct memory_site_texts damaged_texts;

static int read_all(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	struct memory_recording *recording = arg;
	uint64_t before = damaged.reads;
	int err = memory_log_recording(&damaged_log, slot, copy, 65536, recording);

	for (size_t i = 0; !err && i < recording->n; i++) {
		assert_true((uint64_t)recording->record[i].data + recording->record[i].size <=
			    recording->bytes_used);
		memory_log_site(&damaged_log, recording->record[i].site, &damaged_texts);
	}
	assert_true(recording->bytes_used <= 65536);
	/* A limited number of steps, whatever the chains look like. */
	assert_true(damaged.reads - before < 8ull * MEMORY_STRANDS_MAX * 16 + 65536);
	return 0;
}

static void test_damage(void **state)
{
	struct memory_header *memory = memory_create(1, "256K");
	struct memory_writer w = writer(memory, 0), handler = writer(memory, 1);
	struct flightrec_site site = {.format = "%s", .file = "a.c", .function = "f", .line = 7};
	struct memory_recording recording = {0};
	unsigned char *good;
	size_t used;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		open_slot(&w, i, i + 1);
		memory_set_context(&w, i, i + 1, "context", 7);
		memory_site_at(memory, &site);
		for (uint64_t k = 0; k < 300; k++) {
			assert_true(put(&w, i, i + 1, k, 24));
			assert_true(put(&handler, i, i + 1, k, 3));
		}
	}
	used = memory->units_at + (size_t)memory->units_used * MEMORY_UNIT;
	damaged.size = memory->size;
	damaged.bytes = malloc(damaged.size);
	good = malloc(damaged.size);
	assert_true(damaged.bytes && good);
	memcpy(good, memory, damaged.size);
	memcpy(damaged.bytes, good, damaged.size);
	srand(1);
	for (int seed = 0; seed < 100000; seed++) {
		size_t at[8];
		int changes = 1 + rand() % 8;

		for (int i = 0; i < changes; i++) {
			/* In the header, a slot, or a chunk. */
			at[i] = rand() % 3 == 0 ? (size_t)rand() % sizeof(*memory)
				: rand() % 2 == 0
					? memory->slots_at + (size_t)rand() % 512
					: memory->units_at +
						  (size_t)rand() % (used - memory->units_at);
			damaged.bytes[at[i]] = (unsigned char)(rand() % 4   ? rand()
							       : rand() % 2 ? 0xff
									    : 0);
		}
		if (memory_log_open(&damaged_log, read_damaged, &damaged) == 0)
			memory_log_slots(&damaged_log, seed % 2, read_all, &recording);
		for (int i = 0; i < changes; i++)
			damaged.bytes[at[i]] = good[at[i]];
	}
	memory_recording_free(&recording);
	free(damaged.bytes);
	free(good);
	memory_destroy(memory);
}

/* A log that claims to be larger than any the library makes, with nothing in it. */
static void test_slots_without_end(void **state)
{
	struct memory_header *memory = memory_create(1, "256K");
	struct memory_header lie = *memory;
	struct memory_log log;

	(void)state;
	lie.size = 1ull << 40;
	lie.units_at = 1ull << 39;
	lie.units = 0;
	lie.slots = MEMORY_SLOTS_MAX;
	assert_int_equal(memory_log_open(&log, read_region, &lie), 0);
	lie.slots++;
	assert_int_equal(memory_log_open(&log, read_region, &lie), -EBADMSG);
	lie.slots = UINT32_MAX;
	assert_int_equal(memory_log_open(&log, read_region, &lie), -EBADMSG);
	memory_destroy(memory);
}

static int read_counted(void *arg, uint64_t offset, void *to, size_t size)
{
	damaged.reads++;
	return read_region(arg, offset, to, size);
}

/* Strands that are chained in a circle are read once, or twice. */
static void test_circles(void **state)
{
	struct memory_header *memory = memory_create(1, "256K");
	struct memory_writer w = writer(memory, 0);
	struct memory_recording recording = {0};
	struct memory_chunk *head, *other;
	struct memory_slot slot;
	struct memory_log log;
	uint32_t unit;

	(void)state;
	open_slot(&w, 0, 1);
	assert_true(put(&w, 0, 1, 5, 0));
	assert_int_equal(memory_log_open(&log, read_counted, memory), 0);
	assert_int_equal(memory_log_slot(&log, 0, &slot), 0);
	head = memory_unit(memory, slot.strand);
	head->next = MEMORY_WORD_GENERATION(slot.word) << 32 | slot.strand;
	damaged.reads = 0;
	assert_int_equal(memory_log_recording(&log, 0, &slot, 65536, &recording), 0);
	assert_int_equal(recording.n, 1);
	assert_true(damaged.reads < 10);
	unit = memory_take_units(memory, 1);
	assert_true(unit);
	other = memory_unit(memory, unit);
	memcpy(other, head, MEMORY_UNIT);
	head->next = MEMORY_WORD_GENERATION(slot.word) << 32 | unit;
	damaged.reads = 0;
	assert_int_equal(memory_log_recording(&log, 0, &slot, 65536, &recording), 0);
	assert_in_range(recording.n, 2, 4);
	assert_true(damaged.reads < 30);
	memory_recording_free(&recording);
	memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_slots_without_end),
		cmocka_unit_test(test_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
