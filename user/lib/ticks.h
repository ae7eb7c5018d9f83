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

/*
 * What clock_gettime() has to be added to, modulo 2^64: 0 unless a library such as libfaketime puts
 * another clock in its place. Deadlines are the kernel's, and a reader of the log has its clock.
 */
extern uint64_t ticks_monotonic_faked __attribute__((visibility("hidden")));
extern uint64_t ticks_real_faked __attribute__((visibility("hidden")));

/* Determines both, by a system call each. Called before anything is opened. */
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
