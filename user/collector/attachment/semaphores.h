/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a process can see that it is watched. The kernel increments a probe's semaphore in the
 * first mapping that fits, which need not be the one that the program reads.
 */
#ifndef FLIGHTREC_SEMAPHORES_H
#define FLIGHTREC_SEMAPHORES_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Returns those of @probes (a bit for each enum flightrec_probe) whose semaphore is 0 in process
 * @pid, in the copy whose struct flightrec_state is at @state. Returns none if that cannot be read
 * or is no state of this version.
 */
unsigned semaphores_down(pid_t pid, uint64_t state, unsigned probes);

#endif /* FLIGHTREC_SEMAPHORES_H */
