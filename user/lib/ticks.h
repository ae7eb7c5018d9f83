/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of the memory log: the processor's counter where it can be trusted, a fifth of the
 * cost of clock_gettime(); else CLOCK_MONOTONIC in nanoseconds. Async-signal-safe.
 */
#ifndef FLIGHTREC_LIB_TICKS_H
#define FLIGHTREC_LIB_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "format/counter.h"

static inline uint64_t ticks_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * Whether the counter runs alike on all CPUs. The kernel knows: only then does clock_gettime()
 * answer without a system call. So one is timed against the other, for some microseconds.
 */
bool ticks_trust_counter(void);

static inline uint64_t ticks_now(bool counter)
{
	return __builtin_expect(counter, 1) ? counter_now() : ticks_monotonic_ns();
}

/* Their sum; the largest number there is if that is larger. */
static inline uint64_t ticks_sum(uint64_t a, uint64_t b)
{
	return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

#endif /* FLIGHTREC_LIB_TICKS_H */
