// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/kernel/ring_record.c user/collector/recorder/entry_buffer.c */
/* link: user/collector/report/render.c user/collector/report/render_number.c */
/* link: user/collector/report/render_out.c user/format/conversion.c */
/* A record of a ring, which then goes where those that are good go. */
#include <stdlib.h>
#include <string.h>

#include "collector/kernel/ring_record.h"
#include "collector/recorder/entry_buffer.h"
#include "collector/report/render.h"
#include "flightrec/probes.h"
#include "fuzz.h"

/* Enough for an entry of 1 KiB to need a second chunk, and a budget that does not reach. */
#define ENTRIES 100

static const struct ring_record_limits limits = {.recorders = 1000, .processes = 100};

/* What an entry allocates is a chunk of its buffer. */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {20000000, 20000},
	.allocated = {65536, 64},
};

static void render(void *arg, const struct entry_record *record, bool head)
{
	const char *format = "%s %d %5.3f %ls";
	char message[2048];

	(void)head;
	render_message(
		&(struct render_input){
			.format = format,
			.format_size = strlen(format),
			.data = record->data,
			.size = record->size,
			.severity_flags = record->severity_flags,
		},
		message, sizeof(message));
	++*(uint64_t *)arg;
}

static void check_entry(const struct entry_record *entry, size_t size)
{
	struct entry_budget budget = {.limit = 200000};
	struct entry_buffer buffer = {0};
	uint64_t seen = 0;

	fuzz_check(entry->size <= size - sizeof(*entry));
	for (int i = 0; i < ENTRIES; i++) {
		entry_buffer_add(&buffer, &budget, entry);
		fuzz_check(budget.used <= budget.limit);
	}
	fuzz_check(!entry_buffer_check(&buffer));
	entry_buffer_each(&buffer, render, &seen);
	fuzz_check(seen + buffer.dropped == ENTRIES);
	entry_buffer_clear(&buffer, &budget);
	fuzz_check(budget.used == 0);
}

static void check_site(const struct site_record *site)
{
	fuzz_check(!site->format_size || strlen(site->format) < site->format_size);
	fuzz_check(!site->file_size || strlen(site->file) < site->file_size);
	fuzz_check(!site->function_size || strlen(site->function) < site->function_size);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	const struct notice *notice;
	struct ring_record record;
	uint8_t *copy = malloc(size);

	fuzz_check(copy || !size);
	if (size)
		memcpy(copy, data, size);
	if (ring_record_check(copy, size, &limits, &record) == 0) {
		fuzz_check(record.process < limits.processes);
		fuzz_check(!record.entry == (record.type == RECORD_SITE));
		if (record.entry)
			check_entry(record.entry, size);
		else
			check_site(record.site);
	} else {
		fuzz_check(!record.entry && !record.site);
	}
	notice = ring_record_notice(copy, size, &limits);
	fuzz_check(!notice || size >= sizeof(*notice));
	free(copy);
}

void fuzz_seeds(void)
{
	union {
		struct entry_record entry;
		uint8_t bytes[sizeof(struct entry_record) + 24];
	} entry = {.entry = {.type = RECORD_ENTRY, .size = 24, .severity_flags = 3, .slot = 5}};
	struct site_record site = {.type = RECORD_SITE,
				   .format_size = 3,
				   .file_size = 4,
				   .function_size = 2,
				   .format = "%d",
				   .file = "a.c",
				   .function = "f"};
	struct notice notice = {.type = NOTICE_PROCESS, .index = 7};

	memcpy(entry.bytes + sizeof(entry.entry), "\3\0abc\1\0\0\0", 9);
	fuzz_seed("entry", &entry, sizeof(entry));
	entry.entry.type = RECORD_CONTEXT;
	fuzz_seed("context", &entry, sizeof(entry));
	entry.entry.type = RECORD_ENTRY;
	entry.entry.severity_flags |= FLIGHTREC_HOW_INLINE;
	memcpy(entry.bytes + sizeof(entry.entry), "\4\0%s%d\2\0ab\1\0\0\0", 14);
	fuzz_seed("inline", &entry, sizeof(entry));
	fuzz_seed("site", &site, sizeof(site));
	fuzz_seed("notice", &notice, sizeof(notice));
}
