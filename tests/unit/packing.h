/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs entries right in front of a page that faults, and takes them apart again. */
#ifndef FLIGHTREC_UNIT_PACKING_H
#define FLIGHTREC_UNIT_PACKING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/pack.h"

#define SEVERITY FLIGHTREC_WARNING
#define SITE                                                                                       \
	{                                                                                          \
		.file = "file.c", .function = "function"                                           \
	}

static char *guard; /* a page that faults: nothing can be read or written beyond what ends here */
static char *out_guard;

static inline char *map_guarded(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, (size_t)page, PROT_NONE))
		return NULL;
	return pages + page;
}

static inline int map_guards(void **state)
{
	(void)state;
	guard = map_guarded();
	out_guard = map_guarded();
	return guard && out_guard ? 0 : -1;
}

/* What was packed last. */
static struct {
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	size_t size;
	size_t at; /* read so far, by the want_*() below */
	uint32_t how;
} packed;

static inline void keep(unsigned char *data, size_t size, size_t capacity, uint32_t how)
{
	assert_true(size <= capacity);
	assert_int_equal(how & FLIGHTREC_HOW_SEVERITY, SEVERITY);
	memcpy(packed.data, data, size);
	packed.size = size;
	packed.at = 0;
	packed.how = how & ~FLIGHTREC_HOW_SEVERITY;
}

static inline void pack(struct flightrec_site *site, size_t capacity, const char *format, ...)
{
	unsigned char *data = (unsigned char *)out_guard - capacity;
	struct pack_source source = {site, format, 42, SEVERITY};
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_entry(&source, data, capacity, args);
	va_end(args);
	keep(data, size, capacity, source.how);
}

static inline void pack_format(size_t capacity, const char *format, ...)
{
	unsigned char *data = (unsigned char *)out_guard - capacity;
	struct pack_source source = {NULL, format, 42, SEVERITY};
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_inline(&source, data, capacity, args);
	va_end(args);
	keep(data, size, capacity, source.how);
}

static inline void take(void *value, size_t size)
{
	assert_true(packed.size - packed.at >= size);
	memcpy(value, packed.data + packed.at, size);
	packed.at += size;
}

static inline void want_int(int32_t expected)
{
	int32_t value;

	take(&value, sizeof(value));
	assert_int_equal(value, expected);
}

static inline void want_long(int64_t expected)
{
	int64_t value;

	take(&value, sizeof(value));
	assert_true(value == expected);
}

static inline void want_double(double expected)
{
	double value;

	take(&value, sizeof(value));
	assert_true(value == expected);
}

static inline void want_string(const char *expected, uint16_t cut)
{
	size_t size = strlen(expected);
	uint16_t word;
	char value[FLIGHTREC_ENTRY_MAX];

	take(&word, sizeof(word));
	assert_int_equal(word, size | cut);
	take(value, size);
	assert_memory_equal(value, expected, size);
}

static inline void want_end(uint32_t how)
{
	assert_int_equal(packed.at, packed.size);
	assert_int_equal(packed.how, how);
}

#endif /* FLIGHTREC_UNIT_PACKING_H */
