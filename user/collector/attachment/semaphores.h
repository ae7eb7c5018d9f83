/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a process reads that it is watched. The kernel counts a probe's semaphore up where it
 * takes it to be: in the first mapping that fits, and that need not be where the program reads it.
 */
#ifndef FLIGHTREC_SEMAPHORES_H
#define FLIGHTREC_SEMAPHORES_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Of @probes (a bit for each enum flightrec_probe) of the copy whose struct flightrec_state is at
 * @state in process @pid, those whose semaphore is 0 there. If that cannot be read, or no state of
 * this version is there: none.
 */
unsigned semaphores_down(pid_t pid, uint64_t state, unsigned probes);

#endif /* FLIGHTREC_SEMAPHORES_H */
