/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes that note what they would have told a watcher, and the watcher's side of them. */
#ifndef FLIGHTREC_UNIT_FAKE_PROBES_H
#define FLIGHTREC_UNIT_FAKE_PROBES_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/probe.h"

#define HOUR FLIGHTREC_SEC(3600)

/* What was told last, and how often each probe was passed. */
struct probed {
	atomic_uint count[FLIGHTREC_PROBES];
	uint64_t id, parent_id, timeout_ns, how, size;
	const flightrec *rec;
	const struct flightrec_site *site;
	char name[FLIGHTREC_NAME_MAX];
	unsigned char data[FLIGHTREC_ENTRY_MAX];
};

extern struct probed probed;

static inline void watch(uint16_t watchers)
{
	for (int i = 0; i < FLIGHTREC_PROBES; i++)
		flightrec_state_.semaphore[FLIGHTREC_SEMAPHORE(i)] = watchers;
}

static inline unsigned int count(enum flightrec_probe probe)
{
	return atomic_load(&probed.count[probe]);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&probed, 0, sizeof(probed));
	watch(1);
	return 0;
}

static inline uint64_t open_slots(void)
{
	struct flightrec_process *process = (void *)(uintptr_t)flightrec_state_.process;
	uint64_t left = process ? process->used : 0, open = 0;

	for (unsigned int k = 0; k < FLIGHTREC_OPEN_CHUNKS && left; k++) {
		struct flightrec_open *slot = (void *)(uintptr_t)flightrec_state_.chunk[k];
		uint64_t n = FLIGHTREC_OPEN_CHUNK << k;

		for (uint64_t i = 0; i < n && left; i++, left--)
			open += slot[i].id != 0;
	}
	return open;
}

/* Every test closes what it opens: nothing is left open, and nothing is current. */
static inline int teardown(void **state)
{
	(void)state;
	return open_slots() != 0 || flightrec_current() != NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* FLIGHTREC_UNIT_FAKE_PROBES_H */
