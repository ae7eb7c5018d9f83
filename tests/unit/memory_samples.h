/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a memory log as the library does, for tests of the code that reads it. */
#ifndef FLIGHTREC_TEST_MEMORY_SAMPLES_H
#define FLIGHTREC_TEST_MEMORY_SAMPLES_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/memory.h"

static inline int read_region(void *arg, uint64_t offset, void *to, size_t size)
{
	const struct memory_header *memory = arg;

	if (offset > memory->size || size > memory->size - offset)
		return -EFAULT;
	memcpy(to, (const char *)memory + offset, size);
	return 0;
}

static inline struct memory_writer writer(struct memory_header *memory, uint32_t level)
{
	struct memory_writer w = memory_writer_for(memory, (uint32_t)syscall(SYS_gettid), 0);

	assert_non_null(w.thread);
	w.owner |= level;
	return w;
}

/* Opens recorder @id in @slot. */
static inline void open_slot(const struct memory_writer *w, uint32_t slot, uint64_t id)
{
	flightrec rec = {.timeout_ns_ = 1000, .tid_ = 7, .name_ = "name"};

	memory_open(w, slot, id, &rec);
}

/* An entry of 16 bytes, which begin with a number, and @padding bytes. */
static inline bool put(const struct memory_writer *w, uint32_t slot, uint64_t id, uint64_t number,
		       uint32_t padding)
{
	struct memory_place place;
	uint64_t data[2] = {number, 0};

	if (!memory_place(w, slot, id, &place))
		return false;
	if (place.room < sizeof(data) + padding && !memory_place_again(w, &place))
		return false;
	memcpy(place.entry->data, data, sizeof(data));
	memset(place.entry->data + sizeof(data), 'x', padding);
	place.entry->site = 0;
	place.entry->severity_flags = FLIGHTREC_INFO;
	memory_commit(w, &place, (uint32_t)sizeof(data) + padding);
	return true;
}

#endif /* FLIGHTREC_TEST_MEMORY_SAMPLES_H */
