/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks. The kernel's time stamps are on CLOCK_MONOTONIC; people read CLOCK_REALTIME. */
#ifndef FLIGHTREC_CLOCK_H
#define FLIGHTREC_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * What to add to a CLOCK_MONOTONIC time, modulo 2^64, to get real time. Changes when the clock is
 * set.
 */
static inline uint64_t clock_real_offset(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
}

/* Their sum; the latest time there is if that is later. */
static inline uint64_t clock_sum(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns <= UINT64_MAX - b_ns ? a_ns + b_ns : UINT64_MAX;
}

#endif /* FLIGHTREC_CLOCK_H */
