// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/semaphores.h"

#include <string.h>

#include "collector/target/target_memory.h"

unsigned semaphores_down(pid_t pid, uint64_t state, unsigned probes)
{
	struct flightrec_state copy;
	struct target target;
	unsigned down = 0;

	target_init(&target, pid);
	if (target_read(&target, state, &copy, sizeof(copy)) == 0 &&
	    memcmp(copy.magic, FLIGHTREC_STATE_MAGIC, sizeof(copy.magic)) == 0 &&
	    copy.version == FLIGHTREC_STATE_VERSION) {
		for (unsigned p = 0; p < FLIGHTREC_PROBES; p++) {
			if (probes & 1u << p && !copy.semaphore[FLIGHTREC_SEMAPHORE(p)])
				down |= 1u << p;
		}
	}
	target_close(&target);
	return down;
}
