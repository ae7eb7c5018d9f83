/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The probes. Each is a function of its own, never inlined, so that a watcher needs one breakpoint
 * for it, however many logging statements there are. <flightrec/probes.h> has their arguments.
 */
#ifndef FLIGHTREC_LIB_PROBE_H
#define FLIGHTREC_LIB_PROBE_H

#include <stdint.h>

#include "flightrec.h"
#include "flightrec/probes.h"

struct memory_header;

/*
 * What the library shares with its watchers. At first everything is zero except magic, version and
 * size.
 *
 * The kernel increments a semaphore in the first writable mapping of its place in the file. But two
 * segments may share a page of the file; lld and mold let the data share one with what becomes
 * read-only after relocation. Then the kernel may increment a page that the program never reads. So
 * the state has whole pages of the file to itself, as large as they can be on the architecture.
 */
#if defined(__aarch64__)
#define STATE_PAGE_BYTES 65536
#else
#define STATE_PAGE_BYTES 4096
#endif
extern __attribute__((visibility("hidden"))) struct flightrec_state flightrec_state_;

static inline int probe_watched(enum flightrec_probe probe)
{
	const volatile uint16_t *semaphore =
		&flightrec_state_.semaphore[FLIGHTREC_SEMAPHORE(probe)];

	return __builtin_expect(*semaphore != 0, 0);
}

/* The arguments of the entry probe. */
struct probe_entry {
	const flightrec *rec;
	uint64_t id;
	const struct flightrec_site *site;
	uint64_t how;
	const void *data;
	uint64_t size;
};

/* At @name and data, FLIGHTREC_PROBE_WORDS * 8 bytes must be readable, however short they are. */
void probe_begin(const flightrec *rec, uint64_t id, uint64_t timeout_ns, const char *name,
		 uint64_t parent_id);
void probe_entry(const struct probe_entry *entry);
void probe_end(const flightrec *rec, uint64_t id);
void probe_extend(const flightrec *rec, uint64_t id, uint64_t timeout_ns);
void probe_context(const flightrec *rec, uint64_t id, const void *data, uint64_t size);
void probe_replay(const flightrec *rec, uint64_t id);
void probe_arm(const struct memory_header *memory, uint64_t timeout_ns);
void probe_late(const struct memory_header *memory, uint64_t slot, uint64_t id);
void probe_stray(const struct flightrec_site *site, uint64_t how, const void *data, uint64_t size);
void probe_leave(const struct memory_header *memory, uint64_t opened, uint64_t entries);

#endif /* FLIGHTREC_LIB_PROBE_H */
