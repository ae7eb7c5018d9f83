/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of the memory log: the processor's counter where it can be trusted, as it costs a fifth
 * of clock_gettime(); otherwise CLOCK_MONOTONIC in nanoseconds. Async-signal-safe.
 */
#ifndef FLIGHTREC_LIB_TICKS_H
#define FLIGHTREC_LIB_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "format/counter.h"

/*
 * What to add to the result of clock_gettime(), modulo 2^64, to get the kernel's time, which
 * deadlines and readers of the log go by. 0 unless a library such as libfaketime fakes the clock.
 */
extern uint64_t ticks_monotonic_faked __attribute__((visibility("hidden")));
extern uint64_t ticks_real_faked __attribute__((visibility("hidden")));

/* Finds both, with a system call each. To be called before anything is opened. */
void ticks_find_faked(void);

static inline uint64_t ticks_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t ticks_monotonic_ns(void)
{
	return ticks_clock_ns(CLOCK_MONOTONIC) + ticks_monotonic_faked;
}

static inline uint64_t ticks_real_ns(void)
{
	return ticks_clock_ns(CLOCK_REALTIME) + ticks_real_faked;
}

/*
 * Whether the counter runs alike on all CPUs. The kernel knows, and lets clock_gettime() do without
 * a system call only then. So that is found out by timing it, for some microseconds.
 */
bool ticks_trust_counter(void);

static inline uint64_t ticks_now(bool counter)
{
	return __builtin_expect(counter, 1) ? counter_now() : ticks_monotonic_ns();
}

/* The sum, or the largest number there is if the sum is larger. */
static inline uint64_t ticks_sum(uint64_t a, uint64_t b)
{
	return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

#endif /* FLIGHTREC_LIB_TICKS_H */
