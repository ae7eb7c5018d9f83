/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a recorder from the log of this process, the way the collector does. */
#ifndef FLIGHTREC_TEST_PROCESS_LOG_H
#define FLIGHTREC_TEST_PROCESS_LOG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/report/render.h"
#include "collector/target/memory_log.h"
#include "lib/process.h"
#include "memory_samples.h"

static struct memory_log log_;
static struct memory_recording recording;
static char message[1200];

struct wanted {
	uint64_t id;
	int found;
};

static inline int find(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	struct wanted *wanted = arg;

	if (copy->id != wanted->id)
		return 0;
	wanted->found++;
	assert_int_equal(memory_log_recording(&log_, slot, copy, 1 << 24, &recording), 0);
	return 0;
}

/* Reads what the log of @process has of @rec. */
static inline void read_log_of(struct flightrec_process *process, const flightrec *rec)
{
	struct memory_header *memory = process_memory(process);
	struct wanted wanted = {.id = rec->id_};

	assert_non_null(memory);
	assert_int_equal(memory_log_open(&log_, read_region, memory), 0);
	assert_int_equal(memory_log_slots(&log_, false, find, &wanted), 0);
	assert_int_equal(wanted.found, 1);
}

/* The message of entry @i. */
static inline const char *text_of(size_t i)
{
	const struct memory_record *record = &recording.record[i];
	struct memory_site_texts site = {0};

	if (record->site)
		assert_int_equal(memory_log_site(&log_, record->site, &site), 0);
	render_message(
		&(struct render_input){
			.format = site.format,
			.format_size = strlen(site.format),
			.data = recording.bytes + record->data,
			.size = record->size,
			.severity_flags = record->severity_flags,
		},
		message, sizeof(message));
	return message;
}

#endif /* FLIGHTREC_TEST_PROCESS_LOG_H */
