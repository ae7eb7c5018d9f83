/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives up, for good, all that reading files which others made does not need. What is left: reading
 * descriptors that are open or are passed to it, memory, and answering on descriptors it has. Not
 * to open, to start, to signal or to connect to anything.
 */
#ifndef FLIGHTREC_CONFINE_H
#define FLIGHTREC_CONFINE_H

#include <stdint.h>

struct confine_limits {
	uint64_t memory; /* bytes of address space */
	uint64_t files;  /* descriptors */
};

/*
 * Returns 0; or a negative errno, after which the process must end. Only for one that has one
 * thread. Ends with whoever started it.
 */
int confine(const struct confine_limits *limits);

#endif /* FLIGHTREC_CONFINE_H */
